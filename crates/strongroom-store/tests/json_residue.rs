//! A password that was read out of JSON is nowhere in memory when it is dropped, escapes in it or
//! not.

#![cfg(test)]
#![cfg(target_os = "linux")]

use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use serde::Deserialize;
use strongroom_envelope::{SecretBytes, SecretText, wipe};
use strongroom_store::{ErrorKind, SecretValue};

const LEN: usize = 64;
const MASK: u8 = 0xa7;

#[derive(Deserialize)]
struct Config {
    password: SecretText,
}

/// A password of letters that is in memory masked only.
fn letter(at: usize) -> u8 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..=at {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    }
    black_box((b'a' + u8::try_from((state >> 33) % 26).unwrap()) ^ MASK) ^ black_box(MASK)
}

/// `{"password":"<before><canary>"}` in memory that wipes itself.
fn json(before: &str) -> SecretValue {
    let mut text = SecretBytes::copy_from(format!("{{\"password\":\"{before}").as_bytes());
    for at in 0..LEN {
        text.extend_from_slice(&[letter(at)]);
    }
    text.extend_from_slice(b"\"}");
    SecretValue::from_text(SecretText::from_utf8(text).unwrap())
}

/// How often sixteen characters of the canary, starting at a quarter, occur in writable memory.
fn found() -> usize {
    const CHUNK: usize = 1 << 20;
    let canary: [u8; LEN] = std::array::from_fn(|at| letter(at) ^ MASK);
    let mut buffer = vec![0; CHUNK + LEN];
    let own = buffer.as_ptr() as usize..buffer.as_ptr() as usize + buffer.len();
    let mut memory = File::open("/proc/self/mem").unwrap();
    let mut found = 0;
    for line in BufReader::new(File::open("/proc/self/maps").unwrap()).lines() {
        let line = line.unwrap();
        let mut parts = line.split_whitespace();
        let (range, mode) = (parts.next().unwrap(), parts.next().unwrap());
        if !mode.starts_with("rw") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let end = usize::from_str_radix(end, 16).unwrap();
        let mut at = usize::from_str_radix(start, 16).unwrap();
        while at < end {
            let want = (end - at).min(CHUNK + LEN);
            memory.seek(SeekFrom::Start(at as u64)).unwrap();
            let Ok(read) = memory.read(&mut buffer[..want]) else { break };
            for offset in 0..read.min(CHUNK) {
                let is = |from: usize| {
                    offset + 16 <= read && (0..16).all(|n| buffer[offset + n] == canary[from + n] ^ MASK)
                };
                if !own.contains(&(at + offset)) && [16, 32, 48].into_iter().any(is) {
                    found += 1;
                }
            }
            at += CHUNK;
        }
    }
    wipe(&mut buffer);
    found
}

#[test]
fn nothing_is_left_of_a_password_that_was_read_out_of_json() {
    for before in ["", "\\\"\\\\", "\\u00e9"] {
        drop(json(before).parse_json::<Config>().unwrap());
        drop(json(before).field("password").unwrap());
        assert_eq!(found(), 0, "after {before:?}");
        let error = json("").parse_json::<Vec<u8>>().unwrap_err();
        assert_eq!((error.kind(), found()), (ErrorKind::NotOfThisForm, 0));
    }
    // The search finds what is there, and what serde_json leaves.
    let value = json("\\\"");
    assert!(found() > 0);
    let config: Config = serde_json::from_str(value.expose_text().unwrap()).unwrap();
    drop((config.password, value));
    assert!(found() > 0, "serde_json wipes its buffer by itself: json_type.rs is not needed any more");
}
