//! Encrypting, decrypting, data keys, codes, random bytes.

use serde::Serialize;
use serde_json::json;
use strongroom::LocalKms;
use strongroom_envelope::{EncryptionContext, SecretBytes};
use strongroom_kms::{
    DataKeySpec, Decrypt, DescribeKey, Encrypt, GenerateDataKey, GenerateMac, GenerateRandom, KeyRef,
    KmsAdmin, MacAlgorithm, ReEncrypt, ReEncrypted, VerifyMac,
};
use strongroom_types::CallContext;

use super::words::{DATA_KEY_SPEC, MAC_ALGORITHM, encryption_algorithm};
use super::{CUSTOM_KEY_STORE, DRY_RUN_MODIFIERS, RECIPIENT, key, metadata, named};
use crate::answer::{Answer, ApiError};
use crate::input::{Blob, Context, base64, input, read, required, within};

/// What is answered with a plaintext or a ciphertext, written into memory that wipes itself.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Output<'a> {
    key_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext_blob: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plaintext: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_algorithm: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_material_id: Option<&'a str>,
}

fn context(given: Option<Context>) -> Result<EncryptionContext, ApiError> {
    given.unwrap_or_default().read()
}

fn algorithm(given: Option<&str>, member: &'static str) -> Result<(), ApiError> {
    let Some(given) = given else { return Ok(()) };
    encryption_algorithm(member).check(given)?;
    if given == "SYMMETRIC_DEFAULT" {
        return Ok(());
    }
    let text = format!("{given} is not an encryption algorithm of this key.");
    Err(ApiError::new("InvalidKeyUsageException", text))
}

fn data_key_spec(spec: Option<String>, bytes: Option<i64>) -> Result<DataKeySpec, ApiError> {
    let read = |word: &str| match word {
        "AES_256" => Some(DataKeySpec::Aes256),
        "AES_128" => Some(DataKeySpec::Aes128),
        _ => None,
    };
    match (spec, bytes) {
        (Some(spec), None) => DATA_KEY_SPEC.read(&spec, read),
        (None, Some(bytes)) => within(bytes, "numberOfBytes", 1, 1024).map(DataKeySpec::Bytes),
        _ => Err(ApiError::validation("Please specify either number of bytes or key spec.")),
    }
}

fn mac_algorithm(given: Option<String>) -> Result<MacAlgorithm, ApiError> {
    MAC_ALGORITHM.read(&required(given, "macAlgorithm")?, MacAlgorithm::from_word)
}

