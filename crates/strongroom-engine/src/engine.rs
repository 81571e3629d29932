//! The engine: its handles, and the one way in which its operations run.

use std::pin::{Pin, pin};
use std::sync::Arc;

use strongroom_kms::{KeyRef, Kms};
use strongroom_policy::{Authorizer, Detail, NoDirectory};
use strongroom_root::{Chore, Report, TrustedRecords};
use strongroom_store::{Error, ErrorKind, Operation, SecretId};
use strongroom_types::{CallContext, Clock, PurgePermit, Realm};

use crate::call::{Call, Parameters};
use crate::owner::OwningService;
use crate::parts::{EngineLimits, Parts};
use crate::permission::{Explainer, SecretAccess, SecretPrincipals};
use crate::upkeep::{Housekeeping, KeyUse, KeyUsePage, KeyUses, RewrapProgress, Verifier, chores};

/// The embedded secret store. Clones share everything.
#[derive(Clone)]
pub struct Engine {
    pub(crate) parts: Arc<Parts>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Engine({})", self.realm())
    }
}

impl Engine {
    /// An engine over `records`, with the default quotas.
    ///
    /// `kms` should be a handle that acts for Secrets Manager (`LocalKms::for_service`). Over any
    /// other key service the managed key is refused and each secret must name a customer key.
    #[must_use]
    pub fn new(records: TrustedRecords, kms: Arc<dyn Kms>, clock: Arc<dyn Clock>) -> Self {
        Self::with_limits(records, kms, clock, EngineLimits::default())
    }

    /// As [`Engine::new`] with other quotas.
    #[must_use]
    pub fn with_limits(
        records: TrustedRecords,
        kms: Arc<dyn Kms>,
        clock: Arc<dyn Clock>,
        limits: EngineLimits,
    ) -> Self {
        let authorizer = Arc::new(NoDirectory::default());
        Self { parts: Arc::new(Parts::new(records, kms, clock, limits, authorizer)) }
    }

    /// A handle that asks `authorizer` who calls. Without one, callers are who they say they are,
    /// and have no policies of their own.
    #[must_use]
    pub fn authorized_by(&self, authorizer: Arc<dyn Authorizer>) -> Self {
        let mut parts = Parts::clone(&self.parts);
        parts.authorizer = authorizer;
        Self { parts: Arc::new(parts) }
    }

    /// A handle that asks `permit` before it purges a secret because its recovery window is over.
    /// Without one, it believes the clock. While the permit is refused, a secret past its recovery
    /// window is still marked for deletion: it keeps its name, and can be restored.
    #[must_use]
    pub fn purging_by(&self, permit: Arc<dyn PurgePermit>) -> Self {
        let mut parts = Parts::clone(&self.parts);
        parts.permit = permit;
        Self { parts: Arc::new(parts) }
    }

    /// A handle that acts for a service which manages secrets for its customers, such as `rds`. The
    /// secrets it makes are named `rds!...` and say `OwningService`; the account can read them, but
    /// only such a handle can change them.
    #[must_use]
    pub fn for_service(&self, service: OwningService) -> Self {
        let mut parts = Parts::clone(&self.parts);
        parts.service = Some(service);
        Self { parts: Arc::new(parts) }
    }

    /// The account and region of the secrets.
    #[must_use]
    pub fn realm(&self) -> &Realm {
        self.parts.realm()
    }

    /// What an operation of `cx` on a secret would come to if it were tried: with the current value
    /// or a new value under the secret's own key, and no other parameters. Asks for no permission
    /// itself: the caller of this function must have been checked before.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`] and the like for an invalid name of a secret; storage and damage.
    pub async fn explain(
        &self,
        cx: &CallContext,
        operation: Operation,
        id: &SecretId,
        detail: Detail,
    ) -> Result<SecretAccess, Error> {
        let explained = Explainer(&self.parts).explain(cx, operation, id, detail).await;
        explained.map_err(|error| error.of_call(operation, Some(id.as_str())))
    }

    /// Those whom a secret's policy names. Nobody if there is no such secret.
    ///
    /// # Errors
    /// As [`Engine::explain`].
    pub async fn principals(&self, id: &SecretId) -> Result<SecretPrincipals, Error> {
        Explainer(&self.parts).principals(id).await.map_err(|error| error.with("secret", id))
    }

