//! Clients that nobody here wrote, in environments of their own below `target/`.

#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use strongroom_server::{TestServer, test_server};

static INSTALLING: Mutex<()> = Mutex::new(());

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// Where an environment is kept: beside what the build leaves.
fn environment(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients").join(name)
}

fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
    let told = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (told(&output.stdout), told(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    output
}

/// Installs what a file asks for, unless it is there already.
fn install(name: &str, wanted: &Path, install: impl FnOnce(&Path)) -> PathBuf {
    let _turn = INSTALLING.lock().unwrap();
    let place = environment(name);
    let (text, mark) = (std::fs::read(wanted).unwrap(), place.join("installed"));
    if std::fs::read(&mark).is_ok_and(|done| done == text) {
        return place;
    }
    let _ = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(&place).unwrap();
    install(&place);
    std::fs::write(mark, text).unwrap();
    place
}

fn python() -> PathBuf {
    let wanted = scripts().join("requirements.txt");
    let place = install("python", &wanted, |place| {
        succeeds(Command::new("python3").args(["-m", "venv"]).arg(place));
        succeeds(
            Command::new(place.join("bin/pip")).args(["install", "--quiet", "--requirement"]).arg(&wanted),
        );
    });
    place.join("bin")
}

/// A client with the owner's access key in its environment, and nobody else's.
fn client(program: impl AsRef<std::ffi::OsStr>, server: &TestServer) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("AWS_")) {
            command.env_remove(name);
        }
    }
    command
        .env("AWS_ENDPOINT_URL", server.endpoint_url())
        .env("AWS_ACCESS_KEY_ID", server.access_key_id())
        .env("AWS_SECRET_ACCESS_KEY", server.secret_access_key().expose())
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

async fn runs(script: &str, program: impl FnOnce() -> PathBuf + Send + 'static) {
    let server = test_server().await.unwrap();
    let script = scripts().join(script);
    let output = tokio::task::spawn_blocking(move || {
        let bin = program();
        let path = bin.parent().unwrap().to_path_buf();
        let paths = std::env::join_paths(
            std::iter::once(path).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
        );
        succeeds(client(&bin, &server).env("PATH", paths.unwrap()).arg(script))
    });
    let output = output.await.unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("all good"));
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3() {
    runs("boto3_client.py", || python().join("python")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caching_client_for_python() {
    runs("caching_client.py", || python().join("python")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_encryption_sdk() {
    runs("encryption_sdk.py", || python().join("python")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_aws_cli() {
    let server = test_server().await.unwrap();
    let output = tokio::task::spawn_blocking(move || {
        let bin = python();
        let rest = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&rest))).unwrap();
        succeeds(client("sh", &server).env("PATH", paths).arg(scripts().join("cheat_sheet.sh")))
    });
    assert!(String::from_utf8_lossy(&output.await.unwrap().stdout).contains("all good"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_for_javascript() {
    let server = test_server().await.unwrap();
    let output = tokio::task::spawn_blocking(move || {
        let wanted = scripts().join("package.json");
        let place = install("node", &wanted, |place| {
            std::fs::copy(&wanted, place.join("package.json")).unwrap();
            succeeds(
                Command::new("npm")
                    .args(["install", "--silent", "--no-audit", "--no-fund"])
                    .current_dir(place),
            );
        });
        // Modules are looked for beside the script.
        let script = place.join("sdk.mjs");
        std::fs::copy(scripts().join("sdk.mjs"), &script).unwrap();
        succeeds(client("node", &server).arg(script))
    });
    assert!(String::from_utf8_lossy(&output.await.unwrap().stdout).contains("all good"));
}
