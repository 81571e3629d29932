//! Tags of keys.

use strongroom_kms::{Error, ErrorKind, KeyRef, KeyTag, ListPage, TagPage};
use strongroom_types::CallContext;

use crate::admin::{Change, check_limit};
use crate::local::LocalKms;
use crate::request_facts::RequestFacts;
use crate::states::Operation;

impl LocalKms {
    pub(crate) async fn tag(&self, cx: &CallContext, key: &KeyRef, tags: Vec<KeyTag>) -> Result<(), Error> {
        KeyTag::check(&tags)?;
        let mut asked = RequestFacts::nothing().with_many("aws:TagKeys", tags.iter().map(|tag| &tag.key));
        for tag in &tags {
            asked = asked.with(&format!("aws:RequestTag/{}", tag.key), &tag.value);
        }
        self.change_asked(cx, key, Operation::TagResource, &asked, |_, key, _| {
            for tag in &tags {
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
        &self,
        cx: &CallContext,
        key: &KeyRef,
        tag_keys: Vec<String>,
    ) -> Result<(), Error> {
        let asked = RequestFacts::nothing().with_many("aws:TagKeys", &tag_keys);
        self.change_asked(cx, key, Operation::UntagResource, &asked, |_, key, _| {
            key.record.tags.retain(|(known, _)| !tag_keys.contains(known));
            Ok(Change::Write(()))
        })
        .await
    }

    pub(crate) async fn tags(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        page: &ListPage,
    ) -> Result<TagPage, Error> {
        let limit = check_limit(page, 50, 50)?;
        let key = self.resolve_managed(cx, key, Operation::ListResourceTags).await?;
        self.permit(cx, &key, Operation::ListResourceTags, &RequestFacts::nothing()).await?;
        // A marker is the key of the last tag shown; one that is gone begins anew rather than skip.
        let begin = match &page.marker {
            Some(marker) => key
                .record
                .tags
                .iter()
                .position(|(known, _)| known == marker)
                .map(|at| at + 1)
                .ok_or_else(|| Error::new(ErrorKind::InvalidMarker, "Invalid marker"))?,
            None => 0,
        };
        let rest = &key.record.tags[begin..];
        let shown = &rest[..limit.min(rest.len())];
        let next_marker = shown.last().filter(|_| shown.len() < rest.len()).map(|(known, _)| known.clone());
        let tags = shown.iter().map(|(known, value)| KeyTag::new(known, value)).collect();
        Ok(TagPage { tags, next_marker })
    }
}
