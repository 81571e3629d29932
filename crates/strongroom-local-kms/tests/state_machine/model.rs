//! What the service should do, as plainly as the specification says it.

use std::collections::BTreeMap;

use crate::steps::{Constraint, Kind, Step};
use strongroom_kms::ErrorKind;

const DAY: i64 = 24 * 60 * 60 * 1000;
const REALM: &str = "arn:aws:kms:us-east-1:000000000000";

type Refused = (ErrorKind, String);
pub(crate) type Outcome = Result<String, Refused>;
/// A rule told wrongly, to see that the comparison finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Nothing,
    /// A key that is saved from deletion is enabled.
    CancelEnables,
    /// A disabled key goes on decrypting.
    DisabledDecrypts,
    /// After a rotation old ciphertexts name the new material.
    RotationForgets,
    /// A rotation by the clock does not move the next date.
    ScheduleStands,
    /// Aliases of a deleted key stay.
    AliasStays,
    /// Imported material stays beyond its date.
    NothingExpires,
    /// A grant outlives its end.
    GrantStays,
    /// The constraint of a grant compares the keys of a context with their case.
    ConstraintKnowsCase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Enabled,
    Disabled,
    PendingDeletion,
}

#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) key: usize,
    /// Learnt from the service: it is random.
    pub(crate) id: String,
    alive: bool,
    constraint: Constraint,
}

#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// Learnt from the service: it is random.
    pub(crate) id: String,
    hmac: bool,
    state: State,
    deletion: Option<i64>,
    generations: usize,
    on_demand: usize,
    rotation: Option<(u16, i64)>,
    tags: usize,
    gone: bool,
    /// Of a key whose material is imported.
    materials: Option<Vec<Material>>,
    /// The policy lets somebody else decrypt.
    lets: bool,
}

#[derive(Clone, Debug)]
struct Material {
    byte: u8,
    present: bool,
    expires: Option<i64>,
    pending: bool,
}

impl Material {
    fn here(&self, now: i64) -> bool {
        self.present && self.expires.is_none_or(|date| date > now)
    }
}

impl Key {
    /// The generation that encrypts, from 1.
    fn generation(&self) -> usize {
        match &self.materials {
            Some(materials) => materials.iter().filter(|material| !material.pending).count(),
            None => self.generations,
        }
    }

    fn lacks_material(&self, now: i64) -> bool {
        let Some(materials) = &self.materials else { return false };
        self.generation() == 0 || materials.iter().any(|material| !material.pending && !material.here(now))
    }
}

pub(crate) struct Model {
    pub(crate) keys: Vec<Key>,
    aliases: BTreeMap<usize, usize>,
    /// Key and generation of each ciphertext.
    ciphertexts: Vec<(usize, usize)>,
    macs: Vec<usize>,
    /// Key, id and whether it still is.
    pub(crate) grants: Vec<Grant>,
    now: i64,
    wrong: Wrong,
}

fn refuse<T>(kind: ErrorKind, text: impl Into<String>) -> Result<T, Refused> {
    Err((kind, text.into()))
}

pub(crate) fn alias_name(alias: usize) -> String {
    format!("alias/a{alias}")
}

/// An id that never was.
pub(crate) const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

impl Model {
    pub(crate) fn new(now: i64, wrong: Wrong) -> Self {
        Self {
            keys: Vec::new(),
            aliases: BTreeMap::new(),
            ciphertexts: Vec::new(),
            macs: Vec::new(),
            grants: Vec::new(),
            now,
            wrong,
        }
    }

    pub(crate) fn id(&self, key: usize) -> String {
        self.keys.get(key).map_or_else(|| NOBODY.to_owned(), |key| key.id.clone())
    }

    pub(crate) fn arn(&self, key: usize) -> String {
        format!("{REALM}:key/{}", self.id(key))
    }

    fn find(&self, key: usize) -> Result<&Key, Refused> {
        match self.keys.get(key) {
            Some(found) if !found.gone => Ok(found),
            _ => refuse(ErrorKind::NotFound, format!("Key '{}' does not exist", self.arn(key))),
        }
    }

