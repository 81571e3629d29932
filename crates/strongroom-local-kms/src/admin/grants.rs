//! Grants: permission for one principal, kept in records of their own beside the key.

use strongroom_envelope::random_array;
use strongroom_kms::{
    CreateGrant, CreatedGrant, Error, ErrorKind, GrantConstraint, GrantFilter, GrantOperation, GrantPage,
    GrantRef, KeyId, KeyRef, KeyUsage, ListPage, Operation, check_principal,
};
use strongroom_policy::{Known, PrincipalKind};
use strongroom_records::{Expect, Scan};
use strongroom_root::UnknownMembers;
use strongroom_types::{Arn, hex};

use crate::call::KeyCall;
use crate::gate::{Gate, principal};
use crate::grants::lookup::Grants;
use crate::grants::record::{Constraint, GrantRecord};
use crate::grants::removal::GrantRemoval;
use crate::grants::token::Tokens;
use crate::keys::write::Writer;
use crate::layout::{StoredKey, decode, encode, last_segment};
use crate::naming::finder::Finder;
use crate::needs::Role;
use crate::parts::{Parts, check_limit, contended, dry_run, invalid_marker, storage};

/// The most grants of a key.
const MOST: u32 = 50_000;

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

/// What the grant allows must fit the key. AWS's texts for these two are unconfirmed.
fn check_usage(key: &StoredKey, request: &CreateGrant) -> Result<(), Error> {
    let usage = key.spec.usage();
    if let Some(wrong) = request.operations.iter().find(|operation| !operation.fits(usage)) {
        let text = format!("Grant operation {wrong} is not valid for a key of usage {usage}");
        return Err(Error::new(ErrorKind::Validation, text));
    }
    if request.constraint.is_some() && usage != KeyUsage::EncryptDecrypt {
        let text = "Grant constraints are valid for symmetric encryption keys only";
        return Err(Error::new(ErrorKind::Validation, text));
    }
    Ok(())
}

/// The operations on grants.
#[derive(Clone, Copy)]
pub(crate) struct KeyGrants<'a>(pub(crate) &'a Parts);

