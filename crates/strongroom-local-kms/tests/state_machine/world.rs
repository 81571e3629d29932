//! The service, driven by steps, beside the model.

use std::sync::Arc;
use std::time::Duration;

use strongroom_envelope::{EncryptionContext, SecretBytes};
use strongroom_kms::{
    AliasName, CreateGrant, CreateKey, Decrypt, DescribeKey, Encrypt, Error, ErrorKind, GenerateMac,
    GrantOperation, ImportKeyMaterial, ImportType, KeyMetadata, KeyRef, KeySpec, KeyTag, Kms, KmsAdmin,
    ListPage, MacAlgorithm, PutKeyPolicy, ReEncrypt, VerifyMac,
};
use strongroom_local_kms::LocalKms;
use strongroom_records::{MemoryRecords, Records};
use strongroom_root::{RootKey, TrustedRecords};
use strongroom_testkit::ManualClock;
use strongroom_types::{Arn, CallContext, Caller, Clock};

use crate::model::{Model, Outcome, Wrong, alias_name};
use crate::steps::{Constraint, Kind, Step};

const DAY: u64 = 24 * 60 * 60;
/// Somebody of the account who is not its root.
const OTHER: &str = "arn:aws:iam::000000000000:user/other";

pub(crate) struct World {
    records: Arc<dyn Records>,
    clock: Arc<ManualClock>,
    kms: LocalKms,
    cx: CallContext,
    model: Model,
    ciphertexts: Vec<Vec<u8>>,
    /// Key and code.
    macs: Vec<(KeyRef, Vec<u8>)>,
}

async fn open(records: &Arc<dyn Records>, clock: &Arc<ManualClock>) -> (LocalKms, CallContext) {
    let root = RootKey::from_bytes([3; 32]);
    let trusted = TrustedRecords::open(Arc::clone(records), root, None, &**clock).await.unwrap();
    let cx = CallContext::owner(trusted.realm());
    (LocalKms::new(trusted, clock.clone()), cx)
}

fn context(right: bool) -> EncryptionContext {
    EncryptionContext::from_pairs([("a", if right { "b" } else { "c" })]).unwrap()
}

fn constrained(request: CreateGrant, constraint: Constraint) -> CreateGrant {
    let pairs = |pairs: &[(&str, &str)]| EncryptionContext::from_pairs(pairs.iter().copied()).unwrap();
    match constraint {
        Constraint::Nothing => request,
        Constraint::Same => request.context_equals(pairs(&[("a", "b")])),
        Constraint::KeyInCapitals => request.context_equals(pairs(&[("A", "b")])),
        Constraint::ValueInCapitals => request.context_equals(pairs(&[("a", "B")])),
        Constraint::SubsetInCapitals => request.context_subset(pairs(&[("A", "b")])),
        Constraint::More => request.context_subset(pairs(&[("a", "b"), ("c", "d")])),
    }
}

fn alias(number: usize) -> AliasName {
    AliasName::parse(&alias_name(number)).unwrap()
}

impl World {
    pub(crate) fn new(wrong: Wrong) -> Self {
        let records: Arc<dyn Records> = Arc::new(MemoryRecords::new());
        let clock = Arc::new(ManualClock::default());
        let (kms, cx) = pollster::block_on(open(&records, &clock));
        let model = Model::new(clock.now().as_millis(), wrong);
        Self { records, clock, kms, cx, model, ciphertexts: Vec::new(), macs: Vec::new() }
    }

    /// Both answers to a step.
    pub(crate) async fn step(&mut self, step: &Step) -> (Outcome, Outcome) {
        let found = self.run(step).await;
        let expected = self.model.step(step);
        let found = match found {
            Ok(line) => match (step, line.strip_prefix("made "), line.strip_prefix("granted ")) {
                (Step::Create { .. }, Some(id), _) => {
                    self.model.keys.last_mut().unwrap().id = id.to_owned();
                    Ok("made".into())
                }
                (Step::Grant(..), _, Some(id)) if expected.is_ok() => {
                    self.model.grants.last_mut().unwrap().id = id.to_owned();
                    Ok("granted".into())
                }
                _ => Ok(line),
            },
            // It names two random ids.
            Err(error) if error.message().starts_with("New key material (id: ") => {
                Err((error.kind(), "another waits".into()))
            }
            Err(error) if error.kind() == ErrorKind::Validation => {
                Err((ErrorKind::Validation, String::new()))
            }
            Err(error) => Err((error.kind(), error.message().to_owned())),
        };
        (expected, found)
    }

    fn key(&self, key: usize) -> KeyRef {
        KeyRef::parse(&self.model.id(key)).unwrap()
    }

    /// Which generation of its key a material is.
    async fn generation(&self, key: &KeyRef, material: &str) -> usize {
        let page = ListPage::first().limit(1000);
        let all = self.kms.list_key_rotations(&self.cx, key, true, &page).await.unwrap().rotations;
        all.iter().position(|rotation| rotation.key_material_id == material).unwrap() + 1
    }

