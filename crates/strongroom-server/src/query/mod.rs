//! STS and IAM in AWS's Query protocol: form requests, XML responses.

mod call;
mod form;
mod iam;
mod member;
mod sts;
mod xml;

use std::borrow::Cow;

use bytes::Bytes;

use self::call::{QueryCall, QueryOperation};
use self::form::Form;
use self::xml::Xml;
use crate::answer::{Answer, ApiError};
use crate::api::{Api, ApiRequest, Protocol, Running};
use crate::operation::Operation;

const STS: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
const IAM: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// AWS STS and IAM.
pub(crate) struct Query;

/// A service's tables, and the XML namespace of its responses.
fn service(name: &str) -> (&'static [&'static [QueryOperation]], &'static str) {
    if name == "sts" { (&[&sts::OPERATIONS], STS) } else { (&iam::TABLES, IAM) }
}

fn find(tables: &[&'static [QueryOperation]], name: &str) -> Option<&'static QueryOperation> {
    tables.iter().flat_map(|table| table.iter()).find(|entry| entry.operation.name == name)
}

/// Looks up an operation of either service.
fn find_anywhere(name: &str) -> Option<&'static QueryOperation> {
    ["sts", "iam"].into_iter().find_map(|known| find(service(known).0, name))
}

impl Api for Query {
    fn protocol(&self) -> Protocol {
        Protocol::Query
    }

    fn scopes(&self) -> &'static [&'static str] {
        &["sts", "iam"]
    }

    fn arn_service(&self) -> Option<&'static str> {
        None
    }

    fn operation(&self, name: &str) -> Option<&'static Operation> {
        find_anywhere(name).map(|entry| &entry.operation)
    }

    #[cfg(test)]
    fn operations(&self) -> Vec<(&'static Operation, Vec<String>)> {
        let tables = ["sts", "iam"].into_iter().flat_map(|known| service(known).0.iter());
        tables.flat_map(|table| table.iter()).map(|entry| (&entry.operation, entry.names())).collect()
    }

    fn shows(&self, operation: &Operation, member: &str) -> bool {
        find_anywhere(operation.name).is_some_and(|entry| entry.takes(member))
            && !operation.hides_member(member)
    }

    fn run<'a>(&self, request: ApiRequest<'a>) -> Running<'a> {
        Box::pin(run(request))
    }

    fn render_error(&self, error: ApiError, id: &str) -> (u16, Bytes) {
        let error = translated(error);
        (error.status, Bytes::from(rendered(&error, id)))
    }
}

/// A form's `Action`, without parsing the rest.
pub(crate) fn action(body: &[u8]) -> Cow<'_, str> {
    let mut members = form_urlencoded::parse(body);
    members.find(|(name, _)| name == "Action").map(|(_, value)| value).unwrap_or_default()
}

/// Maps an error to the code and status of services with this protocol.
fn translated(error: ApiError) -> ApiError {
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

/// The body of an error.
fn rendered(error: &ApiError, id: &str) -> String {
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

/// Runs a form's action.
async fn run(request: ApiRequest<'_>) -> Result<Answer, ApiError> {
    let form = Form::parse(request.body)?;
    let action = form
        .text("Action")
        .ok_or_else(|| ApiError::new("MissingAction", "The request must contain the parameter Action."))?;
    let admitted = request.admitted;
    let iam = admitted.room.iam();
    let directory = iam.directory().map_err(|_| ApiError::internal())?.clone();
    let (tables, space) = service(request.service);
    let entry = find(tables, action).ok_or_else(|| unknown(action, &form))?;
    entry.check(&form)?;
    let call = QueryCall { admitted, cx: &admitted.cx, directory, form: &form };
    let result = (entry.run)(&call).await?;
    let mut xml = Xml::new();
    xml.root(&format!("{action}Response"), space, |xml| {
        if let Some(result) = &result {
            xml.within(&format!("{action}Result"), |xml| {
                xml.append(result);
            });
        }
        xml.within("ResponseMetadata", |xml| {
            xml.text("RequestId", request.id);
        });
    });
    Ok(Answer(xml.into_bytes()))
}
