//! Creating, finding, tagging and deleting users and roles.

use serde::de::DeserializeOwned;
use strongroom_policy::{Context, Policy};
use strongroom_records::{Expect, Key, Revision, Scan};
use strongroom_root::TrustedBatch;
use strongroom_types::CallContext;

use crate::access_keys::AccessKeyRecord;
use crate::directory::{Directory, contended, no_identity, nobody};
use crate::error::storage;
use crate::managed_policies::Use;
use crate::names::{
    check_description, check_name, check_path, check_path_prefix, check_size, check_tags, invalid, malformed,
    merge_tags, tags_of, unique_id,
};
use crate::record::{GuardrailsRecord, IdentityRecord, Stored};
use crate::{
    CreateRole, CreateUser, Error, ErrorKind, Iam, Identity, IdentityKind, IdentityPage, IdentityRef,
};

/// The maximum length of a role's trust policy, in characters, not counting whitespace.
const MAX_TRUST: usize = 2048;

/// The maximum number of identities per page.
const MAX_PAGE: usize = 1000;

impl Iam {
    /// Creates a user, who has no permissions yet.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`], [`ErrorKind::Validation`], [`ErrorKind::NoSuchEntity`] for the
    /// boundary.
    pub async fn create_user(&self, cx: &CallContext, request: CreateUser) -> Result<Identity, Error> {
        let CreateUser { name, path, tags, boundary } = request;
        let record = IdentityRecord {
            path: path.unwrap_or_else(|| "/".to_owned()),
            id: unique_id("AIDA")?,
            created: self.directory.now().as_millis(),
            description: None,
            tags,
            boundary,
            inline: Vec::new(),
            attached: Vec::new(),
            trust: None,
            trusted_ids: Default::default(),
            max_session_seconds: None,
            access_keys: Vec::new(),
            unknown: Default::default(),
            name,
        };
        self.directory
            .create(cx, IdentityKind::User, record)
            .await
            .map_err(|error| error.during("CreateUser"))
    }

    /// Creates a role, which has no permissions yet.
    ///
    /// # Errors
    /// As [`Iam::create_user`]; [`ErrorKind::MalformedPolicy`] for the trust policy.
    pub async fn create_role(&self, cx: &CallContext, request: CreateRole) -> Result<Identity, Error> {
        let named = |error: Error| error.during("CreateRole");
        let CreateRole { name, trust, path, description, tags, boundary, max_session_seconds } = request;
        let policy = read_trust(&trust).map_err(named)?;
        let seconds = max_session_seconds.unwrap_or(3600);
        check_session(seconds).map_err(named)?;
        check_description(description.as_deref()).map_err(named)?;
        // Checked before the principals are looked up: an unauthorized caller must not learn which
        // users and roles exist.
        let arn = self.directory.layout.arn("role", path.as_deref().unwrap_or("/"), &name);
        let mut asked = tags_of(&tags);
        if let Some(boundary) = &boundary {
            asked.set("iam:PermissionsBoundary", boundary);
        }
        self.directory.permit_with(cx, "CreateRole", arn.as_str(), &asked).await.map_err(named)?;
        let record = IdentityRecord {
            path: path.unwrap_or_else(|| "/".to_owned()),
            id: unique_id("AROA")?,
            created: self.directory.now().as_millis(),
            description: description.filter(|text| !text.is_empty()),
            tags,
            boundary,
            inline: Vec::new(),
            attached: Vec::new(),
            trusted_ids: self.directory.ids_named(&policy).await.map_err(named)?,
            trust: Some(trust),
            max_session_seconds: Some(seconds),
            access_keys: Vec::new(),
            unknown: Default::default(),
            name,
        };
        self.directory.create(cx, IdentityKind::Role, record).await.map_err(named)
    }

