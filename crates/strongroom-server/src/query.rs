//! STS and IAM in their Query protocol: forms in, XML out. What sessions and identities need from a command line, no more.

mod members;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom::{Arn, AssumeRole, Caller, CreateRole, CreateUser, Identity, IdentityRef};
use strongroom_envelope::SecretBytes;
use strongroom_iam::IdentityKind;
use strongroom_types::Timestamp;

use crate::answer::{Answer, ApiError};
use crate::server::Admitted;

type Form = BTreeMap<String, String>;

/// What a form asks for, for the log.
pub(crate) fn action(body: &[u8]) -> String {
    let mut members = form_urlencoded::parse(body);
    members.find(|(name, _)| name == "Action").map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() && !c.is_whitespace() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escape(text))
}

/// An error's body.
pub(crate) fn error(error: &ApiError, id: &str) -> String {
    let kind = if error.status < 500 { "Sender" } else { "Receiver" };
    let (code, text) = (element("Code", &error.code), element("Message", &error.text));
    format!(
        "<ErrorResponse><Error><Type>{kind}</Type>{code}{text}</Error>{}</ErrorResponse>",
        element("RequestId", id)
    )
}

fn iso(moment: Timestamp) -> String {
    jiff::Timestamp::from_second(moment.as_millis().div_euclid(1000))
        .map(|moment| moment.to_string())
        .unwrap_or_default()
}

fn required<'a>(form: &'a Form, name: &str) -> Result<&'a str, ApiError> {
    form.get(name).map(String::as_str).ok_or_else(|| {
        let mut member = name.to_owned();
        member[..1].make_ascii_lowercase();
        let text = format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        );
        ApiError::new("ValidationError", text)
    })
}

/// The pairs of `Tags.member.1.Key`, `Tags.member.1.Value` and so on.
fn tags(form: &Form) -> Result<Vec<(String, String)>, ApiError> {
    let mut found = Vec::new();
    for n in 1..=50 {
        let Some(key) = form.get(&format!("Tags.member.{n}.Key")) else { break };
        found.push((key.clone(), required(form, &format!("Tags.member.{n}.Value"))?.to_owned()));
    }
    Ok(found)
}

fn invalid_arn(arn: &str) -> ApiError {
    ApiError::new("ValidationError", format!("{arn} is invalid"))
}

