//! Any text as a key reference or secret id: never a panic, and what is accepted comes back as it
//! was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_kms::KeyRef;
use strongroom_store::SecretId;

fuzz_target!(|text: &str| {
    if let Ok(key) = KeyRef::parse(text) {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(target) = SecretId::new(text).target(&Default::default()) {
        assert!(text.contains(target.name()));
    }
});
