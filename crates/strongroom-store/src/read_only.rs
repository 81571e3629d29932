//! Read-only stores, implemented by three methods.

use std::cmp::Ordering;
use std::collections::hash_map::DefaultHasher;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};

use async_trait::async_trait;
use strongroom_types::{AccountId, CallContext, hex};

use crate::id::check_name;
use crate::validate::Violations;
use crate::{
    Capabilities, CreateSecret, Error, ErrorKind, Filter, GetSecretValue, ListSecretVersionIds, ListSecrets,
    Operation, PutSecretValue, SecretAdmin, SecretCreated, SecretId, SecretMetadata, SecretPage, SecretRef,
    SecretStore, SecretUpdated, SecretValue, SecretVersion, SortBy, SortOrder, Stage, UpdateSecret,
    UpdateSecretVersionStage, ValuePut, VersionId, VersionMetadata, VersionPage,
};

/// Secrets that can be read but not changed: a map, environment variables, mounted files, another
/// secret manager. [`ReadOnly`] turns them into a [`SecretStore`] that finds versions and labels,
/// filters, sorts and pages, and rejects every write.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use async_trait::async_trait;
/// use strongroom_store::{
///     Error, GetSecretValue, ReadOnly, ReadSecrets, SecretArn, SecretId, SecretMetadata, SecretStore, SecretValue,
///     VersionId,
/// };
/// use strongroom_types::{CallContext, Realm, Timestamp};
///
/// /// Secrets from environment variables: `SECRET_DB` is the secret `DB`.
/// #[derive(Debug)]
/// struct Environment(BTreeMap<String, SecretValue>);
///
/// impl Environment {
///     fn new(variables: impl Iterator<Item = (String, String)>) -> Self {
///         let secret = |(name, value): (String, String)| {
///             name.strip_prefix("SECRET_").map(|name| (name.to_owned(), SecretValue::text(value)))
///         };
///         Self(variables.filter_map(secret).collect())
///     }
///
///     fn metadata(name: &str) -> SecretMetadata {
///         let arn = SecretArn::of(&Realm::default(), name, "000000");
///         SecretMetadata::new(arn, name.to_owned(), Timestamp::from_millis(0)).with_current("1")
///     }
/// }
///
/// #[async_trait]
/// impl ReadSecrets for Environment {
///     async fn get(&self, _: &CallContext, secret: &SecretMetadata, _: &VersionId) -> Result<SecretValue, Error> {
///         self.0.get(&secret.name).cloned().ok_or_else(Error::not_found)
///     }
///
///     async fn describe(&self, _: &CallContext, id: &SecretId) -> Result<SecretMetadata, Error> {
///         let mut known = self.0.keys().map(|name| Self::metadata(name));
///         known.find(|secret| secret.is_named(id)).ok_or_else(Error::not_found)
///     }
///
///     async fn list(&self, _: &CallContext) -> Result<Vec<SecretMetadata>, Error> {
///         Ok(self.0.keys().map(|name| Self::metadata(name)).collect())
///     }
/// }
///
/// # pollster::block_on(async {
/// # let variables = [("SECRET_DB".to_owned(), "s3cret".to_owned()), ("HOME".to_owned(), "/".to_owned())].into_iter();
/// // In a real program: Environment::new(std::env::vars())
/// let store = ReadOnly::new(Environment::new(variables));
/// let owner = CallContext::owner(&Realm::default());
/// assert_eq!(store.get_secret_value(&owner, GetSecretValue::new("DB")).await?.expose_text()?, "s3cret");
/// # assert!(store.get_secret_value(&owner, GetSecretValue::new("HOME")).await.is_err());
/// # Ok::<(), Error>(())
/// # }).unwrap();
/// ```
///
/// The suite `store::read_only` of `strongroom-testkit` tests an implementation.
#[async_trait]
pub trait ReadSecrets: Send + Sync + Debug {
    /// The value of a version that [`describe`](Self::describe) has listed, never of another one.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if it no longer exists; any other failure.
    async fn get(
        &self,
        cx: &CallContext,
        secret: &SecretMetadata,
        version: &VersionId,
    ) -> Result<SecretValue, Error>;

