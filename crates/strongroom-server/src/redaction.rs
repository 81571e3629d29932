//! A request's parameters, redacted for logs and audit.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use serde_json::value::RawValue;
use strongroom_types::RequestParameters;

use crate::api::{Api, Protocol};
use crate::operation::Operation;

/// How deeply nested structures are shown. No operation's input is deeper.
const DEEPEST: usize = 16;
/// The placeholder for parameters that cannot be shown: the operation is unknown, or the body is
/// not valid or has been dropped.
const OMITTED: &str = r#"{"omitted":true}"#;

/// The parameters of a request, without those that its operation's table entry hides.
///
/// Only members that the table declares are shown. The body is parsed only on demand, and a hidden
/// value is never copied. The view does not keep the body alive: it works only until the request is
/// answered, however long its context lives.
pub(crate) struct Parameters {
    api: &'static dyn Api,
    operation: Option<&'static Operation>,
    body: Weak<Bytes>,
}

impl Parameters {
    pub(crate) fn of(
        api: &'static dyn Api,
        operation: Option<&'static Operation>,
        body: &Arc<Bytes>,
    ) -> Self {
        Self { api, operation, body: Arc::downgrade(body) }
    }

    fn shown(&self) -> Option<String> {
        let (operation, body) = (self.operation?, self.body.upgrade()?);
        match self.api.protocol() {
            Protocol::Query => Some(form(self.api, operation, &body)),
            Protocol::Json(_) if body.is_empty() => Some("{}".to_owned()),
            Protocol::Json(_) => {
                let members: Object<'_> = serde_json::from_slice(&body).ok()?;
                let mut out = String::new();
                let shown = members.iter().filter(|(name, _)| self.api.shows(operation, name));
                write_object(&mut out, shown, operation, 0)?;
                Some(out)
            }
        }
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parameters({})", self.operation.map_or("", |operation| operation.name))
    }
}

impl RequestParameters for Parameters {
    fn redacted_json(&self) -> String {
        self.shown().unwrap_or_else(|| OMITTED.to_owned())
    }
}

/// An object whose values are slices of the body.
type Object<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

fn write_object<'a, 'm>(
    out: &mut String,
    members: impl Iterator<Item = (&'m Cow<'a, str>, &'m &'a RawValue)>,
    operation: &Operation,
    depth: usize,
) -> Option<()>
where
    'a: 'm,
{
    out.push('{');
    for (place, (name, value)) in members.enumerate() {
        if place > 0 {
            out.push(',');
        }
        out.push_str(&serde_json::to_string(name).ok()?);
        out.push(':');
        write_value(out, value, operation, depth)?;
    }
    out.push('}');
    Some(())
}

/// Writes a value as it was sent, without hidden members at any depth.
fn write_value(out: &mut String, value: &RawValue, operation: &Operation, depth: usize) -> Option<()> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'{' | b'[') if depth == DEEPEST => out.push_str("null"),
        Some(b'{') => {
            let members: Object<'_> = serde_json::from_str(text).ok()?;
            let shown = members.iter().filter(|(name, _)| !operation.hides_member(name));
            write_object(out, shown, operation, depth + 1)?;
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            out.push('[');
            for (place, item) in items.into_iter().enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_value(out, item, operation, depth + 1)?;
            }
            out.push(']');
        }
        _ => out.push_str(text),
    }
    Some(())
}

