//! Users, their tags and policies.

use strongroom::{CreateUser, Identity, IdentityKind, IdentityRef};

use super::shapes::{
    Detail, MARKER, MAX_ITEMS, POLICY, USER, Whose, attached_page, inline, names_page, page, paging,
    tag_page, truncated, user, whose, write_boundary, write_tags,
};
use crate::query::call::{Outcome, QueryCall, QueryOperation, operation};
use crate::query::member::{Kind, may, must};
use crate::query::xml::Xml;

/// The supported operations.
pub(super) const OPERATIONS: [QueryOperation; 18] = [
    operation(
        "CreateUser",
        &[
            must("UserName", Kind::Name(64)),
            may("Path", Kind::Path),
            may("PermissionsBoundary", Kind::Arn),
            may("Tags", Kind::Tags),
        ],
        |call| Box::pin(create_user(call)),
    ),
    operation("GetUser", &[may("UserName", USER)], |call| Box::pin(get_user(call))),
    operation("ListUsers", &[may("PathPrefix", Kind::PathPrefix), MARKER, MAX_ITEMS], |call| {
        Box::pin(list_users(call))
    }),
    operation(
        "UpdateUser",
        &[must("UserName", USER), may("NewUserName", Kind::Name(64)), may("NewPath", Kind::Path)],
        |call| Box::pin(update_user(call)),
    ),
    operation("DeleteUser", &[must("UserName", USER)], |call| Box::pin(delete_user(call))),
    operation("TagUser", &[must("UserName", USER), must("Tags", Kind::Tags)], |call| {
        Box::pin(tag_user(call))
    }),
    operation("UntagUser", &[must("UserName", USER), must("TagKeys", Kind::TagKeys)], |call| {
        Box::pin(untag_user(call))
    }),
    operation("ListUserTags", &[must("UserName", USER), MARKER, MAX_ITEMS], |call| {
        Box::pin(list_user_tags(call))
    }),
    operation("ListGroupsForUser", &[must("UserName", USER), MARKER, MAX_ITEMS], |call| {
        Box::pin(list_groups_for_user(call))
    }),
    operation(
        "PutUserPolicy",
        &[must("UserName", USER), must("PolicyName", POLICY), must("PolicyDocument", Kind::Document)],
        |call| Box::pin(put_user_policy(call)),
    ),
    operation("GetUserPolicy", &[must("UserName", USER), must("PolicyName", POLICY)], |call| {
        Box::pin(get_user_policy(call))
    }),
    operation("DeleteUserPolicy", &[must("UserName", USER), must("PolicyName", POLICY)], |call| {
        Box::pin(delete_user_policy(call))
    }),
    operation("ListUserPolicies", &[must("UserName", USER), MARKER, MAX_ITEMS], |call| {
        Box::pin(list_user_policies(call))
    }),
    operation(
        "AttachUserPolicy",
        &[must("UserName", Kind::Name(64)), must("PolicyArn", Kind::PolicyArn)],
        |call| Box::pin(attach_user_policy(call)),
    ),
    operation(
        "DetachUserPolicy",
        &[must("UserName", Kind::Name(64)), must("PolicyArn", Kind::PolicyArn)],
        |call| Box::pin(detach_user_policy(call)),
    ),
    operation(
        "ListAttachedUserPolicies",
        &[must("UserName", Kind::Name(64)), may("PathPrefix", Kind::PolicyPath), MARKER, MAX_ITEMS],
        |call| Box::pin(list_attached_user_policies(call)),
    ),
    operation(
        "PutUserPermissionsBoundary",
        &[must("UserName", Kind::Name(64)), must("PermissionsBoundary", Kind::Arn)],
        |call| Box::pin(put_user_permissions_boundary(call)),
    ),
    operation("DeleteUserPermissionsBoundary", &[must("UserName", Kind::Name(64))], |call| {
        Box::pin(delete_user_permissions_boundary(call))
    }),
];

pub(super) fn write(xml: &mut Xml, user: &Identity, detail: Detail) {
    xml.text("Path", &user.path).text("UserName", &user.name).text("UserId", &user.id);
    xml.text("Arn", user.arn.as_str()).moment("CreateDate", user.created);
    if detail == Detail::Whole {
        write_boundary(xml, user);
        if !user.tags.is_empty() {
            write_tags(xml, &user.tags);
        }
    }
}

fn to_xml(user: &Identity) -> Xml {
    let mut xml = Xml::new();
    xml.within("User", |xml| write(xml, user, Detail::Whole));
    xml
}

async fn create_user(call: &QueryCall<'_>) -> Outcome {
    let mut request = CreateUser::new(call.form.must("UserName")?);
    request.path = call.form.owned("Path");
    request.boundary = call.form.owned("PermissionsBoundary");
    request.tags = call.form.tags("Tags")?;
    Ok(Some(to_xml(&call.directory.create_user(call.cx, request).await?)))
}

