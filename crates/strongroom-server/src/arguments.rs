//! The command line.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use strongroom::{AccountId, Region};
use strongroom_envelope::SecretText;
use strongroom_server::{Server, ServerBuilder};

pub(crate) const ACCESS_KEY_ID: &str = "STRONGROOM_ACCESS_KEY_ID";
pub(crate) const SECRET_ACCESS_KEY: &str = "STRONGROOM_SECRET_ACCESS_KEY";

const ENVIRONMENT: &str = "\
Environment:
  STRONGROOM_ACCESS_KEY_ID, STRONGROOM_SECRET_ACCESS_KEY
          The owner's access key, instead of one in a file. It replaces the one given so the last time.
  RUST_LOG
          The log level, as --log-level.

The owner's access key is kept in DATA/access-key, in the format of AWS's shared credentials file:
  export AWS_SHARED_CREDENTIALS_FILE=DATA/access-key AWS_ENDPOINT_URL=http://127.0.0.1:4766";

/// Secrets Manager and KMS on this machine, for any AWS client.
#[derive(Debug, Parser)]
#[command(version, after_help = ENVIRONMENT)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Where to listen; port 0 takes a free one. Beyond loopback only with TLS.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:4766", env = "STRONGROOM_LISTEN")]
    pub(crate) listen: String,
    /// A name, beside addresses and localhost, that requests in the clear may have as their host. May be repeated.
    #[arg(long, value_name = "NAME", env = "STRONGROOM_ALLOW_HOST", value_delimiter = ',')]
    pub(crate) allow_host: Vec<String>,
    /// The certificate to show, in PEM, followed by those that lead to its authority: then TLS is spoken.
    #[arg(long, value_name = "FILE", requires = "tls_key", env = "STRONGROOM_TLS_CERT")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert", env = "STRONGROOM_TLS_KEY")]
    pub(crate) tls_key: Option<PathBuf>,
    /// The directory in which everything is kept.
    #[arg(
        long,
        value_name = "DIR",
        global = true,
        default_value = "./strongroom.d",
        env = "STRONGROOM_DATA"
    )]
    pub(crate) data: PathBuf,
    /// Start only on a data directory that already holds a strongroom.
    #[arg(long, env = "STRONGROOM_EXISTING", value_parser = BoolishValueParser::new())]
    pub(crate) existing: bool,
    /// Keep everything in memory.
    #[arg(long)]
    pub(crate) memory: bool,
    /// The region in which identities are kept; all regions are served. Default: the data directory's, or us-east-1 for a new one.
    #[arg(long, global = true, env = "STRONGROOM_REGION")]
    pub(crate) region: Option<String>,
    /// The account. Default: the data directory's, or 000000000000 for a new one.
    #[arg(long, global = true, env = "STRONGROOM_ACCOUNT")]
    pub(crate) account: Option<String>,
    /// The file of the root key, made for a new data directory. Default: DATA/root.key, where whoever copies the directory copies the
    /// key as well.
    #[arg(long, value_name = "FILE", global = true, env = "STRONGROOM_ROOT_KEY")]
    pub(crate) root_key: Option<PathBuf>,
    /// The root key is one that everybody on this machine or in this container may read, such as a Docker secret.
    #[arg(long, global = true, env = "STRONGROOM_SHARED_ROOT_KEY", value_parser = BoolishValueParser::new())]
    pub(crate) shared_root_key: bool,
    /// The file of the owner's access key. Default: DATA/access-key.
    #[arg(long, value_name = "FILE", global = true, env = "STRONGROOM_CREDENTIALS")]
    pub(crate) credentials: Option<PathBuf>,
    /// Where to answer Prometheus, `GET /metrics`; without it nothing is counted. Loopback only.
    #[arg(long, value_name = "HOST:PORT", env = "STRONGROOM_METRICS")]
    pub(crate) metrics: Option<String>,
    /// Take any credentials, for test suites: 12 digits as access key id name an account, anything else is the root of the default one.
    #[arg(long)]
    pub(crate) accept_any_credentials: bool,
    /// What is logged: off, error, warn, info, debug or trace; or directives such as `warn,strongroom_server=debug`.
    #[arg(long, value_name = "LEVEL", global = true, default_value = "info", env = "RUST_LOG")]
    pub(crate) log_level: String,
    /// Write the log as JSON.
    #[arg(long)]
    pub(crate) log_json: bool,
    /// Keep the whole process out of swap. Fails where the limit of locked memory is too low.
    #[arg(long)]
    pub(crate) mlock: bool,
    /// Allow core dumps and debuggers, which see secrets.
    #[arg(long)]
    pub(crate) core_dumps: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The owner's access keys: what lets somebody in as the root of the account. On a stopped or a running server's data directory.
    OwnerKey {
        #[command(subcommand)]
        action: OwnerKeyAction,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum OwnerKeyAction {
    /// List the keys: id, origin, when they were made, whether they are active. Never their secrets.
    List,
    /// Make a new key in the place of one, which stops working at once, and write it to the credentials file.
    Rotate {
        /// The key to replace. Default: the one in the credentials file.
        id: Option<String>,
    },
    /// Take a key away: it stops working at once.
    Revoke {
        /// The key.
        id: String,
    },
}

impl Arguments {
    /// What the command line and the environment say. Ends the process where they cannot be understood.
    pub(crate) fn read() -> Self {
        let matches = Self::command().get_matches();
        let mut arguments = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        if arguments.memory {
            // Said in so many words they exclude each other; a variable that is set for another use does not count.
            let said = |name: &str| matches.value_source(name) == Some(ValueSource::CommandLine);
            if let Some(name) =
                ["data", "root_key", "shared_root_key", "existing"].into_iter().find(|name| said(name))
            {
                let option = name.replace('_', "-");
                let text = format!("--memory keeps nothing: it does not go together with --{option}\n");
                Self::command().error(clap::error::ErrorKind::ArgumentConflict, text).exit();
            }
            arguments.existing = false;
        }
        arguments.forget_empty();
        arguments
    }

    /// A variable that is set to nothing, as compose files do, says nothing.
    fn forget_empty(&mut self) {
        let texts = [&mut self.region, &mut self.account, &mut self.metrics];
        for text in texts {
            text.take_if(|text| text.is_empty());
        }
        for path in [&mut self.tls_cert, &mut self.tls_key, &mut self.root_key, &mut self.credentials] {
            path.take_if(|path| path.as_os_str().is_empty());
        }
        self.allow_host.retain(|name| !name.is_empty());
    }

    /// The data directory, unless everything is in memory.
    pub(crate) fn directory(&self) -> Option<&Path> {
        (!self.memory).then_some(&*self.data)
    }

    pub(crate) fn root_key_path(&self) -> Option<PathBuf> {
        let directory = self.directory()?;
        Some(self.root_key.clone().unwrap_or_else(|| directory.join("root.key")))
    }

    pub(crate) fn credentials_file(&self) -> Option<PathBuf> {
        self.credentials.clone().or_else(|| Some(self.directory()?.join("access-key")))
    }

    /// A server of what the command line names.
    pub(crate) fn server(&self) -> Result<ServerBuilder, Box<dyn Error>> {
        let mut builder = Server::builder();
        if let Some(account) = &self.account {
            builder = builder.account(AccountId::parse(account)?);
        }
        if let Some(region) = &self.region {
            builder = builder.region(Region::parse(region)?);
        }
        if let (Some(directory), Some(root_key)) = (self.directory(), self.root_key_path()) {
            builder = builder.directory(directory, root_key);
        }
        if self.shared_root_key {
            builder = builder.shared_root_key();
        }
        Ok(if self.existing { builder.existing() } else { builder })
    }
}

/// The access key that the environment gives.
pub(crate) fn given_access_key() -> Result<Option<(String, SecretText)>, Box<dyn Error>> {
    match (std::env::var(ACCESS_KEY_ID), std::env::var(SECRET_ACCESS_KEY)) {
        (Ok(id), Ok(secret)) => Ok(Some((id, SecretText::from_string(secret)))),
        (Err(_), Err(_)) => Ok(None),
        _ => Err(format!("{ACCESS_KEY_ID} and {SECRET_ACCESS_KEY} go together").into()),
    }
}
