//! Checks the directory's records for consistency.

use std::collections::BTreeMap;

use strongroom_policy::Policy;
use strongroom_records::Scan;
use strongroom_root::Report;
use strongroom_types::CallContext;

use crate::directory::Directory;
use crate::error::storage;
use crate::names::parse_kept;
use crate::presets;
use crate::record::{GuardrailsRecord, IdentityRecord, PolicyRecord, Stored};
use crate::{Error, Iam, IdentityKind};

impl Iam {
    /// Checks every user, role, policy and guardrail of the account: that documents parse, that
    /// attached policies exist and are counted, and that unique ids lead back to their identities.
    /// Changes nothing. Only the owner can call this.
    ///
    /// # Errors
    /// If storage fails. Damage is not an error; it is listed in the report.
    pub async fn verify(&self, cx: &CallContext) -> Result<Report, Error> {
        self.directory.owner_only(cx, "VerifyDirectory")?;
        let mut report = Report::new();
        let mut attached: BTreeMap<String, u32> = BTreeMap::new();
        let mut somebody = false;
        for kind in [IdentityKind::User, IdentityKind::Role] {
            let mut walk =
                self.directory.inner.records.walk(Scan::prefix(&self.directory.layout.identities(kind)));
            while let Some(page) = walk.next().await.map_err(storage)? {
                for (place, stored) in page {
                    report.check();
                    // The verification of all records reports inauthentic ones.
                    let Ok(stored) = stored else { continue };
                    match Stored::<IdentityRecord>::parse(&stored) {
                        Ok(found) => {
                            somebody = true;
                            verify_identity(&self.directory, kind, &found.record, &mut attached, &mut report)
                                .await?;
                        }
                        Err(error) => report.problem(place, error),
                    }
                }
            }
        }
        verify_policies(&self.directory, &mut attached, &mut report).await?;
        for arn in attached.keys() {
            report.problem(arn, "an attached policy is missing");
        }
        match self.directory.read::<GuardrailsRecord>(&self.directory.layout.guardrails()).await {
            Ok(Some(found)) => {
                for (name, document) in &found.record.guardrails {
                    if let Err(error) = parse_kept(document) {
                        report.problem(format!("guardrail {name}"), error);
                    }
                }
            }
            Ok(None) if somebody => {
                report.problem(self.directory.layout.guardrails(), "the record of guardrails is missing")
            }
            Ok(None) => {}
            Err(error) => report.problem(self.directory.layout.guardrails(), error),
        }
        Ok(report)
    }
}

async fn verify_identity(
    directory: &Directory,
    kind: IdentityKind,
    record: &IdentityRecord,
    attached: &mut BTreeMap<String, u32>,
    report: &mut Report,
) -> Result<(), Error> {
    let arn = directory.layout.arn(kind.as_str(), &record.path, &record.name);
    for (name, document) in &record.inline {
        if let Err(error) = parse_kept(document) {
            report.problem(format!("{arn}, policy {name}"), error);
        }
    }
    if let Some(trust) = &record.trust
        && let Err(error) = Policy::kept_trust(trust)
    {
        report.problem(format!("{arn}, trust policy"), error);
    }
    for policy in record.attached.iter().chain(&record.boundary) {
        if presets::document(policy).is_none() {
            *attached.entry(policy.clone()).or_default() += 1;
        }
    }
    let owner = format!("{kind} {}", record.name);
    match directory.inner.records.get(&directory.layout.id(&record.id)).await {
        Ok(Some(entry)) if entry.content == owner.as_bytes() => {}
        Ok(_) => report.problem(arn, "the unique id does not lead back to the identity"),
        // Reported by the verification of all records.
        Err(error) if error.kind() == strongroom_root::ErrorKind::Tampered => {}
        Err(error) => return Err(storage(error)),
    }
    Ok(())
}

/// Checks all managed policies, and removes those that exist from `attached`.
async fn verify_policies(
    directory: &Directory,
    attached: &mut BTreeMap<String, u32>,
    report: &mut Report,
) -> Result<(), Error> {
    let mut walk = directory.inner.records.walk(Scan::prefix(&directory.layout.policies()));
    while let Some(page) = walk.next().await.map_err(storage)? {
        for (place, stored) in page {
            report.check();
            let Ok(stored) = stored else { continue };
            let record = match Stored::<PolicyRecord>::parse(&stored) {
                Ok(found) => found.record,
                Err(error) => {
                    report.problem(place, error);
                    continue;
                }
            };
            let arn = directory.layout.arn("policy", &record.path, &record.name);
            if let Err(error) = parse_kept(&record.document) {
                report.problem(&arn, error);
            }
            let counted = attached.remove(arn.as_str()).unwrap_or_default();
            if counted != record.attachments {
                let text = format!("attached {counted} times, but {} are counted", record.attachments);
                report.problem(arn, text);
            }
        }
    }
    Ok(())
}
