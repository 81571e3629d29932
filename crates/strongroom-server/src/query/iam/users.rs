//! Users, their tags and policies.

use strongroom::{CreateUser, Identity, IdentityKind, IdentityRef};

use super::{
    Call, Detail, Kind, MARKER, MAX_ITEMS, Operation, Outcome, POLICY, USER, Whose, Xml, attached_page,
    inline, may, names_page, page, paging, tag_page, truncated, unknown, user, whose, write_boundary,
    write_tags,
};
use crate::answer::ApiError;
use crate::query::member::{must, operation};

/// The operations that the server understands.
pub(super) const OPERATIONS: [Operation; 18] = [
    operation(
        "CreateUser",
        &[
            must("UserName", Kind::Name(64)),
            may("Path", Kind::Path),
            may("PermissionsBoundary", Kind::Arn),
            may("Tags", Kind::Tags),
        ],
    ),
    operation("GetUser", &[may("UserName", USER)]),
    operation("ListUsers", &[may("PathPrefix", Kind::PathPrefix), MARKER, MAX_ITEMS]),
    operation(
        "UpdateUser",
        &[must("UserName", USER), may("NewUserName", Kind::Name(64)), may("NewPath", Kind::Path)],
    ),
    operation("DeleteUser", &[must("UserName", USER)]),
    operation("TagUser", &[must("UserName", USER), must("Tags", Kind::Tags)]),
    operation("UntagUser", &[must("UserName", USER), must("TagKeys", Kind::TagKeys)]),
    operation("ListUserTags", &[must("UserName", USER), MARKER, MAX_ITEMS]),
    operation("ListGroupsForUser", &[must("UserName", USER), MARKER, MAX_ITEMS]),
    operation(
        "PutUserPolicy",
        &[must("UserName", USER), must("PolicyName", POLICY), must("PolicyDocument", Kind::Document)],
    ),
    operation("GetUserPolicy", &[must("UserName", USER), must("PolicyName", POLICY)]),
    operation("DeleteUserPolicy", &[must("UserName", USER), must("PolicyName", POLICY)]),
    operation("ListUserPolicies", &[must("UserName", USER), MARKER, MAX_ITEMS]),
    operation("AttachUserPolicy", &[must("UserName", Kind::Name(64)), must("PolicyArn", Kind::PolicyArn)]),
    operation("DetachUserPolicy", &[must("UserName", Kind::Name(64)), must("PolicyArn", Kind::PolicyArn)]),
    operation(
        "ListAttachedUserPolicies",
        &[must("UserName", Kind::Name(64)), may("PathPrefix", Kind::PolicyPath), MARKER, MAX_ITEMS],
    ),
    operation(
        "PutUserPermissionsBoundary",
        &[must("UserName", Kind::Name(64)), must("PermissionsBoundary", Kind::Arn)],
    ),
    operation("DeleteUserPermissionsBoundary", &[must("UserName", Kind::Name(64))]),
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

pub(super) async fn run(call: &Call<'_>) -> Outcome {
    let (form, cx, directory) = (call.form, &call.admitted.cx, &call.directory);
    Ok(match call.action {
        "CreateUser" => {
            let mut request = CreateUser::new(form.must("UserName")?);
            request.path = form.owned("Path");
            request.boundary = form.owned("PermissionsBoundary");
            request.tags = form.tags("Tags")?;
            Some(to_xml(&directory.create_user(cx, request).await?))
        }
        "GetUser" => Some(get(call).await?),
        "ListUsers" => {
            let (most, after) = paging(form)?;
            let prefix = form.text("PathPrefix").unwrap_or("/");
            let found = directory.list(cx, IdentityKind::User, prefix, after.as_deref(), most).await?;
            let mut xml = Xml::new();
            xml.list("Users", &found.identities, |xml, user| write(xml, user, Detail::Listed));
            truncated(&mut xml, found.next_marker.as_deref());
            Some(xml)
        }
        "UpdateUser" => {
            let (name, path) = (form.text("NewUserName"), form.text("NewPath"));
            directory.update_user(cx, form.must("UserName")?, name, path).await?;
            None
        }
        "DeleteUser" => {
            directory.delete(cx, &user(form)?).await?;
            None
        }
        "TagUser" => {
            directory.tag(cx, &user(form)?, &form.tags("Tags")?).await?;
            None
        }
        "UntagUser" => {
            directory.untag(cx, &user(form)?, &form.texts("TagKeys")?).await?;
            None
        }
        "ListUserTags" => Some(tag_page(form, directory.tags(cx, &user(form)?).await?)?),
        "ListGroupsForUser" => {
            let groups = directory.groups(cx, form.must("UserName")?).await?;
            let (groups, next) = page(form, groups, String::clone)?;
            let mut xml = Xml::new();
            xml.texts("Groups", groups);
            truncated(&mut xml, next.as_deref());
            Some(xml)
        }
        "PutUserPolicy" => {
            let (name, document) = (form.must("PolicyName")?, form.must("PolicyDocument")?);
            directory.put_policy(cx, &user(form)?, name, document).await?;
            None
        }
        "GetUserPolicy" => {
            let (owner, name) = (form.must("UserName")?, form.must("PolicyName")?);
            let document = directory.policy(cx, &user(form)?, name).await?;
            Some(inline(("UserName", owner), name, &document))
        }
        "DeleteUserPolicy" => {
            directory.delete_policy(cx, &user(form)?, form.must("PolicyName")?).await?;
            None
        }
        "ListUserPolicies" => Some(names_page(form, directory.policies(cx, &user(form)?).await?)?),
        "AttachUserPolicy" => {
            directory.attach_policy(cx, &user(form)?, form.must("PolicyArn")?).await?;
            None
        }
        "DetachUserPolicy" => {
            directory.detach_policy(cx, &user(form)?, form.must("PolicyArn")?).await?;
            None
        }
        "ListAttachedUserPolicies" => {
            Some(attached_page(form, directory.attached_policies(cx, &user(form)?).await?)?)
        }
        "PutUserPermissionsBoundary" => {
            directory.put_boundary(cx, &user(form)?, form.must("PermissionsBoundary")?).await?;
            None
        }
        "DeleteUserPermissionsBoundary" => {
            directory.delete_boundary(cx, &user(form)?).await?;
            None
        }
        other => return Err(unknown(other, form)),
    })
}

/// The named user or, if none is named, the caller, the owner included.
async fn get(call: &Call<'_>) -> Result<Xml, ApiError> {
    let (cx, directory) = (&call.admitted.cx, &call.directory);
    let name = match whose(call)? {
        Whose::User(name) => name,
        Whose::Owner => {
            // The account has no date of its own: it is as old as the oldest of its owner's keys.
            let keys = directory.owner_access_keys(cx).await?;
            let mut xml = Xml::new();
            xml.within("User", |xml| {
                xml.text("UserId", directory.account().as_str()).text("Arn", cx.caller().to_string());
                if let Some(first) = keys.first() {
                    xml.moment("CreateDate", first.created);
                }
            });
            return Ok(xml);
        }
    };
    Ok(to_xml(&directory.get(cx, &IdentityRef::user(name)).await?))
}
