//! The file that holds the owner's access key, in the format of AWS's shared credentials file.

use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

use strongroom::root::PrivateFile;
use strongroom_envelope::{SecretBytes, SecretText};

/// The maximum length of the file, in bytes.
const MAX: u64 = 16 * 1024;

const ID: &str = "aws_access_key_id";
const SECRET: &str = "aws_secret_access_key";

/// An access key's id and secret.
pub(crate) type AccessKey = (String, SecretText);

fn refused(path: &Path, text: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("{}: {text}", path.display()))
}

/// A file's content.
pub(crate) struct Found {
    pub(crate) key: AccessKey,
    /// Whether the file has the shared format. The old format has id and secret on one line each.
    pub(crate) shared: bool,
}

/// Reads the file, if it exists: the profile `default`, or the old format.
pub(crate) fn read(path: &Path) -> std::io::Result<Option<Found>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::new(error.kind(), format!("{}: {error}", path.display()))),
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata()?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let text = format!(
                "other users can read or change the access key (mode {mode:o}): run chmod 600, and rotate the key if another user could have read it"
            );
            return Err(refused(path, &text));
        }
    }
    let mut text = SecretBytes::zeroed(usize::try_from(MAX).unwrap_or(0));
    let (mut limited, mut length) = (file.take(MAX), 0);
    loop {
        match limited.read(&mut text.expose_mut()[length..])? {
            0 => break,
            count => length += count,
        }
    }
    let key = std::str::from_utf8(&text.expose()[..length]).ok().and_then(parse);
    key.map(Some)
        .ok_or_else(|| refused(path, "no profile [default] with aws_access_key_id and aws_secret_access_key"))
}

fn parse(text: &str) -> Option<Found> {
    let mut lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    let first = lines.next()?;
    let (mut id, mut secret) = (None, None);
    let shared = first.starts_with('[');
    if shared {
        let mut profile = first;
        for line in lines {
            match line.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
                _ if line.starts_with('[') => profile = line,
                Some((ID, value)) if profile == "[default]" => id = Some(value),
                Some((SECRET, value)) if profile == "[default]" => secret = Some(value),
                _ => {}
            }
        }
    } else {
        (id, secret) = (Some(first), lines.next());
    }
    let (id, secret) = (id.filter(|id| !id.is_empty())?, secret.filter(|secret| !secret.is_empty())?);
    Some(Found { key: (id.to_owned(), SecretText::copy_from(secret)), shared })
}

/// The id of the access key in a credentials file. `None` if the file does not exist.
///
/// # Errors
/// If other users can read the file, if it is not a credentials file, or if reading fails.
pub fn id_in(path: &Path) -> std::io::Result<Option<String>> {
    Ok(read(path)?.map(|found| found.key.0))
}

/// Atomically writes an access key to a credentials file (mode 0600), as the profile `default`.
/// Other profiles, and the profile's other settings, are preserved.
///
/// # Errors
/// If writing fails. The error names the file.
pub fn write(path: &Path, id: &str, secret: &SecretText) -> std::io::Result<()> {
    let next = Next::prepare(path, id, secret)?;
    next.place().inspect_err(|_| next.0.discard())
}

/// The next content of a credentials file: on disk, but not in place yet. This lets a key become
/// valid only after it can no longer be lost.
pub struct Next(PrivateFile);

impl std::fmt::Debug for Next {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Next({})", self.0.path().display())
    }
}

impl Next {
    /// Writes and syncs the new content next to the file.
    ///
    /// # Errors
    /// If writing fails. The error names the file.
    pub fn prepare(path: &Path, id: &str, secret: &SecretText) -> std::io::Result<Self> {
        let named = |error: Error| Error::new(error.kind(), format!("{}: {error}", path.display()));
        let old = SecretBytes::from_vec(std::fs::read(path).unwrap_or_default());
        let text = with_key(std::str::from_utf8(old.expose()).unwrap_or_default(), id, secret);
        PrivateFile::prepare(path, text.expose()).map(Self).map_err(named)
    }

