//! Files that are removed or replaced while they are open.

#![cfg(test)]
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};

use strongroom_records::{Batch, ErrorKind, Expect, Key, Records};
use strongroom_sqlite::SqliteRecords;

/// SQLite's write-ahead log next to the database.
fn log_of(path: &Path) -> PathBuf {
    path.with_extension("sqlite3-wal")
}

fn put(records: &SqliteRecords, name: &str) -> Result<(), strongroom_records::Error> {
    let batch = Batch::new().put(&Key::of([name]), b"value", Expect::Any);
    pollster::block_on(records.commit(batch)).map(|_| ())
}

/// What happens to the files: its name, and the function that does it.
type Way = (&'static str, fn(&Path));

fn opened(path: &Path) -> SqliteRecords {
    pollster::block_on(SqliteRecords::open(path)).unwrap()
}

#[test]
fn a_write_to_files_that_are_gone_is_not_acknowledged() {
    let ways: [Way; 4] = [
        ("directory removed", |path| fs::remove_dir_all(path.parent().unwrap()).unwrap()),
        ("directory moved", |path| {
            let place = path.parent().unwrap();
            fs::rename(place, place.with_extension("elsewhere")).unwrap();
        }),
        ("database replaced", |path| {
            let copy = path.with_extension("copy");
            fs::copy(path, &copy).unwrap();
            fs::rename(copy, path).unwrap();
        }),
        ("log removed", |path| fs::remove_file(log_of(path)).unwrap()),
    ];
    for (way, change) in ways {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("store");
        fs::create_dir(&place).unwrap();
        let path = place.join("records.sqlite3");
        let records = opened(&path);
        put(&records, "before").unwrap();
        put(&records, "before too").unwrap();
        change(&path);
        // The first goes to files that somebody may yet put back; none is tried after it.
        for expected in [ErrorKind::OutcomeUnknown, ErrorKind::Unavailable, ErrorKind::Unavailable] {
            let error = put(&records, "after").unwrap_err();
            assert_eq!(error.kind(), expected, "{way}");
            assert!(error.to_string().contains("records.sqlite3"), "{way}: {error}");
        }
        assert!(pollster::block_on(records.read(&[Key::of(["before"])])).is_err(), "{way}");
    }
}

#[test]
fn a_database_that_was_emptied_is_not_a_new_one_while_its_log_is_there() {
    for empty in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("records.sqlite3");
        let records = opened(&path);
        put(&records, "first").unwrap();
        put(&records, "in the log").unwrap();
        let log = log_of(&path);
        let kept = fs::read(&log).unwrap();
        assert!(!kept.is_empty());
        drop(records);
        if empty {
            fs::write(&path, b"").unwrap()
        } else {
            fs::remove_file(&path).unwrap()
        }
        fs::write(&log, &kept).unwrap();
        let error = pollster::block_on(SqliteRecords::open(&path)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert_eq!(fs::read(&log).unwrap(), kept, "the log is untouched");
    }
}
