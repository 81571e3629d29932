//! `strongroom-server`: Secrets Manager and KMS on this machine, for any AWS client.

mod log;

use std::error::Error;
use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Parser;
use log::Log;
use strongroom::{AccountId, Region};
use strongroom_envelope::SecretText;
use strongroom_server::{Metrics, Server, Tls};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Secrets Manager and KMS on this machine, for any AWS client.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; port 0 takes a free one. Beyond loopback only with TLS.
    #[arg(long, default_value = "127.0.0.1:4766")]
    listen: SocketAddr,
    /// The certificate to show, in PEM, followed by those that lead to its authority: then TLS is spoken.
    #[arg(long, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM.
    #[arg(long, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Where everything is kept.
    #[arg(long, default_value = "./strongroom.d", conflicts_with = "memory")]
    data: PathBuf,
    /// Keep everything in memory.
    #[arg(long)]
    memory: bool,
    /// The region in which identities are kept; all regions are served.
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// The account.
    #[arg(long, default_value = "000000000000")]
    account: String,
    /// The file of the root key, made when there is none. Unless given, within the data directory: then whoever has the directory
    /// has everything.
    #[arg(long)]
    root_key: Option<PathBuf>,
    /// Where to answer Prometheus, `GET /metrics`; without it nothing is counted. Loopback only.
    #[arg(long)]
    metrics: Option<SocketAddr>,
    /// Take any credentials, for test suites: 12 digits as access key id name an account, anything else is the root of the default one.
    #[arg(long)]
    accept_any_credentials: bool,
    /// Write the log as JSON.
    #[arg(long)]
    log_json: bool,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let log = Log::default();
    let _writing = log.start()?;
    let log = tracing_subscriber::fmt().with_writer(log).with_target(false);
    if arguments.log_json {
        log.json().init()
    } else {
        log.init()
    }
    let tls = match (&arguments.tls_cert, &arguments.tls_key) {
        (Some(certificate), Some(key)) => Some(
            Tls::from_files(certificate, key).map_err(|error| format!("--tls-cert, --tls-key: {error}"))?,
        ),
        _ => None,
    };
    if !arguments.listen.ip().is_loopback() {
        if tls.is_none() {
            return Err("--listen: beyond loopback only with --tls-cert and --tls-key".into());
        }
        if arguments.accept_any_credentials {
            return Err("--accept-any-credentials: only on loopback addresses".into());
        }
    }
    if let Some(address) = arguments.metrics {
        if !address.ip().is_loopback() {
            return Err("--metrics: only loopback addresses".into());
        }
        let metrics = Metrics::install()?;
        let listener = TcpListener::bind(address).await?;
        tracing::info!("metrics on http://{}/metrics", listener.local_addr()?);
        tokio::spawn(metrics.serve(listener));
    }
    #[cfg(unix)]
    raise_open_files();
    let account = AccountId::parse(&arguments.account)?;
    let region = Region::parse(&arguments.region)?;
    let mut builder = Server::builder().account(account).region(region);
    let mut told = true;
    if !arguments.memory {
        make_directory(&arguments.data)?;
        let root_key = arguments.root_key.clone().unwrap_or_else(|| arguments.data.join("root.key"));
        builder = builder.directory(&arguments.data, root_key);
    }
    let file = (!arguments.memory).then(|| arguments.data.join("access-key"));
    let given =
        match (std::env::var("STRONGROOM_ACCESS_KEY_ID"), std::env::var("STRONGROOM_SECRET_ACCESS_KEY")) {
            (Ok(id), Ok(secret)) => Some((id, SecretText::from_string(secret))),
            (Ok(_), Err(_)) | (Err(_), Ok(_)) => {
                return Err("STRONGROOM_ACCESS_KEY_ID and STRONGROOM_SECRET_ACCESS_KEY go together".into());
            }
            _ => file.as_deref().map(read_access_key).transpose()?.flatten(),
        };
    if let Some((id, secret)) = given {
        builder = builder.access_key(id, secret);
        told = false;
    }
    if arguments.accept_any_credentials {
        tracing::warn!("any credentials are taken: whoever reaches this port is the root of any account");
        builder = builder.accept_any_credentials();
    }
    let server = builder.open().await?;
    if told {
        let (id, secret) = server.owner_access_key();
        if let Some(file) = &file {
            write_access_key(file, id, secret)?;
        }
        let mut out = std::io::stderr().lock();
        writeln!(out, "export AWS_ACCESS_KEY_ID={id}\nexport AWS_SECRET_ACCESS_KEY={}", secret.expose())?;
    }
    let listener = TcpListener::bind(arguments.listen).await?;
    let address = listener.local_addr()?;
    {
        let mut out = std::io::stdout().lock();
        writeln!(out, "listening on {}://{address}", if tls.is_some() { "https" } else { "http" })?;
        out.flush()?;
    }
    match tls {
        Some(tls) => server.serve_tls(listener, tls, stopped()).await?,
        None => server.serve(listener, stopped()).await?,
    }
    Ok(())
}

/// As many open files as the process may have: each connection is one.
#[cfg(unix)]
fn raise_open_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if setrlimit(Resource::Nofile, limit).is_err() {
        tracing::warn!("the limit of open files stays as it is");
    }
}

/// Ready when somebody wants the server to end.
async fn stopped() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
        if let Ok(mut terminate) = terminate {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}

fn make_directory(directory: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// The two lines of the file, if there is one.
fn read_access_key(file: &Path) -> Result<Option<(String, SecretText)>, Box<dyn Error>> {
    let text = match fs::read_to_string(file) {
        Ok(text) => SecretText::from_string(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut lines = text.expose().lines();
    match (lines.next(), lines.next()) {
        (Some(id), Some(secret)) => Ok(Some((id.to_owned(), SecretText::copy_from(secret)))),
        _ => {
            Err(format!("{} does not hold an access key id and a secret, a line each", file.display()).into())
        }
    }
}

fn write_access_key(file: &Path, id: &str, secret: &SecretText) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(file)?;
    out.write_all(format!("{id}\n").as_bytes())?;
    out.write_all(secret.expose().as_bytes())?;
    out.write_all(b"\n")?;
    out.sync_all()
}
