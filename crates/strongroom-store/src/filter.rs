//! The filters of ListSecrets: which secrets a listing shows.

use std::fmt;

use crate::validate::Violations;
use crate::{Error, ErrorKind, SecretMetadata};

/// The field that a filter matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FilterKey {
    /// The words of the description.
    Description,
    /// The beginning of the name.
    Name,
    /// The beginning of any tag's key.
    TagKey,
    /// The beginning of any tag's value.
    TagValue,
    /// The beginning of the primary region; only replicated secrets have one.
    PrimaryRegion,
    /// The beginning of the owning service; only service-managed secrets have one.
    OwningService,
    /// The words of name, description, tag keys or tag values.
    All,
}

impl FilterKey {
    /// Every key, in AWS's order.
    pub const EVERY: [Self; 7] = [
        Self::Description,
        Self::Name,
        Self::TagKey,
        Self::TagValue,
        Self::PrimaryRegion,
        Self::OwningService,
        Self::All,
    ];

    /// AWS's spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Description => "description",
            Self::Name => "name",
            Self::TagKey => "tag-key",
            Self::TagValue => "tag-value",
            Self::PrimaryRegion => "primary-region",
            Self::OwningService => "owning-service",
            Self::All => "all",
        }
    }
}

impl fmt::Display for FilterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A condition on secrets: one of the values must match what the key names. A value that begins
/// with `!` matches if the rest does not. Several filters must all match.
///
/// ```
/// use strongroom_store::{Filter, FilterKey};
/// let filter = Filter::new(FilterKey::Name, ["prod/", "staging/"]);
/// assert_eq!(filter.values, ["prod/", "staging/"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Filter {
    /// The field to match.
    pub key: FilterKey,
    /// 1 to 10 values, each at most 512 characters of `A-Za-z0-9 :_@/+=.-!`.
    pub values: Vec<String>,
}

impl Filter {
    /// The maximum number of filters per request, and of values per filter.
    pub const MAX: usize = 10;
    const MAX_VALUE: usize = 512;

    /// One of these values.
    #[must_use]
    pub fn new<V: Into<String>>(key: FilterKey, values: impl IntoIterator<Item = V>) -> Self {
        Self { key, values: values.into_iter().map(Into::into).collect() }
    }

    /// Parses a filter from the texts of a request. `index` is the filter's position in the
    /// request, from 1.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] for a missing key, [`ErrorKind::Validation`] for one that
    /// AWS does not have.
    pub fn from_texts(index: usize, key: Option<&str>, values: Vec<String>) -> Result<Self, Error> {
        let text = key.ok_or_else(|| Error::new(ErrorKind::InvalidParameter, "Invalid filter key"))?;
        match FilterKey::EVERY.into_iter().find(|known| known.as_str() == text) {
            Some(key) => Ok(Self { key, values }),
            None => {
                let mut violations = Violations::new();
                let known = FilterKey::EVERY.map(FilterKey::as_str);
                violations.unknown_word(&format!("filters.{index}.member.key"), text, &known);
                violations.finish().map(|()| Self { key: FilterKey::All, values })
            }
        }
    }

    /// Whether the secret passes this filter.
    #[must_use]
    pub fn matches(&self, secret: &SecretMetadata) -> bool {
        self.values.iter().any(|value| match value.strip_prefix('!') {
            Some(rest) => !self.matches_value(secret, rest),
            None => self.matches_value(secret, value),
        })
    }

    fn matches_value(&self, secret: &SecretMetadata, value: &str) -> bool {
        let tags = secret.tags.as_deref().unwrap_or_default();
        let begins = |text: &Option<String>| text.as_ref().is_some_and(|text| text.starts_with(value));
        match self.key {
            FilterKey::Name => secret.name.starts_with(value),
            FilterKey::TagKey => tags.iter().any(|tag| tag.key.starts_with(value)),
            FilterKey::TagValue => tags.iter().any(|tag| tag.value.starts_with(value)),
            FilterKey::PrimaryRegion => begins(&secret.primary_region),
            FilterKey::OwningService => begins(&secret.owning_service),
            FilterKey::Description => secret.description.as_ref().is_some_and(|text| has_words(text, value)),
            FilterKey::All => {
                has_words(&secret.name, value)
                    || secret.description.as_ref().is_some_and(|text| has_words(text, value))
                    || tags.iter().any(|tag| has_words(&tag.key, value) || has_words(&tag.value, value))
            }
        }
    }

