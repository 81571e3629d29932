//! Imported key material: brought along, gone at a date or by request, and brought again.

use strongroom_envelope::SecretBytes;
use strongroom_kms::{
    Error, ErrorKind, ExpirationModel, ImportKeyMaterial, ImportParameters, ImportedMaterial, KeyRef,
    WrappingAlgorithm, WrappingKeySpec,
};
use strongroom_policy::Context;
use strongroom_records::Expect;

use crate::admin::change::{Change, Changes};
use crate::admin::rotation::wrong_origin;
use crate::call::KeyCall;
use crate::gate::Gate;
use crate::keys::write::Writer;
use crate::layout::StoredKey;
use crate::material::imports::{Arrival, Arrivals, incorrect};
use crate::material::wrapping::Wrapping;
use crate::naming::finder::Finder;
use crate::needs::Role;
use crate::parts::{Parts, contended};

fn must_be_external(key: &StoredKey) -> Result<(), Error> {
    if key.is_external() { Ok(()) } else { Err(wrong_origin(key)) }
}

/// What policies see of a request to import.
pub(crate) fn facts_of(request: &ImportKeyMaterial) -> Context {
    let mut facts = Context::new();
    facts.set_first("kms:ExpirationModel", request.expiration.as_str());
    if let Some(date) = request.valid_to {
        facts.set_first("kms:ValidTo", date.to_epoch_seconds());
    }
    facts
}

/// The operations on imported material.
#[derive(Clone, Copy)]
pub(crate) struct Imports<'a>(pub(crate) &'a Parts);

impl Imports<'_> {
    pub(crate) async fn import(
        self,
        call: &KeyCall<'_>,
        key: &KeyRef,
        material: &SecretBytes,
        options: &ImportKeyMaterial,
    ) -> Result<ImportedMaterial, Error> {
        options.check(self.0.now())?;
        let needed = call.needs(Role::Key)?;
        let arrival = Arrival {
            material,
            kind: options.kind,
            expires: options.valid_to.filter(|_| options.expiration == ExpirationModel::Expires),
            description: options.description.as_deref(),
            wanted: options.key_material_id.as_deref(),
        };
        for () in self.0.attempts(call.cx()) {
            let mut key = Finder(self.0).managed(call, key, needed).await?;
            Gate(self.0).permit(call, &key, needed).await?;
            must_be_external(&key)?;
            if material.len() != key.spec.material_len() {
                return Err(incorrect());
            }
            let known = Arrivals(self.0).known_material(&key, material).await?;
            let mut batch = self.0.inner.records.batch();
            let before = key.next_expiry();
            let key_material_id = Arrivals(self.0).place(&mut key, &mut batch, &arrival, known)?;
            Arrivals(self.0).move_expiry(&key, &mut batch, before);
            match Writer(self.0).commit_key(&key, batch).await {
                Ok(_) => {
                    return Ok(ImportedMaterial {
                        key_arn: key.arn.clone(),
                        key_material_id: Some(key_material_id),
                    });
                }
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(contended())
    }

    pub(crate) async fn delete(
        self,
        call: &KeyCall<'_>,
        key: &KeyRef,
        material_id: Option<&str>,
    ) -> Result<ImportedMaterial, Error> {
        let deleted = Changes(self.0)
            .change(call, key, |parts, key, batch| {
                must_be_external(key)?;
                let before = key.next_expiry();
                let newest = key.newest().ok().map(|newest| newest.number);
                let generation = key.record.generations.iter_mut().find(|generation| match material_id {
                    Some(id) => *generation.material_id == *id,
                    None => Some(generation.number) == newest,
                });
                let key_arn = key.arn.clone();
                let Some(generation) = generation else {
                    return match material_id {
                        // AWS's text is unconfirmed.
                        Some(id) => {
                            Err(Error::new(ErrorKind::NotFound, format!("Key material {id} does not exist")))
                        }
                        // Nothing was ever imported: accepted, no effect.
                        None => Ok(Change::None(ImportedMaterial { key_arn, key_material_id: None })),
                    };
                };
                let deleted =
                    ImportedMaterial { key_arn, key_material_id: Some(generation.material_id.to_string()) };
                let imported = generation.imported.get_or_insert_default();
                if !imported.present {
                    return Ok(Change::None(deleted));
                }
                (imported.present, imported.expires) = (false, None);
                let number = generation.number;
                batch.delete(&parts.inner.layout.material(&key.id, number), Expect::Any);
                Arrivals(parts).move_expiry(key, batch, before);
                Ok(Change::Write(deleted))
            })
            .await?;
        self.forget_by_arn(&deleted);
        self.0.erase().await?;
        Ok(deleted)
    }

    fn forget_by_arn(self, deleted: &ImportedMaterial) {
        if let Ok(KeyRef::Arn(_, id)) = KeyRef::parse(deleted.key_arn.as_str()) {
            self.0.inner.materials.forget(&id);
        }
    }

    pub(crate) async fn parameters(
        self,
        call: &KeyCall<'_>,
        key: &KeyRef,
        algorithm: WrappingAlgorithm,
        spec: WrappingKeySpec,
    ) -> Result<ImportParameters, Error> {
        let needed = call.needs(Role::Key)?;
        let key = Finder(self.0).managed(call, key, needed).await?;
        Gate(self.0).permit(call, &key, needed).await?;
        must_be_external(&key)?;
        Wrapping::new(self.0).new_parameters(&key, algorithm, spec).await
    }

    pub(crate) async fn import_wrapped(
        self,
        call: &KeyCall<'_>,
        key: &KeyRef,
        request: &ImportKeyMaterial,
    ) -> Result<ImportedMaterial, Error> {
        request.check(self.0.now())?;
        // All that is wrong with the key comes before what is wrong with the token.
        let needed = call.needs(Role::Key)?;
        let stored = Finder(self.0).managed(call, key, needed).await?;
        Gate(self.0).permit(call, &stored, needed).await?;
        must_be_external(&stored)?;
        let material = Wrapping::new(self.0).unwrap(&stored, request)?;
        self.import(call, key, &material, request).await
    }
}