    fn behind(&self, alias: usize) -> Result<usize, Refused> {
        let arn = format!("{REALM}:{}", alias_name(alias));
        match self.aliases.get(&alias) {
            // A deleted key takes its aliases with it; only a model that is wrong finds one here.
            Some(key) => Ok(*key),
            None => refuse(ErrorKind::NotFound, format!("Alias {arn} is not found.")),
        }
    }

    fn disabled<T>(&self, key: usize) -> Result<T, Refused> {
        refuse(ErrorKind::Disabled, format!("{} is disabled.", self.arn(key)))
    }

    fn pending<T>(&self, key: usize) -> Result<T, Refused> {
        refuse(ErrorKind::InvalidState, format!("{} is pending deletion.", self.arn(key)))
    }

    fn lacks(&self, key: usize) -> bool {
        let now = if self.wrong == Wrong::NothingExpires { i64::MIN } else { self.now };
        self.keys[key].lacks_material(now)
    }

    fn waits<T>(&self, key: usize) -> Result<T, Refused> {
        refuse(ErrorKind::InvalidState, format!("{} is pending import.", self.arn(key)))
    }

    fn origin<T>(&self, key: usize) -> Result<T, Refused> {
        let origin = if self.keys[key].materials.is_some() { "EXTERNAL" } else { "AWS_KMS" };
        let text = format!("{} origin is {origin} which is not valid for this operation.", self.arn(key));
        refuse(ErrorKind::Unsupported, text)
    }

    /// An operation that only an enabled key allows.
    fn usable(&self, key: usize) -> Result<(), Refused> {
        match self.find(key)?.state {
            State::Enabled | State::Disabled if self.lacks(key) => self.waits(key),
            State::Enabled => Ok(()),
            State::Disabled => self.disabled(key),
            State::PendingDeletion => self.pending(key),
        }
    }

    /// One that all but a key pending deletion allow.
    fn manageable(&self, key: usize) -> Result<(), Refused> {
        if self.find(key)?.state == State::PendingDeletion { self.pending(key) } else { Ok(()) }
    }

    fn usage(&self, key: usize, hmac: bool, operation: &str) -> Result<(), Refused> {
        if self.keys[key].hmac == hmac {
            return Ok(());
        }
        let usage = if self.keys[key].hmac { "GENERATE_VERIFY_MAC" } else { "ENCRYPT_DECRYPT" };
        let text = format!("{} key usage is {usage} which is not valid for {operation}.", self.arn(key));
        refuse(ErrorKind::InvalidKeyUsage, text)
    }

    /// A key that is enabled rotates when its time has come.
    fn rotate_if_due(&mut self, key: usize) {
        let now = self.now;
        let stands = self.wrong == Wrong::ScheduleStands;
        let key = &mut self.keys[key];
        if let Some((days, next)) = key.rotation
            && next <= now
            && key.state == State::Enabled
        {
            key.generations += 1;
            key.rotation = Some((days, if stands { next } else { now + i64::from(days) * DAY }));
        }
    }

    fn encrypt(&mut self, key: usize, operation: &str) -> Result<(), Refused> {
        self.usable(key)?;
        self.usage(key, false, operation)?;
        self.rotate_if_due(key);
        self.ciphertexts.push((key, self.keys[key].generation()));
        Ok(())
    }

    fn describe(&self, key: usize) -> Outcome {
        let found = self.find(key)?;
        let generation = (!found.hmac && found.generation() > 0).then_some(found.generation());
        let state = match found.state {
            State::Enabled | State::Disabled if self.lacks(key) => "PendingImport".to_owned(),
            state => format!("{state:?}"),
        };
        Ok(format!(
            "{} {state} hmac {} deletion {:?} generation {generation:?}",
            self.arn(key),
            found.hmac,
            found.deletion
        ))
    }

    fn open(&self, ciphertext: usize, right: bool, named: Option<usize>) -> Result<(usize, usize), Refused> {
        if let Some(named) = named {
            self.find(named)?;
        }
        let (key, generation) = self.ciphertexts[ciphertext];
        if named.is_some_and(|named| named != key) {
            return refuse(
                ErrorKind::IncorrectKey,
                "The key ID in the request does not identify a CMK that can perform this operation.",
            );
        }
        if self.keys[key].gone {
            return refuse(
                ErrorKind::AccessDenied,
                "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.",
            );
        }
        let lenient = self.wrong == Wrong::DisabledDecrypts && self.keys[key].state == State::Disabled;
        if !lenient {
            self.usable(key)?;
        }
        if !right {
            return refuse(ErrorKind::InvalidCiphertext, "");
        }
        let told =
            if self.wrong == Wrong::RotationForgets { self.keys[key].generation() } else { generation };
        Ok((key, told))
    }

