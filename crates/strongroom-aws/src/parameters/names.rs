//! Maps the names of secrets to the names of parameters.

use strongroom_store::{Error, ErrorKind, SecretId};
use strongroom_types::{Arn, Realm};

/// Where parameters live: the account, the region, and the common path, if any.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub(super) realm: Realm,
    /// `/a/b` without a trailing slash; empty for all parameters.
    pub(super) base: String,
}

fn invalid(text: &'static str) -> Error {
    Error::new(ErrorKind::Validation, text)
}

impl Names {
    /// The parameter for a secret's name: `prod/db` is `/prod/db`, because Parameter Store requires
    /// a leading slash in names that contain one.
    pub(super) fn parameter(&self, name: &str) -> String {
        if self.base.is_empty() && !name.contains('/') {
            return name.to_owned();
        }
        format!("{}/{name}", self.base)
    }

    /// The secret's name for a parameter; `None` if the parameter is not below the path.
    pub(super) fn secret(&self, parameter: &str) -> Option<String> {
        if self.base.is_empty() {
            return Some(parameter.strip_prefix('/').unwrap_or(parameter).to_owned());
        }
        parameter.strip_prefix(&self.base)?.strip_prefix('/').map(str::to_owned)
    }

    pub(super) fn arn(&self, parameter: &str) -> Arn {
        let path = parameter.strip_prefix('/').unwrap_or(parameter);
        self.realm.arn("ssm", &format!("parameter/{path}"))
    }

    /// The parameter for the name of a new secret, after checking the name.
    pub(super) fn new_name(&self, name: &str) -> Result<String, Error> {
        if name.is_empty() {
            return Err(invalid(
                "1 validation error detected: Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1",
            ));
        }
        if name.starts_with('/') {
            return Err(invalid("the name of a secret must not begin with a slash"));
        }
        let good = |c: char| c.is_ascii_alphanumeric() || "_.-/".contains(c);
        if !name.chars().all(good) || name.contains("//") || name.ends_with('/') {
            return Err(invalid(
                "a name in Parameter Store consists of letters, digits and _.- in levels separated by single slashes",
            ));
        }
        Ok(self.parameter(name))
    }

    /// The parameter that an id names: a secret's name, with or without a leading slash, or an ARN
    /// in this account and region.
    pub(super) fn of(&self, id: &SecretId) -> Result<String, Error> {
        let missing = || Error::new(ErrorKind::NotFound, "Parameter Store has no such parameter.");
        let text = id.as_str();
        if !text.starts_with("arn:") {
            // A colon begins a selector, which is not part of an id.
            if text.is_empty() || text.contains(':') {
                return Err(missing());
            }
            return Ok(self.parameter(text.strip_prefix('/').unwrap_or(text)));
        }
        let arn = Arn::parse(text).map_err(|_| missing())?;
        let path = arn.resource().strip_prefix("parameter/").ok_or_else(missing)?;
        let parameter = if path.contains('/') { format!("/{path}") } else { path.to_owned() };
        let own = !path.contains(':') && self.arn(&parameter) == arn && self.secret(&parameter).is_some();
        if own { Ok(parameter) } else { Err(missing()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for (base, name, parameter) in [
            ("", "db", "db"),
            ("", "prod/db", "/prod/db"),
            ("/app", "db", "/app/db"),
            ("/app/x", "prod/db", "/app/x/prod/db"),
        ] {
            let names = Names { realm: Realm::default(), base: base.to_owned() };
            assert_eq!(names.new_name(name).unwrap(), parameter);
            assert_eq!(names.secret(parameter).as_deref(), Some(name));
            let arn = names.arn(parameter);
            assert!(!arn.as_str().contains("parameter//"));
            for id in [name.to_owned(), format!("/{name}"), arn.to_string()] {
                assert_eq!(names.of(&SecretId::new(id)).unwrap(), parameter);
            }
        }
        let names = Names { realm: Realm::default(), base: "/app".to_owned() };
        for bad in ["/db", "", "a//b", "a/", "a b", "a+b", "a:1"] {
            assert_eq!(names.new_name(bad).unwrap_err().kind(), ErrorKind::Validation, "{bad}");
        }
        for other in [
            "arn:aws:ssm:us-east-1:000000000000:parameter/other/db",
            "arn:aws:ssm:us-east-1:111122223333:parameter/app/db",
            "arn:aws:ssm:eu-west-1:000000000000:parameter/app/db",
            "arn:aws:ssm:us-east-1:000000000000:parameter/app/db:3",
            "arn:aws:secretsmanager:us-east-1:000000000000:secret:app/db-abcdef",
            "arn:",
            "db:3",
            "",
        ] {
            assert_eq!(names.of(&SecretId::new(other)).unwrap_err().kind(), ErrorKind::NotFound, "{other}");
        }
        assert_eq!(names.secret("/application/db"), None, "a beginning of a level is no path");
    }
}
