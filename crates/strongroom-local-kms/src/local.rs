//! The service itself: its handles and what they are made of.

use std::future::Future;
use std::sync::Arc;

use strongroom_envelope::SecretBytes;
use strongroom_kms::{
    AliasName, CreateKey, Error, ImportKeyMaterial, ImportedMaterial, KeyMetadata, KeyRef, Operation,
    ReEncrypt, ReEncrypted,
};
use strongroom_policy::{Authorizer, Detail, NoDirectory};
use strongroom_root::{Chore, Report, TrustedRecords};
use strongroom_types::{AlwaysPermitted, CallContext, Clock, PurgePermit, Realm, Service};

use crate::LocalKmsOptions;
use crate::admin::create::{self, Creation};
use crate::admin::deletion::Deletions;
use crate::admin::imports::{self, Imports};
use crate::cache::keys::KeyCache;
use crate::cache::material::MaterialCache;
use crate::call::KeyCall;
use crate::crypto::Crypto;
use crate::explain::{Explainer, KeyAccess, KeyPrincipals};
use crate::layout::Layout;
use crate::parts::{Inner, Parts};
use crate::upkeep::verification::Verification;
use crate::upkeep::{Upkeep, chores};

/// A complete software key service over [`TrustedRecords`]. Clones share everything.
///
/// This handle is the account's: it creates, manages and uses the customer's keys. The keys that
/// AWS services manage (`alias/aws/...`) work only through a handle of that service,
/// [`LocalKms::for_service`].
#[derive(Clone)]
pub struct LocalKms(pub(crate) Parts);

impl std::fmt::Debug for LocalKms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LocalKms({})", self.realm())
    }
}

/// Says that its author knows what is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retirement {
    /// Ciphertexts made under the generation and kept anywhere, which nobody can count, will never
    /// open again.
    LosesCiphertextsElsewhere,
}

impl LocalKms {
    /// The key service of the account and region that `records` belong to.
    #[must_use]
    pub fn new(records: TrustedRecords, clock: Arc<dyn Clock>) -> Self {
        Self::with_options(records, clock, LocalKmsOptions::default())
    }

    /// As [`LocalKms::new`], with other bounds on what is kept in memory.
    #[must_use]
    pub fn with_options(records: TrustedRecords, clock: Arc<dyn Clock>, options: LocalKmsOptions) -> Self {
        let layout = Layout(records.realm().clone());
        let keys = KeyCache::new(options.staleness);
        let materials = MaterialCache::new(options.material_in_memory);
        let inner = Arc::new(Inner { records, clock, layout, keys, materials });
        let authorizer = Arc::new(NoDirectory::default());
        Self(Parts { inner, via: None, authorizer, permit: Arc::new(AlwaysPermitted) })
    }

    /// A handle that asks `authorizer` who calls. Without one, callers are who they say they are
    /// and have no policies of their own: key policies and grants decide alone.
    #[must_use]
    pub fn authorized_by(&self, authorizer: Arc<dyn Authorizer>) -> Self {
        Self(Parts { authorizer, ..self.0.clone() })
    }

    /// A handle that asks `permit` before it destroys a key or imported material because of its
    /// date. Without one, it believes the clock. While the permit is refused, nothing is destroyed;
    /// what is past its date is unusable all the same.
    #[must_use]
    pub fn purging_by(&self, permit: Arc<dyn PurgePermit>) -> Self {
        Self(Parts { permit, ..self.0.clone() })
    }

    /// A handle that acts for `service`: calls through it may use that service's managed key, which
    /// is created at first use.
    #[must_use]
    pub fn for_service(&self, service: Service) -> Self {
        Self(Parts { via: Some(service), ..self.0.clone() })
    }

    /// The account and region of the keys.
    #[must_use]
    pub fn realm(&self) -> &Realm {
        self.0.realm()
    }

