//! Managed policies and their versions.

use strongroom::{CreatePolicy, IdentityKind, ManagedPolicy};
use strongroom_iam::{PolicyUse, PolicyVersion};

use super::{
    Call, Kind, MARKER, MAX_ITEMS, Operation, Outcome, POLICY, Xml, may, page, tag_page, truncated, unknown,
    write_tags,
};
use crate::answer::ApiError;
use crate::query::member::{must, operation};

const ARN: Kind = Kind::PolicyArn;
const USES: Kind = Kind::Word(&["PermissionsPolicy", "PermissionsBoundary"]);

/// The operations that the server understands.
pub(super) const OPERATIONS: [Operation; 13] = [
    operation(
        "CreatePolicy",
        &[
            must("PolicyName", POLICY),
            must("PolicyDocument", Kind::Document),
            may("Path", Kind::PolicyPath),
            may("Description", Kind::Free(1000)),
            may("Tags", Kind::Tags),
        ],
    ),
    operation("GetPolicy", &[must("PolicyArn", ARN)]),
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
    ),
    operation("DeletePolicy", &[must("PolicyArn", ARN)]),
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
    ),
    operation(
        "CreatePolicyVersion",
        &[must("PolicyArn", ARN), must("PolicyDocument", Kind::Document), may("SetAsDefault", Kind::Flag)],
    ),
    operation("GetPolicyVersion", &[must("PolicyArn", ARN), must("VersionId", Kind::VersionId)]),
    operation("ListPolicyVersions", &[must("PolicyArn", ARN), MARKER, MAX_ITEMS]),
    operation("SetDefaultPolicyVersion", &[must("PolicyArn", ARN), must("VersionId", Kind::VersionId)]),
    operation("DeletePolicyVersion", &[must("PolicyArn", ARN), must("VersionId", Kind::VersionId)]),
    operation("TagPolicy", &[must("PolicyArn", ARN), must("Tags", Kind::Tags)]),
    operation("UntagPolicy", &[must("PolicyArn", ARN), must("TagKeys", Kind::TagKeys)]),
    operation("ListPolicyTags", &[must("PolicyArn", ARN), MARKER, MAX_ITEMS]),
];

/// What all answers show of a policy.
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

pub(super) async fn run(call: &Call<'_>) -> Outcome {
    let (form, cx, directory) = (call.form, &call.admitted.cx, &call.directory);
    let arn = form.text("PolicyArn").unwrap_or_default();
    Ok(match call.action {
        "CreatePolicy" => {
            let mut request = CreatePolicy::new(form.must("PolicyName")?, form.must("PolicyDocument")?);
            request.path = form.owned("Path");
            request.description = form.owned("Description");
            request.tags = form.tags("Tags")?;
            Some(to_xml(&directory.create_policy(cx, request).await?))
        }
        "GetPolicy" => Some(to_xml(&directory.managed_policy(cx, arn).await?)),
        "ListPolicies" => Some(list(call).await?),
        "DeletePolicy" => {
            directory.delete_managed_policy(cx, arn).await?;
            None
        }
        "ListEntitiesForPolicy" => Some(entities(call, arn).await?),
        "CreatePolicyVersion" => {
            let (document, default) = (form.must("PolicyDocument")?, form.flag("SetAsDefault")?);
            let made =
                directory.create_policy_version(cx, arn, document, default.unwrap_or_default()).await?;
            Some(version(&made, false))
        }
        "GetPolicyVersion" => {
            Some(version(&directory.policy_version(cx, arn, form.must("VersionId")?).await?, true))
        }
        "ListPolicyVersions" => {
            let versions = directory.policy_versions(cx, arn).await?;
            let (versions, next) = super::page_by_place(form, versions)?;
            let mut xml = Xml::new();
            xml.list("Versions", &versions, |xml, version| write_version(xml, version, false));
            truncated(&mut xml, next.as_deref());
            Some(xml)
        }
        "SetDefaultPolicyVersion" => {
            directory.set_default_policy_version(cx, arn, form.must("VersionId")?).await?;
            None
        }
        "DeletePolicyVersion" => {
            directory.delete_policy_version(cx, arn, form.must("VersionId")?).await?;
            None
        }
        "TagPolicy" => {
            directory.tag_policy(cx, arn, &form.tags("Tags")?).await?;
            None
        }
        "UntagPolicy" => {
            directory.untag_policy(cx, arn, &form.texts("TagKeys")?).await?;
            None
        }
        "ListPolicyTags" => Some(tag_page(form, directory.policy_tags(cx, arn).await?)?),
        other => return Err(unknown(other, form)),
    })
}

async fn list(call: &Call<'_>) -> Result<Xml, ApiError> {
    let (form, cx, directory) = (call.form, &call.admitted.cx, &call.directory);
    let scope = form.text("Scope").unwrap_or("All");
    // The account's own first, each with its place in the list.
    let mut found = Vec::new();
    if scope != "AWS" {
        found.extend(directory.managed_policies(cx).await?.into_iter().map(|policy| ('0', policy)));
    }
    if scope != "Local" {
        found.extend(directory.preset_policies(cx).await?.into_iter().map(|policy| ('1', policy)));
    }
    let prefix = form.text("PathPrefix").unwrap_or("/");
    let attached = form.flag("OnlyAttached")?.unwrap_or_default();
    let used = form.text("PolicyUsageFilter");
    found.retain(|(_, policy)| {
        let as_policy = policy.attachments > policy.boundaries;
        let used = match used {
            Some("PermissionsPolicy") => as_policy,
            Some(_) => policy.boundaries > 0,
            None => true,
        };
        policy.path.starts_with(prefix) && (!attached || policy.attachments > 0) && used
    });
    let (found, next) = page(form, found, |(place, policy)| format!("{place}{}", policy.name))?;
    let mut xml = Xml::new();
    xml.list("Policies", &found, |xml, (_, policy)| write(xml, policy));
    truncated(&mut xml, next.as_deref());
    Ok(xml)
}

async fn entities(call: &Call<'_>, arn: &str) -> Result<Xml, ApiError> {
    let (form, cx, directory) = (call.form, &call.admitted.cx, &call.directory);
    let mut found = directory.policy_entities(cx, arn).await?;
    let filter = form.text("EntityFilter");
    let used = form.text("PolicyUsageFilter");
    let prefix = form.text("PathPrefix").unwrap_or("/");
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
    // An entity that has it for both uses is listed once.
    found.dedup_by(|one, other| one.identity == other.identity);
    let (found, next) =
        page(form, found, |entity| format!("{}/{}", entity.identity.kind(), entity.identity.name()))?;
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
