//! What is copied, and how.

use std::collections::HashSet;
use std::fmt;

use strongroom_store::{
    Error, ErrorKind, Filter, FilterKey, ListSecrets, SecretAdmin, SecretMetadata, SortBy,
};
use strongroom_types::CallContext;

use crate::digest::Digests;
use crate::report::{Report, SecretReport};

/// A store, and who calls it.
pub(crate) type Side<'a> = (&'a dyn SecretAdmin, &'a CallContext);

type NameMap = Box<dyn Fn(&str) -> String + Send + Sync>;
type KeyMap = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Copies secrets from one store to another. See the crate's page.
#[must_use = "nothing happens until it runs"]
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

/// How far a run is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// The secret that was just done with, or not.
    pub secret: &'a SecretReport,
    /// How many are done with.
    pub done: usize,
    /// How many there are.
    pub total: usize,
}

impl<'a> Migration<'a> {
    /// From one store to another, each called as its context says.
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

    /// Only secrets whose names begin so, or as another prefix that is said.
    pub fn name_prefix(mut self, prefix: impl Into<String>) -> Self {
        match self.filters.iter_mut().find(|filter| filter.key == FilterKey::Name) {
            Some(filter) => filter.values.push(prefix.into()),
            None => self.filters.push(Filter::new(FilterKey::Name, [prefix])),
        }
        self
    }

    /// Only secrets that this filter matches too.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Not these secrets, by name: those that an earlier run is known to be done with.
    pub fn skip(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.skip.extend(names);
        self
    }

    /// Gives each secret the name that this makes of its own.
    pub fn rename(mut self, rename: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.rename = Some(Box::new(rename));
        self
    }

    /// Says for a customer key of the source which one of the target takes its place. `None`: none does, and the secret fails.
    pub fn key(mut self, map: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        self.keys = Some(Box::new(map));
        self
    }

    /// Says for a resource policy of the source what it is at the target. `None`: there it has none. Without this, policies are copied as
    /// they are within an account, and a secret that has one fails between two, since its principals are of the one.
    pub fn policy(mut self, map: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        self.policies = Some(Box::new(map));
        self
    }

    /// Encrypts what is under a customer key at the source, and has no other by [`Migration::key`], under the target's managed key.
    pub fn managed_key(mut self) -> Self {
        self.managed_key = true;
        self
    }

    /// Where a secret of the target has the name and is something else, or was changed there: gives it the source's versions too, the source's
    /// labels and policy. Its own versions stay, without labels.
    pub fn overwrite(mut self) -> Self {
        self.overwrite = true;
        self
    }

    /// Copies the rest of a secret of which the target cannot hold something, and reports what.
    pub fn leave_out_what_does_not_fit(mut self) -> Self {
        self.leave_out = true;
        self
    }

    /// Only says what would be done. Reads no value.
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// Copies, one secret after the other, by name. A secret that fails does not keep the next from being copied. `progress` is told after each.
    ///
    /// # Errors
    /// When the source cannot be listed. What single secrets fail with stands in the report.
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

    /// The secrets to copy, by name; those marked for deletion too, so that they are told.
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
        // Pages of a list that moves may show one twice.
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
