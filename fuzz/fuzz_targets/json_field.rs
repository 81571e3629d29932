//! Any text: taking a field out never panics, and never shows the text in its error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_store::SecretValue;

fuzz_target!(|text: &str| {
    let value = SecretValue::text(text);
    for name in ["a", "password", ""] {
        if let Err(error) = value.field(name) {
            let told = format!("{error:?}");
            assert!(text.len() < 24 || !told.contains(text), "an error quotes the value");
        }
    }
});