impl KeyGrants<'_> {
    /// The unique id of a grant's principal, where there is somebody to tell.
    async fn principal_id(self, arn: &str) -> Result<Option<String>, Error> {
        match Gate(self.0).look_up(arn).await? {
            Known::Somebody { arn: own, id } if own == arn => Ok(Some(id)),
            Known::Nobody => {
                let text = format!("ARN does not refer to a valid principal: {arn}");
                Err(Error::new(ErrorKind::InvalidArn, text))
            }
            _ => Ok(None),
        }
    }

    /// The record of a grant to be made. Who exists is only revealed to those who may make one.
    async fn new_record(
        self,
        call: &KeyCall<'_>,
        key: &StoredKey,
        request: &CreateGrant,
    ) -> Result<GrantRecord, Error> {
        let grantee_id = self.principal_id(&request.grantee).await?;
        let retiring_id = match &request.retiring {
            Some(retiring) => self.principal_id(retiring).await?,
            None => None,
        };
        check_usage(key, request)?;
        let mut operations: Vec<String> = Vec::new();
        for operation in &request.operations {
            if !operations.iter().any(|known| known == operation.as_str()) {
                operations.push(operation.to_string());
            }
        }
        let realm = self.0.realm();
        let issuer = principal(call.cx(), realm)?;
        let account = issuer.account().map_or_else(|| realm.account().to_string(), str::to_owned);
        Ok(GrantRecord {
            id: hex(&random_array::<32>()?),
            name: request.name.clone(),
            created: self.0.now().as_millis(),
            grantee: request.grantee.clone(),
            grantee_id,
            retiring: request.retiring.clone(),
            retiring_id,
            issuing_account: format!("arn:{}:iam::{account}:root", realm.region().partition()),
            operations,
            constraint: request.constraint.as_ref().map(|constraint| Constraint {
                exact: matches!(constraint, GrantConstraint::EncryptionContextEquals(_)),
                pairs: constraint.context().iter().map(|(key, value)| (key.into(), value.into())).collect(),
                unknown: UnknownMembers::default(),
            }),
            unknown: UnknownMembers::default(),
        })
    }

    pub(crate) async fn create(
        self,
        call: &KeyCall<'_>,
        key: &KeyRef,
        request: &CreateGrant,
    ) -> Result<CreatedGrant, Error> {
        request.check()?;
        let layout = &self.0.inner.layout;
        let needed = call.needs(Role::Key)?;
        for () in self.0.attempts(call.cx()) {
            Gate(self.0).check_request(call)?;
            let mut key = Finder(self.0).managed(call, key, needed).await?;
            Gate(self.0).permit(call, &key, needed).await?;
            let record = self.new_record(call, &key, request).await?;
            let named = record.digest()?.map(|digest| layout.named_grant(&key.id, &digest));
            if let Some(place) = &named
                && let Some(known) = self.0.inner.records.get(place).await.map_err(storage)?
            {
                let id = String::from_utf8_lossy(&known.content).into_owned();
                dry_run(request.dry_run)?;
                return Ok(CreatedGrant { token: Tokens(self.0).make(&key.id, &id)?, id });
            }
            if key.record.grants >= MOST {
                return Err(Error::new(ErrorKind::LimitExceeded, "the key has 50000 grants already"));
            }
            dry_run(request.dry_run)?;
            let mut batch = self.0.inner.records.batch();
            batch.put(&layout.grant(&key.id, &record.id), &encode(&record)?, Expect::Absent);
            batch.put(&layout.grant_for(&key.id, &record.grantee, &record.id), b"", Expect::Any);
            if let Some(retiring) = &record.retiring {
                batch.put(&layout.retirable_grant(retiring, &key.id, &record.id), b"", Expect::Any);
            }
            if let Some(place) = &named {
                batch.put(place, record.id.as_bytes(), Expect::Absent);
            }
            key.record.grants += 1;
            match Writer(self.0).commit_key(&key, batch).await {
                Ok(_) => {
                    return Ok(CreatedGrant {
                        token: Tokens(self.0).make(&key.id, &record.id)?,
                        id: record.id,
                    });
                }
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(contended())
    }

    pub(crate) async fn list(
        self,
        call: &KeyCall<'_>,
        key: &KeyRef,
        filter: &GrantFilter,
        page: &ListPage,
    ) -> Result<GrantPage, Error> {
        let limit = check_limit(page, 50, 100)?;
        let layout = &self.0.inner.layout;
        let needed = call.needs(Role::Key)?;
        let key = Finder(self.0).managed(call, key, needed).await?;
        Gate(self.0).permit(call, &key, needed).await?;
        if let Some(grantee) = &filter.grantee {
            check_principal("granteePrincipal", grantee)?;
        }
        if let Some(id) = &filter.id {
            check_id(id)?;
            let found = Grants(self.0).find(&key.id, id).await?.map(|(_, record)| record);
            let found = found.ok_or_else(|| no_grant(id))?;
            let shown = filter.grantee.as_ref().is_none_or(|grantee| *grantee == found.grantee);
            let grants = if shown { vec![found.to_grant(&key.arn)?] } else { Vec::new() };
            return Ok(GrantPage { grants, next_marker: None });
        }
        let mut answer = GrantPage::default();
        let found = match &filter.grantee {
            None => {
                let found = self.0.page(&layout.grants(&key.id), page, limit).await?;
                for stored in &found.records {
                    answer.grants.push(decode::<GrantRecord>(stored)?.to_grant(&key.arn)?);
                }
                found
            }
            Some(grantee) => {
                let found = self.0.page(&layout.grants_for(&key.id, grantee), page, limit).await?;
                for stored in &found.records {
                    let id = last_segment(&stored.key).unwrap_or_default();
                    if let Some((_, record)) = Grants(self.0).find(&key.id, &id).await? {
                        answer.grants.push(record.to_grant(&key.arn)?);
                    }
                }
                found
            }
        };
        answer.next_marker = found.cursor.as_ref().and_then(last_segment);
        Ok(answer)
    }

    pub(crate) async fn retirable(
        self,
        call: &KeyCall<'_>,
        retiring: &str,
        page: &ListPage,
    ) -> Result<GrantPage, Error> {
        Gate(self.0).authorize(call, call.needs(Role::Account)?).await?;
        let limit = check_limit(page, 50, 100)?;
        if Arn::parse(retiring).is_err() {
            return Err(Error::new(
                ErrorKind::InvalidArn,
                format!("{retiring} is not the ARN of a principal"),
            ));
        }
        let prefix = self.0.inner.layout.retirable(retiring);
        let mut scan = Scan::prefix(&prefix).limit(limit);
        if let Some(marker) = &page.marker {
            // The key and the grant that the page before ended with.
            let (key, grant) = marker.split_once(':').ok_or_else(invalid_marker)?;
            scan = scan.after(&prefix.clone().then(key).then(grant));
        }
        let snapshot = self.0.inner.records.snapshot().await.map_err(storage)?;
        let found = snapshot.scan(&scan).await.map_err(storage)?;
        drop(snapshot);
        let mut answer = GrantPage::default();
        let mut last = None;
        for stored in &found.records {
            let mut segments = stored.key.segments().unwrap_or_default().into_iter().rev();
            let mut next = || String::from_utf8(segments.next().unwrap_or_default()).unwrap_or_default();
            let (grant, key) = (next(), next());
            let id = KeyId::parse(&key)?;
            if let Some((_, record)) = Grants(self.0).find(&id, &grant).await? {
                answer.grants.push(record.to_grant(&id.arn(self.0.realm()))?);
            }
            last = Some(format!("{key}:{grant}"));
        }
        answer.next_marker = found.cursor.and(last);
        Ok(answer)
    }

    pub(crate) async fn retire(self, call: &KeyCall<'_>, grant: &GrantRef, dry: bool) -> Result<(), Error> {
        let (key, id) = match grant {
            GrantRef::Token(token) => {
                let (key, id) = Tokens(self.0).open(token)?;
                (KeyRef::Arn(key.arn(self.0.realm()), key), id)
            }
            GrantRef::Id { key, id } => {
                check_id(id)?;
                (key.clone(), id.clone())
            }
            _ => return Err(Error::new(ErrorKind::Unsupported, "")),
        };
        self.end(call, &key, &id, dry).await
    }

    /// Who may retire a grant is decided by the grant, unless the key's policy forbids it.
    async fn may_retire(self, call: &KeyCall<'_>, key: &StoredKey, grant: &GrantRecord) -> Result<(), Error> {
        let subject = Gate(self.0).subject(call.cx()).await?;
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
        Gate(self.0).unless_forbidden(call, key, call.needs(Role::Key)?, may).await
    }

    pub(crate) async fn revoke(
        self,
        call: &KeyCall<'_>,
        key: &KeyRef,
        id: &str,
        dry: bool,
    ) -> Result<(), Error> {
        check_id(id)?;
        self.end(call, key, id, dry).await
    }

    async fn end(self, call: &KeyCall<'_>, key: &KeyRef, id: &str, dry: bool) -> Result<(), Error> {
        let needed = call.needs(Role::Key)?;
        let retires = call.operation() == Operation::RetireGrant;
        for () in self.0.attempts(call.cx()) {
            let mut key = Finder(self.0).managed(call, key, needed).await?;
            if !retires {
                Gate(self.0).permit(call, &key, needed).await?;
            }
            let found = Grants(self.0).find(&key.id, id).await?;
            let (stored, record) = found.ok_or_else(|| {
                // Another account does not learn whether the key exists.
                if Gate(self.0).is_foreign(call.cx()) {
                    Gate(self.0).hidden(call.cx(), needed)
                } else {
                    no_grant(id)
                }
            })?;
            if retires {
                self.may_retire(call, &key, &record).await?;
            }
            dry_run(dry)?;
            let mut batch = self.0.inner.records.batch();
            GrantRemoval(self.0).one(&mut batch, &key.id, &stored, &record)?;
            key.record.grants = key.record.grants.saturating_sub(1);
            match Writer(self.0).commit_key(&key, batch).await {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(contended())
    }
}
