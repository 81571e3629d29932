//! Reading keys, aliases and material.

use std::sync::Arc;

use strongroom_kms::{AliasName, Error, ErrorKind, KeyId, KeyRef, KeyState};

use crate::cache::keys::{Look, RawKeyId};
use crate::cache::material::Material;
use crate::layout::{AliasRecord, StoredKey, decode};
use crate::parts::{Parts, storage};

/// Reads what is stored, or what the caches still hold of it.
#[derive(Clone, Copy)]
pub(crate) struct Stored<'a>(pub(crate) &'a Parts);

impl Stored<'_> {
    /// The key that `key` names, if it is known here. Most calls need no more: what may wait has
    /// futures of its own, boxed, so that the usual one stays small.
    pub(crate) fn resolve_known(self, key: &KeyRef) -> Option<Arc<StoredKey>> {
        let keys = &self.0.inner.keys;
        match key {
            KeyRef::Id(id) => keys.key(id.to_bytes()),
            KeyRef::Arn(arn, id) => keys.key(id.to_bytes()).filter(|known| known.arn == *arn),
            KeyRef::Alias(name) => keys.alias(name).and_then(|target| keys.key(target)),
            _ => None,
        }
    }

    /// A key as it was a moment ago.
    pub(crate) async fn known(self, id: RawKeyId) -> Result<Option<Arc<StoredKey>>, Error> {
        if let Some(key) = self.0.inner.keys.key(id) {
            return Ok(Some(key));
        }
        self.read_key(id).await
    }

    async fn read_key(self, id: RawKeyId) -> Result<Option<Arc<StoredKey>>, Error> {
        let look = self.look().await?;
        if let Some(key) = self.0.inner.keys.key_at(look, id) {
            return Ok(Some(key));
        }
        self.read_stored(look, id).await
    }

    async fn read_stored(self, look: Look, id: RawKeyId) -> Result<Option<Arc<StoredKey>>, Error> {
        let Some(key) = self.find_now(&KeyId::from_bytes(id.0, id.1)).await? else { return Ok(None) };
        if key.state != KeyState::Enabled {
            // Maybe by another process: what is unwrapped of it goes.
            self.0.inner.materials.forget(&key.id);
        }
        let key = Arc::new(key);
        self.0.inner.keys.keep_key(look, &key);
        Ok(Some(key))
    }

    /// A key past what is kept, which it replaces.
    pub(crate) async fn read_again(self, id: RawKeyId) -> Result<Option<Arc<StoredKey>>, Error> {
        let look = self.look().await?;
        self.read_stored(look, id).await
    }

    /// Asks the storage whether anybody has committed anything.
    async fn look(self) -> Result<Look, Error> {
        let commits = self.0.inner.keys.commits();
        let token = self.0.inner.records.change_token().await.map_err(storage)?;
        Ok(self.0.inner.keys.renew(token, commits))
    }

    /// The key as it is now.
    pub(crate) async fn find_now(self, id: &KeyId) -> Result<Option<StoredKey>, Error> {
        let stored = self.0.inner.records.get(&self.0.inner.layout.key(id)).await.map_err(storage)?;
        stored.as_ref().map(|stored| StoredKey::parse(stored, self.0.realm())).transpose()
    }

    /// The key behind an alias, if there is the alias.
    pub(crate) async fn known_alias(self, name: &AliasName) -> Result<Option<RawKeyId>, Error> {
        match self.0.inner.keys.alias(name) {
            Some(target) => Ok(Some(target)),
            None => Box::pin(self.read_alias(name)).await,
        }
    }

    async fn read_alias(self, name: &AliasName) -> Result<Option<RawKeyId>, Error> {
        let look = self.look().await?;
        if let Some(target) = self.0.inner.keys.alias_at(look, name) {
            return Ok(Some(target));
        }
        let place = self.0.inner.layout.alias(name);
        let Some(stored) = self.0.inner.records.get(&place).await.map_err(storage)? else { return Ok(None) };
        let target = KeyId::parse(&decode::<AliasRecord>(&stored)?.target)?;
        self.0.inner.keys.keep_alias(look, name, &target);
        Ok(Some(target.to_bytes()))
    }

    /// The material of a generation, if it is in memory.
    pub(crate) fn material_known(self, key: &StoredKey, generation: u32) -> Option<Arc<Material>> {
        self.0.inner.materials.get(&key.id, generation)
    }

    /// The material of a generation, unwrapped.
    pub(crate) async fn unwrap_material(
        self,
        key: &StoredKey,
        generation: u32,
    ) -> Result<Arc<Material>, Error> {
        let place = self.0.inner.layout.material(&key.id, generation);
        let missing =
            || Error::new(ErrorKind::Tampered, "the key's material is missing").with("record", &place);
        let stored = self.0.inner.records.get(&place).await.map_err(storage)?.ok_or_else(missing)?;
        let bytes = self.0.inner.records.unseal(&place, &stored.content).map_err(storage)?;
        let material = Arc::new(Material::new(key.spec, bytes)?);
        self.0.inner.materials.insert(&key.id, generation, &material);
        Ok(material)
    }
}
