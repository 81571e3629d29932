//! Root keys in files: one line, readable by the owner only, created exclusively and on the disk before it is used.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use strongroom_envelope::{SecretBytes, SecretKey};

use crate::root_key::{decode_key, encode_key};
use crate::{Error, ErrorKind};

pub(crate) const PREFIX: &[u8] = b"strongroom-root-key-1 ";
/// Prefix, 44 characters of base64, newline; anything much longer is not a key file.
const MAX_LEN: u64 = 256;

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
pub(crate) fn read(path: &Path) -> Result<Option<SecretKey>, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(io_error(ErrorKind::RootMissing, "the key file cannot be opened", path, error));
        }
    };
    let regular = file.metadata().is_ok_and(|metadata| metadata.is_file());
    if !regular {
        return Err(Error::new(ErrorKind::RootInvalid, "the key file's path names no file")
            .with("path", path.display()));
    }
    check_private(&file, path)?;
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
    let line = text.expose().strip_suffix(b"\n").unwrap_or(text.expose());
    let key = line.strip_prefix(PREFIX).and_then(decode_key).ok_or_else(|| {
        Error::new(
            ErrorKind::RootInvalid,
            "the file is not a whole Strongroom root key; restore it from a copy, or remove it if nothing was ever stored with it",
        )
        .with("path", path.display())
    })?;
    Ok(Some(key))
}

/// Makes a key file with a fresh key. It is whole and on the disk when this returns. `None` when another process made
/// it first.
pub(crate) fn create(path: &Path) -> Result<Option<SecretKey>, Error> {
    let key = SecretKey::generate()?;
    let mut line = SecretBytes::copy_from(PREFIX);
    line.extend_from_slice(encode_key(&key).expose());
    line.extend_from_slice(b"\n");
    match write_exclusively(directory(path), path, line.expose()) {
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

/// Puts an existing key file and its name on the disk.
pub(crate) fn sync(path: &Path) -> Result<(), Error> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .and_then(|()| File::open(directory(path)))
        .and_then(|directory| directory.sync_all())
        .map_err(|error| io_error(ErrorKind::Storage, "the key file cannot be synced", path, error))
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
fn check_private(file: &File, path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;

    let metadata = file
        .metadata()
        .map_err(|error| io_error(ErrorKind::RootInvalid, "the key file cannot be read", path, error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::RootExposed,
        format!("the key file can be read by others (mode {mode:03o}); run: chmod 600 {}", shell_word(path)),
    ))
}

#[cfg(not(unix))]
fn check_private(_file: &File, _path: &Path) -> Result<(), Error> {
    Ok(())
}

/// The path so that it can be pasted into a shell.
#[cfg(unix)]
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=@%:,".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
