//! What may be asked: small pools, so that steps meet each other, with wrong things among the right ones.

use proptest::prelude::*;
use strongroom_store::{FilterKey, SortBy, SortOrder};

pub(crate) const PREFIX: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:";
/// The last two belong to the service `svc`; `x-a1b2c3` looks as if it had a suffix.
pub(crate) const NAMES: [&str; 6] = ["a", "prod/db", "prod/api", "x-a1b2c3", "svc!one", "svc!two"];
pub(crate) const POLICIES: [&str; 3] = [
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*"}]}"#,
    "{not a policy",
];

pub(crate) fn token(n: u8) -> String {
    if n == 0 { "too-short".into() } else { format!("00000000-0000-4000-8000-{n:012}") }
}

/// How a secret is named in a request.
#[derive(Clone, Debug)]
pub(crate) enum Id {
    Name(usize),
    Arn(usize),
    PartialArn(usize),
    /// The ARN of a secret of this name that is not there.
    OtherArn(usize),
    /// Name and suffix without `arn:`.
    Suffixed(usize),
    Text(&'static str),
}

/// A key a secret may have: the managed one, one of two of the customer's, none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Managed,
    Customer(usize),
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) text: bool,
    pub(crate) content: String,
}

pub(crate) type Tags = Vec<(&'static str, &'static str)>;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Create {
        name: &'static str,
        token: u8,
        description: Option<&'static str>,
        key: Option<Key>,
        value: Option<Value>,
        tags: Tags,
        service: bool,
    },
    Put {
        id: Id,
        token: u8,
        value: Value,
        stages: Option<Vec<String>>,
        service: bool,
    },
    Update {
        id: Id,
        token: u8,
        description: Option<&'static str>,
        key: Option<Key>,
        value: Option<Value>,
        service: bool,
    },
    Get {
        id: Id,
        version: Option<u8>,
        stage: Option<String>,
    },
    Batch {
        ids: Vec<Id>,
    },
    BatchMatching {
        key: FilterKey,
        values: Vec<&'static str>,
    },
    Describe {
        id: Id,
    },
    Versions {
        id: Id,
        deprecated: bool,
        page: i64,
    },
    List {
        filters: Vec<(FilterKey, Vec<&'static str>)>,
        by: SortBy,
        order: SortOrder,
        deleted: bool,
        page: i64,
    },
    Move {
        id: Id,
        stage: String,
        from: Option<u8>,
        to: Option<u8>,
        service: bool,
    },
    /// As callers mostly do: from whoever has it.
    MoveFromHolder {
        id: Id,
        stage: String,
        to: u8,
    },
    Delete {
        id: Id,
        days: Option<i64>,
        force: bool,
        service: bool,
    },
    Restore {
        id: Id,
    },
    Tag {
        id: Id,
        tags: Tags,
    },
    Untag {
        id: Id,
        keys: Vec<&'static str>,
    },
    PutPolicy {
        id: Id,
        policy: usize,
        block: bool,
    },
    Policy {
        id: Id,
    },
    DeletePolicy {
        id: Id,
    },
    Pass {
        millis: u64,
    },
    Maintain,
    Reopen,
    /// Opened again without a word to the old one: what it had only noted is gone.
    Crash,
    /// The next call of the key service fails.
    Fault(strongroom_kms::ErrorKind),
    Disable(usize),
    Enable(usize),
}

