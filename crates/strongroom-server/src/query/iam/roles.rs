//! Roles, their tags and policies.

use strongroom::{CreateRole, Identity, IdentityKind};

use super::shapes::{
    Detail, MARKER, MAX_ITEMS, POLICY, ROLE, attached_page, inline, names_page, page, paging, role, tag_page,
    truncated, write_boundary, write_tags,
};
use crate::answer::ApiError;
use crate::query::call::{Outcome, QueryCall, QueryOperation, operation};
use crate::query::form::Form;
use crate::query::member::{Kind, may, must};
use crate::query::xml::Xml;

const DURATION: Kind = Kind::Number(3600, 43_200);

/// The supported operations.
pub(super) const OPERATIONS: [QueryOperation; 20] = [
    operation(
        "CreateRole",
        &[
            must("RoleName", ROLE),
            must("AssumeRolePolicyDocument", Kind::Document),
            may("Path", Kind::Path),
            may("Description", Kind::Description),
            may("MaxSessionDuration", DURATION),
            may("PermissionsBoundary", Kind::Arn),
            may("Tags", Kind::Tags),
        ],
        |call| Box::pin(create_role(call)),
    ),
    operation("GetRole", &[must("RoleName", ROLE)], |call| Box::pin(get_role(call))),
    operation("ListRoles", &[may("PathPrefix", Kind::PathPrefix), MARKER, MAX_ITEMS], |call| {
        Box::pin(list_roles(call))
    }),
    operation(
        "UpdateRole",
        &[must("RoleName", ROLE), may("Description", Kind::Description), may("MaxSessionDuration", DURATION)],
        |call| Box::pin(update_role(call)),
    ),
    operation(
        "UpdateRoleDescription",
        &[must("RoleName", ROLE), must("Description", Kind::Description)],
        |call| Box::pin(update_role_description(call)),
    ),
    operation(
        "UpdateAssumeRolePolicy",
        &[must("RoleName", ROLE), must("PolicyDocument", Kind::Document)],
        |call| Box::pin(update_assume_role_policy(call)),
    ),
    operation("DeleteRole", &[must("RoleName", ROLE)], |call| Box::pin(delete_role(call))),
    operation("TagRole", &[must("RoleName", ROLE), must("Tags", Kind::Tags)], |call| {
        Box::pin(tag_role(call))
    }),
    operation("UntagRole", &[must("RoleName", ROLE), must("TagKeys", Kind::TagKeys)], |call| {
        Box::pin(untag_role(call))
    }),
    operation("ListRoleTags", &[must("RoleName", ROLE), MARKER, MAX_ITEMS], |call| {
        Box::pin(list_role_tags(call))
    }),
    operation("ListInstanceProfilesForRole", &[must("RoleName", ROLE), MARKER, MAX_ITEMS], |call| {
        Box::pin(list_instance_profiles_for_role(call))
    }),
    operation(
        "PutRolePolicy",
        &[must("RoleName", ROLE), must("PolicyName", POLICY), must("PolicyDocument", Kind::Document)],
        |call| Box::pin(put_role_policy(call)),
    ),
    operation("GetRolePolicy", &[must("RoleName", ROLE), must("PolicyName", POLICY)], |call| {
        Box::pin(get_role_policy(call))
    }),
    operation("DeleteRolePolicy", &[must("RoleName", ROLE), must("PolicyName", POLICY)], |call| {
        Box::pin(delete_role_policy(call))
    }),
    operation("ListRolePolicies", &[must("RoleName", ROLE), MARKER, MAX_ITEMS], |call| {
        Box::pin(list_role_policies(call))
    }),
    operation("AttachRolePolicy", &[must("RoleName", ROLE), must("PolicyArn", Kind::PolicyArn)], |call| {
        Box::pin(attach_role_policy(call))
    }),
    operation("DetachRolePolicy", &[must("RoleName", ROLE), must("PolicyArn", Kind::PolicyArn)], |call| {
        Box::pin(detach_role_policy(call))
    }),
    operation(
        "ListAttachedRolePolicies",
        &[must("RoleName", ROLE), may("PathPrefix", Kind::PolicyPath), MARKER, MAX_ITEMS],
        |call| Box::pin(list_attached_role_policies(call)),
    ),
    operation(
        "PutRolePermissionsBoundary",
        &[must("RoleName", ROLE), must("PermissionsBoundary", Kind::Arn)],
        |call| Box::pin(put_role_permissions_boundary(call)),
    ),
    operation("DeleteRolePermissionsBoundary", &[must("RoleName", ROLE)], |call| {
        Box::pin(delete_role_permissions_boundary(call))
    }),
];

pub(super) fn write(xml: &mut Xml, role: &Identity, detail: Detail) {
    xml.text("Path", &role.path).text("RoleName", &role.name).text("RoleId", &role.id);
    xml.text("Arn", role.arn.as_str()).moment("CreateDate", role.created);
    if let Some(trust) = &role.trust {
        xml.document("AssumeRolePolicyDocument", trust);
    }
    xml.maybe("Description", role.description.as_ref());
    if let Some(seconds) = role.max_session_seconds {
        xml.number("MaxSessionDuration", seconds);
    }
    if detail == Detail::Whole {
        write_boundary(xml, role);
        if !role.tags.is_empty() {
            write_tags(xml, &role.tags);
        }
        // The time of the last AssumeRole is not recorded.
        xml.within("RoleLastUsed", |_| ());
    }
}

fn to_xml(role: &Identity) -> Xml {
    let mut xml = Xml::new();
    xml.within("Role", |xml| write(xml, role, Detail::Whole));
    xml
}

