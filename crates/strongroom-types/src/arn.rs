//! Amazon Resource Names.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::ParseError;

/// An Amazon Resource Name: `arn:partition:service:region:account:resource`, at most 2,048 bytes.
///
/// The resource can contain colons and slashes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn {
    /// Shared, because ARNs are often cloned and never changed.
    text: Arc<str>,
    /// The positions of the five separating colons.
    colons: [usize; 5],
}

impl Arn {
    /// The longest ARN accepted, in bytes.
    pub const MAX_LEN: usize = 2048;

    pub(crate) fn new(partition: &str, service: &str, region: &str, account: &str, resource: &str) -> Self {
        let text = format!("arn:{partition}:{service}:{region}:{account}:{resource}");
        let mut colons = [0; 5];
        for (slot, (at, _)) in colons.iter_mut().zip(text.match_indices(':')) {
            *slot = at;
        }
        Self { text: text.into(), colons }
    }

    /// Parses an ARN. Partition, service and resource must not be empty; region and account can be.
    ///
    /// # Errors
    /// [`ParseError`] when a part is missing or the text is too long.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let bad = || ParseError::new("ARN", text, "arn:partition:service:region:account:resource");
        if text.len() > Self::MAX_LEN || !text.starts_with("arn:") {
            return Err(bad());
        }
        let mut found = text.match_indices(':').map(|(at, _)| at);
        let mut colons = [0; 5];
        for slot in &mut colons {
            *slot = found.next().ok_or_else(bad)?;
        }
        let arn = Self { text: text.into(), colons };
        if arn.partition().is_empty() || arn.service().is_empty() || arn.resource().is_empty() {
            return Err(bad());
        }
        Ok(arn)
    }

    fn part(&self, index: usize) -> &str {
        let start = self.colons[index] + 1;
        match self.colons.get(index + 1) {
            Some(&end) => &self.text[start..end],
            None => &self.text[start..],
        }
    }

    /// The partition, for example `aws`.
    #[must_use]
    pub fn partition(&self) -> &str {
        self.part(0)
    }

    /// The service, for example `secretsmanager`.
    #[must_use]
    pub fn service(&self) -> &str {
        self.part(1)
    }

    /// The region; empty for global services.
    #[must_use]
    pub fn region(&self) -> &str {
        self.part(2)
    }

    /// The account id; empty for services without accounts.
    #[must_use]
    pub fn account(&self) -> &str {
        self.part(3)
    }

    /// Everything after the fifth colon, for example `secret:prod/db-a1B2c3`.
    #[must_use]
    pub fn resource(&self) -> &str {
        self.part(4)
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Arn {
    type Err = ParseError;

    /// As [`Arn::parse`].
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl From<Arn> for String {
    fn from(arn: Arn) -> Self {
        arn.text.as_ref().to_owned()
    }
}

impl From<&Arn> for String {
    fn from(arn: &Arn) -> Self {
        arn.text.as_ref().to_owned()
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_and_the_resource_keeps_its_colons() {
        let arn = Arn::parse("arn:aws:secretsmanager:us-east-1:000000000000:secret:a:b/c-AbCdEf").unwrap();
        assert_eq!(arn.service(), "secretsmanager");
        assert_eq!(arn.region(), "us-east-1");
        assert_eq!(arn.account(), "000000000000");
        assert_eq!(arn.resource(), "secret:a:b/c-AbCdEf");
    }

    #[test]
    fn what_is_not_an_arn_is_refused() {
        let long = format!("arn:aws:kms:us-east-1:000000000000:{}", "x".repeat(Arn::MAX_LEN));
        for bad in
            ["", "arn:", "arn:aws:kms:us-east-1:000000000000", "arn:::::", "prod/db", "arn:aws:kms:::", &long]
        {
            assert!(Arn::parse(bad).is_err(), "{bad}");
        }
    }
}
