//! Guardrails, which limit everyone in the account but its owner.

use strongroom_records::Expect;
use strongroom_types::CallContext;

use crate::directory::{Directory, contended};
use crate::names::{check_name, check_size, parse};
use crate::record::GuardrailsRecord;
use crate::{Error, ErrorKind};

/// The maximum length of a guardrail, in characters, not counting whitespace; AWS's limit for
/// [service control
/// policies](https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html).
const MAX: usize = 5120;
/// The maximum number of guardrails.
const MOST: usize = 5;

/// The account's guardrails. Returned by [`Iam::guardrails`](crate::Iam::guardrails).
#[derive(Clone, Copy, Debug)]
pub struct Guardrails<'a>(pub(crate) &'a Directory);

impl Guardrails<'_> {
    /// Adds or replaces a guardrail, which limits the account's users, roles and federated users as
    /// a service control policy does: what it denies, no other policy can allow. It does not bind
    /// the owner, who takes the place of an organization's management account, nor other accounts
    /// and services, as on AWS. Only the owner can call this.
    ///
    /// # Errors
    /// [`ErrorKind::MalformedPolicy`], [`ErrorKind::Validation`], [`ErrorKind::LimitExceeded`]
    /// beyond five, or 5,120 characters.
    pub async fn put(self, cx: &CallContext, name: &str, document: &str) -> Result<(), Error> {
        let put = async {
            self.0.owner_only(cx, "PutGuardrail")?;
            check_name("guardrail", name, 128)?;
            check_size(document, MAX, "PolicySize")?;
            parse(document)?;
            self.change(cx, |all| {
                all.retain(|(known, _)| known != name);
                all.push((name.to_owned(), document.to_owned()));
                all.sort();
                if all.len() > MOST {
                    let text = format!("an account can have at most {MOST} guardrails");
                    return Err(Error::new(ErrorKind::LimitExceeded, text));
                }
                Ok(())
            })
            .await
        };
        put.await.map_err(|error: Error| error.during("PutGuardrail"))
    }

    /// Removes a guardrail. Only the owner can call this.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchEntity`].
    pub async fn delete(self, cx: &CallContext, name: &str) -> Result<(), Error> {
        let deleted = async {
            self.0.owner_only(cx, "DeleteGuardrail")?;
            self.change(cx, |all| {
                let before = all.len();
                all.retain(|(known, _)| known != name);
                if all.len() < before {
                    return Ok(());
                }
                Err(Error::new(ErrorKind::NoSuchEntity, format!("There is no guardrail {name}.")))
            })
            .await
        };
        deleted.await.map_err(|error: Error| error.during("DeleteGuardrail"))
    }

    /// The guardrails, name and document, sorted by name. Only the owner can call this.
    ///
    /// # Errors
    /// If storage fails, or a record is damaged.
    pub async fn list(self, cx: &CallContext) -> Result<Vec<(String, String)>, Error> {
        self.0.owner_only(cx, "ListGuardrails")?;
        let found = self.0.read::<GuardrailsRecord>(&self.0.layout.guardrails()).await?;
        Ok(found.map(|found| found.record.guardrails).unwrap_or_default())
    }

    async fn change(
        self,
        cx: &CallContext,
        change: impl Fn(&mut Vec<(String, String)>) -> Result<(), Error> + Send + Sync,
    ) -> Result<(), Error> {
        let place = self.0.layout.guardrails();
        for () in self.0.attempts(cx) {
            let found = self.0.read::<GuardrailsRecord>(&place).await?;
            let expect = found.as_ref().map_or(Expect::Absent, |found| Expect::At(found.revision));
            let mut record = found.map(|found| found.record).unwrap_or_default();
            change(&mut record.guardrails)?;
            let mut batch = self.0.inner.records.batch();
            self.0.put(&mut batch, &place, &record, expect)?;
            if self.0.commit(batch).await? {
                return Ok(());
            }
        }
        Err(contended())
    }
}

impl Directory {
    pub(crate) fn owner_only(&self, cx: &CallContext, operation: &'static str) -> Result<(), Error> {
        if cx.acts_freely_in(self.layout.realm.account()) {
            return Ok(());
        }
        let text = format!("User: {} is not authorized to perform: {operation}", cx.caller());
        Err(Error::new(ErrorKind::AccessDenied, text).during(operation))
    }
}
