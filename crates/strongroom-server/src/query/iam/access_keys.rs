//! Access keys of users, or of the owner if the owner calls and names no user.

use strongroom::{AccessKeyInfo, AccessKeyOrigin};

use super::shapes::{MARKER, MAX_ITEMS, USER, Whose, page, truncated, whose};
use crate::query::call::{Outcome, QueryCall, QueryOperation, operation};
use crate::query::member::{Kind, may, must};
use crate::query::xml::Xml;

const ID: Kind = Kind::AccessKeyId;

/// The supported operations.
pub(super) const OPERATIONS: [QueryOperation; 4] = [
    operation("CreateAccessKey", &[may("UserName", USER)], |call| Box::pin(create_access_key(call))),
    operation("ListAccessKeys", &[may("UserName", USER), MARKER, MAX_ITEMS], |call| {
        Box::pin(list_access_keys(call))
    }),
    operation(
        "UpdateAccessKey",
        &[
            may("UserName", USER),
            must("AccessKeyId", ID),
            must("Status", Kind::Word(&["Active", "Inactive"])),
        ],
        |call| Box::pin(update_access_key(call)),
    ),
    operation("DeleteAccessKey", &[may("UserName", USER), must("AccessKeyId", ID)], |call| {
        Box::pin(delete_access_key(call))
    }),
];

fn status(key: &AccessKeyInfo) -> &'static str {
    if key.active { "Active" } else { "Inactive" }
}

async fn create_access_key(call: &QueryCall<'_>) -> Outcome {
    let whose = whose(call)?;
    let (user, output) = match &whose {
        Whose::Owner => {
            (None, call.directory.owner_access_keys().put(call.cx, AccessKeyOrigin::Api, None).await?)
        }
        Whose::User(name) => (Some(name), call.directory.access_keys().create(call.cx, name).await?),
    };
    let mut xml = Xml::new();
    xml.within("AccessKey", |xml| {
        xml.maybe("UserName", user).text("AccessKeyId", &output.id).text("Status", "Active");
        xml.text("SecretAccessKey", output.secret.expose()).moment("CreateDate", output.created);
    });
    Ok(Some(xml))
}

async fn list_access_keys(call: &QueryCall<'_>) -> Outcome {
    let whose = whose(call)?;
    let keys = match &whose {
        Whose::Owner => call.directory.owner_access_keys().list(call.cx).await?,
        Whose::User(name) => call.directory.access_keys().list(call.cx, name).await?,
    };
    let (keys, next) =
        page(call.form, keys, |key| format!("{:016}{}", key.created.as_millis().max(0), key.id))?;
    let mut xml = Xml::new();
    xml.list("AccessKeyMetadata", &keys, |xml, key| {
        xml.maybe("UserName", key.user.as_ref()).text("AccessKeyId", &key.id);
        xml.text("Status", status(key)).moment("CreateDate", key.created);
    });
    truncated(&mut xml, next.as_deref());
    Ok(Some(xml))
}

async fn update_access_key(call: &QueryCall<'_>) -> Outcome {
    let whose = whose(call)?;
    let (id, active) = (call.form.must("AccessKeyId")?, call.form.must("Status")? == "Active");
    match &whose {
        Whose::Owner => call.directory.owner_access_keys().set_active(call.cx, id, active).await?,
        Whose::User(name) => call.directory.access_keys().set_active(call.cx, name, id, active).await?,
    }
    Ok(None)
}

async fn delete_access_key(call: &QueryCall<'_>) -> Outcome {
    let whose = whose(call)?;
    let id = call.form.must("AccessKeyId")?;
    match &whose {
        Whose::Owner => call.directory.owner_access_keys().delete(call.cx, id).await?,
        Whose::User(name) => call.directory.access_keys().delete(call.cx, name, id).await?,
    }
    Ok(None)
}
