//! Any bytes as a box: nothing that was not sealed opens.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_envelope::{Label, SealedBox, SecretBytes, SecretKey};

fuzz_target!(|bytes: &[u8]| {
    let key = SecretKey::from_bytes(SecretBytes::zeroed(32)).expect("32 bytes");
    assert!(SealedBox::open(&key, Label::new("fuzz"), b"", bytes).is_err());
});
