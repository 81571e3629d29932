//! Writes a consistent copy to a new file without blocking writers.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::time::Duration;

use strongroom_records::Error;

use crate::error::{file, storage};
use crate::schema;

/// `VACUUM INTO` reads one snapshot and skips free pages, so the copy contains no deleted data. The
/// copy is written under a temporary name and gets its final name only when it is complete and
/// synced.
pub(crate) fn backup(source: &Path, target: &Path, busy_timeout: Duration) -> Result<(), Error> {
    let failed = |error| file("failed to write the backup", target, error);
    let mut partial = target.as_os_str().to_owned();
    // A unique name each time, because an interrupted backup may have left its file.
    partial.push(format!(".partial-{:016x}", RandomState::new().hash_one(std::process::id())));
    let partial = Path::new(&partial);
    if target.exists() {
        return Err(failed(std::io::Error::from(std::io::ErrorKind::AlreadyExists)));
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(partial)
        .map_err(|error| file("failed to create the backup's temporary file", partial, error))?;
    let written = write(source, partial, busy_timeout).and_then(|()| {
        // Unlike a rename, a link never replaces a file that was created in the meantime. Not every
        // file system supports links.
        match fs::hard_link(partial, target) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists && !target.exists() => {
                fs::copy(partial, target)
                    .map(|_| ())
                    .and_then(|()| File::open(target)?.sync_all())
                    .map_err(failed)
            }
            linked => linked.map_err(failed),
        }
    });
    let removed = fs::remove_file(partial).map_err(failed);
    written.and(removed)?;
    let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)
}

fn write(source: &Path, partial: &Path, busy_timeout: Duration) -> Result<(), Error> {
    let connection = schema::connect(source, busy_timeout)?;
    let name = partial.to_str().ok_or_else(|| {
        file(
            "the backup's path is not UTF-8",
            partial,
            std::io::Error::from(std::io::ErrorKind::InvalidInput),
        )
    })?;
    connection.execute("VACUUM INTO ?1", [name]).map_err(storage)?;
    File::open(partial)
        .and_then(|copy| copy.sync_all())
        .map_err(|error| file("failed to sync the backup", partial, error))
}
