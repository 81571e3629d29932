//! `strongroom-server`: a self-hosted Secrets Manager and KMS for any AWS client.

mod arguments;
mod owner_key_command;
mod process;

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use arguments::{Arguments, Command};
use strongroom::chain;
use strongroom_http::Log;
use strongroom_server::{Metrics, Server, ServerBuilder, Tls};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Wipes all memory when it is freed: the HTTP, TLS and JSON libraries make copies of what clients
/// send.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<mimalloc::MiMalloc> =
    zeroizing_alloc::ZeroAlloc(mimalloc::MiMalloc);

fn main() -> ExitCode {
    let arguments = Arguments::read();
    let mut log = Log::new(arguments.log_json);
    // Dropping it writes the rest of the log, however `main` returns, within a bounded time.
    let _writing = match log.start() {
        Ok(writing) => writing,
        Err(_) => return ExitCode::FAILURE,
    };
    match run(&arguments, &log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // In one piece: other threads may still be logging.
            let _ = log.write_all(format!("strongroom-server: {}\n", chain(&*error)).as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments, log: &Log) -> Result<(), Box<dyn Error>> {
    let filter = log_filter(&arguments.log_level)?;
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(log.clone()).with_target(false);
    if arguments.log_json {
        subscriber.json().init();
    } else {
        subscriber.init();
    }
    process::protect(arguments)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("failed to start the runtime: {error}"))?;
    runtime.block_on(async {
        match &arguments.command {
            Some(Command::OwnerKey { action }) => owner_key_command::run(arguments, action).await,
            None => serve(arguments).await,
        }
    })
}

/// Parses a level, or directives on top of the default level.
fn log_filter(text: &str) -> Result<EnvFilter, Box<dyn Error>> {
    let failed = |error: &dyn std::fmt::Display| format!("--log-level: {error}");
    if !text.contains(['=', ',', '[']) && !text.trim().is_empty() {
        // `EnvFilter` would take any other word for a module and silence everything else.
        let level: LevelFilter = text.trim().parse().map_err(|_| {
            failed(&format!("{text:?} is not one of off, error, warn, info, debug and trace"))
        })?;
        return Ok(EnvFilter::default().add_directive(level.into()));
    }
    EnvFilter::try_new(format!("info,{text}")).map_err(|error| failed(&error).into())
}

async fn serve(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let tls = match (&arguments.tls_cert, &arguments.tls_key) {
        (Some(certificate), Some(key)) => Some(
            Tls::from_files(certificate, key).map_err(|error| format!("--tls-cert, --tls-key: {error}"))?,
        ),
        _ => None,
    };
    let listener = listener("--listen", &arguments.listen).await?;
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        if tls.is_none() {
            return Err("--listen: an address other than loopback requires --tls-cert and --tls-key".into());
        }
        if arguments.accept_any_credentials {
            return Err("--accept-any-credentials: only on loopback addresses".into());
        }
    }
    if let Some(metrics_address) = &arguments.metrics {
        let listener = self::listener("--metrics", metrics_address).await?;
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() {
            return Err("--metrics: only loopback addresses are allowed".into());
        }
        let metrics = Metrics::install()?;
        tracing::info!("metrics on http://{address}/metrics");
        tokio::spawn(metrics.serve(listener));
    }
    let mut builder = with_owner_key(arguments.server()?, arguments)?;
    for name in &arguments.allow_host {
        builder = builder.allow_host(name);
    }
    if arguments.accept_any_credentials {
        tracing::warn!(
            "any credentials are accepted: anyone who can reach this port can act as the root of any account"
        );
        builder = builder.accept_any_credentials();
    }
    // From here on, a signal shuts the server down gracefully.
    let stop = stop_signal()?;
    let server = builder.open().await?;
    if let Some(directory) = arguments.directory()
        && arguments.root_key_path().is_some_and(|key| key.starts_with(directory))
    {
        tracing::warn!(
            "the root key is inside the data directory: anyone who copies the directory can read everything; store the key elsewhere with --root-key"
        );
    }
    if std::env::var_os(arguments::ACCESS_KEY_ID).is_none() {
        report_access_key(&server, arguments)?;
    }
    {
        let mut out = std::io::stdout().lock();
        writeln!(out, "listening on {}://{address}", if tls.is_some() { "https" } else { "http" })?;
        out.flush()?;
    }
    match tls {
        Some(tls) => server.serve_tls(listener, tls, stop).await?,
        None => server.serve(listener, stop).await?,
    }
    Ok(())
}

/// Uses the owner's access key from the environment, otherwise from its file.
fn with_owner_key(builder: ServerBuilder, arguments: &Arguments) -> Result<ServerBuilder, Box<dyn Error>> {
    match arguments::given_access_key()? {
        Some((id, secret)) => Ok(builder.access_key(id, secret)),
        None => Ok(match arguments.credentials_file() {
            Some(file) => builder.credentials_file(file),
            None => builder,
        }),
    }
}

/// Reports where the owner's access key is. The secret is never written to a log: only to its file,
/// or to a terminal.
fn report_access_key(server: &Server, arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let Some((id, secret)) = server.owner_access_key() else { return Ok(()) };
    if let Some(file) = arguments.credentials_file() {
        let file = std::path::absolute(&file).unwrap_or(file);
        let file = file.display().to_string();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+,:@".contains(&byte);
        let word = match file.bytes().all(plain) {
            true => file,
            false => format!("'{}'", file.replace('\'', r"'\''")),
        };
        tracing::info!("the owner's access key {id}: export AWS_SHARED_CREDENTIALS_FILE={word}");
        return Ok(());
    }
    let mut error = std::io::stderr().lock();
    if std::io::IsTerminal::is_terminal(&error) {
        writeln!(error, "export AWS_ACCESS_KEY_ID={id}\nexport AWS_SECRET_ACCESS_KEY={}", secret.expose())?;
        return Ok(());
    }
    drop(error);
    if arguments.accept_any_credentials {
        return Ok(());
    }
    Err(format!(
        "--memory: give a file for the owner's access key with --credentials FILE, or set {} and {}",
        arguments::ACCESS_KEY_ID,
        arguments::SECRET_ACCESS_KEY
    )
    .into())
}

/// Binds the first available address that an option's value resolves to.
async fn listener(option: &str, address: &str) -> Result<TcpListener, Box<dyn Error>> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|error| format!("{option} {address}: {error}").into())
}

/// Returns a future that resolves when a signal asks the server to stop.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
