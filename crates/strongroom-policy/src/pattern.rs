//! Patterns with wildcards and policy variables.

use std::fmt;

use crate::Context;

/// A text of a policy: plain, with wildcards (`*` for any characters, `?` for one), or with
/// variables (`${aws:username}`).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    text: Box<str>,
    parts: Vec<Part>,
    variables: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    One,
    Run,
    Variable { key: String, default: Option<String> },
}

/// A part after variables are replaced.
#[derive(Clone, Copy)]
enum Piece<'a> {
    Text(&'a str),
    One,
    Run,
}

/// The maximum length of a pattern with wildcards, in bytes. It equals that of an ARN and bounds
/// the cost of a comparison.
const MAX_LEN: usize = 2048;

/// How a text is parsed.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) wildcards: bool,
    pub(crate) variables: bool,
}

/// A variable of the pattern has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unresolved;

impl Pattern {
    /// Parses a text. The error is the reason.
    pub(crate) fn parse(text: &str, reading: Reading) -> Result<Self, String> {
        if reading.wildcards && text.len() > MAX_LEN && text.contains(['*', '?']) {
            return Err(format!("a pattern has at most {MAX_LEN} bytes"));
        }
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let after = &rest[next.len_utf8()..];
            let special = match next {
                '*' if reading.wildcards => Some(Part::Run),
                '?' if reading.wildcards => Some(Part::One),
                '$' if reading.variables && after.starts_with('{') => {
                    let inner = &after[1..];
                    let end = inner.find('}').ok_or("a variable that begins with ${ does not end with }")?;
                    rest = &inner[end + 1..];
                    match &inner[..end] {
                        escaped @ ("*" | "?" | "$") => plain.push_str(escaped),
                        name => {
                            flush(&mut plain, &mut parts);
                            parts.push(variable(name)?);
                        }
                    }
                    continue;
                }
                _ => None,
            };
            match special {
                Some(part) => {
                    flush(&mut plain, &mut parts);
                    // Consecutive runs are one.
                    if part != Part::Run || parts.last() != Some(&Part::Run) {
                        parts.push(part);
                    }
                }
                None => plain.push(next),
            }
            rest = after;
        }
        flush(&mut plain, &mut parts);
        let variables = parts.iter().any(|part| matches!(part, Part::Variable { .. }));
        Ok(Self { text: text.into(), parts, variables })
    }

    /// Sets the text as written in the policy, which does not affect comparisons.
    pub(crate) fn written(mut self, text: &str) -> Self {
        self.text = text.into();
        self
    }

    /// The text as written in the policy.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it matches one fixed text: it has no wildcard and no variable.
    pub(crate) fn is_fixed(&self) -> bool {
        !self.text.contains(['*', '?']) && !self.variables
    }

    /// The keys of its variables, in lower case.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable { key, .. } => Some(key.as_str()),
            _ => None,
        })
    }

    /// Whether `text` matches.
    pub(crate) fn matches(&self, text: &str, context: &Context) -> Result<bool, Unresolved> {
        if !self.variables {
            return Ok(self.matches_plain(text));
        }
        Ok(glob(&self.resolved(context)?, |piece| *piece, text))
    }

    /// Whether `arn` matches component by component. The pattern is split after its variables are
    /// replaced, because their values can contain colons.
    pub(crate) fn matches_components(&self, arn: &str, context: &Context) -> Result<bool, Unresolved> {
        let mut components: [Vec<Piece<'_>>; 6] = Default::default();
        let mut at = 0;
        for piece in self.resolved(context)? {
            let Piece::Text(mut text) = piece else {
                components[at].push(piece);
                continue;
            };
            while at < 5
                && let Some((before, after)) = text.split_once(':')
            {
                components[at].push(Piece::Text(before));
                at += 1;
                text = after;
            }
            components[at].push(Piece::Text(text));
        }
        let given: Vec<&str> = arn.splitn(6, ':').collect();
        let mut both = components.iter().zip(&given);
        Ok(at == 5 && given.len() == 6 && both.all(|(own, given)| glob(own, |piece| *piece, given)))
    }

    fn resolved<'a>(&'a self, context: &'a Context) -> Result<Vec<Piece<'a>>, Unresolved> {
        self.parts.iter().map(|part| piece(part, context)).collect()
    }

    pub(crate) fn has_variables(&self) -> bool {
        self.variables
    }

    /// Whether one of its variables has neither a value nor a default.
    pub(crate) fn is_unresolved(&self, context: &Context) -> bool {
        self.variables && self.parts.iter().any(|part| piece(part, context).is_err())
    }

    /// Whether one of its variables has no default.
    pub(crate) fn may_be_unresolved(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Variable { default: None, .. }))
    }

    /// Like [`Pattern::matches`], for a pattern that was parsed without variables.
    pub(crate) fn matches_plain(&self, text: &str) -> bool {
        match self.parts.as_slice() {
            [] => text.is_empty(),
            [Part::Run] => true,
            [Part::Text(only)] => only == text,
            [Part::Text(start), Part::Run] => text.starts_with(start.as_str()),
            parts => glob(
                parts,
                |part| match part {
                    Part::Text(text) => Piece::Text(text),
                    Part::One => Piece::One,
                    // The pattern was parsed without variables.
                    Part::Run | Part::Variable { .. } => Piece::Run,
                },
                text,
            ),
        }
    }

    /// Whether `text` is equal, ignoring case. Wildcards are plain characters here.
    pub(crate) fn equals_folded(&self, text: &str, context: &Context) -> Result<bool, Unresolved> {
        let mut own = String::new();
        for part in &self.parts {
            if let Piece::Text(text) = piece(part, context)? {
                own.push_str(text);
            }
        }
        let fold = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<String>();
        Ok(fold(&own) == fold(text))
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn flush(plain: &mut String, parts: &mut Vec<Part>) {
    if !plain.is_empty() {
        parts.push(Part::Text(std::mem::take(plain)));
    }
}

/// Parses `aws:username`, or a variable with a default: `aws:PrincipalTag/team, 'none'`.
fn variable(inner: &str) -> Result<Part, String> {
    let (key, default) = match inner.split_once(',') {
        None => (inner.trim(), None),
        Some((key, default)) => {
            let quoted = default.trim().strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
            let default = quoted.ok_or("the default of a variable must stand in single quotes")?;
            (key.trim(), Some(default.to_owned()))
        }
    };
    if key.is_empty() {
        return Err("a variable has no name".to_owned());
    }
    Ok(Part::Variable { key: key.to_ascii_lowercase(), default })
}

fn piece<'a>(part: &'a Part, context: &'a Context) -> Result<Piece<'a>, Unresolved> {
    Ok(match part {
        Part::Text(text) => Piece::Text(text),
        Part::One => Piece::One,
        Part::Run => Piece::Run,
        Part::Variable { key, default } => {
            Piece::Text(context.single_folded(key).or(default.as_deref()).ok_or(Unresolved)?)
        }
    })
}

/// Whether the parts match the whole text. Backtracking only to the last run suffices, so the work
/// is bounded by the product of both lengths.
fn glob<'p, 'a, T>(parts: &'p [T], piece: impl Fn(&'p T) -> Piece<'a>, text: &str) -> bool {
    let bytes = text.as_bytes();
    let width = |at: usize| text[at..].chars().next().map(char::len_utf8);
    // The earliest position of the part after a run.
    let begin = |part: usize, at: usize| match parts.get(part).map(&piece) {
        Some(Piece::Text(own)) => find(bytes, at, own.as_bytes()),
        _ => Some(at),
    };
    let (mut part, mut at) = (0, 0);
    // The part after the last run, and the position where it was tried.
    let mut back: Option<(usize, usize)> = None;
    loop {
        let go_on = match parts.get(part).map(&piece) {
            None if at == bytes.len() => return true,
            None => None,
            Some(Piece::Run) => {
                if part + 1 == parts.len() {
                    return true;
                }
                let Some(start) = begin(part + 1, at) else { return false };
                back = Some((part + 1, start));
                Some(start - at)
            }
            Some(Piece::One) => width(at),
            Some(Piece::Text(own)) => bytes[at..].starts_with(own.as_bytes()).then_some(own.len()),
        };
        if let Some(wide) = go_on {
            (part, at) = (part + 1, at + wide);
            continue;
        }
        let Some((behind, from)) = back else { return false };
        let Some(start) = width(from).and_then(|wide| begin(behind, from + wide)) else { return false };
        back = Some((behind, start));
        (part, at) = (behind, start);
    }
}

