//! A secret's life in one file.
//!
//! `cargo run --example quickstart` tells the story in a new temporary directory.
//!
//! `cargo run --example quickstart -- DIR FILE OUT` stores the bytes of FILE in the strongroom in
//! DIR (its root key in `DIR/root.key`) as the secret named after the file, reads it back into OUT,
//! and shows its versions. Run it again with another content, and the version before is
//! AWSPREVIOUS. No value is ever printed.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example tells what it does")]

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use strongroom::{RootKey, SecretValue, Stage, Strongroom, VersionMetadata, chain};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let done = match arguments.as_slice() {
        [] => story().await,
        [directory, file, out] => keep(Path::new(directory), Path::new(file), Path::new(out)).await,
        _ => Err("usage: quickstart [DIR FILE OUT]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn open(directory: &Path) -> Result<Strongroom, Box<dyn Error>> {
    fs::create_dir_all(directory)?;
    // Beside the data for the example's sake. Keep it elsewhere: anyone holding both can read
    // everything.
    let key = directory.join("root.key");
    Ok(Strongroom::builder().directory(directory).root_key(RootKey::file_or_create(key)?).open().await?)
}

/// Stores a file, reads it back, shows what there is.
async fn keep(directory: &Path, file: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let name = file.file_name().and_then(|name| name.to_str()).ok_or("FILE has no name that is text")?;
    let value = SecretValue::binary(fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?);
    let room = open(directory).await?;

    let version = room.put_or_create(name).value(value).send().await?.version_id;
    let read = room.get(name).version(&version).send().await?;
    write_private(out, read.expose_bytes())?;

    println!("Stored {name} in {} and read it back into {}.", directory.display(), out.display());
    show(&room.versions(name).all().await?);
    println!("version {}  stages {}", read.version_id, labels(read.stages.iter()));
    Ok(())
}

/// The main job with made-up data.
async fn story() -> Result<(), Box<dyn Error>> {
    let temporary = tempfile::tempdir()?;
    let directory = temporary.path().join("app.strongroom");
    println!("1. Open a strongroom in {}.", directory.display());
    println!(
        "   There is none yet, so one is created: a SQLite file, and a root key that only you can read."
    );
    let room = open(&directory).await?;

    println!("2. Store a credential: {{username, password}} as the secret prod/db.");
    let credential = serde_json::json!({ "username": "app", "password": "correct horse" });
    let created = room
        .create("prod/db")
        .description("orders database")
        .tag("team", "orders")
        .json(&credential)?
        .send()
        .await?;
    println!("   {}", created.arn);
    println!("   Encrypted under a data key of its own, which the key alias/aws/secretsmanager wraps.");

    println!("3. Read one field of it, the password. It stays in self-wiping memory.");
    let password = room.get("prod/db").send().await?.field("password")?;
    println!("   As the program sees it when it prints the variable: {password:?}");

    println!("4. Change the password. The version that was current is now the previous one.");
    let credential = serde_json::json!({ "username": "app", "password": "battery staple" });
    room.put("prod/db").json(&credential)?.send().await?;
    show(&room.versions("prod/db").all().await?);

    println!("5. The new password does not work? Go back: the two labels change places.");
    room.rollback("prod/db").await?;
    show(&room.versions("prod/db").all().await?);

    println!("6. Delete it. For thirty days it is unreadable, but not lost.");
    room.delete("prod/db").send().await?;
    if let Err(error) = room.get("prod/db").send().await {
        println!("   {} says: {error}", error.code());
    }
    room.restore("prod/db").await?;
    println!("   Restored.");

    println!("7. Close, open again with the same key file, and everything is there.");
    drop(room);
    let room = open(&directory).await?;
    let previous = room.get("prod/db").stage(Stage::PREVIOUS).send().await?;
    show(&room.versions("prod/db").all().await?);

    println!("8. Check everything: {}.", room.verify().await?);
    println!("version {}  stages {}", previous.version_id, labels(previous.stages.iter()));
    Ok(())
}

fn show(versions: &[VersionMetadata]) {
    println!("   {:<36}  {:<24}  STAGES", "VERSION", "CREATED");
    for version in versions {
        let (id, created) = (&version.version_id, version.created.to_string());
        println!("   {:<36}  {created:<24}  {}", id.as_str(), labels(version.stages.iter()));
    }
}

fn labels<'a>(stages: impl Iterator<Item = &'a Stage>) -> String {
    let stages: Vec<_> = stages.map(Stage::as_str).collect();
    if stages.is_empty() { "-".to_owned() } else { stages.join(",") }
}

/// Readable by the owner only, also when the file was there before with other permissions.
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    file.write_all(bytes)
}