    /// A call of an operation, made now.
    pub(crate) fn call<'a>(&self, cx: &'a CallContext, operation: Operation) -> KeyCall<'a> {
        KeyCall::new(cx, operation, self.0.now())
    }

    /// What every operation goes through: the caller's deadline before the work, the operation's
    /// name on the error after it.
    pub(crate) async fn perform<T>(
        &self,
        call: &KeyCall<'_>,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let done = match call.check_deadline() {
            Ok(()) => work.await,
            Err(late) => Err(late),
        };
        done.map_err(|error| error.during(call.operation().name()))
    }

    /// Creates a key and its first alias in one commit: there is never a key without its name.
    ///
    /// # Errors
    /// Those of `create_key` and `create_alias`.
    pub async fn create_named_key(
        &self,
        cx: &CallContext,
        request: CreateKey,
        alias: &AliasName,
    ) -> Result<KeyMetadata, Error> {
        let call = self.call(cx, Operation::CreateKey).with_facts(create::facts_of(&request));
        self.perform(&call, Creation(&self.0).create_named(&call, &request, alias)).await
    }

    /// Brings material to a key made with [`strongroom_kms::CreateKey::external`], or brings again
    /// what it lost, from within the process, where nothing has to wrap it. Ignores
    /// [`ImportKeyMaterial::import_token`] and the wrapped material of `options`.
    ///
    /// # Errors
    /// Those of ImportKeyMaterial but for token and wrapping.
    pub async fn import_plain_material(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        material: &SecretBytes,
        options: &ImportKeyMaterial,
    ) -> Result<ImportedMaterial, Error> {
        let call = self.call(cx, Operation::ImportKeyMaterial).with_facts(imports::facts_of(options));
        self.perform(&call, Imports(&self.0).import(&call, key, material, options)).await
    }

    /// As [`strongroom_kms::Kms::re_encrypt`], but encrypts under a key of another key service in
    /// this process, such as that of another account.
    ///
    /// # Errors
    /// As [`strongroom_kms::Kms::re_encrypt`]. Each service checks permission for its own key.
    pub async fn re_encrypt_into(
        &self,
        cx: &CallContext,
        destination: &Self,
        request: ReEncrypt<'_>,
    ) -> Result<ReEncrypted, Error> {
        let call = self.call(cx, Operation::ReEncrypt);
        let destination = Crypto(&destination.0);
        self.perform(&call, Crypto(&self.0).re_encrypt(&call, destination, &request)).await
    }

    /// Destroys the material of an older generation of a key, named by its material id. What was
    /// encrypted under it never opens again. The key service cannot know whether such ciphertexts
    /// exist: `strongroom`'s `retire_key_material` looks through the secrets first, and keeps new
    /// ones from using it. The caller needs `kms:ScheduleKeyDeletion`. Repeating it is fine.
    ///
    /// # Errors
    /// [`strongroom_kms::ErrorKind::NotFound`] for the key and for the material;
    /// [`strongroom_kms::ErrorKind::InvalidState`] for the generation that encrypts, and for a key
    /// pending deletion; [`strongroom_kms::ErrorKind::Unsupported`] for imported material, which
    /// DeleteImportedKeyMaterial deletes.
    pub async fn retire_material(
        &self,
        cx: &CallContext,
        key: &KeyRef,
        key_material_id: &str,
        _confirmed: Retirement,
    ) -> Result<(), Error> {
        // Gone at once: a policy that demands a longer wait forbids it.
        let call = self.call(cx, Operation::RetireMaterial);
        let call = call.with("kms:ScheduleKeyDeletionPendingWindowInDays", "0");
        self.perform(&call, Deletions(&self.0).retire_material(&call, key, key_material_id)).await
    }

    /// The chores of a key service: `rotate-keys`, which gives new material to the keys whose
    /// schedule says so; `delete-material`, which deletes imported material whose date has come;
    /// `delete-keys`, which deletes the keys whose waiting period is over.
    #[must_use]
    pub fn chores(&self) -> Vec<Box<dyn Chore>> {
        chores::all(&self.0)
    }

    /// Gives new material to the keys whose schedule says so, deletes imported material whose date
    /// has come, and deletes the keys whose deletion date has passed: material, record, aliases,
    /// grants. What only they open is lost. Returns how many keys were deleted. Safe to call from
    /// several processes at once.
    ///
    /// # Errors
    /// [`strongroom_kms::ErrorKind::Internal`] for storage.
    /// [`strongroom_kms::ErrorKind::Tampered`] for a damaged key, after all others were looked at.
    pub async fn maintain(&self) -> Result<u64, Error> {
        Upkeep(&self.0).run().await
    }

    /// Reads every key and alias, unseals every generation, and reports what is wrong.
    ///
    /// # Errors
    /// Storage that cannot be read at all.
    pub async fn verify(&self) -> Result<Report, Error> {
        Verification(&self.0).run().await
    }

    /// Why a caller may use a key under this encryption context, or why not. The decision is that
    /// of the operation itself, with the key named by its ARN, except for what only the request of
    /// CreateGrant, RetireGrant or a MAC says, and for whoever retires a grant, whose right comes
    /// from the grant. Asks for no permission: check beforehand whether the caller may see an
    /// explanation.
    ///
    /// # Errors
    /// [`strongroom_kms::ErrorKind::NotFound`], storage and damage.
    pub async fn explain(
        &self,
        cx: &CallContext,
        permission: strongroom_kms::GrantOperation,
        key: &KeyRef,
        context: &strongroom_envelope::EncryptionContext,
        detail: Detail,
    ) -> Result<KeyAccess, Error> {
        let call = self.call(cx, permission.operation()).of(key).context(context);
        Explainer(&self.0).explain(&call, permission, key, detail).await
    }

    /// Whom a key's policy and its grants name.
    ///
    /// # Errors
    /// As [`LocalKms::explain`].
    pub async fn principals(&self, key: &KeyRef) -> Result<KeyPrincipals, Error> {
        Explainer(&self.0).principals(key).await
    }
}

