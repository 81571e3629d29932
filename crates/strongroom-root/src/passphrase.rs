//! From a passphrase to a key: argon2id with stored, bounded, authenticated parameters.

use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use strongroom_envelope::{SecretBytes, SecretKey};

use crate::{Error, ErrorKind};

/// What guessing a passphrase costs: argon2id's memory, passes and lanes.
///
/// Stored in the slot it protects and authenticated with it. Values outside the bounds are refused both when set and
/// when read, so that a prepared file can neither weaken a passphrase nor exhaust the machine that opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassphraseCost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl PassphraseCost {
    /// The least and the most memory, in KiB: 8 MiB to 1 GiB.
    pub const MEMORY_KIB: std::ops::RangeInclusive<u32> = 8 * 1024..=1024 * 1024;
    /// The fewest and the most passes.
    pub const PASSES: std::ops::RangeInclusive<u32> = 1..=16;
    /// The fewest and the most lanes.
    pub const LANES: std::ops::RangeInclusive<u32> = 1..=4;

    /// A cost within the bounds.
    ///
    /// # Errors
    /// [`ErrorKind::RootInvalid`] naming the value that is out of bounds.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, Error> {
        let cost = Self { memory_kib, passes, lanes };
        cost.check()?;
        Ok(cost)
    }

    fn check(self) -> Result<(), Error> {
        let out_of_bounds = |what: &'static str| Err(Error::new(ErrorKind::RootInvalid, what));
        if !Self::MEMORY_KIB.contains(&self.memory_kib) {
            return out_of_bounds("argon2id memory must be 8192 to 1048576 KiB");
        }
        if !Self::PASSES.contains(&self.passes) {
            return out_of_bounds("argon2id passes must be 1 to 16");
        }
        if !Self::LANES.contains(&self.lanes) {
            return out_of_bounds("argon2id lanes must be 1 to 4");
        }
        Ok(())
    }

    /// Takes its time (about a tenth of a second at the default) and memory. Not for an async thread.
    pub(crate) fn derive(self, passphrase: &SecretBytes, salt: &[u8; 16]) -> Result<SecretKey, Error> {
        self.check()?;
        let failed = |error: argon2::Error| {
            Error::new(ErrorKind::RootInvalid, "argon2id failed").because(error.to_string())
        };
        let params =
            Params::new(self.memory_kib, self.passes, self.lanes, Some(SecretKey::LEN)).map_err(failed)?;
        let mut out = SecretBytes::zeroed(SecretKey::LEN);
        // The working memory is ours, so that it can be wiped: its blocks are a function of the passphrase.
        let mut blocks = vec![argon2::Block::default(); params.block_count()];
        let result = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
            passphrase.expose(),
            salt,
            out.expose_mut(),
            &mut blocks,
        );
        for block in &mut blocks {
            *block = argon2::Block::default();
        }
        std::hint::black_box(&blocks);
        drop(blocks);
        result.map_err(failed)?;
        Ok(SecretKey::from_bytes(out)?)
    }
}

impl Default for PassphraseCost {
    /// 64 MiB, three passes, one lane.
    fn default() -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_out_of_bounds_are_refused_by_name() {
        for (memory, passes, lanes, what) in [
            (8191, 1, 1, "memory"),
            (1_048_577, 1, 1, "memory"),
            (8192, 0, 1, "passes"),
            (8192, 17, 1, "passes"),
            (8192, 1, 0, "lanes"),
            (8192, 1, 5, "lanes"),
        ] {
            assert!(PassphraseCost::new(memory, passes, lanes).unwrap_err().message().contains(what));
        }
        PassphraseCost::new(8192, 1, 1).unwrap();
        PassphraseCost::new(1_048_576, 16, 4).unwrap();
    }

    /// From the reference implementation through Python:
    /// `argon2.low_level.hash_secret_raw(b'passphrase', b'somesaltsomesalt', 1, 8192, 1, 32, Type.ID)`.
    #[test]
    fn agrees_with_the_reference_implementation() {
        let cost = PassphraseCost::new(8192, 1, 1).unwrap();
        let key = cost.derive(&SecretBytes::copy_from(b"passphrase"), b"somesaltsomesalt").unwrap();
        let hex: String = key.expose().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "cc78cf4adc9b0494d01d15b90013d7adb66f8ca35b34fbe3c1fa3839e82e82c5");
    }
}
