//! The stored form of a sealed value, and how it differs from an unsealed one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_envelope::{EncryptionContext, Envelope};
use strongroom_store::{SecretValue, VersionId};

use crate::error::not_opened;

/// Begins every sealed value, as bytes or as text.
const PREFIX: &str = "strongroom-sealed:1:";

const TEXT: u8 = 0;
const BINARY: u8 = 1;

/// Kind and binding.
const FLAGS: usize = 2;

/// Space for the key's ARN and the wrapped data key: AWS's take 75 and 184 bytes.
const KEY: usize = 896 - PREFIX.len() - FLAGS - Envelope::sealed_len(0, 0, 0);

/// The maximum size of a value that fits, sealed, into `room`.
pub(crate) const fn fits(room: usize, binary: bool) -> usize {
    let bytes = if binary { room } else { (room.saturating_sub(PREFIX.len())) / 4 * 3 + PREFIX.len() };
    bytes.saturating_sub(PREFIX.len() + FLAGS + Envelope::sealed_len(0, 0, 0) + KEY)
}

/// Whether the key's ARN and the wrapped data key fit into their space.
pub(crate) const fn key_fits(arn: usize, wrapped: usize) -> bool {
    arn + wrapped <= KEY
}

/// A sealed value as stored: `kind (1) || binding (1) || envelope`.
pub(crate) struct Form {
    pub(crate) text: bool,
    /// Whether it is bound to its version as well as to its secret.
    pub(crate) bound: bool,
    pub(crate) envelope: Vec<u8>,
}

/// What a stored value is.
pub(crate) enum Stored {
    Sealed(Form),
    Plain,
}

impl Form {
    /// Encodes it for a store that takes bytes, or only text.
    pub(crate) fn write(&self, binary: bool) -> SecretValue {
        let mut bytes = vec![if self.text { TEXT } else { BINARY }, u8::from(self.bound)];
        bytes.extend_from_slice(&self.envelope);
        if binary {
            let mut stored = PREFIX.as_bytes().to_vec();
            stored.extend_from_slice(&bytes);
            return SecretValue::binary(stored);
        }
        let mut stored = PREFIX.to_owned();
        STANDARD.encode_string(bytes, &mut stored);
        SecretValue::text(stored)
    }

    /// Parses a stored value. One with the prefix of a sealed value that is malformed is refused,
    /// never treated as plain.
    pub(crate) fn read(stored: &SecretValue) -> Result<Stored, strongroom_store::Error> {
        let Some(rest) = stored.expose_bytes().strip_prefix(PREFIX.as_bytes()) else {
            return Ok(Stored::Plain);
        };
        let bytes =
            if stored.is_text() { STANDARD.decode(rest).map_err(|_| not_opened())? } else { rest.to_vec() };
        match bytes.split_first_chunk::<FLAGS>() {
            Some((&[kind @ (TEXT | BINARY), bound @ (0 | 1)], envelope)) => Ok(Stored::Sealed(Self {
                text: kind == TEXT,
                bound: bound == 1,
                envelope: envelope.to_vec(),
            })),
            _ => Err(not_opened()),
        }
    }
}

/// What a sealed value is bound to.
pub(crate) fn context(
    name: &str,
    version: Option<&VersionId>,
    text: bool,
) -> Result<EncryptionContext, strongroom_envelope::Error> {
    let mut pairs = vec![
        ("strongroom:purpose", "sealed-value"),
        ("strongroom:secret", name),
        ("strongroom:kind", if text { "text" } else { "binary" }),
    ];
    pairs.extend(version.map(|version| ("strongroom:version", version.as_str())));
    EncryptionContext::from_pairs(pairs)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_room_declared_is_the_room_there_is() {
        for (room, binary) in [(65_536, true), (65_536, false), (4096, false), (8192, false)] {
            let most = fits(room, binary);
            let envelope = vec![7; Envelope::sealed_len(100, KEY - 100, most)];
            let stored = Form { text: true, bound: true, envelope }.write(binary);
            assert!(stored.len() <= room && stored.len() + 4 > room, "{} of {room}", stored.len());
        }
        assert_eq!((fits(65_536, true), fits(8192, false), fits(100, false)), (64_640, 5253, 0));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text: bool, bound: bool, binary: bool, envelope: Vec<u8>) {
            let stored = Form { text, bound, envelope: envelope.clone() }.write(binary);
            let Ok(Stored::Sealed(read)) = Form::read(&stored) else { panic!("not read") };
            prop_assert_eq!((read.text, read.bound, read.envelope), (text, bound, envelope));
        }

        #[test]
        fn anything_else_is_plain_or_refused(bytes: Vec<u8>, prefixed: bool) {
            let stored = if prefixed { [PREFIX.as_bytes(), &bytes].concat() } else { bytes };
            match Form::read(&SecretValue::binary(stored)) {
                Ok(Stored::Plain) => prop_assert!(!prefixed),
                Ok(Stored::Sealed(_)) | Err(_) => prop_assert!(prefixed),
            }
        }
    }
}
