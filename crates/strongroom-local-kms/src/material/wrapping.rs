//! Key material on its way in: wrapped under an RSA key that was made for it. RSA is AWS-LC's,
//! which works in constant time; without the feature `aws-lc-rs` there is none.

#[cfg(not(feature = "aws-lc-rs"))]
mod without_rsa {
    use std::marker::PhantomData;

    use strongroom_envelope::SecretBytes;
    use strongroom_kms::{
        Error, ErrorKind, ImportKeyMaterial, ImportParameters, WrappingAlgorithm, WrappingKeySpec,
    };

    use crate::layout::StoredKey;
    use crate::parts::Parts;

    fn unavailable() -> Error {
        Error::new(ErrorKind::Unsupported, "wrapped key material needs the feature aws-lc-rs")
    }

    /// Makes wrapping keys and unwraps what comes back under them.
    #[derive(Clone, Copy)]
    pub(crate) struct Wrapping<'a>(PhantomData<&'a Parts>);

    impl<'a> Wrapping<'a> {
        pub(crate) fn new(_parts: &'a Parts) -> Self {
            Self(PhantomData)
        }

        #[allow(clippy::unused_async, reason = "with the feature it waits for a thread")]
        pub(crate) async fn new_parameters(
            self,
            _key: &StoredKey,
            _algorithm: WrappingAlgorithm,
            _spec: WrappingKeySpec,
        ) -> Result<ImportParameters, Error> {
            Err(unavailable())
        }

        pub(crate) fn unwrap(
            self,
            _key: &StoredKey,
            _request: &ImportKeyMaterial,
        ) -> Result<SecretBytes, Error> {
            Err(unavailable())
        }
    }
}

#[cfg(feature = "aws-lc-rs")]
mod rsa {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
    use aws_lc_rs::error::Unspecified;
    use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded};
    use aws_lc_rs::rsa::{
        KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey,
    };
    use strongroom_envelope::{SecretBytes, wipe};
    use strongroom_kms::{WrappingAlgorithm, WrappingKeySpec};

    /// The public key as SubjectPublicKeyInfo, the private one as PKCS #8.
    pub(super) fn pair(spec: WrappingKeySpec) -> Result<(Vec<u8>, SecretBytes), Unspecified> {
        let size = match spec {
            WrappingKeySpec::Rsa3072 => KeySize::Rsa3072,
            WrappingKeySpec::Rsa4096 => KeySize::Rsa4096,
            _ => KeySize::Rsa2048,
        };
        let key = PrivateDecryptingKey::generate(size)?;
        let public: PublicKeyX509Der<'_> = key.public_key().as_der()?;
        // It wipes itself.
        let private: Pkcs8V1Der<'_> = key.as_der()?;
        Ok((public.as_ref().to_vec(), SecretBytes::copy_from(private.as_ref())))
    }

    /// What was wrapped.
    pub(super) fn unwrap(
        algorithm: WrappingAlgorithm,
        private: &SecretBytes,
        wrapped: &[u8],
    ) -> Result<SecretBytes, Unspecified> {
        let key = PrivateDecryptingKey::from_pkcs8(private.expose()).map_err(|_| Unspecified)?;
        let key = OaepPrivateDecryptingKey::new(key)?;
        let (oaep, two_steps) = match algorithm {
            WrappingAlgorithm::RsaesOaepSha1 => (&OAEP_SHA1_MGF1SHA1, false),
            WrappingAlgorithm::RsaAesKeyWrapSha1 => (&OAEP_SHA1_MGF1SHA1, true),
            WrappingAlgorithm::RsaAesKeyWrapSha256 => (&OAEP_SHA256_MGF1SHA256, true),
            _ => (&OAEP_SHA256_MGF1SHA256, false),
        };
        let len = key.key_size_bytes();
        let (first, rest) = wrapped.split_at_checked(len).ok_or(Unspecified)?;
        if rest.is_empty() == two_steps {
            return Err(Unspecified);
        }
        let mut opened = SecretBytes::zeroed(key.min_output_size());
        let opened_len = key.decrypt(oaep, first, opened.expose_mut(), None)?.len();
        opened.truncate(opened_len);
        if !two_steps {
            return Ok(opened);
        }
        // The AES key, and under it the material.
        let kek = AesKek::new(&AES_256, opened.expose())?;
        let mut material = SecretBytes::zeroed(rest.len());
        match kek.unwrap_with_padding(rest, material.expose_mut()).map(|material| material.len()) {
            Ok(len) => {
                material.truncate(len);
                Ok(material)
            }
            Err(error) => {
                wipe(material.expose_mut());
                Err(error)
            }
        }
    }
}