    /// Describes a user or role.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn get(&self, cx: &CallContext, identity: &IdentityRef) -> Result<Identity, Error> {
        let action = if identity.kind == IdentityKind::User { "GetUser" } else { "GetRole" };
        let found = self.directory.permit_on(cx, action, identity, &Context::new()).await;
        let found = found.map_err(|error| error.during(action))?;
        let found = found.ok_or_else(|| no_identity(identity).during(action))?;
        Ok(found.record.to_identity(identity.kind, &self.directory.layout))
    }

    /// Users, or roles, whose path begins with this prefix, sorted by name.
    ///
    /// # Errors
    /// If storage fails, or a record is damaged; [`ErrorKind::Validation`] for a page size of 0 or
    /// of more than 1,000.
    pub async fn list(
        &self,
        cx: &CallContext,
        kind: IdentityKind,
        path_prefix: &str,
        marker: Option<&str>,
        limit: usize,
    ) -> Result<IdentityPage, Error> {
        let action = if kind == IdentityKind::User { "ListUsers" } else { "ListRoles" };
        let named = |error: Error| error.during(action);
        let resource = self.directory.layout.arn(kind.as_str(), path_prefix, "");
        self.directory.permit(cx, action, resource.as_str()).await.map_err(named)?;
        check_page(limit).map_err(named)?;
        check_path_prefix(path_prefix).map_err(named)?;
        let prefix = self.directory.layout.identities(kind);
        let wanted = |record: &IdentityRecord| record.path.starts_with(path_prefix);
        let (found, more) = self.directory.page(&prefix, marker, limit, wanted).await.map_err(named)?;
        let identities: Vec<_> =
            found.iter().map(|record| record.to_identity(kind, &self.directory.layout)).collect();
        let next_marker = identities.last().filter(|_| more).map(|last| last.name.clone());
        Ok(IdentityPage { identities, next_marker })
    }

    /// Deletes a user or role that has no policies left. Policies of secrets and keys that named it
    /// no longer name anyone, even if another identity is created under the same name.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`]; [`ErrorKind::DeleteConflict`] while it has policies.
    pub async fn delete(&self, cx: &CallContext, identity: &IdentityRef) -> Result<(), Error> {
        let action = if identity.kind == IdentityKind::User { "DeleteUser" } else { "DeleteRole" };
        let named = |error: Error| error.during(action);
        for () in self.directory.attempts(cx) {
            let found =
                self.directory.permit_on(cx, action, identity, &Context::new()).await.map_err(named)?;
            let Stored { record, revision } = found.ok_or_else(|| named(no_identity(identity)))?;
            let conflict = |text: &'static str| Err(named(Error::new(ErrorKind::DeleteConflict, text)));
            if !record.inline.is_empty() {
                return conflict("Cannot delete entity, must delete policies first.");
            }
            if !record.attached.is_empty() {
                return conflict("Cannot delete entity, must detach all policies first.");
            }
            if !record.access_keys.is_empty() {
                return conflict("Cannot delete entity, must delete access keys first.");
            }
            let mut batch = self.directory.inner.records.batch();
            batch
                .delete(&self.directory.layout.identity(identity.kind, &identity.name), Expect::At(revision));
            batch.delete(&self.directory.layout.id(&record.id), Expect::Any);
            if let Some(boundary) = &record.boundary {
                self.directory.count_use(&mut batch, boundary, Use::Boundary, -1).await.map_err(named)?;
            }
            if self.directory.commit(batch).await.map_err(named)? {
                return Ok(());
            }
        }
        Err(named(contended()))
    }

    /// Adds tags, or changes their values. Policies refer to them as `aws:PrincipalTag/...`.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`], [`ErrorKind::Validation`], [`ErrorKind::LimitExceeded`].
    pub async fn tag(
        &self,
        cx: &CallContext,
        identity: &IdentityRef,
        tags: &[(String, String)],
    ) -> Result<(), Error> {
        let action = if identity.kind == IdentityKind::User { "TagUser" } else { "TagRole" };
        let asked = tags_of(tags);
        let tagged = self.directory.change(cx, action, identity, &asked, |record| {
            check_tags(tags)?;
            merge_tags(&mut record.tags, tags)
        });
        tagged.await.map_err(|error| error.during(action))?;
        Ok(())
    }

    /// The tags of a user or role, in the order they were added.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn tags(
        &self,
        cx: &CallContext,
        identity: &IdentityRef,
    ) -> Result<Vec<(String, String)>, Error> {
        let action = if identity.kind == IdentityKind::User { "ListUserTags" } else { "ListRoleTags" };
        Ok(self.directory.identity(cx, action, identity).await?.tags)
    }

    /// The groups of a user: always empty, because groups are not supported.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn groups(&self, cx: &CallContext, user: &str) -> Result<Vec<String>, Error> {
        self.directory.identity(cx, "ListGroupsForUser", &IdentityRef::user(user)).await?;
        Ok(Vec::new())
    }

    /// The instance profiles of a role: always empty, because instance profiles are not supported.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn instance_profiles(&self, cx: &CallContext, role: &str) -> Result<Vec<String>, Error> {
        self.directory.identity(cx, "ListInstanceProfilesForRole", &IdentityRef::role(role)).await?;
        Ok(Vec::new())
    }

    /// Removes tags. Tags that the identity does not have are ignored.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn untag(
        &self,
        cx: &CallContext,
        identity: &IdentityRef,
        keys: &[String],
    ) -> Result<(), Error> {
        let action = if identity.kind == IdentityKind::User { "UntagUser" } else { "UntagRole" };
        let mut asked = Context::new();
        asked.set_many("aws:TagKeys", keys);
        let untagged = self.directory.change(cx, action, identity, &asked, |record| {
            record.tags.retain(|(known, _)| !keys.iter().any(|key| key.eq_ignore_ascii_case(known)));
            Ok(())
        });
        untagged.await.map_err(|error| error.during(action))?;
        Ok(())
    }

    /// Changes a role's description or its maximum session duration. `None` leaves a value
    /// unchanged. An empty description removes it.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`], [`ErrorKind::Validation`].
    pub async fn update_role(
        &self,
        cx: &CallContext,
        role: &str,
        description: Option<&str>,
        max_session_seconds: Option<u32>,
    ) -> Result<Identity, Error> {
        let role = IdentityRef::role(role);
        let asked = Context::new();
        let changed = self.directory.change(cx, "UpdateRole", &role, &asked, |record| {
            check_description(description)?;
            if let Some(description) = description {
                record.description = Some(description.to_owned()).filter(|text| !text.is_empty());
            }
            if let Some(seconds) = max_session_seconds {
                check_session(seconds)?;
                record.max_session_seconds = Some(seconds);
            }
            Ok(())
        });
        let record = changed.await.map_err(|error| error.during("UpdateRole"))?;
        Ok(record.to_identity(role.kind, &self.directory.layout))
    }

    /// Changes a user's name or path, and with them its ARN. Its unique id, policies and access
    /// keys stay; policies that name its former ARN no longer name anyone. The caller needs
    /// permission for both ARNs.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`], [`ErrorKind::AlreadyExists`], [`ErrorKind::Validation`].
    pub async fn update_user(
        &self,
        cx: &CallContext,
        user: &str,
        new_name: Option<&str>,
        new_path: Option<&str>,
    ) -> Result<Identity, Error> {
        let named = |error: Error| error.during("UpdateUser");
        let identity = IdentityRef::user(user);
        for () in self.directory.attempts(cx) {
            let found = self
                .directory
                .permit_on(cx, "UpdateUser", &identity, &Context::new())
                .await
                .map_err(named)?;
            let Stored { mut record, revision } = found.ok_or_else(|| named(no_identity(&identity)))?;
            let batch = self.directory.update_user_once(cx, &mut record, revision, new_name, new_path).await;
            if self.directory.commit(batch.map_err(named)?).await.map_err(named)? {
                return Ok(record.to_identity(identity.kind, &self.directory.layout));
            }
        }
        Err(named(contended()))
    }

    /// Replaces a role's trust policy, which says who can assume the role.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`], [`ErrorKind::MalformedPolicy`], [`ErrorKind::LimitExceeded`].
    pub async fn update_trust(&self, cx: &CallContext, role: &str, trust: &str) -> Result<(), Error> {
        let named = |error: Error| error.during("UpdateAssumeRolePolicy");
        let policy = read_trust(trust).map_err(named)?;
        let action = "UpdateAssumeRolePolicy";
        // Checked before the principals are looked up: an unauthorized caller must not learn which
        // users and roles exist.
        self.directory
            .permit_on(cx, action, &IdentityRef::role(role), &Context::new())
            .await
            .map_err(named)?;
        let ids = self.directory.ids_named(&policy).await.map_err(named)?;
        let role = IdentityRef::role(role);
        let asked = Context::new();
        let changed = self.directory.change(cx, action, &role, &asked, |record| {
            record.trust = Some(trust.to_owned());
            record.trusted_ids.clone_from(&ids);
            Ok(())
        });
        changed.await.map_err(named)?;
        Ok(())
    }
}

