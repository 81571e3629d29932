//! What a hostile client or a page in a browser tries.

#![cfg(test)]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::time::Duration;

use support::process::{command, start, with_key};
use support::{Answer, Signer, call, exchange, stamp};

const LIST: &str = "secretsmanager.ListSecrets";

fn send(stream: &mut TcpStream, query: &str, headers: &[(String, String)], body: &str) -> Answer {
    let mut request = format!("POST /{query} HTTP/1.1\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    exchange(stream, request.as_bytes()).unwrap()
}

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn a_scope_has_the_eight_digits_of_its_requests_date() {
    let (mut command, signer) = with_key(&[]);
    let server = start(&mut command);
    let (mut stream, host) = (server.connect(), server.address.clone());
    let now = stamp();
    let day = &now[..8];
    assert_eq!(
        send(&mut stream, "", &signer.headers_scoped(&host, LIST, b"{}", &now, day), "{}").status,
        200
    );
    let longer = format!("{day}0");
    for scope in ["", &day[..1], &day[..4], &day[..6], &day[..7], &longer, "20200101", "2026-1-1", &now] {
        // Signed rightly under the key of that scope.
        let headers = signer.headers_scoped(&host, LIST, b"{}", &now, scope);
        let answer = send(&mut stream, "", &headers, "{}");
        assert!(answer.status == 400 && answer.body.contains("IncompleteSignature"), "{scope}: {answer:?}");
    }
}

#[test]
fn what_decides_about_a_request_stands_in_it_once() {
    let (mut command, signer) = with_key(&[]);
    let server = start(&mut command);
    let (mut stream, host) = (server.connect(), server.address.clone());
    let good = || signer.headers(&host, LIST, b"{}");
    for name in ["Authorization", "X-Amz-Target", "X-Amz-Date", "Host"] {
        let mut headers = good();
        let again = headers.iter().find(|(known, _)| known == name).unwrap().clone();
        headers.push(again);
        let answer = send(&mut stream, "", &headers, "{}");
        assert!(answer.body.contains("IncompleteSignature"), "{name}: {answer:?}");
        let mut headers = good();
        headers.push(header(name, "secretsmanager.GetSecretValue"));
        assert_ne!(send(&mut stream, "", &headers, "{}").status, 200, "{name}");
    }
    for name in ["Content-Type", "X-Amz-Security-Token", "X-Amz-Content-Sha256"] {
        let mut headers = good();
        headers.extend([header(name, "x"), header(name, "y")]);
        let answer = send(&mut stream, "", &headers, "{}");
        assert!(answer.body.contains("IncompleteSignature"), "{name}: {answer:?}");
    }
    let mut twice = good();
    let authorization = twice.iter_mut().find(|(name, _)| name == "Authorization").unwrap();
    authorization.1.push_str(", Signature=0");
    assert!(send(&mut stream, "", &twice, "{}").body.contains("IncompleteSignature"));

    let of_url = [header("Host", &host), header("X-Amz-Target", LIST)];
    let url = |expires: &str| format!("?{}", signer.query(&host, LIST, b"{}", expires, &stamp()));
    assert_eq!(send(&mut stream, &url("300"), &of_url, "{}").status, 200);
    for expires in ["%2B300", "+300", "0300", "0", "-1", "3e2", "300.0", "", "%20300", "604801"] {
        let answer = send(&mut stream, &url(expires), &of_url, "{}");
        assert_eq!(answer.status, 400, "{expires}: {answer:?}");
    }
    let both = send(&mut stream, &url("300"), &good(), "{}");
    assert!(both.body.contains("IncompleteSignature"), "{both:?}");
}

#[test]
fn pages_in_a_browser_reach_nothing() {
    let server = start(&mut command(&["--memory", "--listen", "127.0.0.1:0", "--accept-any-credentials"]));
    let (mut stream, host) = (server.connect(), server.address.clone());
    let signer = Signer::new("test", "test");
    let create =
        r#"{"Name":"kept","SecretString":"v","ClientRequestToken":"00000000-0000-0000-0000-000000000001"}"#;
    assert_eq!(call(&mut stream, &signer, "secretsmanager.CreateSecret", create).status, 200);
    let own = header("Host", &host);
    let refused = [
        vec![own.clone(), header("Origin", "http://evil.example")],
        vec![own.clone(), header("Origin", "null")],
        vec![own.clone(), header("Origin", "http://localhost:3000")],
        vec![own.clone(), header("Sec-Fetch-Site", "cross-site")],
        vec![header("Host", "evil.example")],
        vec![header("Host", &format!("evil.example:{}", host.rsplit_once(':').unwrap().1))],
        vec![header("Host", "evil.example"), header("Origin", "http://evil.example")],
    ];
    for headers in &refused {
        for path in ["_strongroom/reset", "health", ""] {
            let answer = send(&mut stream, path, headers, "");
            assert_eq!(answer.status, 403, "{path} {headers:?}: {answer:?}");
        }
        let mut signed = signer.headers(&headers[0].1, LIST, b"{}");
        signed.extend_from_slice(&headers[1..]);
        assert_eq!(send(&mut stream, "", &signed, "{}").status, 403, "{headers:?}");
    }
    let kept = call(&mut stream, &signer, "secretsmanager.DescribeSecret", r#"{"SecretId":"kept"}"#);
    assert_eq!(kept.status, 200, "{kept:?}");
    assert_eq!(send(&mut stream, "_strongroom/reset", &[own], "").status, 200);

    // A name that the owner allows is as good as an address.
    let (mut command, signer) = with_key(&["--allow-host", "strongroom.internal"]);
    let server = start(&mut command);
    let headers = signer.headers("strongroom.internal:4766", LIST, b"{}");
    assert_eq!(send(&mut server.connect(), "", &headers, "{}").status, 200);
}

#[test]
fn the_page_of_metrics_is_not_for_other_pages() {
    let (mut command, _) = with_key(&["--metrics", "127.0.0.1:0"]);
    let mut server = start(&mut command);
    let mut log = BufReader::new(server.child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("metrics on http://") {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0);
    }
    let place = line.split("http://").nth(1).unwrap().trim_end().trim_end_matches("/metrics").to_owned();
    let mut stream = TcpStream::connect(place).unwrap();
    let rebound = exchange(&mut stream, b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n").unwrap();
    assert_eq!(rebound.status, 403);
    let own = exchange(&mut stream, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!(own.status, 200);
}

#[test]
fn a_log_that_nobody_reads_holds_no_request_up() {
    let (mut command, signer) = with_key(&[]);
    // Standard error is a pipe of 64 KiB, and is not read until the end.
    let mut server = start(&mut command);
    let mut stream = server.connect();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let target = format!("secretsmanager.{}", "Invented".repeat(60));
    let unsigned = [header("Host", &server.address), header("X-Amz-Target", &target)];
    let long = format!(r#"{{"SecretId":"{}"}}"#, "x".repeat(100_000));
    for n in 0..3000 {
        let body = if n % 100 == 0 { long.as_str() } else { "{}" };
        assert_eq!(send(&mut stream, "", &unsigned, body).status, 400);
    }
    assert_eq!(call(&mut stream, &signer, LIST, "{}").status, 200);
    // Nor does it hold up the end.
    server.signal("-TERM");
    let begun = std::time::Instant::now();
    assert!(server.child.wait().unwrap().success());
    assert!(begun.elapsed() < Duration::from_secs(15));
    let mut log = Vec::new();
    server.child.stderr.take().unwrap().read_to_end(&mut log).unwrap();
    assert!(!log.is_empty() && log.len() < 4 * 1024 * 1024);
}

#[test]
fn nobody_writes_into_the_log_what_they_like() {
    let (mut command, signer) = with_key(&["--log-json"]);
    let mut server = start(&mut command);
    let mut stream = server.connect();
    let name = "n".repeat(900_000);
    let unsigned = [header("Host", &server.address), header("X-Amz-Target", "secretsmanager.GetSecretValue")];
    send(&mut stream, "", &unsigned, r#"{"SecretId":"canary-of-nobody"}"#);
    send(&mut stream, "", &unsigned, &format!(r#"{{"SecretId":"{name}"}}"#));
    let form = [header("Host", &server.address), header("Content-Type", "application/x-www-form-urlencoded")];
    send(&mut stream, "", &form, "Action=canary-of-nobody");
    let wrong = Signer::new(&signer.id, "wrong");
    call(&mut stream, &wrong, "secretsmanager.GetSecretValue", r#"{"SecretId":"canary-of-nobody"}"#);
    // Who is somebody has a name in the log, cut.
    call(&mut stream, &signer, "secretsmanager.GetSecretValue", &format!(r#"{{"SecretId":"{name}"}}"#));
    let odd = format!(r#"{{"SecretId":"{}"}}"#, "\\u202e".repeat(5000));
    call(&mut stream, &signer, "secretsmanager.GetSecretValue", &odd);
    let long = format!("secretsmanager.{}", "o".repeat(6000));
    call(&mut stream, &signer, &long, "{}");
    server.signal("-TERM");
    assert!(server.child.wait().unwrap().success());
    let mut log = String::new();
    server.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(!log.contains("canary"), "{log}");
    assert!(log.contains(&"n".repeat(512)) && !log.contains(&"n".repeat(513)));
    assert!(log.contains(&"o".repeat(512)) && !log.contains(&"o".repeat(513)));
    assert!(log.lines().all(|line| line.len() < 2500), "{}", log.lines().map(str::len).max().unwrap());
}

#[cfg(target_os = "linux")]
#[test]
fn heads_that_promise_much_take_no_memory() {
    use std::io::Write;
    let (mut command, signer) = with_key(&[]);
    let server = start(&mut command);
    let resident = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    let before = resident();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {}\r\nX-Amz-Target: {LIST}\r\nContent-Length: 1048576\r\n\r\n{{",
        server.address
    );
    let waiting: Vec<TcpStream> = (0..300)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    // Answered after them.
    assert_eq!(call(&mut server.connect(), &signer, LIST, "{}").status, 200);
    std::thread::sleep(Duration::from_millis(300));
    let grown = resident().saturating_sub(before);
    assert!(grown < 60 * 1024, "{} connections took {grown} KiB", waiting.len());
}