fn seconds(form: &Form) -> Result<Option<u32>, ApiError> {
    Ok(form.number("MaxSessionDuration")?.and_then(|seconds| u32::try_from(seconds).ok()))
}

async fn create_role(call: &QueryCall<'_>) -> Outcome {
    let mut request =
        CreateRole::new(call.form.must("RoleName")?, call.form.must("AssumeRolePolicyDocument")?);
    request.path = call.form.owned("Path");
    request.boundary = call.form.owned("PermissionsBoundary");
    request.description = call.form.owned("Description");
    request.max_session_seconds = seconds(call.form)?;
    request.tags = call.form.tags("Tags")?;
    Ok(Some(to_xml(&call.directory.create_role(call.cx, request).await?)))
}

async fn get_role(call: &QueryCall<'_>) -> Outcome {
    Ok(Some(to_xml(&call.directory.get(call.cx, &role(call.form)?).await?)))
}

async fn list_roles(call: &QueryCall<'_>) -> Outcome {
    let (most, after) = paging(call.form)?;
    let prefix = call.form.text("PathPrefix").unwrap_or("/");
    let found = call.directory.list(call.cx, IdentityKind::Role, prefix, after.as_deref(), most).await?;
    let mut xml = Xml::new();
    xml.list("Roles", &found.identities, |xml, role| write(xml, role, Detail::Listed));
    truncated(&mut xml, found.next_marker.as_deref());
    Ok(Some(xml))
}

async fn update_role(call: &QueryCall<'_>) -> Outcome {
    let description = call.form.text("Description");
    call.directory
        .update_role(call.cx, call.form.must("RoleName")?, description, seconds(call.form)?)
        .await?;
    Ok(Some(Xml::new()))
}

async fn update_role_description(call: &QueryCall<'_>) -> Outcome {
    let description = Some(call.form.must("Description")?);
    Ok(Some(to_xml(
        &call.directory.update_role(call.cx, call.form.must("RoleName")?, description, None).await?,
    )))
}

async fn update_assume_role_policy(call: &QueryCall<'_>) -> Outcome {
    call.directory
        .update_trust(call.cx, call.form.must("RoleName")?, call.form.must("PolicyDocument")?)
        .await?;
    Ok(None)
}

async fn delete_role(call: &QueryCall<'_>) -> Outcome {
    call.directory.delete(call.cx, &role(call.form)?).await?;
    Ok(None)
}

async fn tag_role(call: &QueryCall<'_>) -> Outcome {
    call.directory.tag(call.cx, &role(call.form)?, &call.form.tags("Tags")?).await?;
    Ok(None)
}

async fn untag_role(call: &QueryCall<'_>) -> Outcome {
    call.directory.untag(call.cx, &role(call.form)?, &call.form.texts("TagKeys")?).await?;
    Ok(None)
}

async fn list_role_tags(call: &QueryCall<'_>) -> Outcome {
    Ok(Some(tag_page(call.form, call.directory.tags(call.cx, &role(call.form)?).await?)?))
}

async fn list_instance_profiles_for_role(call: &QueryCall<'_>) -> Outcome {
    let profiles = call.directory.instance_profiles(call.cx, call.form.must("RoleName")?).await?;
    let (profiles, next) = page(call.form, profiles, String::clone)?;
    let mut xml = Xml::new();
    xml.texts("InstanceProfiles", profiles);
    truncated(&mut xml, next.as_deref());
    Ok(Some(xml))
}

async fn put_role_policy(call: &QueryCall<'_>) -> Outcome {
    let (name, document) = (call.form.must("PolicyName")?, call.form.must("PolicyDocument")?);
    call.directory.put_policy(call.cx, &role(call.form)?, name, document).await?;
    Ok(None)
}

async fn get_role_policy(call: &QueryCall<'_>) -> Outcome {
    let (owner, name) = (call.form.must("RoleName")?, call.form.must("PolicyName")?);
    let document = call.directory.policy(call.cx, &role(call.form)?, name).await?;
    Ok(Some(inline(("RoleName", owner), name, &document)))
}

async fn delete_role_policy(call: &QueryCall<'_>) -> Outcome {
    call.directory.delete_policy(call.cx, &role(call.form)?, call.form.must("PolicyName")?).await?;
    Ok(None)
}

async fn list_role_policies(call: &QueryCall<'_>) -> Outcome {
    Ok(Some(names_page(call.form, call.directory.policies(call.cx, &role(call.form)?).await?)?))
}

async fn attach_role_policy(call: &QueryCall<'_>) -> Outcome {
    call.directory.attach_policy(call.cx, &role(call.form)?, call.form.must("PolicyArn")?).await?;
    Ok(None)
}

async fn detach_role_policy(call: &QueryCall<'_>) -> Outcome {
    call.directory.detach_policy(call.cx, &role(call.form)?, call.form.must("PolicyArn")?).await?;
    Ok(None)
}

async fn list_attached_role_policies(call: &QueryCall<'_>) -> Outcome {
    Ok(Some(attached_page(call.form, call.directory.attached_policies(call.cx, &role(call.form)?).await?)?))
}

async fn put_role_permissions_boundary(call: &QueryCall<'_>) -> Outcome {
    call.directory.put_boundary(call.cx, &role(call.form)?, call.form.must("PermissionsBoundary")?).await?;
    Ok(None)
}

async fn delete_role_permissions_boundary(call: &QueryCall<'_>) -> Outcome {
    call.directory.delete_boundary(call.cx, &role(call.form)?).await?;
    Ok(None)
}
