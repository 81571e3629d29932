//! `GetAccountAuthorizationDetails`: everything of an account at once.

use strongroom::IdentityKind;
use strongroom_iam::{AccountItem, AccountItemKind};

use super::shapes::{
    Detail, MARKER, MAX_ITEMS, paging, truncated, write_attached, write_boundary, write_tags,
};
use super::{policies, roles, users};
use crate::query::call::{Outcome, QueryCall, QueryOperation, operation};
use crate::query::member::{Kind, may, validation};
use crate::query::xml::Xml;

/// The supported operations.
pub(super) const OPERATIONS: [QueryOperation; 1] = [operation(
    "GetAccountAuthorizationDetails",
    &[
        may("Filter", Kind::Words(&["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"])),
        MARKER,
        MAX_ITEMS,
    ],
    |call| Box::pin(details(call)),
)];

/// The kinds of items, with the letter that starts their markers.
const KINDS: [(&str, AccountItemKind, &str); 4] = [
    ("User", AccountItemKind::Users, "u"),
    ("Role", AccountItemKind::Roles, "r"),
    ("LocalManagedPolicy", AccountItemKind::OwnPolicies, "p"),
    ("AWSManagedPolicy", AccountItemKind::PresetPolicies, "a"),
];

async fn details(call: &QueryCall<'_>) -> Outcome {
    let form = call.form;
    let filter = form.texts("Filter")?;
    let asked = |word: &str| filter.is_empty() || filter.iter().any(|other| other == word);
    let kinds: Vec<_> = KINDS.iter().filter(|(word, ..)| asked(word)).map(|(_, kind, _)| *kind).collect();
    let (most, marker) = paging(form)?;
    let marker = match &marker {
        None => None,
        Some(marker) => {
            let known = KINDS
                .iter()
                .find_map(|(_, kind, letter)| marker.strip_prefix(letter).map(|name| (*kind, name)));
            Some(known.ok_or_else(|| validation("The specified value for marker is invalid."))?)
        }
    };
    let found = call.directory.account_items(call.cx, &kinds, marker, most).await?;
    let mut xml = Xml::new();
    for (list, kind) in [("UserDetailList", IdentityKind::User), ("RoleDetailList", IdentityKind::Role)] {
        let of_kind = found
            .items
            .iter()
            .filter(|item| matches!(item, AccountItem::Identity { identity, .. } if identity.kind == kind));
        xml.list(list, of_kind, write_item);
    }
    xml.within("GroupDetailList", |_| ());
    let policies = found.items.iter().filter(|item| matches!(item, AccountItem::Policy { .. }));
    xml.list("Policies", policies, write_item);
    let next = found.next_marker.map(|(kind, name)| {
        let letter = KINDS.iter().find(|(_, other, _)| *other == kind).map_or("", |(.., letter)| letter);
        format!("{letter}{name}")
    });
    truncated(&mut xml, next.as_deref());
    Ok(Some(xml))
}

fn write_item(xml: &mut Xml, item: &AccountItem) {
    match item {
        AccountItem::Identity { identity, inline, attached } => {
            let of_user = identity.kind == IdentityKind::User;
            let policies = if of_user {
                users::write(xml, identity, Detail::Listed);
                xml.within("GroupList", |_| ());
                "UserPolicyList"
            } else {
                roles::write(xml, identity, Detail::Listed);
                xml.within("InstanceProfileList", |_| ()).within("RoleLastUsed", |_| ());
                "RolePolicyList"
            };
            xml.list(policies, inline, |xml, (name, document)| {
                xml.text("PolicyName", name).document("PolicyDocument", document);
            });
            write_attached(xml, "AttachedManagedPolicies", attached);
            write_boundary(xml, identity);
            write_tags(xml, &identity.tags);
        }
        AccountItem::Policy { policy, versions } => {
            policies::write(xml, policy);
            xml.list("PolicyVersionList", versions, |xml, version| {
                policies::write_version(xml, version, true);
            });
        }
        _ => {}
    }
}
