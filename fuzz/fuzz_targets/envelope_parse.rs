//! Any bytes: parsing never panics, and nothing that was not sealed opens.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_envelope::{DataKey, EncryptionContext, Envelope, SecretBytes};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(envelope) = Envelope::parse(bytes) {
        let len = Envelope::sealed_len(
            envelope.key_id().len(),
            envelope.wrapped_key().len(),
            envelope.plaintext_len(),
        );
        assert_eq!(len, bytes.len(), "a parsed envelope is all of its bytes");
        let key = DataKey::from_bytes(SecretBytes::zeroed(32)).expect("32 bytes");
        assert!(envelope.open(&key, &EncryptionContext::new()).is_err());
    }
});