    fn import(&mut self, key: usize, byte: u8, new: Option<bool>, days: Option<i64>) -> Outcome {
        let incorrect = || {
            let text = "The key material in the request is not the key material that was previously imported into this KMS key.";
            refuse(ErrorKind::IncorrectKeyMaterial, text)
        };
        if days.is_some_and(|days| days > 365) {
            return refuse(ErrorKind::Validation, "");
        }
        self.manageable(key)?;
        let (now, arn) = (self.now, self.arn(key));
        let Some(materials) = &mut self.keys[key].materials else { return self.origin(key) };
        let first = materials.is_empty();
        let new = new.unwrap_or(first);
        let known = materials.iter().position(|material| material.byte == byte);
        let index = match known {
            Some(index) if !new => index,
            None if new => {
                if let Some(waiting) = materials.iter().position(|material| material.pending) {
                    if materials[waiting].here(now) {
                        return refuse(ErrorKind::InvalidState, "another waits");
                    }
                    materials.remove(waiting);
                }
                materials.push(Material { byte, present: false, expires: None, pending: !first });
                materials.len() - 1
            }
            _ => return incorrect(),
        };
        materials[index].present = true;
        materials[index].expires = days.map(|days| now + days * DAY);
        Ok(format!("{arn} {}", index + 1))
    }

    pub(crate) fn maintain(&mut self) {
        for key in 0..self.keys.len() {
            if self.keys[key].gone {
                continue;
            }
            self.rotate_if_due(key);
            let now = self.now;
            for material in self.keys[key].materials.iter_mut().flatten() {
                if !material.here(now) {
                    (material.present, material.expires) = (false, None);
                }
            }
            let due = self.keys[key].deletion.is_some_and(|date| date <= self.now);
            if due {
                self.keys[key].gone = true;
                if self.wrong != Wrong::AliasStays {
                    self.aliases.retain(|_, target| *target != key);
                }
            }
        }
    }

