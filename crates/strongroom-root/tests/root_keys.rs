//! Root keys as people write them down, and as Docker and Kubernetes mount them.

#![cfg(test)]
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use strongroom_records::{MemoryRecords, Records};
use strongroom_root::{Error, ErrorKind, RootKey, TrustedRecords};
use strongroom_types::SystemClock;

/// The same 32 bytes in every form.
const RAW: [u8; 32] = [
    0xb5, 0x1e, 0x93, 0x0f, 0x4a, 0xc7, 0x60, 0x00, 0x0d, 0x0a, 0xff, 0xfe, 0x31, 0x88, 0x55, 0x27, 0x9b,
    0xe2, 0x14, 0x6d, 0xd0, 0x3c, 0xa9, 0x72, 0x1b, 0xf6, 0x41, 0x8e, 0xcb, 0x05, 0x9d, 0x0a,
];
const BASE64: &str = "tR6TD0rHYAANCv/+MYhVJ5viFG3QPKlyG/ZBjssFnQo=";
const HEX: &str = "b51e930f4ac760000d0afffe318855279be2146dd03ca9721bf6418ecb059d0a";

fn put(path: &Path, content: impl AsRef<[u8]>, mode: u32) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Whether the root opens what `RAW` has made.
fn opens(root: RootKey) -> bool {
    pollster::block_on(async {
        let records = Arc::new(MemoryRecords::new()) as Arc<dyn Records>;
        let made = RootKey::from_bytes(RAW);
        TrustedRecords::open(Arc::clone(&records), made, None, &SystemClock).await.unwrap();
        match TrustedRecords::open(records, root, None, &SystemClock).await {
            Ok(_) => true,
            Err(error) if error.kind() == ErrorKind::WrongRoot => false,
            Err(error) => panic!("{error}"),
        }
    })
}

#[test]
fn a_key_file_holds_base64_hex_or_the_bytes_with_any_line_end() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key");
    for end in ["", "\n", "\r\n"] {
        for text in [BASE64, HEX, &HEX.to_uppercase(), &format!("strongroom-root-key-1 {BASE64}")] {
            put(&file, format!("{text}{end}"), 0o600);
            assert!(opens(RootKey::file(&file).unwrap()), "{text}{end:?}");
            assert!(opens(format!("{text}{end}").parse().unwrap()), "{text}{end:?}");
        }
    }
    put(&file, RAW, 0o400);
    assert!(opens(RootKey::file(&file).unwrap()));
    assert!(opens(RootKey::file_or_create(&file).unwrap()));
}

#[test]
fn what_is_no_key_is_refused_with_the_forms_that_are_expected_and_never_shown() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key");
    let canary = "hunter2hunter2hunter2hunter2hunt";
    let long = canary.repeat(100);
    for content in
        ["", canary, &canary[..16], &long, &HEX[..63], &BASE64[..40], "strongroom-root-key-1 tR6TD0rHYAAN"]
    {
        put(&file, content, 0o600);
        for error in [
            RootKey::file(&file).unwrap_err(),
            RootKey::file_or_create(&file).unwrap_err(),
            RootKey::shared_file(&file).unwrap_err(),
            content.parse::<RootKey>().unwrap_err(),
        ] {
            let shown = format!("{error} {error:?}");
            assert_eq!(error.kind(), ErrorKind::RootInvalid, "{content}");
            assert!(shown.contains("base64 (44 characters) or hex (64 digits)"), "{shown}");
            assert!(
                !shown.contains("hunter2") && !shown.contains("tR6TD0") && !shown.contains("b51e"),
                "{shown}"
            );
        }
    }
}

#[test]
fn a_generated_key_goes_out_as_text_and_comes_back() {
    let key = RootKey::generate().unwrap();
    let text = key.to_text().unwrap();
    assert_eq!(text.expose().len(), 44);
    assert_ne!(RootKey::generate().unwrap().to_text().unwrap(), text, "each is another");
    let back: RootKey = text.expose().parse().unwrap();
    assert_eq!(back.to_text().unwrap(), text);
    assert!(!format!("{key:?} {text:?}").contains(text.expose()));
    assert_eq!(RootKey::from_bytes(RAW).to_text().unwrap().expose(), BASE64);
    let error = RootKey::from_passphrase("correct horse").unwrap().to_text().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RootInvalid);
}

