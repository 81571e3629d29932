//! Key policies.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_kms::{Error, KeyRef, ListPage, PolicyNamePage, PutKeyPolicy};
use strongroom_policy::{Known, Policy, Request, Subject};

use crate::admin::change::{Change, Changes};
use crate::call::KeyCall;
use crate::document::{NAME, NewPolicy, check, check_name, malformed, nobody};
use crate::gate::Gate;
use crate::layout::StoredKey;
use crate::naming::finder::Finder;
use crate::needs::Role;
use crate::parts::{Parts, check_limit, invalid_marker};

/// The operations on key policies.
#[derive(Clone, Copy)]
pub(crate) struct Policies<'a>(pub(crate) &'a Parts);

impl Policies<'_> {
    /// A document that may be put: a good one that names somebody, which its author can change
    /// again unless that is waived.
    pub(crate) async fn check(
        self,
        subject: &Subject,
        request: &Request,
        put: &PutKeyPolicy,
    ) -> Result<NewPolicy, Error> {
        let policy = check(&put.policy)?;
        let ids = self.ids_named(&policy).await?;
        let may_again = subject.policies().key(&policy).decide(request).is_allowed();
        if put.bypass_lockout_check || may_again {
            return Ok(NewPolicy { text: put.policy.clone(), ids });
        }
        Err(malformed("The new key policy will not allow you to update the key policy in the future."))
    }

    /// The unique ids of users and roles that a policy names. A name of nobody is refused, where
    /// there is somebody to tell.
    async fn ids_named(self, policy: &Policy) -> Result<BTreeMap<String, String>, Error> {
        let ids = Gate(self.0).ids_named(policy).await?;
        ids.ok_or_else(nobody)
    }

    /// The policy as GetKeyPolicy answers it: deleted principals stand in it by the id that was
    /// theirs.
    async fn shown(self, key: &StoredKey) -> Result<String, Error> {
        let mut text = key.policy_text(self.0.realm());
        for (arn, id) in &key.record.policy_ids {
            if !matches!(Gate(self.0).look_up(arn).await?, Known::Somebody { id: now, .. } if now == *id) {
                text = text.replace(&format!("\"{arn}\""), &format!("\"{id}\""));
            }
        }
        Ok(text)
    }

    pub(crate) async fn get(
        self,
        call: &KeyCall<'_>,
        key: &KeyRef,
        name: Option<&str>,
    ) -> Result<String, Error> {
        let needed = call.needs(Role::Key)?;
        let key = Finder(self.0).managed(call, key, needed).await?;
        Gate(self.0).permit(call, &key, needed).await?;
        check_name(name)?;
        self.shown(&key).await
    }

    pub(crate) async fn put(self, call: &KeyCall<'_>, key: &KeyRef, put: &PutKeyPolicy) -> Result<(), Error> {
        let needed = call.needs(Role::Key)?;
        let stored = Finder(self.0).managed(call, key, needed).await?;
        Gate(self.0).permit(call, &stored, needed).await?;
        let subject = Gate(self.0).subject(call.cx()).await?;
        let request = Gate(self.0).request(&subject, &stored, call, needed).await?;
        check_name(put.name.as_deref())?;
        let new = self.check(&subject, &request, put).await?;
        Changes(self.0)
            .change(call, key, |_, key, _| {
                key.record.policy = Some(new.text.clone());
                key.record.policy_ids.clone_from(&new.ids);
                key.policy = Arc::default();
                Ok(Change::Write(()))
            })
            .await
    }

    pub(crate) async fn names(
        self,
        call: &KeyCall<'_>,
        key: &KeyRef,
        page: &ListPage,
    ) -> Result<PolicyNamePage, Error> {
        check_limit(page, 100, 1000)?;
        let needed = call.needs(Role::Key)?;
        let key = Finder(self.0).managed(call, key, needed).await?;
        Gate(self.0).permit(call, &key, needed).await?;
        match page.marker.as_deref() {
            None => Ok(PolicyNamePage { names: vec![NAME.to_owned()], next_marker: None }),
            Some(NAME) => Ok(PolicyNamePage::default()),
            Some(_) => Err(invalid_marker()),
        }
    }
}
