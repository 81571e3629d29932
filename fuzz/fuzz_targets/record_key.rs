//! Any bytes as a record key: a key that splits into segments is rebuilt from them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom_records::Key;

fuzz_target!(|bytes: &[u8]| {
    let key = Key::from_bytes(bytes.to_vec());
    if let Some(segments) = key.segments() {
        assert_eq!(Key::of(segments), key);
    }
    let _ = key.to_string();
});
