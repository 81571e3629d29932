//! The linter's warnings for realistic policies.

#![cfg(test)]

use strongroom_policy::Policy;

fn lint(statement: &str) -> Vec<String> {
    let text = format!("{{\"Version\":\"2012-10-17\",\n\"Statement\":[{statement}]}}");
    let policy = Policy::identity(&text).or_else(|_| Policy::resource(&text)).unwrap();
    policy.lint().iter().map(ToString::to_string).collect()
}

fn action(action: &str) -> Vec<String> {
    lint(&format!(r#"{{"Sid":"s","Effect":"Allow","Action":"{action}","Resource":"*"}}"#))
}

fn key(key: &str) -> Vec<String> {
    lint(&format!(
        r#"{{"Sid":"s","Effect":"Allow","Action":"kms:Decrypt","Resource":"*","Condition":{{"StringLike":{{"{key}":"x"}}}}}}"#
    ))
}

#[test]
fn actions_and_services_that_do_not_exist() {
    assert_eq!(
        action("secretmanager:GetSecretValue"),
        [
            "line 2, statement s, secretmanager:GetSecretValue: there is no service secretmanager; did you mean secretsmanager:GetSecretValue?"
        ]
    );
    assert_eq!(
        action("kms:Decypt"),
        ["line 2, statement s, kms:Decypt: kms has no such action; did you mean kms:Decrypt?"]
    );
    assert_eq!(
        action("secretsmanager:Wibble"),
        ["line 2, statement s, secretsmanager:Wibble: secretsmanager has no such action"]
    );
    assert_eq!(action("kms:ReEncrypt").len(), 1, "the rights are ReEncryptFrom and ReEncryptTo");
    for good in [
        "*",
        "kms:*",
        "kms:Re*",
        "KMS:decrypt",
        "kms:GenerateDataKey*",
        "secretsmanager:Get*",
        "s3:GetObject",
        "ssm:GetParameter",
        "greengrass:Something",
    ] {
        assert_eq!(action(good), [""; 0], "{good}");
    }
}

#[test]
fn condition_keys_that_do_not_exist() {
    let none = "there is no such condition key, so it is never in a request";
    assert_eq!(
        key("kms:CallerArn"),
        [format!("line 2, statement s, kms:CallerArn: {none}; did you mean aws:PrincipalArn?")]
    );
    assert_eq!(
        key("aws:PrincipleArn"),
        [format!("line 2, statement s, aws:PrincipleArn: {none}; did you mean aws:PrincipalArn?")]
    );
    assert_eq!(
        key("secretmanager:SecretId"),
        [format!(
            "line 2, statement s, secretmanager:SecretId: {none}; did you mean secretsmanager:SecretId?"
        )]
    );
    assert_eq!(
        key("aws:PrincipalTags/team"),
        [format!("line 2, statement s, aws:PrincipalTags/team: {none}; did you mean aws:PrincipalTag/?")]
    );
    assert_eq!(key("kms:Wibble"), [format!("line 2, statement s, kms:Wibble: {none}")]);
    for good in [
        "aws:SourceIp",
        "AWS:sourceip",
        "aws:PrincipalTag/team",
        "kms:EncryptionContext:SecretARN",
        "kms:ViaService",
        "secretsmanager:ResourceTag/team",
        "secretsmanager:resource/AllowRotationLambdaArn",
        "s3:prefix",
        "saml:aud",
    ] {
        assert_eq!(key(good), [""; 0], "{good}");
    }
}

#[test]
fn what_hands_out_more_or_less_than_it_seems() {
    assert_eq!(
        lint(
            r#"{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*","Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":"a"}}}"#
        ),
        [
            "line 2, statement 1, aws:TagKeys: ForAllValues is also true where the request has no such key; add a condition Null on the key"
        ]
    );
    assert_eq!(
        lint(
            r#"{"Effect":"Allow","NotPrincipal":{"AWS":["111122223333","me"]},"Action":"kms:Decrypt","Resource":"*"}"#
        ),
        [
            "line 2, statement 1, NotPrincipal: with Allow it lets nobody in: name whom to allow",
            "line 2, statement 1, me: cannot be a principal of the kind AWS",
        ]
    );
    assert_eq!(
        lint(
            r#"{"Effect":"Deny","NotPrincipal":{"AWS":["111122223333"]},"Action":"kms:Decrypt","Resource":"*"}"#
        ),
        [
            "line 2, statement 1, NotPrincipal: with Deny it also denies whoever has a permissions boundary, although named; \
          a condition ArnNotEquals on aws:PrincipalArn does not"
        ]
    );
}

#[test]
fn variables_that_may_have_no_value() {
    let condition = |effect: &str, operator: &str, value: &str| {
        lint(&format!(
            r#"{{"Effect":"{effect}","Action":"kms:Decrypt","Resource":"*","Condition":{{"{operator}":{{"aws:ResourceTag/team":"{value}"}}}}}}"#
        ))
    };
    let variable = "${aws:PrincipalTag/team}";
    for operator in
        ["StringNotEquals", "StringNotLike", "ForAnyValue:StringNotEqualsIgnoreCase", "ArnNotLike"]
    {
        assert_eq!(
            condition("Allow", operator, variable),
            [format!(
                "line 2, statement 1, aws:ResourceTag/team: {operator} is also true where the variable has no value in the \
                 request; give the variable a default"
            )]
        );
        assert_eq!(condition("Deny", operator, variable), [""; 0]);
        assert_eq!(condition("Allow", operator, "${aws:PrincipalTag/team, 'none'}"), [""; 0]);
    }
    assert_eq!(condition("Allow", "StringEquals", variable), [""; 0]);
    let resource = "arn:aws:kms:${aws:RequestedRegion}:111122223333:key/*";
    assert_eq!(
        lint(&format!(r#"{{"Effect":"Allow","Action":"kms:Decrypt","Resource":"{resource}"}}"#)),
        [format!(
            "line 2, statement 1, {resource}: holds a variable before the fifth colon of the ARN, where none is replaced, so it \
             is like no resource"
        )]
    );
}

/// AWS has more services than are known here: a short name is one of them unless its letters are
/// only out of order.
#[test]
fn real_services_are_not_corrected() {
    for real in [
        "ses",
        "ram",
        "sso",
        "dms",
        "fms",
        "es",
        "lakeformation",
        "athena",
        "ssmmessages",
        "ecr-public",
        "backup",
        "drs",
        "sms",
    ] {
        assert_eq!(action(&format!("{real}:Something")), [""; 0], "{real}");
    }
    for (odd, meant) in
        [("ksm", "kms"), ("smk", "kms"), ("secretsmanger", "secretsmanager"), ("dynamdb", "dynamodb")]
    {
        let found = action(&format!("{odd}:Decrypt"));
        assert!(
            found[0].ends_with(&format!("did you mean {meant}:decrypt?"))
                || found[0].ends_with(&format!("did you mean {meant}:Decrypt?")),
            "{found:?}"
        );
    }
    for real in [
        "dms:rep-tag/x",
        "aps:x",
        "ams:ticket",
        "aws:ViaAWSMCPService",
        "aws:SourceVpcArn",
        "aws:VpceAccount",
        "aws:VpceOrgID",
        "aws:AssumedRoot",
    ] {
        assert_eq!(key(real), [""; 0], "{real}");
    }
}

#[test]
fn a_key_of_no_service_is_none() {
    let none = "there is no such condition key, so it is never in a request";
    assert_eq!(
        key("SourceIp"),
        [format!("line 2, statement s, SourceIp: {none}; did you mean aws:SourceIp?")]
    );
    assert_eq!(key("wibble"), [format!("line 2, statement s, wibble: {none}")]);
}

/// Warnings for elements that the parser cannot reject, because they are valid.
#[test]
fn names_within_resources_values_and_principals() {
    let found = |statement: &str| {
        lint(statement).into_iter().map(|line| line.replace("line 2, statement 1, ", "")).collect::<Vec<_>>()
    };
    assert_eq!(
        found(
            r#"{"Effect":"Allow","Action":"kms:Decrypt","Resource":"arn:aws:secretmanager:us-east-1:111122223333:secret:a"}"#
        ),
        [
            "arn:aws:secretmanager:us-east-1:111122223333:secret:a: there is no service secretmanager; did you mean secretsmanager?"
        ]
    );
    assert_eq!(
        found(
            "{\"Effect\":\"Allow\",\"Action\":\"kms:Decrypt\",\"Resource\":\"arn:aws:secretsmanager:us-east-1:111122223333:secret:prod\u{2013}db-??????\"}"
        ),
        [
            "arn:aws:secretsmanager:us-east-1:111122223333:secret:prod\u{2013}db-??????: holds an en-dash \u{2013} (U+2013), which is not what is usually typed"
        ]
    );
    assert_eq!(
        found(
            r#"{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"kms:ViaService":"secretmanager.us-east-1.amazonaws.com"}}}"#
        ),
        [
            "secretmanager.us-east-1.amazonaws.com: there is no service secretmanager; did you mean secretsmanager?"
        ]
    );
    assert_eq!(
        found(
            "{\"Effect\":\"Allow\",\"Action\":\"kms:Decrypt\",\"Resource\":\"*\",\"Condition\":{\"StringEquals\":{\"aws:PrincipalTag/team\":\"a\u{2019}b\"}}}"
        ),
        ["a\u{2019}b: holds a typographic apostrophe \u{2019} (U+2019), which is not what is usually typed"]
    );
    assert_eq!(
        found(
            r#"{"Effect":"Allow","Principal":{"Service":"secretmanager.amazonaws.com"},"Action":"kms:Decrypt","Resource":"*"}"#
        ),
        ["secretmanager.amazonaws.com: there is no service secretmanager; did you mean secretsmanager?"]
    );
    assert_eq!(
        found(
            "{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"\u{201C}111122223333\"},\"Action\":\"kms:Decrypt\",\"Resource\":\"*\"}"
        ),
        [
            "\u{201C}111122223333: cannot be a principal of the kind AWS: it holds a typographic quotation mark \u{201C} (U+201C), which is not what is usually typed"
        ]
    );
}

#[test]
fn what_is_already_right_is_left_alone() {
    for good in [
        r#"{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*","Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":"a"},"Null":{"aws:tagkeys":"false"}}}"#,
        r#"{"Effect":"Allow","Action":"kms:Decrypt","Resource":"arn:aws:secretsmanager:*:*:secret:a"}"#,
        r#"{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*","Condition":{"StringLike":{"kms:ViaService":"secretsmanager*.amazonaws.com"}}}"#,
    ] {
        assert_eq!(lint(good), [""; 0], "{good}");
    }
}