    /// Puts the new content in place. If that fails, the new content stays on disk.
    ///
    /// # Errors
    /// If renaming or syncing fails. The error names the file that holds the new key.
    pub fn place(&self) -> std::io::Result<()> {
        let left = |error: Error| {
            let text = format!("{error}; the new access key is in {}", self.0.path().display());
            Error::new(error.kind(), text)
        };
        self.0.place().map_err(left)
    }

    /// Discards the new content.
    pub fn discard(&self) {
        self.0.discard();
    }
}

/// The file's text with this key in its profile `default`.
fn with_key(old: &str, id: &str, secret: &SecretText) -> SecretBytes {
    let mut text = SecretBytes::default();
    let key = |text: &mut SecretBytes| {
        for part in [ID, " = ", id, "\n", SECRET, " = ", secret.expose(), "\n"] {
            text.extend_from_slice(part.as_bytes());
        }
    };
    let (mut profile, mut written) = ("", false);
    // Only for the shared format: the old one contains nothing else.
    for line in old.lines().filter(|_| old.lines().any(|line| line.trim().starts_with('['))) {
        let name = line.split('=').next().unwrap_or_default().trim();
        if line.trim().starts_with('[') {
            profile = line.trim();
        } else if profile == "[default]" && matches!(name, ID | SECRET) {
            continue;
        }
        text.extend_from_slice(line.as_bytes());
        text.extend_from_slice(b"\n");
        if profile == "[default]" && !written {
            written = true;
            key(&mut text);
        }
    }
    if !written {
        text.extend_from_slice(b"[default]\n");
        key(&mut text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_the_shared_one_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("access-key");
        assert!(read(&path).unwrap().is_none());
        write(&path, "AKIAEXAMPLE000001", &SecretText::copy_from("a/b+c=")).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "[default]\naws_access_key_id = AKIAEXAMPLE000001\naws_secret_access_key = a/b+c=\n"
        );
        let same = |expected: (&str, &str)| {
            let (id, secret) = read(&path).unwrap().unwrap().key;
            assert_eq!((id.as_str(), secret.expose()), expected);
        };
        same(("AKIAEXAMPLE000001", "a/b+c="));
        std::fs::write(&path, "AKIAEXAMPLE000002\nsecret\n").unwrap();
        same(("AKIAEXAMPLE000002", "secret"));
        std::fs::write(&path, "# mine\r\n[other]\r\naws_access_key_id=x\r\n[default]\r\naws_access_key_id=AKIA3\r\naws_secret_access_key=s\r\n").unwrap();
        same(("AKIA3", "s"));
        for bad in ["", "\n", "AKIA\n", "[default]\naws_access_key_id = AKIA\n", "[other]\nx\n"] {
            std::fs::write(&path, bad).unwrap();
            let error = read(&path).err().unwrap().to_string();
            assert!(error.contains("access-key") && error.contains("[default]"), "{error}");
        }
    }

    #[test]
    fn other_profiles_and_settings_stay() {
        let old = "# mine\n[prod]\naws_access_key_id = P\n[default]\nregion = eu-west-1\naws_access_key_id=OLD\naws_secret_access_key=OLDER\n[last]\nx = y\n";
        let text = with_key(old, "NEW", &SecretText::copy_from("NEWER"));
        assert_eq!(
            std::str::from_utf8(text.expose()).unwrap(),
            "# mine\n[prod]\naws_access_key_id = P\n[default]\naws_access_key_id = NEW\naws_secret_access_key = NEWER\nregion = eu-west-1\n[last]\nx = y\n"
        );
        let text = with_key("[prod]\nx = y", "NEW", &SecretText::copy_from("NEWER"));
        assert!(text.expose().starts_with(b"[prod]\nx = y\n[default]\naws_access_key_id = NEW\n"));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("access-key");
        write(&path, "AKIAEXAMPLE000001", &SecretText::copy_from("secret")).unwrap();
        for mode in [0o644, 0o640, 0o604, 0o620, 0o602] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = read(&path).err().unwrap().to_string();
            assert!(error.contains(&format!("{mode:o}")) && !error.contains("secret "), "{error}");
        }
    }
}
