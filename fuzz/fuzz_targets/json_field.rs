//! Any text: taking a field out never panics, and its error is one of four texts with a place,
//! never a part of the value.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_store::SecretValue;

const TOLD: [&str; 4] = [
    "the secret is not a JSON object",
    "the secret is not JSON",
    "the secret has no such field",
    "the field is not valid text",
];

fuzz_target!(|text: &str| {
    let value = SecretValue::text(text);
    for name in ["a", "password", ""] {
        if let Err(error) = value.field(name) {
            assert!(TOLD.contains(&error.message()), "an error of another text");
            // What comes with it is the field's name, as asked for, and numbers.
            let mut told = format!("{error:?}");
            told = told
                .replace(error.message(), "")
                .replace("NotOfThisForm", "")
                .replace(&format!("{name:?}"), "");
            let words = [
                "Error",
                "kind",
                "text",
                "details",
                "field",
                "line",
                "column",
                "operation",
                "None",
                "Some",
                "source",
                "password",
                "a",
            ];
            let known = told.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
            for word in known {
                assert!(words.contains(&word) || word.bytes().all(|b| b.is_ascii_digit()), "{word} is told");
            }
        }
    }
});