fn id() -> impl Strategy<Value = Id> {
    // Some more often than others, so that they get somewhere.
    let name = prop_oneof![3 => 0..2usize, 2 => 0..NAMES.len()];
    prop_oneof![
        30 => name.clone().prop_map(Id::Name),
        8 => name.clone().prop_map(Id::Arn),
        4 => name.clone().prop_map(Id::PartialArn),
        1 => name.clone().prop_map(Id::OtherArn),
        1 => name.prop_map(Id::Suffixed),
        1 => proptest::sample::select(vec!["a b", "*", "", "nobody", "arn:aws:s3:::bucket", "arn:aws:secretsmanager:eu-west-1:000000000000:secret:a-AbCdEf"]).prop_map(Id::Text),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let content = prop_oneof![
        30 => (0..3u8).prop_map(|n| format!("value {n}")),
        1 => Just(String::new()),
    ];
    (proptest::bool::weighted(0.8), content).prop_map(|(text, content)| Value { text, content })
}

fn stage() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just("AWSCURRENT".to_owned()),
        2 => Just("AWSPREVIOUS".to_owned()),
        3 => Just("AWSPENDING".to_owned()),
        4 => (0..4u8).prop_map(|n| format!("label{n}")),
        2 => (0..24u8).prop_map(|n| format!("label{n}")),
    ]
}

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![
        3 => Just(Key::Managed),
        6 => (0..2usize).prop_map(Key::Customer),
        1 => Just(Key::Unknown),
    ]
}

fn a_token() -> impl Strategy<Value = u8> {
    prop_oneof![1 => Just(0u8), 60 => 1..9u8]
}

fn tags() -> impl Strategy<Value = Tags> {
    let good =
        proptest::sample::subsequence(vec![("team", "blue"), ("stage", "blueprint"), ("empty", "")], 0..3);
    let other = Just(vec![("team", "green")]);
    let bad = proptest::sample::select(vec![
        vec![("aws:reserved", "x")],
        vec![("", "x")],
        vec![("team", "blue"), ("team", "green")],
    ]);
    prop_oneof![8 => good, 4 => other, 1 => bad]
}

fn description() -> impl Strategy<Value = Option<&'static str>> {
    proptest::option::of(proptest::sample::select(vec!["One and two", "two fourFive", ""]))
}

fn filter() -> impl Strategy<Value = (FilterKey, Vec<&'static str>)> {
    let key = proptest::sample::select(FilterKey::EVERY.to_vec());
    let value = proptest::sample::select(vec![
        "prod", "prod/", "Prod", "a", "!prod", "x-", "team", "blue", "!blue", "one t", "two", "!two", "five",
        "svc", "!svc", "rds", "-", "",
    ]);
    (key, prop_oneof![1 => Just(Vec::new()), 20 => proptest::collection::vec(value, 1..3)])
}

fn filters() -> impl Strategy<Value = Vec<(FilterKey, Vec<&'static str>)>> {
    prop_oneof![2 => Just(Vec::new()), 3 => proptest::collection::vec(filter(), 1..3)]
}

fn by() -> impl Strategy<Value = SortBy> {
    use SortBy::{CreatedDate, LastAccessedDate, LastChangedDate, Name};
    proptest::sample::select(vec![CreatedDate, LastChangedDate, LastAccessedDate, Name])
}

fn order() -> impl Strategy<Value = SortOrder> {
    proptest::sample::select(vec![SortOrder::Ascending, SortOrder::Descending])
}

