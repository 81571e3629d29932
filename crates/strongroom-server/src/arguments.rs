//! The command line.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use strongroom::strongrooms::Regions;
use strongroom::{AccountId, Region};
use strongroom_envelope::SecretText;
use strongroom_server::{Server, ServerBuilder};

pub(crate) const ACCESS_KEY_ID: &str = "STRONGROOM_ACCESS_KEY_ID";
pub(crate) const SECRET_ACCESS_KEY: &str = "STRONGROOM_SECRET_ACCESS_KEY";

const ENVIRONMENT: &str = "\
Environment:
  STRONGROOM_ACCESS_KEY_ID, STRONGROOM_SECRET_ACCESS_KEY
          The owner's access key, instead of one in a file. Replaces the key that was set this way
          before.
  RUST_LOG
          The log level, like --log-level.

The owner's access key is stored in DATA/access-key, in the format of AWS's shared credentials file:
  export AWS_SHARED_CREDENTIALS_FILE=DATA/access-key AWS_ENDPOINT_URL=http://127.0.0.1:4766";

/// A self-hosted Secrets Manager and KMS for any AWS client.
#[derive(Debug, Parser)]
#[command(version, after_help = ENVIRONMENT)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// The address to listen on. Port 0 picks a free port. An address other than loopback requires
    /// TLS.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:4766", env = "STRONGROOM_LISTEN")]
    pub(crate) listen: String,
    /// A host name to accept in requests without TLS, in addition to IP addresses and localhost.
    /// Can be repeated.
    #[arg(long, value_name = "NAME", env = "STRONGROOM_ALLOW_HOST", value_delimiter = ',')]
    pub(crate) allow_host: Vec<String>,
    /// Serve TLS with this certificate, in PEM, followed by its intermediate certificates.
    #[arg(long, value_name = "FILE", requires = "tls_key", env = "STRONGROOM_TLS_CERT")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert", env = "STRONGROOM_TLS_KEY")]
    pub(crate) tls_key: Option<PathBuf>,
    /// The directory that stores everything.
    #[arg(
        long,
        value_name = "DIR",
        global = true,
        default_value = "./strongroom.d",
        env = "STRONGROOM_DATA"
    )]
    pub(crate) data: PathBuf,
    /// Fail unless the data directory already holds a strongroom.
    #[arg(long, env = "STRONGROOM_EXISTING", value_parser = BoolishValueParser::new())]
    pub(crate) existing: bool,
    /// Keep everything in memory, lost when the server stops.
    #[arg(long)]
    pub(crate) memory: bool,
    /// The region that stores users, roles and policies. Default: the data directory's, or
    /// us-east-1 for a new one.
    #[arg(long, global = true, env = "STRONGROOM_REGION")]
    pub(crate) region: Option<String>,
    /// The regions to serve, in addition to --region: names separated by commas, `aws` for AWS's
    /// public regions, or `all` for any name. Requests for other regions are refused. Default:
    /// `aws` and the regions for which the data directory already has a strongroom.
    #[arg(long, value_name = "LIST", env = "STRONGROOM_REGIONS")]
    pub(crate) regions: Option<String>,
    /// The account. Default: the data directory's, or 000000000000 for a new one.
    #[arg(long, global = true, env = "STRONGROOM_ACCOUNT")]
    pub(crate) account: Option<String>,
    /// The root key's file, created together with a new data directory. Default: DATA/root.key,
    /// where anyone who copies the directory copies the key as well.
    #[arg(long, value_name = "FILE", global = true, env = "STRONGROOM_ROOT_KEY")]
    pub(crate) root_key: Option<PathBuf>,
    /// Accept a root key file that every user on this machine or in this container can read, such
    /// as a Docker secret.
    #[arg(long, global = true, env = "STRONGROOM_SHARED_ROOT_KEY", value_parser = BoolishValueParser::new())]
    pub(crate) shared_root_key: bool,
    /// The file of the owner's access key. Default: DATA/access-key.
    #[arg(long, value_name = "FILE", global = true, env = "STRONGROOM_CREDENTIALS")]
    pub(crate) credentials: Option<PathBuf>,
    /// How often to run housekeeping, for example 30s, 10m, 1h or 1d. Housekeeping purges secrets
    /// and keys past their deletion date in every strongroom. `off` disables it.
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "10m",
        env = "STRONGROOM_HOUSEKEEPING",
        value_parser = housekeeping
    )]
    pub(crate) housekeeping: Housekeeping,
    /// The loopback address that serves Prometheus metrics (`GET /metrics`). By default, no metrics
    /// are collected.
    #[arg(long, value_name = "HOST:PORT", env = "STRONGROOM_METRICS")]
    pub(crate) metrics: Option<String>,
    /// Accept any credentials, for test suites. An access key id of 12 digits acts as the root of
    /// that account, any other as the root of the default account.
    #[arg(long)]
    pub(crate) accept_any_credentials: bool,
    /// The log level: off, error, warn, info, debug or trace; or directives such as
    /// `warn,strongroom_server=debug`.
    #[arg(long, value_name = "LEVEL", global = true, default_value = "info", env = "RUST_LOG")]
    pub(crate) log_level: String,
    /// Write the log as JSON.
    #[arg(long)]
    pub(crate) log_json: bool,
    /// Lock the whole process in memory, so that it is never swapped out. Fails if the limit on
    /// locked memory is too low.
    #[arg(long)]
    pub(crate) mlock: bool,
    /// Allow core dumps and debuggers, which can read secrets.
    #[arg(long)]
    pub(crate) core_dumps: bool,
}

