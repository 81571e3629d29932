//! Raising a store to the newest format.

use strongroom_records::{Batch, Expect};

use crate::store::{NEWEST_FORMAT, Store};
use crate::{Error, TrustedRecords, frame};

/// What [`TrustedRecords::upgrade`] found and left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upgrade {
    /// The format of the store before.
    pub from: u32,
    /// The format of the store now.
    pub to: u32,
}

impl Upgrade {
    /// Whether the store was of an older format.
    #[must_use]
    pub fn is_change(&self) -> bool {
        self.from != self.to
    }
}

impl TrustedRecords {
    /// The format of the store, as this handle last saw it.
    #[must_use]
    pub fn format(&self) -> u32 {
        self.inner.declared.store().format
    }

    /// The names of the features that the store uses, as this handle last saw it: required ones
    /// first.
    #[must_use]
    pub fn features(&self) -> Vec<String> {
        self.inner.declared.store().features().map(str::to_owned).collect()
    }

    /// Raises the store to the newest format. Programs that do not know it refuse the store from
    /// then on; handles of programs that do, in any process, go on.
    ///
    /// It is one commit: stopped at any moment, the store is of the one format or the other. Called
    /// again it goes on, or finds nothing to do.
    ///
    /// # Errors
    /// [`ErrorKind::StoreChanged`](crate::ErrorKind::StoreChanged),
    /// [`ErrorKind::Incompatible`](crate::ErrorKind::Incompatible) for a store of a format newer
    /// still; storage errors.
    pub async fn upgrade(&self) -> Result<Upgrade, Error> {
        let inner = &self.inner;
        loop {
            inner.look_again().await?;
            let (store, revision) = inner.declared.current()?;
            let done = Upgrade { from: store.format, to: NEWEST_FORMAT };
            if !done.is_change() {
                return Ok(done);
            }
            let mut store = Store::clone(&store);
            store.format = NEWEST_FORMAT;
            let content = store.to_json()?;
            let (framed, _) = frame::write(&inner.keyring, &store.id, frame::PLAIN, &Store::key(), &content)?;
            let batch = Batch::new().put(&Store::key(), framed, Expect::At(revision));
            match inner.records.commit(batch).await {
                Ok(revision) => {
                    inner.declared.wrote(store, revision);
                    return Ok(done);
                }
                // Somebody else has written it: of a few who upgrade, one does.
                Err(error) if error.kind() == strongroom_records::ErrorKind::Conflict => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use strongroom_records::{Key, MemoryRecords, Records};
    use strongroom_types::{Realm, SystemClock, Timestamp};

    use super::*;
    use crate::{ErrorKind, Feature, RootKey};

    const MIRRORS: Feature = Feature::required("mirrors", "0.7.0");

    async fn open(records: &Arc<dyn Records>) -> Result<TrustedRecords, Error> {
        let root = RootKey::from_bytes([7; 32]);
        TrustedRecords::open_with(Arc::clone(records), root, None, &SystemClock, &[MIRRORS]).await
    }

    /// A store whose own record is this one. The id must be the store's.
    async fn declare(store: &TrustedRecords, content: &str) {
        let (id, place) = (&store.inner.store.id, Store::key());
        let (framed, _) =
            frame::write(&store.inner.keyring, id, frame::PLAIN, &place, content.as_bytes()).unwrap();
        store.storage().commit(Batch::new().put(&place, framed, Expect::Any)).await.unwrap();
    }

    fn format_1(store: &TrustedRecords) -> String {
        let id = &store.inner.store.id;
        format!(r#"{{"format":1,"id":"{id}","account":"000000000000","region":"us-east-1","created":5}}"#)
    }

    async fn older() -> Arc<dyn Records> {
        let records: Arc<dyn Records> = Arc::new(MemoryRecords::new());
        let store = open(&records).await.unwrap();
        declare(&store, &format_1(&store)).await;
        records
    }

    async fn put(store: &TrustedRecords, name: &str, feature: Option<&Feature>) -> Result<(), Error> {
        let mut batch = store.batch();
        batch.put(&Key::of([name]), b"x", Expect::Any);
        if let Some(feature) = feature {
            batch.uses(feature);
        }
        store.commit(batch).await.map(|_| ())
    }

    async fn stored(records: &Arc<dyn Records>) -> String {
        let record = records.read(&[Store::key()]).await.unwrap().remove(0).unwrap();
        String::from_utf8(record.value[frame::LEN..].to_vec()).unwrap()
    }

    #[test]
    fn an_older_store_works_and_lacks_only_what_is_newer() {
        pollster::block_on(async {
            let records = older().await;
            let store = open(&records).await.unwrap();
            assert_eq!(store.format(), 1);
            put(&store, "a", None).await.unwrap();
            let refused = put(&store, "b", Some(&MIRRORS)).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Unsupported);
            assert!(refused.to_string().contains("\"mirrors\"; call upgrade() first"), "{refused}");
            // A re-key writes the record anew, in the form it has.
            let before = stored(&records).await;
            let root = (RootKey::from_bytes([7; 32]), "the same".to_owned());
            let store = store.rekey(vec![root], &SystemClock, |_| ()).await.unwrap();
            assert_eq!(stored(&records).await, before);
            assert_eq!(format_1(&store), before);
            assert!(store.get(&Key::of(["a"])).await.unwrap().is_some());
        });
    }

    #[test]
    fn open_handles_go_on_after_an_upgrade_and_have_what_is_new() {
        pollster::block_on(async {
            let records = older().await;
            let (one, other) = (open(&records).await.unwrap(), open(&records).await.unwrap());
            assert_eq!(one.upgrade().await.unwrap(), Upgrade { from: 1, to: 2 });
            assert_eq!(one.upgrade().await.unwrap(), Upgrade { from: 2, to: 2 });
            assert_eq!(stored(&records).await, format_1(&one).replace(":1,", ":2,"));
            put(&one, "a", None).await.unwrap();
            // It has not noticed yet, and asks before it refuses.
            assert_eq!(other.format(), 1);
            put(&other, "b", Some(&MIRRORS)).await.unwrap();
            assert_eq!((other.format(), other.features()), (2, vec!["mirrors".to_owned()]));
            put(&one, "c", None).await.unwrap();
        });
    }

    #[test]
    fn of_many_who_upgrade_at_once_one_does_and_all_are_content() {
        let records = pollster::block_on(older());
        let upgrade = || {
            let records = Arc::clone(&records);
            std::thread::spawn(move || {
                pollster::block_on(async {
                    let store = open(&records).await.unwrap();
                    let upgrade = store.upgrade().await.unwrap();
                    assert_eq!(store.format(), 2);
                    upgrade.is_change()
                })
            })
        };
        let all: Vec<_> = (0..8).map(|_| upgrade()).collect();
        let done = all.into_iter().map(|one| usize::from(one.join().unwrap())).sum::<usize>();
        assert_eq!(done, 1);
    }

    #[test]
    fn members_of_the_stores_own_record_that_are_not_known_stay() {
        pollster::block_on(async {
            let records = older().await;
            let store = open(&records).await.unwrap();
            let more = format_1(&store).replace("}", r#","colour":{"a":[1,null]}}"#);
            declare(&store, &more).await;
            let store = open(&records).await.unwrap();
            store.upgrade().await.unwrap();
            put(&store, "a", Some(&MIRRORS)).await.unwrap();
            let now = stored(&records).await;
            let listed = r#""required":{"mirrors":"0.7.0"},"colour":{"a":[1,null]}}"#;
            assert!(now.starts_with(r#"{"format":2,"#) && now.ends_with(listed), "{now}");
        });
    }

    #[test]
    fn what_is_newer_still_or_of_no_form_is_refused() {
        pollster::block_on(async {
            let records = older().await;
            let store = open(&records).await.unwrap();
            let newer = "the store was written by a newer version of Strongroom";
            let unreadable = "the store's own record is not readable";
            for (change, text) in [
                ((r#":1,"#, r#":3,"#), newer),
                ((r#":1,"#, r#":0,"#), newer),
                ((r#""created":5"#, r#""created":"5""#), unreadable),
                ((r#"}"#, r#","required":["mirrors"]}"#), unreadable),
                ((r#"}"#, r#","required":{"mir\nrors":"0.7.0"}}"#), unreadable),
                ((r#"}"#, r#","optional":{"mirrors":"0.7.0 \u001b"}}"#), unreadable),
            ] {
                declare(&store, &format_1(&store).replacen(change.0, change.1, 1)).await;
                let refused = open(&records).await.unwrap_err();
                assert_eq!(refused.kind(), ErrorKind::Incompatible, "{refused}");
                assert!(refused.to_string().starts_with(text), "{change:?}: {refused}");
            }
        });
    }

    #[test]
    fn a_new_store_has_the_newest_format_and_lists_nothing() {
        let store = Store::new(&Realm::default(), Timestamp::from_millis(5)).unwrap();
        let text = String::from_utf8(store.to_json().unwrap()).unwrap();
        let id = &store.id;
        let expected = format!(
            r#"{{"format":2,"id":"{id}","account":"000000000000","region":"us-east-1","created":5}}"#
        );
        assert_eq!(text, expected);
    }
}
