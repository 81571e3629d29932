//! Credentials of a session: an access key, a secret, and a token that says whose they are. Nothing of them is stored: the token is
//! sealed under the store key, and good in every process that has the store open, until it ends.

use serde::{Deserialize, Serialize};
use strongroom_envelope::{SecretBytes, SecretText};
use strongroom_types::{Arn, CallContext, Caller, SessionFacts, Timestamp};

use crate::error::storage;
use crate::names::{random_letters, unique_id};
use crate::{AssumedRole, Credentials, Error, ErrorKind, Iam};

/// The longest token read, in bytes.
const MAX: usize = 64 * 1024;

/// Credentials that end.
#[derive(Debug)]
#[non_exhaustive]
pub struct TemporaryCredentials {
    /// `ASIA...`, which requests carry in clear.
    pub id: String,
    /// What requests are signed with.
    pub secret: SecretText,
    /// Says whose they are; requests carry it too. Bytes, to be written in base64.
    pub token: Vec<u8>,
    /// When they end.
    pub expires: Timestamp,
}

/// What a token holds.
#[derive(Serialize, Deserialize)]
struct Session {
    id: String,
    secret: String,
    session: String,
    role: String,
    role_id: String,
    issued: i64,
    expires: i64,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    tags: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    policies: Vec<String>,
}

impl Drop for Session {
    fn drop(&mut self) {
        // Wiped by the type that takes it over.
        drop(SecretBytes::from(std::mem::take(&mut self.secret).into_bytes()));
    }
}

impl Iam {
    /// Credentials for a session of a role, for callers that sign their requests.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] where there are no random bytes.
    pub fn temporary_credentials(&self, assumed: &AssumedRole) -> Result<TemporaryCredentials, Error> {
        let Caller::Session { session, role } = assumed.context.caller() else {
            return Err(Error::new(ErrorKind::Internal, "only sessions of roles have credentials that end"));
        };
        let nothing = SessionFacts::new();
        let facts = assumed.context.facts().unwrap_or(&nothing);
        let (id, secret) = (unique_id("ASIA")?[..20].to_owned(), random_letters(40)?);
        let content = Session {
            id: id.clone(),
            secret: secret.expose().to_owned(),
            session: session.to_string(),
            role: role.to_string(),
            role_id: facts.identity_id.clone().unwrap_or_default(),
            issued: facts.issued.map_or(0, Timestamp::as_millis),
            expires: assumed.expires.as_millis(),
            tags: facts.tags.clone(),
            policies: facts.policies.iter().map(|policy| policy.to_string()).collect(),
        };
        let mut text = SecretBytes::default();
        serde_json::to_writer(&mut text, &content)
            .map_err(|error| Error::new(ErrorKind::Internal, "the token cannot be written").because(error))?;
        let token = self
            .directory
            .inner
            .records
            .seal(&self.directory.layout.session_token(), &text)
            .map_err(storage)?;
        Ok(TemporaryCredentials { id, secret, token, expires: assumed.expires })
    }

    /// What credentials with a token stand for; nothing where the token was not given out here, or not with this id. That they are over
    /// is told when they are used.
    #[must_use]
    pub fn session_credentials(&self, id: &str, token: &[u8]) -> Option<Credentials> {
        if token.len() > MAX {
            return None;
        }
        let text = self.directory.inner.records.unseal(&self.directory.layout.session_token(), token).ok()?;
        let mut session: Session = serde_json::from_slice(text.expose()).ok()?;
        if session.id != id {
            return None;
        }
        let caller = Caller::Session {
            session: Arn::parse(&session.session).ok()?,
            role: Arn::parse(&session.role).ok()?,
        };
        let mut facts = SessionFacts::new()
            .issued(Timestamp::from_millis(session.issued))
            .expires(Timestamp::from_millis(session.expires));
        facts.identity_id = Some(session.role_id.clone());
        facts.tags = std::mem::take(&mut session.tags);
        facts.policies = session.policies.drain(..).map(Into::into).collect();
        let secret = SecretBytes::from(std::mem::take(&mut session.secret).into_bytes());
        Some(Credentials { secret, context: CallContext::new(caller).with_facts(facts) })
    }
}
