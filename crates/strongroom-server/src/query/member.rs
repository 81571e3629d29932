//! The types and constraints of request members.

use super::form::Form;
use crate::answer::{ApiError, violation};

/// A member's type: AWS's types with their constraints, from the service models.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// 1 to this many letters, digits and `_+=,.@-`.
    Name(usize),
    /// 16 to 128 letters, digits and `_`.
    AccessKeyId,
    /// The path of a user or role.
    Path,
    /// The path of a policy.
    PolicyPath,
    /// The prefix of a path.
    PathPrefix,
    /// A policy document.
    Document,
    /// The description of a role.
    Description,
    /// A string of letters, digits and these other characters, with this minimum and maximum
    /// length.
    Text(usize, usize, &'static str),
    /// A string of at most this many characters.
    Free(usize),
    /// 20 to 2,048 characters.
    Arn,
    /// The ARN of a policy.
    PolicyArn,
    /// Where a page starts.
    Marker,
    /// `v1`, `v2` and so on.
    VersionId,
    /// An integer with this minimum and maximum.
    Number(i64, i64),
    /// `true` or `false`.
    Flag,
    /// One of these enum values.
    Word(&'static [&'static str]),
    /// A list of these enum values.
    Words(&'static [&'static str]),
    /// At most 50 tags. The directory validates each.
    Tags,
    /// At most 50 tag keys.
    TagKeys,
}

/// A member of an operation's request.
pub(super) struct Member {
    pub(super) name: &'static str,
    kind: Kind,
    required: bool,
}

/// A required member.
pub(super) const fn must(name: &'static str, kind: Kind) -> Member {
    Member { name, kind, required: true }
}

/// An optional member.
pub(super) const fn may(name: &'static str, kind: Kind) -> Member {
    Member { name, kind, required: false }
}

pub(super) fn validation(text: impl Into<String>) -> ApiError {
    ApiError::new("ValidationError", text)
}

fn constraint(value: &str, member: &str, constraint: &str) -> ApiError {
    validation(violation(value, member, constraint))
}

fn invalid(member: &str, must: &str) -> ApiError {
    validation(format!("The specified value for {member} is invalid. It must {must}"))
}

fn length(member: &str, text: &str, least: usize, most: usize) -> Result<(), ApiError> {
    let length = text.chars().count();
    if length < least {
        let bound = format!("have length greater than or equal to {least}");
        return Err(constraint("", member, &bound));
    }
    if length > most {
        return Err(constraint("", member, &format!("have length less than or equal to {most}")));
    }
    Ok(())
}

fn lettered(text: &str, others: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

/// Whether a text contains only tabs, line feeds, carriage returns and U+0020 to U+00FF.
fn latin(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}'))
}

const PATH: &str = "begin and end with / and contain only alphanumeric characters and/or / characters.";
const PREFIX: &str =
    "begin with the / character and contain only alphanumeric characters and/or / characters.";
const POLICY_PATH: &str = r"satisfy regular expression pattern: ((/[A-Za-z0-9\.,\+@=_-]+)*)/";
const DESCRIPTION: &str =
    r"satisfy regular expression pattern: [\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*";
const VERSION: &str = r"satisfy regular expression pattern: v[1-9][0-9]*(\.[A-Za-z0-9-]*)?";

fn leads_elsewhere(path: &str) -> bool {
    path.split('/').any(|segment| matches!(segment, "." | ".."))
}

fn is_path(path: &str) -> bool {
    let framed = path == "/" || (path.len() > 2 && path.starts_with('/') && path.ends_with('/'));
    framed && path.chars().all(|c| matches!(c, '!'..='~')) && !leads_elsewhere(path)
}

fn is_policy_path(path: &str) -> bool {
    let segments = path.strip_prefix('/').and_then(|path| path.strip_suffix('/'));
    let segments =
        segments.map(|inner| inner.split('/').all(|one| !one.is_empty() && lettered(one, ".,+@=_-")));
    path == "/" || (segments == Some(true) && !leads_elsewhere(path))
}

fn is_version(text: &str) -> bool {
    let number = text.strip_prefix('v').unwrap_or_default();
    let (number, suffix) = number.split_once('.').unwrap_or((number, ""));
    !number.starts_with('0')
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && lettered(suffix, "-")
}

impl Member {
    /// Whether a name in a form is this member's or, for a list, that of one of its parts.
    pub(super) fn takes(&self, name: &str) -> bool {
        let parts = matches!(self.kind, Kind::Tags | Kind::TagKeys | Kind::Words(_));
        match name.strip_prefix(self.name) {
            Some("") => true,
            Some(rest) => parts && rest.starts_with('.'),
            None => false,
        }
    }

    /// The name in error messages, such as `userName`.
    fn label(&self) -> String {
        let mut label = self.name.to_owned();
        label[..1].make_ascii_lowercase();
        label
    }