/// Runs one of these operations; `None` for another.
pub(super) async fn run(
    kms: &dyn KmsAdmin,
    cx: &CallContext,
    operation: &str,
    body: &[u8],
) -> Result<Option<Answer>, ApiError> {
    Ok(Some(match operation {
        "Encrypt" => {
            input!(Input {
                key_id: String, plaintext: Blob, encryption_context: Context, grant_tokens: Vec<String>,
                encryption_algorithm: String, dry_run: bool,
            });
            let asked: Input = read(body)?;
            let (key, plaintext) = (key(asked.key_id)?, required(asked.plaintext, "plaintext")?.0);
            algorithm(asked.encryption_algorithm.as_deref(), "encryptionAlgorithm")?;
            let context = context(asked.encryption_context)?;
            let request = Encrypt::new(&key, plaintext.expose())
                .context(&context)
                .grant_tokens(asked.grant_tokens.unwrap_or_default())
                .with_dry_run(asked.dry_run.unwrap_or(false));
            let made = kms.encrypt(cx, request).await?;
            Answer::json(&Output {
                key_id: made.key_arn.as_str(),
                ciphertext_blob: Some(base64(&made.ciphertext).expose()),
                encryption_algorithm: Some("SYMMETRIC_DEFAULT"),
                ..Output::default()
            })?
        }
        "Decrypt" => {
            input!(Input {
                ciphertext_blob: Blob, encryption_context: Context, grant_tokens: Vec<String>, key_id: String,
                encryption_algorithm: String, dry_run: bool,
            } refused { Recipient: RECIPIENT, DryRunModifiers: DRY_RUN_MODIFIERS });
            let asked: Input = read(body)?;
            let ciphertext = required(asked.ciphertext_blob, "ciphertextBlob")?.0;
            algorithm(asked.encryption_algorithm.as_deref(), "encryptionAlgorithm")?;
            let demanded = asked.key_id.map(|id| key(Some(id))).transpose()?;
            let context = context(asked.encryption_context)?;
            let mut request = Decrypt::new(ciphertext.expose())
                .context(&context)
                .grant_tokens(asked.grant_tokens.unwrap_or_default())
                .with_dry_run(asked.dry_run.unwrap_or(false));
            request.key = demanded.as_ref();
            let opened = kms.decrypt(cx, request).await?;
            Answer::json(&Output {
                key_id: opened.key_arn.as_str(),
                plaintext: Some(base64(opened.plaintext.expose()).expose()),
                encryption_algorithm: Some("SYMMETRIC_DEFAULT"),
                key_material_id: opened.key_material_id.as_deref(),
                ..Output::default()
            })?
        }
        "ReEncrypt" => re_encrypt(kms, cx, body).await?,
        "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" => {
            // The model gives the recipient to the first alone; the second has no plaintext that it
            // could concern.
            input!(Input {
                key_id: String, encryption_context: Context, number_of_bytes: i64, key_spec: String,
                grant_tokens: Vec<String>, dry_run: bool,
            } refused { Recipient: RECIPIENT });
            let asked: Input = read(body)?;
            let key = key(asked.key_id)?;
            let spec = data_key_spec(asked.key_spec, asked.number_of_bytes)?;
            let context = context(asked.encryption_context)?;
            let request = GenerateDataKey::new(&key)
                .context(&context)
                .spec(spec)
                .grant_tokens(asked.grant_tokens.unwrap_or_default())
                .with_dry_run(asked.dry_run.unwrap_or(false));
            if operation == "GenerateDataKey" {
                let made = kms.generate_data_key(cx, request).await?;
                Answer::json(&Output {
                    key_id: made.key_arn.as_str(),
                    ciphertext_blob: Some(base64(&made.ciphertext).expose()),
                    plaintext: Some(base64(made.plaintext.expose()).expose()),
                    key_material_id: made.key_material_id.as_deref(),
                    ..Output::default()
                })?
            } else {
                let made = kms.generate_data_key_without_plaintext(cx, request).await?;
                Answer::json(&Output {
                    key_id: made.key_arn.as_str(),
                    ciphertext_blob: Some(base64(&made.ciphertext).expose()),
                    key_material_id: made.key_material_id.as_deref(),
                    ..Output::default()
                })?
            }
        }
        "GenerateMac" => {
            input!(Input { key_id: String, message: Blob, mac_algorithm: String, grant_tokens: Vec<String>, dry_run: bool });
            let asked: Input = read(body)?;
            let (key, message) = (key(asked.key_id)?, required(asked.message, "message")?.0);
            let algorithm = mac_algorithm(asked.mac_algorithm)?;
            let request = GenerateMac::new(&key, message.expose(), algorithm)
                .grant_tokens(asked.grant_tokens.unwrap_or_default())
                .with_dry_run(asked.dry_run.unwrap_or(false));
            let made = kms.generate_mac(cx, request).await?;
            Answer::json(&json!({
                "KeyId": made.key_arn.as_str(), "MacAlgorithm": made.algorithm.as_str(),
                "Mac": base64(&made.mac).expose(),
            }))?
        }
        "VerifyMac" => {
            input!(Input {
                key_id: String, message: Blob, mac: Blob, mac_algorithm: String, grant_tokens: Vec<String>, dry_run: bool,
            });
            let asked: Input = read(body)?;
            let (key, message) = (key(asked.key_id)?, required(asked.message, "message")?.0);
            let mac = required(asked.mac, "mac")?.0;
            let algorithm = mac_algorithm(asked.mac_algorithm)?;
            let request = VerifyMac::new(&key, message.expose(), mac.expose(), algorithm)
                .grant_tokens(asked.grant_tokens.unwrap_or_default())
                .with_dry_run(asked.dry_run.unwrap_or(false));
            let good = kms.verify_mac(cx, request).await?;
            Answer::json(&json!({
                "KeyId": good.key_arn.as_str(), "MacAlgorithm": good.algorithm.as_str(), "MacValid": true,
            }))?
        }
        "GenerateRandom" => {
            input!(Input { number_of_bytes: i64 } refused {
                CustomKeyStoreId: CUSTOM_KEY_STORE, Recipient: RECIPIENT
            });
            let asked: Input = read(body)?;
            let bytes =
                asked.number_of_bytes.ok_or_else(|| ApiError::validation("NumberOfBytes is required."))?;
            let made = kms
                .generate_random(cx, GenerateRandom::new(within(bytes, "numberOfBytes", 1, 1024)?))
                .await?;
            #[derive(Serialize)]
            #[serde(rename_all = "PascalCase")]
            struct Random<'a> {
                plaintext: &'a str,
            }
            Answer::json(&Random { plaintext: base64(made.expose()).expose() })?
        }
        "DescribeKey" => {
            input!(Input { key_id: String, grant_tokens: Vec<String> });
            let asked: Input = read(body)?;
            let key = key(asked.key_id)?;
            let request = DescribeKey::new(&key).grant_tokens(asked.grant_tokens.unwrap_or_default());
            let found = kms.describe_key(cx, request).await?;
            Answer::json(&json!({"KeyMetadata": metadata(&found)}))?
        }
        _ => return Ok(None),
    }))
}

