//! `Kms` of the local key service.

use async_trait::async_trait;
use strongroom_envelope::SecretBytes;
use strongroom_kms::{
    Capabilities, Ciphertext, DataKeyPair, DataKeySpec, Decrypt, Decrypted, DescribeKey, Encrypt, Error,
    GenerateDataKey, GenerateMac, GenerateRandom, KeyMetadata, Kms, Mac, Operation, ReEncrypt, ReEncrypted,
    VerifyMac, WrappedDataKey, random_bytes,
};
use strongroom_types::CallContext;

use crate::call::KeyCall;
use crate::crypto::{Crypto, check_plaintext, check_spec};
use crate::gate::Gate;
use crate::local::LocalKms;
use crate::material::mac;
use crate::naming::finder::Finder;
use crate::needs::Role;
use crate::parts::{Parts, dry_run};

#[async_trait]
impl Kms for LocalKms {
    async fn generate_data_key(
        &self,
        cx: &CallContext,
        request: GenerateDataKey<'_>,
    ) -> Result<DataKeyPair, Error> {
        let call = self.call(cx, Operation::GenerateDataKey);
        let call = call.of(request.key).context(request.context).tokens(&request.grant_tokens);
        let (plaintext, sealed) = self.perform(&call, Crypto(&self.0).data_key(&call, &request)).await?;
        Ok(DataKeyPair {
            plaintext,
            ciphertext: sealed.ciphertext,
            key_arn: sealed.key_arn,
            key_material_id: sealed.key_material_id,
        })
    }

    async fn generate_data_key_without_plaintext(
        &self,
        cx: &CallContext,
        request: GenerateDataKey<'_>,
    ) -> Result<WrappedDataKey, Error> {
        let call = self.call(cx, Operation::GenerateDataKeyWithoutPlaintext);
        let call = call.of(request.key).context(request.context).tokens(&request.grant_tokens);
        let (_, sealed) = self.perform(&call, Crypto(&self.0).data_key(&call, &request)).await?;
        Ok(WrappedDataKey {
            ciphertext: sealed.ciphertext,
            key_arn: sealed.key_arn,
            key_material_id: sealed.key_material_id,
        })
    }

    async fn encrypt(&self, cx: &CallContext, request: Encrypt<'_>) -> Result<Ciphertext, Error> {
        let call = self.call(cx, Operation::Encrypt);
        let call = call.of(request.key).context(request.context).tokens(&request.grant_tokens);
        let encrypted = async {
            check_plaintext(request.plaintext)?;
            let ready = Crypto(&self.0).ready(&call, request.key, request.dry_run).await?;
            ready.seal(request.context, request.plaintext)
        };
        self.perform(&call, encrypted).await
    }

    async fn decrypt(&self, cx: &CallContext, request: Decrypt<'_>) -> Result<Decrypted, Error> {
        let call = self.call(cx, Operation::Decrypt);
        let mut call = call.context(request.context).tokens(&request.grant_tokens);
        call.reference = request.key;
        let opened = Crypto(&self.0).unseal(&call, request.ciphertext, request.context, request.dry_run);
        self.perform(&call, opened).await
    }

    async fn re_encrypt(&self, cx: &CallContext, request: ReEncrypt<'_>) -> Result<ReEncrypted, Error> {
        self.re_encrypt_into(cx, self, request).await
    }

    async fn describe_key(&self, cx: &CallContext, request: DescribeKey<'_>) -> Result<KeyMetadata, Error> {
        let call = self.call(cx, Operation::DescribeKey).of(request.key).tokens(&request.grant_tokens);
        self.perform(&call, describe(&self.0, &call, &request)).await
    }

    async fn generate_mac(&self, cx: &CallContext, request: GenerateMac<'_>) -> Result<Mac, Error> {
        let call = self.call(cx, Operation::GenerateMac).of(request.key).tokens(&request.grant_tokens);
        let call = call.with("kms:MacAlgorithm", request.algorithm.as_str());
        let made = async {
            let GenerateMac { message, algorithm, .. } = request;
            mac::check_message(message)?;
            let (key_arn, material) = Crypto(&self.0).mac_key(&call, request.key, algorithm).await?;
            dry_run(request.dry_run)?;
            let mac = mac::generate(algorithm, material.hmac()?.expose(), message)?;
            Ok(Mac { mac, algorithm, key_arn })
        };
        self.perform(&call, made).await
    }

    async fn verify_mac(&self, cx: &CallContext, request: VerifyMac<'_>) -> Result<Mac, Error> {
        let call = self.call(cx, Operation::VerifyMac).of(request.key).tokens(&request.grant_tokens);
        let call = call.with("kms:MacAlgorithm", request.algorithm.as_str());
        let verified = async {
            let VerifyMac { message, mac, algorithm, .. } = request;
            mac::check_message(message)?;
            mac::check_mac(mac)?;
            let (key_arn, material) = Crypto(&self.0).mac_key(&call, request.key, algorithm).await?;
            mac::verify(algorithm, material.hmac()?.expose(), message, mac)?;
            dry_run(request.dry_run)?;
            Ok(Mac { mac: mac.to_vec(), algorithm, key_arn })
        };
        self.perform(&call, verified).await
    }

    async fn generate_random(&self, cx: &CallContext, request: GenerateRandom) -> Result<SecretBytes, Error> {
        let call = self.call(cx, Operation::GenerateRandom);
        let made = async {
            Gate(&self.0).authorize(&call, call.needs(Role::Account)?).await?;
            check_spec(DataKeySpec::Bytes(request.bytes))?;
            random_bytes(usize::from(request.bytes))
        };
        self.perform(&call, made).await
    }

    fn capabilities(&self) -> Capabilities {
        let capabilities = Capabilities::new().dry_run();
        match self.0.via {
            Some(service) => capabilities.via_service(service),
            None => capabilities,
        }
    }
}

async fn describe(
    parts: &Parts,
    call: &KeyCall<'_>,
    request: &DescribeKey<'_>,
) -> Result<KeyMetadata, Error> {
    Gate(parts).check_request(call)?;
    let needed = call.needs(Role::Key)?;
    let key = Finder(parts).named(call, request.key, needed).await?;
    let key = Crypto(parts).fresh_for(call, key).await?;
    Gate(parts).permit(call, &key, needed).await?;
    Ok(key.metadata(parts.realm(), parts.now()))
}
