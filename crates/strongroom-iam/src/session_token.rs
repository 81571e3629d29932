//! Temporary credentials of a session: an access key, a secret, and a token that identifies the
//! session. Nothing is stored: the token is sealed under the store key, and valid in every process
//! that has the store open until it expires.

use serde::{Deserialize, Serialize};
use strongroom_envelope::{SecretBytes, SecretText};
use strongroom_types::{Arn, CallContext, Caller, SessionFacts, Timestamp};

use crate::error::storage;
use crate::names::{random_letters, unique_id};
use crate::{AssumedRole, Credentials, Error, ErrorKind, Iam};

/// The maximum length of a token, in bytes.
const MAX: usize = 64 * 1024;

/// Temporary credentials.
#[derive(Debug)]
#[non_exhaustive]
pub struct TemporaryCredentials {
    /// The access key id, `ASIA...`, which requests carry in plain text.
    pub id: String,
    /// The secret that signs requests.
    pub secret: SecretText,
    /// The session token, which requests carry too. These are raw bytes; encode them in base64.
    pub token: Vec<u8>,
    /// When they expire.
    pub expires: Timestamp,
}

/// The content of a token.
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
        // `SecretBytes` wipes the memory when it is dropped.
        drop(SecretBytes::from(std::mem::take(&mut self.secret).into_bytes()));
    }
}

impl Iam {
    /// Temporary credentials for a session of a role, for callers that sign their requests.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the operating system returns no random bytes.
    pub fn temporary_credentials(&self, assumed: &AssumedRole) -> Result<TemporaryCredentials, Error> {
        let Caller::Session { session, role } = assumed.context.caller() else {
            return Err(Error::new(ErrorKind::Internal, "only sessions of roles have temporary credentials"));
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

    /// The credentials behind a session token; `None` if the token was not issued here, or not with
    /// this id. Expiry is checked when the credentials are used, not here.
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
