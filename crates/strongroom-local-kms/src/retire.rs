//! Destroying the material of an old generation.

use strongroom_kms::{Error, ErrorKind, KeyRef};
use strongroom_records::Expect;
use strongroom_types::CallContext;

use crate::admin::Change;
use crate::local::LocalKms;
use crate::request_facts::RequestFacts;
use crate::rotation::wrong_origin;
use crate::states::Operation;

/// Says that its author knows what is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retirement {
    /// Ciphertexts that were made under the generation and are kept anywhere, which nobody can count, will never open again.
    LosesCiphertextsElsewhere,
}

impl LocalKms {
    /// Destroys the material of an older generation of a key, named by its material id. What was encrypted under it never opens
    /// again; whether there is such, the key service cannot know: `strongroom`'s `retire_key_material` asks the secrets first,
    /// and keeps new ones from it. The caller needs `kms:ScheduleKeyDeletion`. Done already is fine.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for the key and for the material; [`ErrorKind::InvalidState`] for the generation that encrypts,
    /// and for a key pending deletion; [`ErrorKind::Unsupported`] for imported material, which DeleteImportedKeyMaterial deletes.
    pub async fn retire_material(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        key_material_id: &str,
        _confirmed: Retirement,
    ) -> Result<(), Error> {
        // Gone at once: a policy that wants a longer wait than none forbids it.
        let asked = RequestFacts::nothing().with("kms:ScheduleKeyDeletionPendingWindowInDays", "0");
        let retired =
            self.change_asked(cx, key, Operation::ScheduleKeyDeletion, &asked, |kms, key, batch| {
                if key.is_external() {
                    return Err(wrong_origin(key));
                }
                let newest = key.newest()?.number;
                let generation = key
                    .record
                    .generations
                    .iter_mut()
                    .find(|generation| *generation.material_id == *key_material_id);
                let generation = generation.ok_or_else(|| {
                    Error::new(ErrorKind::NotFound, format!("Key material {key_material_id} does not exist"))
                })?;
                if generation.number == newest {
                    let text =
                        format!("Key material {key_material_id} is the one that {} encrypts with.", key.arn);
                    return Err(Error::new(ErrorKind::InvalidState, text));
                }
                if generation.retired {
                    return Ok(Change::None(key.id.clone()));
                }
                generation.retired = true;
                batch.delete(&kms.inner.layout.material(&key.id, generation.number), Expect::Any);
                Ok(Change::Write(key.id.clone()))
            });
        let named = |error: Error| error.during("RetireMaterial");
        let id = retired.await.map_err(named)?;
        self.inner.materials.forget(&id);
        self.erase().await.map_err(named)
    }
}
