//! Root keys in files: readable by the owner only, created exclusively and on the disk before they
//! are used; and files that somebody else made, such as the secrets mounted into a container.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use strongroom_envelope::{SecretBytes, SecretKey};

use crate::{Error, ErrorKind, key_text};

/// Prefix, 44 characters of base64, newline; anything much longer is not a key file.
const MAX_LEN: u64 = 256;

/// Who may read a key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Its owner, and on a read-only mount its group.
    Owner,
    /// Every user of the machine or container, because the program says so.
    Everybody,
}

fn io_error(kind: ErrorKind, text: &'static str, path: &Path, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied
            if kind == ErrorKind::Storage =>
        {
            ErrorKind::InvalidPath
        }
        _ => kind,
    };
    Error::new(kind, text).with("path", path.display()).because(error)
}

/// Reads a key file; `None` when there is none.
pub(crate) fn read(path: &Path, readers: Readers) -> Result<Option<SecretKey>, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let told = error.to_string();
            let error = io_error(ErrorKind::RootMissing, "the key file cannot be opened", path, error);
            return Err(error.with("because", told));
        }
    };
    let regular = file.metadata().is_ok_and(|metadata| metadata.is_file());
    if !regular {
        return Err(Error::new(ErrorKind::RootInvalid, "the key file's path names no file")
            .with("path", path.display()));
    }
    check_readers(&file, path, readers)?;
    let mut text = SecretBytes::with_capacity(usize::try_from(MAX_LEN).unwrap_or(256));
    let mut chunk = SecretBytes::zeroed(usize::try_from(MAX_LEN).unwrap_or(256));
    let mut limited = file.take(MAX_LEN);
    loop {
        let count = limited
            .read(chunk.expose_mut())
            .map_err(|error| io_error(ErrorKind::RootInvalid, "the key file cannot be read", path, error))?;
        if count == 0 {
            break;
        }
        text.extend_from_slice(&chunk.expose()[..count]);
    }
    let key = key_text::from_content(text.expose()).ok_or_else(|| {
        let text = format!(
            "the file does not hold a root key: expected {}, or the 32 bytes themselves; restore it from a copy, or remove it if nothing was ever stored with it",
            key_text::FORMS
        );
        Error::new(ErrorKind::RootInvalid, text).with("path", path.display())
    })?;
    Ok(Some(key))
}

/// Makes a key file with a fresh key. It is whole and on the disk when this returns. `None` when another process made
/// it first.
pub(crate) fn create(path: &Path) -> Result<Option<SecretKey>, Error> {
    let key = SecretKey::generate()?;
    match write_exclusively(directory(path), path, key_text::to_line(&key).expose()) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
        Err(error) => {
            return Err(io_error(ErrorKind::Storage, "the key file cannot be created", path, error));
        }
    }
    // The name must survive a crash too, or a store would be committed under a key that is gone.
    sync(path)?;
    Ok(Some(key))
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Syncs an existing key file and its name to the disk. Does nothing on a read-only mount: they are
/// there already, and not every file system could sync them.
pub(crate) fn sync(path: &Path) -> Result<(), Error> {
    let failed = |error| io_error(ErrorKind::Storage, "the key file cannot be synced", path, error);
    let file = File::open(path).map_err(failed)?;
    if is_on_read_only_mount(&file) {
        return Ok(());
    }
    file.sync_all()
        .and_then(|()| File::open(directory(path)))
        .and_then(|directory| directory.sync_all())
        .map_err(failed)
}

/// A file without a name is written and synced, then given its name, which fails if there is one: the key file appears
/// whole or not at all, and no temporary name ever holds the key.
#[cfg(target_os = "linux")]
fn write_exclusively(directory: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    use std::os::fd::AsRawFd;

    use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open};

    let nameless =
        match open(directory, OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR) {
            Ok(fd) => fd,
            // Not every file system can.
            Err(_) => return write_named(path, content),
        };
    let mut file = File::from(nameless);
    file.write_all(content)?;
    file.sync_all()?;
    let source = format!("/proc/self/fd/{}", file.as_raw_fd());
    match linkat(CWD, &source, CWD, path, AtFlags::SYMLINK_FOLLOW) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::EXIST) => Err(io::ErrorKind::AlreadyExists.into()),
        // No /proc, or a file system that refuses.
        Err(_) => write_named(path, content),
    }
}

