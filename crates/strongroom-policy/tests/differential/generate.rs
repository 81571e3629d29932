//! Random documents and requests.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

/// The account of every resource.
pub(crate) const HERE: &str = "111122223333";
/// Another account, of which some callers are.
pub(crate) const THERE: &str = "444455556666";

/// A condition key that requests may have, with values and with what policies compare it to.
#[derive(Debug)]
struct Key {
    name: &'static str,
    values: &'static [&'static str],
    patterns: &'static [&'static str],
}

static TEXTS: [Key; 7] = [
    key("aws:PrincipalTag/team", &["red", "blue", "RED"], TEAMS),
    key("aws:ResourceTag/team", &["red", "blue", "green"], TEAMS),
    key("aws:RequestTag/team", &["red", "blue"], TEAMS),
    key(
        "AWS:PrincipalTag/Name",
        &["alice", "bob"],
        &["alice", "${aws:username}", "${aws:PrincipalTag/team}", "a*e"],
    ),
    key(
        "aws:SourceVpc",
        &["vpc-1", "vpc-2"],
        &["vpc-1", "vpc-?", "vpc-*", "${aws:PrincipalTag/vpc, 'vpc-2'}"],
    ),
    key("aws:username", &[], &["alice", "a*", "${aws:PrincipalTag/name}"]),
    key("aws:PrincipalType", &[], &["User", "AssumedRole", "?ser", "FederatedUser"]),
];
const TEAMS: &[&str] = &[
    "red",
    "blue",
    "Red",
    "r*",
    "?e?",
    "*",
    "${aws:PrincipalTag/team}",
    "${aws:ResourceTag/team}",
    "${aws:RequestTag/team}",
    "${aws:TagKeys}",
    "${aws:PrincipalTag/team, 'red'}",
    "${aws:PrincipalTag/none}",
    "${aws:PrincipalTag/none, 'blue'}",
    "${AWS:principaltag/TEAM}",
    "re${aws:PrincipalTag/none}",
];
static ARNS: [Key; 2] = [
    key("aws:PrincipalArn", &[], ARN_PATTERNS),
    key("aws:SourceArn", &["arn:aws:s3:::bucket", "arn:aws:iam::111122223333:role/app"], ARN_PATTERNS),
];
const ARN_PATTERNS: &[&str] = &[
    "arn:aws:iam::111122223333:user/alice",
    "arn:aws:iam::*:user/*",
    "arn:aws:iam::111122223333:role/a?p",
    "arn:aws:iam::111122223333:user/${aws:username}",
    "arn:aws:iam::111122223333:user/${aws:PrincipalTag/name}",
    "arn:aws:iam::111122223333:*/${aws:PrincipalTag/none}",
    "arn:aws:iam::444455556666:role/${aws:PrincipalTag/none, 'app'}",
    "arn:aws:s3:::*",
];
static NUMBERS: [Key; 1] =
    [key("aws:MultiFactorAuthAge", &["0", "300", "3600"], &["0", "300", "299.5", "3600", "-1", "0300"])];
static BOOLS: [Key; 2] = [
    key("aws:SecureTransport", &["true", "false"], &["true", "false", "TRUE"]),
    key("aws:MultiFactorAuthPresent", &["true", "false"], &["true", "false"]),
];
static MOMENTS: [Key; 1] = [key("aws:CurrentTime", MOMENT_VALUES, &[])];
const MOMENT_VALUES: &[&str] = &[
    "2025-12-31T23:59:59Z",
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.500Z",
    "2026-06-15T12:00:00+02:00",
];
/// Each form of a moment, and the same moment in the one that the simulator reads rightly.
pub(crate) const MOMENT_FORMS: [(&str, &str); 11] = [
    ("2026", "2026-01-01T00:00:00Z"),
    ("2026-01", "2026-01-01T00:00:00Z"),
    ("2026-06-15", "2026-06-15T00:00:00Z"),
    ("2026-01-01T00:00", "2026-01-01T00:00:00Z"),
    ("2026-01-01T01:00+01:00", "2026-01-01T00:00:00Z"),
    ("2026-01-01T00:00:00", "2026-01-01T00:00:00Z"),
    ("2026-01-01T00:00:00.5", "2026-01-01T00:00:00.500Z"),
    ("2025-12-31T19:00:00-05:00", "2026-01-01T00:00:00Z"),
    ("1767225600", "2026-01-01T00:00:00Z"),
    ("1767225600.5", "2026-01-01T00:00:00.500Z"),
    ("2026-06-15T10:00:00.000Z", "2026-06-15T10:00:00Z"),
];
static ADDRESSES: [Key; 1] = [key(
    "aws:SourceIp",
    &["10.0.0.1", "10.1.0.1", "192.0.2.7", "2001:db8::7"],
    &["10.0.0.0/8", "10.0.0.0/16", "192.0.2.7", "10.0.0.1", "2001:db8::/32", "2001:db8::7", "128.0.0.0/1"],
)];
static BLOBS: [Key; 1] = [key("aws:RequestTag/blob", &["QUJD", "REVG"], &["QUJD", "REVG"])];
/// Keys of several values.
static LISTS: [Key; 2] = [
    key("aws:TagKeys", &["red", "blue", "green"], TEAMS),
    key(
        "aws:CalledVia",
        &["athena.amazonaws.com", "kms.amazonaws.com"],
        &["kms.amazonaws.com", "*.amazonaws.com", "x"],
    ),
];

