//! Nothing secret is left in memory, and the search that says so finds each wipe that is turned
//! off.

#![cfg(test)]
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs the program; what it found.
fn findings(program: &Path, arguments: &[&str], leak: &str) -> Vec<String> {
    let output = Command::new(program).args(arguments).env("STRONGROOM_LEAK", leak).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains(" findings"),
        "it did not finish: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let found: Vec<_> = text.lines().filter(|line| line.starts_with("found: ")).map(str::to_owned).collect();
    assert_eq!(output.status.success(), found.is_empty());
    found
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Builds the program so that wipes can be turned off, in a place of its own. The library first,
/// then the program with it: the packages that only tests need are left out.
fn built_with_leaks() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("leak");
    run(Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--lib", "--features", "serde", "--manifest-path"])
        .arg(package.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env("RUSTFLAGS", "--cfg strongroom_leak")
        .env_remove("CARGO_ENCODED_RUSTFLAGS"));
    let (library, program) = (target.join("debug"), target.join("residue"));
    run(Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--edition", "2024", "--crate-name", "residue", "--cfg", "feature=\"serde\""])
        .arg(package.join("examples/residue.rs"))
        .arg("--extern")
        .arg(format!("strongroom_envelope={}", library.join("libstrongroom_envelope.rlib").display()))
        .arg("--extern")
        .arg(format!("serde={}", newest(&library.join("deps"), "libserde-").display()))
        .arg("-L")
        .arg(format!("dependency={}", library.join("deps").display()))
        .arg("-o")
        .arg(&program));
    program
}

/// The library with this name prefix that this build produced or used last.
fn newest(directory: &Path, name: &str) -> PathBuf {
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    let is = |path: &PathBuf| {
        let file = path.file_name().unwrap().to_str().unwrap();
        file.starts_with(name) && file.ends_with(".rlib")
    };
    files.filter(is).max_by_key(|path| std::fs::metadata(path).unwrap().modified().unwrap()).unwrap()
}

fn built_with_the_tests() -> PathBuf {
    // Cargo builds a package's examples with all its tests, next to the test's own directory, but
    // not with a single test.
    let own = std::env::current_exe().unwrap();
    let program = own.parent().unwrap().parent().unwrap().join("examples").join("residue");
    if !program.exists() {
        run(Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--example", "residue", "--manifest-path"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")));
    }
    program
}

#[test]
fn nothing_is_left_of_plaintexts_and_keys() {
    assert_eq!(findings(&built_with_the_tests(), &[], ""), Vec::<String>::new());
}

#[test]
fn the_search_finds_what_is_there() {
    assert!(!findings(&built_with_the_tests(), &["--leak"], "").is_empty());
}

#[test]
fn every_wipe_that_is_turned_off_is_found() {
    let program = built_with_leaks();
    assert_eq!(findings(&program, &[], ""), Vec::<String>::new(), "with every wipe on");
    for (which, expected) in [
        ("bytes", "plaintext raw"),
        ("growth", "plaintext raw"),
        ("spare", "plaintext raw"),
        ("key", "key raw"),
    ] {
        let found = findings(&program, &[], which);
        assert!(found.iter().any(|line| line.contains(expected)), "without the wipe of {which}: {found:?}");
    }
}
