//! Clients that nobody here wrote, in environments of their own below `target/`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// Where an environment is kept: beside what the build leaves.
fn environment(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients").join(name)
}

pub(crate) fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
    let report = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (report(&output.stdout), report(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    output
}

/// Installs what a file asks for, unless it is there already.
pub(crate) fn install(name: &str, wanted: &Path, install: impl FnOnce(&Path)) -> PathBuf {
    let place = environment(name);
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    // One at a time, whichever test it is.
    let turn = File::create(place.with_extension("lock")).unwrap();
    turn.lock().unwrap();
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

/// The programs of a Python environment with what a file asks for.
pub(crate) fn python_environment(name: &str, wanted: &Path) -> PathBuf {
    let place = install(name, wanted, |place| {
        succeeds(Command::new("python3").args(["-m", "venv"]).arg(place));
        succeeds(
            Command::new(place.join("bin/pip")).args(["install", "--quiet", "--requirement"]).arg(wanted),
        );
    });
    place.join("bin")
}

pub(crate) fn python() -> PathBuf {
    python_environment("python", &scripts().join("requirements.txt"))
}

/// A client with an access key in its environment, and nobody else's.
pub(crate) fn client(program: impl AsRef<std::ffi::OsStr>, endpoint: &str, key: (&str, &str)) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("AWS_")) {
            command.env_remove(name);
        }
    }
    command
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", key.0)
        .env("AWS_SECRET_ACCESS_KEY", key.1)
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}
