//! Message authentication codes under HMAC keys.

use hmac::{Hmac, KeyInit, Mac as _};
use sha2::{Sha224, Sha256, Sha384, Sha512};
use strongroom_kms::{Error, ErrorKind, MacAlgorithm};

/// The longest message, and the longest code that VerifyMac looks at, in bytes.
const MAX_MESSAGE: usize = 4096;
const MAX_MAC: usize = 6144;

fn check_length(member: &str, len: usize, most: usize) -> Result<(), Error> {
    let bound = match len {
        0 => "greater than or equal to 1".to_owned(),
        len if len > most => format!("less than or equal to {most}"),
        _ => return Ok(()),
    };
    Err(Error::new(
        ErrorKind::Validation,
        format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length {bound}"
        ),
    ))
}

pub(crate) fn check_message(message: &[u8]) -> Result<(), Error> {
    check_length("message", message.len(), MAX_MESSAGE)
}

pub(crate) fn check_mac(mac: &[u8]) -> Result<(), Error> {
    check_length("mac", mac.len(), MAX_MAC)
}

/// The code of a message. HMAC takes keys of any length.
fn keyed<M: KeyInit + hmac::Mac>(key: &[u8], message: &[u8]) -> Result<M, Error> {
    let mut mac = <M as KeyInit>::new_from_slice(key)
        .map_err(|_| Error::new(ErrorKind::Internal, "the key material has a wrong length"))?;
    mac.update(message);
    Ok(mac)
}

pub(crate) fn generate(algorithm: MacAlgorithm, key: &[u8], message: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(match algorithm {
        MacAlgorithm::HmacSha224 => keyed::<Hmac<Sha224>>(key, message)?.finalize().into_bytes().to_vec(),
        MacAlgorithm::HmacSha256 => keyed::<Hmac<Sha256>>(key, message)?.finalize().into_bytes().to_vec(),
        MacAlgorithm::HmacSha384 => keyed::<Hmac<Sha384>>(key, message)?.finalize().into_bytes().to_vec(),
        MacAlgorithm::HmacSha512 => keyed::<Hmac<Sha512>>(key, message)?.finalize().into_bytes().to_vec(),
        other => return Err(Error::new(ErrorKind::Unsupported, format!("{other} is not supported"))),
    })
}

/// Compares in constant time.
pub(crate) fn verify(algorithm: MacAlgorithm, key: &[u8], message: &[u8], mac: &[u8]) -> Result<(), Error> {
    let good = match algorithm {
        MacAlgorithm::HmacSha224 => keyed::<Hmac<Sha224>>(key, message)?.verify_slice(mac),
        MacAlgorithm::HmacSha256 => keyed::<Hmac<Sha256>>(key, message)?.verify_slice(mac),
        MacAlgorithm::HmacSha384 => keyed::<Hmac<Sha384>>(key, message)?.verify_slice(mac),
        MacAlgorithm::HmacSha512 => keyed::<Hmac<Sha512>>(key, message)?.verify_slice(mac),
        other => return Err(Error::new(ErrorKind::Unsupported, format!("{other} is not supported"))),
    };
    good.map_err(|_| Error::new(ErrorKind::InvalidMac, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn known_answers() {
        let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let mac = |algorithm| hex(generate(algorithm, b"Jefe", b"what do ya want for nothing?").unwrap());
        assert_eq!(mac(MacAlgorithm::HmacSha224), "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44");
        assert_eq!(
            mac(MacAlgorithm::HmacSha256),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            mac(MacAlgorithm::HmacSha384),
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"
        );
        assert_eq!(
            mac(MacAlgorithm::HmacSha512),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
        );
    }

    #[test]
    fn every_other_code_is_refused() {
        let mac = generate(MacAlgorithm::HmacSha256, b"key", b"message").unwrap();
        verify(MacAlgorithm::HmacSha256, b"key", b"message", &mac).unwrap();
        for bit in 0..mac.len() * 8 {
            let mut other = mac.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            let error = verify(MacAlgorithm::HmacSha256, b"key", b"message", &other).unwrap_err();
            assert_eq!((error.kind(), error.message()), (ErrorKind::InvalidMac, ""));
        }
        for cut in 0..mac.len() {
            verify(MacAlgorithm::HmacSha256, b"key", b"message", &mac[..cut]).unwrap_err();
        }
    }
}