    /// Everything about a secret but its value. `id` is its name, its ARN, or its ARN without
    /// suffix ([`SecretMetadata::is_named`]). The `versions` in the result are all that can be
    /// read, including those without labels.
    ///
    /// # Errors
    /// [`Error::not_found`]; any other failure.
    async fn describe(&self, cx: &CallContext, id: &SecretId) -> Result<SecretMetadata, Error>;

    /// All secrets, in any order.
    ///
    /// # Errors
    /// Any failure.
    async fn list(&self, cx: &CallContext) -> Result<Vec<SecretMetadata>, Error>;

    /// What the store can do. [`ReadOnly`] itself declares that it does not write.
    ///
    /// By default [`Capabilities::read_only`].
    fn capabilities(&self) -> Capabilities {
        Capabilities::read_only()
    }
}

/// A [`SecretStore`] over a [`ReadSecrets`]. Every write fails with [`ErrorKind::Unsupported`].
///
/// It has no policies, so it reads for the owner only. Any other caller, whose permissions it
/// cannot look up, gets [`ErrorKind::AccessDenied`].
#[derive(Clone, Debug)]
pub struct ReadOnly<R>(R);

impl<R: ReadSecrets> ReadOnly<R> {
    /// A store that reads from `secrets`.
    pub fn new(secrets: R) -> Self {
        Self(secrets)
    }

    async fn describe(
        &self,
        cx: &CallContext,
        id: &SecretId,
        mut violations: Violations,
    ) -> Result<SecretMetadata, Error> {
        owner_only(cx)?;
        violations.secret_id(id);
        violations.finish()?;
        if !id.as_str().starts_with("arn:") {
            check_name(id.as_str())?;
        }
        self.0.describe(cx, id).await
    }

    async fn read(&self, cx: &CallContext, request: &GetSecretValue) -> Result<SecretVersion, Error> {
        let mut violations = Violations::new();
        if let Some(stage) = &request.stage {
            violations.stage(stage);
        }
        let secret = self.describe(cx, &request.id, violations).await?;
        if secret.deleted.is_some() {
            return Err(Error::marked_for_deletion());
        }
        let version_id = choose(&secret, request.version_id.as_ref(), request.stage.as_ref())?;
        let value = self.0.get(cx, &secret, &version_id).await?;
        let stages = secret.versions.get(&version_id).cloned().unwrap_or_default();
        let SecretMetadata { arn, name, created, .. } = secret;
        Ok(SecretVersion { arn, name, version_id, value, stages, created })
    }

    async fn list(&self, cx: &CallContext, request: ListSecrets) -> Result<SecretPage, Error> {
        owner_only(cx)?;
        let mut violations = Violations::new();
        let size = page_size(&mut violations, request.max_results);
        Filter::check(&request.filters, &mut violations)?;
        violations.finish()?;
        let query = format!(
            "{:?} {:?} {} {:?}",
            request.sort_by, request.sort_order, request.include_planned_deletion, request.filters
        );
        let after = request.next_token.as_deref().map(|token| Position::parse(token, &query)).transpose()?;
        let mut shown: Vec<(Position, SecretMetadata)> = self
            .0
            .list(cx)
            .await?
            .into_iter()
            .filter(|secret| request.include_planned_deletion || secret.deleted.is_none())
            .filter(|secret| request.filters.iter().all(|filter| filter.matches(secret)))
            .map(|secret| (Position::of(&secret, request.sort_by), secret))
            .collect();
        let descending = request.sort_order == SortOrder::Descending;
        let order = |one: &Position, other: &Position| {
            let ascending = one.cmp(other);
            if descending { ascending.reverse() } else { ascending }
        };
        shown.sort_by(|(one, _), (other, _)| order(one, other));
        shown.retain(|(at, _)| after.as_ref().is_none_or(|after| order(at, after) == Ordering::Greater));
        let more = shown.len() > size;
        shown.truncate(size);
        let next_token = shown.last().filter(|_| more).map(|(at, _)| at.token(&query));
        Ok(SecretPage { secrets: shown.into_iter().map(|(_, secret)| secret).collect(), next_token })
    }

