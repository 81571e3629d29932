//! Account, region, and realm, the combination of both.

use std::fmt;
use std::str::FromStr;

use crate::{Arn, ParseError};

/// A twelve-digit AWS account id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId([u8; 12]);

impl AccountId {
    /// The account of a new strongroom unless the builder sets one: `000000000000`.
    pub const DEFAULT: Self = Self(*b"000000000000");

    /// Parses exactly twelve ASCII digits.
    ///
    /// # Errors
    /// [`ParseError`] naming the account id when it is anything else.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        match <[u8; 12]>::try_from(text.as_bytes()) {
            Ok(digits) if digits.iter().all(u8::is_ascii_digit) => Ok(Self(digits)),
            _ => Err(ParseError::new("account id", text, "twelve digits, for example 111122223333")),
        }
    }

    /// The twelve digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII digits are accepted, so this cannot fail; the fallback keeps the crate free of
        // panics.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for AccountId {
    type Err = ParseError;

    /// As [`AccountId::parse`].
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An AWS region name such as `eu-central-1`: `([a-z]+-)+` and digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(String);

impl Region {
    /// The longest region name accepted, in bytes.
    pub const MAX_LEN: usize = 64;

    /// Parses a region name.
    ///
    /// # Errors
    /// [`ParseError`] when it does not match `([a-z]+-)+\d+` or is longer than [`Region::MAX_LEN`].
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let valid = text.len() <= Self::MAX_LEN
            && text.rsplit_once('-').is_some_and(|(words, number)| {
                !number.is_empty()
                    && number.bytes().all(|b| b.is_ascii_digit())
                    && words
                        .split('-')
                        .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
            });
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseError::new("region", text, "a name such as us-east-1"))
        }
    }

    /// The region's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition an ARN of this region carries: `aws`, `aws-cn` or `aws-us-gov`.
    #[must_use]
    pub fn partition(&self) -> &'static str {
        if self.0.starts_with("cn-") {
            "aws-cn"
        } else if self.0.starts_with("us-gov-") {
            "aws-us-gov"
        } else {
            "aws"
        }
    }
}

impl Default for Region {
    /// The region of a new strongroom unless the builder sets one: `us-east-1`.
    fn default() -> Self {
        Self("us-east-1".to_owned())
    }
}

impl FromStr for Region {
    type Err = ParseError;

    /// As [`Region::parse`].
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One account in one region: the space in which names are unique.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Realm {
    account: AccountId,
    region: Region,
}

impl Realm {
    /// Puts an account and a region together.
    #[must_use]
    pub fn new(account: AccountId, region: Region) -> Self {
        Self { account, region }
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The region.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The ARN of `resource` of `service` in this realm.
    #[must_use]
    pub fn arn(&self, service: &str, resource: &str) -> Arn {
        Arn::new(self.region.partition(), service, self.region.as_str(), self.account.as_str(), resource)
    }

    /// The ARN of `resource` of a service that has no regions, such as `iam`.
    #[must_use]
    pub fn global_arn(&self, service: &str, resource: &str) -> Arn {
        Arn::new(self.region.partition(), service, "", self.account.as_str(), resource)
    }
}

impl Default for Realm {
    /// Account `000000000000` in `us-east-1`.
    fn default() -> Self {
        Self::new(AccountId::DEFAULT, Region::default())
    }
}

impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_words_and_a_number() {
        for good in ["us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-12"] {
            assert_eq!(Region::parse(good).unwrap().as_str(), good);
        }
        for bad in
            ["", "us", "us-east", "us-east-", "-1", "us--east-1", "US-east-1", "us-east-1a", "us_east-1"]
        {
            assert!(Region::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_account_is_twelve_digits() {
        assert_eq!(AccountId::parse("111122223333").unwrap().to_string(), "111122223333");
        for bad in ["", "11112222333", "1111222233334", "11112222333x", "११११११११११११"]
        {
            assert!(AccountId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn accounts_regions_and_arns_are_parsed_from_text() {
        let realm = Realm::new("111122223333".parse().unwrap(), "eu-central-1".parse().unwrap());
        assert_eq!(realm.arn("kms", "key/x").to_string().parse(), Ok(realm.arn("kms", "key/x")));
        let refused = "Frankfurt".parse::<Region>().unwrap_err();
        assert_eq!(
            refused.to_string(),
            r#""Frankfurt" is not a valid region: expected a name such as us-east-1"#
        );
    }

    #[test]
    fn the_partition_follows_the_region() {
        let arn = |region| {
            Realm::new(AccountId::DEFAULT, Region::parse(region).unwrap()).arn("kms", "key/x").to_string()
        };
        assert!(arn("cn-north-1").starts_with("arn:aws-cn:kms:cn-north-1:"));
        assert!(arn("us-gov-west-1").starts_with("arn:aws-us-gov:"));
        assert!(arn("eu-west-1").starts_with("arn:aws:"));
    }
}
