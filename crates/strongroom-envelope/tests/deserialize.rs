//! Secrets as fields of configuration: every way in, and no error that shows what it found.

#![cfg(test)]

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::value::{
    BytesDeserializer, CharDeserializer, Error, SeqDeserializer, StrDeserializer, StringDeserializer,
};
use serde::de::{DeserializeOwned, IntoDeserializer};
use strongroom_envelope::{SecretBytes, SecretText};

/// Digits, so that they can be a number too.
const CANARY: &str = "31415926535897";

fn text(json: &str) -> SecretText {
    serde_json::from_str(json).unwrap()
}

fn bytes(json: &str) -> SecretBytes {
    serde_json::from_str(json).unwrap()
}

#[test]
fn text_comes_from_every_form_of_a_string() {
    assert_eq!(text(r#""s3cret""#).expose(), "s3cret");
    assert_eq!(text(r#""q\"\\\u00e9\n""#).expose(), "q\"\\é\n");
    assert_eq!(text(r#""""#).expose(), "");
    let value: SecretText = serde_json::from_value(serde_json::json!("s3cret")).unwrap();
    assert_eq!(value.expose(), "s3cret");
    let owned: StringDeserializer<Error> = "s3cret".to_owned().into_deserializer();
    assert_eq!(SecretText::deserialize(owned).unwrap().expose(), "s3cret");
    let borrowed: StrDeserializer<'_, Error> = "s3cret".into_deserializer();
    assert_eq!(SecretText::deserialize(borrowed).unwrap().expose(), "s3cret");
    let bytes: BytesDeserializer<'_, Error> = b"s3cret"[..].into_deserializer();
    assert_eq!(SecretText::deserialize(bytes).unwrap().expose(), "s3cret");
    let letter: CharDeserializer<Error> = 'é'.into_deserializer();
    assert_eq!(SecretText::deserialize(letter).unwrap().expose(), "é");
}

#[test]
fn bytes_come_from_bytes_sequences_and_strings() {
    assert_eq!(bytes("[0, 1, 255]").expose(), [0, 1, 255]);
    assert_eq!(bytes("[]").expose(), b"");
    assert_eq!(bytes(r#""é\n""#).expose(), "é\n".as_bytes());
    let raw: BytesDeserializer<'_, Error> = b"\xff\0"[..].into_deserializer();
    assert_eq!(SecretBytes::deserialize(raw).unwrap().expose(), b"\xff\0");
    let many: SeqDeserializer<_, Error> =
        SeqDeserializer::new((0..10_000).map(|n| u8::try_from(n % 251).unwrap()));
    assert_eq!(SecretBytes::deserialize(many).unwrap().len(), 10_000);
}

#[test]
fn they_are_fields_options_elements_and_values_of_maps() {
    #[derive(Debug, Deserialize)]
    struct Config {
        user: String,
        password: SecretText,
        previous: Option<SecretText>,
        pins: Vec<SecretText>,
        keys: HashMap<String, SecretBytes>,
    }
    let json =
        r#"{"user":"app","password":"s3cret","previous":null,"pins":["1","2"],"keys":{"a":[1],"b":"x"}}"#;
    let config: Config = serde_json::from_str(json).unwrap();
    assert_eq!((config.user.as_str(), config.password.expose()), ("app", "s3cret"));
    assert!(config.previous.is_none());
    assert_eq!((config.pins[1].expose(), config.keys["b"].expose()), ("2", &b"x"[..]));
    let shown = format!("{config:?}");
    assert!(!shown.contains("s3cret") && shown.contains("[redacted]"), "{shown}");
}

fn refused<T: DeserializeOwned>(json: &str) -> String {
    match serde_json::from_str::<T>(json) {
        Ok(_) => panic!("{json} was taken"),
        Err(error) => format!("{error} {error:?}"),
    }
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "only read")]
struct Holds<T> {
    secret: T,
}

/// Inputs that do not deserialize to a secret. Each contains the canary.
fn wrong() -> Vec<String> {
    vec![
        CANARY.to_owned(),
        format!("-{CANARY}"),
        format!("{CANARY}.5"),
        format!("{CANARY}00000000"),
        format!(r#"{{"{CANARY}":1}}"#),
        format!(r#"[["{CANARY}"]]"#),
        format!("[{CANARY}]"),
        format!("[-{CANARY}]"),
        format!(r#"[1,"{CANARY}"]"#),
        format!(r#""{CANARY}"#),
        format!(r#""{CANARY}\x""#),
    ]
}

/// A byte string that is not text.
fn wrong_text() -> Vec<String> {
    vec![format!(r#""{CANARY}\ud800""#), format!("\"{CANARY}\n\"")]
}

#[test]
fn no_error_shows_what_was_found() {
    for json in wrong() {
        let object = format!(r#"{{"secret":{json}}}"#);
        for shown in [
            refused::<SecretText>(&json),
            refused::<SecretBytes>(&json),
            refused::<Holds<SecretText>>(&object),
            refused::<Holds<SecretBytes>>(&object),
            refused::<Holds<Option<SecretText>>>(&object),
            refused::<Holds<Vec<SecretText>>>(&format!(r#"{{"secret":[{json}]}}"#)),
            refused::<HashMap<String, SecretBytes>>(&object),
        ] {
            assert!(!shown.contains("314159"), "{json}: {shown}");
            assert!(shown.contains("expected"), "{json}: {shown}");
        }
    }
    for json in wrong_text() {
        let shown = refused::<Holds<SecretText>>(&format!(r#"{{"secret":{json}}}"#));
        assert!(!shown.contains("314159") && shown.contains("expected"), "{json}: {shown}");
    }
    for json in ["null", "true", "{}"] {
        assert!(refused::<SecretText>(json).contains("expected a string"), "{json}");
        assert!(refused::<SecretBytes>(json).contains("expected bytes"), "{json}");
    }
}

#[test]
fn an_error_says_where_in_the_document_it_is() {
    let shown = refused::<Holds<SecretText>>(&format!("{{\n  \"secret\": {CANARY} }}"));
    assert!(shown.contains("line 2"), "{shown}");
}

#[test]
fn text_that_is_not_utf8_is_refused_without_being_shown() {
    let mut raw = CANARY.as_bytes().to_vec();
    raw.push(0xff);
    let bytes: BytesDeserializer<'_, Error> = raw.as_slice().into_deserializer();
    let shown = format!("{:?}", SecretText::deserialize(bytes).unwrap_err());
    assert!(!shown.contains("314159") && !shown.contains("51, 49"), "{shown}");
}