    async fn versions(&self, cx: &CallContext, request: &ListSecretVersionIds) -> Result<VersionPage, Error> {
        let mut violations = Violations::new();
        let size = page_size(&mut violations, request.max_results);
        let SecretMetadata { arn, name, created, versions, .. } =
            self.describe(cx, &request.id, violations).await?;
        let query = format!("{arn} {}", request.include_deprecated);
        let after = request.next_token.as_deref().map(|token| Position::parse(token, &query)).transpose()?;
        let mut shown: Vec<_> = versions
            .into_iter()
            .filter(|(_, stages)| request.include_deprecated || !stages.is_empty())
            .map(|(id, stages)| (Position { time: 0, name: id.to_string() }, id, stages))
            .filter(|(at, ..)| after.as_ref().is_none_or(|after| at > after))
            .collect();
        let more = shown.len() > size;
        shown.truncate(size);
        let next_token = shown.last().filter(|_| more).map(|(at, ..)| at.token(&query));
        let version = |(_, id, stages)| {
            let mut version = VersionMetadata::new(id, created);
            version.stages = stages;
            version
        };
        Ok(VersionPage { arn, name, versions: shown.into_iter().map(version).collect(), next_token })
    }
}

/// Admits only the owner: there are no policies to authorize anyone else.
fn owner_only(cx: &CallContext) -> Result<(), Error> {
    let account = cx.caller().account().and_then(|account| AccountId::parse(account).ok());
    if account.is_some_and(|account| cx.acts_freely_in(account)) {
        return Ok(());
    }
    let text = "a store that only reads has no policies to decide by: it reads for the owner only";
    Err(Error::new(ErrorKind::AccessDenied, text).with("caller", cx.caller()))
}

fn refused(operation: Operation, secret: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "this store is read-only").of_call(operation, Some(secret))
}

fn page_size(violations: &mut Violations, max_results: Option<i64>) -> usize {
    let size = max_results.unwrap_or(100);
    violations.number("maxResults", size, 1, 100);
    usize::try_from(size).unwrap_or(1)
}

/// The version that a read requests.
fn choose(
    secret: &SecretMetadata,
    version: Option<&VersionId>,
    stage: Option<&Stage>,
) -> Result<VersionId, Error> {
    let missing = |what: &str, name: &str| {
        let text = format!("Secrets Manager can't find the specified secret value for {what}: {name}");
        Err(Error::new(ErrorKind::NotFound, text))
    };
    let Some(version) = version else {
        let stage = stage.unwrap_or(&Stage::CURRENT);
        let holder = secret.versions.iter().find(|(_, stages)| stages.contains(stage));
        return match holder {
            Some((version, _)) => Ok(version.clone()),
            None => missing("staging label", stage.as_str()),
        };
    };
    match (secret.versions.get(version), stage) {
        (None, _) => missing("VersionId", version.as_str()),
        (Some(stages), Some(stage)) if !stages.contains(stage) => {
            let text = "You provided a VersionStage that is not associated to the provided VersionId.";
            Err(Error::new(ErrorKind::InvalidRequest, text))
        }
        _ => Ok(version.clone()),
    }
}

/// The sort key of a secret. Names break ties between equal times.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Position {
    time: i64,
    name: String,
}

impl Position {
    fn of(secret: &SecretMetadata, by: SortBy) -> Self {
        let time = match by {
            SortBy::Name => 0,
            SortBy::LastChangedDate => secret.last_changed.as_millis(),
            SortBy::LastAccessedDate => secret.last_accessed.map_or(i64::MIN, |time| time.as_millis()),
            SortBy::CreatedDate => secret.created.as_millis(),
        };
        Self { time, name: secret.name.clone() }
    }

