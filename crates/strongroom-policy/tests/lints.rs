//! What the linter says of policies that people really write.

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
        "*:List*",
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
}
