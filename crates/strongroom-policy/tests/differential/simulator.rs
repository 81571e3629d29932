//! The simulator: a third-party npm package, in its own environment below `target/`.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Verdict;

/// The simulator's files in this repository, and what is to be installed for them.
fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulator")
}

/// Where the simulator is installed, which happens once.
fn environment() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("simulator");
    let wanted = files().join("package.json");
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    // One at a time, whichever test it is.
    let turn = File::create(place.with_extension("lock")).unwrap();
    turn.lock().unwrap();
    let (text, mark) = (std::fs::read(&wanted).unwrap(), place.join("installed"));
    if std::fs::read(&mark).is_ok_and(|done| done == text) {
        return place;
    }
    let _ = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(&place).unwrap();
    std::fs::copy(&wanted, place.join("package.json")).unwrap();
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&place);
    let output = npm.output().unwrap_or_else(|error| panic!("npm is needed and cannot be run: {error}"));
    assert!(output.status.success(), "{npm:?}: {}", String::from_utf8_lossy(&output.stderr));
    std::fs::write(mark, text).unwrap();
    place
}

/// The simulator's verdicts, in the order of the simulations.
pub(crate) fn simulate(simulations: &[Value]) -> Vec<Verdict> {
    let place = environment();
    // Modules are resolved next to the script.
    let script = place.join("simulate.mjs");
    std::fs::copy(files().join("simulate.mjs"), &script).unwrap();
    let mut node = Command::new("node")
        .arg(&script)
        .env("TZ", "UTC")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("node is needed and cannot be run: {error}"));
    let lines: String = simulations.iter().map(|one| format!("{one}\n")).collect();
    let mut input = node.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = node.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{}", output.status);
    let answers = String::from_utf8(output.stdout).unwrap();
    let verdicts: Vec<Verdict> = answers
        .lines()
        .zip(simulations)
        .map(|(line, simulation)| match line {
            "Allowed" => Verdict::Allowed,
            "ExplicitlyDenied" => Verdict::ExplicitlyDenied,
            "ImplicitlyDenied" => Verdict::ImplicitlyDenied,
            other => panic!("{other}: {simulation:#}"),
        })
        .collect();
    assert_eq!(verdicts.len(), simulations.len());
    verdicts
}
