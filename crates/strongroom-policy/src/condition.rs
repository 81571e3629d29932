//! Conditions: one operator, one key, some values.

use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Context;
use crate::context::Values;
use crate::pattern::{Pattern, Reading};
use crate::value::{ArnPattern, Decimal, Network, moment};

/// A condition of a statement: an operator over one key.
#[derive(Clone, PartialEq, Eq)]
pub struct Condition {
    operator: Operator,
    key: String,
    /// In lower case.
    folded: String,
    test: Test,
    /// As written in the document.
    values: Vec<String>,
}

/// An operator with its prefix and suffix.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Operator {
    /// As written in the document.
    name: String,
    quantifier: Option<Quantifier>,
    if_exists: bool,
    negated: bool,
}

/// How an operator treats a key of several values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quantifier {
    /// `ForAllValues:`, which also holds if there is no value.
    ForAllValues,
    /// `ForAnyValue:`
    ForAnyValue,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Text(Vec<Pattern>),
    Folded(Vec<Pattern>),
    Arn(Vec<ArnPattern>),
    Number(Vec<Decimal>, Comparison),
    Moment(Vec<i128>, Comparison),
    Bool(Vec<bool>),
    Binary(Vec<Vec<u8>>),
    Address(Vec<Network>),
    Missing(Vec<bool>),
}

/// How the request's value is compared with the policy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// Why a condition does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Miss {
    /// The request has no such key.
    KeyMissing,
    /// The request has the key, but must not have it.
    KeyPresent,
    /// The values do not match.
    Differs,
    /// A variable in the policy's value has no value.
    Unresolved,
}

/// The names of the operators, without prefix and suffix.
pub(crate) const OPERATORS: [&str; 27] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "ArnEquals",
    "ArnNotEquals",
    "ArnLike",
    "ArnNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "Null",
];

