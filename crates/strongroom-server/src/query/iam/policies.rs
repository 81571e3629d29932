//! Managed policies and their versions.

use strongroom::{CreatePolicy, IdentityKind, ManagedPolicy};
use strongroom_iam::{PolicyUse, PolicyVersion};

use super::shapes::{MARKER, MAX_ITEMS, POLICY, page, page_by_place, tag_page, truncated, write_tags};
use crate::answer::ApiError;
use crate::query::call::{Outcome, QueryCall, QueryOperation, operation};
use crate::query::member::{Kind, may, must};
use crate::query::xml::Xml;

const ARN: Kind = Kind::PolicyArn;
const USES: Kind = Kind::Word(&["PermissionsPolicy", "PermissionsBoundary"]);

/// The supported operations.
pub(super) const OPERATIONS: [QueryOperation; 13] = [
    operation(
        "CreatePolicy",
        &[
            must("PolicyName", POLICY),
            must("PolicyDocument", Kind::Document),
            may("Path", Kind::PolicyPath),
            may("Description", Kind::Free(1000)),
            may("Tags", Kind::Tags),
        ],
        |call| Box::pin(create_policy(call)),
    ),
    operation("GetPolicy", &[must("PolicyArn", ARN)], |call| Box::pin(get_policy(call))),
    operation(
        "ListPolicies",
        &[
            may("Scope", Kind::Word(&["All", "AWS", "Local"])),
            may("OnlyAttached", Kind::Flag),
            may("PathPrefix", Kind::PolicyPath),
            may("PolicyUsageFilter", USES),
            MARKER,
            MAX_ITEMS,
        ],
        |call| Box::pin(list_policies(call)),
    ),
    operation("DeletePolicy", &[must("PolicyArn", ARN)], |call| Box::pin(delete_policy(call))),
    operation(
        "ListEntitiesForPolicy",
        &[
            must("PolicyArn", ARN),
            may(
                "EntityFilter",
                Kind::Word(&["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"]),
            ),
            may("PathPrefix", Kind::Path),
            may("PolicyUsageFilter", USES),
            MARKER,
            MAX_ITEMS,
        ],
        |call| Box::pin(list_entities_for_policy(call)),
    ),
    operation(
        "CreatePolicyVersion",
        &[must("PolicyArn", ARN), must("PolicyDocument", Kind::Document), may("SetAsDefault", Kind::Flag)],
        |call| Box::pin(create_policy_version(call)),
    ),
    operation("GetPolicyVersion", &[must("PolicyArn", ARN), must("VersionId", Kind::VersionId)], |call| {
        Box::pin(get_policy_version(call))
    }),
    operation("ListPolicyVersions", &[must("PolicyArn", ARN), MARKER, MAX_ITEMS], |call| {
        Box::pin(list_policy_versions(call))
    }),
    operation(
        "SetDefaultPolicyVersion",
        &[must("PolicyArn", ARN), must("VersionId", Kind::VersionId)],
        |call| Box::pin(set_default_policy_version(call)),
    ),
    operation("DeletePolicyVersion", &[must("PolicyArn", ARN), must("VersionId", Kind::VersionId)], |call| {
        Box::pin(delete_policy_version(call))
    }),
    operation("TagPolicy", &[must("PolicyArn", ARN), must("Tags", Kind::Tags)], |call| {
        Box::pin(tag_policy(call))
    }),
    operation("UntagPolicy", &[must("PolicyArn", ARN), must("TagKeys", Kind::TagKeys)], |call| {
        Box::pin(untag_policy(call))
    }),
    operation("ListPolicyTags", &[must("PolicyArn", ARN), MARKER, MAX_ITEMS], |call| {
        Box::pin(list_policy_tags(call))
    }),
];

/// The part of a policy that every response shows.
pub(super) fn write(xml: &mut Xml, policy: &ManagedPolicy) {
    xml.text("PolicyName", &policy.name).text("PolicyId", &policy.id).text("Arn", policy.arn.as_str());
    xml.text("Path", &policy.path).text("DefaultVersionId", &policy.version);
    xml.number("AttachmentCount", policy.attachments.saturating_sub(policy.boundaries));
    xml.number("PermissionsBoundaryUsageCount", policy.boundaries).flag("IsAttachable", true);
    xml.moment("CreateDate", policy.created).moment("UpdateDate", policy.updated);
}

