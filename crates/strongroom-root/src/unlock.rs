//! Finding the slot that a root opens.

use strongroom_records::{Record, Records, Scan};

use crate::slot::{self, MAX_PASSPHRASES, MAX_SLOTS, Resolved, Slot};
use crate::store::{Keyring, Store};
use crate::{Error, ErrorKind};

pub(crate) async fn slots(records: &dyn Records) -> Result<Vec<Record>, Error> {
    // Some more than may be added: two processes that add the last one at the same moment must not lock one out.
    let scan = Scan::prefix(&Slot::prefix()).limit(2 * MAX_SLOTS);
    Ok(records.snapshot().await?.scan(&scan).await?.records)
}

/// Tries the root at every slot of its kind.
pub(crate) async fn unlock(records: &dyn Records, root: &Resolved, store: &Store) -> Result<Keyring, Error> {
    let slots = slots(records).await?;
    let mut same_kind = false;
    let mut stretched = 0;
    for record in &slots {
        // A damaged slot must not keep another root out.
        let Ok(slot) = Slot::parse(&record.key, &record.value) else { continue };
        if slot.is_passphrase() && root.kind() == slot::RootKind::Passphrase {
            // Who can write the storage could fill it with expensive slots.
            stretched += 1;
            if stretched > MAX_PASSPHRASES {
                continue;
            }
        }
        match slot.open(root, &store.id).await {
            Ok(Some(keyring)) => {
                let keyring = Keyring::parse(&keyring)?;
                slot.verify(&keyring, &store.id)?;
                return Ok(keyring);
            }
            Ok(None) => {}
            Err(error) if matches!(error.kind(), ErrorKind::RootInvalid | ErrorKind::Tampered) => {}
            Err(error) => return Err(error),
        }
        same_kind |= slot.describe().kind == root.kind();
    }
    Err(Error::new(
        ErrorKind::WrongRoot,
        match (same_kind, root.kind()) {
            (true, slot::RootKind::Key) => "the root key does not open this strongroom",
            (true, slot::RootKind::Passphrase) => "the passphrase does not open this strongroom",
            (true, slot::RootKind::Recovery) => "the recovery code does not open this strongroom",
            (true, slot::RootKind::Kms) => {
                "the key of the key service does not open this strongroom: it was wrapped by another, or for another strongroom"
            }
            (false, _) => {
                "this strongroom has no root of this kind; open it with the kind of root it was made with"
            }
        },
    ))
}