    #[allow(clippy::too_many_lines, reason = "one arm for each operation")]
    pub(crate) fn step(&mut self, step: &Step) -> Outcome {
        match step {
            Step::Create { kind } => {
                self.keys.push(Key {
                    id: String::new(),
                    hmac: *kind == Kind::Hmac,
                    state: State::Enabled,
                    deletion: None,
                    generations: 1,
                    on_demand: 0,
                    rotation: None,
                    tags: 0,
                    gone: false,
                    materials: (*kind == Kind::External).then(Vec::new),
                    lets: false,
                });
                Ok("made".into())
            }
            Step::Enable(key) | Step::Disable(key) => {
                self.manageable(*key)?;
                if self.lacks(*key) {
                    return self.waits(*key);
                }
                let enable = matches!(step, Step::Enable(_));
                self.keys[*key].state = if enable { State::Enabled } else { State::Disabled };
                Ok(String::new())
            }
            Step::Schedule { key, days } => {
                let days = days.unwrap_or(30);
                if !(7..=30).contains(&days) {
                    return refuse(ErrorKind::Validation, "");
                }
                self.manageable(*key)?;
                let date = self.now + i64::from(days) * DAY;
                (self.keys[*key].state, self.keys[*key].deletion) = (State::PendingDeletion, Some(date));
                Ok(date.to_string())
            }
            Step::Cancel(key) => {
                if self.find(*key)?.state != State::PendingDeletion {
                    let text = format!("{} is not pending deletion.", self.arn(*key));
                    return refuse(ErrorKind::InvalidState, text);
                }
                // Its time is over, though nobody has cleaned up yet.
                if self.keys[*key].deletion.is_some_and(|date| date <= self.now) {
                    let text = format!("{} is pending deletion.", self.arn(*key));
                    return refuse(ErrorKind::InvalidState, text);
                }
                let state = if self.wrong == Wrong::CancelEnables { State::Enabled } else { State::Disabled };
                (self.keys[*key].state, self.keys[*key].deletion) = (state, None);
                Ok(self.arn(*key))
            }
            Step::Rotate(key) => {
                self.usable(*key)?;
                if self.keys[*key].hmac {
                    return refuse(ErrorKind::Unsupported, "");
                }
                if self.keys[*key].on_demand == 25 {
                    return refuse(
                        ErrorKind::LimitExceeded,
                        format!(
                            "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: {}",
                            self.arn(*key)
                        ),
                    );
                }
                let arn = self.arn(*key);
                if let Some(materials) = &mut self.keys[*key].materials {
                    let now = self.now;
                    let waiting = materials.iter_mut().find(|one| one.pending && one.here(now));
                    let Some(waiting) = waiting else {
                        let text = format!("No available key material pending rotation for the key: {arn}.");
                        return refuse(ErrorKind::InvalidState, text);
                    };
                    waiting.pending = false;
                }
                self.keys[*key].on_demand += 1;
                self.keys[*key].generations += 1;
                Ok(arn)
            }
            Step::EnableRotation { key, days } => {
                let days = days.unwrap_or(365);
                if !(90..=2560).contains(&days) {
                    return refuse(ErrorKind::Validation, "");
                }
                if self.find(*key)?.hmac {
                    return refuse(ErrorKind::Unsupported, "");
                }
                if self.keys[*key].materials.is_some() {
                    return self.origin(*key);
                }
                self.usable(*key)?;
                let next = self.now + i64::from(days) * DAY;
                let rotation = &mut self.keys[*key].rotation;
                if rotation.is_none_or(|(period, _)| period != days) {
                    *rotation = Some((days, next));
                }
                Ok(String::new())
            }
            Step::DisableRotation(key) => {
                if self.find(*key)?.hmac {
                    return refuse(ErrorKind::Unsupported, "");
                }
                if self.keys[*key].materials.is_some() {
                    return self.origin(*key);
                }
                self.usable(*key)?;
                self.keys[*key].rotation = None;
                Ok(String::new())
            }
            Step::Status(key) => {
                let found = self.find(*key)?;
                if found.hmac {
                    return refuse(ErrorKind::Unsupported, "");
                }
                if found.materials.is_some() {
                    return self.origin(*key);
                }
                let shown = found.rotation.filter(|_| found.state != State::PendingDeletion);
                Ok(format!("{shown:?}"))
            }
            Step::CreateAlias { alias, key } => {
                self.manageable(*key)?;
                if self.aliases.contains_key(alias) {
                    let text =
                        format!("An alias with the name {REALM}:{} already exists", alias_name(*alias));
                    return refuse(ErrorKind::AlreadyExists, text);
                }
                self.aliases.insert(*alias, *key);
                Ok(String::new())
            }
            Step::UpdateAlias { alias, key } => {
                let old = self.behind(*alias)?;
                self.manageable(*key)?;
                if self.keys[old].hmac != self.keys[*key].hmac {
                    let text = format!(
                        "The key usage of {} is not that of the key that {REALM}:{} refers to.",
                        self.arn(*key),
                        alias_name(*alias)
                    );
                    return refuse(ErrorKind::InvalidState, text);
                }
                self.aliases.insert(*alias, *key);
                Ok(String::new())
            }
            Step::DeleteAlias { alias } => {
                self.behind(*alias)?;
                self.aliases.remove(alias);
                Ok(String::new())
            }
            Step::Tag(key) => {
                self.manageable(*key)?;
                self.keys[*key].tags += 1;
                Ok(self.keys[*key].tags.to_string())
            }
            Step::Describe { key } => self.describe(*key),
            Step::DescribeAlias { alias } => self.describe(self.behind(*alias)?),
            // Whether or not there is the alias.
            Step::DisableByAlias { .. } => {
                refuse(ErrorKind::InvalidArn, "Key Aliases are not supported for this operation.")
            }
            Step::Encrypt { key } => self.encrypt(*key, "Encrypt").map(|()| self.arn(*key)),
            Step::EncryptByAlias { alias } => {
                let key = self.behind(*alias)?;
                self.encrypt(key, "Encrypt").map(|()| self.arn(key))
            }
            Step::Decrypt { ciphertext, right, named } => {
                if self.ciphertexts.is_empty() {
                    return Ok("nothing".into());
                }
                let (key, generation) = self.open(*ciphertext % self.ciphertexts.len(), *right, *named)?;
                Ok(format!("{} generation {generation}", self.arn(key)))
            }
            Step::ReEncrypt { ciphertext, key } => {
                if self.ciphertexts.is_empty() {
                    return Ok("nothing".into());
                }
                let (source, _) = self.open(*ciphertext % self.ciphertexts.len(), true, None)?;
                self.encrypt(*key, "ReEncrypt")?;
                Ok(format!("{} to {}", self.arn(source), self.arn(*key)))
            }
            Step::Mac { key } => {
                self.usable(*key)?;
                self.usage(*key, true, "GenerateMac")?;
                self.macs.push(*key);
                Ok(self.arn(*key))
            }
            Step::Verify { mac, right } => {
                if self.macs.is_empty() {
                    return Ok("nothing".into());
                }
                let key = self.macs[*mac % self.macs.len()];
                self.usable(key)?;
                if *right { Ok(self.arn(key)) } else { refuse(ErrorKind::InvalidMac, "") }
            }
            Step::Rotations(key) => {
                let found = self.find(*key)?;
                if found.hmac {
                    refuse(ErrorKind::Unsupported, "")
                } else {
                    Ok(found.materials.as_ref().map_or(found.generations, Vec::len).to_string())
                }
            }
            Step::Import { key, byte, new, days } => self.import(*key, *byte, *new, *days),
            Step::DeleteMaterial(key) => {
                self.find(*key)?;
                let current = self.keys[*key].generation();
                let arn = self.arn(*key);
                let Some(materials) = &mut self.keys[*key].materials else { return self.origin(*key) };
                if current == 0 {
                    return Ok(format!("{arn} None"));
                }
                let material = &mut materials[current - 1];
                (material.present, material.expires) = (false, None);
                Ok(format!("{arn} Some({current})"))
            }
            Step::Grant(key, constraint) => {
                self.usable(*key)?;
                if self.keys[*key].hmac {
                    return refuse(ErrorKind::Validation, "");
                }
                let (key, constraint) = (*key, *constraint);
                self.grants.push(Grant { key, id: String::new(), alive: true, constraint });
                Ok("granted".into())
            }
            Step::Revoke { grant } => {
                if self.grants.is_empty() {
                    return Ok("nothing".into());
                }
                let index = *grant % self.grants.len();
                let Grant { key, id, alive, .. } = self.grants[index].clone();
                self.find(key)?;
                if !alive {
                    return refuse(ErrorKind::NotFound, format!("Grant ID {id} not found"));
                }
                self.grants[index].alive = false;
                Ok(String::new())
            }
            Step::PutPolicy { key, lets } => {
                self.find(*key)?;
                self.keys[*key].lets = *lets;
                Ok(String::new())
            }
            Step::DecryptAsOther { ciphertext } => {
                if self.ciphertexts.is_empty() {
                    return Ok("nothing".into());
                }
                let ciphertext = *ciphertext % self.ciphertexts.len();
                let (key, _) = self.ciphertexts[ciphertext];
                let counts = |grant: &Grant| {
                    grant.key == key
                        && (grant.alive || self.wrong == Wrong::GrantStays)
                        && grant.constraint.is_met(self.wrong == Wrong::ConstraintKnowsCase)
                };
                if !self.keys[key].gone && !self.keys[key].lets && !self.grants.iter().any(counts) {
                    return refuse(
                        ErrorKind::AccessDenied,
                        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.",
                    );
                }
                let (key, generation) = self.open(ciphertext, true, None)?;
                Ok(format!("{} generation {generation}", self.arn(key)))
            }
            Step::Pass { days } => {
                self.now += i64::from(*days) * DAY;
                Ok(String::new())
            }
            Step::Maintain => {
                self.maintain();
                Ok(String::new())
            }
            Step::Reopen => Ok(String::new()),
        }
    }
}
