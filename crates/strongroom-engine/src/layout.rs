//! Where the records of secrets are.

use strongroom_records::Key;
use strongroom_store::VersionId;
use strongroom_types::{Realm, Timestamp};

use crate::head::{Head, Sealed};

/// Keys of records, all below the realm.
#[derive(Clone, Debug)]
pub(crate) struct Layout(pub(crate) Realm);

impl Layout {
    fn under(&self, kind: &str) -> Key {
        Key::realm(&self.0).then(kind)
    }

    /// Everything of this realm.
    pub(crate) fn all(&self) -> Key {
        Key::realm(&self.0)
    }

    /// The heads of all secrets, in the order of their names.
    pub(crate) fn heads(&self) -> Key {
        self.under("secret")
    }

    pub(crate) fn head(&self, name: &str) -> Key {
        self.heads().then(name)
    }

    /// The values of all secrets.
    pub(crate) fn values(&self) -> Key {
        self.under("value")
    }

    /// The values of one secret; another secret of the same name later has another suffix.
    pub(crate) fn values_of(&self, name: &str, suffix: &str) -> Key {
        self.values().then(name).then(suffix)
    }

    pub(crate) fn value(&self, head: &Head, version: &VersionId) -> Key {
        self.values_of(&head.name, &head.suffix).then(version.as_str())
    }

    pub(crate) fn by_created(&self) -> Key {
        self.under("by-created")
    }

    pub(crate) fn by_changed(&self) -> Key {
        self.under("by-changed")
    }

    pub(crate) fn created(&self, head: &Head) -> Key {
        self.by_created().then_time(Timestamp::from_millis(head.created)).then(&head.name)
    }

    pub(crate) fn changed(&self, head: &Head) -> Key {
        self.by_changed().then_time(Timestamp::from_millis(head.changed)).then(&head.name)
    }

    pub(crate) fn by_accessed(&self) -> Key {
        self.under("by-accessed")
    }

    /// Those that were never read come first.
    pub(crate) fn accessed(&self, head: &Head) -> Key {
        let day = head.accessed.unwrap_or(i64::MIN);
        self.by_accessed().then_time(Timestamp::from_millis(day)).then(&head.name)
    }

    /// The heads of the secrets whose names begin so. Names are of ASCII letters, digits and marks:
    /// no byte needs escaping.
    pub(crate) fn heads_beginning(&self, prefix: &str) -> Key {
        Key::from_bytes([self.heads().as_bytes(), prefix.as_bytes()].concat())
    }

    /// Secrets to be purged, by date.
    pub(crate) fn due_secrets(&self) -> Key {
        self.under("due").then("secret")
    }

    pub(crate) fn due(&self, date: Timestamp, name: &str) -> Key {
        self.due_secrets().then_time(date).then(name)
    }

    /// What is wrapped under which generation of which key.
    pub(crate) fn uses(&self) -> Key {
        self.under("use")
    }

    /// That nothing may be wrapped under a generation of a key any more.
    pub(crate) fn closed(&self, key: &str, material: &str) -> Key {
        self.under("closed").then(key).then(material)
    }

    pub(crate) fn use_of(&self, head: &Head, version: &VersionId, sealed: &Sealed) -> Key {
        self.uses()
            .then(&sealed.key)
            .then(sealed.material.as_deref().unwrap_or_default())
            .then(&head.name)
            .then(&head.suffix)
            .then(version.as_str())
    }

    /// Secrets that are gone but for records that did not fit into the last commit.
    pub(crate) fn purges(&self) -> Key {
        self.under("purge")
    }

    pub(crate) fn purge(&self, head: &Head) -> Key {
        self.purges().then(&head.name).then(&head.suffix)
    }
}

/// The last segment of a key as text.
pub(crate) fn last_segment(key: &Key) -> Option<String> {
    key.segments()?.pop().and_then(|segment| String::from_utf8(segment).ok())
}
