//! Holding the directory's records against each other.

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
    /// Looks at every user, role, policy and guardrail of the account: that documents can be read, that what is attached is there and
    /// counted, that unique ids lead back. Reads only. Only the owner may do it.
    ///
    /// # Errors
    /// Storage that cannot be read at all. Damage is not an error; it stands in the report.
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
                    // What is not authentic the walk over all records tells.
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
            report.problem(arn, "a policy that is attached is missing");
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
        report.problem(format!("{arn}, who may take it on"), error);
    }
    for policy in record.attached.iter().chain(&record.boundary) {
        if presets::document(policy).is_none() {
            *attached.entry(policy.clone()).or_default() += 1;
        }
    }
    let owner = format!("{kind} {}", record.name);
    match directory.inner.records.get(&directory.layout.id(&record.id)).await {
        Ok(Some(entry)) if entry.content == owner.as_bytes() => {}
        Ok(_) => report.problem(arn, "the unique id does not lead back"),
        // Told by the walk over all records.
        Err(error) if error.kind() == strongroom_root::ErrorKind::Tampered => {}
        Err(error) => return Err(storage(error)),
    }
    Ok(())
}

/// Takes the policies that are there out of those that are attached.
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
                let text = format!("{counted} have it and {} are counted", record.attachments);
                report.problem(arn, text);
            }
        }
    }
    Ok(())
}
