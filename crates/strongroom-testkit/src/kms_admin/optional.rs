//! The operations that an implementation may refuse: all of a group, or none of it.

use strongroom_kms::{
    CreateGrant, ErrorKind, GrantFilter, GrantOperation, GrantRef, KeyTag, ListPage, Operation, PutKeyPolicy,
};

use super::{Fixture, by_id, is_supported, no_key, refused};

const REFUSED: &str = "the group is refused as a whole";

/// EnableKeyRotation, DisableKeyRotation, GetKeyRotationStatus, ListKeyRotations.
pub async fn rotation_by_schedule_is_switched_on_and_off(subject: &Fixture) {
    let (kms, cx) = (&subject.kms, &subject.cx);
    let key = by_id(&subject.key().await);
    let enabled = kms.enable_key_rotation(cx, &key, Some(90)).await;
    if !is_supported(&enabled, Operation::EnableKeyRotation) {
        let kind = ErrorKind::Unsupported;
        refused(kms.disable_key_rotation(cx, &key).await, Operation::DisableKeyRotation, kind, REFUSED);
        let status = kms.get_key_rotation_status(cx, &key).await;
        refused(status, Operation::GetKeyRotationStatus, kind, REFUSED);
        let listed = kms.list_key_rotations(cx, &key, true, &ListPage::first()).await;
        refused(listed, Operation::ListKeyRotations, kind, REFUSED);
        return;
    }
    enabled.expect("a symmetric key rotates");
    let status = kms.get_key_rotation_status(cx, &key).await.expect("the status");
    assert!(status.enabled && status.next_rotation.is_some());
    assert_eq!(status.period_days, Some(90));
    for days in [89, 2561] {
        let answer = kms.enable_key_rotation(cx, &key, Some(days)).await;
        refused(answer, Operation::EnableKeyRotation, ErrorKind::Validation, "a period out of bounds");
    }
    let status = kms.get_key_rotation_status(cx, &key).await.expect("the status");
    assert_eq!(status.period_days, Some(90), "a refusal changes nothing");
    kms.disable_key_rotation(cx, &key).await.expect("rotation stops");
    let status = kms.get_key_rotation_status(cx, &key).await.expect("the status");
    assert!(!status.enabled && status.next_rotation.is_none());
    kms.rotate_key_on_demand(cx, &key).await.expect("it rotates on demand");
    let all = kms.list_key_rotations(cx, &key, true, &ListPage::first()).await.expect("rotations");
    let rotations = kms.list_key_rotations(cx, &key, false, &ListPage::first()).await.expect("rotations");
    assert_eq!((all.rotations.len(), rotations.rotations.len()), (2, 1), "the first material is no rotation");
    assert!(rotations.rotations[0].current, "the newest material is the current one");
    let answer = kms.get_key_rotation_status(cx, &no_key()).await;
    refused(answer, Operation::GetKeyRotationStatus, ErrorKind::NotFound, "no such key");
}

/// TagResource, UntagResource, ListResourceTags.
pub async fn tags_are_added_changed_and_removed(subject: &Fixture) {
    let (kms, cx) = (&subject.kms, &subject.cx);
    let key = by_id(&subject.key().await);
    let tags = |pairs: &[(&str, &str)]| pairs.iter().map(|(key, value)| KeyTag::new(*key, *value)).collect();
    let tagged = kms.tag_resource(cx, &key, tags(&[("team", "red"), ("stage", "test")])).await;
    if !is_supported(&tagged, Operation::TagResource) {
        let kind = ErrorKind::Unsupported;
        let untagged = kms.untag_resource(cx, &key, vec!["team".to_owned()]).await;
        refused(untagged, Operation::UntagResource, kind, REFUSED);
        let listed = kms.list_resource_tags(cx, &key, &ListPage::first()).await;
        refused(listed, Operation::ListResourceTags, kind, REFUSED);
        return;
    }
    tagged.expect("a key can be tagged");
    kms.tag_resource(cx, &key, tags(&[("team", "blue"), ("owner", "me")])).await.expect("tags can change");
    let listed = kms.list_resource_tags(cx, &key, &ListPage::first()).await.expect("the tags").tags;
    let expected: Vec<KeyTag> = tags(&[("team", "blue"), ("stage", "test"), ("owner", "me")]);
    assert_eq!(listed, expected, "in the order they were added");
    let names = vec!["stage".to_owned(), "none".to_owned()];
    kms.untag_resource(cx, &key, names).await.expect("a tag that is not there is ignored");
    let page = kms.list_resource_tags(cx, &key, &ListPage::first().limit(1)).await.expect("a page");
    assert_eq!(page.tags, tags(&[("team", "blue")]));
    let next = ListPage::after(page.next_marker.expect("there is more"));
    let page = kms.list_resource_tags(cx, &key, &next).await.expect("a page");
    assert_eq!((page.tags, page.next_marker), (tags(&[("owner", "me")]), None));
    let answer = kms.tag_resource(cx, &no_key(), tags(&[("a", "b")])).await;
    refused(answer, Operation::TagResource, ErrorKind::NotFound, "no such key");
}