/// The named user or, if none is named, the caller, the owner included.
async fn get_user(call: &QueryCall<'_>) -> Outcome {
    let name = match whose(call)? {
        Whose::User(name) => name,
        Whose::Owner => {
            // The account's creation is not recorded; the owner's oldest key stands in for it.
            let keys = call.directory.owner_access_keys().list(call.cx).await?;
            let mut xml = Xml::new();
            xml.within("User", |xml| {
                xml.text("UserId", call.directory.account().as_str())
                    .text("Arn", call.cx.caller().to_string());
                if let Some(first) = keys.first() {
                    xml.moment("CreateDate", first.created);
                }
            });
            return Ok(Some(xml));
        }
    };
    Ok(Some(to_xml(&call.directory.get(call.cx, &IdentityRef::user(name)).await?)))
}

async fn list_users(call: &QueryCall<'_>) -> Outcome {
    let (most, after) = paging(call.form)?;
    let prefix = call.form.text("PathPrefix").unwrap_or("/");
    let found = call.directory.list(call.cx, IdentityKind::User, prefix, after.as_deref(), most).await?;
    let mut xml = Xml::new();
    xml.list("Users", &found.identities, |xml, user| write(xml, user, Detail::Listed));
    truncated(&mut xml, found.next_marker.as_deref());
    Ok(Some(xml))
}

async fn update_user(call: &QueryCall<'_>) -> Outcome {
    let (name, path) = (call.form.text("NewUserName"), call.form.text("NewPath"));
    call.directory.update_user(call.cx, call.form.must("UserName")?, name, path).await?;
    Ok(None)
}

async fn delete_user(call: &QueryCall<'_>) -> Outcome {
    call.directory.delete(call.cx, &user(call.form)?).await?;
    Ok(None)
}

async fn tag_user(call: &QueryCall<'_>) -> Outcome {
    call.directory.tag(call.cx, &user(call.form)?, &call.form.tags("Tags")?).await?;
    Ok(None)
}

async fn untag_user(call: &QueryCall<'_>) -> Outcome {
    call.directory.untag(call.cx, &user(call.form)?, &call.form.texts("TagKeys")?).await?;
    Ok(None)
}

async fn list_user_tags(call: &QueryCall<'_>) -> Outcome {
    Ok(Some(tag_page(call.form, call.directory.tags(call.cx, &user(call.form)?).await?)?))
}

async fn list_groups_for_user(call: &QueryCall<'_>) -> Outcome {
    let groups = call.directory.groups(call.cx, call.form.must("UserName")?).await?;
    let (groups, next) = page(call.form, groups, String::clone)?;
    let mut xml = Xml::new();
    xml.texts("Groups", groups);
    truncated(&mut xml, next.as_deref());
    Ok(Some(xml))
}

async fn put_user_policy(call: &QueryCall<'_>) -> Outcome {
    let (name, document) = (call.form.must("PolicyName")?, call.form.must("PolicyDocument")?);
    call.directory.put_policy(call.cx, &user(call.form)?, name, document).await?;
    Ok(None)
}

async fn get_user_policy(call: &QueryCall<'_>) -> Outcome {
    let (owner, name) = (call.form.must("UserName")?, call.form.must("PolicyName")?);
    let document = call.directory.policy(call.cx, &user(call.form)?, name).await?;
    Ok(Some(inline(("UserName", owner), name, &document)))
}

async fn delete_user_policy(call: &QueryCall<'_>) -> Outcome {
    call.directory.delete_policy(call.cx, &user(call.form)?, call.form.must("PolicyName")?).await?;
    Ok(None)
}

async fn list_user_policies(call: &QueryCall<'_>) -> Outcome {
    Ok(Some(names_page(call.form, call.directory.policies(call.cx, &user(call.form)?).await?)?))
}

async fn attach_user_policy(call: &QueryCall<'_>) -> Outcome {
    call.directory.attach_policy(call.cx, &user(call.form)?, call.form.must("PolicyArn")?).await?;
    Ok(None)
}

async fn detach_user_policy(call: &QueryCall<'_>) -> Outcome {
    call.directory.detach_policy(call.cx, &user(call.form)?, call.form.must("PolicyArn")?).await?;
    Ok(None)
}

async fn list_attached_user_policies(call: &QueryCall<'_>) -> Outcome {
    Ok(Some(attached_page(call.form, call.directory.attached_policies(call.cx, &user(call.form)?).await?)?))
}

async fn put_user_permissions_boundary(call: &QueryCall<'_>) -> Outcome {
    call.directory.put_boundary(call.cx, &user(call.form)?, call.form.must("PermissionsBoundary")?).await?;
    Ok(None)
}

async fn delete_user_permissions_boundary(call: &QueryCall<'_>) -> Outcome {
    call.directory.delete_boundary(call.cx, &user(call.form)?).await?;
    Ok(None)
}