#[cfg(feature = "aws-lc-rs")]
mod with_rsa {
    use strongroom_envelope::SecretBytes;
    use strongroom_kms::{
        Error, ErrorKind, ImportKeyMaterial, ImportParameters, WrappingAlgorithm, WrappingKeySpec,
    };
    use strongroom_types::Timestamp;

    use super::rsa;
    use crate::layout::StoredKey;
    use crate::parts::Parts;

    /// How long parameters are good.
    const VALID: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);
    /// The longest token and the longest wrapped material, in bytes, as AWS has them.
    const MAX: usize = 6144;

    /// Makes wrapping keys and unwraps what comes back under them.
    #[derive(Clone, Copy)]
    pub(crate) struct Wrapping<'a>(&'a Parts);

    impl<'a> Wrapping<'a> {
        pub(crate) fn new(parts: &'a Parts) -> Self {
            Self(parts)
        }

        fn place(self, key: &StoredKey) -> strongroom_records::Key {
            self.0.inner.layout.token_place("import").then(key.id.as_str())
        }

        /// Makes a pair of keys, on a thread of its own since that takes up to some seconds. The
        /// token holds the private one, sealed for this key; nothing is stored.
        pub(crate) async fn new_parameters(
            self,
            key: &StoredKey,
            algorithm: WrappingAlgorithm,
            spec: WrappingKeySpec,
        ) -> Result<ImportParameters, Error> {
            let failed = || Error::new(ErrorKind::Internal, "the wrapping key could not be made");
            let (sender, receiver) = tokio::sync::oneshot::channel();
            std::thread::Builder::new()
                .name("strongroom-rsa".to_owned())
                .spawn(move || drop(sender.send(rsa::pair(spec))))
                .map_err(|error| failed().because(error))?;
            let (public_key, private) = receiver.await.map_err(|_| failed())?.map_err(|_| failed())?;
            let valid_to = self.0.now().after(VALID);
            let mut content = SecretBytes::with_capacity(private.len() + 64);
            content.extend_from_slice(&valid_to.as_millis().to_be_bytes());
            let word = algorithm.as_str().as_bytes();
            content.extend_from_slice(&[u8::try_from(word.len()).unwrap_or_default()]);
            content.extend_from_slice(word);
            content.extend_from_slice(private.expose());
            let import_token =
                self.0.inner.records.seal(&self.place(key), &content).map_err(crate::parts::storage)?;
            Ok(ImportParameters { key_arn: key.arn.clone(), import_token, public_key, valid_to })
        }

        /// The material of a request.
        pub(crate) fn unwrap(
            self,
            key: &StoredKey,
            request: &ImportKeyMaterial,
        ) -> Result<SecretBytes, Error> {
            let invalid = || Error::new(ErrorKind::InvalidImportToken, "");
            for (member, bytes) in [
                ("importToken", &request.import_token),
                ("encryptedKeyMaterial", &request.encrypted_key_material),
            ] {
                let bound = match bytes.len() {
                    0 => "greater than or equal to 1",
                    1..=MAX => continue,
                    _ => "less than or equal to 6144",
                };
                let text = format!(
                    "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length {bound}"
                );
                return Err(Error::new(ErrorKind::Validation, text));
            }
            let records = &self.0.inner.records;
            let content = records.unseal(&self.place(key), &request.import_token).map_err(|_| invalid())?;
            let (date, rest) = content.expose().split_first_chunk::<8>().ok_or_else(invalid)?;
            let (len, rest) = rest.split_first().ok_or_else(invalid)?;
            let (word, private) = rest.split_at_checked(usize::from(*len)).ok_or_else(invalid)?;
            let algorithm = std::str::from_utf8(word).ok().and_then(WrappingAlgorithm::from_word);
            if self.0.now() >= Timestamp::from_millis(i64::from_be_bytes(*date)) {
                return Err(Error::new(ErrorKind::ExpiredImportToken, ""));
            }
            let private = SecretBytes::copy_from(private);
            rsa::unwrap(algorithm.ok_or_else(invalid)?, &private, &request.encrypted_key_material)
                .map_err(|_| Error::new(ErrorKind::InvalidCiphertext, ""))
        }
    }
}

#[cfg(feature = "aws-lc-rs")]
pub(crate) use with_rsa::Wrapping;
#[cfg(not(feature = "aws-lc-rs"))]
pub(crate) use without_rsa::Wrapping;