impl Directory {
    async fn create(
        &self,
        cx: &CallContext,
        kind: IdentityKind,
        record: IdentityRecord,
    ) -> Result<Identity, Error> {
        let action = if kind == IdentityKind::User { "CreateUser" } else { "CreateRole" };
        let what = if kind == IdentityKind::User { "userName" } else { "roleName" };
        check_name(what, &record.name, 64)?;
        check_path("path", &record.path)?;
        check_tags(&record.tags)?;
        let described = record.to_identity(kind, &self.layout);
        let mut asked = tags_of(&record.tags);
        if let Some(boundary) = &record.boundary {
            asked.set("iam:PermissionsBoundary", boundary);
        }
        self.permit_with(cx, action, described.arn.as_str(), &asked).await?;
        if !record.tags.is_empty() {
            let tag = if kind == IdentityKind::User { "TagUser" } else { "TagRole" };
            self.permit_with(cx, tag, described.arn.as_str(), &asked).await?;
        }
        let place = self.layout.identity(kind, &record.name);
        for () in self.attempts(cx) {
            if self.taken(kind, &record.name).await?.is_some() {
                let word = if kind == IdentityKind::User { "User" } else { "Role" };
                let text = format!("{word} with name {} already exists.", record.name);
                return Err(Error::new(ErrorKind::AlreadyExists, text));
            }
            let mut batch = self.inner.records.batch();
            self.put(&mut batch, &place, &record, Expect::Absent)?;
            let guardrails = self.layout.guardrails();
            if self.read::<GuardrailsRecord>(&guardrails).await?.is_none() {
                // Written with the first identity, so that a later removal of the guardrails is
                // detected.
                self.put(&mut batch, &guardrails, &GuardrailsRecord::default(), Expect::Absent)?;
            }
            let owner = format!("{kind} {}", record.name);
            batch.put(&self.layout.id(&record.id), owner.as_bytes(), Expect::Absent);
            if let Some(boundary) = &record.boundary {
                self.count_use(&mut batch, boundary, Use::Boundary, 1).await?;
            }
            if self.commit(batch).await? {
                return Ok(described);
            }
        }
        Err(contended())
    }