pub(super) fn write_version(xml: &mut Xml, version: &PolicyVersion, with_document: bool) {
    if with_document {
        xml.document("Document", &version.document);
    }
    xml.text("VersionId", &version.id).flag("IsDefaultVersion", version.is_default);
    xml.moment("CreateDate", version.created);
}

fn to_xml(policy: &ManagedPolicy) -> Xml {
    let mut xml = Xml::new();
    xml.within("Policy", |xml| {
        write(xml, policy);
        xml.maybe("Description", policy.description.as_ref());
        write_tags(xml, &policy.tags);
    });
    xml
}

fn version(version: &PolicyVersion, with_document: bool) -> Xml {
    let mut xml = Xml::new();
    xml.within("PolicyVersion", |xml| write_version(xml, version, with_document));
    xml
}

async fn create_policy(call: &QueryCall<'_>) -> Outcome {
    let mut request = CreatePolicy::new(call.form.must("PolicyName")?, call.form.must("PolicyDocument")?);
    request.path = call.form.owned("Path");
    request.description = call.form.owned("Description");
    request.tags = call.form.tags("Tags")?;
    Ok(Some(to_xml(&call.directory.managed_policies().create(call.cx, request).await?)))
}

async fn get_policy(call: &QueryCall<'_>) -> Outcome {
    let arn = call.form.text("PolicyArn").unwrap_or_default();
    Ok(Some(to_xml(&call.directory.managed_policies().get(call.cx, arn).await?)))
}

async fn list_policies(call: &QueryCall<'_>) -> Outcome {
    Ok(Some(list(call).await?))
}

async fn delete_policy(call: &QueryCall<'_>) -> Outcome {
    let arn = call.form.text("PolicyArn").unwrap_or_default();
    call.directory.managed_policies().delete(call.cx, arn).await?;
    Ok(None)
}

async fn list_entities_for_policy(call: &QueryCall<'_>) -> Outcome {
    let arn = call.form.text("PolicyArn").unwrap_or_default();
    Ok(Some(entities(call, arn).await?))
}

async fn create_policy_version(call: &QueryCall<'_>) -> Outcome {
    let arn = call.form.text("PolicyArn").unwrap_or_default();
    let (document, default) = (call.form.must("PolicyDocument")?, call.form.flag("SetAsDefault")?);
    let output = call
        .directory
        .managed_policies()
        .create_version(call.cx, arn, document, default.unwrap_or_default())
        .await?;
    Ok(Some(version(&output, false)))
}

async fn get_policy_version(call: &QueryCall<'_>) -> Outcome {
    let arn = call.form.text("PolicyArn").unwrap_or_default();
    Ok(Some(version(
        &call.directory.managed_policies().version(call.cx, arn, call.form.must("VersionId")?).await?,
        true,
    )))
}

async fn list_policy_versions(call: &QueryCall<'_>) -> Outcome {
    let arn = call.form.text("PolicyArn").unwrap_or_default();
    let versions = call.directory.managed_policies().versions(call.cx, arn).await?;
    let (versions, next) = page_by_place(call.form, versions)?;
    let mut xml = Xml::new();
    xml.list("Versions", &versions, |xml, version| write_version(xml, version, false));
    truncated(&mut xml, next.as_deref());
    Ok(Some(xml))
}

async fn set_default_policy_version(call: &QueryCall<'_>) -> Outcome {
    let arn = call.form.text("PolicyArn").unwrap_or_default();
    call.directory.managed_policies().set_default_version(call.cx, arn, call.form.must("VersionId")?).await?;
    Ok(None)
}

async fn delete_policy_version(call: &QueryCall<'_>) -> Outcome {
    let arn = call.form.text("PolicyArn").unwrap_or_default();
    call.directory.managed_policies().delete_version(call.cx, arn, call.form.must("VersionId")?).await?;
    Ok(None)
}