/// A form as an object of strings. Each list item stays a separate member, as it was sent.
fn form(api: &dyn Api, operation: &Operation, body: &[u8]) -> String {
    let mut shown = serde_json::Map::new();
    for (name, value) in form_urlencoded::parse(body) {
        if api.shows(operation, &name) {
            shown.insert(name.into_owned(), value.into_owned().into());
        }
    }
    serde_json::Value::Object(shown).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::apis::APIS;

    /// What no record may show, in the words of the service models.
    const SECRET: [&str; 11] = [
        "CiphertextBlob",
        "EncryptedKeyMaterial",
        "GrantToken",
        "GrantTokens",
        "ImportToken",
        "Mac",
        "Message",
        "Plaintext",
        "RotationToken",
        "SecretBinary",
        "SecretString",
    ];

    fn shown(api: &'static dyn Api, name: &str, body: impl Into<Bytes>) -> String {
        let body = Arc::new(body.into());
        Parameters::of(api, api.operation(name), &body).redacted_json()
    }

    fn body(api: &dyn Api, members: &[(String, String)]) -> String {
        match api.protocol() {
            Protocol::Json(_) => {
                let members = members.iter().map(|(name, marker)| (name.clone(), json!(marker)));
                Value::Object(members.collect()).to_string()
            }
            Protocol::Query => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                form.extend_pairs(members).finish()
            }
        }
    }

    #[test]
    fn of_every_operation_each_member_is_shown_unless_it_is_secret() {
        let (mut secret, mut harmless) = (0, 0);
        for api in APIS {
            for (operation, members) in api.operations() {
                let members: Vec<(String, String)> =
                    members.into_iter().map(|name| (name.clone(), format!("marker of {name}."))).collect();
                let shown = shown(api, operation.name, body(api, &members));
                for (name, marker) in members {
                    let hidden = SECRET.contains(&name.as_str());
                    assert_eq!(shown.contains(&marker), !hidden, "{} {name}: {shown}", operation.name);
                    assert_eq!(shown.contains(&format!("\"{name}\"")), !hidden, "{} {name}", operation.name);
                    if hidden { secret += 1 } else { harmless += 1 }
                }
            }
        }
        assert!(secret > 20 && harmless > 250, "{secret} {harmless}");
    }

    #[test]
    fn what_a_table_hides_its_operation_has() {
        for (operation, members) in APIS.iter().flat_map(|api| api.operations()) {
            for hidden in operation.hidden_members() {
                assert!(members.iter().any(|name| name == hidden), "{} {hidden}", operation.name);
            }
            if let Some(resource) = operation.resource() {
                assert!(operation.has_member(resource), "{} {resource}", operation.name);
            }
        }
    }

    #[test]
    fn a_secret_is_not_shown_wherever_it_stands() {
        let secrets: &'static dyn Api = APIS[0];
        for body in [
            r#"{"secretString":"hidden"}"#,
            r#"{"SecretStrings":"hidden"}"#,
            r#"{"SecretString":"hidden","SecretString":"hidden"}"#,
            r#"{"Secret\u0053tring":"hidden"}"#,
            r#"{"SecretString":{"Name":"hidden"}}"#,
            r#"{"Tags":[{"Key":"k","SecretString":"hidden"}]}"#,
            r#"{"Name":"db","SecretString":"hidden""#,
            r#"["hidden"]"#,
            "hidden",
        ] {
            let shown = shown(secrets, "CreateSecret", body);
            assert!(!shown.contains("hidden"), "{body}: {shown}");
            assert!(serde_json::from_str::<Value>(&shown).unwrap().is_object(), "{shown}");
        }
        assert_eq!(shown(secrets, "Nonsense", r#"{"Name":"db"}"#), OMITTED);
        assert_eq!(shown(secrets, "ListSecrets", ""), "{}");
        let deep = format!(r#"{{"Tags":{}{}}}"#, "[".repeat(100), "]".repeat(100));
        assert_eq!(shown(secrets, "CreateSecret", deep), r#"{"Tags":[[[[[[[[[[[[[[[[null]]]]]]]]]]]]]]]]}"#);
        let query: &'static dyn Api = APIS[2];
        let form = "Action=CreateUser&Version=1&UserName=eve&Password=hidden&Tags.member.1.Key=a%22b";
        assert_eq!(shown(query, "CreateUser", form), r#"{"Tags.member.1.Key":"a\"b","UserName":"eve"}"#);
    }
}
