//! Files that only their owner may read, written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Result, Write};
use std::path::{Path, PathBuf};

use strongroom_envelope::SecretBytes;

/// The next content of a file that only its owner may read (mode 0600), on the disk under a name of
/// its own until [`PrivateFile::place`] puts it in place.
#[derive(Debug)]
pub struct PrivateFile {
    beside: PathBuf,
    target: PathBuf,
}

impl PrivateFile {
    /// Writes and syncs the content beside the file that it will replace. The file itself does not
    /// change yet.
    ///
    /// # Errors
    /// Those of the file system. Nothing is left behind then.
    pub fn prepare(path: &Path, content: &[u8]) -> Result<Self> {
        // Replaces the file that a symbolic link leads to, not the link.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let random = strongroom_envelope::random_array::<8>()
            .map_err(|_| std::io::Error::other("the operating system returned no random bytes"))?;
        let mut name = target.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{}", strongroom_types::hex(&random)));
        let beside = target.with_file_name(name);
        let mut options = OpenOptions::new();
        // A name that nobody can have created in advance.
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        let prepared = Self { beside, target };
        let written = file.write_all(content).and_then(|()| {
            let target = &prepared.target;
            give_to_owner_of(if target.exists() { target } else { directory_of(target) }, &file);
            file.sync_all()
        });
        match written {
            Ok(()) => Ok(prepared),
            Err(error) => {
                prepared.discard();
                Err(error)
            }
        }
    }

    /// Replaces a file: a reader sees the old content or the new one, even after a power failure.
    ///
    /// # Errors
    /// Those of the file system. The file keeps its old content then.
    pub fn replace(path: &Path, content: &[u8]) -> Result<()> {
        let prepared = Self::prepare(path, content)?;
        prepared.place().inspect_err(|_| prepared.discard())
    }

    /// Puts the content in place.
    ///
    /// # Errors
    /// Those of the file system. The content then stays where [`PrivateFile::path`] says.
    pub fn place(&self) -> Result<()> {
        match fs::rename(&self.beside, &self.target) {
            Ok(()) => {}
            // A file that is a mount of its own cannot be replaced, only written.
            Err(error) if error.kind() == ErrorKind::ResourceBusy => {
                let content = SecretBytes::from_vec(fs::read(&self.beside)?);
                let mut file = OpenOptions::new().write(true).truncate(true).open(&self.target)?;
                file.write_all(content.expose())?;
                file.sync_all()?;
                fs::remove_file(&self.beside)?;
            }
            Err(error) => return Err(error),
        }
        self.remove_leftovers();
        #[cfg(unix)]
        File::open(directory_of(&self.target))?.sync_all()?;
        Ok(())
    }

    /// Removes what killed processes prepared for the same file.
    fn remove_leftovers(&self) {
        for entry in fs::read_dir(directory_of(&self.target)).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(|name| Self::is_prepared_for(&self.target, name)) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Where the content is until it is in place.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.beside
    }

    /// Discards the content.
    pub fn discard(&self) {
        let _ = fs::remove_file(&self.beside);
    }

    /// Whether a name is that of content prepared for a file.
    #[must_use]
    pub fn is_prepared_for(path: &Path, name: &str) -> bool {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let random = name.strip_prefix(&*file).and_then(|rest| rest.strip_prefix('.'));
        random.is_some_and(|random| random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Gives a file that root makes beside another user's files to that user: the owner of `place`.
pub fn give_to_owner_of(place: &Path, file: &File) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if !rustix::process::geteuid().is_root() {
            return;
        }
        if let Ok(owner) = fs::metadata(place) {
            let _ = std::os::unix::fs::fchown(file, Some(owner.uid()), Some(owner.gid()));
        }
    }
    #[cfg(not(unix))]
    let _ = (place, file);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_where_its_link_leads_and_nothing_else_is_touched() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys.txt");
        let neighbour = directory.path().join("keys.new");
        fs::write(&neighbour, "mine").unwrap();
        PrivateFile::replace(&path, b"one").unwrap();
        #[cfg(unix)]
        {
            let link = directory.path().join("link");
            std::os::unix::fs::symlink(&path, &link).unwrap();
            PrivateFile::replace(&link, b"two").unwrap();
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(fs::read(&path).unwrap(), b"two");
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read(&neighbour).unwrap(), b"mine");
        // Content that cannot be put in place is not lost, and leaves nothing behind once
        // discarded.
        let place = directory.path().join("directory");
        fs::create_dir(&place).unwrap();
        let prepared = PrivateFile::prepare(&place, b"kept").unwrap();
        prepared.place().unwrap_err();
        assert_eq!(fs::read(prepared.path()).unwrap(), b"kept");
        prepared.discard();
        let mut left: Vec<_> =
            fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left.len(), if cfg!(unix) { 4 } else { 3 }, "{left:?}");
    }
}