/// Refuses members that ask for what is not here. A list or structure is spread over members that
/// begin with its name.
fn refuse(action: &str, form: &Form) -> Result<(), ApiError> {
    let Some(operation) = members::OPERATIONS.iter().find(|operation| operation.name == action) else {
        return Ok(());
    };
    for (member, why) in operation.refused {
        let is_of = |name: &str| {
            name.strip_prefix(member).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if form.iter().any(|(name, value)| is_of(name) && !value.is_empty()) {
            let text = format!("{member} is not supported at this endpoint: {why}.");
            return Err(ApiError::new("ValidationError", text));
        }
    }
    Ok(())
}

/// Runs what a form asks for.
pub(crate) async fn run(admitted: &Admitted, body: &[u8], id: &str) -> Result<Answer, ApiError> {
    let form: Form = form_urlencoded::parse(body).into_owned().collect();
    let action = required(&form, "Action")?.to_owned();
    let sts = ["GetCallerIdentity", "AssumeRole"].contains(&action.as_str());
    if sts != (admitted.service == "sts") {
        let text = format!(
            "Could not find operation {action} for version {}",
            form.get("Version").map_or("", |v| v)
        );
        return Err(ApiError::new("InvalidAction", text));
    }
    refuse(&action, &form)?;
    let (space, result) = if sts {
        ("https://sts.amazonaws.com/doc/2011-06-15/", session(admitted, &action, &form).await?)
    } else {
        ("https://iam.amazonaws.com/doc/2010-05-08/", identity(admitted, &action, &form).await?)
    };
    let mut text = SecretBytes::copy_from(format!("<{action}Response xmlns=\"{space}\">").as_bytes());
    text.extend_from_slice(result.expose());
    let request = element("RequestId", id);
    text.extend_from_slice(
        format!("<ResponseMetadata>{request}</ResponseMetadata></{action}Response>").as_bytes(),
    );
    Ok(Answer(text))
}

fn result(action: &str, content: &str) -> SecretBytes {
    SecretBytes::copy_from(format!("<{action}Result>{content}</{action}Result>").as_bytes())
}

async fn session(admitted: &Admitted, action: &str, form: &Form) -> Result<SecretBytes, ApiError> {
    let (room, cx) = (&admitted.room, &admitted.cx);
    let iam = room.iam();
    let directory = iam.directory().map_err(|_| ApiError::internal())?;
    if action == "GetCallerIdentity" {
        let account = cx.caller().account().unwrap_or_default();
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
                let found = directory.get(room.context(), &IdentityRef::user(name)).await;
                found.map(|user| user.id).unwrap_or_default()
            }
        };
        let arn = cx.caller().to_string();
        let content =
            format!("{}{}{}", element("Arn", &arn), element("UserId", &id), element("Account", account));
        return Ok(result(action, &content));
    }
    let role = required(form, "RoleArn")?;
    let role = Arn::parse(role).map_err(|_| invalid_arn(role))?;
    let mut asked = AssumeRole::new(role, required(form, "RoleSessionName")?);
    if let Some(seconds) = form.get("DurationSeconds") {
        let seconds = seconds
            .parse()
            .map_err(|_| ApiError::new("ValidationError", "DurationSeconds is not a number"))?;
        asked = asked.duration_seconds(seconds);
    }
    asked.policies.extend(form.get("Policy").cloned());
    asked.external_id = form.get("ExternalId").cloned();
    asked.tags = tags(form)?;
    let assumed = directory.assume_role(cx, asked).await?;
    let made = directory.temporary_credentials(&assumed)?;
    let mut text = SecretBytes::copy_from(b"<AssumeRoleResult><Credentials>");
    text.extend_from_slice(element("AccessKeyId", &made.id).as_bytes());
    text.extend_from_slice(b"<SecretAccessKey>");
    // Letters, digits, + and /: nothing to escape.
    text.extend_from_slice(made.secret.expose().as_bytes());
    text.extend_from_slice(b"</SecretAccessKey>");
    text.extend_from_slice(element("SessionToken", &STANDARD.encode(&made.token)).as_bytes());
    text.extend_from_slice(element("Expiration", &iso(made.expires)).as_bytes());
    let user = format!(
        "</Credentials><AssumedRoleUser>{}{}</AssumedRoleUser></AssumeRoleResult>",
        element("AssumedRoleId", &assumed.id),
        element("Arn", &assumed.context.caller().to_string())
    );
    text.extend_from_slice(user.as_bytes());
    Ok(text)
}

fn told(identity: &Identity) -> String {
    let word = if identity.kind == IdentityKind::User { "User" } else { "Role" };
    let mut text = format!(
        "<{word}>{}{}",
        element("Path", &identity.path),
        element(&format!("{word}Name"), &identity.name)
    );
    let _ = write!(
        text,
        "{}{}{}",
        element(&format!("{word}Id"), &identity.id),
        element("Arn", identity.arn.as_str()),
        element("CreateDate", &iso(identity.created))
    );
    if let Some(trust) = &identity.trust {
        let encoded: String = form_urlencoded::byte_serialize(trust.as_bytes()).collect();
        text.push_str(&element("AssumeRolePolicyDocument", &encoded.replace('+', "%20")));
    }
    if let Some(seconds) = identity.max_session_seconds {
        text.push_str(&element("MaxSessionDuration", &seconds.to_string()));
    }
    let _ = write!(text, "</{word}>");
    text
}