impl Condition {
    /// Parses a condition. `variables` says whether the document's version has policy variables.
    pub(crate) fn parse(name: &str, key: &str, values: Vec<String>, variables: bool) -> Result<Self, String> {
        let (quantifier, rest) = match name.split_once(':') {
            None => (None, name),
            Some(("ForAllValues", rest)) => (Some(Quantifier::ForAllValues), rest),
            Some(("ForAnyValue", rest)) => (Some(Quantifier::ForAnyValue), rest),
            Some(_) => return Err("only ForAllValues: and ForAnyValue: may stand before an operator".into()),
        };
        let (base, if_exists) = match rest.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (rest, false),
        };
        if base == "Null" && (if_exists || quantifier.is_some()) {
            return Err("Null takes neither IfExists nor ForAllValues: nor ForAnyValue:".into());
        }
        if key.trim().is_empty() {
            return Err("the name of a condition key is missing".into());
        }
        let (test, negated) = Test::parse(base, &values, variables)?;
        let operator = Operator { name: name.to_owned(), quantifier, if_exists, negated };
        Ok(Self { operator, key: key.to_owned(), folded: key.to_ascii_lowercase(), test, values })
    }

    /// The operator as written in the document: `ForAnyValue:StringLikeIfExists`.
    #[must_use]
    pub fn operator(&self) -> &str {
        &self.operator.name
    }

    /// The set operator, if any.
    #[must_use]
    pub fn quantifier(&self) -> Option<Quantifier> {
        self.operator.quantifier
    }

    pub(crate) fn is_negated(&self) -> bool {
        self.operator.negated
    }

    /// The key as written in the document: `aws:SourceIp`. Keys are compared ignoring case.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The values as written in the document.
    #[must_use]
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// Whether it holds only if the key is present and has one of the fixed values in the policy:
    /// texts or ARNs without wildcards and variables, or addresses.
    #[must_use]
    pub fn is_tied(&self) -> bool {
        let fixed = match &self.test {
            Test::Text(values) | Test::Folded(values) => {
                values.iter().all(|value| value.is_fixed() && !value.text().is_empty())
            }
            Test::Arn(values) => values.iter().all(ArnPattern::is_fixed),
            Test::Address(values) => values.iter().all(|network| !network.is_broad()),
            _ => false,
        };
        let needs_key = !self.operator.if_exists
            && !self.operator.negated
            && self.operator.quantifier != Some(Quantifier::ForAllValues);
        fixed && needs_key
    }

    /// Formats operator, key and values in one line.
    pub(crate) fn to_text(&self) -> String {
        format!("{} {} {}", self.operator.name, self.key, self.values.join(", "))
    }

    /// The keys it depends on, in lower case: its own, and those of variables in its values.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        let texts: Box<dyn Iterator<Item = &str>> = match &self.test {
            Test::Text(patterns) | Test::Folded(patterns) => {
                Box::new(patterns.iter().flat_map(Pattern::variables))
            }
            Test::Arn(patterns) => Box::new(patterns.iter().flat_map(ArnPattern::variables)),
            _ => Box::new(std::iter::empty()),
        };
        texts.chain([self.folded.as_str()])
    }

    /// Whether a variable in one of its values has no value in the request.
    pub(crate) fn is_unresolved(&self, context: &Context) -> bool {
        match &self.test {
            Test::Text(patterns) | Test::Folded(patterns) => {
                patterns.iter().any(|one| one.is_unresolved(context))
            }
            Test::Arn(patterns) => patterns.iter().any(|one| one.is_unresolved(context)),
            _ => false,
        }
    }

    /// Whether its values are compared with variables that may have no value: a variable without a
    /// default.
    pub(crate) fn may_be_unresolved(&self) -> bool {
        match &self.test {
            Test::Text(patterns) | Test::Folded(patterns) => patterns.iter().any(Pattern::may_be_unresolved),
            Test::Arn(patterns) => patterns.iter().any(ArnPattern::may_be_unresolved),
            _ => false,
        }
    }

    /// Whether it holds.
    pub(crate) fn check(&self, context: &Context) -> Result<(), Miss> {
        let found = context.folded(&self.folded).filter(|values| !values.as_slice().is_empty());
        if let Test::Missing(wanted) = &self.test {
            return match (wanted.contains(&found.is_none()), found) {
                (true, _) => Ok(()),
                (false, Some(_)) => Err(Miss::KeyPresent),
                (false, None) => Err(Miss::KeyMissing),
            };
        }
        let Operator { quantifier, if_exists, negated, .. } = self.operator;
        let Some(found) = found else {
            let holds = match quantifier {
                Some(Quantifier::ForAllValues) => true,
                Some(Quantifier::ForAnyValue) => if_exists,
                None => if_exists || negated,
            };
            return if holds { Ok(()) } else { Err(Miss::KeyMissing) };
        };
        let all = match quantifier {
            Some(Quantifier::ForAllValues) => true,
            Some(Quantifier::ForAnyValue) => false,
            // With a plain operator on a multivalued key, one matching value suffices; under
            // negation, no value may match.
            None => negated,
        };
        let meets = |value: &String| self.test.matches(value, context) != negated;
        let holds = match found {
            Values::One(value) => meets(value),
            Values::Many(values) if all => values.iter().all(meets),
            Values::Many(values) => values.iter().any(meets),
        };
        match holds {
            true => Ok(()),
            // A negated operator fails because the value is among those of the policy.
            false if !negated && self.is_unresolved(context) => Err(Miss::Unresolved),
            false => Err(Miss::Differs),
        }
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:?}", self.operator.name, self.key, self.values)
    }
}

