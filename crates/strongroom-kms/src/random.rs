//! Random bytes, as GenerateRandom returns them.

use strongroom_envelope::{SecretBytes, SecretKey};

use crate::{Error, ErrorKind};

/// Random bytes in self-wiping memory, whatever their number.
///
/// # Errors
/// [`ErrorKind::Internal`] when the operating system returns none.
pub fn random_bytes(len: usize) -> Result<SecretBytes, Error> {
    let mut out = SecretBytes::with_capacity(len + SecretKey::LEN);
    while out.len() < len {
        out.extend_from_slice(SecretKey::generate()?.expose());
    }
    out.truncate(len);
    Ok(out)
}

/// 1 to 1,024 bytes.
pub(crate) fn generate(bytes: u16) -> Result<SecretBytes, Error> {
    let bound = match bytes {
        0 => "greater than or equal to 1",
        1..=1024 => return random_bytes(usize::from(bytes)),
        _ => "less than or equal to 1024",
    };
    Err(Error::new(
        ErrorKind::Validation,
        format!(
            "1 validation error detected: Value '{bytes}' at 'numberOfBytes' failed to satisfy constraint: Member must have value {bound}"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_to_1024_bytes() {
        for len in [1u16, 32, 33, 1024] {
            let (one, two) = (generate(len).unwrap(), generate(len).unwrap());
            assert_eq!((one.len(), two.len()), (usize::from(len), usize::from(len)));
            assert!(len == 1 || one != two);
        }
        let text = |bytes| generate(bytes).unwrap_err().message().to_owned();
        assert!(text(0).ends_with("Value '0' at 'numberOfBytes' failed to satisfy constraint: Member must have value greater than or equal to 1"));
        assert!(text(1025).ends_with("Member must have value less than or equal to 1024"));
    }
}
