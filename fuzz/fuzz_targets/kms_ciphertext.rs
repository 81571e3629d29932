//! A good ciphertext of the local key service, changed by the fuzzer piece by piece, or any bytes
//! behind a good header: it decrypts to what was encrypted, or is refused in the one way in which
//! everything that names a known key is refused.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use strongroom_envelope::EncryptionContext;
use strongroom_kms::{CreateKey, Decrypt, Encrypt, ErrorKind, Kms, KmsAdmin};
use strongroom_local_kms::LocalKms;
use strongroom_records::MemoryRecords;
use strongroom_root::{RootKey, TrustedRecords};
use strongroom_types::{CallContext, SystemClock};

/// `SK`, version, form of the id, key id, generation.
const HEADER: usize = 24;
/// Of these the form of the id and the id: what names another key is told as AWS tells it.
const ID: std::ops::Range<usize> = 3..20;

#[derive(Arbitrary, Debug)]
enum Change {
    Flip { at: u16, with: u8 },
    Insert { at: u16, byte: u8 },
    Remove { at: u16 },
    Truncate { to: u16 },
    Append { bytes: Vec<u8> },
    AfterHeader { bytes: Vec<u8> },
    Replace { bytes: Vec<u8> },
}

#[derive(Arbitrary, Debug)]
struct Input {
    pairs: Option<Vec<(String, String)>>,
    changes: Vec<Change>,
}

struct World {
    kms: LocalKms,
    cx: CallContext,
    context: EncryptionContext,
    good: Vec<u8>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    pollster::block_on(async {
        let records = Arc::new(MemoryRecords::new());
        let root = RootKey::from_bytes([7; 32]);
        let records = TrustedRecords::open(records, root, None, &SystemClock).await.expect("a new store");
        let cx = CallContext::owner(records.realm());
        let kms = LocalKms::new(records, Arc::new(SystemClock));
        let key = kms.create_key(&cx, CreateKey::new()).await.expect("a key").id.into();
        let context = EncryptionContext::from_pairs([("table", "orders")]).expect("a context");
        let good = kms
            .encrypt(&cx, Encrypt::new(&key, b"plaintext").context(&context))
            .await
            .expect("encrypts")
            .ciphertext;
        World { kms, cx, context, good }
    })
});

fuzz_target!(|input: Input| {
    let World { kms, cx, context, good } = &*WORLD;
    let given = match input.pairs.map(EncryptionContext::from_pairs) {
        None => context.clone(),
        Some(Ok(context)) => context,
        Some(Err(_)) => return,
    };
    let mut bytes = good.clone();
    for change in input.changes {
        let len = bytes.len().max(1);
        let place = |at: u16| usize::from(at) % len;
        match change {
            Change::Append { bytes: more } => bytes.extend(more),
            Change::AfterHeader { bytes: more } => {
                bytes.truncate(HEADER);
                bytes.extend(more);
            }
            Change::Replace { bytes: others } => bytes = others,
            _ if bytes.is_empty() => {}
            Change::Flip { at, with } => bytes[place(at)] ^= with,
            Change::Insert { at, byte } => bytes.insert(place(at), byte),
            Change::Remove { at } => {
                bytes.remove(place(at));
            }
            Change::Truncate { to } => bytes.truncate(place(to)),
        }
    }
    match pollster::block_on(kms.decrypt(cx, Decrypt::new(&bytes).context(&given))) {
        Ok(opened) => {
            assert!(bytes == *good && given == *context, "a changed ciphertext or another context opened");
            assert_eq!(opened.plaintext.expose(), b"plaintext");
        }
        Err(error) if bytes.is_empty() || bytes.len() > 6144 => {
            assert!(
                matches!(error.kind(), ErrorKind::Validation | ErrorKind::InvalidCiphertext),
                "{error:?}"
            );
        }
        Err(error) if bytes.get(ID) != good.get(ID) && error.kind() == ErrorKind::AccessDenied => {
            assert!(
                error
                    .message()
                    .starts_with("The ciphertext refers to a customer master key that does not exist")
            );
        }
        Err(error) => {
            assert!(bytes != *good || given != *context, "the ciphertext itself does not open");
            assert_eq!((error.kind(), error.message()), (ErrorKind::InvalidCiphertext, ""));
        }
    }
});
