//! The key that a request names, as policies see it.

use strongroom_kms::{DescribeKey, KeyRef};
use strongroom_store::Error;
use strongroom_types::CallContext;

use crate::call::{About, Call};
use crate::error::encryption;
use crate::head::Head;
use crate::permission::gate::Gate;

/// The condition key for the key as it was given.
const KEY_GIVEN: &str = "secretsmanager:KmsKeyId";

/// The condition key for the ARN of the key that a secret is to have.
const KEY_ARN: &str = "secretsmanager:KmsKeyArn";

impl Gate<'_> {
    /// The call with the condition keys for the key that it names: as it was given, and by its ARN,
    /// because the key's alias alone must not stand for its ARN.
    pub(crate) async fn with_named_key<'a>(
        self,
        call: &Call<'a>,
        about: About<'_>,
    ) -> Result<Option<Call<'a>>, Error> {
        let Some(given) = call.parameters.key else { return Ok(None) };
        let policy = about.head().map(Head::resource_policy).transpose()?.flatten();
        if policy.is_none() && call.cx().acts_freely_in(self.0.realm().account()) {
            return Ok(None);
        }
        let call = call.with_fact(KEY_GIVEN, given);
        // The ARN is looked up only if a document mentions it.
        let mentioned = self.subject(call.cx()).await?.policies().mention(KEY_ARN)
            || policy.is_some_and(|policy| policy.mentions(KEY_ARN));
        if !mentioned {
            return Ok(Some(call));
        }
        let arn = self.arn_of_key(&call, given, about).await?;
        Ok(Some(call.with_fact(KEY_ARN, &arn)))
    }

    async fn arn_of_key(self, call: &Call<'_>, given: &str, about: About<'_>) -> Result<String, Error> {
        let names = self.0.key_names();
        let (key, _) = names.of(Some(given).filter(|given| !given.is_empty()))?;
        // A key named by its id or ARN is the one it says, and naming the service's own key is the
        // same as naming none.
        if !matches!(&key, KeyRef::Alias(name) | KeyRef::AliasArn(_, name) if !name.is_reserved()) {
            return Ok(names.qualified(key).to_string());
        }
        let (cx, owner) = (call.cx(), CallContext::owner(self.0.realm()));
        match self.0.kms.describe_key(&owner, DescribeKey::new(&key)).await {
            Ok(described) => Ok(described.arn.to_string()),
            Err(error) if error.kind() == strongroom_kms::ErrorKind::NotFound => {
                Ok(names.qualified(key).to_string())
            }
            // The key's policy hides what the alias stands for. A policy that names the key by its
            // ARN must not be passed by its alias.
            Err(_) => match self.0.kms.describe_key(cx, DescribeKey::new(&key)).await {
                Ok(described) => Ok(described.arn.to_string()),
                Err(hidden) => {
                    // A caller who is denied for every key learns only that, and nothing about
                    // this one.
                    self.allow(call, about).await?;
                    Err(encryption(hidden))
                }
            },
        }
    }
}