/// GetKeyPolicy, PutKeyPolicy, ListKeyPolicies.
pub async fn key_policies_are_put_and_given_back(subject: &Fixture) {
    let (kms, cx) = (&subject.kms, &subject.cx);
    let made = subject.key().await;
    let key = by_id(&made);
    let first = kms.get_key_policy(cx, &key, None).await;
    if !is_supported(&first, Operation::GetKeyPolicy) {
        let kind = ErrorKind::Unsupported;
        let put = kms.put_key_policy(cx, &key, PutKeyPolicy::new("{}")).await;
        refused(put, Operation::PutKeyPolicy, kind, REFUSED);
        let listed = kms.list_key_policies(cx, &key, &ListPage::first()).await;
        refused(listed, Operation::ListKeyPolicies, kind, REFUSED);
        return;
    }
    first.expect("every key has a policy");
    let listed = kms.list_key_policies(cx, &key, &ListPage::first()).await.expect("the names");
    assert_eq!(listed.names, ["default"]);
    let account = made.account;
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{account}"}},"Action":"kms:*","Resource":"*"}}}}"#
    );
    kms.put_key_policy(cx, &key, PutKeyPolicy::new(&policy)).await.expect("a good policy is taken");
    let told = kms.get_key_policy(cx, &key, Some("default")).await.expect("the policy");
    assert_eq!(told, policy, "as it was put");
    let put = kms.put_key_policy(cx, &key, PutKeyPolicy::new("no policy")).await;
    refused(put, Operation::PutKeyPolicy, ErrorKind::MalformedPolicy, "a text that is no policy");
    let other = kms.get_key_policy(cx, &key, Some("other")).await;
    refused(other, Operation::GetKeyPolicy, ErrorKind::NotFound, "a key has one policy");
    let told = kms.get_key_policy(cx, &key, None).await.expect("the policy");
    assert_eq!(told, policy, "a refusal changes nothing");
    let answer = kms.get_key_policy(cx, &no_key(), None).await;
    refused(answer, Operation::GetKeyPolicy, ErrorKind::NotFound, "no such key");
}

/// CreateGrant, ListGrants, ListRetirableGrants, RetireGrant, RevokeGrant.
pub async fn grants_are_made_listed_and_ended(subject: &Fixture) {
    let (kms, cx, grantee) = (&subject.kms, &subject.cx, &subject.grantee);
    let made = subject.key().await;
    let key = by_id(&made);
    let page = ListPage::first();
    let request = || CreateGrant::new(grantee, [GrantOperation::Decrypt]).named("one").retiring(grantee);
    let created = kms.create_grant(cx, &key, request()).await;
    if !is_supported(&created, Operation::CreateGrant) {
        let kind = ErrorKind::Unsupported;
        let listed = kms.list_grants(cx, &key, &GrantFilter::all(), &page).await;
        refused(listed, Operation::ListGrants, kind, REFUSED);
        let listed = kms.list_retirable_grants(cx, grantee, &page).await;
        refused(listed, Operation::ListRetirableGrants, kind, REFUSED);
        let retired = kms.retire_grant(cx, &GrantRef::Token("token".to_owned()), false).await;
        refused(retired, Operation::RetireGrant, kind, REFUSED);
        let revoked = kms.revoke_grant(cx, &key, &"0".repeat(64), false).await;
        refused(revoked, Operation::RevokeGrant, kind, REFUSED);
        return;
    }
    let one = created.expect("a grant can be made");
    let again = kms.create_grant(cx, &key, request()).await.expect("a named request can be repeated");
    assert_eq!(again.id, one.id, "a repeat gives the same grant");
    let other = CreateGrant::new(grantee, [GrantOperation::Encrypt]);
    let other = kms.create_grant(cx, &key, other).await.expect("a grant can be made");
    let listed = kms.list_grants(cx, &key, &GrantFilter::all(), &page).await.expect("grants").grants;
    assert_eq!(listed.len(), 2);
    let told = listed.iter().find(|grant| grant.id == one.id).expect("the grant is listed");
    assert_eq!((&told.key_arn, &told.grantee, told.name.as_str()), (&made.arn, grantee, "one"));
    assert_eq!(told.operations, [GrantOperation::Decrypt]);
    let retirable = kms.list_retirable_grants(cx, grantee, &page).await.expect("grants").grants;
    assert!(retirable.iter().any(|grant| grant.id == one.id), "its retiring principal finds it");
    assert!(!retirable.iter().any(|grant| grant.id == other.id), "the other names none");

    let tried = kms.create_grant(cx, &key, CreateGrant::new(grantee, [GrantOperation::Encrypt]).dry_run());
    refused(tried.await, Operation::CreateGrant, ErrorKind::DryRun, "a dry run does nothing");
    let tried = kms.revoke_grant(cx, &key, &one.id, true).await;
    refused(tried, Operation::RevokeGrant, ErrorKind::DryRun, "a dry run does nothing");
    let nobody = CreateGrant::new("nobody", [GrantOperation::Encrypt]);
    let answer = kms.create_grant(cx, &key, nobody).await;
    refused(answer, Operation::CreateGrant, ErrorKind::InvalidArn, "a grantee is an ARN");

    kms.revoke_grant(cx, &key, &one.id, false).await.expect("a grant can be revoked");
    let answer = kms.revoke_grant(cx, &key, &one.id, false).await;
    refused(answer, Operation::RevokeGrant, ErrorKind::NotFound, "it is gone");
    let answer = kms.revoke_grant(cx, &key, "no id", false).await;
    refused(answer, Operation::RevokeGrant, ErrorKind::InvalidGrantId, "an id has 64 digits");
    let answer = kms.retire_grant(cx, &GrantRef::Token("no token".to_owned()), false).await;
    refused(answer, Operation::RetireGrant, ErrorKind::InvalidGrantToken, "an invented token");
    let listed = kms.list_grants(cx, &key, &GrantFilter::all(), &page).await.expect("grants").grants;
    assert_eq!(listed.iter().map(|grant| &grant.id).collect::<Vec<_>>(), [&other.id]);
}
