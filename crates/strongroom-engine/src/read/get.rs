//! Reading values.

use strongroom_envelope::SecretText;
use strongroom_store::validate::Violations;
use strongroom_store::{
    Error, ErrorKind, GetRandomPassword, GetSecretValue, SecretId, SecretMetadata, SecretVersion,
    ServedReads, Stage,
};
use strongroom_types::Timestamp;

use crate::call::{About, Call, Parameters};
use crate::head::{Head, Version};
use crate::keys::Keys;
use crate::parts::Parts;
use crate::permission::Gate;
use crate::read::dates::Dates;
use crate::storage::Attempts;

/// The version a request asks for, if it has a value.
fn choose<'a>(head: &'a Head, request: &GetSecretValue) -> Result<&'a Version, Error> {
    let Some(id) = &request.version_id else {
        let stage = request.stage.clone().unwrap_or(Stage::CURRENT);
        return head.holder(&stage).filter(|version| version.sealed.is_some()).ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                format!("Secrets Manager can't find the specified secret value for staging label: {stage}"),
            )
        });
    };
    let version = head.version(id).filter(|version| version.sealed.is_some()).ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            format!("Secrets Manager can't find the specified secret value for VersionId: {id}"),
        )
    })?;
    if request.stage.as_ref().is_some_and(|stage| !version.stages.contains(stage)) {
        return Err(Error::new(
            ErrorKind::InvalidRequest,
            "You provided a VersionStage that is not associated to the provided VersionId.",
        ));
    }
    Ok(version)
}

/// Whether a report of a read fails because of this secret or this caller alone. It is skipped
/// then.
fn concerns_one(error: &Error) -> bool {
    use ErrorKind::{
        AccessDenied, ExpiredToken, InvalidRequest, MarkedForDeletion, NotFound, Tampered, Validation,
    };
    matches!(
        error.kind(),
        AccessDenied | ExpiredToken | InvalidRequest | MarkedForDeletion | NotFound | Tampered | Validation
    )
}

/// Reads values and what is known about secrets.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a Parts);

