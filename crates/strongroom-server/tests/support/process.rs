//! The binary as a process.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use super::Signer;

pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) url: String,
    pub(crate) address: String,
    pub(crate) out: BufReader<std::process::ChildStdout>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom-server"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env_remove("STRONGROOM_ACCESS_KEY_ID").env_remove("STRONGROOM_SECRET_ACCESS_KEY");
    command
}

/// The access key in a credentials file.
pub(crate) fn kept_key(file: &std::path::Path) -> Signer {
    let text = std::fs::read_to_string(file).unwrap();
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
        line.unwrap().to_owned()
    };
    assert!(text.starts_with("[default]\n"), "the shared format");
    Signer::new(&value("aws_access_key_id"), &value("aws_secret_access_key"))
}

/// In memory, with an access key given by the environment.
pub(crate) fn with_key(more: &[&str]) -> (Command, Signer) {
    with_key_at("127.0.0.1:0", more)
}

/// The same, listening elsewhere.
pub(crate) fn with_key_at(listen: &str, more: &[&str]) -> (Command, Signer) {
    let mut command = command(&[&["--memory", "--listen", listen], more].concat());
    command
        .env("STRONGROOM_ACCESS_KEY_ID", "AKIAEXAMPLE000001")
        .env("STRONGROOM_SECRET_ACCESS_KEY", "secret");
    (command, Signer::new("AKIAEXAMPLE000001", "secret"))
}

pub(crate) fn start(command: &mut Command) -> Server {
    let mut child = command.spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let url = line.trim_end().strip_prefix("listening on ").unwrap_or_default();
    let address = url.split_once("://").unwrap_or_default().1.to_owned();
    if address.is_empty() {
        let mut report = String::new();
        child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut report));
        panic!("it did not start: {line}{report}");
    }
    let url = url.to_owned();
    Server { child, url, address, out }
}

impl Server {
    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).unwrap()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
}
