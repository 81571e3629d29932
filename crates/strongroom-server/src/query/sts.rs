//! STS: the caller's identity, and role sessions.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom::{Arn, AssumeRole, Caller, IdentityRef};

use super::call::{Outcome, QueryCall, QueryOperation, operation};
use super::member::{Kind, may, must, validation};
use super::xml::Xml;

/// The supported operations with their members. Other members, such as session policies and session
/// tags, are refused by name.
pub(super) const OPERATIONS: [QueryOperation; 2] = [
    operation("GetCallerIdentity", &[], |call| Box::pin(caller(call))),
    operation(
        "AssumeRole",
        &[
            must("RoleArn", Kind::Arn),
            must("RoleSessionName", Kind::Text(2, 64, "+=,.@-_")),
            may("DurationSeconds", Kind::Number(900, 43_200)),
            may("Policy", Kind::Document),
            may("ExternalId", Kind::Text(2, 1224, "+=,.@:/-_")),
            may("Tags", Kind::Tags),
        ],
        |call| Box::pin(assume_role(call)),
    ),
];

async fn caller(call: &QueryCall<'_>) -> Outcome {
    let (room, cx) = (&call.admitted.room, call.cx);
    let id = match cx.caller() {
        Caller::Owner(account) => account.to_string(),
        Caller::Session { session, .. } => {
            let name = session.resource().rsplit('/').next().unwrap_or_default();
            let role = cx.facts().and_then(|facts| facts.identity_id.clone()).unwrap_or_default();
            format!("{role}:{name}")
        }
        other => {
            let name = other.to_string();
            let name = name.rsplit('/').next().unwrap_or_default().to_owned();
            let found = call.directory.get(room.context(), &IdentityRef::user(name)).await;
            found.map(|user| user.id).unwrap_or_default()
        }
    };
    let mut xml = Xml::new();
    xml.text("Arn", cx.caller().to_string());
    xml.text("UserId", id).text("Account", cx.caller().account().unwrap_or_default());
    Ok(Some(xml))
}

async fn assume_role(call: &QueryCall<'_>) -> Outcome {
    let form = call.form;
    let role = form.must("RoleArn")?;
    let role = Arn::parse(role).map_err(|_| validation(format!("{role} is invalid")))?;
    let mut asked = AssumeRole::new(role, form.must("RoleSessionName")?);
    if let Some(seconds) = form.number("DurationSeconds")?.and_then(|seconds| u32::try_from(seconds).ok()) {
        asked = asked.duration_seconds(seconds);
    }
    asked.policies.extend(form.owned("Policy"));
    asked.external_id = form.owned("ExternalId");
    asked.tags = form.tags("Tags")?;
    let assumed = call.directory.assume_role(call.cx, asked).await?;
    let output = call.directory.temporary_credentials(&assumed)?;
    let mut xml = Xml::new();
    xml.within("Credentials", |xml| {
        xml.text("AccessKeyId", &output.id).text("SecretAccessKey", output.secret.expose());
        xml.text("SessionToken", STANDARD.encode(&output.token)).moment("Expiration", output.expires);
    });
    xml.within("AssumedRoleUser", |xml| {
        xml.text("AssumedRoleId", &assumed.id).text("Arn", assumed.context.caller().to_string());
    });
    Ok(Some(xml))
}
