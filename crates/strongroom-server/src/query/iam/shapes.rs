//! What IAM's operations share: pages, tags, policies, and the user that a form names.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom::{Caller, Identity, IdentityRef};

use crate::answer::ApiError;
use crate::query::call::QueryCall;
use crate::query::form::Form;
use crate::query::member::{Kind, Member, may, validation};
use crate::query::xml::Xml;

/// The name of an existing user.
pub(super) const USER: Kind = Kind::Name(128);
pub(super) const ROLE: Kind = Kind::Name(64);
pub(super) const POLICY: Kind = Kind::Name(128);
pub(super) const MARKER: Member = may("Marker", Kind::Marker);
pub(super) const MAX_ITEMS: Member = may("MaxItems", Kind::Number(1, 1000));

/// The maximum number of items in a page, and the key of the previous page's last item.
pub(super) fn paging(form: &Form) -> Result<(usize, Option<String>), ApiError> {
    let most = form.number("MaxItems")?.and_then(|most| usize::try_from(most).ok()).unwrap_or(100);
    let Some(marker) = form.text("Marker") else { return Ok((most, None)) };
    let key = STANDARD.decode(marker).ok().and_then(|key| String::from_utf8(key).ok());
    Ok((most, Some(key.ok_or_else(|| validation("The specified value for marker is invalid."))?)))
}

/// Writes whether there are more items, and the marker of the next page.
pub(super) fn truncated(xml: &mut Xml, next: Option<&str>) {
    xml.flag("IsTruncated", next.is_some());
    xml.maybe("Marker", next.map(|key| STANDARD.encode(key)));
}

/// The requested page of these items in the order of their keys, and its last key if there are more
/// items.
pub(super) fn page<T>(
    form: &Form,
    items: impl IntoIterator<Item = T>,
    key: impl Fn(&T) -> String,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let (most, after) = paging(form)?;
    let mut items: Vec<(String, T)> = items.into_iter().map(|item| (key(&item), item)).collect();
    items.retain(|(key, _)| after.as_ref().is_none_or(|after| key > after));
    items.sort_by(|(one, _), (other, _)| one.cmp(other));
    let more = items.len() > most;
    items.truncate(most);
    let next = items.last().filter(|_| more).map(|(key, _)| key.clone());
    Ok((items.into_iter().map(|(_, item)| item).collect(), next))
}

/// The same for items whose keys would make markers too long: by position.
pub(super) fn page_by_place<T>(form: &Form, items: Vec<T>) -> Result<(Vec<T>, Option<String>), ApiError> {
    let placed = items.into_iter().enumerate();
    let (page, next) = page(form, placed, |(place, _)| format!("{place:08}"))?;
    Ok((page.into_iter().map(|(_, item)| item).collect(), next))
}

/// A page of tags, sorted by key.
pub(super) fn tag_page(form: &Form, mut tags: Vec<(String, String)>) -> Result<Xml, ApiError> {
    tags.sort();
    let (tags, next) = page_by_place(form, tags)?;
    let mut xml = Xml::new();
    write_tags(&mut xml, &tags);
    truncated(&mut xml, next.as_deref());
    Ok(xml)
}

pub(super) fn write_tags(xml: &mut Xml, tags: &[(String, String)]) {
    xml.list("Tags", tags, |xml, (key, value)| {
        xml.text("Key", key).text("Value", value);
    });
}

/// A page of the policies with these ARNs and the requested path prefix.
pub(super) fn attached_page(form: &Form, mut arns: Vec<String>) -> Result<Xml, ApiError> {
    let prefix = form.text("PathPrefix").unwrap_or("/");
    let path = |arn: &str| arn.split_once(":policy").map(|(_, path)| path.to_owned()).unwrap_or_default();
    arns.retain(|arn| path(arn).starts_with(prefix));
    let (arns, next) = page_by_place(form, arns)?;
    let mut xml = Xml::new();
    write_attached(&mut xml, "AttachedPolicies", &arns);
    truncated(&mut xml, next.as_deref());
    Ok(xml)
}

pub(super) fn write_attached(xml: &mut Xml, name: &str, arns: &[String]) {
    xml.list(name, arns, |xml, arn| {
        xml.text("PolicyName", arn.rsplit('/').next().unwrap_or_default()).text("PolicyArn", arn);
    });
}

pub(super) fn write_boundary(xml: &mut Xml, identity: &Identity) {
    if let Some(boundary) = &identity.boundary {
        xml.within("PermissionsBoundary", |xml| {
            xml.text("PermissionsBoundaryType", "Policy").text("PermissionsBoundaryArn", boundary);
        });
    }
}

/// How much of a user or role a response shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// What lists show.
    Listed,
    /// Tags and boundary too.
    Whole,
}

/// An inline policy's document, or the names of all of them.
pub(super) fn inline(owner: (&str, &str), name: &str, document: &str) -> Xml {
    let mut xml = Xml::new();
    xml.text(owner.0, owner.1).text("PolicyName", name).document("PolicyDocument", document);
    xml
}

pub(super) fn names_page(form: &Form, names: Vec<String>) -> Result<Xml, ApiError> {
    let (names, next) = page(form, names, String::clone)?;
    let mut xml = Xml::new();
    xml.texts("PolicyNames", &names);
    truncated(&mut xml, next.as_deref());
    Ok(xml)
}

/// The user, or the owner, that a form is about.
pub(super) enum Whose {
    /// The account's owner.
    Owner,
    User(String),
}

/// The named user or, if none is named, the caller.
pub(super) fn whose(call: &QueryCall<'_>) -> Result<Whose, ApiError> {
    if let Some(name) = call.form.text("UserName") {
        return Ok(Whose::User(name.to_owned()));
    }
    match call.cx.caller() {
        Caller::Owner(_) => Ok(Whose::Owner),
        Caller::Principal(arn) if arn.resource().starts_with("user/") => {
            Ok(Whose::User(arn.resource().rsplit('/').next().unwrap_or_default().to_owned()))
        }
        _ => Err(validation("Must specify userName when calling with non-User credentials")),
    }
}

pub(super) fn user(form: &Form) -> Result<IdentityRef, ApiError> {
    Ok(IdentityRef::user(form.must("UserName")?))
}

pub(super) fn role(form: &Form) -> Result<IdentityRef, ApiError> {
    Ok(IdentityRef::role(form.must("RoleName")?))
}
