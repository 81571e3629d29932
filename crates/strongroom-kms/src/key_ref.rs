//! How a key is named: id, ARN, alias name, alias ARN.

use std::fmt;
use std::str::FromStr;

use strongroom_types::{Arn, Realm, hex};

use crate::{Error, ErrorKind};

/// A key id: a UUID, or `mrk-` and 32 hexadecimal digits for a multi-Region key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId {
    text: String,
    /// The decoded digits.
    bytes: [u8; 16],
}

impl KeyId {
    /// Parses a key id, in lower case as AWS generates them.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] with AWS's text `Invalid keyId '<given>'`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let valid = match text.strip_prefix("mrk-") {
            Some(digits) => digits.len() == 32 && !digits.contains('-'),
            None => text.split('-').map(str::len).eq([8, 4, 4, 4, 12]),
        };
        let mut bytes = [0; 16];
        let digits = text.strip_prefix("mrk-").unwrap_or(text).bytes().filter(|byte| *byte != b'-');
        for (index, digit) in digits.enumerate().take(32) {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                _ => return Err(invalid(text)),
            };
            bytes[index / 2] = (bytes[index / 2] << 4) | value;
        }
        if valid { Ok(Self { text: text.to_owned(), bytes }) } else { Err(invalid(text)) }
    }

    /// The 16 bytes of the id, and whether it is a multi-Region id.
    #[must_use]
    pub fn to_bytes(&self) -> ([u8; 16], bool) {
        (self.bytes, self.text.starts_with("mrk-"))
    }

    /// The id of these bytes: the inverse of [`KeyId::to_bytes`].
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16], multi_region: bool) -> Self {
        let hex = hex(&bytes);
        let text = if multi_region {
            format!("mrk-{hex}")
        } else {
            format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
        };
        Self { text, bytes }
    }

    /// Whether it is that of a multi-Region key: it begins with `mrk-`.
    #[must_use]
    pub fn is_multi_region(&self) -> bool {
        self.as_str().starts_with("mrk-")
    }

    /// The id's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The key's ARN in `realm`.
    #[must_use]
    pub fn arn(&self, realm: &Realm) -> Arn {
        realm.arn("kms", &format!("key/{}", self.text))
    }
}

impl FromStr for KeyId {
    type Err = Error;

    /// As [`KeyId::parse`].
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn invalid(text: &str) -> Error {
    let shown: String = text.chars().take(256).collect();
    Error::new(ErrorKind::NotFound, format!("Invalid keyId '{shown}'"))
}

/// An alias name, `alias/` and at least one of `[a-zA-Z0-9:/_-]`; at most 256 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AliasName(String);

impl AliasName {
    /// Parses an alias name. It can contain a colon, although no alias with one can be created: see
    /// [`AliasName::check_new`].
    ///
    /// # Errors
    /// [`ErrorKind::Validation`] with AWS's text for a length or character that an alias cannot
    /// have, or if the prefix is missing; [`ErrorKind::InvalidAliasName`] for the prefix alone.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let violated = match text.chars().count() {
            0 => Some("length greater than or equal to 1"),
            257.. => Some("length less than or equal to 256"),
            _ => None,
        };
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b":/_-".contains(&b);
        let constraint = match violated {
            Some(bound) => Some(format!("Member must have {bound}")),
            None if !text.bytes().all(allowed) => {
                Some("Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$".to_owned())
            }
            None => None,
        };
        if let Some(constraint) = constraint {
            let shown: String = text.chars().take(300).collect();
            return Err(Error::new(
                ErrorKind::Validation,
                format!(
                    "1 validation error detected: Value '{shown}' at 'aliasName' failed to satisfy constraint: {constraint}"
                ),
            ));
        }
        let Some(name) = text.strip_prefix("alias/") else {
            return Err(Error::new(
                ErrorKind::Validation,
                "Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
            ));
        };
        if name.is_empty() {
            return Err(Error::new(ErrorKind::InvalidAliasName, "Alias has no name after its prefix"));
        }
        Ok(Self(text.to_owned()))
    }

    /// Checks that a customer can create an alias with this name.
    ///
    /// # Errors
    /// [`ErrorKind::NotAuthorized`] for a reserved name, [`ErrorKind::Validation`] with AWS's text
    /// for one with a colon.
    pub fn check_new(&self) -> Result<(), Error> {
        if self.is_reserved() {
            return Err(Error::new(ErrorKind::NotAuthorized, ""));
        }
        if self.0.contains(':') {
            let text = format!("{self} contains invalid characters for an alias");
            return Err(Error::new(ErrorKind::Validation, text));
        }
        Ok(())
    }

    /// Whether the name is reserved for keys that AWS services manage: `alias/aws/...`.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with("alias/aws/") || self.0 == "alias/aws"
    }

    /// The name, prefix included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The alias's ARN in `realm`.
    #[must_use]
    pub fn arn(&self, realm: &Realm) -> Arn {
        realm.arn("kms", &self.0)
    }
}

impl FromStr for AliasName {
    type Err = Error;