    /// Whether a secret with this name can match: filters of [`FilterKey::Name`] decide, all others
    /// return `true`. Saves a store from reading secrets that cannot pass.
    #[must_use]
    pub fn may_show(&self, name: &str) -> bool {
        self.key != FilterKey::Name
            || self.values.iter().any(|value| match value.strip_prefix('!') {
                Some(rest) => !name.starts_with(rest),
                None => name.starts_with(value),
            })
    }

    /// The prefixes of names that pass this filter, if it is a filter of names.
    #[must_use]
    pub fn name_prefixes(&self) -> Option<&[String]> {
        let says = self.key == FilterKey::Name && !self.values.iter().any(|value| value.starts_with('!'));
        says.then_some(self.values.as_slice())
    }

    /// Checks the filters of a request.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`] for every constraint together; [`ErrorKind::InvalidParameter`] for
    /// a filter without values.
    pub fn check(filters: &[Self], violations: &mut Violations) -> Result<(), Error> {
        violations.count("filters", filters.len(), 0, Self::MAX);
        for (index, filter) in filters.iter().enumerate() {
            if filter.values.is_empty() {
                return Err(Error::new(
                    ErrorKind::InvalidParameter,
                    format!("Invalid filter values for key: {}", filter.key),
                ));
            }
            let path = format!("filters.{}.member.values", index + 1);
            violations.count(&path, filter.values.len(), 1, Self::MAX);
            for (place, value) in filter.values.iter().enumerate() {
                let path = format!("{path}.{}.member", place + 1);
                violations.length(&path, value, 0, Self::MAX_VALUE);
                let allowed = |b: u8| b.is_ascii_alphanumeric() || b" :_@/+=.-!".contains(&b);
                if !value.bytes().all(allowed) {
                    violations.pattern(&path, value, r"^\!?[a-zA-Z0-9 :_@\/\+\=\.\-\!]*$");
                }
            }
        }
        Ok(())
    }
}

/// Whether every word of `value` begins some word of `text`, whatever the case. A value without a
/// word matches nothing.
fn has_words(text: &str, value: &str) -> bool {
    let (wanted, there) = (words(value), words(text));
    !wanted.is_empty() && wanted.iter().all(|word| there.iter().any(|known| known.starts_with(word)))
}