#[cfg(not(target_os = "linux"))]
fn write_exclusively(_directory: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    write_named(path, content)
}

/// The portable way. A crash in the middle leaves a file that is refused as not whole.
fn write_named(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(unix)]
fn check_readers(file: &File, path: &Path, readers: Readers) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;

    let metadata = file
        .metadata()
        .map_err(|error| io_error(ErrorKind::RootInvalid, "the key file cannot be read", path, error))?;
    let mode = metadata.permissions().mode() & 0o777;
    match exposure(mode, is_on_read_only_mount(file), readers, path) {
        None => Ok(()),
        Some(text) => Err(Error::new(ErrorKind::RootExposed, text)),
    }
}

/// What is wrong with a key file of this mode, if anything is. On a read-only mount nobody but the
/// system's administrator can change what a mode allows.
#[cfg(unix)]
fn exposure(mode: u32, read_only_mount: bool, readers: Readers, path: &Path) -> Option<String> {
    let (group_or_others, others, writers) = (mode & 0o077 != 0, mode & 0o007 != 0, mode & 0o022 != 0);
    match readers {
        _ if !group_or_others => None,
        Readers::Everybody if !writers || read_only_mount => None,
        Readers::Everybody => Some(format!(
            "the key file can be written by others (mode {mode:03o}); run: chmod go-w {}",
            shell_word(path)
        )),
        Readers::Owner if read_only_mount && !others => None,
        Readers::Owner if read_only_mount => Some(format!(
            "every user can read the key file {} (mode {mode:03o}) on its read-only mount: mount it with mode 0400 or 0440, or open it with RootKey::shared_file if all of them may have the key",
            path.display()
        )),
        Readers::Owner => Some(format!(
            "the key file can be read by others (mode {mode:03o}); open it with RootKey::shared_file if all of them may have the key, or run: chmod 600 {}",
            shell_word(path)
        )),
    }
}

#[cfg(not(unix))]
fn check_readers(_file: &File, _path: &Path, _readers: Readers) -> Result<(), Error> {
    Ok(())
}

/// Whether this mount keeps everybody from changing the file and its mode.
#[cfg(target_os = "linux")]
fn is_on_read_only_mount(file: &File) -> bool {
    rustix::fs::fstatvfs(file).is_ok_and(|mount| mount.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY))
}

#[cfg(not(target_os = "linux"))]
fn is_on_read_only_mount(_file: &File) -> bool {
    false
}

/// The path so that it can be pasted into a shell.
#[cfg(unix)]
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=@%:,".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn who_may_read_a_key_file_depends_on_its_mode_its_mount_and_what_the_program_says() {
        let path = Path::new("/run/secrets/root key");
        let refused = |mode, read_only, readers| exposure(mode, read_only, readers, path);
        for mode in [0o400, 0o600, 0o700] {
            for readers in [Readers::Owner, Readers::Everybody] {
                assert_eq!(refused(mode, false, readers), None, "{mode:o}");
                assert_eq!(refused(mode, true, readers), None, "{mode:o}");
            }
        }
        for mode in [0o440, 0o640, 0o460] {
            assert!(
                refused(mode, false, Readers::Owner).unwrap().contains("run: chmod 600 '/run/"),
                "{mode:o}"
            );
            assert_eq!(refused(mode, true, Readers::Owner), None, "{mode:o}");
        }
        for mode in [0o444, 0o644, 0o404] {
            assert!(refused(mode, false, Readers::Owner).unwrap().contains("shared_file"), "{mode:o}");
            assert!(refused(mode, true, Readers::Owner).unwrap().contains("mode 0400 or 0440"), "{mode:o}");
            assert_eq!(refused(mode, false, Readers::Everybody), None, "{mode:o}");
            assert_eq!(refused(mode, true, Readers::Everybody), None, "{mode:o}");
        }
        for mode in [0o666, 0o620, 0o602] {
            assert!(refused(mode, false, Readers::Owner).is_some(), "{mode:o}");
            assert!(
                refused(mode, false, Readers::Everybody).unwrap().contains("run: chmod go-w"),
                "{mode:o}"
            );
            assert_eq!(refused(mode, true, Readers::Everybody), None, "{mode:o}");
        }
    }
}
