//! Finds the account that a request is for. Requests go to the caller's own account, unless they
//! name a secret or key of another account by its full ARN and the operation is allowed across
//! accounts.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use strongroom::{AccountId, Arn, Realm};

/// The string value of one member of a JSON object. `None` if there is no such member, if it occurs
/// twice, or if the body is not valid: the operation reports the error.
pub(crate) fn member(body: &[u8], name: &str) -> Option<String> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let found = Member(name).deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    found
}

struct Member<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<String>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<String>, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if name != self.0 {
                map.next_value::<IgnoredAny>()?;
            } else if found.is_none() {
                found = Some(map.next_value::<Option<String>>()?);
            } else {
                return Err(A::Error::custom("given twice"));
            }
        }
        Ok(found.flatten())
    }
}

/// The realm of an ARN, if the ARN is of this service, in `own`'s region, and of another account.
pub(crate) fn elsewhere(text: &str, service: &str, own: &Realm) -> Option<Realm> {
    let arn = Arn::parse(text).ok()?;
    let account = AccountId::parse(arn.account()).ok()?;
    let there = arn.service() == service
        && arn.region() == own.region().as_str()
        && arn.partition() == own.region().partition()
        && account != own.account();
    there.then(|| Realm::new(account, own.region().clone()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn realm(account: &str, region: &str) -> Realm {
        Realm::new(AccountId::parse(account).unwrap(), strongroom::Region::parse(region).unwrap())
    }

    #[test]
    fn only_full_arns_of_this_service_and_region_lead_elsewhere() {
        let own = realm("111122223333", "us-east-1");
        let there = realm("444455556666", "us-east-1");
        let found = |id: &str| elsewhere(id, "secretsmanager", &own);
        assert_eq!(
            found("arn:aws:secretsmanager:us-east-1:444455556666:secret:db-AbCdEf"),
            Some(there.clone())
        );
        for id in [
            "db",
            "",
            "arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf",
            "arn:aws:secretsmanager:eu-west-1:444455556666:secret:db-AbCdEf",
            "arn:aws-cn:secretsmanager:us-east-1:444455556666:secret:db-AbCdEf",
            "arn:aws:kms:us-east-1:444455556666:key/x",
            "arn:aws:secretsmanager:us-east-1:44445555666:secret:db-AbCdEf",
            "arn:aws:secretsmanager:us-east-1::secret:db-AbCdEf",
            "arn:aws:secretsmanager:us-east-1:../etc/passwd:secret:db-AbCdEf",
        ] {
            assert_eq!(found(id), None, "{id}");
        }
        for id in ["arn:aws:kms:us-east-1:444455556666:key/x", "arn:aws:kms:us-east-1:444455556666:alias/x"] {
            assert_eq!(elsewhere(id, "kms", &own), Some(there.clone()), "{id}");
        }
    }

    #[test]
    fn a_member_is_found_once_and_as_text_or_not_at_all() {
        let body = json!({"SecretString": "s\u{1}", "SecretId": "db\"", "Name": null}).to_string();
        assert_eq!(member(body.as_bytes(), "SecretId").as_deref(), Some("db\""));
        assert_eq!(member(br#"{"Secret\u0049d":"db"}"#, "SecretId").as_deref(), Some("db"));
        assert_eq!(member(body.as_bytes(), "Name"), None);
        for body in ["", "[]", "{", r#"{"SecretId":7}"#, r#"{"SecretId":"db"}}"#, r#"{"SecretId":"db""#] {
            assert_eq!(member(body.as_bytes(), "SecretId"), None, "{body}");
        }
        // The operation refuses duplicate members; until then they route nowhere.
        for twice in [r#"{"SecretId":"db","SecretId":"db"}"#, r#"{"SecretId":null,"SecretId":"db"}"#] {
            assert_eq!(member(twice.as_bytes(), "SecretId"), None, "{twice}");
        }
    }
}