#[cfg(test)]
mod tests {
    use strongroom_kms::{DescribeKey, Kms as _, KmsAdmin as _};
    use strongroom_records::MemoryRecords;
    use strongroom_root::RootKey;
    use strongroom_types::SystemClock;

    use super::*;
    use crate::gate::Gate;
    use crate::keys::stored::Stored;
    use crate::needs::{Role, needs};

    async fn service() -> (LocalKms, CallContext) {
        let root = RootKey::from_bytes([1; 32]);
        let records = Arc::new(MemoryRecords::new());
        let records = TrustedRecords::open(records, root, None, &SystemClock).await.unwrap();
        let cx = CallContext::owner(records.realm());
        (LocalKms::new(records, Arc::new(SystemClock)), cx)
    }

    /// The short way allows nothing that the long one does not.
    #[test]
    fn the_short_way_comes_to_the_same() {
        pollster::block_on(async {
            let (kms, cx) = service().await;
            let own = kms.create_key(&cx, CreateKey::new()).await.unwrap().id;
            let service = kms.for_service(Service::SecretsManager);
            let alias = KeyRef::parse("alias/aws/secretsmanager").unwrap();
            let managed = service.describe_key(&cx, DescribeKey::new(&alias)).await.unwrap().id;
            let (mut short, mut allowed) = (0, 0);
            for id in [own, managed] {
                let key = Stored(&kms.0).find_now(&id).await.unwrap().unwrap();
                for handle in [&kms, &service, &kms.for_service(Service::ParameterStore)] {
                    for operation in Operation::ALL {
                        let of_keys = [Role::Key, Role::Destination];
                        for need in needs(*operation).iter().filter(|need| of_keys.contains(&need.role)) {
                            let (gate, call) = (Gate(&handle.0), handle.call(&cx, *operation));
                            let asked = gate.ask(&call, &key, &need.permission).await;
                            allowed += u32::from(asked.is_ok());
                            if gate.is_plain(&cx, &key, &need.permission) {
                                short += 1;
                                assert!(asked.is_ok(), "{operation} of {id} through {:?}", handle.0.via);
                            }
                        }
                    }
                }
            }
            assert!(short > 0 && allowed > short, "{short} {allowed}");
        });
    }

    #[test]
    fn a_call_whose_deadline_has_passed_does_nothing_and_names_its_operation() {
        pollster::block_on(async {
            let (kms, cx) = service().await;
            let key = KeyRef::from(kms.create_key(&cx, CreateKey::new()).await.unwrap().id);
            let late = cx.clone().with_deadline(strongroom_types::Timestamp::from_millis(1));
            let error = kms.disable_key(&late, &key).await.unwrap_err();
            assert_eq!(error.kind(), strongroom_kms::ErrorKind::DependencyTimeout);
            assert_eq!(error.operation(), Some("DisableKey"));
            let state = kms.describe_key(&cx, DescribeKey::new(&key)).await.unwrap().state;
            assert_eq!(state, strongroom_kms::KeyState::Enabled);
        });
    }
}