    /// The versions of secrets that are encrypted under a key, including those without labels: what
    /// would be lost with the key. With `material`, only those under that generation of it.
    /// Ciphertexts kept elsewhere are not counted.
    ///
    /// # Errors
    /// What the key service answers for the key; [`ErrorKind::InvalidNextToken`]; storage errors.
    pub async fn key_uses(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        material: Option<&str>,
        next_token: Option<&str>,
    ) -> Result<KeyUsePage, Error> {
        let call = self.call(cx, Operation::ListKeyUses, None, Parameters::default());
        self.perform(&call, pin!(KeyUses(&self.parts).list(&call, key, material, next_token))).await
    }

    /// Encrypts again, under the newest generation of a key, everything that is encrypted under an
    /// older one. Values, labels and dates stay. It may be stopped at any moment and called again:
    /// finished work stays finished. `progress` is called for each version.
    ///
    /// # Errors
    /// What the key service answers; storage errors.
    pub async fn rewrap(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        progress: impl FnMut(RewrapProgress) + Send,
    ) -> Result<RewrapProgress, Error> {
        let call = self.call(cx, Operation::Rewrap, None, Parameters::default());
        self.perform(&call, pin!(KeyUses(&self.parts).rewrap(&call, key, progress))).await
    }

    /// Closes an older generation of a key: from now on no process stores a value under it. Returns
    /// the first hundred versions that are under it all the same; if there are any, the generation
    /// is open again. Asks the secrets themselves, not only the index of uses.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for the generation that encrypts now; what the key service
    /// answers; storage errors.
    pub async fn close_material(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        material: &str,
    ) -> Result<Vec<KeyUse>, Error> {
        let call = self.call(cx, Operation::RetireMaterial, None, Parameters::default());
        self.perform(&call, pin!(KeyUses(&self.parts).close_material(&call, key, material))).await
    }

    /// Stores when secrets were last read, purges the secrets whose recovery window is over, and
    /// finishes earlier purges. Returns how many secrets were purged, or `None` if another process
    /// is doing it.
    ///
    /// # Errors
    /// Storage; [`ErrorKind::Tampered`].
    pub async fn maintain(&self) -> Result<Option<u64>, Error> {
        let owner = CallContext::owner(self.realm());
        let call = self.call(&owner, Operation::Maintain, None, Parameters::default());
        self.perform(&call, pin!(Housekeeping(&self.parts).maintain(&call))).await
    }

    /// The chores of a secret store, for a housekeeper: `write-dates` stores when this process last
    /// read which secret, and `purge-secrets` purges the secrets whose recovery window is over. They
    /// ask for no permission.
    #[must_use]
    pub fn chores(&self) -> Vec<Box<dyn Chore>> {
        chores(&self.parts)
    }

    /// Checks every record of the realm, opens every version of every secret, compares indexes with
    /// heads, and reports what is wrong. Reads only; others may continue to write meanwhile.
    ///
    /// # Errors
    /// Storage that cannot be read at all; [`ErrorKind::AccessDenied`].
    pub async fn verify(&self, cx: &CallContext) -> Result<Report, Error> {
        let call = self.call(cx, Operation::Verify, None, Parameters::default());
        self.perform(&call, pin!(Verifier(&self.parts).verify(&call))).await
    }

    /// A call that begins now.
    pub(crate) fn call<'a>(
        &self,
        cx: &'a CallContext,
        operation: Operation,
        resource: Option<&'a str>,
        parameters: impl Into<Parameters<'a>>,
    ) -> Call<'a> {
        Call::new(cx, operation, resource, parameters.into(), self.parts.now())
    }

    /// Runs a call. Every operation passes through here, whatever its outcome: refused before or
    /// after permission, failed or done. Its error names the operation that was called, and its
    /// secret.
    ///
    /// The operation is pinned where it is made, so that its state is not copied on the way.
    pub(crate) async fn perform<T>(
        &self,
        call: &Call<'_>,
        operation: Pin<&mut impl Future<Output = Result<T, Error>>>,
    ) -> Result<T, Error> {
        let outcome = if call.frame.is_late(call.frame.started) {
            Err(Error::new(ErrorKind::Throttled, "the caller's deadline had passed when the call arrived"))
        } else {
            operation.await
        };
        outcome.map_err(|error| error.of_call(call.operation(), call.frame.resource))
    }

    /// The records, for tests that write what no operation writes.
    #[cfg(test)]
    pub(crate) fn storage(&self) -> crate::storage::Storage<'_> {
        crate::storage::Storage(&self.parts)
    }
}