const fn key(name: &'static str, values: &'static [&'static str], patterns: &'static [&'static str]) -> Key {
    Key { name, values, patterns }
}

/// The caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    User,
    RoleSession,
    Federated,
    Service,
    Anonymous,
}

/// A request with the documents that apply to it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) who: Who,
    /// The caller's.
    pub(crate) account: &'static str,
    pub(crate) action: &'static str,
    pub(crate) resource: &'static str,
    /// The keys that the caller's kind does not bring.
    pub(crate) context: Map<String, Value>,
    pub(crate) identity: Vec<Value>,
    pub(crate) resource_policy: Option<Value>,
    pub(crate) boundary: Option<Value>,
    pub(crate) session: Option<Value>,
    pub(crate) service_control: Option<Value>,
}

fn one_of(keys: &'static [Key]) -> impl Strategy<Value = &'static Key> {
    (0..keys.len()).prop_map(|index| &keys[index])
}

/// The values of a condition: one value or a list.
fn values(patterns: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => select(patterns).prop_map(Value::from),
        2 => proptest::collection::vec(select(patterns), 1..4).prop_map(Value::from),
    ]
}

fn condition_of(
    operators: &'static [&'static str],
    keys: &'static [Key],
    patterns: Option<&'static [&'static str]>,
) -> BoxedStrategy<Value> {
    let quantifier = prop_oneof![8 => Just(""), 1 => Just("ForAllValues:"), 1 => Just("ForAnyValue:")];
    (select(operators), quantifier, proptest::bool::weighted(0.25), one_of(keys))
        .prop_flat_map(move |(operator, quantifier, if_exists, key)| {
            let suffix = if if_exists { "IfExists" } else { "" };
            let name = format!("{quantifier}{operator}{suffix}");
            values(patterns.unwrap_or(key.patterns))
                .prop_map(move |values| json!({ &name: { key.name: values } }))
        })
        .boxed()
}

const STRING_OPERATORS: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
];
const ARN_OPERATORS: &[&str] = &["ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"];
const NUMERIC_OPERATORS: &[&str] = &[
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
];
const DATE_OPERATORS: &[&str] = &[
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
];

fn forms() -> &'static [&'static str] {
    const FORMS: [&str; MOMENT_FORMS.len()] = {
        let mut forms = [""; MOMENT_FORMS.len()];
        let mut at = 0;
        while at < forms.len() {
            forms[at] = MOMENT_FORMS[at].0;
            at += 1;
        }
        forms
    };
    &FORMS
}

fn condition() -> impl Strategy<Value = Value> {
    // Keys of several values are compared by these only.
    let set = (select(&["ForAllValues:", "ForAnyValue:"][..]), select(STRING_OPERATORS), one_of(&LISTS));
    let set = set.prop_flat_map(|(quantifier, operator, key)| {
        let name = format!("{quantifier}{operator}");
        values(key.patterns).prop_map(move |values| json!({ &name: { key.name: values } }))
    });
    let null = (
        select(
            &[
                "aws:PrincipalTag/team",
                "aws:TagKeys",
                "aws:username",
                "aws:SourceIp",
                "aws:MultiFactorAuthAge",
            ][..],
        ),
        select(&["true", "false"][..]),
    );
    let plain: &'static [&'static str] = &["BinaryEquals"];
    prop_oneof![
        8 => condition_of(STRING_OPERATORS, &TEXTS, None),
        4 => set.boxed(),
        3 => condition_of(ARN_OPERATORS, &ARNS, None),
        2 => condition_of(NUMERIC_OPERATORS, &NUMBERS, None),
        2 => condition_of(DATE_OPERATORS, &MOMENTS, Some(forms())),
        2 => condition_of(&["IpAddress", "NotIpAddress"], &ADDRESSES, None),
        2 => condition_of(&["Bool"], &BOOLS, None),
        1 => condition_of(plain, &BLOBS, None),
        1 => null.prop_map(|(key, value)| json!({"Null": {key: value}})).boxed(),
    ]
}

