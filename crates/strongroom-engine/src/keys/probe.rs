//! Trying out keys.

use strongroom_kms::{Decrypt, DescribeKey, Encrypt, GenerateDataKey, KeyManager, KeyRef};
use strongroom_store::{Error, ErrorKind};
use strongroom_types::CallContext;

use crate::call::{Call, KeyStep, probing, sealing_under_own_key};
use crate::error::encryption;
use crate::head::Head;
use crate::keys::seal::Keys;

impl Keys<'_> {
    /// Checks that the caller may use a key for this secret: makes a data key, opens it, and throws
    /// both away.
    pub(crate) async fn probe_key(
        self,
        call: &Call<'_>,
        head: &Head,
        kms_key_id: Option<&str>,
    ) -> Result<(), Error> {
        call.check_step(KeyStep::Probe)?;
        let (need, managed) = probing(self.0.key_names(), call.cx(), head, kms_key_id)?;
        self.reaches(call.cx(), managed)?;
        let (cx, key, context) = (call.cx(), need.key, need.context);
        let kms = &self.0.kms;
        let pair = kms
            .generate_data_key(cx, GenerateDataKey::new(&key).context(&context))
            .await
            .map_err(encryption)?;
        let named = KeyRef::parse(pair.key_arn.as_str()).map_err(encryption)?;
        if self.is_aws_managed(cx, &named).await? && !self.0.key_names().of(kms_key_id)?.1 {
            return Err(Error::new(
                ErrorKind::InvalidParameter,
                "a key that AWS manages is named by its alias alias/aws/secretsmanager only",
            ));
        }
        kms.decrypt(cx, Decrypt::new(&pair.ciphertext).context(&context).key(&named))
            .await
            .map_err(encryption)?;
        Ok(())
    }

    /// Whether the key is one that AWS manages for a service. Where the key service knows this
    /// engine for Secrets Manager, callers need no permission of their own for it: managed keys
    /// tell the account what they are, and a key that does not is a customer's.
    async fn is_aws_managed(self, cx: &CallContext, key: &KeyRef) -> Result<bool, Error> {
        let kms = &self.0.kms;
        let described = if self.0.speaks_for_secrets_manager() {
            match kms.describe_key(&CallContext::owner(self.0.realm()), DescribeKey::new(key)).await {
                Err(error) if error.kind() == strongroom_kms::ErrorKind::AccessDenied => return Ok(false),
                described => described,
            }
        } else {
            kms.describe_key(cx, DescribeKey::new(key)).await
        };
        Ok(described.map_err(encryption)?.manager == KeyManager::Aws)
    }

    /// Whether the caller may encrypt under the secret's key, which is needed to move a value to
    /// it.
    pub(crate) async fn may_encrypt(
        self,
        call: &Call<'_>,
        head: &Head,
        version: &str,
    ) -> Result<bool, Error> {
        call.check_step(KeyStep::Encrypt)?;
        if !self.0.speaks_for_secrets_manager() {
            return Ok(true);
        }
        let (need, _) = sealing_under_own_key(self.0.key_names(), call.cx(), head, version)?;
        let (cx, key, context) = (call.cx(), need.key, need.context);
        match self.0.kms.encrypt(cx, Encrypt::new(&key, &[0]).context(&context)).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == strongroom_kms::ErrorKind::AccessDenied => Ok(false),
            Err(error) => Err(encryption(error)),
        }
    }
}
