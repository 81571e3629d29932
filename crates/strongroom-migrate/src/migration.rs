//! What is copied, and how.

use std::collections::HashSet;
use std::fmt;

use strongroom_store::{
    Error, ErrorKind, Filter, FilterKey, ListSecrets, SecretAdmin, SecretMetadata, SortBy,
};
use strongroom_types::CallContext;

use crate::digest::Digests;
use crate::report::{Report, SecretReport};

/// A store and its caller.
pub(crate) type Side<'a> = (&'a dyn SecretAdmin, &'a CallContext);

type NameMap = Box<dyn Fn(&str) -> String + Send + Sync>;
type KeyMap = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Copies secrets from one store to another. See the crate's page.
#[must_use = "nothing is copied until `run` is called"]
pub struct Migration<'a> {
    pub(crate) from: Side<'a>,
    pub(crate) to: Side<'a>,
    filters: Vec<Filter>,
    skip: HashSet<String>,
    rename: Option<NameMap>,
    pub(crate) keys: Option<KeyMap>,
    pub(crate) policies: Option<KeyMap>,
    pub(crate) managed_key: bool,
    pub(crate) overwrite: bool,
    pub(crate) leave_out: bool,
    pub(crate) dry_run: bool,
}

/// The progress of a run.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// The result for the latest secret.
    pub secret: &'a SecretReport,
    /// How many secrets have been processed.
    pub done: usize,
    /// How many secrets there are in all.
    pub total: usize,
}

impl<'a> Migration<'a> {
    /// Copies from one store to another, each called with its own context.
    pub fn new(from: Side<'a>, to: Side<'a>) -> Self {
        Self {
            from,
            to,
            filters: Vec::new(),
            skip: HashSet::new(),
            rename: None,
            keys: None,
            policies: None,
            managed_key: false,
            overwrite: false,
            leave_out: false,
            dry_run: false,
        }
    }

    /// Copies only secrets whose names begin with this prefix, or another one given in this way.
    pub fn name_prefix(mut self, prefix: impl Into<String>) -> Self {
        match self.filters.iter_mut().find(|filter| filter.key == FilterKey::Name) {
            Some(filter) => filter.values.push(prefix.into()),
            None => self.filters.push(Filter::new(FilterKey::Name, [prefix])),
        }
        self
    }

    /// Copies only secrets that also match this filter.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Skips these secrets, by name: for example those that an earlier run has copied.
    pub fn skip(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.skip.extend(names);
        self
    }

    /// Renames each secret at the target.
    pub fn rename(mut self, rename: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.rename = Some(Box::new(rename));
        self
    }

    /// Maps each customer key of the source to one of the target. For `None` the secret fails,
    /// unless [`Migration::managed_key`] is set.
    pub fn key(mut self, map: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        self.keys = Some(Box::new(map));
        self
    }

    /// Maps each resource policy of the source to one for the target; `None` drops it. By default,
    /// policies are copied unchanged within an account. Between accounts, a secret with a policy
    /// fails, because the policy names principals of the source's account.
    pub fn policy(mut self, map: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        self.policies = Some(Box::new(map));
        self
    }

    /// Encrypts secrets whose customer key [`Migration::key`] does not map under the target's
    /// managed key.
    pub fn managed_key(mut self) -> Self {
        self.managed_key = true;
        self
    }

    /// If the target has a different or changed secret of the same name, adds the source's versions
    /// to it and gives it the source's labels and policy. Its own versions stay, without labels.
    pub fn overwrite(mut self) -> Self {
        self.overwrite = true;
        self
    }

    /// Copies the rest of a secret that the target cannot hold completely, and reports what is
    /// missing.
    pub fn leave_out_what_does_not_fit(mut self) -> Self {
        self.leave_out = true;
        self
    }

    /// Only reports what a run would do. Reads no values.
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// Copies the secrets one by one, in order of name. A failed secret does not stop the run.
    /// `progress` is called after each.
    ///
    /// # Errors
    /// If the source cannot be listed. The report contains the errors of single secrets.
    pub async fn run(&self, mut progress: impl FnMut(Progress<'_>) + Send) -> Result<Report, Error> {
        let (digests, mut report) = (Digests::new()?, Report::default());
        let wanted = self.listed().await?;
        let mut targets = HashSet::new();
        let total = wanted.len();
        for secret in wanted {
            let target = self.rename.as_ref().map_or_else(|| secret.name.clone(), |map| map(&secret.name));
            let told = if targets.insert(target.clone()) {
                self.copy(&digests, &secret, target).await
            } else {
                let text = "another secret of this run has the same name at the target";
                self.failed(&secret, target, Error::new(ErrorKind::InvalidParameter, text))
            };
            report.secrets.push(told);
            if let Some(secret) = report.secrets.last() {
                progress(Progress { secret, done: report.secrets.len(), total });
            }
        }
        Ok(report)
    }

    /// The secrets to copy, by name, including those marked for deletion, which the report
    /// mentions.
    async fn listed(&self) -> Result<Vec<SecretMetadata>, Error> {
        let (store, cx) = self.from;
        let mut request = ListSecrets::new().include_planned_deletion();
        if store.capabilities().filters {
            request.sort_by = SortBy::Name;
        }
        request.filters.clone_from(&self.filters);
        let mut all = Vec::new();
        loop {
            let page = store.list_secrets(cx, request.clone()).await?;
            all.extend(page.secrets);
            match page.next_token {
                Some(token) => request.next_token = Some(token),
                None => break,
            }
        }
        all.retain(|secret| !self.skip.contains(&secret.name));
        all.sort_by(|one, other| one.name.cmp(&other.name));
        // A list that changes between pages may show a secret twice.
        all.dedup_by(|one, other| one.name == other.name);
        Ok(all)
    }
}

impl fmt::Debug for Migration<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migration")
            .field("from", &self.from.0)
            .field("to", &self.to.0)
            .field("filters", &self.filters)
            .finish_non_exhaustive()
    }
}
