//! Types of condition values: numbers, dates, addresses, ARNs.

use std::cmp::Ordering;
use std::net::IpAddr;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::Context;
use crate::pattern::{Pattern, Reading, Unresolved};

/// An exact decimal number of any length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    /// Without leading zeros.
    whole: String,
    /// Without trailing zeros.
    fraction: String,
}

impl Decimal {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let good = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || !good(whole)
            || !good(fraction)
            || (digits.contains('.') && fraction.is_empty())
        {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        // Negative zero equals zero.
        let negative = negative && !(whole.is_empty() && fraction.is_empty());
        Some(Self { negative, whole: whole.to_owned(), fraction: fraction.to_owned() })
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let size = |one: &Self, two: &Self| {
            one.whole
                .len()
                .cmp(&two.whole.len())
                .then_with(|| one.whole.cmp(&two.whole))
                .then_with(|| one.fraction.cmp(&two.fraction))
        };
        match (self.negative, other.negative) {
            (false, false) => size(self, other),
            (true, true) => size(other, self),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Parses a time into nanoseconds since 1970: one of the forms of
/// <https://www.w3.org/TR/NOTE-datetime>, or seconds since 1970. A form without month, day or time
/// means its beginning; one without offset is in UTC.
///
/// Four digits are a year, as in that note, and not a number of seconds since 1970.
pub(crate) fn moment(text: &str) -> Option<i128> {
    if let Some(date) = day(text) {
        return Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_nanosecond());
    }
    if let Some(seconds) = Decimal::parse(text) {
        let whole: i128 = if seconds.whole.is_empty() { 0 } else { seconds.whole.parse().ok()? };
        let nanos: i128 = format!("{:0<9.9}", seconds.fraction).parse().ok()?;
        let size = whole.checked_mul(1_000_000_000)?.checked_add(nanos)?;
        return Some(if seconds.negative { -size } else { size });
    }
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(moment.as_nanosecond());
    }
    // Only a time can follow the day: with an offset it would have parsed above.
    let (date, time) = text.split_once('T')?;
    let plain = |byte: u8| byte.is_ascii_digit() || b":.".contains(&byte);
    if !time.bytes().all(plain) || !time.contains(':') {
        return None;
    }
    let time: Time = time.parse().ok()?;
    let date = day(date).filter(|_| date.len() == 10)?;
    Some(date.to_datetime(time).to_zoned(TimeZone::UTC).ok()?.timestamp().as_nanosecond())
}

/// The first day of `2026`, `2026-01` or `2026-01-31`.
fn day(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let mut number = |digits: usize| match parts.next() {
        None => Some(None),
        Some(part) if part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit()) => {
            part.parse::<i16>().ok().map(Some)
        }
        Some(_) => None,
    };
    let year = number(4)??;
    let (month, day) = (number(2)?, number(2)?);
    if parts.next().is_some() {
        return None;
    }
    let small = |number: Option<i16>| i8::try_from(number.unwrap_or(1)).ok();
    Date::new(year, small(month)?, small(day)?).ok()
}

/// An address range: `10.0.0.0/8`, `2001:db8::/32`, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok()?,
            Some(_) => return None,
        };
        (bits <= most).then_some(Self { address, bits })
    }

    /// Whether the range is so large that it does not restrict access: two halves cover everything.
    /// The bounds are those by which AWS considers a bucket policy public.
    pub(crate) fn is_broad(self) -> bool {
        self.bits < if self.address.is_ipv4() { 8 } else { 32 }
    }

    pub(crate) fn contains(self, address: IpAddr) -> bool {
        // Compare the upper `bits`. A shift by the whole width yields zero.
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let head = |address: u32| address.checked_shr(32 - self.bits).unwrap_or(0);
                head(own.to_bits()) == head(other.to_bits())
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let head = |address: u128| address.checked_shr(128 - self.bits).unwrap_or(0);
                head(own.to_bits()) == head(other.to_bits())
            }
            _ => false,
        }
    }
}

/// An ARN with wildcards: six components compared one by one, of which only the last may hold
/// colons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ArnPattern {
    /// `*`.
    Everything,
    Components(Box<[Pattern; 6]>),
    /// It has six components only after its variables are replaced, such as
    /// `${aws:PrincipalTag/secret}`.
    Whole(Pattern),
    /// It does not have six components, so it is not an ARN and matches none.
    Nothing,
}

