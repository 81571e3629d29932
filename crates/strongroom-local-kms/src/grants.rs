//! Grants: permission for one principal, kept in records of their own beside the key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strongroom_envelope::{EncryptionContext, SecretBytes, random_array};
use strongroom_kms::{
    CreateGrant, CreatedGrant, Error, ErrorKind, Grant, GrantConstraint, GrantFilter, GrantOperation,
    GrantPage, GrantRef, KeyId, KeyRef, ListPage, check_principal,
};
use strongroom_policy::{GrantReport, Known, Principal, PrincipalKind, Request};
use strongroom_records::{Expect, Key, Scan};
use strongroom_root::{TrustedBatch, TrustedRecord, UnknownMembers};
use strongroom_types::{Arn, CallContext, Timestamp, hex};

use crate::admin::check_limit;
use crate::crypto::dry_run;
use crate::layout::{StoredKey, decode, encode, last_segment};
use crate::local::{ATTEMPTS, LocalKms, contended, storage};
use crate::permission::principal;
use crate::request_facts::RequestFacts;
use crate::states::Operation;

/// The most grants of a key.
const MOST: u32 = 50_000;
/// How many grants of a key that goes are deleted in one commit: four records each, and the least that a backend takes is
/// 100 operations.
pub(crate) const CHUNK: usize = 20;

/// A grant's record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct GrantRecord {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    name: Option<String>,
    created: i64,
    grantee: String,
    /// The grantee's unique id, where it was known when the grant was made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    grantee_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    retiring: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    retiring_id: Option<String>,
    issuing_account: String,
    operations: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    constraint: Option<Constraint>,
    #[serde(flatten)]
    unknown: UnknownMembers,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Constraint {
    /// Exactly these pairs, or these among others.
    exact: bool,
    pairs: Vec<(String, String)>,
    #[serde(flatten)]
    unknown: UnknownMembers,
}

impl GrantRecord {
    fn operations(&self) -> impl Iterator<Item = GrantOperation> {
        self.operations.iter().filter_map(|word| GrantOperation::from_word(word))
    }

    fn constraint(&self) -> Result<Option<GrantConstraint>, Error> {
        let Some(constraint) = &self.constraint else { return Ok(None) };
        let context = EncryptionContext::from_pairs(constraint.pairs.iter().cloned())?;
        Ok(Some(if constraint.exact {
            GrantConstraint::EncryptionContextEquals(context)
        } else {
            GrantConstraint::EncryptionContextSubset(context)
        }))
    }

    /// Which request made it: its name and all that it asked for. Only named ones are kept.
    fn digest(&self) -> Result<Option<String>, Error> {
        let Some(name) = &self.name else { return Ok(None) };
        let mut operations = self.operations.clone();
        operations.sort_unstable();
        let whom = (&self.grantee, &self.grantee_id, &self.retiring, &self.retiring_id);
        let asked = encode(&(name, whom, operations, &self.constraint))?;
        Ok(Some(hex(&Sha256::digest(asked))))
    }

    fn to_grant(&self, key_arn: &Arn) -> Result<Grant, Error> {
        Ok(Grant {
            key_arn: key_arn.clone(),
            id: self.id.clone(),
            name: self.name.clone().unwrap_or_default(),
            created: Timestamp::from_millis(self.created),
            grantee: self.grantee.clone(),
            retiring: self.retiring.clone(),
            issuing_account: self.issuing_account.clone(),
            operations: self.operations().collect(),
            constraint: self.constraint()?,
        })
    }

    /// Whether the principal, under this name, is the grantee.
    fn is_for(&self, name: &str, who: &Principal) -> bool {
        self.grantee == name && self.grantee_id.as_deref().is_none_or(|id| who.unique_id() == Some(id))
    }

    pub(crate) fn grantee(&self) -> &str {
        &self.grantee
    }