    /// Records under a key prefix, sorted by name, after the given name; and whether there are
    /// more.
    pub(crate) async fn page<T: DeserializeOwned>(
        &self,
        prefix: &Key,
        after: Option<&str>,
        limit: usize,
        wanted: impl Fn(&T) -> bool + Send,
    ) -> Result<(Vec<T>, bool), Error> {
        let mut page = Vec::new();
        let mut after = after.map(|name| prefix.clone().then(name.to_ascii_lowercase()));
        // Scan until the page is full, so that the marker names a record that matches the filter.
        loop {
            let mut scan = Scan::prefix(prefix).limit(MAX_PAGE);
            if let Some(after) = &after {
                scan = scan.after(after);
            }
            let snapshot = self.inner.records.snapshot().await.map_err(storage)?;
            let found = snapshot.scan(&scan).await.map_err(storage)?;
            drop(snapshot);
            for stored in &found.records {
                let record = Stored::<T>::parse(stored)?.record;
                if !wanted(&record) {
                    continue;
                }
                if page.len() == limit {
                    return Ok((page, true));
                }
                page.push(record);
            }
            match found.cursor {
                Some(cursor) => after = Some(cursor),
                None => return Ok((page, false)),
            }
        }
    }

    /// All records under a key prefix, sorted by name.
    pub(crate) async fn all<T: DeserializeOwned>(&self, prefix: &Key) -> Result<Vec<T>, Error> {
        Ok(self.page(prefix, None, usize::MAX, |_: &T| true).await?.0)
    }

