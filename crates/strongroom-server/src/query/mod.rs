//! STS and IAM in their Query protocol: forms in, XML out.

mod form;
mod iam;
mod member;
mod sts;
mod xml;

use strongroom_iam::Iam;

use self::form::Form;
use self::member::{Operation, validation};
use self::xml::Xml;
use crate::answer::{Answer, ApiError};
use crate::server::Admitted;

const STS: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
const IAM: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// A request that was understood.
struct Call<'a> {
    admitted: &'a Admitted,
    directory: Iam,
    action: &'a str,
    form: &'a Form,
}

/// What an operation answers: the content of its result, or `None` if it has no result.
type Outcome = Result<Option<Xml>, ApiError>;

/// What a form asks for, for the log.
pub(crate) fn action(body: &[u8]) -> String {
    let mut members = form_urlencoded::parse(body);
    members.find(|(name, _)| name == "Action").map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// An error in the words and with the status of services that speak this protocol.
pub(crate) fn translated(error: ApiError) -> ApiError {
    let (status, code) = match error.code.as_str() {
        "MissingAuthenticationTokenException" => (403, "MissingAuthenticationToken"),
        "IncompleteSignatureException" => (400, "IncompleteSignature"),
        "InvalidSignatureException" => (403, "SignatureDoesNotMatch"),
        "UnrecognizedClientException" => (403, "InvalidClientTokenId"),
        "ExpiredTokenException" => (403, "ExpiredToken"),
        "AccessDenied" => (403, "AccessDenied"),
        "NoSuchEntity" => (404, "NoSuchEntity"),
        "EntityAlreadyExists" | "DeleteConflict" | "LimitExceeded" => (409, error.code.as_str()),
        "InternalServiceError" => (500, "ServiceFailure"),
        code => (error.status, code),
    };
    ApiError { status, code: code.to_owned(), text: error.text }
}

/// An error's body.
pub(crate) fn error(error: &ApiError, id: &str) -> String {
    let mut xml = Xml::new();
    xml.within("ErrorResponse", |xml| {
        xml.within("Error", |xml| {
            xml.text("Type", if error.status < 500 { "Sender" } else { "Receiver" });
            xml.text("Code", &error.code).text("Message", &error.text);
        });
        xml.text("RequestId", id);
    });
    String::from_utf8_lossy(xml.into_bytes().expose()).into_owned()
}

fn unknown(action: &str, form: &Form) -> ApiError {
    let version = form.text("Version").unwrap_or_default();
    ApiError::new("InvalidAction", format!("Could not find operation {action} for version {version}"))
}

/// Runs what a form asks for.
pub(crate) async fn run(admitted: &Admitted, body: &[u8], id: &str) -> Result<Answer, ApiError> {
    let form = Form::parse(body)?;
    let action = form
        .text("Action")
        .ok_or_else(|| ApiError::new("MissingAction", "The request must contain the parameter Action."))?;
    let iam = admitted.room.iam();
    let directory = iam.directory().map_err(|_| ApiError::internal())?.clone();
    let call = Call { admitted, directory, action, form: &form };
    let (space, result) =
        if admitted.service == "sts" { (STS, sts::run(&call).await?) } else { (IAM, iam::run(&call).await?) };
    let mut xml = Xml::new();
    xml.root(&format!("{action}Response"), space, |xml| {
        if let Some(result) = &result {
            xml.within(&format!("{action}Result"), |xml| {
                xml.append(result);
            });
        }
        xml.within("ResponseMetadata", |xml| {
            xml.text("RequestId", id);
        });
    });
    Ok(Answer(xml.into_bytes()))
}

/// The operation of this name, its form checked.
fn checked<'a>(call: &Call<'_>, operations: &'a [Operation]) -> Result<Option<&'a Operation>, ApiError> {
    let Some(operation) = operations.iter().find(|operation| operation.name == call.action) else {
        return Ok(None);
    };
    operation.check(call.form)?;
    Ok(Some(operation))
}