/// The words of a text in lower case: between white space and special characters, and within them
/// from each capital that a small letter follows.
fn words(text: &str) -> Vec<String> {
    let separates = |c: char| c.is_whitespace() || "/-_+=.@".contains(c);
    let mut words = Vec::new();
    for piece in text.split(separates) {
        let mut word = String::new();
        let mut letters = piece.chars().peekable();
        while let Some(letter) = letters.next() {
            let begins = letter.is_uppercase() && letters.peek().is_some_and(|next| next.is_lowercase());
            if begins && !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            word.extend(letter.to_lowercase());
        }
        if !word.is_empty() {
            words.push(word);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use strongroom_types::{Realm, Timestamp};

    use super::*;
    use crate::{SecretArn, Tag};

    fn secret(name: &str) -> SecretMetadata {
        let arn = SecretArn::of(&Realm::default(), name, "AbCdEf");
        SecretMetadata::new(arn, name.to_owned(), Timestamp::from_millis(0))
    }

    fn matches(secret: &SecretMetadata, key: FilterKey, values: &[&str]) -> bool {
        Filter::new(key, values.iter().copied()).matches(secret)
    }

    #[test]
    fn names_match_by_their_whole_beginning_and_case() {
        let secret = secret("Prod/db");
        for (value, expected) in [
            ("Prod", true),
            ("Prod/db", true),
            ("prod", false),
            ("db", false),
            ("Prod db", false),
            ("", true),
        ] {
            assert_eq!(matches(&secret, FilterKey::Name, &[value]), expected, "{value}");
        }
        assert!(matches(&secret, FilterKey::Name, &["x", "Prod"]), "values are alternatives");
        let may = |key, value: &str| Filter::new(key, [value]).may_show("Prod/db");
        assert!(may(FilterKey::Name, "Prod") && may(FilterKey::Name, "!x") && may(FilterKey::All, "x"));
        assert!(!may(FilterKey::Name, "x") && !may(FilterKey::Name, "!Prod"));
    }

    #[test]
    fn a_bang_shows_what_does_not_match_and_what_lacks_the_attribute() {
        let mut one = secret("one");
        assert!(!matches(&one, FilterKey::Name, &["!one"]));
        assert!(matches(&one, FilterKey::Name, &["!two"]));
        assert!(matches(&one, FilterKey::Description, &["!anything"]), "it has none");
        one.description = Some("and two".into());
        assert!(!matches(&one, FilterKey::Description, &["!two"]));
        one.tags = Some(vec![Tag::new("a", "1"), Tag::new("b", "2")]);
        assert!(!matches(&one, FilterKey::TagKey, &["!b"]), "no tag may match");
        assert!(matches(&one, FilterKey::TagKey, &["!c"]));
    }

    #[test]
    fn a_description_is_searched_by_words() {
        let mut secret = secret("s");
        secret.description = Some("One and two".into());
        for (value, expected) in [
            ("one t", true),
            ("ONE", true),
            ("tw on", true),
            ("wo", false),
            ("one three", false),
            ("-", false),
            ("", false),
        ] {
            assert_eq!(matches(&secret, FilterKey::Description, &[value]), expected, "{value}");
        }
    }

    #[test]
    fn all_searches_the_words_of_each_attribute_alone() {
        let mut secret = secret("myTestPhrase/ABCKey");
        secret.description = Some("for orders".into());
        secret.tags = Some(vec![Tag::new("team-a", "Blue.Green")]);
        for (value, expected) in [
            ("test", true),
            ("phrase", true),
            ("est", false),
            ("abc", true),
            ("key", true),
            ("orders", true),
            ("team a", true),
            ("green", true),
            ("test orders", false),
            ("/", false),
        ] {
            assert_eq!(matches(&secret, FilterKey::All, &[value]), expected, "{value}");
        }
    }

    #[test]
    fn capitals_stay_together_but_for_the_one_before_small_letters() {
        assert_eq!(words("MYTestABC fourFIVE x_y"), ["my", "testabc", "fourfive", "x", "y"]);
        assert_eq!(words("aB Bc ÄÖü"), ["ab", "bc", "ä", "öü"]);
    }

    #[test]
    fn regions_and_services_match_by_their_beginning() {
        let mut managed = secret("rds!db");
        assert!(!matches(&managed, FilterKey::OwningService, &["rds"]));
        managed.owning_service = Some("rds".into());
        managed.primary_region = Some("eu-central-1".into());
        assert!(matches(&managed, FilterKey::OwningService, &["rd"]));
        assert!(!matches(&managed, FilterKey::OwningService, &["RDS"]));
        assert!(matches(&managed, FilterKey::PrimaryRegion, &["eu-"]));
        assert!(!matches(&managed, FilterKey::PrimaryRegion, &["us-"]));
        assert!(!matches(&secret("x"), FilterKey::PrimaryRegion, &["eu-"]));
    }

    #[test]
    fn what_a_request_may_hold() {
        let check = |filters: &[Filter]| {
            let mut violations = Violations::new();
            Filter::check(filters, &mut violations)?;
            violations.finish()
        };
        let name = |values: &[&str]| Filter::new(FilterKey::Name, values.iter().copied());
        assert!(check(&vec![name(&["a"; 10]); 10]).is_ok());
        assert!(check(&[name(&["x".repeat(512).as_str()])]).is_ok());
        let text = |filters: &[Filter]| check(filters).unwrap_err().message().to_owned();
        assert!(text(&vec![name(&["a"]); 11]).contains("at 'filters' failed to satisfy constraint"));
        assert!(text(&[name(&["a"; 11])]).contains("at 'filters.1.member.values'"));
        assert!(
            text(&[name(&["a"]), name(&["x".repeat(513).as_str()])]).contains("filters.2.member.values.1")
        );
        assert!(text(&[name(&["a*"])]).contains("regular expression pattern"));
        assert_eq!(text(&[name(&[])]), "Invalid filter values for key: name");
    }

    #[test]
    fn keys_come_from_texts() {
        for key in FilterKey::EVERY {
            assert_eq!(Filter::from_texts(1, Some(key.as_str()), vec![]).unwrap().key, key);
        }
        let error = Filter::from_texts(1, None, vec![]).unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::InvalidParameter, "Invalid filter key"));
        assert_eq!(
            Filter::from_texts(2, Some("nom"), vec![]).unwrap_err().message(),
            "1 validation error detected: Value 'nom' at 'filters.2.member.key' failed to satisfy constraint: \
             Member must satisfy enum value set: [description, name, tag-key, tag-value, primary-region, owning-service, all]"
        );
    }
}