/// The first position of `wanted` in `bytes` from `at` on. Both are UTF-8, so the position is a
/// character boundary.
fn find(bytes: &[u8], mut at: usize, wanted: &[u8]) -> Option<usize> {
    let Some(first) = wanted.first() else { return Some(at) };
    loop {
        at += bytes.get(at..)?.iter().position(|byte| byte == first)?;
        if bytes[at..].starts_with(wanted) {
            return Some(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WILD: Reading = Reading { wildcards: true, variables: false };
    const FULL: Reading = Reading { wildcards: true, variables: true };

    #[test]
    fn wildcards() {
        for (pattern, text, expected) in [
            ("a:*", "a:b", true),
            ("*", "", true),
            ("**", "x", true),
            ("a?c", "abc", true),
            ("a?c", "a\u{e9}c", true),
            ("a?c", "ac", false),
            ("a*c*e", "abcde", true),
            ("a*c", "abcd", false),
            ("a*c", "abcc", true),
            ("*ab", "aab", true),
            ("*ab?", "ababx", true),
            ("", "a", false),
            ("", "", true),
            ("a**", "a", true),
            ("???", "ab", false),
            ("*a?", "aaa", true),
            ("*\u{e9}*x", "e\u{e8}\u{e9}ax", true),
            ("*b*b", "abab", true),
            ("*b*b", "ab", false),
            ("*?b", "bb", true),
            ("a$b{", "a$b{", true),
        ] {
            assert_eq!(
                Pattern::parse(pattern, WILD).unwrap().matches_plain(text),
                expected,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn variables_are_literal_text_once_resolved() {
        let context = Context::new().with("aws:UserName", "a*").with("aws:PrincipalTag/Team", "red");
        let matches =
            |pattern: &str, text: &str| Pattern::parse(pattern, FULL).unwrap().matches(text, &context);
        assert_eq!(matches("${aws:username}/?", "a*/x"), Ok(true));
        assert_eq!(matches("${aws:username}/?", "ab/x"), Ok(false));
        assert_eq!(matches("${aws:PrincipalTag/team}-*", "red-1"), Ok(true));
        assert_eq!(matches("${aws:PrincipalTag/none, 'blue'}", "blue"), Ok(true));
        assert_eq!(matches("${aws:PrincipalTag/none}", ""), Err(Unresolved));
        assert_eq!(matches("${*}${?}${$}*", "*?$x"), Ok(true));
        assert_eq!(matches("${*}", "x"), Ok(false));
        for bad in ["${aws:username", "${}", "${a, none}", "${, 'x'}"] {
            assert!(Pattern::parse(bad, FULL).is_err(), "{bad}");
        }
    }

    #[test]
    fn patterns_that_take_long_elsewhere() {
        let pattern = Pattern::parse(&"*a".repeat(500), WILD).unwrap();
        assert!(!pattern.matches_plain(&"a".repeat(499)));
        assert!(pattern.matches_plain(&"a".repeat(5000)));
    }
}
