//! Recovery codes: a root to print and put into a safe.

use std::fmt;

use strongroom_envelope::{Label, SecretBytes, SecretKey, SecretText, random_array};

use crate::{Error, ErrorKind};

/// Without the letters and digits people confuse (I L O U).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const RANDOM: usize = 20;
const CHECK: usize = 5;
/// 20 random bytes and 5 check bytes: 40 characters of 5 bits.
const CHARACTERS: usize = (RANDOM + CHECK) * 8 / 5;

/// A root of 160 random bits, written as five groups of eight characters.
///
/// Dashes, blanks and case do not matter when it is typed; `O` reads as `0`, `I` and `L` as `1`. A mistyped character is
/// found by the check part and reported as such, before anything is tried.
pub struct RecoveryCode(SecretBytes);

impl RecoveryCode {
    /// A fresh code.
    ///
    /// # Errors
    /// [`ErrorKind::Crypto`] when the operating system gives no random bytes.
    pub fn generate() -> Result<Self, Error> {
        let mut bytes = SecretBytes::zeroed(RANDOM);
        let mut random = random_array::<RANDOM>()?;
        bytes.expose_mut().copy_from_slice(&random);
        strongroom_envelope::wipe(&mut random);
        Ok(Self(bytes))
    }

    /// Reads a code as a person types it.
    ///
    /// # Errors
    /// [`ErrorKind::RootInvalid`] when it has the wrong length, a character that cannot be, or a typing error.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |what: &'static str| Error::new(ErrorKind::RootInvalid, what);
        let mut bytes = SecretBytes::with_capacity(RANDOM + CHECK);
        let (mut bits, mut count, mut characters) = (0u32, 0, 0);
        for c in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let c = match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                c => c,
            };
            let value = ALPHABET
                .iter()
                .position(|a| char::from(*a) == c)
                .ok_or_else(|| invalid("the recovery code has a character that no code has"))?;
            characters += 1;
            if characters > CHARACTERS {
                return Err(invalid("the recovery code is longer than 40 characters"));
            }
            bits = (bits << 5) | u32::try_from(value).unwrap_or(0);
            count += 5;
            if count >= 8 {
                count -= 8;
                bytes.extend_from_slice(&[u8::try_from((bits >> count) & 0xff).unwrap_or(0)]);
            }
        }
        if characters != CHARACTERS {
            return Err(invalid("the recovery code is shorter than 40 characters"));
        }
        let (random, check) = bytes.expose().split_at(RANDOM);
        let code = Self(SecretBytes::copy_from(random));
        if SecretBytes::copy_from(check) == SecretBytes::copy_from(&code.check()?) {
            Ok(code)
        } else {
            Err(invalid("the recovery code has a typing error"))
        }
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }

    /// The code, to be shown once to a person.
    ///
    /// # Errors
    /// [`ErrorKind::Crypto`], which cannot happen with a whole code.
    pub fn to_text(&self) -> Result<SecretText, Error> {
        let mut all = self.0.duplicate();
        all.extend_from_slice(&self.check()?);
        let mut text = SecretBytes::with_capacity(CHARACTERS + 7);
        for (index, chunk) in all.expose().chunks_exact(5).enumerate() {
            if index > 0 {
                text.extend_from_slice(b"-");
            }
            let bits = chunk.iter().fold(0u64, |bits, byte| (bits << 8) | u64::from(*byte));
            for position in (0..8).rev() {
                let value = usize::try_from((bits >> (position * 5)) & 31).unwrap_or(0);
                text.extend_from_slice(&ALPHABET[value..=value]);
            }
        }
        Ok(SecretText::from_utf8(text)?)
    }

    /// The key that the code stands for. 160 random bits need no stretching.
    pub(crate) fn key(&self) -> Result<SecretKey, Error> {
        Ok(self.padded()?.derive(Label::new("strongroom-rec"), b""))
    }

    fn check(&self) -> Result<[u8; CHECK], Error> {
        let derived = self.padded()?.derive(Label::new("strongroom-chk"), b"");
        let mut check = [0; CHECK];
        check.copy_from_slice(&derived.expose()[..CHECK]);
        Ok(check)
    }

    fn padded(&self) -> Result<SecretKey, Error> {
        let mut padded = SecretBytes::zeroed(SecretKey::LEN);
        padded.expose_mut()[..RANDOM].copy_from_slice(self.0.expose());
        Ok(SecretKey::from_bytes(padded)?)
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_comes_back_as_people_type_it() {
        let code = RecoveryCode::generate().unwrap();
        let text = code.to_text().unwrap();
        assert_eq!(text.expose().len(), 44, "five groups of eight");
        let typed = text.expose().to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
        assert_eq!(RecoveryCode::parse(&typed).unwrap().key().unwrap(), code.key().unwrap());
        assert_eq!(format!("{code:?}"), "RecoveryCode([redacted])");
    }

    #[test]
    fn one_wrong_character_is_a_typing_error() {
        let text = RecoveryCode::generate().unwrap().to_text().unwrap();
        let wrong: String = text
            .expose()
            .chars()
            .enumerate()
            .map(|(i, c)| if i == 3 { if c == 'A' { 'B' } else { 'A' } } else { c })
            .collect();
        assert!(RecoveryCode::parse(&wrong).unwrap_err().message().contains("typing error"));
        assert!(RecoveryCode::parse("ABC").unwrap_err().message().contains("shorter"));
        assert!(RecoveryCode::parse(&"A".repeat(41)).unwrap_err().message().contains("longer"));
        assert!(RecoveryCode::parse("U").unwrap_err().message().contains("character"));
    }
}
