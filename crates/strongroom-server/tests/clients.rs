//! Clients that nobody here wrote, against the server.

#![cfg(test)]

mod support;

use std::path::PathBuf;
use std::process::Command;

use strongroom_server::{TestServer, test_server};
use support::clients::{install, python, scripts, succeeds};

/// A client with the owner's access key.
fn client(program: impl AsRef<std::ffi::OsStr>, server: &TestServer) -> Command {
    let key = (server.access_key_id(), server.secret_access_key().expose());
    support::clients::client(program, &server.endpoint_url(), key)
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
async fn boto3_over_all_of_iam() {
    runs("iam.py", || python().join("python")).await;
}

/// Ansible's modules for roles, keys and secrets, among others.
#[tokio::test(flavor = "multi_thread")]
async fn ansible_changes_nothing_the_second_time() {
    let server = test_server().await.unwrap();
    let played = tokio::task::spawn_blocking(move || {
        let wanted = scripts().join("requirements-ansible.txt");
        let bin = support::clients::python_environment("ansible", &wanted);
        let home = tempfile::tempdir().unwrap();
        let play = |playbook: &str| {
            let mut command = client(bin.join("ansible-playbook"), &server);
            command
                .args(["--inventory", "localhost,"])
                .arg(scripts().join(playbook))
                .env("HOME", home.path())
                .env("ANSIBLE_HOME", home.path())
                .env("ANSIBLE_REMOTE_TMP", home.path().join("remote"))
                .env("ANSIBLE_PYTHON_INTERPRETER", bin.join("python"))
                .env("ANSIBLE_DEPRECATION_WARNINGS", "false")
                .env("ANSIBLE_NOCOLOR", "1")
                // It refuses to run where texts are not UTF-8.
                .env("LC_ALL", "C.UTF-8");
            String::from_utf8_lossy(&succeeds(&mut command).stdout).into_owned()
        };
        ["playbook.yml", "playbook_absent.yml"].map(|playbook| [play(playbook), play(playbook)])
    });
    let [made, gone] = played.await.unwrap();
    for ([first, second], tasks) in [(made, 8), (gone, 5)] {
        assert!(first.contains(&format!("changed={tasks} ")), "{first}");
        assert!(second.contains("changed=0 ") && second.contains("failed=0 "), "{second}");
    }
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