/// The interval of housekeeping; `None` if it is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Housekeeping(pub(crate) Option<Duration>);

/// Parses `off`, or a whole number and a unit.
fn housekeeping(text: &str) -> Result<Housekeeping, String> {
    const FORM: &str = "give a whole number with s, m, h or d, for example 10m; or off";
    if text == "off" {
        return Ok(Housekeeping(None));
    }
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or(FORM)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(FORM.to_owned()),
    };
    let number: u32 = number.parse().map_err(|_| FORM)?;
    match u64::from(number) * seconds {
        0 => Err(FORM.to_owned()),
        seconds => Ok(Housekeeping(Some(Duration::from_secs(seconds)))),
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Manage the owner's access keys, which grant access as the root of the account. Works on the
    /// data directory of a stopped or running server.
    OwnerKey {
        #[command(subcommand)]
        action: OwnerKeyAction,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum OwnerKeyAction {
    /// List the keys with id, origin, creation date and state, without their secrets.
    List,
    /// Replace a key with a new one and write the new key to the credentials file. The old key
    /// stops working immediately.
    Rotate {
        /// The key to replace. Default: the one in the credentials file.
        id: Option<String>,
    },
    /// Revoke a key. It stops working immediately.
    Revoke {
        /// The id of the key to revoke.
        id: String,
    },
}

impl Arguments {
    /// Parses the command line and the environment. Exits with an error message if they are
    /// invalid.
    pub(crate) fn read() -> Self {
        let matches = Self::command().get_matches();
        let mut arguments = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        if arguments.memory {
            // Only command-line options conflict: a variable may be set for other runs.
            let given = |name: &str| matches.value_source(name) == Some(ValueSource::CommandLine);
            if let Some(name) =
                ["data", "root_key", "shared_root_key", "existing"].into_iter().find(|name| given(name))
            {
                let option = name.replace('_', "-");
                let text = format!("--memory stores nothing on disk, so it cannot be used with --{option}\n");
                Self::command().error(clap::error::ErrorKind::ArgumentConflict, text).exit();
            }
            arguments.existing = false;
        }
        arguments.ignore_empty();
        arguments
    }

    /// Treats empty values as unset, because compose files set variables to an empty string.
    fn ignore_empty(&mut self) {
        let texts = [&mut self.region, &mut self.regions, &mut self.account, &mut self.metrics];
        for text in texts {
            text.take_if(|text| text.is_empty());
        }
        for path in [&mut self.tls_cert, &mut self.tls_key, &mut self.root_key, &mut self.credentials] {
            path.take_if(|path| path.as_os_str().is_empty());
        }
        self.allow_host.retain(|name| !name.is_empty());
    }

    /// The data directory; `None` with `--memory`.
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

    /// The server that the command line describes.
    pub(crate) fn server(&self) -> Result<ServerBuilder, Box<dyn Error>> {
        let mut builder = Server::builder().housekeeping(self.housekeeping.0);
        if let Some(account) = &self.account {
            builder = builder
                .account(AccountId::parse(account).map_err(|error| format!("--account {account}: {error}"))?);
        }
        if let Some(region) = &self.region {
            builder =
                builder.region(Region::parse(region).map_err(|error| format!("--region {region}: {error}"))?);
        }
        if let Some(regions) = &self.regions {
            let regions: Regions = regions.parse().map_err(|error| format!("--regions: {error}"))?;
            builder = builder.regions(regions);
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

/// The access key from the environment, if it sets one.
pub(crate) fn given_access_key() -> Result<Option<(String, SecretText)>, Box<dyn Error>> {
    match (std::env::var(ACCESS_KEY_ID), std::env::var(SECRET_ACCESS_KEY)) {
        (Ok(id), Ok(secret)) => Ok(Some((id, SecretText::from_string(secret)))),
        (Err(_), Err(_)) => Ok(None),
        _ => Err(format!("set both {ACCESS_KEY_ID} and {SECRET_ACCESS_KEY}, or neither").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_whole_number_and_a_unit() {
        for (text, seconds) in [("30s", 30), ("10m", 600), ("1h", 3600), ("2d", 172_800)] {
            assert_eq!(housekeeping(text), Ok(Housekeeping(Some(Duration::from_secs(seconds)))), "{text}");
        }
        assert_eq!(housekeeping("off"), Ok(Housekeeping(None)));
        for wrong in ["", "s", "10", "0m", "-1m", "1.5h", "10 m", "99999999999d", "never", "1µ"] {
            assert!(housekeeping(wrong).unwrap_err().contains("10m"), "{wrong}");
        }
    }
}