#[test]
fn a_loaded_root_needs_its_file_no_more() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key");
    put(&file, BASE64, 0o600);
    let kept = RootKey::file(&file).unwrap();
    let loaded = RootKey::file(&file).unwrap().load().unwrap();
    fs::remove_file(&file).unwrap();
    assert!(opens(loaded.duplicate()) && opens(loaded));
    assert_eq!(kept.load().unwrap_err().kind(), ErrorKind::RootMissing);
    let made = RootKey::file_or_create(&file).unwrap().load().unwrap();
    assert_eq!(RootKey::file(&file).unwrap().load().unwrap().to_text().unwrap(), made.to_text().unwrap());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_file_that_others_may_read_is_refused_unless_the_program_says_that_they_may() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key");
    for mode in [0o444, 0o644, 0o440, 0o640] {
        put(&file, BASE64, mode);
        for refused in [RootKey::file(&file), RootKey::file_or_create(&file)] {
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::RootExposed, "{mode:o}");
            assert!(error.to_string().contains("shared_file"), "{error}");
        }
        assert!(opens(RootKey::shared_file(&file).unwrap()), "{mode:o}");
    }
    for mode in [0o666, 0o620] {
        put(&file, BASE64, mode);
        let error = RootKey::shared_file(&file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RootExposed, "{mode:o}: {error}");
    }
    assert_eq!(RootKey::shared_file(directory.path()).unwrap_err().kind(), ErrorKind::RootInvalid);
    let missing = RootKey::shared_file(directory.path().join("missing")).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::RootMissing);
}

#[cfg(target_os = "linux")]
mod mounted {
    use super::*;

    const MOUNT: &str = "STRONGROOM_TEST_MOUNT";

    /// A directory as the kubelet makes it, on a mount that nobody can write to: `key` is a link to `..data/key`, and `..data`
    /// one to a directory that is named by the time.
    fn mount(directory: &Path) -> Command {
        let mut command = Command::new("unshare");
        if fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) != 0) {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--mount", "sh", "-euc"]).arg(
            r#"mount -t tmpfs tmpfs "$1"
               mkdir "$1/..2026_11_25"; ln -s ..2026_11_25 "$1/..data"
               for mode in 400 440 444 644; do
                   printf '%s' "$2" > "$1/..data/$mode"; chmod "$mode" "$1/..data/$mode"
                   ln -s "..data/$mode" "$1/$mode"
               done
               mount -o remount,ro "$1"
               exec "$3" --exact mounted::the_child_reads_what_is_mounted --nocapture"#,
        );
        command.arg("sh").arg(directory).arg(BASE64).arg(std::env::current_exe().unwrap());
        command.env(MOUNT, directory);
        command
    }

    fn kind(result: Result<RootKey, Error>) -> ErrorKind {
        result.unwrap_err().kind()
    }

    /// Not a test of its own: runs where the directory is mounted.
    #[test]
    fn the_child_reads_what_is_mounted() {
        let Ok(directory) = std::env::var(MOUNT) else { return };
        let at = |mode: &str| Path::new(&directory).join(mode);
        fs::write(at("new"), "").expect_err("the mount is read-only");
        assert!(fs::symlink_metadata(at("440")).unwrap().is_symlink());
        for mode in ["400", "440"] {
            assert!(opens(RootKey::file(at(mode)).unwrap()), "{mode}");
            assert!(opens(RootKey::file_or_create(at(mode)).unwrap()), "{mode}");
            // A new store too, which puts its key on the disk first where it can.
            let records = Arc::new(MemoryRecords::new());
            let root = RootKey::file_or_create(at(mode)).unwrap();
            pollster::block_on(TrustedRecords::open(records, root, None, &SystemClock)).unwrap();
        }
        for mode in ["444", "644"] {
            assert_eq!(kind(RootKey::file(at(mode))), ErrorKind::RootExposed, "{mode}");
            assert_eq!(kind(RootKey::file_or_create(at(mode))), ErrorKind::RootExposed, "{mode}");
            assert!(opens(RootKey::shared_file(at(mode)).unwrap()), "{mode}");
        }
        println!("\nread what is mounted");
    }

    #[test]
    fn a_group_may_read_a_key_on_a_read_only_mount_and_everybody_if_the_program_says_so() {
        if !Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success())
            && !Command::new("unshare").args(["-rm", "true"]).status().is_ok_and(|status| status.success())
        {
            // Within a sandbox that allows no mounts; `exposure` has a test of its own.
            eprintln!("this system allows no mounts: not tried on a real one");
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let output = mount(directory.path()).output().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(shown.contains("read what is mounted"), "{shown}{}", String::from_utf8_lossy(&output.stderr));
    }

    #[test]
    fn a_link_leads_to_the_key_and_its_own_mode_does_not_matter() {
        let directory = tempfile::tempdir().unwrap();
        let (data, link) = (directory.path().join("..data"), directory.path().join("key"));
        fs::create_dir(&data).unwrap();
        put(&data.join("key"), BASE64, 0o400);
        symlink("..data/key", &link).unwrap();
        assert!(opens(RootKey::file(&link).unwrap()));
    }
}
