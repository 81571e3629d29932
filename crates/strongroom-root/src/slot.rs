//! Root slots: the store key, sealed once for each root that may open the store.

use std::sync::Arc;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use strongroom_envelope::{Label, MacKey, SealedBox, SecretBytes, SecretKey, random_array};
use strongroom_records::Key;
use strongroom_types::{Timestamp, hex};
use tokio::sync::oneshot;

use crate::error::tampered;
use crate::root_key::{Source, missing};
use crate::store::Keyring;
use crate::{Error, ErrorKind, PassphraseCost, RootKey, RootWrapper, key_file};

const LABEL: Label = Label::new("strongroom-rot");
const FORMAT: u8 = 1;
/// Keeps the authentication codes of slots apart from those of other records.
const SLOT: &[u8] = b"slot";
/// More slots than this are not tried: each passphrase slot costs argon2id.
pub(crate) const MAX_SLOTS: usize = 32;
/// The most passphrase slots that are tried at an open.
pub(crate) const MAX_PASSPHRASES: usize = 8;
const MAX_HEADER: usize = 4096;
const MAX_WRAPPED: usize = 2048;

/// What kind of root a slot is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RootKind {
    /// A key of 32 bytes: in a file, in the environment or in the program's hands. The same key may move between these.
    Key,
    /// A passphrase.
    Passphrase,
    /// A recovery code.
    Recovery,
    /// A key that another key service wraps.
    Kms,
}

/// A root that may open the store. Says nothing of the root itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RootSlot {
    /// Names the slot, for removing it.
    pub id: String,
    /// What kind of root opens it.
    pub kind: RootKind,
    /// What its maker called it.
    pub label: String,
    /// When it was made.
    pub created: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Header {
    kind: RootKind,
    label: String,
    created: i64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    salt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    cost: Option<PassphraseCost>,
    /// The slot's key as another key service wrapped it, and by which of its keys.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    wrapped: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    by: Option<String>,
}

/// The record of a slot, taken apart.
pub(crate) struct Slot<'a> {
    key: &'a Key,
    id: String,
    header: Header,
    header_bytes: &'a [u8],
    sealed: &'a [u8],
    /// Everything before the authentication code.
    body: &'a [u8],
    tag: &'a [u8; MacKey::TAG_LEN],
}

impl<'a> Slot<'a> {
    pub(crate) fn key(id: &str) -> Key {
        Self::prefix().then(id)
    }

    pub(crate) fn prefix() -> Key {
        Key::of(["root"])
    }

    /// `format (1) || header length u16 || header (JSON) || sealed box || authentication code (32)`.
    pub(crate) fn parse(key: &'a Key, bytes: &'a [u8]) -> Result<Self, Error> {
        let parse = || {
            let (body, tag) = bytes.split_last_chunk()?;
            let (&[format, high, low], rest) = body.split_first_chunk::<3>()?;
            let len = usize::from(u16::from_be_bytes([high, low]));
            let (header_bytes, sealed) = rest.split_at_checked(len)?;
            let id = key.segments()?.pop().and_then(|id| String::from_utf8(id).ok())?;
            (format == FORMAT && len <= MAX_HEADER).then_some((id, header_bytes, sealed, body, tag))
        };
        let (id, header_bytes, sealed, body, tag) =
            parse().ok_or_else(|| tampered(key, "it is not a root slot"))?;
        let header = serde_json::from_slice(header_bytes)
            .map_err(|_| tampered(key, "the slot's header is not readable"))?;
        Ok(Self { key, id, header, header_bytes, sealed, body, tag })
    }

    pub(crate) fn describe(self) -> RootSlot {
        RootSlot {
            id: self.id,
            kind: self.header.kind,
            label: self.header.label,
            created: Timestamp::from_millis(self.header.created),
        }
    }

    pub(crate) fn is_passphrase(&self) -> bool {
        self.header.kind == RootKind::Passphrase
    }

    /// Whether the slot is as the store made it. Opening proves that for the one root at hand; this proves it for every
    /// slot, to whoever has the store key.
    pub(crate) fn verify(&self, keyring: &Keyring, store_id: &str) -> Result<(), Error> {
        let parts: [&[u8]; 4] = [SLOT, store_id.as_bytes(), self.key.as_bytes(), self.body];
        if keyring.epochs().any(|epoch| epoch.mac.verify(&parts, self.tag)) {
            return Ok(());
        }
        Err(tampered(self.key, "its authentication code does not match"))
    }

    /// What is sealed in the slot, or `None` when this root does not open it.
    pub(crate) async fn open(&self, root: &Resolved, store_id: &str) -> Result<Option<SecretBytes>, Error> {
        let Some(key) = root.key_for(&self.header, store_id).await? else { return Ok(None) };
        Ok(SealedBox::open(&key, LABEL, &aad(self.key, store_id, self.header_bytes), self.sealed).ok())
    }
}

fn aad(key: &Key, store_id: &str, header: &[u8]) -> Vec<u8> {
    let mut aad = Vec::new();
    for part in [key.as_bytes(), store_id.as_bytes(), header] {
        aad.extend_from_slice(&(part.len() as u64).to_be_bytes());
        aad.extend_from_slice(part);
    }
    aad
}

