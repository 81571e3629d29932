//! What may be asked.

use proptest::prelude::*;

/// A key, by its number, or none that ever was.
pub(crate) type KeyNumber = usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Symmetric,
    Hmac,
    /// Symmetric, with imported material.
    External,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Create {
        kind: Kind,
    },
    /// Brings one of a few materials, as new or known or neither, maybe for some days.
    Import {
        key: KeyNumber,
        byte: u8,
        new: Option<bool>,
        days: Option<i64>,
    },
    DeleteMaterial(KeyNumber),
    /// Lets somebody decrypt by a grant.
    /// To somebody else, maybe with one of these constraints.
    Grant(KeyNumber, Constraint),
    Revoke {
        grant: usize,
    },
    /// Lets the same one decrypt by the key's policy, or no longer.
    PutPolicy {
        key: KeyNumber,
        lets: bool,
    },
    /// That one decrypts.
    DecryptAsOther {
        ciphertext: usize,
    },
    Enable(KeyNumber),
    Disable(KeyNumber),
    Schedule {
        key: KeyNumber,
        days: Option<u16>,
    },
    Cancel(KeyNumber),
    Rotate(KeyNumber),
    EnableRotation {
        key: KeyNumber,
        days: Option<u16>,
    },
    DisableRotation(KeyNumber),
    Status(KeyNumber),
    CreateAlias {
        alias: usize,
        key: KeyNumber,
    },
    UpdateAlias {
        alias: usize,
        key: KeyNumber,
    },
    DeleteAlias {
        alias: usize,
    },
    Tag(KeyNumber),
    Describe {
        key: KeyNumber,
    },
    DescribeAlias {
        alias: usize,
    },
    /// Disables a key by an alias, which is no name for that.
    DisableByAlias {
        alias: usize,
    },
    Encrypt {
        key: KeyNumber,
    },
    EncryptByAlias {
        alias: usize,
    },
    /// One of the ciphertexts made so far; the right context or another; naming a key or not.
    Decrypt {
        ciphertext: usize,
        right: bool,
        named: Option<KeyNumber>,
    },
    ReEncrypt {
        ciphertext: usize,
        key: KeyNumber,
    },
    Mac {
        key: KeyNumber,
    },
    Verify {
        mac: usize,
        right: bool,
    },
    Rotations(KeyNumber),
    Pass {
        days: u32,
    },
    Maintain,
    Reopen,
}

/// Constraints of grants; ciphertexts are made with the context `a` = `b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Constraint {
    Nothing,
    Same,
    /// The key in another case, which is the same.
    KeyInCapitals,
    /// The value in another case, which is another.
    ValueInCapitals,
    /// A part of the context, its key in another case.
    SubsetInCapitals,
    /// More than the context holds.
    More,
}

impl Constraint {
    /// Whether the context of the ciphertexts meets it. Keys are compared without case, unless that is told wrongly.
    pub(crate) fn is_met(self, keys_with_case: bool) -> bool {
        match self {
            Self::Nothing | Self::Same => true,
            Self::KeyInCapitals | Self::SubsetInCapitals => !keys_with_case,
            Self::ValueInCapitals | Self::More => false,
        }
    }
}

fn constraint() -> impl Strategy<Value = Constraint> {
    proptest::sample::select(vec![
        Constraint::Nothing,
        Constraint::Same,
        Constraint::KeyInCapitals,
        Constraint::ValueInCapitals,
        Constraint::SubsetInCapitals,
        Constraint::More,
    ])
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let key = || prop_oneof![8 => 0..4usize, 1 => Just(99usize)];
    let alias = || 0..3usize;
    let days = || proptest::option::of(proptest::sample::select(vec![7u16, 30, 6, 31]));
    let period = || proptest::option::of(proptest::sample::select(vec![90u16, 365, 89, 2561]));
    let life = || proptest::sample::select(vec![1i64, 30, 365, 366]);
    let keys = prop_oneof![
        6 => proptest::sample::select(vec![Kind::Symmetric, Kind::Symmetric, Kind::Hmac, Kind::External])
            .prop_map(|kind| Step::Create { kind }),
        3 => key().prop_map(Step::Enable),
        3 => key().prop_map(Step::Disable),
        3 => (key(), days()).prop_map(|(key, days)| Step::Schedule { key, days }),
        2 => key().prop_map(Step::Cancel),
        4 => key().prop_map(Step::Rotate),
        3 => (key(), period()).prop_map(|(key, days)| Step::EnableRotation { key, days }),
        1 => key().prop_map(Step::DisableRotation),
        2 => key().prop_map(Step::Status),
        2 => key().prop_map(Step::Tag),
        2 => key().prop_map(|key| Step::Describe { key }),
        2 => key().prop_map(Step::Rotations),
    ];
    let imports = prop_oneof![
        6 => (key(), 0..3u8, proptest::option::of(any::<bool>()), proptest::option::weighted(0.4, life()))
            .prop_map(|(key, byte, new, days)| Step::Import { key, byte, new, days }),
        2 => key().prop_map(Step::DeleteMaterial),
    ];
    let others = prop_oneof![
        3 => (key(), constraint()).prop_map(|(key, constraint)| Step::Grant(key, constraint)),
        2 => (0..10usize).prop_map(|grant| Step::Revoke { grant }),
        2 => (key(), any::<bool>()).prop_map(|(key, lets)| Step::PutPolicy { key, lets }),
        4 => (0..40usize).prop_map(|ciphertext| Step::DecryptAsOther { ciphertext }),
    ];
    let aliases = prop_oneof![
        3 => (alias(), key()).prop_map(|(alias, key)| Step::CreateAlias { alias, key }),
        2 => (alias(), key()).prop_map(|(alias, key)| Step::UpdateAlias { alias, key }),
        1 => alias().prop_map(|alias| Step::DeleteAlias { alias }),
        2 => alias().prop_map(|alias| Step::DescribeAlias { alias }),
        1 => alias().prop_map(|alias| Step::DisableByAlias { alias }),
    ];
    let crypto = prop_oneof![
        5 => key().prop_map(|key| Step::Encrypt { key }),
        3 => alias().prop_map(|alias| Step::EncryptByAlias { alias }),
        8 => (0..40usize, proptest::bool::weighted(0.8), proptest::option::weighted(0.3, key()))
            .prop_map(|(ciphertext, right, named)| Step::Decrypt { ciphertext, right, named }),
        2 => (0..40usize, key()).prop_map(|(ciphertext, key)| Step::ReEncrypt { ciphertext, key }),
        2 => key().prop_map(|key| Step::Mac { key }),
        2 => (0..10usize, any::<bool>()).prop_map(|(mac, right)| Step::Verify { mac, right }),
    ];
    let world = prop_oneof![
        4 => proptest::sample::select(vec![1u32, 7, 30, 91, 400]).prop_map(|days| Step::Pass { days }),
        3 => Just(Step::Maintain),
        1 => Just(Step::Reopen),
    ];
    prop_oneof![8 => keys, 4 => imports, 3 => others, 4 => aliases, 10 => crypto, 3 => world]
}
