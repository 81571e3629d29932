//! Access keys of users, and of the owner where nobody is named and the owner calls.

use strongroom::{AccessKeyInfo, AccessKeyOrigin};

use super::{
    Call, Kind, MARKER, MAX_ITEMS, Operation, Outcome, USER, Whose, Xml, may, page, truncated, unknown, whose,
};
use crate::query::member::{must, operation};

const ID: Kind = Kind::AccessKeyId;

/// The operations that the server understands.
pub(super) const OPERATIONS: [Operation; 4] = [
    operation("CreateAccessKey", &[may("UserName", USER)]),
    operation("ListAccessKeys", &[may("UserName", USER), MARKER, MAX_ITEMS]),
    operation(
        "UpdateAccessKey",
        &[
            may("UserName", USER),
            must("AccessKeyId", ID),
            must("Status", Kind::Word(&["Active", "Inactive"])),
        ],
    ),
    operation("DeleteAccessKey", &[may("UserName", USER), must("AccessKeyId", ID)]),
];

fn status(key: &AccessKeyInfo) -> &'static str {
    if key.active { "Active" } else { "Inactive" }
}

pub(super) async fn run(call: &Call<'_>) -> Outcome {
    let (form, cx, directory) = (call.form, &call.admitted.cx, &call.directory);
    let whose = whose(call)?;
    Ok(match call.action {
        "CreateAccessKey" => {
            let (user, made) = match &whose {
                Whose::Owner => (None, directory.put_owner_access_key(cx, AccessKeyOrigin::Api, None).await?),
                Whose::User(name) => (Some(name), directory.create_access_key(cx, name).await?),
            };
            let mut xml = Xml::new();
            xml.within("AccessKey", |xml| {
                xml.maybe("UserName", user).text("AccessKeyId", &made.id).text("Status", "Active");
                xml.text("SecretAccessKey", made.secret.expose()).moment("CreateDate", made.created);
            });
            Some(xml)
        }
        "ListAccessKeys" => {
            let keys = match &whose {
                Whose::Owner => directory.owner_access_keys(cx).await?,
                Whose::User(name) => directory.access_keys(cx, name).await?,
            };
            let (keys, next) =
                page(form, keys, |key| format!("{:016}{}", key.created.as_millis().max(0), key.id))?;
            let mut xml = Xml::new();
            xml.list("AccessKeyMetadata", &keys, |xml, key| {
                xml.maybe("UserName", key.user.as_ref()).text("AccessKeyId", &key.id);
                xml.text("Status", status(key)).moment("CreateDate", key.created);
            });
            truncated(&mut xml, next.as_deref());
            Some(xml)
        }
        "UpdateAccessKey" => {
            let (id, active) = (form.must("AccessKeyId")?, form.must("Status")? == "Active");
            match &whose {
                Whose::Owner => directory.set_owner_access_key_active(cx, id, active).await?,
                Whose::User(name) => directory.set_access_key_active(cx, name, id, active).await?,
            }
            None
        }
        "DeleteAccessKey" => {
            let id = form.must("AccessKeyId")?;
            match &whose {
                Whose::Owner => directory.delete_owner_access_key(cx, id).await?,
                Whose::User(name) => directory.delete_access_key(cx, name, id).await?,
            }
            None
        }
        other => return Err(unknown(other, form)),
    })
}
