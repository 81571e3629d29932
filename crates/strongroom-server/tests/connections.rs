//! Ten thousand connections at once: others are answered, memory stays bounded.

#![cfg(test)]
#![cfg(target_os = "linux")]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};
use strongroom_server::Server;
use support::process::{start, with_key};
use support::{Signer, call};

const CONNECTIONS: usize = 10_000;
/// What the server may hold for each, in KiB: a connection's buffers, a request's head that has not
/// ended.
const EACH: usize = 32;

/// The memory a process has, in KiB.
fn memory_of(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn read(stream: &mut TcpStream, owner: &Signer) {
    let answer = call(stream, owner, "secretsmanager.GetSecretValue", r#"{"SecretId":"db"}"#);
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn ten_thousand_connections() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    let most = limit.maximum.unwrap_or(u64::MAX);
    assert!(
        most > CONNECTIONS as u64 + 200,
        "this test needs 10,200 open files, and may have {most} (ulimit -Hn)"
    );

    let (mut command, owner) = with_key(&[]);
    // Its log is not read here, and a full pipe would stop it.
    let mut server = start(command.stderr(Stdio::null()));
    let mut mine = server.connect();
    let made = call(
        &mut mine,
        &owner,
        "secretsmanager.CreateSecret",
        r#"{"Name":"db","SecretString":"v","ClientRequestToken":"00000000-0000-4000-8000-000000000001"}"#,
    );
    assert_eq!(made.status, 200);
    let before = memory_of(server.child.id());
    let mut held: Vec<TcpStream> = Vec::with_capacity(CONNECTIONS);
    for n in 0..CONNECTIONS {
        let mut stream = server.connect();
        match n % 4 {
            // Silent.
            0 => {}
            // In the middle of a head, or of a body.
            1 => stream.write_all(b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Ta").unwrap(),
            2 => stream
                .write_all(b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: secretsmanager.ListSecrets\r\nContent-Length: 9\r\n\r\n{")
                .unwrap(),
            // One that works, and then stays.
            _ => read(&mut stream, &owner),
        }
        held.push(stream);
        if n % 100 == 0 {
            read(&mut mine, &owner);
        }
    }
    read(&mut mine, &owner);
    read(&mut server.connect(), &owner);
    let grown = memory_of(server.child.id()).saturating_sub(before);
    assert!(grown < CONNECTIONS * EACH, "{grown} KiB for {CONNECTIONS} connections");
    // Those that work go on working.
    for stream in held.iter_mut().skip(3).step_by(400) {
        read(stream, &owner);
    }
    println!("{} KiB for each connection", grown / CONNECTIONS);
    drop(held);
    read(&mut mine, &owner);
    server.signal("-TERM");
    assert!(server.child.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_used_is_not_kept() {
    let server = Server::builder().patience(Duration::from_millis(300)).open().await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(server.serve(listener, std::future::pending()));
    let beginnings: [&[u8]; 6] = [
        b"",
        b"PRI",
        b"POST / HT",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: secretsmanager.ListSecrets\r\nContent-Length: 9\r\n\r\n{",
    ];
    let waiting = beginnings.map(|bytes| {
        tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            stream.write_all(bytes).unwrap();
            let mut report = Vec::new();
            let end = stream.read_to_end(&mut report);
            let closed =
                end.is_ok() || end.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset);
            assert!(closed, "{:?} is kept for ever", String::from_utf8_lossy(bytes));
            String::from_utf8_lossy(&report).into_owned()
        })
    });
    let mut report = Vec::new();
    for one in waiting {
        report.push(one.await.unwrap());
    }
    assert_eq!(report[0], "");
    assert!(report[4].starts_with("HTTP/1.1 200"));
    assert!(
        report[5].starts_with("HTTP/1.1 408") && report[5].contains("did not arrive whole in time"),
        "{}",
        report[5]
    );
}
