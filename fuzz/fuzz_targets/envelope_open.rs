//! A good envelope, changed by the fuzzer piece by piece: it opens to what was sealed, or not at
//! all.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use strongroom_envelope::{DataKey, EncryptionContext, Envelope, SecretBytes};

#[derive(Arbitrary, Debug)]
enum Change {
    Flip { at: u16, with: u8 },
    Insert { at: u16, byte: u8 },
    Remove { at: u16 },
    Truncate { to: u16 },
    Swap { one: u16, two: u16 },
}

#[derive(Arbitrary, Debug)]
struct Input {
    key_id: String,
    wrapped: Vec<u8>,
    pairs: Vec<(String, String)>,
    plaintext: Vec<u8>,
    changes: Vec<Change>,
}

fuzz_target!(|input: Input| {
    let Ok(context) = EncryptionContext::from_pairs(input.pairs) else { return };
    let key = DataKey::from_bytes(SecretBytes::copy_from(&[7; 32])).expect("32 bytes");
    let Ok(good) = Envelope::seal(&key, &input.key_id, &input.wrapped, &context, &input.plaintext) else {
        return;
    };
    let mut bytes = good.clone();
    for change in &input.changes {
        let place = |at: u16| usize::from(at) % bytes.len().max(1);
        match change {
            _ if bytes.is_empty() => break,
            Change::Flip { at, with } => {
                let at = place(*at);
                bytes[at] ^= with;
            }
            Change::Insert { at, byte } => bytes.insert(place(*at), *byte),
            Change::Remove { at } => {
                bytes.remove(place(*at));
            }
            Change::Truncate { to } => bytes.truncate(place(*to)),
            Change::Swap { one, two } => {
                let (one, two) = (place(*one), place(*two));
                bytes.swap(one, two);
            }
        }
    }
    let opened = Envelope::parse(&bytes).and_then(|envelope| envelope.open(&key, &context));
    match opened {
        Ok(plaintext) => {
            assert_eq!(bytes, good, "changed bytes opened");
            assert_eq!(plaintext.expose(), input.plaintext);
        }
        Err(_) => assert_ne!(bytes, good, "the envelope itself does not open"),
    }
});
