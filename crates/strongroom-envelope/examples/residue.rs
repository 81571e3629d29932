//! Uses secrets in every way that could leave residue, then searches its own memory for them.
//!
//! `cargo run --release -p strongroom-envelope --example residue` prints its findings and exits
//! with status 1 if there are any. Linux only: it reads `/proc/self/mem`.

#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::panic, reason = "a test program")]

#[cfg(target_os = "linux")]
fn main() {
    let found = linux::run();
    for line in &found {
        println!("found: {line}");
    }
    println!("{} findings", found.len());
    std::process::exit(i32::from(!found.is_empty()));
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("0 findings: this system has no /proc/self/mem to look into");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::future::Future;
    use std::hint::black_box;
    use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use strongroom_envelope::{
        DataKey, EncryptionContext, Envelope, Label, SealedBox, SecretBytes, SecretKey, SecretText,
        WrappingKey, wipe,
    };

    /// A needle that is never in memory in plain form: each byte is stored masked, separate from
    /// its mask.
    struct Canary {
        name: &'static str,
        masked: [u8; 32],
    }

    const MASK: u8 = 0xa7;

    impl Canary {
        fn new(name: &'static str, seed: u64) -> Self {
            // Printable characters without a pattern, so that its hex and base64 forms are not
            // found by chance either.
            let mut state = seed;
            let masked = std::array::from_fn(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (b'a' + u8::try_from((state >> 33) % 26).unwrap()) ^ MASK
            });
            Self { name, masked }
        }

        fn byte(&self, at: usize) -> u8 {
            black_box(self.masked[at]) ^ black_box(MASK)
        }

        /// Writes the canary into memory that its owner wipes.
        fn reveal(&self, out: &mut [u8]) {
            for (at, byte) in out.iter_mut().enumerate() {
                *byte = self.byte(at % 32);
            }
        }

        fn secret(&self, len: usize) -> SecretBytes {
            let mut bytes = SecretBytes::zeroed(len);
            self.reveal(bytes.expose_mut());
            bytes
        }

        fn key(&self) -> SecretKey {
            let mut bytes = [0; 32];
            self.reveal(&mut bytes);
            SecretKey::from_array(&mut bytes)
        }

        fn hex_digit(&self, at: usize) -> u8 {
            let byte = self.byte(at / 2);
            let nibble = if at.is_multiple_of(2) { byte >> 4 } else { byte & 15 };
            b"0123456789abcdef"[usize::from(nibble)]
        }

        /// Base64 of the canary from its beginning.
        fn base64_digit(&self, at: usize) -> u8 {
            let bits = (0..3).fold(0u32, |bits, n| (bits << 8) | u32::from(self.byte(at / 4 * 3 + n)));
            let index = (bits >> (18 - 6 * (at % 4))) & 63;
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
                [usize::try_from(index).unwrap()]
        }

        /// The form in which half of the canary begins `memory`, if it does. Either half suffices,
        /// because an allocator overwrites the first bytes of freed memory. Sixteen bytes are not
        /// found by chance.
        fn form(&self, memory: &[u8]) -> Option<&'static str> {
            let matches = |digit: &dyn Fn(usize) -> u8, starts: [usize; 2], len: usize| {
                memory.len() >= len
                    && starts.iter().any(|start| (0..len).all(|at| memory[at] == digit(start + at)))
            };
            if matches(&|at| self.byte(at), [0, 16], 16) {
                Some("raw")
            } else if matches(&|at| self.hex_digit(at), [0, 32], 32) {
                Some("hex")
            } else if matches(&|at| self.base64_digit(at), [0, 20], 20) {
                Some("base64")
            } else {
                None
            }
        }
    }

    /// Searches every writable region except its own read buffer.
    fn scan(canaries: &[Canary]) -> Vec<String> {
        const CHUNK: usize = 1 << 20;
        const OVERLAP: usize = 64;
        let mut buffer = vec![0u8; CHUNK + OVERLAP];
        let own = buffer.as_ptr() as usize..buffer.as_ptr() as usize + buffer.len();
        let mut memory = File::open("/proc/self/mem").unwrap();
        let mut found = Vec::new();
        let maps: Vec<String> =
            BufReader::new(File::open("/proc/self/maps").unwrap()).lines().map(Result::unwrap).collect();
        for line in &maps {
            let mut parts = line.split_whitespace();
            let (range, mode) = (parts.next().unwrap(), parts.next().unwrap());
            if !mode.starts_with("rw") {
                continue;
            }
            let place = line.rsplit(' ').next().unwrap();
            let (start, end) = range.split_once('-').unwrap();
            let (start, end) =
                (usize::from_str_radix(start, 16).unwrap(), usize::from_str_radix(end, 16).unwrap());
            let mut at = start;
            while at < end {
                let want = (end - at).min(CHUNK + OVERLAP);
                memory.seek(SeekFrom::Start(at as u64)).unwrap();
                let Ok(read) = memory.read(&mut buffer[..want]) else { break };
                if read == 0 {
                    break;
                }
                for offset in 0..read.min(CHUNK) {
                    if own.contains(&(at + offset)) {
                        continue;
                    }
                    for canary in canaries {
                        // A cheap check before the three forms.
                        if let Some(form) = canary.form(&buffer[offset..read]) {
                            found.push(format!("{} {form} at {:#x} in {place}", canary.name, at + offset));
                        }
                    }
                }
                at += CHUNK;
            }
        }
        wipe(&mut buffer);
        found
    }

    /// Every use of secrets, in sequence.
    fn use_secrets(plain: &Canary, data: &Canary, wrapping: &Canary) {
        let context = EncryptionContext::from_pairs([("a", "b")]).unwrap();
        let plaintext = plain.secret(1000);

        // Seal, open, fail to open; with a data key, a wrapping key, and as a bare box.
        let key = DataKey::from(data.key());
        let sealed = Envelope::seal(&key, "key", b"wrapped", &context, plaintext.expose()).unwrap();
        drop(Envelope::parse(&sealed).unwrap().open(&key, &context).unwrap());
        Envelope::parse(&sealed).unwrap().open(&key, &EncryptionContext::new()).unwrap_err();
        let secret = wrapping.key();
        let handle = WrappingKey::new("key", &secret);
        let sealed = handle.seal(&context, plaintext.expose()).unwrap();
        drop(handle.open(&context, &sealed).unwrap());
        handle.open(&EncryptionContext::new(), &sealed).unwrap_err();
        let label = Label::new("residue");
        let boxed = SealedBox::seal(&secret, label, b"", plaintext.expose()).unwrap();
        drop(SealedBox::open(&secret, label, b"", &boxed).unwrap());
        drop((secret.derive(label, b""), secret.duplicate(), plaintext.duplicate()));

        // Growing leaves the old buffer; shortening leaves a tail.
        let mut growing = SecretBytes::new();
        for chunk in plaintext.expose().chunks(32).cycle().take(200) {
            growing.extend_from_slice(chunk);
        }
        growing.truncate(10);
        drop(SecretText::from_utf8(plain.secret(300)).unwrap());
        #[cfg(feature = "serde")]
        deserialized(plain);

        // A panic midway.
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let held = (plain.secret(500), DataKey::from(data.key()));
            let _sealed =
                Envelope::seal(&held.1, "key", b"", &EncryptionContext::new(), held.0.expose()).unwrap();
            panic!("half way");
        }));
        assert!(panicked.is_err());

        // A future dropped midway.
        let mut future = Box::pin(async {
            let held = (plain.secret(500), DataKey::from(data.key()));
            std::future::pending::<()>().await;
            drop(held);
        });
        let poll = pin!(&mut future).poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(poll, Poll::Pending));
        drop(future);

        // A vector that is taken over has spare capacity with earlier content.
        let mut vector = Vec::with_capacity(64 * 1024);
        vector.resize(32 * 1024, 0);
        plain.reveal(&mut vector);
        vector.truncate(100);
        drop(SecretBytes::from_vec(vector));
    }

    /// As a deserializer passes values: owned, borrowed, one by one, and with an error midway.
    #[cfg(feature = "serde")]
    fn deserialized(plain: &Canary) {
        use serde::Deserialize;
        use serde::de::value::{
            BytesDeserializer, Error, SeqDeserializer, StrDeserializer, StringDeserializer,
        };

        // Once longer than its final length, as a parser's buffer is.
        let mut owned = vec![0; 3000];
        plain.reveal(&mut owned);
        owned.truncate(300);
        let owned = StringDeserializer::<Error>::new(String::from_utf8(owned).unwrap());
        drop(SecretText::deserialize(owned).unwrap());
        let source = plain.secret(300);
        let text = std::str::from_utf8(source.expose()).unwrap();
        drop(SecretText::deserialize(StrDeserializer::<Error>::new(text)).unwrap());
        drop(SecretBytes::deserialize(BytesDeserializer::<Error>::new(source.expose())).unwrap());
        let each = (0..10_000).map(|at| plain.byte(at % 32));
        drop(SecretBytes::deserialize(SeqDeserializer::<_, Error>::new(each.clone())).unwrap());
        let stops = each.map(u32::from).chain([256]);
        SecretBytes::deserialize(SeqDeserializer::<_, Error>::new(stops)).unwrap_err();
        let mut broken = plain.secret(300);
        broken.expose_mut()[299] = 0xff;
        SecretText::deserialize(BytesDeserializer::<Error>::new(broken.expose())).unwrap_err();
    }

    pub(super) fn run() -> Vec<String> {
        std::panic::set_hook(Box::new(|_| {}));
        let canaries =
            [Canary::new("plaintext", 1), Canary::new("data key", 2), Canary::new("wrapping key", 3)];
        let [plain, data, wrapping] = &canaries;
        if std::env::args().any(|argument| argument == "--leak") {
            // The search must find a canary that is present.
            let leaked = plain.secret(64);
            let found = scan(&canaries);
            drop(leaked);
            return found;
        }
        use_secrets(plain, data, wrapping);
        // Calls of the same depth overwrite the remains of the calls above on this thread's stack;
        // the stack's content is not guaranteed (SECURITY.md).
        black_box(overwrite_stack());
        scan(&canaries)
    }

    #[inline(never)]
    fn overwrite_stack() -> u8 {
        let mut room = [0u8; 256 * 1024];
        black_box(&mut room).fill(1);
        room[usize::from(black_box(7u8))]
    }
}
