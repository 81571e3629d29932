//! Random passwords, as GetRandomPassword generates them.

use strongroom_envelope::{SecretBytes, SecretText, random_array, wipe};

use crate::validate::Violations;
use crate::{Error, ErrorKind};

const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
const DIGITS: &str = "0123456789";
const UPPERCASE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWERCASE: &str = "abcdefghijklmnopqrstuvwxyz";

/// The request of GetRandomPassword: the allowed and the required characters.
///
/// All passwords that satisfy the request are equally likely.
///
/// ```
/// use strongroom_store::GetRandomPassword;
/// let password = GetRandomPassword::new().length(20).exclude_characters("'\"\\").generate()?;
/// assert_eq!(password.expose().len(), 20);
/// # Ok::<(), strongroom_store::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GetRandomPassword {
    /// 1 to 4,096 characters; 32 when absent.
    pub length: Option<i64>,
    /// Excludes these characters; at most 4,096.
    pub exclude_characters: String,
    /// Excludes digits.
    pub exclude_numbers: bool,
    /// Excludes the 32 ASCII punctuation marks.
    pub exclude_punctuation: bool,
    /// Excludes upper-case letters.
    pub exclude_uppercase: bool,
    /// Excludes lower-case letters.
    pub exclude_lowercase: bool,
    /// Includes spaces. A space does not count as a type.
    pub include_space: bool,
    /// At least one character of each type that is not excluded. The default.
    pub require_each_included_type: bool,
}

impl Default for GetRandomPassword {
    fn default() -> Self {
        Self::new()
    }
}

/// The allowed characters of one type.
struct Class {
    characters: Vec<u8>,
    required: bool,
}

impl GetRandomPassword {
    /// Thirty-two characters, at least one of each type.
    #[must_use]
    pub fn new() -> Self {
        Self {
            length: None,
            exclude_characters: String::new(),
            exclude_numbers: false,
            exclude_punctuation: false,
            exclude_uppercase: false,
            exclude_lowercase: false,
            include_space: false,
            require_each_included_type: true,
        }
    }

    /// Sets the length, 1 to 4,096.
    #[must_use]
    pub fn length(mut self, length: i64) -> Self {
        self.length = Some(length);
        self
    }

    /// Excludes these characters.
    #[must_use]
    pub fn exclude_characters(mut self, characters: impl Into<String>) -> Self {
        self.exclude_characters = characters.into();
        self
    }

    /// Excludes digits.
    #[must_use]
    pub fn exclude_numbers(mut self) -> Self {
        self.exclude_numbers = true;
        self
    }

    /// Excludes punctuation.
    #[must_use]
    pub fn exclude_punctuation(mut self) -> Self {
        self.exclude_punctuation = true;
        self
    }

    /// Excludes upper-case letters.
    #[must_use]
    pub fn exclude_uppercase(mut self) -> Self {
        self.exclude_uppercase = true;
        self
    }

    /// Excludes lower-case letters.
    #[must_use]
    pub fn exclude_lowercase(mut self) -> Self {
        self.exclude_lowercase = true;
        self
    }

    /// Includes spaces.
    #[must_use]
    pub fn include_space(mut self) -> Self {
        self.include_space = true;
        self
    }

    /// Does not require one character of each type.
    #[must_use]
    pub fn any_types(mut self) -> Self {
        self.require_each_included_type = false;
        self
    }

    /// Generates a password.
    ///
    /// # Errors
    /// [`ErrorKind::Validation`] for lengths out of bounds; [`ErrorKind::InvalidParameter`] when no
    /// such password exists; [`ErrorKind::Internal`] when the operating system returns no random
    /// bytes.
    pub fn generate(&self) -> Result<SecretText, Error> {
        let length = self.length.unwrap_or(32);
        let mut violations = Violations::new();
        violations.number("passwordLength", length, 1, 4096);
        violations.length("excludeCharacters", &self.exclude_characters, 0, 4096);
        violations.finish()?;
        let length = usize::try_from(length).unwrap_or(1);
        let classes = self.classes()?;
        let pool: Vec<u8> = classes.iter().flat_map(|class| class.characters.iter().copied()).collect();
        if pool.is_empty() {
            return Err(invalid("All characters have been excluded from selection."));
        }
        if length < classes.iter().filter(|class| class.required).count() {
            return Err(invalid("Password length is too short based on the required types."));
        }
        let mut random = Random::default();
        let mut password = SecretBytes::with_capacity(length);
        if classes.iter().any(|class| class.required) {
            let chances = Chances::new(&classes, pool.len(), length);
            let mut missing = chances.all();
            for left in (1..=length).rev() {
                let class = chances.draw(missing, left, random.fraction()?);
                missing &= !(1 << class);
                let characters = &classes[class].characters;
                password.extend_from_slice(&[characters[random.below(characters.len())?]]);
            }
        } else {
            for _ in 0..length {
                password.extend_from_slice(&[pool[random.below(pool.len())?]]);
            }
        }
        SecretText::from_utf8(password)
            .map_err(|_| Error::new(ErrorKind::Internal, "the password could not be made"))
    }

