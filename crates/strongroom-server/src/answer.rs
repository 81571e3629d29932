//! An operation's response and error, in AWS's JSON.

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use strongroom_envelope::SecretBytes;
use strongroom_types::{Retry, Timestamp};

/// A response body, empty if the operation returns nothing. Wiped once it has been sent.
#[derive(Debug, Default)]
pub(crate) struct Answer(pub(crate) SecretBytes);

impl Answer {
    pub(crate) fn empty() -> Self {
        Self::default()
    }

    pub(crate) fn json(value: &impl Serialize) -> Result<Self, ApiError> {
        let mut bytes = SecretBytes::default();
        serde_json::to_writer(&mut bytes, value).map_err(|_| ApiError::internal())?;
        Ok(Self(bytes))
    }

    pub(crate) fn into_body(self) -> Bytes {
        strongroom_http::wiped(self.0)
    }
}

/// AWS's error text for a member that violates a constraint. `value` is empty where AWS omits it,
/// or starts with a space: ` '5'`, ` null`.
pub(crate) fn violation(value: &str, member: &str, must: &str) -> String {
    format!(
        "1 validation error detected: Value{value} at '{member}' failed to satisfy constraint: Member must {must}"
    )
}

/// An error as it is sent over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) text: String,
}

impl ApiError {
    pub(crate) fn new(code: impl Into<String>, text: impl Into<String>) -> Self {
        let code = code.into();
        let status = match code.as_str() {
            "InternalServiceError"
            | "KMSInternalException"
            | "ServiceFailure"
            | "KeyUnavailableException" => 500,
            "DependencyTimeoutException" => 503,
            _ => 400,
        };
        Self { status, code, text: text.into() }
    }

    pub(crate) fn internal() -> Self {
        Self::new("InternalServiceError", "An error occurred on the server side.")
    }

    pub(crate) fn validation(text: impl Into<String>) -> Self {
        Self::new("ValidationException", text)
    }

    /// An operation that does not exist. Like AWS's error, it has no text.
    pub(crate) fn unknown_operation() -> Self {
        Self::new("UnknownOperationException", "")
    }

    /// A required member is missing.
    pub(crate) fn null(member: &str) -> Self {
        Self::validation(violation(" null", member, "not be null"))
    }

    /// A value that the member's enum does not contain.
    pub(crate) fn not_of(member: &str, value: &str, words: &str) -> Self {
        let value: String = value.chars().take(256).collect();
        let set = format!("satisfy enum value set: [{words}]");
        Self::validation(violation(&format!(" '{value}'"), member, &set))
    }

    /// The body. Secrets Manager writes `Message`, other services `message`; without a text, the
    /// member is omitted.
    pub(crate) fn body(&self, capital: bool) -> Value {
        let name = if capital { "Message" } else { "message" };
        if self.text.is_empty() {
            return json!({"__type": self.code});
        }
        json!({"__type": self.code, name: self.text})
    }
}

/// The error for a strongroom that cannot be opened. The log gets the cause; the client gets only
/// what it can act on.
pub(crate) fn unopened(error: &strongroom::Error) -> ApiError {
    // The maximum number of strongrooms is open or being opened: the client retries.
    if error.kind() == strongroom::ErrorKind::Secret(strongroom_store::ErrorKind::Throttled) {
        return ApiError::new(error.code(), error.message());
    }
    tracing::error!(%error, "failed to open a strongroom");
    match error.kind() {
        // A storage error, such as a full disk. Its text contains no path.
        strongroom::ErrorKind::Root(_) if error.retry() == Retry::Later => {
            ApiError::new("InternalServiceError", error.message())
        }
        _ => ApiError::internal(),
    }
}

/// An operation of AWS that this server does not implement.
pub(crate) fn not_here(operation: &str) -> ApiError {
    let text = format!("The operation {operation} is not available at this endpoint.");
    ApiError { status: 501, ..ApiError::new("UnknownOperationException", text) }
}

impl From<strongroom_store::Error> for ApiError {
    fn from(error: strongroom_store::Error) -> Self {
        Self::new(error.code(), error.message())
    }
}

impl From<strongroom_kms::Error> for ApiError {
    fn from(error: strongroom_kms::Error) -> Self {
        Self::new(error.code(), error.message())
    }
}

impl From<strongroom_iam::Error> for ApiError {
    fn from(error: strongroom_iam::Error) -> Self {
        Self::new(error.code(), error.message())
    }
}

/// A timestamp in seconds since 1970, with milliseconds.
#[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit for a hundred thousand years")]
pub(crate) fn seconds(moment: Timestamp) -> Value {
    json!(moment.as_millis() as f64 / 1000.0)
}

/// A JSON object of the members that have a value.
pub(crate) fn object(members: Vec<(&str, Option<Value>)>) -> Value {
    Value::Object(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}