    pub(super) fn check(&self, form: &Form) -> Result<(), ApiError> {
        let label = self.label();
        let list = match self.kind {
            Kind::Tags => Some(form.tags(self.name)?.len()),
            Kind::TagKeys | Kind::Words(_) => Some(form.texts(self.name)?.len()),
            _ => None,
        };
        if let Some(len) = list {
            return self.check_list(form, &label, len);
        }
        let Some(text) = form.text(self.name) else {
            return if self.required { Err(constraint("", &label, "not be null")) } else { Ok(()) };
        };
        match self.kind {
            Kind::Number(least, most) => {
                let number = form.number(self.name)?.unwrap_or_default();
                let bound = match number {
                    _ if number < least => format!("greater than or equal to {least}"),
                    _ if number > most => format!("less than or equal to {most}"),
                    _ => return Ok(()),
                };
                Err(constraint(&format!(" '{number}'"), &label, &format!("have value {bound}")))
            }
            Kind::Flag => form.flag(self.name).map(|_| ()),
            Kind::Word(words) if words.contains(&text) => Ok(()),
            Kind::Word(words) => Err(self.not_of(&label, text, words)),
            _ => self.check_text(&label, text),
        }
    }

    fn not_of(&self, label: &str, text: &str, words: &[&str]) -> ApiError {
        let short: String = text.chars().take(256).collect();
        let set = format!("satisfy enum value set: [{}]", words.join(", "));
        constraint(&format!(" '{short}'"), label, &set)
    }

    fn check_list(&self, form: &Form, label: &str, len: usize) -> Result<(), ApiError> {
        if len == 0 && self.required && form.text(self.name).is_none() {
            return Err(constraint("", label, "not be null"));
        }
        if len > 50 {
            return Err(constraint("", label, "have length less than or equal to 50"));
        }
        match self.kind {
            Kind::Words(words) => {
                let given = form.texts(self.name)?;
                let other = given.iter().find(|word| !words.contains(&word.as_str()));
                other.map_or(Ok(()), |word| Err(self.not_of(label, word, words)))
            }
            Kind::TagKeys => {
                for (key, place) in form.texts(self.name)?.iter().zip(1..) {
                    length(&format!("{label}.{place}.member"), key, 1, 128)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn check_text(&self, label: &str, text: &str) -> Result<(), ApiError> {
        let holds = |good: bool, error: &dyn Fn() -> ApiError| if good { Ok(()) } else { Err(error()) };
        match self.kind {
            Kind::Name(most) => {
                length(label, text, 1, most)?;
                let must = "contain only alphanumeric characters and/or the following: +=,.@_-";
                holds(lettered(text, "+=,.@_-"), &|| invalid(label, must))
            }
            Kind::AccessKeyId => {
                length(label, text, 16, 128)?;
                holds(lettered(text, "_"), &|| invalid(label, "contain only alphanumeric characters."))
            }
            Kind::Path => {
                length(label, text, 1, 512)?;
                holds(is_path(text), &|| invalid(label, PATH))
            }
            Kind::PolicyPath => {
                length(label, text, 1, 512)?;
                holds(is_policy_path(text), &|| constraint("", label, POLICY_PATH))
            }
            Kind::PathPrefix => {
                length(label, text, 1, 512)?;
                let good = text.starts_with('/') && text.chars().all(|c| matches!(c, '!'..='\u{7f}'));
                holds(good, &|| invalid(label, PREFIX))
            }
            Kind::Document => {
                length(label, text, 1, 131_072)?;
                holds(latin(text), &|| invalid(label, "contain only printable ASCII characters."))
            }
            Kind::Description => {
                length(label, text, 0, 1000)?;
                let good = latin(text) && !text.chars().any(|c| matches!(c, '\u{7f}'..='\u{a0}'));
                holds(good, &|| constraint("", label, DESCRIPTION))
            }
            Kind::Text(least, most, others) => {
                length(label, text, least, most)?;
                let pattern = format!("satisfy regular expression pattern: [\\w{others}]*");
                holds(lettered(text, others), &|| constraint("", label, &pattern))
            }
            Kind::Free(most) => length(label, text, 0, most),
            Kind::Arn => length(label, text, 20, 2048),
            Kind::PolicyArn => {
                length(label, text, 20, 2048)?;
                let segments: Vec<_> = text.splitn(6, ':').collect();
                let good = matches!(&segments[..], ["arn", _, "iam", "", account, rest]
                    if !account.is_empty() && rest.starts_with("policy/") && !rest.ends_with('/'));
                let error = || ApiError::new("InvalidInput", format!("ARN {text} is not valid."));
                holds(good, &error)
            }
            Kind::Marker => {
                length(label, text, 1, 320)?;
                holds(latin(text), &|| invalid(label, "contain only printable ASCII characters."))
            }
            Kind::VersionId => holds(is_version(text), &|| constraint("", label, VERSION)),
            // Already checked.
            Kind::Number(..) | Kind::Flag | Kind::Word(_) | Kind::Words(_) | Kind::Tags | Kind::TagKeys => {
                Ok(())
            }
        }
    }
}
