//! What a data directory must hold, and what happens when it does not.

#![cfg(test)]
#![cfg(unix)]

mod support;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use support::process::{Server, command, kept_key, start};
use support::{Answer, Signer, call};

const HOME: &str = "000000000000/us-east-1/records.sqlite3";

struct Place {
    _directory: tempfile::TempDir,
    data: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        Self { _directory: directory, data }
    }

    fn command(&self, more: &[&str]) -> Command {
        command(&[&["--listen", "127.0.0.1:0", "--data", self.data.to_str().unwrap()], more].concat())
    }

    fn start(&self, more: &[&str]) -> Server {
        start(&mut self.command(more))
    }

    /// What a server that does not start says.
    fn refused(&self, more: &[&str]) -> String {
        let Output { status, stderr, .. } = self.command(more).output().unwrap();
        let report = String::from_utf8_lossy(&stderr).into_owned();
        assert!(!status.success() && !report.contains("panicked"), "{report}");
        report
    }

    fn key(&self) -> Signer {
        kept_key(&self.data.join("access-key"))
    }

    fn owner_key(&self, arguments: &[&str]) -> String {
        let mut command = command(&["owner-key"]);
        let output = command.args(arguments).arg("--data").arg(&self.data).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.data.join(name)
    }
}

fn create(server: &Server, signer: &Signer, name: &str) -> Answer {
    let token = format!("{name:0<32}");
    let body = format!(r#"{{"Name":"{name}","SecretString":"v","ClientRequestToken":"{token}"}}"#);
    call(&mut server.connect(), signer, "secretsmanager.CreateSecret", &body)
}

fn get(server: &Server, signer: &Signer, name: &str) -> Answer {
    let body = format!(r#"{{"SecretId":"{name}"}}"#);
    call(&mut server.connect(), signer, "secretsmanager.GetSecretValue", &body)
}

fn in_region(signer: &Signer, region: &str) -> Signer {
    Signer { region: region.to_owned(), ..signer.clone() }
}

fn stop(mut server: Server) -> String {
    server.signal("-TERM");
    assert!(server.child.wait().unwrap().success());
    let mut log = String::new();
    server.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    log
}

fn let_in(server: &Server, signer: &Signer) -> bool {
    let answer = call(&mut server.connect(), signer, "secretsmanager.ListSecrets", "{}");
    assert!(answer.status == 200 || answer.body.contains("UnrecognizedClientException"), "{answer:?}");
    answer.status == 200
}

#[test]
fn a_new_key_in_the_file_takes_the_place_of_the_old_one() {
    let place = Place::new();
    let server = place.start(&[]);
    let old = place.key();
    assert!(let_in(&server, &old));
    stop(server);
    fs::remove_file(place.file("access-key")).unwrap();
    let server = place.start(&[]);
    let new = place.key();
    assert_ne!(old.id, new.id);
    assert!(let_in(&server, &new) && !let_in(&server, &old));
}

#[test]
fn a_key_given_by_environment_replaces_the_one_given_before() {
    let place = Place::new();
    let given = |id: &str| {
        let mut command = place.command(&[]);
        command.env("STRONGROOM_ACCESS_KEY_ID", id).env("STRONGROOM_SECRET_ACCESS_KEY", "secret");
        start(&mut command)
    };
    let (one, two) = (Signer::new("AKIAEXAMPLE000001", "secret"), Signer::new("AKIAEXAMPLE000002", "secret"));
    let server = given(&one.id);
    assert!(let_in(&server, &one));
    stop(server);
    let server = given(&two.id);
    assert!(let_in(&server, &two) && !let_in(&server, &one));
    assert!(!place.file("access-key").exists());
    stop(server);
    // Without one it has a key of its own, and warns of the other.
    let server = place.start(&[]);
    assert!(let_in(&server, &place.key()) && let_in(&server, &two));
    let log = stop(server);
    assert!(log.contains("WARN") && log.contains(&two.id) && log.contains("owner-key revoke"), "{log}");
}

#[test]
fn the_owners_keys_are_listed_rotated_and_revoked_beside_a_running_server() {
    let place = Place::new();
    let server = place.start(&[]);
    let old = place.key();
    assert!(let_in(&server, &old));
    let listed = place.owner_key(&["list"]);
    assert!(listed.contains(&old.id) && listed.contains("server") && listed.contains("credentials file"));
    assert!(!listed.contains(&old.secret));
    let report = place.owner_key(&["rotate"]);
    let new = place.key();
    assert!(
        report.contains(&new.id) && report.contains(&old.id) && !report.contains(&new.secret),
        "{report}"
    );
    // The server learns of what another process did within a tenth of a second.
    std::thread::sleep(Duration::from_millis(150));
    assert!(let_in(&server, &new) && !let_in(&server, &old));
    place.owner_key(&["revoke", &new.id]);
    std::thread::sleep(Duration::from_millis(150));
    assert!(!let_in(&server, &new));
    stop(server);
    // Nor is a revoked key in the file let in at the next start.
    let server = place.start(&[]);
    assert!(!let_in(&server, &new));
    let log = stop(server);
    assert!(log.contains("owner-key rotate"), "{log}");
    assert_eq!(place.owner_key(&["list"]), "");
    place.owner_key(&["rotate"]);
    let server = place.start(&[]);
    assert!(let_in(&server, &place.key()));
    let wrong = command(&["owner-key", "list", "--data", "/nowhere/at/all"]).output().unwrap();
    assert!(!wrong.status.success() && !Path::new("/nowhere").exists());
}

#[test]
fn a_credentials_file_is_as_private_as_the_root_key() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    stop(place.start(&[]));
    let file = place.file("access-key");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let report = place.refused(&[]);
    assert!(report.contains("access-key") && report.contains("644"), "{report}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    // The format of earlier versions is read, and the shared one written.
    let key = place.key();
    fs::write(&file, format!("{}\n{}\n", key.id, key.secret)).unwrap();
    let server = place.start(&[]);
    assert!(let_in(&server, &key));
    assert_eq!(place.key().secret, key.secret);
}

#[test]
fn a_directory_remembers_its_account_and_identity_region() {
    let place = Place::new();
    let more = ["--region", "eu-west-1", "--account", "111122223333"];
    let server = place.start(&more);
    let key = in_region(&place.key(), "eu-west-1");
    assert_eq!(create(&server, &key, "s").status, 200);
    stop(server);
    for (more, both) in [
        (["--account", "444455556666"], ["111122223333", "444455556666"]),
        (["--region", "us-east-1"], ["eu-west-1", "us-east-1"]),
    ] {
        let report = place.refused(&more);
        assert!(both.iter().all(|word| report.contains(word)), "{report}");
        assert!(!place.file("444455556666").exists() && !place.file("111122223333/us-east-1").exists());
    }
    for more in [&more[..], &[]] {
        let server = place.start(more);
        assert_eq!(get(&server, &key, "s").status, 200);
        stop(server);
    }
    // One from before there was a manifest says it by its keys.
    fs::remove_file(place.file("strongroom.json")).unwrap();
    assert!(place.refused(&["--account", "444455556666"]).contains("111122223333"));
    let server = place.start(&[]);
    assert_eq!(get(&server, &key, "s").status, 200);
    assert!(place.file("strongroom.json").exists());
}

#[test]
fn a_root_key_that_is_gone_is_never_replaced() {
    let place = Place::new();
    let server = place.start(&[]);
    let key = place.key();
    let root = fs::read(place.file("root.key")).unwrap();
    fs::remove_file(place.file("root.key")).unwrap();
    // The running server has read it; what it makes meanwhile opens with the true key.
    let far = in_region(&key, "ap-south-1");
    assert_eq!(create(&server, &far, "far").status, 200);
    assert!(!place.file("root.key").exists());
    stop(server);
    for more in [&[][..], &["--region", "ap-south-1"], &["--region", "us-east-1"]] {
        let report = place.refused(more);
        assert!(report.contains("root.key") || report.contains("identity region"), "{report}");
        assert!(!place.file("root.key").exists());
    }
    fs::remove_file(place.file("strongroom.json")).unwrap();
    assert!(place.refused(&[]).contains("root.key"));
    assert!(!place.file("root.key").exists());
    fs::write(place.file("root.key"), root).unwrap();
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(place.file("root.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let server = place.start(&[]);
    assert_eq!(get(&server, &far, "far").status, 200);
}

#[test]
fn a_database_that_is_gone_is_not_begun_anew() {
    for manifest in [true, false] {
        for (what, lose) in [
            ("removed", (|path: &Path| fs::remove_file(path).unwrap()) as fn(&Path)),
            ("emptied", |path| fs::write(path, b"").unwrap()),
            ("directory removed", |path| fs::remove_dir_all(path.parent().unwrap()).unwrap()),
        ] {
            let place = Place::new();
            let mut server = place.start(&[]);
            let key = place.key();
            assert_eq!(create(&server, &key, "s").status, 200);
            // Killed, so that its log is full of what was acknowledged.
            server.signal("-KILL");
            server.child.wait().unwrap();
            let log = place.file(HOME).with_extension("sqlite3-wal");
            let full = fs::read(&log).unwrap();
            assert!(!full.is_empty());
            lose(&place.file(HOME));
            if !manifest {
                fs::remove_file(place.file("strongroom.json")).unwrap();
            }
            let report = place.refused(&[]);
            assert!(report.contains("data") && report.contains("strongroom-server: "), "{what}: {report}");
            if what != "directory removed" {
                assert_eq!(fs::read(&log).unwrap(), full, "{what}: the log is kept");
            }
        }
    }
    // One of another region, when it is first asked for.
    let place = Place::new();
    let server = place.start(&[]);
    let far = in_region(&place.key(), "ap-south-1");
    assert_eq!(create(&server, &far, "far").status, 200);
    stop(server);
    fs::remove_dir_all(place.file("000000000000/ap-south-1")).unwrap();
    let server = place.start(&[]);
    let answer = create(&server, &far, "far");
    assert_eq!(answer.status, 500, "{answer:?}");
    assert!(!place.file("000000000000/ap-south-1").join("records.sqlite3").exists());
}

#[test]
fn a_first_start_that_is_killed_at_any_moment_is_followed_by_one_that_comes_up() {
    for micros in (0..40_000).step_by(1_000) {
        let place = Place::new();
        let mut child = place.command(&[]).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(micros));
        child.kill().unwrap();
        child.wait().unwrap();
        let server = place.start(&[]);
        let key = place.key();
        assert_eq!(create(&server, &key, "s").status, 200, "killed after {micros} microseconds");
        stop(server);
        let server = place.start(&[]);
        assert_eq!(get(&server, &key, "s").status, 200, "killed after {micros} microseconds");
    }
}

#[test]
fn a_new_region_that_is_killed_at_any_moment_is_completed_after_a_restart() {
    for micros in (0..40_000).step_by(2_000) {
        let place = Place::new();
        let mut server = place.start(&[]);
        let far = in_region(&place.key(), "ap-south-1");
        let mut connection = server.connect();
        let body = r#"{"Name":"killed","SecretString":"v","ClientRequestToken":"00000000-0000-4000-8000-000000000001"}"#;
        let asking = far.clone();
        // The answer is lost, or comes just before the end.
        let asked = std::thread::spawn(move || {
            call(&mut connection, &asking, "secretsmanager.CreateSecret", body).status
        });
        std::thread::sleep(Duration::from_micros(micros));
        server.signal("-KILL");
        server.child.wait().unwrap();
        let acknowledged = asked.join().is_ok_and(|status| status == 200);
        for _ in 0..2 {
            stop(place.start(&[]));
        }
        let server = place.start(&[]);
        if acknowledged {
            assert_eq!(get(&server, &far, "killed").status, 200, "killed after {micros} microseconds");
        }
        let answer = create(&server, &far, "s");
        assert_eq!(answer.status, 200, "killed after {micros} microseconds: {answer:?}");
        stop(server);
        let server = place.start(&[]);
        assert_eq!(get(&server, &far, "s").status, 200, "killed after {micros} microseconds");
    }
}

#[test]
fn what_is_left_of_a_strongroom_is_not_taken_for_a_new_place() {
    use std::os::unix::fs::PermissionsExt;
    for left in ["root.key", "access-key", "records.sqlite3", "something.else"] {
        let place = Place::new();
        fs::create_dir(&place.data).unwrap();
        fs::write(place.file(left), "AKIAEXAMPLE000001\nsecret\n").unwrap();
        fs::set_permissions(place.file(left), fs::Permissions::from_mode(0o600)).unwrap();
        let report = place.refused(&[]);
        assert!(report.contains(left) && report.contains("backup"), "{report}");
        assert!(!place.file("root.key").exists() || left == "root.key");
    }
    // What comes with a volume is nothing.
    let place = Place::new();
    fs::create_dir(&place.data).unwrap();
    fs::create_dir(place.file("lost+found")).unwrap();
    assert!(place.refused(&["--existing"]).contains("no strongroom"));
    assert!(!place.file("root.key").exists());
    stop(place.start(&[]));
    stop(place.start(&["--existing"]));
}

#[test]
fn a_directory_that_was_replaced_gets_nothing_from_the_server_of_the_old_one() {
    let place = Place::new();
    let old = place.start(&[]);
    let old_key = place.key();
    fs::remove_dir_all(&place.data).unwrap();
    let new = place.start(&[]);
    let new_key = place.key();
    assert_eq!(create(&old, &in_region(&old_key, "ap-south-1"), "s").status, 500);
    assert_eq!(create(&old, &old_key, "s").status, 500);
    assert_eq!(create(&new, &in_region(&new_key, "ap-south-1"), "s").status, 200);
    assert_eq!(create(&new, &new_key, "s").status, 200);
}

#[test]
fn a_key_is_rotated_only_where_the_new_one_can_be_kept() {
    let place = Place::new();
    let credentials = place._directory.path().join("credentials");
    let file = credentials.to_str().unwrap();
    let server = place.start(&["--credentials", file]);
    let old = kept_key(&credentials);
    let rotate = |file: &str| {
        let mut command = command(&["owner-key", "rotate", "--credentials", file, "--data"]);
        command.arg(&place.data).output().unwrap()
    };
    for wrong in ["/nowhere/credentials", "/proc/credentials"] {
        assert!(!rotate(wrong).status.success(), "{wrong}");
        assert!(let_in(&server, &old));
    }
    // Other profiles are somebody else's.
    let text = fs::read_to_string(&credentials).unwrap();
    fs::write(&credentials, format!("[mine]\nregion = x\n{text}region = eu-west-1\n")).unwrap();
    let output = rotate(file);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(&credentials).unwrap();
    assert!(text.starts_with("[mine]\nregion = x\n[default]\n") && text.ends_with("region = eu-west-1\n"));
    assert!(!text.contains(&old.id) && !text.contains(&old.secret));
    // Several at once leave the key that is in the file, and no other.
    std::thread::scope(|scope| {
        (0..4).for_each(|_| drop(scope.spawn(|| assert!(rotate(file).status.success()))))
    });
    let listed =
        command(&["owner-key", "list", "--credentials", file, "--data"]).arg(&place.data).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.lines().count() == 1 && listed.contains("credentials file"), "{listed}");
}

#[test]
fn credentials_that_were_refused_once_are_taken_when_they_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let credentials = place._directory.path().join("credentials");
    let file = credentials.to_str().unwrap();
    let text = "[default]\naws_access_key_id = AKIAEXAMPLE000001\naws_secret_access_key = secret\n";
    fs::write(&credentials, text).unwrap();
    fs::set_permissions(&credentials, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(place.refused(&["--credentials", file]).contains("644"));
    assert!(!place.data.exists(), "nothing is begun");
    fs::set_permissions(&credentials, fs::Permissions::from_mode(0o600)).unwrap();
    let server = place.start(&["--credentials", file]);
    assert!(let_in(&server, &Signer::new("AKIAEXAMPLE000001", "secret")));
}

#[test]
fn nothing_is_acknowledged_into_a_directory_that_was_removed() {
    let place = Place::new();
    let server = place.start(&[]);
    let key = place.key();
    assert_eq!(create(&server, &key, "before").status, 200);
    fs::remove_dir_all(&place.data).unwrap();
    for name in ["after", "again"] {
        let answer = create(&server, &key, name);
        assert_eq!(answer.status, 500, "{answer:?}");
        assert_eq!(create(&server, &in_region(&key, "ap-south-1"), name).status, 500);
    }
    assert!(!place.data.exists());
}

#[test]
fn several_first_starts_at_once_all_come_up() {
    let place = Place::new();
    let children: Vec<_> = (0..6)
        .map(|_| {
            let mut command = place.command(&[]);
            std::thread::spawn(move || start(&mut command))
        })
        .collect();
    let servers: Vec<Server> = children.into_iter().map(|child| child.join().unwrap()).collect();
    let key = place.key();
    for (n, server) in servers.iter().enumerate() {
        assert_eq!(create(server, &key, &format!("s{n}")).status, 200);
    }
    for server in &servers {
        assert!((0..servers.len()).all(|n| get(server, &key, &format!("s{n}")).status == 200));
    }
    assert_eq!(place.owner_key(&["list"]).lines().count(), 1, "one key, not six");
}

#[test]
fn few_descriptors_are_an_error_and_not_a_panic() {
    for files in [3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32] {
        let place = Place::new();
        let server = env!("CARGO_BIN_EXE_strongroom-server");
        let line = format!(
            "ulimit -n {files}; exec timeout -s TERM 1 {server} --listen 127.0.0.1:0 --data {}",
            place.data.display()
        );
        let output = Command::new("sh").args(["-c", &line]).output().unwrap();
        let report = String::from_utf8_lossy(&output.stderr);
        assert!(!report.contains("panicked"), "{files}: {report}");
    }
    // Enough to serve, and fewer than there are clients: those wait, and the server answers on.
    let place = Place::new();
    let mut limited = Command::new("sh");
    let server = env!("CARGO_BIN_EXE_strongroom-server");
    limited.args([
        "-c",
        &format!("ulimit -n 96; exec {server} --listen 127.0.0.1:0 --data {}", place.data.display()),
    ]);
    limited.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let server = start(&mut limited);
    let key = place.key();
    let waiting: Vec<_> = (0..120).map(|_| server.connect()).collect();
    drop(waiting);
    assert_eq!(create(&server, &key, "s").status, 200);
    let log = stop(server);
    assert!(!log.contains("panicked") && !log.contains("failed to accept"), "{log}");
}

/// A library for `LD_PRELOAD` that sets the clock to the moment in `MOMENT`.
#[cfg(target_os = "linux")]
fn shifted_clock(directory: &Path) -> PathBuf {
    let (source, library) = (directory.join("clock.c"), directory.join("clock.so"));
    let text = r#"
        #define _GNU_SOURCE
        #include <stdlib.h>
        #include <time.h>
        #include <unistd.h>
        #include <sys/syscall.h>
        int clock_gettime(clockid_t id, struct timespec *out) {
            int done = syscall(SYS_clock_gettime, id, out);
            if (done == 0 && id == CLOCK_REALTIME) out->tv_sec = atoll(getenv("MOMENT"));
            return done;
        }
    "#;
    fs::write(&source, text).unwrap();
    let cc = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let made = Command::new(cc).args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    assert!(made.unwrap().success());
    library
}

#[cfg(target_os = "linux")]
#[test]
fn a_clock_before_1970_is_an_error_and_not_a_panic() {
    for moment in ["-86400", "-1", "-62135596800", "-9000000000000", "253402300800", "9000000000000"] {
        let place = Place::new();
        let library = shifted_clock(place._directory.path());
        let mut command = place.command(&[]);
        let output = command.env("LD_PRELOAD", &library).env("MOMENT", moment).output().unwrap();
        let report = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && !report.contains("panicked"), "{moment}: {report}");
        assert!(report.contains("the system clock is before 1970 or after 9999"), "{moment}: {report}");
    }
    // The earliest time that HTTP can express works.
    let place = Place::new();
    let library = shifted_clock(place._directory.path());
    let mut command = place.command(&[]);
    let server = start(command.env("LD_PRELOAD", &library).env("MOMENT", "0"));
    let answer = call(&mut server.connect(), &place.key(), "secretsmanager.ListSecrets", "{}");
    assert_eq!(answer.status, 400, "a signature of today is of another time: {answer:?}");
    assert!(!stop(server).contains("panicked"));
}