fn conditions() -> impl Strategy<Value = Option<Value>> {
    let merged = proptest::collection::vec(condition(), 1..3).prop_map(|several| {
        let mut merged = Map::new();
        for one in several {
            for (operator, keys) in one.as_object().unwrap() {
                let there = merged.entry(operator.clone()).or_insert_with(|| json!({}));
                there.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
            }
        }
        Value::Object(merged)
    });
    proptest::option::weighted(0.55, merged)
}

/// One, or some.
fn some(from: Vec<&'static str>) -> impl Strategy<Value = Value> {
    let most = from.len().min(3);
    prop_oneof![
        3 => select(from.clone()).prop_map(Value::from),
        1 => subsequence(from, 1..=most).prop_map(Value::from),
    ]
}

/// A statement, without whom it is about.
fn statement(kms: bool) -> impl Strategy<Value = Value> {
    let actions = if kms {
        vec!["*", "kms:*", "kms:Decrypt", "kms:De*", "kms:decrypt", "KMS:Encrypt", "kms:?ecrypt", "s3:*"]
    } else {
        vec![
            "*",
            "secretsmanager:*",
            "secretsmanager:GetSecretValue",
            "secretsmanager:Get*",
            "secretsmanager:getsecretvalue",
            "secretsmanager:?etSecret*",
            "secretsmanager:PutSecretValue",
            "kms:*",
        ]
    };
    let resources = if kms {
        vec![
            "*",
            "arn:aws:kms:us-east-1:111122223333:key/red",
            "arn:aws:kms:*:*:key/*",
            "arn:aws:kms:us-east-1:111122223333:key/${aws:PrincipalTag/team}",
            "arn:aws:kms:us-east-1:111122223333:key/${aws:PrincipalTag/none}",
            "arn:aws:kms:us-east-1:111122223333:key/${aws:PrincipalTag/none, 'red'}",
            "arn:aws:kms:${aws:RequestedRegion}:111122223333:key/*",
            "arn:aws:kms:us-east-1:444455556666:key/*",
            "arn:aws:kms:us-east-1:*",
        ]
    } else {
        vec![
            "*",
            "arn:aws:secretsmanager:us-east-1:111122223333:secret:red/db-??????",
            "arn:aws:secretsmanager:*:*:secret:red/*",
            "arn:aws:secretsmanager:us-east-1:111122223333:secret:${aws:PrincipalTag/team}/*",
            "arn:aws:secretsmanager:us-east-1:111122223333:secret:${aws:PrincipalTag/none}/*",
            "arn:aws:secretsmanager:us-east-1:111122223333:secret:${aws:PrincipalTag/team, 'red'}/db-*",
            "arn:aws:secretsmanager:us-east-1:${aws:PrincipalAccount}:secret:red/*",
            "arn:aws:secretsmanager:us-east-1:111122223333:*",
            "arn:aws:secretsmanager:us-east-1:*",
        ]
    };
    let not = || proptest::bool::weighted(0.15);
    (proptest::bool::weighted(0.2), some(actions), not(), some(resources), not(), conditions()).prop_map(
        |(deny, actions, not_action, resources, not_resource, condition)| {
            let mut statement = json!({"Effect": if deny { "Deny" } else { "Allow" }});
            statement[if not_action { "NotAction" } else { "Action" }] = actions;
            statement[if not_resource { "NotResource" } else { "Resource" }] = resources;
            if let Some(condition) = condition {
                statement["Condition"] = condition;
            }
            statement
        },
    )
}

fn about() -> impl Strategy<Value = Value> {
    let aws = vec![
        "*",
        HERE,
        THERE,
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam::111122223333:user/alice",
        "arn:aws:iam::111122223333:user/bob",
        "arn:aws:iam::111122223333:role/app",
        "arn:aws:sts::111122223333:assumed-role/app/one",
        "arn:aws:sts::111122223333:assumed-role/app/two",
        "arn:aws:sts::111122223333:federated-user/alice",
        "arn:aws:iam::444455556666:user/alice",
        "arn:aws:iam::444455556666:role/app",
        "arn:aws:sts::444455556666:federated-user/alice",
    ];
    // The names that are all required to be excepted.
    let whole = select(vec![
        json!([HERE, "arn:aws:iam::111122223333:user/alice"]),
        json!([
            "arn:aws:iam::111122223333:root",
            "arn:aws:iam::111122223333:role/app",
            "arn:aws:sts::111122223333:assumed-role/app/one"
        ]),
        json!([HERE, "arn:aws:sts::111122223333:federated-user/alice"]),
        json!([THERE, "arn:aws:iam::444455556666:user/alice"]),
    ]);
    prop_oneof![
        1 => Just(json!("*")),
        6 => some(aws).prop_map(|names| json!({"AWS": names})),
        2 => whole.prop_map(|names| json!({"AWS": names})),
        // Also the creator of the federated session.
        1 => Just(json!({"AWS": "arn:aws:iam::111122223333:user/alice"})),
        1 => Just(json!({"Service": "rds.amazonaws.com"})),
    ]
}

