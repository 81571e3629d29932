//! Copies secrets between two places, with a progress bar: two strongrooms, or, with
//! `--features aws`, a strongroom and AWS, or two accounts of AWS.
//!
//! ```console
//! $ cargo run -p strongroom-migrate --example migrate      # a demonstration with two strongrooms
//! $ cargo run -p strongroom-migrate --example migrate -- \
//!       app.strongroom other.strongroom --from-key app.key --to-key other.key --dry-run
//! $ cargo run -p strongroom-migrate --example migrate --features aws -- \
//!       app.strongroom aws@eu-central-1 --from-key app.key --state done.txt
//! ```
//!
//! A place is the directory of a strongroom, or `aws`, `aws:PROFILE`, `aws@REGION`,
//! `aws:PROFILE@REGION`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example talks")]

use std::collections::HashMap;
use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use strongroom::migrate::Outcome;
use strongroom::{Migration, RootKey, Strongroom};

#[derive(Parser)]
#[command(about = "Copies secrets with all their versions, labels, tags and policies")]
struct Arguments {
    /// Where the secrets are. Without places: a demonstration
    from: Option<String>,
    /// Where they go
    to: Option<String>,
    /// The root key of the strongroom they are in
    #[arg(long, value_name = "FILE")]
    from_key: Option<PathBuf>,
    /// The root key of the strongroom they go to; made when it is missing
    #[arg(long, value_name = "FILE")]
    to_key: Option<PathBuf>,
    /// Only names that begin so
    #[arg(long)]
    prefix: Option<String>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Keep the names that are done with in this file, and leave them out the next time
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Which key of the target takes the place of a customer key of the source
    #[arg(long, value_name = "OLD=NEW")]
    key: Vec<String>,
    /// Encrypt what is under other customer keys under the managed key
    #[arg(long)]
    managed_key: bool,
    /// Where a name is taken by another secret: put the source's versions on top of it
    #[arg(long)]
    overwrite: bool,
    /// Copy the rest of a secret of which the target cannot hold something
    #[arg(long)]
    leave_out: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {}", strongroom::chain(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<bool, Box<dyn Error>> {
    let (Some(from), Some(to)) = (&arguments.from, &arguments.to) else { return demonstrate().await };
    let from = place(from, arguments.from_key.as_deref(), true).await?;
    let to = place(to, arguments.to_key.as_deref(), false).await?;
    copy(&from, &to, &arguments).await
}

async fn place(place: &str, key: Option<&Path>, existing: bool) -> Result<Strongroom, Box<dyn Error>> {
    if place == "aws" || place.starts_with("aws:") || place.starts_with("aws@") {
        return on_aws(place).await;
    }
    let key = key.ok_or("say the root key of a strongroom: --from-key, --to-key")?;
    let builder = Strongroom::builder().directory(place);
    let (builder, root) = if existing {
        (builder.existing(), RootKey::file(key)?)
    } else {
        (builder, RootKey::file_or_create(key)?)
    };
    Ok(builder.root_key(root).open().await?)
}

#[cfg(feature = "aws")]
async fn on_aws(place: &str) -> Result<Strongroom, Box<dyn Error>> {
    let (profile, region) =
        place.split_once('@').map_or((place, None), |(left, region)| (left, Some(region)));
    let mut aws = Strongroom::aws();
    if let Some((_, profile)) = profile.split_once(':') {
        aws = aws.profile(profile);
    }
    if let Some(region) = region {
        aws = aws.region(region);
    }
    match aws.clone().send().await {
        Ok(room) => Ok(room),
        Err(error) => {
            eprintln!("{}", aws.doctor().await.examine().await);
            Err(error.into())
        }
    }
}

#[cfg(not(feature = "aws"))]
async fn on_aws(_place: &str) -> Result<Strongroom, Box<dyn Error>> {
    Err("this was built without AWS: run it with --features aws".into())
}

async fn copy(from: &Strongroom, to: &Strongroom, arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let (source, target) = (from.store(), to.store());
    let mut migration = Migration::new((&*source, from.context()), (&*target, to.context()));
    if let Some(prefix) = &arguments.prefix {
        migration = migration.name_prefix(prefix);
    }
    if !arguments.key.is_empty() {
        let pair = |pair: &String| pair.split_once('=').map(|(old, new)| (old.to_owned(), new.to_owned()));
        let keys: Option<HashMap<String, String>> = arguments.key.iter().map(pair).collect();
        let keys = keys.ok_or("--key takes OLD=NEW")?;
        migration = migration.key(move |old| keys.get(old).cloned());
    }
    if arguments.managed_key {
        migration = migration.managed_key();
    }
    if arguments.overwrite {
        migration = migration.overwrite();
    }
    if arguments.leave_out {
        migration = migration.leave_out_what_does_not_fit();
    }
    if arguments.dry_run {
        migration = migration.dry_run();
    }
    let mut state = None;
    if let Some(path) = arguments.state.as_ref().filter(|_| !arguments.dry_run) {
        let done = if path.exists() { std::fs::read_to_string(path)? } else { String::new() };
        migration = migration.skip(done.lines().map(str::to_owned));
        state = Some(OpenOptions::new().create(true).append(true).open(path)?);
    }
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} {eta} {msg}")?);
    let mut unkept = Ok(());
    let report = migration
        .run(|progress| {
            bar.set_length(u64::try_from(progress.total).unwrap_or(u64::MAX));
            bar.set_message(progress.secret.name.clone());
            bar.inc(1);
            let done = matches!(progress.secret.outcome, Outcome::Copied { .. } | Outcome::Unchanged);
            if let Some(file) = state.as_mut().filter(|_| done && unkept.is_ok()) {
                unkept = writeln!(file, "{}", progress.secret.name);
            }
        })
        .await?;
    bar.finish_and_clear();
    println!("{report}");
    unkept?;
    Ok(arguments.dry_run || report.complete())
}

/// Two strongrooms in a temporary directory.
async fn demonstrate() -> Result<bool, Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let at = |name: &str| directory.path().join(name);
    let open = async |name: &str| {
        let root = RootKey::file_or_create(at(&format!("{name}.key")))?;
        Strongroom::builder().directory(at(name)).root_key(root).open().await
    };
    let (from, to) = (open("old").await?, open("new").await?);
    println!("A strongroom with three secrets, one of them with a history ...");
    from.create("prod/db").description("orders").tag("team", "orders").text("first").send().await?;
    from.put("prod/db").text("second").send().await?;
    from.create("prod/api").text("a key").send().await?;
    from.create("dev/db").text("not to be copied").send().await?;
    let arguments = Arguments::parse_from(["migrate", "--prefix", "prod/"]);
    println!("\n... what would be done:\n");
    copy(&from, &to, &Arguments { dry_run: true, ..Arguments::parse_from(["migrate", "--prefix", "prod/"]) })
        .await?;
    println!("\n... and done:\n");
    let complete = copy(&from, &to, &arguments).await?;
    println!("\nOnce more, after something has changed:\n");
    from.put("prod/api").text("another key").send().await?;
    let complete = copy(&from, &to, &arguments).await? && complete;
    let previous = to.get("prod/db").stage(strongroom::Stage::PREVIOUS).send().await?;
    println!(
        "\nAt the new place AWSPREVIOUS of prod/db is its version {}, as at the old.",
        previous.version_id
    );
    Ok(complete)
}