    /// A token for the page after this place, valid for the same query only. A forged token reveals
    /// nothing that a first page does not, so the token needs no secret.
    fn token(&self, query: &str) -> String {
        let mut bytes = self.code(query).to_vec();
        bytes.extend_from_slice(&self.time.to_be_bytes());
        bytes.extend_from_slice(self.name.as_bytes());
        hex(&bytes)
    }

    fn code(&self, query: &str) -> [u8; 8] {
        let mut hasher = DefaultHasher::new();
        (query, self).hash(&mut hasher);
        hasher.finish().to_be_bytes()
    }

    fn parse(token: &str, query: &str) -> Result<Self, Error> {
        let read = || {
            let bytes = from_hex(token)?;
            let (code, rest) = bytes.split_first_chunk::<8>()?;
            let (time, name) = rest.split_first_chunk::<8>()?;
            let name = String::from_utf8(name.to_vec()).ok()?;
            let position = Self { time: i64::from_be_bytes(*time), name };
            (position.code(query) == *code).then_some(position)
        };
        read().ok_or_else(|| Error::new(ErrorKind::InvalidNextToken, "The NextToken value is invalid."))
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    if rest.is_empty() { bytes.collect() } else { None }
}

#[async_trait]
impl<R: ReadSecrets> SecretStore for ReadOnly<R> {
    async fn create_secret(&self, _cx: &CallContext, request: CreateSecret) -> Result<SecretCreated, Error> {
        Err(refused(Operation::CreateSecret, &request.name))
    }

    async fn get_secret_value(
        &self,
        cx: &CallContext,
        request: GetSecretValue,
    ) -> Result<SecretVersion, Error> {
        let read = self.read(cx, &request).await;
        read.map_err(|error| error.of_call(Operation::GetSecretValue, Some(request.id.as_str())))
    }

    async fn put_secret_value(&self, _cx: &CallContext, request: PutSecretValue) -> Result<ValuePut, Error> {
        Err(refused(Operation::PutSecretValue, request.id.as_str()))
    }

    async fn update_secret(&self, _cx: &CallContext, request: UpdateSecret) -> Result<SecretUpdated, Error> {
        Err(refused(Operation::UpdateSecret, request.id.as_str()))
    }

    async fn update_secret_version_stage(
        &self,
        _cx: &CallContext,
        request: UpdateSecretVersionStage,
    ) -> Result<SecretRef, Error> {
        Err(refused(Operation::UpdateSecretVersionStage, request.id.as_str()))
    }

    async fn describe_secret(&self, cx: &CallContext, id: &SecretId) -> Result<SecretMetadata, Error> {
        let described = self.describe(cx, id, Violations::new()).await;
        described.map_err(|error| error.of_call(Operation::DescribeSecret, Some(id.as_str())))
    }

    async fn list_secrets(&self, cx: &CallContext, request: ListSecrets) -> Result<SecretPage, Error> {
        self.list(cx, request).await.map_err(|error| error.of_call(Operation::ListSecrets, None))
    }

    async fn list_secret_version_ids(
        &self,
        cx: &CallContext,
        request: ListSecretVersionIds,
    ) -> Result<VersionPage, Error> {
        let listed = self.versions(cx, &request).await;
        listed.map_err(|error| error.of_call(Operation::ListSecretVersionIds, Some(request.id.as_str())))
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.0.capabilities();
        (capabilities.writes, capabilities.admin) = (false, false);
        (capabilities.resource_policies, capabilities.recovery_window) = (false, false);
        capabilities.served_reads = false;
        capabilities
    }
}

/// Every method fails with `Unsupported`.
impl<R: ReadSecrets> SecretAdmin for ReadOnly<R> {}
