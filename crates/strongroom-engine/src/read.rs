//! Reading values.

use strongroom_store::validate::Violations;
use strongroom_store::{Error, ErrorKind, GetSecretValue, SecretId, SecretMetadata, SecretVersion, Stage};
use strongroom_types::{CallContext, Timestamp};

use crate::commit::Attempts;
use crate::engine::Engine;
use crate::head::{Head, Version};

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

impl Engine {
    pub(crate) async fn get(
        &self,
        cx: &CallContext,
        request: GetSecretValue,
    ) -> Result<SecretVersion, Error> {
        self.authorize(cx)?;
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
            attempts.next(self, cx)?;
            let stored = self.live(&request.id).await?;
            let version = choose(&stored.head, &request)?;
            let Some(sealed) = &version.sealed else { continue };
            let Some(value) = self.fetch(cx, &stored.head, &version.id, sealed).await? else {
                // Encrypted again or deleted between the two reads; or else changed in the file.
                self.changed_since(&stored, &version.id).await?;
                continue;
            };
            self.accessed(&stored.head, &version.id, version.accessed).await;
            return Ok(SecretVersion {
                arn: stored.head.arn(self.realm()),
                name: stored.head.name.clone(),
                version_id: version.id.clone(),
                value,
                stages: version.stages.clone(),
                created: Timestamp::from_millis(version.created),
            });
        }
    }

    pub(crate) async fn describe(&self, cx: &CallContext, id: &SecretId) -> Result<SecretMetadata, Error> {
        self.authorize(cx)?;
        let mut violations = Violations::new();
        violations.secret_id(id);
        violations.finish()?;
        Ok(self.metadata(&self.existing(id).await?.head))
    }

    /// What is known of a secret, with the reads that are noted but not yet written.
    pub(crate) fn metadata(&self, head: &Head) -> SecretMetadata {
        let mut metadata = head.metadata(self.realm());
        let last = self.inner.notes.last(head, None, head.accessed);
        metadata.last_accessed = last.map(Timestamp::from_millis);
        metadata
    }
}
