//! The binary as a process: started, stopped, killed.

#![cfg(test)]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::path::Path;

use support::process::{command, kept_key, start, with_key};
use support::{Signer, call, exchange};

fn data(directory: &Path) -> [String; 4] {
    ["--listen", "127.0.0.1:0", "--data", directory.to_str().unwrap()].map(str::to_owned)
}

#[test]
fn what_was_acknowledged_survives_being_killed() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("data");
    let arguments = data(&place);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut server = start(&mut command(&arguments));
    let signer = kept_key(&place.join("access-key"));
    let secret = signer.secret.as_str();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for file in ["access-key", "root.key"] {
            assert_eq!(std::fs::metadata(place.join(file)).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
    let mut stream = server.connect();
    for n in 0..20 {
        let token = format!("00000000-0000-4000-8000-{n:012}");
        let body = format!(r#"{{"Name":"s{n}","SecretString":"v{n}","ClientRequestToken":"{token}"}}"#);
        assert_eq!(call(&mut stream, &signer, "secretsmanager.CreateSecret", &body).status, 200);
    }
    server.signal("-KILL");
    assert!(!server.child.wait().unwrap().success());
    // Where the key is kept stands in the log, and the secret nowhere in it.
    let mut report = String::new();
    server.child.stderr.take().unwrap().read_to_string(&mut report).unwrap();
    let file = place.join("access-key");
    assert!(report.contains(&format!("export AWS_SHARED_CREDENTIALS_FILE={}", file.display())), "{report}");
    assert!(!report.contains("v19") && !report.contains(secret), "no value is logged");

    let mut again = start(&mut command(&arguments));
    let mut stream = again.connect();
    for n in 0..20 {
        let answer =
            call(&mut stream, &signer, "secretsmanager.GetSecretValue", &format!(r#"{{"SecretId":"s{n}"}}"#));
        assert!(
            answer.status == 200 && answer.body.contains(&format!("\"SecretString\":\"v{n}\"")),
            "{answer:?}"
        );
    }
    again.signal("-TERM");
    assert!(again.child.wait().unwrap().success());
    let mut rest = String::new();
    again.out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "one line on standard output, no more");
    let mut report = String::new();
    again.child.stderr.take().unwrap().read_to_string(&mut report).unwrap();
    assert!(report.contains("AWS_SHARED_CREDENTIALS_FILE") && !report.contains(secret), "{report}");
}

#[test]
fn a_key_of_ones_own_and_a_request_under_way() {
    let (mut command, signer) = with_key(&["--log-json"]);
    let mut server = start(&mut command);
    let mut stream = server.connect();
    let made = call(
        &mut stream,
        &signer,
        "secretsmanager.CreateSecret",
        r#"{"Name":"db","SecretString":"hidden","ClientRequestToken":"00000000-0000-4000-8000-000000000001"}"#,
    );
    assert_eq!(made.status, 200, "{made:?}");
    assert!(made.headers.contains("x-amzn-requestid: "));
    let health = exchange(&mut stream, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!((health.status, health.body.as_str()), (200, r#"{"status":"ok"}"#));
    let reset = exchange(
        &mut stream,
        b"POST /_strongroom/reset HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
    )
    .unwrap();
    assert_eq!(reset.status, 403);
    server.signal("-TERM");
    assert!(server.child.wait().unwrap().success());
    let mut log = String::new();
    server.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    let line = log.lines().find(|line| line.contains("CreateSecret")).unwrap();
    for part in [r#""principal":"arn:aws:iam::000000000000:root""#, r#""about":"db""#, r#""code":"-""#] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(!log.contains("hidden") && !log.contains("\"secret\""), "{log}");
}

#[test]
fn counted_for_prometheus() {
    let (mut command, known) = with_key(&["--metrics", "127.0.0.1:0"]);
    let mut server = start(&mut command);
    let mut log = BufReader::new(server.child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("metrics on http://") {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0);
    }
    let place = line.split("http://").nth(1).unwrap().trim_end().trim_end_matches("/metrics").to_owned();
    let stranger = Signer::new("AKIAEXAMPLE000001", "x");
    let mut stream = server.connect();
    for _ in 0..3 {
        call(&mut stream, &known, "secretsmanager.GetSecretValue", r#"{"SecretId":"none"}"#);
    }
    call(&mut stream, &known, "secretsmanager.ListSecrets", "{}");
    call(&mut stream, &known, "secretsmanager.Invented", "{}");
    call(&mut stream, &stranger, "secretsmanager.Invented2", "{}");
    let mut stream = TcpStream::connect(&place).unwrap();
    let page = exchange(&mut stream, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap().body;
    for line in [
        r#"strongroom_requests_total{operation="GetSecretValue",code="ResourceNotFoundException"} 3"#,
        r#"strongroom_requests_total{operation="ListSecrets",code="-"} 1"#,
        r#"strongroom_requests_total{operation="-",code="UnknownOperationException"} 1"#,
        r#"strongroom_requests_total{operation="-",code="InvalidSignatureException"} 1"#,
        r#"strongroom_request_seconds_count{operation="GetSecretValue"} 3"#,
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
    assert!(!page.contains("Invented") && !page.contains("none"), "{page}");
    let other = exchange(&mut stream, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!(other.status, 404);
}

#[test]
fn any_credentials_and_a_reset() {
    let server = start(&mut command(&["--memory", "--listen", "127.0.0.1:0", "--accept-any-credentials"]));
    let mut stream = server.connect();
    let (one, two) = (Signer::new("111122223333", "x"), Signer::new("test", "y"));
    // Another token each time: none is a repeat.
    let requests = std::cell::Cell::new(0);
    let create = |stream: &mut TcpStream, signer: &Signer| {
        requests.set(requests.get() + 1);
        let token = format!("00000000-0000-4000-8000-{:012}", requests.get());
        let body = format!(r#"{{"Name":"db","SecretString":"v","ClientRequestToken":"{token}"}}"#);
        call(stream, signer, "secretsmanager.CreateSecret", &body)
    };
    let made = create(&mut stream, &one);
    assert!(made.body.contains("arn:aws:secretsmanager:us-east-1:111122223333:secret:db-"), "{made:?}");
    let made = create(&mut stream, &two);
    assert!(made.body.contains("arn:aws:secretsmanager:us-east-1:000000000000:secret:db-"), "{made:?}");
    assert!(create(&mut stream, &two).body.contains("ResourceExistsException"));
    let reset = exchange(
        &mut stream,
        b"POST /_strongroom/reset HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
    )
    .unwrap();
    assert_eq!(reset.status, 200);
    assert_eq!(create(&mut stream, &two).status, 200);
}

/// What a server that must not start writes to standard error.
fn refusal(command: &mut std::process::Command) -> String {
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && !error.contains("panicked"), "{error}");
    assert!(output.stdout.is_empty(), "standard output is for the address alone");
    error
}

#[test]
fn a_wrong_option_is_named() {
    let with = |arguments: &[&str]| refusal(&mut command(arguments));
    assert!(with(&["--memory", "--listen", "0.0.0.0:0"]).contains("--tls-cert"));
    assert!(with(&["--memory", "--metrics", "0.0.0.0:0"]).contains("only loopback"));
    let error = with(&["--memory", "--account", "1"]);
    assert!(error.contains("--account 1: ") && error.contains("twelve digits"), "{error}");
    let error = with(&["--memory", "--region", "here"]);
    assert!(error.contains("--region here: ") && error.contains("us-east-1"), "{error}");
    let error = with(&["--memory", "--regions", "here"]);
    assert!(error.contains("--regions") && error.contains("\"here\""), "{error}");
    assert!(with(&["--memory", "--data", "x"]).contains("--memory"));
    assert!(with(&["--memory", "--root-key", "x"]).contains("--memory"));
    assert!(with(&["--memory", "--log-level", "loud"]).contains("--log-level"));
    assert!(with(&["--memory", "--log-level", "strongroom=loud"]).contains("--log-level"));
    assert!(with(&["--memory", "--listen", "nowhere"]).contains("--listen nowhere"));
    // Without a terminal, the owner's secret goes into a file or nowhere.
    assert!(with(&["--memory", "--listen", "127.0.0.1:0"]).contains("--credentials"));
    let error = refusal(command(&["--memory"]).env("STRONGROOM_ACCESS_KEY_ID", "AKIAEXAMPLE000001"));
    assert!(error.contains("STRONGROOM_SECRET_ACCESS_KEY"), "{error}");
}

#[test]
fn a_taken_port_is_named_before_anything_is_created() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("data");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for option in ["--listen", "--metrics"] {
        let mut arguments = vec!["--data", place.to_str().unwrap(), option, &taken];
        if option == "--metrics" {
            arguments.extend(["--listen", "127.0.0.1:0"]);
        }
        let error = refusal(&mut command(&arguments));
        assert!(error.contains(&format!("{option} {taken}: ")), "{error}");
        assert!(!error.contains("AWS_") && !place.exists(), "no credentials before the bind: {error}");
    }
}

#[test]
fn a_path_that_cannot_be_written_is_named_once() {
    let directory = tempfile::tempdir().unwrap();
    // Not a directory, so that even root cannot create a file in it.
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let inside = file.join("inside");
    let inside = inside.to_str().unwrap();
    let place = directory.path().join("data");
    let place = place.to_str().unwrap();
    let listen = ["--listen", "127.0.0.1:0"];
    for more in [
        &["--data", inside][..],
        &["--data", place, "--root-key", inside],
        &["--data", place, "--credentials", inside],
        &["--memory", "--credentials", inside],
        &["--memory", "--tls-cert", inside, "--tls-key", inside],
    ] {
        let error = refusal(&mut command(&[&listen, more].concat()));
        assert!(error.contains(inside), "{more:?}: {error}");
        assert_eq!(error.matches("os error").count(), 1, "the cause is shown once: {error}");
        assert!(!error.contains("AWS_"), "{error}");
    }
}

#[test]
fn a_name_to_listen_on_a_level_to_log_at_and_memory_that_is_locked() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("credentials");
    let file = file.to_str().unwrap();
    let mut command = command(&["--memory", "--listen", "localhost:0", "--credentials", file, "--mlock"]);
    let mut server = start(command.env("RUST_LOG", "warn"));
    let signer = kept_key(Path::new(file));
    let port = server.address.rsplit_once(':').unwrap().1;
    assert!(["127.0.0.1:", "[::1]:"].iter().any(|host| server.address == format!("{host}{port}")));
    let answer = call(&mut server.connect(), &signer, "secretsmanager.ListSecrets", "{}");
    assert_eq!(answer.status, 200, "{answer:?}");
    #[cfg(target_os = "linux")]
    {
        let id = server.child.id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let locked = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap();
        assert!(locked.trim().trim_end_matches(" kB").parse::<u64>().unwrap() > 0, "{status}");
        let limits = std::fs::read_to_string(format!("/proc/{id}/limits")).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    }
    server.signal("-TERM");
    assert!(server.child.wait().unwrap().success());
    let mut log = String::new();
    server.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert_eq!(log, "", "nothing to warn of");
}

#[test]
fn help_names_the_environment_variables() {
    let output = command(&["--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for name in [
        "STRONGROOM_ACCESS_KEY_ID",
        "STRONGROOM_SECRET_ACCESS_KEY",
        "RUST_LOG",
        "STRONGROOM_DATA",
        "owner-key",
    ] {
        assert!(help.contains(name), "{name}: {help}");
    }
    // What the environment says counts.
    let mut limited = command(&["--memory"]);
    let output = limited.env("STRONGROOM_LISTEN", "0.0.0.0:0").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("--tls-cert"));
}

/// RSA is AWS-LC's: a build without it refuses.
#[test]
fn key_material_is_imported_wrapped_by_the_default_build() {
    let (mut command, signer) = with_key(&[]);
    let server = start(&mut command);
    let mut stream = server.connect();
    let made = call(&mut stream, &signer, "TrentService.CreateKey", r#"{"Origin":"EXTERNAL"}"#);
    let (_, id) = made.body.split_once(r#""KeyId":""#).unwrap();
    let id = id.split_once('"').unwrap().0;
    let body = format!(
        r#"{{"KeyId":"{id}","WrappingAlgorithm":"RSAES_OAEP_SHA_256","WrappingKeySpec":"RSA_2048"}}"#
    );
    let parameters = call(&mut stream, &signer, "TrentService.GetParametersForImport", &body);
    assert!(parameters.status == 200 && parameters.body.contains("PublicKey"), "{parameters:?}");
}
