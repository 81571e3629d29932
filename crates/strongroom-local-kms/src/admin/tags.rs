//! Tags of keys.

use strongroom_kms::{Error, ErrorKind, KeyRef, KeyTag, ListPage, TagPage};
use strongroom_policy::Context;

use crate::admin::change::{Change, Changes};
use crate::call::KeyCall;
use crate::gate::Gate;
use crate::naming::finder::Finder;
use crate::needs::Role;
use crate::parts::{Parts, check_limit, invalid_marker};

/// What policies see of a request to tag.
pub(crate) fn facts_of(tags: &[KeyTag]) -> Context {
    let mut facts = Context::new();
    facts.set_many("aws:TagKeys", tags.iter().map(|tag| &tag.key));
    for tag in tags {
        facts.set_first(format!("aws:RequestTag/{}", tag.key), &tag.value);
    }
    facts
}

/// The operations on tags.
#[derive(Clone, Copy)]
pub(crate) struct Tags<'a>(pub(crate) &'a Parts);

impl Tags<'_> {
    /// Of tags that were checked.
    pub(crate) async fn tag(self, call: &KeyCall<'_>, key: &KeyRef, tags: &[KeyTag]) -> Result<(), Error> {
        Changes(self.0)
            .change(call, key, |_, key, _| {
                for tag in tags {
                    match key.record.tags.iter_mut().find(|(known, _)| *known == tag.key) {
                        Some((_, value)) => value.clone_from(&tag.value),
                        None => key.record.tags.push((tag.key.clone(), tag.value.clone())),
                    }
                }
                if key.record.tags.len() > KeyTag::MAX {
                    return Err(Error::new(ErrorKind::Tag, "Too many tags"));
                }
                Ok(Change::Write(()))
            })
            .await
    }

    pub(crate) async fn untag(
        self,
        call: &KeyCall<'_>,
        key: &KeyRef,
        tag_keys: &[String],
    ) -> Result<(), Error> {
        Changes(self.0)
            .change(call, key, |_, key, _| {
                key.record.tags.retain(|(known, _)| !tag_keys.contains(known));
                Ok(Change::Write(()))
            })
            .await
    }

    pub(crate) async fn list(
        self,
        call: &KeyCall<'_>,
        key: &KeyRef,
        page: &ListPage,
    ) -> Result<TagPage, Error> {
        let limit = check_limit(page, 50, 50)?;
        let needed = call.needs(Role::Key)?;
        let key = Finder(self.0).managed(call, key, needed).await?;
        Gate(self.0).permit(call, &key, needed).await?;
        // A marker is the key of the last tag shown; one that is gone begins anew rather than skip.
        let begin = match &page.marker {
            Some(marker) => key
                .record
                .tags
                .iter()
                .position(|(known, _)| known == marker)
                .map(|at| at + 1)
                .ok_or_else(invalid_marker)?,
            None => 0,
        };
        let rest = &key.record.tags[begin..];
        let shown = &rest[..limit.min(rest.len())];
        let next_marker = shown.last().filter(|_| shown.len() < rest.len()).map(|(known, _)| known.clone());
        let tags = shown.iter().map(|(known, value)| KeyTag::new(known, value)).collect();
        Ok(TagPage { tags, next_marker })
    }
}
