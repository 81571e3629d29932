//! What is past its date is purged, also in realms that nobody has opened since the start.

#![cfg(test)]
#![cfg(target_os = "linux")]

mod support;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use support::process::{Server, command, kept_key, start};
use support::{Answer, Signer, exchange};

const NEAR: &str = "eu-west-1";
const FAR: &str = "eu-north-1";

struct World {
    directory: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let data = self.data();
        let given = ["--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()];
        given.iter().chain(more).map(|&text| text.to_owned()).collect()
    }

    fn start(&self, more: &[&str]) -> Server {
        start(command(&[]).args(self.arguments(more)))
    }

    /// Under a clock that many days ahead: the wall clock's, not the monotonic one.
    fn start_after(&self, days: u32, more: &[&str]) -> Server {
        let places = std::fs::read_dir("/usr/lib").unwrap().flatten();
        let library = places
            .map(|place| place.path().join("faketime/libfaketimeMT.so.1"))
            .find(|library| library.exists())
            .expect("this needs Debian's package faketime, which .ci/run installs");
        let mut command = command(&[]);
        command.args(self.arguments(more)).env("LD_PRELOAD", library).env("FAKETIME", format!("+{days}d"));
        start(command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1"))
    }

    /// The owner's, after so many days.
    fn call_after(&self, days: i64, server: &Server, region: &str, target: &str, body: &str) -> Answer {
        let owner = Signer { region: region.to_owned(), ..kept_key(&self.data().join("access-key")) };
        let now = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
        let stamp = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let mut request = "POST / HTTP/1.1\r\n".to_owned();
        for (name, value) in
            owner.headers_scoped(&server.address, target, body.as_bytes(), &stamp, &stamp[..8])
        {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        let length = body.len();
        request.push_str(&format!(
            "Content-Type: application/x-amz-json-1.1\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
        exchange(&mut server.connect(), request.as_bytes()).unwrap()
    }

    /// A secret and a key that are deleted in seven days. The key's id.
    fn schedule(&self, server: &Server, region: &str) -> String {
        let done = |target: &str, body: &str| {
            let answer = self.call_after(0, server, region, target, body);
            assert_eq!(answer.status, 200, "{target}: {answer:?}");
            answer.body
        };
        let create =
            r#"{"Name":"s","SecretString":"v","ClientRequestToken":"00000000-0000-4000-8000-000000000001"}"#;
        done("secretsmanager.CreateSecret", create);
        done("secretsmanager.DeleteSecret", r#"{"SecretId":"s","RecoveryWindowInDays":7}"#);
        let made = done("TrentService.CreateKey", "{}");
        let (_, rest) = made.split_once(r#""KeyId":""#).unwrap();
        let key = rest.split_once('"').unwrap().0.to_owned();
        let deletion = format!(r#"{{"KeyId":"{key}","PendingWindowInDays":7}}"#);
        done("TrentService.ScheduleKeyDeletion", &deletion);
        key
    }
}

fn stop(server: &mut Server) {
    server.signal("-TERM");
    assert!(server.child.wait().unwrap().success());
}

/// The log until it has a line with each of these words in it.
fn log_until(server: &mut Server, lines: &[&[&str]]) -> String {
    let (reply, read) = std::sync::mpsc::channel();
    let log = BufReader::new(server.child.stderr.take().unwrap());
    std::thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| reply.send(line)));
    let (mut report, until) = (String::new(), Instant::now() + Duration::from_secs(60));
    let has = |report: &str, words: &[&str]| {
        report.lines().any(|line| words.iter().all(|word| line.contains(word)))
    };
    while !lines.iter().all(|words| has(&report, words)) {
        let left = until.saturating_duration_since(Instant::now());
        let Ok(line) = read.recv_timeout(left) else { panic!("{lines:?} is not in\n{report}") };
        report.push_str(&line);
        report.push('\n');
    }
    report
}

#[test]
fn what_is_past_its_date_is_purged_in_realms_that_nobody_has_opened() {
    let world = World::new();
    let mut server = world.start(&["--housekeeping", "1s", "--log-level", "debug"]);
    let keys = [NEAR, FAR].map(|region| (region, world.schedule(&server, region)));
    log_until(&mut server, &[&["housekeeping", NEAR], &["housekeeping", FAR]]);
    stop(&mut server);

    let mut server = world.start_after(40, &["--housekeeping", "1s"]);
    // Before anybody asks for anything.
    let purged = |region| [region, "secrets_purged=1", "keys_deleted=1"];
    let log = log_until(&mut server, &[&purged(NEAR), &purged(FAR)]);
    // That the clock may have been set is told before the first purge.
    let at = |words: &[&str]| log.lines().position(|line| words.iter().all(|word| line.contains(word)));
    for region in [NEAR, FAR] {
        let told = at(&[region, "was the clock set"]);
        assert!(told.is_some() && told < at(&purged(region)), "{log}");
    }
    for (region, key) in &keys {
        let restore =
            world.call_after(40, &server, region, "secretsmanager.RestoreSecret", r#"{"SecretId":"s"}"#);
        assert_eq!(restore.status, 400, "{restore:?}");
        assert!(restore.body.contains("ResourceNotFoundException"), "{restore:?}");
        let cancel = format!(r#"{{"KeyId":"{key}"}}"#);
        let cancel = world.call_after(40, &server, region, "TrentService.CancelKeyDeletion", &cancel);
        assert_eq!(cancel.status, 400, "{cancel:?}");
        assert!(cancel.body.contains("NotFoundException"), "{cancel:?}");
    }
    stop(&mut server);
}

#[test]
fn what_was_opened_for_housekeeping_is_closed_again_and_nothing_is_purged_early() {
    let world = World::new();
    let mut server = world.start(&["--housekeeping", "off"]);
    let key = world.schedule(&server, FAR);
    stop(&mut server);
    let mut server = world.start(&["--housekeeping", "1s", "--log-level", "debug"]);
    let id = server.child.id();
    let files = || {
        let files = std::fs::read_dir(format!("/proc/{id}/fd")).unwrap().flatten();
        files.filter_map(|file| std::fs::read_link(file.path()).ok()).collect::<Vec<_>>()
    };
    log_until(&mut server, &[&["housekeeping", FAR]]);
    let far = |file: &PathBuf| file.to_str().is_some_and(|file| file.contains(FAR));
    // Housekeeping comes again; between two rounds nothing of it is open.
    let until = Instant::now() + Duration::from_secs(20);
    while files().iter().any(far) {
        assert!(Instant::now() < until, "{:?}", files());
        std::thread::sleep(Duration::from_millis(20));
    }
    let restore = world.call_after(0, &server, FAR, "secretsmanager.RestoreSecret", r#"{"SecretId":"s"}"#);
    assert_eq!(restore.status, 200, "{restore:?}");
    let cancel = format!(r#"{{"KeyId":"{key}"}}"#);
    let cancel = world.call_after(0, &server, FAR, "TrentService.CancelKeyDeletion", &cancel);
    assert_eq!(cancel.status, 200, "{cancel:?}");
    stop(&mut server);
}

#[test]
fn a_time_that_is_none_is_an_error_that_names_the_option() {
    for wrong in ["10", "0s", "never"] {
        let output = command(&["--memory", "--housekeeping", wrong]).output().unwrap();
        let report = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && report.contains("--housekeeping"), "{report}");
    }
}