async fn identity(admitted: &Admitted, action: &str, form: &Form) -> Result<SecretBytes, ApiError> {
    let cx = &admitted.cx;
    let iam = admitted.room.iam();
    let directory = iam.directory().map_err(|_| ApiError::internal())?;
    let nothing = SecretBytes::default;
    // Of a pair of operations that differ in whom they are about.
    let whom = |action: &str| -> Result<IdentityRef, ApiError> {
        if action.contains("User") {
            Ok(IdentityRef::user(required(form, "UserName")?))
        } else {
            Ok(IdentityRef::role(required(form, "RoleName")?))
        }
    };
    Ok(match action {
        "CreateUser" => {
            let mut request = CreateUser::new(required(form, "UserName")?);
            request.path = form.get("Path").cloned();
            request.boundary = form.get("PermissionsBoundary").cloned();
            request.tags = tags(form)?;
            result(action, &told(&directory.create_user(cx, request).await?))
        }
        "CreateRole" => {
            let mut request =
                CreateRole::new(required(form, "RoleName")?, required(form, "AssumeRolePolicyDocument")?);
            request.path = form.get("Path").cloned();
            request.boundary = form.get("PermissionsBoundary").cloned();
            request.description = form.get("Description").cloned();
            request.max_session_seconds =
                form.get("MaxSessionDuration").and_then(|seconds| seconds.parse().ok());
            request.tags = tags(form)?;
            result(action, &told(&directory.create_role(cx, request).await?))
        }
        "GetUser" | "GetRole" => {
            let identity = match (action, form.get("UserName"), cx.caller()) {
                // Nobody named: oneself.
                ("GetUser", None, Caller::Principal(arn)) => {
                    IdentityRef::user(arn.resource().rsplit('/').next().unwrap_or_default())
                }
                _ => whom(action)?,
            };
            result(action, &told(&directory.get(cx, &identity).await?))
        }
        "DeleteUser" | "DeleteRole" => {
            directory.delete(cx, &whom(action)?).await?;
            nothing()
        }
        "PutUserPolicy" | "PutRolePolicy" => {
            let (name, document) = (required(form, "PolicyName")?, required(form, "PolicyDocument")?);
            directory.put_policy(cx, &whom(action)?, name, document).await?;
            nothing()
        }
        "DeleteUserPolicy" | "DeleteRolePolicy" => {
            directory.delete_policy(cx, &whom(action)?, required(form, "PolicyName")?).await?;
            nothing()
        }
        "AttachUserPolicy" | "AttachRolePolicy" => {
            directory.attach_policy(cx, &whom(action)?, required(form, "PolicyArn")?).await?;
            nothing()
        }
        "DetachUserPolicy" | "DetachRolePolicy" => {
            directory.detach_policy(cx, &whom(action)?, required(form, "PolicyArn")?).await?;
            nothing()
        }
        "CreateAccessKey" => {
            let user = required(form, "UserName")?;
            let made = directory.create_access_key(cx, user).await?;
            let mut text = SecretBytes::copy_from(b"<CreateAccessKeyResult><AccessKey>");
            text.extend_from_slice(element("UserName", user).as_bytes());
            text.extend_from_slice(element("AccessKeyId", &made.id).as_bytes());
            text.extend_from_slice(b"<Status>Active</Status><SecretAccessKey>");
            text.extend_from_slice(made.secret.expose().as_bytes());
            text.extend_from_slice(b"</SecretAccessKey>");
            text.extend_from_slice(element("CreateDate", &iso(made.created)).as_bytes());
            text.extend_from_slice(b"</AccessKey></CreateAccessKeyResult>");
            text
        }
        "DeleteAccessKey" => {
            let (user, id) = (required(form, "UserName")?, required(form, "AccessKeyId")?);
            directory.delete_access_key(cx, user, id).await?;
            nothing()
        }
        other => {
            let text = format!(
                "Could not find operation {other} for version {}",
                form.get("Version").map_or("", |v| v)
            );
            return Err(ApiError::new("InvalidAction", text));
        }
    })
}