/// Makes a slot: its id, key and record.
pub(crate) async fn seal(
    root: &Resolved,
    label: &str,
    now: Timestamp,
    store_id: &str,
    keyring: &Keyring,
) -> Result<(RootSlot, Key, Vec<u8>), Error> {
    if label.len() > 256 {
        return Err(Error::new(ErrorKind::InvalidSlot, "a root's label has at most 256 bytes"));
    }
    let id = hex(&random_array::<8>()?);
    let mut header = Header {
        kind: root.kind(),
        label: label.to_owned(),
        created: now.as_millis(),
        salt: None,
        cost: None,
        wrapped: None,
        by: None,
    };
    if let Resolved::Passphrase { cost, .. } = root {
        header.salt = Some(STANDARD.encode(random_array::<16>()?));
        header.cost = Some(*cost);
    }
    let kek = if let Resolved::Wrapper(wrapper) = root {
        let made = wrapper.generate(store_id).await?;
        if made.wrapped.len() > MAX_WRAPPED || made.by.len() > 256 {
            return Err(Error::new(
                ErrorKind::InvalidSlot,
                "what the key service wrapped is too long for a slot",
            ));
        }
        header.wrapped = Some(STANDARD.encode(&made.wrapped));
        header.by = Some(made.by);
        made.key
    } else {
        let key = root.key_for(&header, store_id).await?;
        key.ok_or_else(|| Error::new(ErrorKind::InvalidSlot, "the root has no slot kind"))?
    };
    let header_bytes = serde_json::to_vec(&header).map_err(|error| {
        Error::new(ErrorKind::InvalidSlot, "the slot's header cannot be written").because(error)
    })?;
    let header_len = u16::try_from(header_bytes.len())
        .map_err(|_| Error::new(ErrorKind::InvalidSlot, "the slot's header is too long"))?;
    let key = Slot::key(&id);
    let mut record = vec![FORMAT];
    record.extend_from_slice(&header_len.to_be_bytes());
    record.extend_from_slice(&header_bytes);
    let aad = aad(&key, store_id, &header_bytes);
    SealedBox::seal_into(&kek, LABEL, &aad, keyring.to_bytes().expose(), &mut record)?;
    let tag = keyring.current()?.mac.tag(&[SLOT, store_id.as_bytes(), key.as_bytes(), &record]);
    record.extend_from_slice(&tag);
    let slot = RootSlot { id, kind: header.kind, label: header.label, created: now };
    Ok((slot, key, record))
}

/// A root whose file has been read.
pub(crate) enum Resolved {
    Key(SecretKey),
    Passphrase { passphrase: SecretBytes, cost: PassphraseCost },
    Recovery(SecretKey),
    Wrapper(Arc<dyn RootWrapper>),
}

impl Resolved {
    /// Reads the key file if the root is one. Only where a new key is allowed may it be made.
    pub(crate) fn new(root: RootKey, may_create: bool) -> Result<Self, Error> {
        Ok(match root.0 {
            Source::Key(key) => Self::Key(key),
            Source::Passphrase { passphrase, cost } => Self::Passphrase { passphrase, cost },
            Source::Recovery(code) => Self::Recovery(code.key()?),
            Source::Wrapper(wrapper) => Self::Wrapper(wrapper),
            Source::File { path, readers, create } => {
                let mut key = key_file::read(&path, readers)?;
                if key.is_none() && create && may_create {
                    key = match key_file::create(&path)? {
                        Some(key) => Some(key),
                        // Another process made it in this moment.
                        None => key_file::read(&path, readers)?,
                    };
                }
                if key.is_some() && may_create {
                    // Whoever made the file may have been stopped before its name was on the disk. Nothing is committed
                    // under a key that a loss of power could take away.
                    key_file::sync(&path)?;
                }
                Self::Key(key.ok_or_else(|| missing(&path))?)
            }
        })
    }

    pub(crate) fn kind(&self) -> RootKind {
        match self {
            Self::Key(_) => RootKind::Key,
            Self::Passphrase { .. } => RootKind::Passphrase,
            Self::Recovery(_) => RootKind::Recovery,
            Self::Wrapper(_) => RootKind::Kms,
        }
    }

    /// The key that a slot with this header is sealed under, if this root is of its kind.
    async fn key_for(&self, header: &Header, store_id: &str) -> Result<Option<SecretKey>, Error> {
        match self {
            Self::Key(key) | Self::Recovery(key) if header.kind == self.kind() => Ok(Some(key.duplicate())),
            Self::Passphrase { passphrase, .. } if header.kind == RootKind::Passphrase => {
                let invalid = || Error::new(ErrorKind::Tampered, "the passphrase slot lacks its parameters");
                let cost = header.cost.ok_or_else(invalid)?;
                let salt =
                    header.salt.as_deref().and_then(|salt| STANDARD.decode(salt).ok()).ok_or_else(invalid)?;
                let salt = <[u8; 16]>::try_from(salt).map_err(|_| invalid())?;
                let passphrase = passphrase.duplicate();
                // argon2id takes a while and has no place on an async thread.
                let (reply, result) = oneshot::channel();
                thread::Builder::new()
                    .name("strongroom-argon2".into())
                    .spawn(move || {
                        let _ = reply.send(cost.derive(&passphrase, &salt));
                    })
                    .map_err(|error| {
                        Error::new(ErrorKind::Storage, "no thread for argon2id").because(error)
                    })?;
                let gone = |_| Error::new(ErrorKind::Storage, "the argon2id thread has ended");
                result.await.map_err(gone)?.map(Some)
            }
            Self::Wrapper(wrapper) if header.kind == RootKind::Kms => {
                let wrapped = header.wrapped.as_deref().and_then(|wrapped| STANDARD.decode(wrapped).ok());
                let wrapped = wrapped
                    .ok_or_else(|| Error::new(ErrorKind::Tampered, "the slot lacks its wrapped key"))?;
                wrapper.unwrap(store_id, &wrapped).await
            }
            _ => Ok(None),
        }
    }
}