impl Reader<'_> {
    pub(crate) async fn get(self, call: &Call<'_>, request: &GetSecretValue) -> Result<SecretVersion, Error> {
        let (keys, realm) = (Keys(self.0), self.0.realm());
        let mut violations = Violations::new();
        violations.secret_id(&request.id);
        if let Some(version) = &request.version_id {
            violations.length("versionId", version.as_str(), 32, 64);
        }
        if let Some(stage) = &request.stage {
            violations.stage(stage);
        }
        violations.finish()?;
        let mut attempts = Attempts::new();
        loop {
            attempts.next(self.0, call)?;
            let stored = Gate(self.0).live(call, &request.id).await?;
            let version = choose(&stored.head, request)?;
            let Some(sealed) = &version.sealed else { continue };
            let Some(value) = keys.fetch(call, &stored.head, &version.id, sealed).await? else {
                // Encrypted again or deleted between the two reads; otherwise changed in the file.
                keys.changed_since(&stored, &version.id).await?;
                continue;
            };
            Dates(self.0).accessed(&stored.head, &version.id, version.accessed, self.0.now()).await;
            return Ok(SecretVersion {
                arn: stored.head.arn(realm).clone(),
                name: stored.head.name.clone(),
                version_id: version.id.clone(),
                value,
                stages: version.stages.clone(),
                created: Timestamp::from_millis(version.created),
            });
        }
    }

    /// Dates secrets by reads that a cache in front has served.
    pub(crate) async fn take_reads(self, call: &Call<'_>, reads: &[ServedReads]) -> Result<u64, Error> {
        if reads.iter().any(|read| read.count == 0 || read.last < read.first) {
            let text = "count must be at least 1, and last not before first";
            return Err(Error::new(ErrorKind::InvalidParameter, text));
        }
        let mut taken = 0u64;
        for read in reads {
            let id = &read.request.id;
            let parameters = Parameters::from(&read.request);
            let one =
                Call::new(call.cx(), call.operation(), Some(id.as_str()), parameters, call.frame.started);
            match Gate(self.0).live(&one, id).await {
                Ok(stored) => {
                    // A version that is gone is no longer dated.
                    let known = stored.head.version(&read.version_id);
                    if let Some(version) = known.filter(|version| version.sealed.is_some()) {
                        let moment = read.last.min(self.0.now());
                        Dates(self.0).accessed(&stored.head, &version.id, version.accessed, moment).await;
                        taken = taken.saturating_add(read.count);
                    }
                }
                Err(error) if concerns_one(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }

    pub(crate) async fn describe(self, call: &Call<'_>, id: &SecretId) -> Result<SecretMetadata, Error> {
        let mut violations = Violations::new();
        violations.secret_id(id);
        violations.finish()?;
        let found = Gate(self.0).existing(call, id).await?;
        Ok(Dates(self.0).metadata(&found.head))
    }

    pub(crate) async fn random_password(
        self,
        call: &Call<'_>,
        request: &GetRandomPassword,
    ) -> Result<SecretText, Error> {
        Gate(self.0).allow(call, About::Nothing).await?;
        request.generate()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use strongroom_local_kms::LocalKms;
    use strongroom_records::MemoryRecords;
    use strongroom_root::{RootKey, TrustedRecords};
    use strongroom_store::{
        CreateSecret, ListSecretVersionIds, PutSecretValue, SecretStore, SecretValue, Target, VersionId,
    };
    use strongroom_types::{CallContext, Service, SystemClock};

    use super::*;
    use crate::Engine;

    /// As a rotation leaves it: a version is named and labelled, and has no value yet.
    async fn with_placeholder(token: &VersionId) -> (Engine, CallContext) {
        let clock = Arc::new(SystemClock);
        let root = RootKey::from_bytes([1; 32]);
        let records =
            TrustedRecords::open(Arc::new(MemoryRecords::new()), root, None, &*clock).await.unwrap();
        let kms = LocalKms::new(records.clone(), clock.clone()).for_service(Service::SecretsManager);
        let engine = Engine::new(records, Arc::new(kms), clock);
        let cx = CallContext::owner(engine.realm());
        engine.create_secret(&cx, CreateSecret::new("s").value(SecretValue::text("1"))).await.unwrap();
        let storage = engine.storage();
        let before = storage.find(&Target::Name("s".into())).await.unwrap().unwrap();
        let mut head = Head::clone(&before.head);
        let created = head.created + 1;
        let stages = [Stage::PENDING].into();
        head.versions.push(Version::new(token.clone(), created, stages, None));
        let batch = storage.0.records.batch();
        assert!(storage.commit_head(batch, Some(&before), &head).await.unwrap());
        (engine, cx)
    }

    /// §6.4: "stage absent, or its version has no value", "VersionId unknown or without value",
    /// "placeholder asked with both VersionId and AWSPENDING".
    #[test]
    fn a_version_without_a_value_is_labelled_and_not_found() {
        pollster::block_on(async {
            let token = VersionId::new("t".repeat(32));
            let (engine, cx) = with_placeholder(&token).await;
            let get = |request: GetSecretValue| async {
                let error = engine.get_secret_value(&cx, request).await.unwrap_err();
                (error.kind(), error.message().to_owned())
            };
            let by_stage =
                "Secrets Manager can't find the specified secret value for staging label: AWSPENDING";
            let by_id =
                format!("Secrets Manager can't find the specified secret value for VersionId: {token}");
            let by = || GetSecretValue::new("s");
            assert_eq!(get(by().stage(Stage::PENDING)).await, (ErrorKind::NotFound, by_stage.into()));
            assert_eq!(get(by().version_id(&token)).await, (ErrorKind::NotFound, by_id.clone()));
            assert_eq!(
                get(by().version_id(&token).stage(Stage::PENDING)).await,
                (ErrorKind::NotFound, by_id)
            );
            // Described with its label, not listed.
            let described = engine.describe_secret(&cx, &"s".into()).await.unwrap();
            assert!(described.versions[&token].contains(&Stage::PENDING));
            let listed = ListSecretVersionIds::new("s").include_deprecated();
            assert_eq!(engine.list_secret_version_ids(&cx, listed).await.unwrap().versions.len(), 1);
            assert!(engine.verify(&cx).await.unwrap().problems.is_empty());
        });
    }

    /// §6, IDEM: "A placeholder version (no value) with that token is filled, not compared."
    #[test]
    fn a_put_with_its_token_fills_it() {
        pollster::block_on(async {
            let token = VersionId::new("t".repeat(32));
            let (engine, cx) = with_placeholder(&token).await;
            let put = PutSecretValue::new("s", SecretValue::text("2")).token(&token).stage(Stage::PENDING);
            engine.put_secret_value(&cx, put).await.unwrap();
            let pending = GetSecretValue::new("s").stage(Stage::PENDING);
            assert_eq!(engine.get_secret_value(&cx, pending).await.unwrap().expose_text().unwrap(), "2");
            let current = engine.get_secret_value(&cx, GetSecretValue::new("s")).await.unwrap();
            assert_eq!(current.expose_text().unwrap(), "1");
            assert!(engine.verify(&cx).await.unwrap().problems.is_empty());
        });
    }
}