    /// As [`AliasName::parse`].
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for AliasName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Any of the four ways to name a key, parsed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyRef {
    /// `1234abcd-12ab-34cd-56ef-1234567890ab`, in the account and region of the service.
    Id(KeyId),
    /// `arn:aws:kms:us-east-1:111122223333:key/1234abcd-...`.
    Arn(Arn, KeyId),
    /// `alias/name`, in the account and region of the service.
    Alias(AliasName),
    /// `arn:aws:kms:us-east-1:111122223333:alias/name`.
    AliasArn(Arn, AliasName),
}

impl KeyRef {
    /// Parses a `KeyId` member as AWS does.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] with AWS's text for anything that is none of the four, including an
    /// impossible alias name; [`ErrorKind::InvalidArn`] for an ARN of something else.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.starts_with("alias/") {
            return AliasName::parse(text).map(Self::Alias).map_err(|_| invalid(text));
        }
        if !text.starts_with("arn:") {
            return KeyId::parse(text).map(Self::Id);
        }
        let not_kms = || {
            Error::new(ErrorKind::InvalidArn, "Invalid arn")
                .with("arn", text.chars().take(256).collect::<String>())
        };
        let arn = Arn::parse(text).map_err(|_| not_kms())?;
        if arn.service() != "kms" {
            return Err(not_kms());
        }
        if arn.resource().starts_with("alias/") {
            let name = AliasName::parse(arn.resource()).map_err(|_| invalid(text))?;
            return Ok(Self::AliasArn(arn, name));
        }
        let id = arn.resource().strip_prefix("key/").ok_or_else(not_kms)?;
        let id = KeyId::parse(id)?;
        Ok(Self::Arn(arn, id))
    }

    /// Whether it names an alias and not the key itself.
    #[must_use]
    pub fn is_alias(&self) -> bool {
        matches!(self, Self::Alias(_) | Self::AliasArn(..))
    }
}

impl FromStr for KeyRef {
    type Err = Error;

    /// As [`KeyRef::parse`].
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => f.write_str(id.as_str()),
            Self::Alias(name) => f.write_str(name.as_str()),
            Self::Arn(arn, _) | Self::AliasArn(arn, _) => f.write_str(arn.as_str()),
        }
    }
}

impl From<KeyId> for KeyRef {
    fn from(id: KeyId) -> Self {
        Self::Id(id)
    }
}

impl From<AliasName> for KeyRef {
    fn from(name: AliasName) -> Self {
        Self::Alias(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

    #[test]
    fn the_four_forms_are_told_apart_and_come_back() {
        let arn = format!("arn:aws:kms:us-east-1:111122223333:key/{ID}");
        let alias_arn = "arn:aws:kms:us-east-1:111122223333:alias/app";
        assert!(matches!(KeyRef::parse(ID).unwrap(), KeyRef::Id(_)));
        assert!(matches!(KeyRef::parse(&arn).unwrap(), KeyRef::Arn(..)));
        assert!(matches!(KeyRef::parse("alias/app").unwrap(), KeyRef::Alias(_)));
        assert!(matches!(KeyRef::parse(alias_arn).unwrap(), KeyRef::AliasArn(..)));
        for text in [ID, &arn, "alias/app", alias_arn, "mrk-1234abcd12ab34cd56ef1234567890ab"] {
            assert_eq!(KeyRef::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn malformed_ids_get_the_text_of_aws() {
        for bad in
            ["", "x", "1234ABCD-12ab-34cd-56ef-1234567890ab", "1234abcd12ab34cd56ef1234567890ab", "mrk-12"]
        {
            let error = KeyRef::parse(bad).unwrap_err();
            assert_eq!(
                (error.kind(), error.message()),
                (ErrorKind::NotFound, format!("Invalid keyId '{bad}'").as_str())
            );
        }
        assert_eq!(KeyRef::parse("arn:aws:s3:::bucket").unwrap_err().kind(), ErrorKind::InvalidArn);
        assert!(
            AliasName::parse("app")
                .unwrap_err()
                .message()
                .starts_with("Alias must start with the prefix \"alias/\".")
        );
        let error = KeyRef::parse("alias/ä").unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, "Invalid keyId 'alias/ä'"));
    }

    #[test]
    fn an_alias_name_that_cannot_be_says_which_constraint_it_violates() {
        let refused = |text: &str| {
            let error = AliasName::parse(text).and_then(|name| name.check_new()).unwrap_err();
            (error.kind(), error.message().to_owned())
        };
        let violates = |text: &str, constraint: &str| {
            let text = format!(
                "1 validation error detected: Value '{text}' at 'aliasName' failed to satisfy constraint: {constraint}"
            );
            (ErrorKind::Validation, text)
        };
        let pattern = "Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$";
        for text in ["alias/ä", "alias/my alias", "alias/a.b", "alias/a@b", "my alias"] {
            assert_eq!(refused(text), violates(text, pattern));
        }
        assert_eq!(refused(""), violates("", "Member must have length greater than or equal to 1"));
        let long = format!("alias/{}", "a".repeat(251));
        assert_eq!(refused(&long), violates(&long, "Member must have length less than or equal to 256"));
        AliasName::parse(&long[..256]).unwrap().check_new().unwrap();
        let colon = "alias/my:alias contains invalid characters for an alias".to_owned();
        assert_eq!(refused("alias/my:alias"), (ErrorKind::Validation, colon));
        assert_eq!(refused("alias/aws/my:alias"), (ErrorKind::NotAuthorized, String::new()));
        assert_eq!(refused("alias/").0, ErrorKind::InvalidAliasName);
    }

    #[test]
    fn ids_and_bytes_are_the_same() {
        for text in [ID, "mrk-1234abcd12ab34cd56ef1234567890ab"] {
            let id = KeyId::parse(text).unwrap();
            let (bytes, multi_region) = id.to_bytes();
            assert_eq!(KeyId::from_bytes(bytes, multi_region), id);
        }
    }
}
