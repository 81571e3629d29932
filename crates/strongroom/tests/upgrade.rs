//! Upgrading a strongroom that other processes use, and that is killed on the way.

#![cfg(test)]
#![cfg(feature = "sqlite")]

mod fixture;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use fixture::{Fixture, builder, everything_is_there};

const DIRECTORY: &str = "STRONGROOM_TEST_UPGRADED_DIRECTORY";

/// Not a test of its own: another process, which does what it is told.
#[test]
fn the_other_does_what_it_is_told() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    pollster::block_on(async {
        let room = builder(Path::new(&directory)).open().await.unwrap();
        let say = |text: String| {
            let mut out = std::io::stdout();
            out.write_all(text.as_bytes()).unwrap();
            out.flush().unwrap();
        };
        say("\nready\n".to_owned());
        for line in std::io::stdin().lock().lines() {
            match line.unwrap().as_str() {
                "upgrade" => {
                    let upgrade = room.upgrade().await.unwrap();
                    say(format!("{} {}\n", upgrade.from, upgrade.to));
                }
                "write" => {
                    room.put("prod/untagged").text("x").send().await.unwrap();
                    room.keys().rotate("alias/orders").await.unwrap();
                    room.iam().tag(strongroom::IdentityRef::user("bob"), "a", "b").await.unwrap();
                    let read = room.get("prod/untagged").send().await.unwrap();
                    assert_eq!(read.expose_text().unwrap(), "x");
                    say(format!("format {}\n", room.format().unwrap()));
                }
                other => panic!("{other}"),
            }
        }
    });
}

struct Other {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Other {
    fn start(copy: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_other_does_what_it_is_told", "--nocapture", "--test-threads=1"])
            .env(DIRECTORY, copy)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (to, out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut other = Self { child, to, from: BufReader::new(out) };
        while other.line() != "ready" {}
        other
    }

    fn tell(&mut self, what: &str) {
        writeln!(self.to, "{what}").unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.from.read_line(&mut line).unwrap(), 0, "the other process ended");
        line.trim().to_owned()
    }

    fn kill(mut self) {
        self.child.kill().unwrap(); // SIGKILL
        self.child.wait().unwrap();
    }
}

#[tokio::test]
async fn a_process_that_has_it_open_goes_on() {
    let fixture = Fixture::new();
    let mut other = Other::start(&fixture.path(""));
    let room = fixture.room().await;
    other.tell("write");
    assert_eq!(other.line(), "format 1");
    room.upgrade().await.unwrap();
    for _ in 0..2 {
        other.tell("write");
        assert_eq!(other.line(), "format 2");
        room.put("prod/untagged").text("x").send().await.unwrap();
        room.keys().rotate("alias/policed").await.unwrap();
    }
    other.kill();
    assert!(room.verify().await.unwrap().is_clean());
    everything_is_there(&room, &fixture).await;
}

#[tokio::test]
async fn of_several_processes_one_upgrades_it() {
    let fixture = Fixture::new();
    let mut others: Vec<_> = (0..3).map(|_| Other::start(&fixture.path(""))).collect();
    for other in &mut others {
        other.tell("upgrade");
    }
    let mut answers: Vec<_> = others.iter_mut().map(Other::line).collect();
    answers.sort();
    assert_eq!(answers, ["1 2", "2 2", "2 2"]);
    others.into_iter().for_each(Other::kill);
    let room = fixture.room().await;
    assert_eq!(room.format().unwrap(), 2);
    everything_is_there(&room, &fixture).await;
}

/// Killed at any moment, it is of one format or the other, whole, and goes on when called again.
#[tokio::test]
async fn killed_anywhere_it_is_whole() {
    let mut found = [0; 3];
    for round in 0..40_u64 {
        let fixture = Fixture::new();
        let mut other = Other::start(&fixture.path(""));
        other.tell("upgrade");
        std::thread::sleep(Duration::from_micros(round * 97));
        other.kill();
        let room = fixture.room().await;
        let format = room.format().unwrap();
        found[format as usize] += 1;
        if round % 8 == 0 {
            everything_is_there(&room, &fixture).await;
            assert!(room.verify().await.unwrap().is_clean());
        }
        assert_eq!(room.upgrade().await.unwrap().from, format);
        assert_eq!(fixture.room().await.format().unwrap(), 2);
        room.put("prod/untagged").text("x").send().await.unwrap();
    }
    assert!(found[1] > 0 && found[2] > 0, "always killed at the same moment: {found:?}");
}
