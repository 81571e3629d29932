//! Any bytes: what parses as an encryption context encodes to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_envelope::EncryptionContext;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(context) = EncryptionContext::parse(bytes) {
        assert_eq!(context.encode(), bytes);
    }
});