    async fn update_user_once(
        &self,
        cx: &CallContext,
        record: &mut IdentityRecord,
        revision: Revision,
        new_name: Option<&str>,
        new_path: Option<&str>,
    ) -> Result<TrustedBatch, Error> {
        let before = self.layout.identity(IdentityKind::User, &record.name);
        if let Some(name) = new_name {
            check_name("newUserName", name, 64)?;
            record.name = name.to_owned();
        }
        if let Some(path) = new_path {
            check_path("newPath", path)?;
            record.path = path.to_owned();
        }
        let described = record.to_identity(IdentityKind::User, &self.layout);
        self.permit(cx, "UpdateUser", described.arn.as_str()).await?;
        let after = self.layout.identity(IdentityKind::User, &record.name);
        let mut batch = self.inner.records.batch();
        if after == before {
            self.put(&mut batch, &after, record, Expect::At(revision))?;
        } else {
            if self.taken(IdentityKind::User, &record.name).await?.is_some() {
                let text = format!("User with name {} already exists.", record.name);
                return Err(Error::new(ErrorKind::AlreadyExists, text));
            }
            batch.delete(&before, Expect::At(revision));
            self.put(&mut batch, &after, record, Expect::Absent)?;
        }
        let owner = format!("{} {}", IdentityKind::User, record.name);
        batch.put(&self.layout.id(&record.id), owner.as_bytes(), Expect::Any);
        for id in &record.access_keys {
            let place = self.layout.access_key(id);
            if let Some(mut key) = self.read::<AccessKeyRecord>(&place).await? {
                key.record.user = Some(record.name.clone());
                self.put(&mut batch, &place, &key.record, Expect::At(key.revision))?;
            }
        }
        Ok(batch)
    }
}

pub(crate) fn check_page(limit: usize) -> Result<(), Error> {
    if (1..=MAX_PAGE).contains(&limit) {
        return Ok(());
    }
    Err(invalid("maxItems", "have value between 1 and 1000"))
}

fn check_session(seconds: u32) -> Result<(), Error> {
    let bound = match seconds {
        ..3600 => "greater than or equal to 3600",
        3600..=43_200 => return Ok(()),
        43_201.. => "less than or equal to 43200",
    };
    Err(invalid("maxSessionDuration", format_args!("have value {bound}")))
}

fn read_trust(document: &str) -> Result<Policy, Error> {
    check_size(document, MAX_TRUST, "ACLSizePerRole")?;
    let policy = Policy::trust(document).map_err(malformed)?;
    if let Some((kind, name)) = policy.invalid_principals().next() {
        return Err(nobody(kind, name));
    }
    let of_sts = |action: &str| action.to_ascii_lowercase().starts_with("sts:");
    if !policy.statements().iter().all(|statement| statement.actions().all(of_sts)) {
        let text = "AssumeRole policy may only specify STS AssumeRole actions.";
        return Err(Error::new(ErrorKind::MalformedPolicy, text));
    }
    Ok(policy)
}
