//! The crates behind the facade, for everything that is not at its root.
//!
//! Each lists by name what its crate exports and the root does not, so that every item has one
//! path.

/// The same handle on AWS: clients, connection, and a doctor that says what is wrong.
#[cfg(feature = "aws")]
pub mod aws {
    #[cfg(feature = "aws-parameter-store")]
    #[doc(inline)]
    pub use strongroom_aws::ParameterStore;
    #[doc(inline)]
    pub use strongroom_aws::{
        AwsKms, Check, Connection, Diagnosis, Doctor, Identity, SecretsManagerStore, Verdict, realm, who_am_i,
    };
}

/// Caches of values and of data keys: reads at memory speed, kept up to date.
pub mod cache {
    #[doc(inline)]
    pub use strongroom_cache::{
        Attempt, CacheHit, CacheStats, Cached, CachedKms, CachedKmsStats, CachedSecret, CoarseClock,
        CredentialError, DataKeyPolicy, Handle, Sleep, Source, Spawn, Task, Watch, WatchedSecret,
        may_be_ridden_out,
    };
    #[cfg(feature = "tokio")]
    #[doc(inline)]
    pub use strongroom_cache::{sleep_on_tokio, spawn_on_tokio};
}

/// The cryptography: envelopes, keys, and the providers of the primitives.
pub mod envelope {
    #[cfg(feature = "aws-lc-rs")]
    #[doc(inline)]
    pub use strongroom_envelope::AwsLc;
    #[doc(inline)]
    pub use strongroom_envelope::{
        AnySealer, DataKey, Envelope, Error, ErrorKind, Label, MacKey, Provider, RustCrypto, SealedBox,
        Sealer, SecretKey, Suite, WrappingKey, random_array, random_uuid, wipe,
    };
}

/// Users, roles and their policies, and explanations of access.
pub mod iam {
    pub use crate::access::{AccessReport, Candidate, Verdict, WhoCan};
    #[doc(inline)]
    pub use strongroom_iam::{
        AccessKeys, AccountItem, AccountItemKind, AccountPage, AssumedRole, Credentials, Error, Guardrails,
        Iam, IdentityPage, ManagedPolicies, OtherAccounts, OwnerAccessKeys, PolicyEntity, PolicyUse,
        PolicyVersion, TemporaryCredentials,
    };
}

/// Key services: the words of [`Kms`](crate::Kms) and [`KmsAdmin`](crate::KmsAdmin), and the
/// strongroom's own.
pub mod kms {
    #[doc(inline)]
    pub use strongroom_engine::{KeyUse, KeyUsePage, RewrapProgress};
    #[doc(inline)]
    pub use strongroom_kms::{
        AliasEntry, AliasName, AliasPage, Capabilities, Ciphertext, CreateGrant, CreateKey, CreatedGrant,
        DataKeyPair, DataKeySpec, Decrypt, Decrypted, DescribeKey, Encrypt, Error, ExpirationModel,
        GenerateDataKey, GenerateMac, GenerateRandom, Grant, GrantConstraint, GrantFilter, GrantOperation,
        GrantPage, GrantRef, ImportKeyMaterial, ImportParameters, ImportType, ImportedMaterial,
        ImportedState, KeyEntry, KeyId, KeyManager, KeyMetadata, KeyOrigin, KeyPage, KeyRef, KeySpec,
        KeyState, KeyTag, KeyUsage, KmsAdminExt, KmsExt, ListPage, Mac, MacAlgorithm,
        MultiRegionConfiguration, MultiRegionKeyType, Operation, PolicyNamePage, PutKeyPolicy, ReEncrypt,
        ReEncrypted, Rotation, RotationPage, RotationPeriod, RotationStatus, RotationType, ScheduledDeletion,
        TagPage, VerifyMac, WrappedDataKey, WrappingAlgorithm, WrappingKeySpec, check_principal,
        random_bytes,
    };
    #[doc(inline)]
    pub use strongroom_local_kms::{LocalKms, LocalKmsOptions};
}

/// What a migration reports.
pub mod migrate {
    #[doc(inline)]
    pub use strongroom_migrate::{Outcome, Progress, Report, SecretReport};
}

/// Policy documents: parsing, deciding, explaining.
pub mod policy {
    #[doc(inline)]
    pub use strongroom_policy::{
        Authorizer, AuthorizerError, AuthorizerErrorKind, Call, Change, Condition, Context, Decision, Detail,
        DocumentKind, DocumentReport, Effect, Explanation, Finding, GrantReport, Ground, Known, NamedPolicy,
        NoDirectory, ParseError, Place, Policies, Policy, Possible, Principal, PrincipalKind, PrincipalName,
        Principals, Quantifier, Remedy, Request, ResourceRule, Statement, StatementReport, Subject,
        SubjectError, Version,
    };
}

/// Storage: the words of [`Records`](crate::Records), for a backend of your own.
pub mod records {
    #[doc(inline)]
    pub use strongroom_records::{
        Action, Batch, Change, ChangeToken, Error, ErrorKind, Expect, FreshFor, FreshRecords, Key, Limits,
        Page, Prefixed, Record, Revision, Scan, Snapshot,
    };
    #[doc(inline)]
    pub use strongroom_secret_records::SecretRecords;
}

/// The root of trust: what opens a strongroom, and records that cannot be changed unnoticed.
pub mod root {
    #[doc(inline)]
    pub use strongroom_root::{
        Attempts, Budget, Chore, ChoreKind, ChoreReport, DueEntry, DueIndex, Error, Feature, Lease,
        LeaseWatch, PassphraseCost, PrivateFile, Problem, RekeyProgress, Report, RootKind, RootSlot,
        RootWrapper, TrustedBatch, TrustedPage, TrustedRecord, TrustedRecords, TrustedSnapshot,
        UnknownMembers, Upgrade, Walk, WrappedKey, give_to_owner_of,
    };
}

/// Secret stores: requests and answers of [`SecretStore`](crate::SecretStore), decorators, the
/// engine, and what a store of your own needs.
pub mod store {
    #[doc(inline)]
    pub use strongroom_client_encryption::ClientEncrypted;
    #[doc(inline)]
    pub use strongroom_engine::{Engine, EngineLimits, OwningService};
    #[doc(inline)]
    pub use strongroom_store::{
        AnyStore, BatchFailure, BatchGetSecretValue, BatchPage, Capabilities, CreateSecret, DeleteSecret,
        Error, GetRandomPassword, GetSecretValue, LabelError, Labels, ListSecretVersionIds, ListSecrets,
        PolicyFinding, PolicyValidation, PutResourcePolicy, PutSecretValue, ReadOnly, ReadSecrets,
        ResourcePolicy, SecretArn, SecretCreated, SecretDeleted, SecretPage, SecretUpdated, ServedReads,
        Target, UpdateSecret, UpdateSecretVersionStage, ValidateResourcePolicy, ValuePut, VersionPage,
        batch_get, json_text, validate,
    };
}