fn document(statements: Vec<Value>) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn own(kms: bool) -> impl Strategy<Value = Value> {
    // Something is allowed more often than by chance.
    (proptest::collection::vec(statement(kms), 1..4), proptest::bool::weighted(0.6)).prop_map(
        |(mut some, all)| {
            if all {
                some.push(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
            }
            document(some)
        },
    )
}

fn of_resource(kms: bool) -> impl Strategy<Value = Value> {
    let one =
        (statement(kms), about(), proptest::bool::weighted(0.4)).prop_map(|(mut statement, who, not)| {
            let not = not && statement["Effect"] == "Deny";
            statement[if not { "NotPrincipal" } else { "Principal" }] = who;
            statement
        });
    let open = proptest::option::weighted(0.4, about());
    (proptest::collection::vec(one, 1..4), open).prop_map(|(mut some, open)| {
        if let Some(who) = open {
            some.push(json!({"Effect": "Allow", "Principal": who, "Action": "*", "Resource": "*"}));
        }
        document(some)
    })
}

fn context() -> impl Strategy<Value = Map<String, Value>> {
    let singles: Vec<&'static Key> = [&TEXTS[..], &ARNS, &NUMBERS, &BOOLS, &MOMENTS, &ADDRESSES, &BLOBS]
        .into_iter()
        .flatten()
        .filter(|key| !key.values.is_empty())
        .collect();
    let one = |key: &'static Key| {
        proptest::option::weighted(0.55, select(key.values)).prop_map(move |value| (key.name, value))
    };
    let many = |key: &'static Key| {
        let values = subsequence(key.values, 1..=key.values.len());
        proptest::option::weighted(0.5, values).prop_map(move |values| (key.name, values))
    };
    let singles: Vec<_> = singles.into_iter().map(one).collect();
    let lists: Vec<_> = LISTS.iter().map(many).collect();
    (singles, lists).prop_map(|(singles, lists)| {
        let mut context = Map::new();
        for (key, value) in singles {
            context.extend(value.map(|value| (key.to_owned(), value.into())));
        }
        for (key, values) in lists {
            context.extend(values.map(|values| (key.to_owned(), values.into())));
        }
        context.insert("aws:RequestedRegion".to_owned(), "us-east-1".into());
        context
    })
}

pub(crate) fn case() -> impl Strategy<Value = Case> {
    let who = prop_oneof![
        5 => Just(Who::User),
        5 => Just(Who::RoleSession),
        3 => Just(Who::Federated),
        1 => Just(Who::Service),
        1 => Just(Who::Anonymous),
    ];
    let account = prop_oneof![3 => Just(HERE), 1 => Just(THERE)];
    (any::<bool>(), who, account).prop_flat_map(|(kms, who, account)| {
        let (action, resources) = if kms {
            (
                "kms:Decrypt",
                vec![
                    "arn:aws:kms:us-east-1:111122223333:key/red",
                    "arn:aws:kms:us-east-1:111122223333:key/x",
                ],
            )
        } else {
            (
                "secretsmanager:GetSecretValue",
                vec![
                    "arn:aws:secretsmanager:us-east-1:111122223333:secret:red/db-AbCdEf",
                    "arn:aws:secretsmanager:us-east-1:111122223333:secret:blue/db-AbCdEf",
                ],
            )
        };
        let documents = (
            proptest::collection::vec(own(kms), 0..3),
            proptest::option::weighted(0.75, of_resource(kms)),
            proptest::option::weighted(0.25, own(kms)),
            proptest::option::weighted(0.4, own(kms)),
            proptest::option::weighted(0.1, own(kms)),
        );
        (select(resources), context(), documents).prop_map(move |(resource, context, documents)| {
            let (identity, resource_policy, boundary, session, service_control) = documents;
            let mut case = Case {
                who,
                account,
                action,
                resource,
                context,
                identity,
                resource_policy,
                boundary,
                session,
                service_control,
            };
            // A caller with none of these.
            if matches!(who, Who::Service | Who::Anonymous) {
                case.identity.clear();
                (case.boundary, case.session, case.service_control) = (None, None, None);
            }
            if who == Who::User {
                case.session = None;
            }
            case
        })
    })
}