async fn tag_policy(call: &QueryCall<'_>) -> Outcome {
    let arn = call.form.text("PolicyArn").unwrap_or_default();
    call.directory.managed_policies().tag(call.cx, arn, &call.form.tags("Tags")?).await?;
    Ok(None)
}

async fn untag_policy(call: &QueryCall<'_>) -> Outcome {
    let arn = call.form.text("PolicyArn").unwrap_or_default();
    call.directory.managed_policies().untag(call.cx, arn, &call.form.texts("TagKeys")?).await?;
    Ok(None)
}

async fn list_policy_tags(call: &QueryCall<'_>) -> Outcome {
    let arn = call.form.text("PolicyArn").unwrap_or_default();
    Ok(Some(tag_page(call.form, call.directory.managed_policies().tags(call.cx, arn).await?)?))
}

async fn list(call: &QueryCall<'_>) -> Result<Xml, ApiError> {
    let scope = call.form.text("Scope").unwrap_or("All");
    // Customer managed policies first, each with its position in the list.
    let mut found = Vec::new();
    if scope != "AWS" {
        found.extend(
            call.directory.managed_policies().list(call.cx).await?.into_iter().map(|policy| ('0', policy)),
        );
    }
    if scope != "Local" {
        found.extend(
            call.directory.managed_policies().presets(call.cx).await?.into_iter().map(|policy| ('1', policy)),
        );
    }
    let prefix = call.form.text("PathPrefix").unwrap_or("/");
    let attached = call.form.flag("OnlyAttached")?.unwrap_or_default();
    let used = call.form.text("PolicyUsageFilter");
    found.retain(|(_, policy)| {
        let as_policy = policy.attachments > policy.boundaries;
        let used = match used {
            Some("PermissionsPolicy") => as_policy,
            Some(_) => policy.boundaries > 0,
            None => true,
        };
        policy.path.starts_with(prefix) && (!attached || policy.attachments > 0) && used
    });
    let (found, next) = page(call.form, found, |(place, policy)| format!("{place}{}", policy.name))?;
    let mut xml = Xml::new();
    xml.list("Policies", &found, |xml, (_, policy)| write(xml, policy));
    truncated(&mut xml, next.as_deref());
    Ok(xml)
}

async fn entities(call: &QueryCall<'_>, arn: &str) -> Result<Xml, ApiError> {
    let mut found = call.directory.managed_policies().entities(call.cx, arn).await?;
    let filter = call.form.text("EntityFilter");
    let used = call.form.text("PolicyUsageFilter");
    let prefix = call.form.text("PathPrefix").unwrap_or("/");
    found.retain(|entity| {
        let kind = match filter {
            Some("User") => entity.identity.kind() == IdentityKind::User,
            Some("Role") => entity.identity.kind() == IdentityKind::Role,
            Some(_) => false,
            None => true,
        };
        let used = match used {
            Some("PermissionsPolicy") => entity.used == PolicyUse::Policy,
            Some(_) => entity.used == PolicyUse::Boundary,
            None => true,
        };
        kind && used && entity.path.starts_with(prefix)
    });
    // An entity that uses it as policy and as boundary is listed once.
    found.dedup_by(|one, other| one.identity == other.identity);
    let (found, next) =
        page(call.form, found, |entity| format!("{}/{}", entity.identity.kind(), entity.identity.name()))?;
    let of = |kind| found.iter().filter(move |entity| entity.identity.kind() == kind);
    let mut xml = Xml::new();
    xml.within("PolicyGroups", |_| ());
    xml.list("PolicyUsers", of(IdentityKind::User), |xml, entity| {
        xml.text("UserName", entity.identity.name()).text("UserId", &entity.id);
    });
    xml.list("PolicyRoles", of(IdentityKind::Role), |xml, entity| {
        xml.text("RoleName", entity.identity.name()).text("RoleId", &entity.id);
    });
    truncated(&mut xml, next.as_deref());
    Ok(xml)
}
