//! The emulator that nobody here wrote.

#![allow(dead_code, unused_macros, unused_imports, reason = "each test takes what it needs")]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_config::SdkConfig;

#[allow(dead_code, reason = "the tests of the server use more of it")]
#[path = "../../../strongroom-server/tests/support/clients.rs"]
mod clients;

use super::support::config_at;

pub(crate) struct Moto {
    child: Child,
    pub(crate) url: String,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where its server is: in an environment below `target/`, beside the clients of the server's tests.
fn installed() -> PathBuf {
    let wanted = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/moto.txt");
    clients::python_environment("moto", &wanted).join("moto_server")
}

impl Moto {
    pub(crate) async fn start() -> Self {
        let program = tokio::task::spawn_blocking(installed).await.unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(program)
            .args(["-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let moto = Self { child, url: format!("http://127.0.0.1:{port}") };
        for _ in 0..600 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return moto;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("moto did not start");
    }

    pub(crate) fn config(&self) -> SdkConfig {
        config_at(&self.url, "test", "test", "us-east-1")
    }
}

/// Runs cases one by one; those that fail, with what they say.
macro_rules! failing_cases {
    ($subject:expr, $($module:ident::$case:ident),* $(,)?) => {{
        let mut failed = std::collections::BTreeMap::new();
        $({
            let subject = $subject.clone();
            let ran = tokio::spawn(async move { $module::$case(&subject).await }).await;
            if let Err(error) = ran {
                let panic = error.into_panic();
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                failed.insert(stringify!($case), text.unwrap_or_default());
            }
        })*
        failed
    }};
}

pub(crate) use failing_cases as failing;

/// That exactly these cases fail.
pub(crate) fn compare(failed: &BTreeMap<&'static str, String>, known: &[(&'static str, &'static str)]) {
    let found: Vec<&str> = failed.keys().copied().collect();
    let mut listed: Vec<&str> = known.iter().map(|(case, _)| *case).collect();
    listed.sort_unstable();
    assert_eq!(found, listed, "{failed:#?}");
}