    /// What it says to a request of this principal.
    pub(crate) fn report(
        &self,
        wanted: GrantOperation,
        asked: &RequestFacts<'_>,
        who: &Principal,
    ) -> Result<GrantReport, Error> {
        let is_theirs = names_of(who).any(|name| self.is_for(name, who));
        let matches = is_theirs && self.allows(wanted, asked)?;
        let why = if matches {
            format!("allows {wanted}")
        } else if !is_theirs {
            "is for somebody who had this name before".to_owned()
        } else if !self.operations().any(|one| one == wanted) {
            format!("{wanted} is not among {}", self.operations.join(", "))
        } else {
            "its constraint is not met by the encryption context".to_owned()
        };
        Ok(GrantReport::new(&self.id, self.name.as_deref(), &self.grantee, matches, why))
    }

    /// Whether it lets its grantee do this.
    fn allows(&self, wanted: GrantOperation, asked: &RequestFacts<'_>) -> Result<bool, Error> {
        if !self.operations().any(|one| one == wanted) {
            return Ok(false);
        }
        let Some(constraint) = self.constraint()? else {
            return Ok(asked.grant.is_none_or(|grant| self.covers(grant, None)));
        };
        Ok(match (wanted, asked.grant, asked.context) {
            (GrantOperation::DescribeKey | GrantOperation::RetireGrant, ..) => true,
            (GrantOperation::CreateGrant, Some(grant), _) => self.covers(grant, Some(&constraint)),
            (_, _, Some(context)) => constraint.allows(context),
            _ => false,
        })
    }

    /// Who may make grants by a grant makes none that allows more.
    fn covers(&self, grant: &CreateGrant, constraint: Option<&GrantConstraint>) -> bool {
        let operations: Vec<_> = self.operations().collect();
        grant.operations.iter().all(|one| operations.contains(one))
            && constraint.is_none_or(|own| grant.constraint.as_ref().is_some_and(|other| own.covers(other)))
    }
}

fn check_id(id: &str) -> Result<(), Error> {
    if id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
        return Ok(());
    }
    // AWS's text is unconfirmed.
    Err(Error::new(ErrorKind::InvalidGrantId, format!("Invalid grant ID {id}")))
}

fn no_grant(id: &str) -> Error {
    // AWS's text is unconfirmed.
    Error::new(ErrorKind::NotFound, format!("Grant ID {id} not found"))
}

/// Under which names a principal may be a grantee.
fn names_of(who: &Principal) -> impl Iterator<Item = &str> {
    let session = (who.arn() != who.identity_arn()).then(|| who.arn());
    [Some(who.identity_arn()), session].into_iter().flatten().filter(|name| !name.is_empty())
}

impl LocalKms {
    /// Where a token would be stored if it were: what is sealed for this place opens nowhere else.
    fn token_place(&self) -> Key {
        self.inner.layout.token_place("grant")
    }

    fn token(&self, key: &KeyId, grant: &str) -> Result<String, Error> {
        let content = SecretBytes::copy_from(format!("{key} {grant}").as_bytes());
        Ok(STANDARD.encode(self.inner.records.seal(&self.token_place(), &content).map_err(storage)?))
    }

    fn open_token(&self, token: &str) -> Result<(KeyId, String), Error> {
        let invalid = || Error::new(ErrorKind::InvalidGrantToken, "");
        if token.is_empty() || token.len() > 8192 {
            return Err(invalid());
        }
        let sealed = STANDARD.decode(token).map_err(|_| invalid())?;
        let content = self.inner.records.unseal(&self.token_place(), &sealed).map_err(|_| invalid())?;
        let text = std::str::from_utf8(content.expose()).map_err(|_| invalid())?;
        let (key, grant) = text.split_once(' ').ok_or_else(invalid)?;
        Ok((KeyId::parse(key)?, grant.to_owned()))
    }

    /// A token gives nothing; one that was never given out is refused.
    pub(crate) fn check_tokens(&self, tokens: &[String]) -> Result<(), Error> {
        if tokens.len() > 10 {
            let text = "1 validation error detected: Value at 'grantTokens' failed to satisfy constraint: Member must have length less than or equal to 10";
            return Err(Error::new(ErrorKind::Validation, text));
        }
        tokens.iter().try_for_each(|token| self.open_token(token).map(|_| ()))
    }