impl ArnPattern {
    pub(crate) fn parse(text: &str, variables: bool) -> Result<Self, String> {
        let reading = Reading { wildcards: true, variables };
        if text == "*" {
            return Ok(Self::Everything);
        }
        // A colon within `${...}` is part of a name.
        let (mut components, mut start, mut inside) = (Vec::with_capacity(6), 0, false);
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                b'{' if variables && text[..at].ends_with('$') => inside = true,
                b'}' => inside = false,
                b':' if !inside && components.len() < 5 => {
                    components.push(Pattern::parse(&text[start..at], reading)?);
                    start = at + 1;
                }
                _ => {}
            }
        }
        components.push(Pattern::parse(&text[start..], reading)?);
        Ok(match <[Pattern; 6]>::try_from(components) {
            Ok(components) => Self::Components(Box::new(components)),
            Err(_) => {
                let whole = Pattern::parse(text, reading)?;
                if whole.has_variables() { Self::Whole(whole) } else { Self::Nothing }
            }
        })
    }

    fn patterns(&self) -> &[Pattern] {
        match self {
            Self::Components(patterns) => patterns.as_slice(),
            Self::Whole(pattern) => std::slice::from_ref(pattern),
            _ => &[],
        }
    }

    /// The keys of its variables, in lower case.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.patterns().iter().flat_map(Pattern::variables)
    }

    /// Whether one of its variables has neither a value nor a default.
    pub(crate) fn is_unresolved(&self, context: &Context) -> bool {
        self.patterns().iter().any(|pattern| pattern.is_unresolved(context))
    }

    /// Whether one of its variables has no default.
    pub(crate) fn may_be_unresolved(&self) -> bool {
        self.patterns().iter().any(Pattern::may_be_unresolved)
    }

    pub(crate) fn matches(&self, arn: &str, context: &Context) -> Result<bool, Unresolved> {
        match self {
            Self::Everything => Ok(true),
            Self::Nothing => Ok(false),
            Self::Whole(pattern) => pattern.matches_components(arn, context),
            Self::Components(patterns) => {
                let mut components = arn.splitn(6, ':');
                for pattern in patterns.iter() {
                    match components.next() {
                        Some(component) if pattern.matches(component, context)? => {}
                        _ => return Ok(false),
                    }
                }
                Ok(true)
            }
        }
    }

    pub(crate) fn is_fixed(&self) -> bool {
        matches!(self, Self::Components(patterns) if patterns.iter().all(Pattern::is_fixed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_exactly() {
        let compare = |a: &str, b: &str| Decimal::parse(a).unwrap().cmp(&Decimal::parse(b).unwrap());
        assert_eq!(compare("7", "7.0"), Ordering::Equal);
        assert_eq!(compare("-0", "0"), Ordering::Equal);
        assert_eq!(compare("9007199254740993", "9007199254740992"), Ordering::Greater);
        assert_eq!(compare("-10", "-9"), Ordering::Less);
        assert_eq!(compare("0.15", "0.2"), Ordering::Less);
        assert_eq!(compare("-1", "0.1"), Ordering::Less);
        for bad in ["", ".5", "5.", "1e3", "0x1", "1 ", "--1", "\u{661}"] {
            assert_eq!(Decimal::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn moments() {
        let second = |seconds: i128| Some(seconds * 1_000_000_000);
        assert_eq!(moment("1970-01-02"), second(86_400));
        assert_eq!(moment("1970-01-01T01:00:00+01:00"), second(0));
        assert_eq!(moment("1970-01-01T00:00:01Z"), second(1));
        assert_eq!(moment("86400"), second(86_400));
        assert_eq!(moment("0.5"), Some(500_000_000));
        assert_eq!(moment("-1"), second(-1));
        for bad in [
            "",
            "tomorrow",
            "1970-13-01",
            "1970-00",
            "1970-1",
            "1970-01-01T",
            "1970-01-01T00",
            "1970-01-01 00:00",
        ] {
            assert_eq!(moment(bad), None, "{bad}");
        }
        for bad in
            ["1970-01T00:00Z", "1970T00:00", "1970-01-01T00:00+", "1970-01-01T25:00", "1970-01-01T00:00z0"]
        {
            assert_eq!(moment(bad), None, "{bad}");
        }
        // The fifth digit makes it seconds.
        assert_eq!(moment("01970"), second(1970));
    }

    /// Of the profile of ISO 8601 that the IAM User Guide refers to.
    #[test]
    fn moments_in_each_form_of_the_w3c_note() {
        let new_year = Some(1_767_225_600_000_000_000);
        for text in [
            "2026",
            "2026-01",
            "2026-01-01",
            "2026-01-01T00:00",
            "2026-01-01T00:00Z",
            "2026-01-01T01:00+01:00",
            "2025-12-31T19:00-05:00",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00Z",
            "2025-12-31T18:30:00-05:30",
            "2026-01-01T00:00:00.0",
            "2026-01-01T00:00:00.000Z",
            "2026-01-01T01:00:00.000000+01:00",
            "1767225600",
            "1767225600.0",
        ] {
            assert_eq!(moment(text), new_year, "{text}");
        }
        let half = new_year.map(|nanos| nanos + 500_000_000);
        for text in [
            "2026-01-01T00:00:00.5",
            "2026-01-01T00:00:00.5Z",
            "2026-01-01T02:00:00.50+02:00",
            "1767225600.5",
        ] {
            assert_eq!(moment(text), half, "{text}");
        }
    }

    #[test]
    fn networks() {
        let within = |network: &str, address: &str| {
            Network::parse(network).unwrap().contains(address.parse().unwrap())
        };
        assert!(within("10.0.0.0/8", "10.255.0.1") && !within("10.0.0.0/8", "11.0.0.1"));
        assert!(within("0.0.0.0/0", "1.2.3.4") && !within("0.0.0.0/0", "::1"));
        assert!(within("192.0.2.7", "192.0.2.7") && !within("192.0.2.7", "192.0.2.8"));
        assert!(within("2001:db8::/32", "2001:db8:1::1") && within("::/0", "2001::1"));
        for bad in ["10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/+8", "x"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn arns_component_by_component() {
        let context = Context::new().with("aws:username", "alice");
        let like = |pattern: &str, arn: &str| {
            ArnPattern::parse(pattern, true).unwrap().matches(arn, &context).unwrap()
        };
        assert!(like("arn:aws:iam::*:role/a*", "arn:aws:iam::1:role/abc"));
        assert!(!like("arn:aws:*:role/a", "arn:aws:iam::1:role/a"), "a run stays within its component");
        assert!(like("arn:aws:secretsmanager:*:*:secret:*", "arn:aws:secretsmanager:r:1:secret:a:b"));
        assert!(like("arn:aws:iam::1:user/${aws:username}", "arn:aws:iam::1:user/alice"));
        assert!(like("*", "arn:aws:iam::1:user/alice") && !like("arn:aws:iam", "arn:aws:iam"));
    }
}