    fn classes(&self) -> Result<Vec<Class>, Error> {
        let types = [
            (!self.exclude_lowercase, LOWERCASE, true),
            (!self.exclude_uppercase, UPPERCASE, true),
            (!self.exclude_numbers, DIGITS, true),
            (!self.exclude_punctuation, PUNCTUATION, true),
            (self.include_space, " ", false),
        ];
        let classes: Vec<Class> = types
            .into_iter()
            .filter(|(included, ..)| *included)
            .map(|(_, all, is_type)| Class {
                characters: all
                    .bytes()
                    .filter(|c| !self.exclude_characters.contains(char::from(*c)))
                    .collect(),
                required: is_type && self.require_each_included_type,
            })
            .collect();
        let emptied = |class: &Class| class.required && class.characters.is_empty();
        if classes.iter().any(emptied) && !classes.iter().all(|class| class.characters.is_empty()) {
            return Err(invalid("All characters of the desired type have been excluded."));
        }
        Ok(classes)
    }
}

fn invalid(text: &'static str) -> Error {
    Error::new(ErrorKind::InvalidParameter, text)
}

/// Chooses the class of each character so that every password with all required classes is equally
/// likely.
///
/// Drawing from the whole pool and rejecting passwords that lack a class would yield the same
/// distribution, but might never terminate. Instead, the share of strings of length `n` over the
/// pool that hold all of a set of missing classes is a sum over the class of the first character;
/// choosing each class by its part of that sum yields the same distribution without rejection.
struct Chances {
    /// The part of the pool that each class is.
    parts: Vec<f64>,
    required: usize,
    /// `share[length][missing]`.
    share: Vec<Vec<f64>>,
}

impl Chances {
    fn new(classes: &[Class], pool: usize, length: usize) -> Self {
        #[allow(clippy::cast_precision_loss, reason = "at most 95 characters")]
        let parts: Vec<f64> =
            classes.iter().map(|class| class.characters.len() as f64 / pool as f64).collect();
        // Required classes come first: they are the bits of a set.
        let required = classes.iter().take_while(|class| class.required).count();
        let sets = 1 << required;
        let mut share = vec![vec![0.0; sets]; length + 1];
        share[0][0] = 1.0;
        for n in 1..=length {
            for missing in 0..sets {
                share[n][missing] = parts
                    .iter()
                    .enumerate()
                    .map(|(class, part)| part * share[n - 1][missing & !(1usize << class)])
                    .sum();
            }
        }
        Self { parts, required, share }
    }

    fn all(&self) -> usize {
        (1 << self.required) - 1
    }

    /// The class of the next of `left` characters that must hold all of `missing`; `point` is
    /// uniform in `0..1`.
    fn draw(&self, missing: usize, left: usize, point: f64) -> usize {
        let mut point = point * self.share[left][missing];
        let mut last = 0;
        for (class, part) in self.parts.iter().enumerate() {
            let weight = part * self.share[left - 1][missing & !(1usize << class)];
            if weight > 0.0 {
                last = class;
                if point < weight {
                    return class;
                }
                point -= weight;
            }
        }
        // Rounding can leave a remainder beyond the last class.
        last
    }
}

/// Random numbers from the operating system, a block at a time.
#[derive(Default)]
struct Random {
    block: SecretBytes,
    used: usize,
}

impl Random {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        const BLOCK: usize = 256;
        if self.block.len() < self.used + N {
            let mut fresh: [u8; BLOCK] = random_array().map_err(|error| {
                Error::new(ErrorKind::Internal, "the operating system returned no random bytes")
                    .because(error)
            })?;
            self.block = SecretBytes::copy_from(&fresh);
            wipe(&mut fresh);
            self.used = 0;
        }
        let mut out = [0; N];
        out.copy_from_slice(&self.block.expose()[self.used..self.used + N]);
        self.used += N;
        Ok(out)
    }

    /// A number below `bound` (at most 256), each equally likely: bytes beyond the last whole
    /// multiple are discarded.
    fn below(&mut self, bound: usize) -> Result<usize, Error> {
        let beyond = 256 - 256 % bound;
        loop {
            let [byte] = self.bytes::<1>()?;
            if usize::from(byte) < beyond {
                return Ok(usize::from(byte) % bound);
            }
        }
    }

    /// A multiple of 2⁻⁵³ below 1, each equally likely.
    fn fraction(&mut self) -> Result<f64, Error> {
        let bits = u64::from_be_bytes(self.bytes::<8>()?) >> 11;
        #[allow(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
        Ok(bits as f64 / (1u64 << 53) as f64)
    }
}