    /// Whether a grant of the key lets the principal do this.
    pub(crate) async fn is_granted(
        &self,
        key: &StoredKey,
        who: &Principal,
        wanted: GrantOperation,
        asked: &RequestFacts<'_>,
    ) -> Result<bool, Error> {
        if key.record.grants == 0 {
            return Ok(false);
        }
        for name in names_of(who) {
            let mut walk =
                self.inner.records.walk(Scan::prefix(&self.inner.layout.grants_for(&key.id, name)));
            while let Some(page) = walk.next().await.map_err(storage)? {
                let mut places = Vec::with_capacity(page.len());
                for (place, entry) in page {
                    entry.map_err(storage)?;
                    places.push(self.inner.layout.grant(&key.id, &last_segment(&place).unwrap_or_default()));
                }
                // Ended in this moment, if one is not there.
                for stored in self.inner.records.read(&places).await.map_err(storage)?.iter().flatten() {
                    let grant: GrantRecord = decode(stored)?;
                    if grant.is_for(name, who) && grant.allows(wanted, asked)? {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// The grants of a key that are for whoever makes a request, at most so many.
    pub(crate) async fn grants_of(
        &self,
        key: &StoredKey,
        request: &Request,
        most: usize,
    ) -> Result<Vec<GrantRecord>, Error> {
        let mut found = Vec::new();
        if key.record.grants == 0 {
            return Ok(found);
        }
        for name in names_of(request.principal()) {
            let scan = Scan::prefix(&self.inner.layout.grants_for(&key.id, name)).limit(most);
            let snapshot = self.inner.records.snapshot().await.map_err(storage)?;
            for entry in snapshot.scan(&scan).await.map_err(storage)?.records {
                let id = last_segment(&entry.key).unwrap_or_default();
                found.extend(self.find_grant(&key.id, &id).await?.map(|(_, record)| record));
            }
        }
        Ok(found)
    }

    /// The unique id of a grant's principal, where there is somebody to tell.
    async fn principal_id(&self, arn: &str) -> Result<Option<String>, Error> {
        match self.look_up(arn).await? {
            Known::Somebody { arn: own, id } if own == arn => Ok(Some(id)),
            Known::Nobody => {
                let text = format!("ARN does not refer to a valid principal: {arn}");
                Err(Error::new(ErrorKind::InvalidArn, text))
            }
            _ => Ok(None),
        }
    }

    async fn find_grant(&self, key: &KeyId, id: &str) -> Result<Option<(TrustedRecord, GrantRecord)>, Error> {
        let stored = self.inner.records.get(&self.inner.layout.grant(key, id)).await.map_err(storage)?;
        stored.map(|stored| decode(&stored).map(|record| (stored, record))).transpose()
    }

    pub(crate) async fn make_grant(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        request: CreateGrant,
    ) -> Result<CreatedGrant, Error> {
        request.check()?;
        let layout = &self.inner.layout;
        let issuer = principal(cx, self.realm())?;
        let account = issuer.account().map_or_else(|| self.realm().account().to_string(), str::to_owned);
        let constraint = request.constraint.as_ref().map(|constraint| Constraint {
            exact: matches!(constraint, GrantConstraint::EncryptionContextEquals(_)),
            pairs: constraint.context().iter().map(|(key, value)| (key.into(), value.into())).collect(),
            unknown: UnknownMembers::default(),
        });
        let mut operations: Vec<String> = Vec::new();
        for operation in &request.operations {
            if !operations.iter().any(|known| known == operation.as_str()) {
                operations.push(operation.to_string());
            }
        }
        for _ in 0..ATTEMPTS {
            let asked = RequestFacts::nothing().grant(&request);
            self.check_asked(cx, &asked)?;
            let mut key = self.resolve_managed(cx, key, Operation::CreateGrant).await?;
            self.permit(cx, &key, Operation::CreateGrant, &asked).await?;
            // Who there is, is told only to those who may.
            let grantee_id = self.principal_id(&request.grantee).await?;
            let retiring_id = match &request.retiring {
                Some(retiring) => self.principal_id(retiring).await?,
                None => None,
            };
            let usage = key.spec.usage();
            // AWS's texts for these two are unconfirmed.
            if let Some(wrong) = request.operations.iter().find(|operation| !operation.fits(usage)) {
                let text = format!("Grant operation {wrong} is not valid for a key of usage {usage}");
                return Err(Error::new(ErrorKind::Validation, text));
            }
            if constraint.is_some() && usage != strongroom_kms::KeyUsage::EncryptDecrypt {
                let text = "Grant constraints are valid for symmetric encryption keys only";
                return Err(Error::new(ErrorKind::Validation, text));
            }
            let record = GrantRecord {
                id: hex(&random_array::<32>()?),
                name: request.name.clone(),
                created: self.now().as_millis(),
                grantee: request.grantee.clone(),
                grantee_id: grantee_id.clone(),
                retiring: request.retiring.clone(),
                retiring_id: retiring_id.clone(),
                issuing_account: format!("arn:{}:iam::{account}:root", self.realm().region().partition()),
                operations: operations.clone(),
                constraint: constraint.clone(),
                unknown: UnknownMembers::default(),
            };
            let named = record.digest()?.map(|digest| layout.named_grant(&key.id, &digest));
            if let Some(place) = &named
                && let Some(known) = self.inner.records.get(place).await.map_err(storage)?
            {
                let id = String::from_utf8_lossy(&known.content).into_owned();
                dry_run(request.dry_run)?;
                return Ok(CreatedGrant { token: self.token(&key.id, &id)?, id });
            }
            if key.record.grants >= MOST {
                return Err(Error::new(ErrorKind::LimitExceeded, "the key has 50000 grants already"));
            }
            dry_run(request.dry_run)?;
            let mut batch = self.inner.records.batch();
            batch.put(&layout.grant(&key.id, &record.id), &encode(&record)?, Expect::Absent);
            batch.put(&layout.grant_for(&key.id, &record.grantee, &record.id), b"", Expect::Any);
            if let Some(retiring) = &record.retiring {
                batch.put(&layout.retirable_grant(retiring, &key.id, &record.id), b"", Expect::Any);
            }
            if let Some(place) = &named {
                batch.put(place, record.id.as_bytes(), Expect::Absent);
            }
            key.record.grants += 1;
            match self.commit_key(&key, batch).await {
                Ok(_) => return Ok(CreatedGrant { token: self.token(&key.id, &record.id)?, id: record.id }),
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(contended())
    }

    pub(crate) async fn grants(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        filter: &GrantFilter,
        page: &ListPage,
    ) -> Result<GrantPage, Error> {
        let limit = check_limit(page, 50, 100)?;
        let layout = &self.inner.layout;
        let key = self.resolve_managed(cx, key, Operation::ListGrants).await?;
        self.permit(cx, &key, Operation::ListGrants, &RequestFacts::nothing()).await?;
        if let Some(grantee) = &filter.grantee {
            check_principal("granteePrincipal", grantee)?;
        }
        if let Some(id) = &filter.id {
            check_id(id)?;
            let found = self.find_grant(&key.id, id).await?.map(|(_, record)| record);
            let found = found.ok_or_else(|| no_grant(id))?;
            let shown = filter.grantee.as_ref().is_none_or(|grantee| *grantee == found.grantee);
            let grants = if shown { vec![found.to_grant(&key.arn)?] } else { Vec::new() };
            return Ok(GrantPage { grants, next_marker: None });
        }
        let mut told = GrantPage::default();
        let found = match &filter.grantee {
            None => {
                let found = self.page(&layout.grants(&key.id), page, limit).await?;
                for stored in &found.records {
                    told.grants.push(decode::<GrantRecord>(stored)?.to_grant(&key.arn)?);
                }
                found
            }
            Some(grantee) => {
                let found = self.page(&layout.grants_for(&key.id, grantee), page, limit).await?;
                for stored in &found.records {
                    let id = last_segment(&stored.key).unwrap_or_default();
                    if let Some((_, record)) = self.find_grant(&key.id, &id).await? {
                        told.grants.push(record.to_grant(&key.arn)?);
                    }
                }
                found
            }
        };
        told.next_marker = found.cursor.as_ref().and_then(last_segment);
        Ok(told)
    }

    pub(crate) async fn retirable_grants(
        &self,
        cx: &CallContext,
        retiring: &str,
        page: &ListPage,
    ) -> Result<GrantPage, Error> {
        self.authorize(cx, Operation::ListRetirableGrants).await?;
        let limit = check_limit(page, 50, 100)?;
        if Arn::parse(retiring).is_err() {
            return Err(Error::new(
                ErrorKind::InvalidArn,
                format!("{retiring} is not the ARN of a principal"),
            ));
        }
        let prefix = self.inner.layout.retirable(retiring);
        let mut scan = Scan::prefix(&prefix).limit(limit);
        if let Some(marker) = &page.marker {
            // The key and the grant that the page before ended with.
            let (key, grant) = marker
                .split_once(':')
                .ok_or_else(|| Error::new(ErrorKind::InvalidMarker, "Invalid marker"))?;
            scan = scan.after(&prefix.clone().then(key).then(grant));
        }
        let snapshot = self.inner.records.snapshot().await.map_err(storage)?;
        let found = snapshot.scan(&scan).await.map_err(storage)?;
        drop(snapshot);
        let mut told = GrantPage::default();
        let mut last = None;
        for stored in &found.records {
            let mut segments = stored.key.segments().unwrap_or_default().into_iter().rev();
            let mut next = || String::from_utf8(segments.next().unwrap_or_default()).unwrap_or_default();
            let (grant, key) = (next(), next());
            let id = KeyId::parse(&key)?;
            if let Some((_, record)) = self.find_grant(&id, &grant).await? {
                told.grants.push(record.to_grant(&id.arn(self.realm()))?);
            }
            last = Some(format!("{key}:{grant}"));
        }
        told.next_marker = found.cursor.and(last);
        Ok(told)
    }

    pub(crate) async fn retire(&self, cx: &CallContext, grant: &GrantRef, dry: bool) -> Result<(), Error> {
        let (key, id) = match grant {
            GrantRef::Token(token) => {
                let (key, id) = self.open_token(token)?;
                (KeyRef::Arn(key.arn(self.realm()), key), id)
            }
            GrantRef::Id { key, id } => {
                check_id(id)?;
                (key.clone(), id.clone())
            }
            _ => return Err(Error::new(ErrorKind::Unsupported, "")),
        };
        self.end_grant(cx, &key, &id, Operation::RetireGrant, dry).await
    }

    /// Who may retire a grant is decided by the grant, unless the key's policy forbids it.
    async fn may_retire(&self, cx: &CallContext, key: &StoredKey, grant: &GrantRecord) -> Result<(), Error> {
        let subject = self.subject(cx).await?;
        let who = subject.principal();
        let named = |name: &str| name == who.arn() || name == who.identity_arn();
        let grantee = [who.arn(), who.identity_arn()].iter().any(|name| grant.is_for(name, who));
        let account = who.kind() == PrincipalKind::Root
            && Arn::parse(&grant.issuing_account).is_ok_and(|issuer| Some(issuer.account()) == who.account());
        let may = account
            || grant.retiring.as_deref().is_some_and(|name| {
                named(name) && grant.retiring_id.as_deref().is_none_or(|id| who.unique_id() == Some(id))
            })
            || (grantee && grant.operations().any(|operation| operation == GrantOperation::RetireGrant));
        self.unless_forbidden(cx, key, Operation::RetireGrant, may).await
    }

    pub(crate) async fn revoke(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        id: &str,
        dry: bool,
    ) -> Result<(), Error> {
        check_id(id)?;
        self.end_grant(cx, key, id, Operation::RevokeGrant, dry).await
    }

    async fn end_grant(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        id: &str,
        operation: Operation,
        dry: bool,
    ) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let mut key = self.resolve_managed(cx, key, operation).await?;
            if operation == Operation::RevokeGrant {
                self.permit(cx, &key, operation, &RequestFacts::nothing()).await?;
            }
            let found = self.find_grant(&key.id, id).await?;
            let (stored, record) = found.ok_or_else(|| {
                // Another account is not told whether there is the key.
                if self.is_foreign(cx) { self.hidden(cx, operation) } else { no_grant(id) }
            })?;
            if operation == Operation::RetireGrant {
                self.may_retire(cx, &key, &record).await?;
            }
            dry_run(dry)?;
            let mut batch = self.inner.records.batch();
            self.delete_grant(&mut batch, &key.id, &stored, &record)?;
            key.record.grants = key.record.grants.saturating_sub(1);
            match self.commit_key(&key, batch).await {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(contended())
    }

    fn delete_grant(
        &self,
        batch: &mut TrustedBatch,
        key: &KeyId,
        stored: &TrustedRecord,
        record: &GrantRecord,
    ) -> Result<(), Error> {
        let layout = &self.inner.layout;
        batch.delete(&layout.grant(key, &record.id), Expect::At(stored.revision));
        batch.delete(&layout.grant_for(key, &record.grantee, &record.id), Expect::Any);
        if let Some(retiring) = &record.retiring {
            batch.delete(&layout.retirable_grant(retiring, key, &record.id), Expect::Any);
        }
        if let Some(digest) = record.digest()? {
            batch.delete(&layout.named_grant(key, &digest), Expect::Any);
        }
        Ok(())
    }

    /// Of a key that goes: deletes some of its grants, and says whether there were any.
    pub(crate) async fn delete_some_grants(
        &self,
        batch: &mut TrustedBatch,
        key: &KeyId,
    ) -> Result<bool, Error> {
        let scan = Scan::prefix(&self.inner.layout.grants(key)).limit(CHUNK);
        let snapshot = self.inner.records.snapshot().await.map_err(storage)?;
        let found = snapshot.scan(&scan).await.map_err(storage)?.records;
        for stored in &found {
            self.delete_grant(batch, key, stored, &decode(stored)?)?;
        }
        Ok(!found.is_empty())
    }

    /// What is wrong with the grants of a key.
    pub(crate) async fn verify_grants(
        &self,
        key: &StoredKey,
        report: &mut strongroom_root::Report,
    ) -> Result<(), Error> {
        let layout = &self.inner.layout;
        let mut walk = self.inner.records.walk(Scan::prefix(&layout.grants(&key.id)));
        let mut count = 0;
        while let Some(page) = walk.next().await.map_err(storage)? {
            for (place, stored) in page {
                report.check();
                count += 1;
                let Ok(stored) = stored else { continue };
                match decode::<GrantRecord>(&stored) {
                    Ok(record) => {
                        let index = layout.grant_for(&key.id, &record.grantee, &record.id);
                        if self.inner.records.get(&index).await.is_ok_and(|entry| entry.is_none()) {
                            report.problem(&place, "the grant is missing in the index of its grantee");
                        }
                        if let Some(retiring) = &record.retiring {
                            let index = layout.retirable_grant(retiring, &key.id, &record.id);
                            if self.inner.records.get(&index).await.is_ok_and(|entry| entry.is_none()) {
                                report.problem(
                                    &place,
                                    "the grant is missing in the index of who may retire it",
                                );
                            }
                        }
                    }
                    Err(error) => report.problem(place, error),
                }
            }
        }
        if count != key.record.grants {
            report.problem(&key.id, format!("the key has {count} grants and counts {}", key.record.grants));
        }
        Ok(())
    }
}