fn writes() -> impl Strategy<Value = Step> {
    let service = proptest::bool::weighted(0.15);
    let many = (0..20usize).prop_map(|count| (0..count).map(|n| format!("label{n}")).collect());
    let stages = proptest::option::weighted(
        0.5,
        prop_oneof![
            20 => proptest::collection::vec(stage(), 1..3),
            4 => many,
            1 => proptest::sample::select(vec![vec![], vec![String::new()], vec!["x".to_owned(); 21]]),
        ],
    );
    let bad = proptest::sample::select(vec!["a b", "", "é", "svc!"]);
    let name = prop_oneof![20 => proptest::sample::select(NAMES.to_vec()), 1 => bad];
    prop_oneof![
        6 => (name, a_token(), description(), proptest::option::of(key()), proptest::option::weighted(0.8, value()), tags(), service)
            .prop_map(|(name, token, description, key, value, tags, service)| {
                // Most often the one who may.
                let service = service != name.starts_with("svc!");
                Step::Create { name, token, description, key, value, tags, service }
            }),
        8 => (id(), a_token(), value(), stages, service)
            .prop_map(|(id, token, value, stages, service)| Step::Put { id, token, value, stages, service }),
        3 => (id(), a_token(), description(), proptest::option::of(key()), proptest::option::of(value()), service)
            .prop_map(|(id, token, description, key, value, service)| Step::Update { id, token, description, key, value, service }),
        3 => (id(), stage(), proptest::option::of(a_token()), proptest::option::weighted(0.8, a_token()), service)
            .prop_map(|(id, stage, from, to, service)| Step::Move { id, stage, from, to, service }),
        6 => (id(), stage(), a_token()).prop_map(|(id, stage, to)| Step::MoveFromHolder { id, stage, to }),
        2 => (id(), proptest::option::weighted(0.6, proptest::sample::select(vec![7i64, 7, 30, 30, 6, 31, -1])), proptest::bool::weighted(0.2), service)
            .prop_map(|(id, days, force, service)| Step::Delete { id, days, force, service }),
        3 => id().prop_map(|id| Step::Restore { id }),
        2 => (id(), tags()).prop_map(|(id, tags)| Step::Tag { id, tags }),
        1 => (id(), proptest::collection::vec(proptest::sample::select(vec!["team", "team", "stage", "stage", "nothing", ""]), 0..3))
            .prop_map(|(id, keys)| Step::Untag { id, keys }),
        2 => (id(), 0..POLICIES.len(), proptest::bool::ANY)
            .prop_map(|(id, policy, block)| Step::PutPolicy { id, policy, block }),
        1 => id().prop_map(|id| Step::DeletePolicy { id }),
    ]
}

fn reads() -> impl Strategy<Value = Step> {
    let page = prop_oneof![20 => proptest::sample::select(vec![1i64, 2, 100]), 1 => Just(0), 1 => Just(101)];
    prop_oneof![
        6 => (id(), proptest::option::weighted(0.3, a_token()), proptest::option::weighted(0.4, stage()))
            .prop_map(|(id, version, stage)| Step::Get { id, version, stage }),
        1 => proptest::collection::vec(id(), 0..4).prop_map(|ids| Step::Batch { ids }),
        1 => filter().prop_map(|(key, values)| Step::BatchMatching { key, values }),
        3 => id().prop_map(|id| Step::Describe { id }),
        2 => (id(), proptest::bool::ANY, page.clone())
            .prop_map(|(id, deprecated, page)| Step::Versions { id, deprecated, page }),
        3 => (filters(), by(), order(), proptest::bool::ANY, page)
            .prop_map(|(filters, by, order, deleted, page)| Step::List { filters, by, order, deleted, page }),
        1 => id().prop_map(|id| Step::Policy { id }),
    ]
}

fn world() -> impl Strategy<Value = Step> {
    use strongroom_kms::ErrorKind::{AccessDenied, DependencyTimeout, Disabled, Throttled};
    const DAY: u64 = 24 * 60 * 60 * 1000;
    prop_oneof![
        4 => proptest::sample::select(vec![0, 1, 1000, DAY / 2, DAY, DAY, 8 * DAY, 31 * DAY]).prop_map(|millis| Step::Pass { millis }),
        1 => Just(Step::Maintain),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
        1 => proptest::sample::select(vec![AccessDenied, DependencyTimeout, Disabled, Throttled]).prop_map(Step::Fault),
        1 => (0..2usize).prop_map(Step::Disable),
        3 => (0..2usize).prop_map(Step::Enable),
    ]
}

/// A store with some secrets in it.
pub(crate) fn prologue() -> Vec<Step> {
    let create = |name: &'static str, n: u8| Step::Create {
        name,
        token: n,
        description: Some("One and two"),
        key: (n == 2).then_some(Key::Customer(0)),
        value: Some(Value { text: true, content: "value 0".into() }),
        tags: vec![("team", "blue")],
        service: name.starts_with("svc!"),
    };
    NAMES.into_iter().zip(1..).take(5).map(|(name, n)| create(name, n)).collect()
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![12 => writes(), 8 => reads(), 3 => world()]
}
