//! What the parser rejects, and its error messages.

#![cfg(test)]

use strongroom_policy::{Effect, Policy, Version};

fn refused(statement: &str) -> String {
    Policy::identity(&format!("{{\"Version\":\"2012-10-17\",\n\"Statement\":[{statement}]}}"))
        .unwrap_err()
        .to_string()
}

fn with(member: &str) -> String {
    refused(&format!(r#"{{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*",{member}}}"#))
}

fn condition(condition: &str) -> String {
    with(&format!(r#""Condition":{condition}"#))
}

#[test]
fn documents() {
    let error = |text: &str| Policy::identity(text).unwrap_err().to_string();
    assert_eq!(error(""), "line 1: is not JSON: EOF while parsing a value");
    assert_eq!(error("[]"), "line 1: must be an object");
    assert_eq!(error("{}"), "line 1, Statement: is missing");
    assert_eq!(error(r#"{"Statement":[]}"#), "line 1, Statement: must not be empty");
    assert_eq!(error(r#"{"Statement":[1]}"#), "line 1, Statement[0]: must be an object");
    assert_eq!(
        error("{\n\"Version\":\"2020-01-01\",\"Statement\":[]}"),
        "line 2, Version: must be 2012-10-17 or 2008-10-17"
    );
    assert_eq!(error(r#"{"statement":[]}"#), "line 1, statement: is not known: it is written Statement");
    assert_eq!(error(r#"{"Version":1,"Statement":[]}"#), "line 1, Version: must be a text");
    let long = " ".repeat(Policy::MAX_LEN + 1);
    assert_eq!(error(&long), "line 1: is longer than 131072 bytes");
    assert_eq!(
        error("{\"Version\":\n\u{201C}2012-10-17\u{201D}}"),
        "line 2: a typographic quotation mark \u{201C} (U+201C) does not belong into JSON"
    );
    // Invisible characters are named wherever they invalidate a text.
    assert_eq!(
        error("{\"Version\":\"2012\u{2013}10\u{2013}17\",\"Statement\":[]}"),
        "line 1, Version: must be 2012-10-17 or 2008-10-17; it holds an en-dash \u{2013} (U+2013)"
    );
    assert_eq!(
        refused("{\"Effect\":\"Allow\u{200B}\",\"Action\":\"a:b\",\"Resource\":\"*\"}"),
        "line 2, Statement[0].Effect: must be Allow or Deny; it holds an invisible character U+200B"
    );
    assert_eq!(
        refused("{\"Effect\":\"Allow\",\"Action\":\"a:b\",\"Resource\":\"\u{201C}arn:aws:kms:::a\"}"),
        "line 2, Statement[0].Resource: must be an ARN or \"*\"; it holds a typographic quotation mark \u{201C} (U+201C)"
    );
}

#[test]
fn statements() {
    assert_eq!(refused("{}"), "line 2, Statement[0].Effect: is missing");
    assert_eq!(refused(r#"{"Effect":"allow"}"#), "line 2, Statement[0].Effect: must be Allow or Deny");
    assert_eq!(refused(r#"{"Effect":"Allow"}"#), "line 2, Statement[0].Action: is missing");
    assert_eq!(
        refused(r#"{"Effect":"Allow","Action":"kms:Decrypt"}"#),
        "line 2, Statement[0].Resource: is missing"
    );
    assert_eq!(with(r#""NotAction":"*""#), "line 2, Statement[0].NotAction: cannot stand beside Action");
    assert_eq!(with(r#""Effect":"Deny""#), "line 2, Statement[0].Effect: stands twice");
    assert_eq!(
        with(r#""Principal":"*""#),
        "line 2, Statement[0].Principal: belongs into policies of resources: this one is about whom it is attached to"
    );
    assert_eq!(
        with(r#""Sid":"a b""#),
        "line 2, Statement[0].Sid: may hold letters and digits only, not the character   (U+0020)"
    );
    assert_eq!(
        with("\n\"Resources\":\"*\""),
        "line 3, Statement[0].Resources: is not known: here may stand Sid, Effect, Principal, NotPrincipal, Action, \
         NotAction, Resource, NotResource, Condition"
    );
    let one = r#"{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}"#;
    assert_eq!(refused(&format!("{one},\n{one}")), "line 3, Statement[1].Sid: is that of another statement");
}

#[test]
fn an_empty_sid_is_none_and_may_stand_twice() {
    let one = r#"{"Sid":"","Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}"#;
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{one},{one}]}}"#);
    for policy in [Policy::identity(&text).unwrap(), Policy::kept_identity(&text).unwrap()] {
        assert_eq!(policy.statements().iter().map(|one| one.sid()).collect::<Vec<_>>(), [None, None]);
    }
    let one = r#"{"Sid":"","Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*"}"#;
    assert_eq!(Policy::resource(&format!(r#"{{"Statement":[{one},{one}]}}"#)).unwrap().statements().len(), 2);
}

/// What IAM answers with `Vendor k* is not valid`, `Resource vendor must be fully qualified and
/// cannot contain regexes` and `Resource ... must be in ARN format or "*"`. Documents stored before
/// these checks existed stay readable.
#[test]
fn what_iam_refuses_is_refused_when_it_is_put() {
    let read = |action: &str, resource: &str, kept: bool| {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":"{action}","Resource":"{resource}"}}]}}"#
        );
        let own = text.replace(r#""Principal":"*","#, "");
        if kept {
            Policy::kept_resource(&text).and_then(|_| Policy::kept_identity(&own))
        } else {
            Policy::resource(&text).and_then(|_| Policy::identity(&own))
        }
    };
    let error = |action: &str, resource: &str| read(action, resource, false).unwrap_err().to_string();
    for (action, service) in
        [("k*:Encrypt", "k*"), ("*:Encrypt", "*"), ("km?:*", "km?"), ("k_s:Encrypt", "k_s")]
    {
        assert_eq!(
            error(action, "*"),
            format!(
                "line 1, Statement[0].Action: '{service}' is not the name of a service: a wildcard may stand behind the colon only"
            )
        );
    }
    for resource in ["arn:aws", "arn:aws:", "arn:aws::us-east-1:111122223333:key/1", "arn:*", "arn:aws::key"]
    {
        assert_eq!(
            error("kms:*", resource),
            "line 1, Statement[0].Resource: an ARN names a service, as arn:aws:secretsmanager:region:account:secret:name"
        );
    }
    for resource in
        ["arn:aws:*:us-east-1:111122223333:key/1", "arn:aws:k?s:us-east-1:111122223333:key/1", "arn:aws:*"]
    {
        assert_eq!(
            error("kms:*", resource),
            "line 1, Statement[0].Resource: the service of an ARN must be written out: it takes no wildcard"
        );
    }
    for resource in ["arn:", "arn::kms:us-east-1:111122223333:key/1", "arn:aws*:kms:::key/1"] {
        assert_eq!(
            error("kms:*", resource),
            "line 1, Statement[0].Resource: an ARN begins with arn:aws: or another partition"
        );
    }
    for resource in ["*x", "?", "**", "${aws:PrincipalTag/secret}"] {
        assert_eq!(error("kms:*", resource), "line 1, Statement[0].Resource: must be an ARN or \"*\"");
    }
    for (action, resource) in [
        ("k*:Encrypt", "*"),
        ("kms:*", "arn:aws"),
        ("kms:*", "arn:aws:*:*:*:key/1"),
        ("*", "*x"),
        ("*", "${aws:PrincipalTag/secret}"),
    ] {
        assert!(read(action, resource, true).is_ok(), "{action} {resource}");
    }
    for (action, resource) in [
        ("*", "*"),
        ("secretsmanager:*", "*"),
        ("secretsmanager:Get*", "arn:aws:secretsmanager:*:*:secret:*"),
        ("KMS:Dec?ypt", "arn:aws-cn:kms:*:111122223333:key/*"),
        ("kms:*", "arn:*:kms:*:*:key/*"),
        ("kms:*", "arn:aws:kms:*"),
        ("execute-api:Invoke", "arn:aws:s3:::bucket/*"),
        ("a4b:*", "arn:aws:kms:${aws:RequestedRegion}:111122223333:key/*"),
    ] {
        assert!(read(action, resource, false).is_ok(), "{action} {resource}");
    }
    // A bare action has no service, and NotAction and NotResource are parsed alike.
    let not = |element: &str, value: &str| {
        let both = [("NotAction", "kms:*"), ("NotResource", "*")]
            .map(|(name, usual)| format!(r#""{name}":"{}""#, if name == element { value } else { usual }));
        Policy::identity(&format!(r#"{{"Statement":{{"Effect":"Deny",{}}}}}"#, both.join(","))).is_err()
    };
    assert!(not("NotAction", "k*:Encrypt") && not("NotResource", "arn:aws") && !not("NotAction", "kms:E*"));
}

#[test]
fn actions_and_resources() {
    let action = |action: &str| refused(&format!(r#"{{"Effect":"Allow","Action":{action},"Resource":"*"}}"#));
    assert_eq!(action("[]"), "line 2, Statement[0].Action: must not be empty");
    assert_eq!(action("7"), "line 2, Statement[0].Action: must be a text");
    assert_eq!(action(r#""read""#), "line 2, Statement[0].Action: an action is written as service:Operation");
    assert_eq!(
        action("\"kms:Generate\u{2013}Key\""),
        "line 2, Statement[0].Action: an en-dash \u{2013} (U+2013) cannot stand in an action"
    );
    let resource =
        |text: &str| refused(&format!(r#"{{"Effect":"Allow","Action":"*","Resource":["*",{text}]}}"#));
    assert_eq!(resource(r#""prod/db""#), "line 2, Statement[0].Resource: must be an ARN or \"*\"");
    assert_eq!(
        resource(r#""arn:aws:kms:::key/${aws:username""#),
        "line 2, Statement[0].Resource: a variable that begins with ${ does not end with }"
    );
}

#[test]
fn conditions() {
    let at = "line 2, Statement[0].Condition";
    assert_eq!(condition("[]"), format!("{at}: must be an object"));
    assert_eq!(condition(r#"{"StringEqual":{"a":"b"}}"#), format!("{at}.StringEqual: is not known"));
    assert_eq!(
        condition(r#"{"stringequals":{"a":"b"}}"#),
        format!("{at}.stringequals: is not known: it is written StringEquals")
    );
    assert_eq!(condition(r#"{"Bool":"b"}"#), format!("{at}.Bool: must be an object"));
    assert_eq!(condition(r#"{"Bool":{"a":[]}}"#), format!("{at}.Bool.a: must not be empty"));
    assert_eq!(condition(r#"{"Bool":{"a":"yes"}}"#), format!("{at}.Bool.a: 'yes' is not true or false"));
    assert_eq!(
        condition(r#"{"Bool":{"":"true"}}"#),
        format!("{at}.Bool.: the name of a condition key is missing")
    );
    assert_eq!(
        condition(r#"{"Bool":{"a":{}}}"#),
        format!("{at}.Bool.a: must be a text, a number or a boolean")
    );
    assert_eq!(
        condition(r#"{"NumericLessThan":{"a":"many"}}"#),
        format!("{at}.NumericLessThan.a: 'many' is not a decimal number")
    );
    assert_eq!(
        condition(r#"{"IpAddress":{"a":"10.0.0.0/64"}}"#),
        format!("{at}.IpAddress.a: '10.0.0.0/64' is not an address or a network as 10.0.0.0/8")
    );
    // Policy variables have their values under string and ARN operators only; elsewhere they would
    // be like nothing.
    for (operator, what) in [
        ("NumericLessThan", "a decimal number"),
        ("DateGreaterThan", "a date or time as 2026-01-31 or 2026-01-31T12:00:00Z, or seconds since 1970"),
        ("NotIpAddress", "an address or a network as 10.0.0.0/8"),
        ("Bool", "true or false"),
        ("Null", "true or false"),
        ("BinaryEquals", "base64"),
    ] {
        assert_eq!(
            condition(&format!(r#"{{"{operator}":{{"a":"${{aws:PrincipalTag/x}}"}}}}"#)),
            format!(
                "{at}.{operator}.a: '${{aws:PrincipalTag/x}}' is not {what}: policy variables have their values under string and \
                 ARN operators only"
            )
        );
    }
    assert_eq!(
        condition(r#"{"ForEachValue:StringEquals":{"a":"b"}}"#),
        format!(
            "{at}.ForEachValue:StringEquals.a: only ForAllValues: and ForAnyValue: may stand before an operator"
        )
    );
    assert_eq!(
        condition(r#"{"NullIfExists":{"a":"true"}}"#),
        format!("{at}.NullIfExists.a: Null takes neither IfExists nor ForAllValues: nor ForAnyValue:")
    );
}

#[test]
fn principals() {
    let resource = |principal: &str| {
        Policy::resource(&format!(
            r#"{{"Statement":{{"Effect":"Allow",{principal}"Action":"*","Resource":"*"}}}}"#
        ))
    };
    let error = |principal: &str| resource(principal).unwrap_err().to_string();
    assert_eq!(error(""), "line 1, Statement.Principal: is missing");
    assert_eq!(
        error(r#""Principal":"me","#),
        "line 1, Statement.Principal: must be \"*\", or an object such as {\"AWS\": ...}"
    );
    assert_eq!(error(r#""Principal":{},"#), "line 1, Statement.Principal: must not be empty");
    assert_eq!(
        error(r#""Principal":{"aws":"*"},"#),
        "line 1, Statement.Principal.aws: is not known: it is written AWS"
    );
    assert_eq!(
        error(r#""Principal":"*","NotPrincipal":"*","#),
        "line 1, Statement.NotPrincipal: cannot stand beside Principal"
    );
    for good in [
        r#"{"AWS":"111122223333"}"#,
        r#"{"AWS":["arn:aws:iam::111122223333:root","arn:aws:iam::111122223333:role/path/r"]}"#,
        r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/r/session"}"#,
        r#"{"AWS":"AROAEXAMPLE1234567"}"#,
        r#"{"Service":"rds.amazonaws.com"}"#,
        r#"{"Federated":"cognito-identity.amazonaws.com"}"#,
    ] {
        let policy = resource(&format!(r#""Principal":{good},"#)).unwrap();
        assert_eq!(policy.invalid_principals().count(), 0, "{good}");
    }
    for (bad, kind, name) in [
        (r#"{"AWS":"me"}"#, "AWS", "me"),
        (r#"{"AWS":["*","arn:aws:iam::111122223333:user/"]}"#, "AWS", "arn:aws:iam::111122223333:user/"),
        (r#"{"AWS":"arn:aws:iam::111122223333:role/*"}"#, "AWS", "arn:aws:iam::111122223333:role/*"),
        (r#"{"AWS":"arn:aws:s3:::bucket"}"#, "AWS", "arn:aws:s3:::bucket"),
        (r#"{"Service":"rds"}"#, "Service", "rds"),
        (r#"{"Service":".amazonaws.com"}"#, "Service", ".amazonaws.com"),
    ] {
        let policy = resource(&format!(r#""Principal":{bad},"#)).unwrap();
        assert_eq!(policy.invalid_principals().collect::<Vec<_>>(), [(kind, name)], "{bad}");
    }
}

#[test]
fn everybody_is_let_in_unless_tied_to_a_fixed_place_or_owner() {
    let allow = |principal: &str, more: &str| {
        Policy::resource(&format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"*","Resource":"*",{principal}{more}}}]}}"#
        ))
        .unwrap()
        .allows_everybody()
    };
    for everybody in [r#""*""#, r#"{"AWS":"*"}"#, r#"{"AWS":["111122223333","*"]}"#] {
        assert!(allow(&format!(r#""Principal":{everybody}"#), ""), "{everybody}");
    }
    assert!(allow(r#""NotPrincipal":{"AWS":"111122223333"}"#, ""));
    assert!(!allow(r#""Principal":{"AWS":"111122223333"}"#, ""));
    let with = |condition: &str| allow(r#""Principal":"*""#, &format!(r#","Condition":{condition}"#));
    for tied in [
        r#"{"StringEquals":{"aws:SourceVpc":"vpc-1"}}"#,
        r#"{"StringEquals":{"AWS:SourceAccount":["111122223333","444455556666"]}}"#,
        r#"{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::bucket"}}"#,
        r#"{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}"#,
        r#"{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","2001:db8::/32"]}}"#,
        r#"{"ForAnyValue:StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#,
    ] {
        assert!(!with(tied), "{tied}");
    }
    for loose in [
        r#"{"StringLike":{"aws:SourceVpc":"vpc-*"}}"#,
        r#"{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}"#,
        r#"{"StringEqualsIfExists":{"aws:SourceVpc":"vpc-1"}}"#,
        r#"{"ForAllValues:StringEquals":{"aws:SourceVpc":"vpc-1"}}"#,
        r#"{"StringEquals":{"aws:SourceVpc":"${aws:username}"}}"#,
        r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#,
        r#"{"IpAddress":{"aws:SourceIp":["0.0.0.0/1","128.0.0.0/1"]}}"#,
        r#"{"IpAddress":{"aws:SourceIp":["192.0.2.0/24","2000::/3"]}}"#,
        r#"{"Bool":{"aws:SecureTransport":"true"}}"#,
    ] {
        assert!(with(loose), "{loose}");
    }
}

#[test]
fn what_was_read_can_be_looked_at() {
    let policy = Policy::identity(
        "{\"Id\":\"mine\",\"Statement\":[\n{\"Sid\":\"no\",\"Effect\":\"Deny\",\"NotAction\":[\"kms:D*\"],\"NotResource\":\"*\",\
         \"Condition\":{\"ForAnyValue:StringLikeIfExists\":{\"aws:TagKeys\":[\"a\",7,true]}}}]}",
    )
    .unwrap();
    assert_eq!((policy.version(), policy.id()), (Version::V2008, Some("mine")));
    let [statement] = policy.statements() else { panic!("one statement") };
    assert_eq!((statement.sid(), statement.line(), statement.effect()), (Some("no"), 2, Effect::Deny));
    assert!(statement.not_action() && statement.not_resource() && statement.principals().is_none());
    assert_eq!(statement.actions().collect::<Vec<_>>(), ["kms:D*"]);
    let [condition] = statement.conditions() else { panic!("one condition") };
    assert_eq!((condition.operator(), condition.key()), ("ForAnyValue:StringLikeIfExists", "aws:TagKeys"));
    assert_eq!(condition.values(), ["a", "7", "true"]);
}