async fn re_encrypt(kms: &dyn KmsAdmin, cx: &CallContext, body: &[u8]) -> Result<Answer, ApiError> {
    re_encrypted(kms.re_encrypt(cx, read_re_encrypt(body)?.request()).await?)
}

/// As `ReEncrypt`, from the keys of one account to those of another.
pub(crate) async fn re_encrypt_across(
    from: &LocalKms,
    to: &LocalKms,
    cx: &CallContext,
    body: &[u8],
) -> Result<Answer, ApiError> {
    re_encrypted(from.re_encrypt_into(cx, to, read_re_encrypt(body)?.request()).await?)
}

/// The members of a ReEncrypt, as read.
struct Members {
    ciphertext: SecretBytes,
    source_key: Option<KeyRef>,
    from: EncryptionContext,
    destination: KeyRef,
    to: EncryptionContext,
    grant_tokens: Vec<String>,
    dry_run: bool,
}

impl Members {
    fn request(&self) -> ReEncrypt<'_> {
        let mut request = ReEncrypt::new(self.ciphertext.expose(), &self.destination)
            .source_context(&self.from)
            .context(&self.to)
            .grant_tokens(self.grant_tokens.clone())
            .with_dry_run(self.dry_run);
        request.source_key = self.source_key.as_ref();
        request
    }
}

fn read_re_encrypt(body: &[u8]) -> Result<Members, ApiError> {
    input!(Input {
        ciphertext_blob: Blob, source_encryption_context: Context, source_key_id: String, destination_key_id: String,
        destination_encryption_context: Context, source_encryption_algorithm: String,
        destination_encryption_algorithm: String, grant_tokens: Vec<String>, dry_run: bool,
    } refused { DryRunModifiers: DRY_RUN_MODIFIERS });
    let asked: Input = read(body)?;
    let ciphertext = required(asked.ciphertext_blob, "ciphertextBlob")?.0;
    let destination = named(asked.destination_key_id, "destinationKeyId")?;
    algorithm(asked.source_encryption_algorithm.as_deref(), "sourceEncryptionAlgorithm")?;
    algorithm(asked.destination_encryption_algorithm.as_deref(), "destinationEncryptionAlgorithm")?;
    let source_key = asked.source_key_id.map(|id| named(Some(id), "sourceKeyId")).transpose()?;
    let (from, to) =
        (context(asked.source_encryption_context)?, context(asked.destination_encryption_context)?);
    Ok(Members {
        ciphertext,
        source_key,
        from,
        destination,
        to,
        grant_tokens: asked.grant_tokens.unwrap_or_default(),
        dry_run: asked.dry_run.unwrap_or(false),
    })
}

fn re_encrypted(made: ReEncrypted) -> Result<Answer, ApiError> {
    Answer::json(&json!({
        "CiphertextBlob": base64(&made.ciphertext).expose(),
        "SourceKeyId": made.source_key_arn.as_str(),
        "KeyId": made.key_arn.as_str(),
        "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "SourceKeyMaterialId": made.source_key_material_id.as_deref(),
        "DestinationKeyMaterialId": made.key_material_id.as_deref(),
    }))
}
