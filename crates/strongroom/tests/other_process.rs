//! What another process writes is read at once, although what is warm is not read again.

#![cfg(test)]
#![cfg(feature = "sqlite")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use strongroom::{RootKey, Strongroom};

const DIRECTORY: &str = "STRONGROOM_TEST_OTHER_DIRECTORY";
/// The lives of the other process; it is killed after so many puts each time.
const LIVES: u32 = 4;
const PUTS: u32 = 80;

async fn open(directory: &Path) -> Strongroom {
    Strongroom::builder().directory(directory).root_key(RootKey::from_bytes([7; 32])).open().await.unwrap()
}

/// Of different lengths: the log fills, is written back, and begins anew.
fn value(n: u32) -> String {
    format!("{n}:{}", "x".repeat(n as usize % 7 * 4_000))
}

/// A secret has at most a hundred versions; then the next is begun.
fn name(n: u32) -> String {
    format!("shared-{}", n / 50)
}

async fn write(room: &Strongroom, n: u32) {
    if n.is_multiple_of(50) {
        room.create(name(n)).text(value(n)).send().await.unwrap();
    } else {
        room.put(name(n)).text(value(n)).send().await.unwrap();
    }
}

async fn read(room: &Strongroom, n: u32) -> bool {
    room.get(name(n)).send().await.unwrap().expose_text().unwrap() == value(n)
}

/// Not a test of its own: the other process. Puts what it is told, and says when it is done.
#[test]
fn the_other_puts_what_it_is_told() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    pollster::block_on(async {
        let room = open(Path::new(&directory)).await;
        let say = |text: &str| {
            let mut out = std::io::stdout();
            out.write_all(text.as_bytes()).unwrap();
            out.flush().unwrap();
        };
        say("\nready\n");
        for line in std::io::stdin().lock().lines() {
            let n: u32 = line.unwrap().parse().unwrap();
            write(&room, n).await;
            // Read here too, so that both have it warm.
            assert!(read(&room, n).await);
            say("done\n");
        }
    });
}

fn start(directory: &Path) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_other_puts_what_it_is_told", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    wait_for("ready", &mut out);
    (child, out)
}

fn wait_for(word: &str, out: &mut impl BufRead) {
    let mut line = String::new();
    while line.trim() != word {
        line.clear();
        assert_ne!(out.read_line(&mut line).unwrap(), 0, "the other process ended");
    }
}

#[test]
fn another_process_is_heard_at_once() {
    let directory = tempfile::tempdir().unwrap();
    pollster::block_on(async {
        let room = open(directory.path()).await;
        write(&room, 0).await;
        let mut n = 0;
        for _ in 0..LIVES {
            let (mut child, mut out) = start(directory.path());
            let mut to = child.stdin.take().unwrap();
            for _ in 0..PUTS {
                // Warm: read twice, as it was.
                assert!(read(&room, n).await && read(&room, n).await);
                n += 1;
                writeln!(to, "{n}").unwrap();
                wait_for("done", &mut out);
                assert!(read(&room, n).await, "put {n} was acknowledged and is not read");
                // And this process's own.
                n += 1;
                write(&room, n).await;
            }
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert!(room.verify().await.unwrap().problems.is_empty());
    });
}