    async fn described(&self, key: &KeyMetadata) -> String {
        let generation = match &key.current_key_material_id {
            Some(material) => Some(self.generation(&key.id.clone().into(), material).await),
            None => None,
        };
        format!(
            "{} {} hmac {} deletion {:?} generation {generation:?}",
            key.arn,
            key.state,
            key.spec != KeySpec::SymmetricDefault,
            key.deletion_date.map(|date| date.as_millis())
        )
    }

    async fn encrypt(&mut self, key: &KeyRef) -> Result<String, Error> {
        let sealed = self.kms.encrypt(&self.cx, Encrypt::new(key, b"x").context(&context(true))).await?;
        self.ciphertexts.push(sealed.ciphertext);
        Ok(sealed.key_arn.to_string())
    }

    async fn run(&mut self, step: &Step) -> Result<String, Error> {
        let (kms, cx) = (self.kms.clone(), self.cx.clone());
        let done = |()| String::new();
        match step {
            Step::Create { kind } => {
                let request = match kind {
                    Kind::Symmetric => CreateKey::new(),
                    Kind::Hmac => CreateKey::hmac(KeySpec::Hmac256),
                    Kind::External => CreateKey::external(),
                };
                Ok(format!("made {}", kms.create_key(&cx, request).await?.id))
            }
            Step::Enable(key) => kms.enable_key(&cx, &self.key(*key)).await.map(done),
            Step::Disable(key) => kms.disable_key(&cx, &self.key(*key)).await.map(done),
            Step::Schedule { key, days } => {
                let planned = kms.schedule_key_deletion(&cx, &self.key(*key), *days).await?;
                Ok(planned.deletion_date.as_millis().to_string())
            }
            Step::Cancel(key) => Ok(kms.cancel_key_deletion(&cx, &self.key(*key)).await?.to_string()),
            Step::Rotate(key) => Ok(kms.rotate_key_on_demand(&cx, &self.key(*key)).await?.to_string()),
            Step::EnableRotation { key, days } => {
                kms.enable_key_rotation(&cx, &self.key(*key), *days).await.map(done)
            }
            Step::DisableRotation(key) => kms.disable_key_rotation(&cx, &self.key(*key)).await.map(done),
            Step::Status(key) => {
                let status = kms.get_key_rotation_status(&cx, &self.key(*key)).await?;
                let next = status.next_rotation.map(|next| next.as_millis());
                assert_eq!(status.enabled, next.is_some());
                Ok(format!("{:?}", status.period_days.zip(next)))
            }
            Step::CreateAlias { alias: name, key } => {
                kms.create_alias(&cx, &alias(*name), &self.key(*key)).await.map(done)
            }
            Step::UpdateAlias { alias: name, key } => {
                kms.update_alias(&cx, &alias(*name), &self.key(*key)).await.map(done)
            }
            Step::DeleteAlias { alias: name } => kms.delete_alias(&cx, &alias(*name)).await.map(done),
            Step::Tag(key) => {
                let reference = self.key(*key);
                // A tag that counts its own changes.
                let tags = kms.list_resource_tags(&cx, &reference, &ListPage::first()).await?.tags;
                let number: usize = tags.first().map_or(0, |tag| tag.value.parse().unwrap());
                kms.tag_resource(&cx, &reference, vec![KeyTag::new("count", (number + 1).to_string())])
                    .await?;
                Ok((number + 1).to_string())
            }
            Step::Describe { key } => {
                let described = kms.describe_key(&cx, DescribeKey::new(&self.key(*key))).await?;
                Ok(self.described(&described).await)
            }
            Step::DescribeAlias { alias: name } => {
                let reference = KeyRef::from(alias(*name));
                let described = kms.describe_key(&cx, DescribeKey::new(&reference)).await?;
                Ok(self.described(&described).await)
            }
            Step::DisableByAlias { alias: name } => {
                kms.disable_key(&cx, &alias(*name).into()).await.map(done)
            }
            Step::Encrypt { key } => {
                let key = self.key(*key);
                self.encrypt(&key).await
            }
            Step::EncryptByAlias { alias: name } => self.encrypt(&alias(*name).into()).await,
            Step::Decrypt { ciphertext, right, named } => {
                if self.ciphertexts.is_empty() {
                    return Ok("nothing".into());
                }
                let named = named.map(|named| self.key(named));
                let ciphertext = &self.ciphertexts[*ciphertext % self.ciphertexts.len()];
                let context = context(*right);
                let mut request = Decrypt::new(ciphertext).context(&context);
                request.key = named.as_ref();
                let opened = kms.decrypt(&cx, request).await?;
                assert_eq!(opened.plaintext.expose(), b"x");
                let key = KeyRef::parse(opened.key_arn.as_str()).unwrap();
                let generation = self.generation(&key, &opened.key_material_id.unwrap()).await;
                Ok(format!("{} generation {generation}", opened.key_arn))
            }
            Step::ReEncrypt { ciphertext, key } => {
                if self.ciphertexts.is_empty() {
                    return Ok("nothing".into());
                }
                let key = self.key(*key);
                let ciphertext = &self.ciphertexts[*ciphertext % self.ciphertexts.len()];
                let (from, to) = (context(true), context(true));
                let moved = kms
                    .re_encrypt(&cx, ReEncrypt::new(ciphertext, &key).source_context(&from).context(&to))
                    .await?;
                self.ciphertexts.push(moved.ciphertext);
                Ok(format!("{} to {}", moved.source_key_arn, moved.key_arn))
            }
            Step::Mac { key } => {
                let key = self.key(*key);
                let mac =
                    kms.generate_mac(&cx, GenerateMac::new(&key, b"m", MacAlgorithm::HmacSha256)).await?;
                self.macs.push((key, mac.mac));
                Ok(mac.key_arn.to_string())
            }
            Step::Verify { mac, right } => {
                if self.macs.is_empty() {
                    return Ok("nothing".into());
                }
                let (key, mac) = &self.macs[*mac % self.macs.len()];
                let message: &[u8] = if *right { b"m" } else { b"n" };
                let good =
                    kms.verify_mac(&cx, VerifyMac::new(key, message, mac, MacAlgorithm::HmacSha256)).await?;
                Ok(good.key_arn.to_string())
            }
            Step::Rotations(key) => {
                let page = ListPage::first().limit(1000);
                let all = kms.list_key_rotations(&cx, &self.key(*key), true, &page).await?;
                Ok(all.rotations.len().to_string())
            }
            Step::Import { key, byte, new, days } => {
                let mut options = ImportKeyMaterial::new([], []);
                if let Some(days) = days {
                    let date =
                        self.clock.now().after(Duration::from_secs(u64::try_from(*days).unwrap() * DAY));
                    options = options.expires(date);
                }
                options.kind = new.map(|new| match new {
                    true => ImportType::NewKeyMaterial,
                    false => ImportType::ExistingKeyMaterial,
                });
                let material = SecretBytes::from_vec(vec![*byte; 32]);
                let key = self.key(*key);
                let told = kms.import_plain_material(&cx, &key, &material, &options).await?;
                Ok(format!(
                    "{} {}",
                    told.key_arn,
                    self.generation(&key, &told.key_material_id.unwrap()).await
                ))
            }
            Step::DeleteMaterial(key) => {
                let key = self.key(*key);
                let told = kms.delete_imported_key_material(&cx, &key, None).await?;
                let generation = match &told.key_material_id {
                    Some(id) => Some(self.generation(&key, id).await),
                    None => None,
                };
                Ok(format!("{} {generation:?}", told.key_arn))
            }
            Step::Grant(key, constraint) => {
                let request = constrained(CreateGrant::new(OTHER, [GrantOperation::Decrypt]), *constraint);
                Ok(format!("granted {}", kms.create_grant(&cx, &self.key(*key), request).await?.id))
            }
            Step::Revoke { grant } => {
                if self.model.grants.is_empty() {
                    return Ok("nothing".into());
                }
                let grant = &self.model.grants[*grant % self.model.grants.len()];
                kms.revoke_grant(&cx, &self.key(grant.key), &grant.id, false).await.map(done)
            }
            Step::PutPolicy { key, lets } => {
                let who = if *lets { OTHER } else { "000000000000" };
                let policy = format!(
                    r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"AWS":"000000000000"}},"Action":"kms:*","Resource":"*"}},
                    {{"Effect":"Allow","Principal":{{"AWS":"{who}"}},"Action":"kms:Decrypt","Resource":"*"}}]}}"#
                );
                kms.put_key_policy(&cx, &self.key(*key), PutKeyPolicy::new(policy)).await.map(done)
            }
            Step::DecryptAsOther { ciphertext } => {
                if self.ciphertexts.is_empty() {
                    return Ok("nothing".into());
                }
                let other = CallContext::new(Caller::Principal(Arn::parse(OTHER).unwrap()));
                let ciphertext = &self.ciphertexts[*ciphertext % self.ciphertexts.len()];
                let opened = kms.decrypt(&other, Decrypt::new(ciphertext).context(&context(true))).await?;
                assert_eq!(opened.plaintext.expose(), b"x");
                let key = KeyRef::parse(opened.key_arn.as_str()).unwrap();
                let generation = self.generation(&key, &opened.key_material_id.unwrap()).await;
                Ok(format!("{} generation {generation}", opened.key_arn))
            }
            Step::Pass { days } => {
                self.clock.advance(Duration::from_secs(u64::from(*days) * 24 * 60 * 60));
                Ok(String::new())
            }
            Step::Maintain => kms.maintain().await.map(|_| String::new()),
            Step::Reopen => {
                (self.kms, self.cx) = open(&self.records, &self.clock).await;
                Ok(String::new())
            }
        }
    }

    pub(crate) async fn verify(&self) -> Vec<String> {
        let report = self.kms.verify().await.unwrap();
        report.problems.iter().map(|problem| format!("{problem:?}")).collect()
    }
}
