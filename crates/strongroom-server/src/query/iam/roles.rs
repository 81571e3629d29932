//! Roles, their tags and policies.

use strongroom::{CreateRole, Identity, IdentityKind};

use super::{
    Call, Detail, Kind, MARKER, MAX_ITEMS, Operation, Outcome, POLICY, ROLE, Xml, attached_page, inline, may,
    names_page, page, paging, role, tag_page, truncated, unknown, write_boundary, write_tags,
};
use crate::answer::ApiError;
use crate::query::form::Form;
use crate::query::member::{must, operation};

const DURATION: Kind = Kind::Number(3600, 43_200);

/// The operations that the server understands.
pub(super) const OPERATIONS: [Operation; 20] = [
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
    ),
    operation("GetRole", &[must("RoleName", ROLE)]),
    operation("ListRoles", &[may("PathPrefix", Kind::PathPrefix), MARKER, MAX_ITEMS]),
    operation(
        "UpdateRole",
        &[must("RoleName", ROLE), may("Description", Kind::Description), may("MaxSessionDuration", DURATION)],
    ),
    operation("UpdateRoleDescription", &[must("RoleName", ROLE), must("Description", Kind::Description)]),
    operation("UpdateAssumeRolePolicy", &[must("RoleName", ROLE), must("PolicyDocument", Kind::Document)]),
    operation("DeleteRole", &[must("RoleName", ROLE)]),
    operation("TagRole", &[must("RoleName", ROLE), must("Tags", Kind::Tags)]),
    operation("UntagRole", &[must("RoleName", ROLE), must("TagKeys", Kind::TagKeys)]),
    operation("ListRoleTags", &[must("RoleName", ROLE), MARKER, MAX_ITEMS]),
    operation("ListInstanceProfilesForRole", &[must("RoleName", ROLE), MARKER, MAX_ITEMS]),
    operation(
        "PutRolePolicy",
        &[must("RoleName", ROLE), must("PolicyName", POLICY), must("PolicyDocument", Kind::Document)],
    ),
    operation("GetRolePolicy", &[must("RoleName", ROLE), must("PolicyName", POLICY)]),
    operation("DeleteRolePolicy", &[must("RoleName", ROLE), must("PolicyName", POLICY)]),
    operation("ListRolePolicies", &[must("RoleName", ROLE), MARKER, MAX_ITEMS]),
    operation("AttachRolePolicy", &[must("RoleName", ROLE), must("PolicyArn", Kind::PolicyArn)]),
    operation("DetachRolePolicy", &[must("RoleName", ROLE), must("PolicyArn", Kind::PolicyArn)]),
    operation(
        "ListAttachedRolePolicies",
        &[must("RoleName", ROLE), may("PathPrefix", Kind::PolicyPath), MARKER, MAX_ITEMS],
    ),
    operation(
        "PutRolePermissionsBoundary",
        &[must("RoleName", ROLE), must("PermissionsBoundary", Kind::Arn)],
    ),
    operation("DeleteRolePermissionsBoundary", &[must("RoleName", ROLE)]),
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
        // When a role was last taken on is not kept.
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

pub(super) async fn run(call: &Call<'_>) -> Outcome {
    let (form, cx, directory) = (call.form, &call.admitted.cx, &call.directory);
    Ok(match call.action {
        "CreateRole" => {
            let mut request = CreateRole::new(form.must("RoleName")?, form.must("AssumeRolePolicyDocument")?);
            request.path = form.owned("Path");
            request.boundary = form.owned("PermissionsBoundary");
            request.description = form.owned("Description");
            request.max_session_seconds = seconds(form)?;
            request.tags = form.tags("Tags")?;
            Some(to_xml(&directory.create_role(cx, request).await?))
        }
        "GetRole" => Some(to_xml(&directory.get(cx, &role(form)?).await?)),
        "ListRoles" => {
            let (most, after) = paging(form)?;
            let prefix = form.text("PathPrefix").unwrap_or("/");
            let found = directory.list(cx, IdentityKind::Role, prefix, after.as_deref(), most).await?;
            let mut xml = Xml::new();
            xml.list("Roles", &found.identities, |xml, role| write(xml, role, Detail::Listed));
            truncated(&mut xml, found.next_marker.as_deref());
            Some(xml)
        }
        "UpdateRole" => {
            let description = form.text("Description");
            directory.update_role(cx, form.must("RoleName")?, description, seconds(form)?).await?;
            Some(Xml::new())
        }
        "UpdateRoleDescription" => {
            let description = Some(form.must("Description")?);
            Some(to_xml(&directory.update_role(cx, form.must("RoleName")?, description, None).await?))
        }
        "UpdateAssumeRolePolicy" => {
            directory.update_trust(cx, form.must("RoleName")?, form.must("PolicyDocument")?).await?;
            None
        }
        "DeleteRole" => {
            directory.delete(cx, &role(form)?).await?;
            None
        }
        "TagRole" => {
            directory.tag(cx, &role(form)?, &form.tags("Tags")?).await?;
            None
        }
        "UntagRole" => {
            directory.untag(cx, &role(form)?, &form.texts("TagKeys")?).await?;
            None
        }
        "ListRoleTags" => Some(tag_page(form, directory.tags(cx, &role(form)?).await?)?),
        "ListInstanceProfilesForRole" => {
            let profiles = directory.instance_profiles(cx, form.must("RoleName")?).await?;
            let (profiles, next) = page(form, profiles, String::clone)?;
            let mut xml = Xml::new();
            xml.texts("InstanceProfiles", profiles);
            truncated(&mut xml, next.as_deref());
            Some(xml)
        }
        "PutRolePolicy" => {
            let (name, document) = (form.must("PolicyName")?, form.must("PolicyDocument")?);
            directory.put_policy(cx, &role(form)?, name, document).await?;
            None
        }
        "GetRolePolicy" => {
            let (owner, name) = (form.must("RoleName")?, form.must("PolicyName")?);
            let document = directory.policy(cx, &role(form)?, name).await?;
            Some(inline(("RoleName", owner), name, &document))
        }
        "DeleteRolePolicy" => {
            directory.delete_policy(cx, &role(form)?, form.must("PolicyName")?).await?;
            None
        }
        "ListRolePolicies" => Some(names_page(form, directory.policies(cx, &role(form)?).await?)?),
        "AttachRolePolicy" => {
            directory.attach_policy(cx, &role(form)?, form.must("PolicyArn")?).await?;
            None
        }
        "DetachRolePolicy" => {
            directory.detach_policy(cx, &role(form)?, form.must("PolicyArn")?).await?;
            None
        }
        "ListAttachedRolePolicies" => {
            Some(attached_page(form, directory.attached_policies(cx, &role(form)?).await?)?)
        }
        "PutRolePermissionsBoundary" => {
            directory.put_boundary(cx, &role(form)?, form.must("PermissionsBoundary")?).await?;
            None
        }
        "DeleteRolePermissionsBoundary" => {
            directory.delete_boundary(cx, &role(form)?).await?;
            None
        }
        other => return Err(unknown(other, form)),
    })
}