impl Test {
    /// The test for an operator's name, and whether it is negated.
    fn parse(name: &str, values: &[String], variables: bool) -> Result<(Self, bool), String> {
        let text = |wildcards| {
            let reading = Reading { wildcards, variables };
            values.iter().map(|value| Pattern::parse(value, reading)).collect::<Result<Vec<_>, _>>()
        };
        let arns =
            || values.iter().map(|value| ArnPattern::parse(value, variables)).collect::<Result<Vec<_>, _>>();
        let numbers = || each(values, Decimal::parse, "a decimal number");
        let moments = || {
            each(
                values,
                moment,
                "a date or time as 2026-01-31 or 2026-01-31T12:00:00Z, or seconds since 1970",
            )
        };
        let bools = || each(values, boolean, "true or false");
        let networks = || each(values, Network::parse, "an address or a network as 10.0.0.0/8");
        let binary = || each(values, |value| STANDARD.decode(value).ok(), "base64");
        Ok(match name {
            "StringEquals" => (Self::Text(text(false)?), false),
            "StringNotEquals" => (Self::Text(text(false)?), true),
            "StringEqualsIgnoreCase" => (Self::Folded(text(false)?), false),
            "StringNotEqualsIgnoreCase" => (Self::Folded(text(false)?), true),
            "StringLike" => (Self::Text(text(true)?), false),
            "StringNotLike" => (Self::Text(text(true)?), true),
            "ArnEquals" | "ArnLike" => (Self::Arn(arns()?), false),
            "ArnNotEquals" | "ArnNotLike" => (Self::Arn(arns()?), true),
            "NumericNotEquals" => (Self::Number(numbers()?, Comparison::Equal), true),
            "DateNotEquals" => (Self::Moment(moments()?, Comparison::Equal), true),
            "Bool" => (Self::Bool(bools()?), false),
            "BinaryEquals" => (Self::Binary(binary()?), false),
            "IpAddress" => (Self::Address(networks()?), false),
            "NotIpAddress" => (Self::Address(networks()?), true),
            "Null" => (Self::Missing(bools()?), false),
            _ => {
                if let Some(comparison) = name.strip_prefix("Numeric").and_then(comparison) {
                    (Self::Number(numbers()?, comparison), false)
                } else if let Some(comparison) = name.strip_prefix("Date").and_then(comparison) {
                    (Self::Moment(moments()?, comparison), false)
                } else {
                    return Err("is not known".to_owned());
                }
            }
        })
    }

    /// Whether the request's value matches one of the policy's.
    ///
    /// A value of the policy with a variable that has no value never matches under an operator, and
    /// always does under its negation ("Policy variables with no value", IAM User Guide,
    /// `reference_policies_variables.html`).
    fn matches(&self, value: &str, context: &Context) -> bool {
        match self {
            Self::Text(patterns) => patterns.iter().any(|one| one.matches(value, context) == Ok(true)),
            Self::Folded(patterns) => {
                patterns.iter().any(|one| one.equals_folded(value, context) == Ok(true))
            }
            Self::Arn(patterns) => patterns.iter().any(|one| one.matches(value, context) == Ok(true)),
            Self::Number(numbers, comparison) => Decimal::parse(value)
                .is_some_and(|value| numbers.iter().any(|number| comparison.holds(value.cmp(number)))),
            Self::Moment(moments, comparison) => {
                moment(value).is_some_and(|value| moments.iter().any(|one| comparison.holds(value.cmp(one))))
            }
            Self::Bool(wanted) => boolean(value).is_some_and(|value| wanted.contains(&value)),
            Self::Binary(wanted) => STANDARD.decode(value).is_ok_and(|value| wanted.contains(&value)),
            // An IPv4-mapped IPv6 address counts as the IPv4 address.
            Self::Address(networks) => value.parse::<IpAddr>().is_ok_and(|address| {
                let address = address.to_canonical();
                networks.iter().any(|network| network.contains(address))
            }),
            // Handled before: `Null` tests the key, not its values.
            Self::Missing(_) => false,
        }
    }
}

fn comparison(name: &str) -> Option<Comparison> {
    Some(match name {
        "Equals" => Comparison::Equal,
        "LessThan" => Comparison::Less,
        "LessThanEquals" => Comparison::LessOrEqual,
        "GreaterThan" => Comparison::Greater,
        "GreaterThanEquals" => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

fn each<T>(values: &[String], read: impl Fn(&str) -> Option<T>, what: &str) -> Result<Vec<T>, String> {
    let refused = |value: &str| {
        let shown: String = value.chars().take(64).collect();
        // AWS replaces variables under these two families of operators only.
        let hint = if value.contains("${") {
            ": policy variables have their values under string and ARN operators only"
        } else {
            ""
        };
        format!("'{shown}' is not {what}{hint}")
    };
    values.iter().map(|value| read(value).ok_or_else(|| refused(value))).collect()
}
