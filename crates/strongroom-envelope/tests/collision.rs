//! A ciphertext that opens under two keys: plain AES-GCM accepts it, the envelope refuses it.
//!
//! GCM's tag is `GHASH_H(aad, ciphertext) + E_K(J0)` over GF(2¹²⁸) and linear in each ciphertext
//! block. For two keys and one free block there is exactly one value that makes both tags equal
//! (Dodis, Grubbs, Ristenpart, Woodage, CRYPTO 2018).

#![cfg(test)]

use aes::Aes256;
use aes::cipher::BlockCipherEncrypt;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use strongroom_envelope::{DataKey, EncryptionContext, Envelope, ErrorKind, SecretBytes};

/// An element of GF(2¹²⁸) in GCM's bit order: the first bit of the block is the coefficient of x⁰.
type Element = u128;

fn multiply(a: Element, b: Element) -> Element {
    let (mut product, mut power) = (0, b);
    for bit in 0..128 {
        if a >> (127 - bit) & 1 == 1 {
            product ^= power;
        }
        let carry = power & 1 == 1;
        power >>= 1;
        if carry {
            power ^= 0xe1 << 120;
        }
    }
    product
}

/// `a` to the power 2¹²⁸ - 2, by Fermat.
fn inverse(a: Element) -> Element {
    // One, in this bit order, is the first bit.
    let (mut result, mut square) = (1 << 127, a);
    for _ in 1..128 {
        square = multiply(square, square);
        result = multiply(result, square);
    }
    result
}

fn encrypt_block(key: &[u8; 32], block: u128) -> u128 {
    let mut bytes = block.to_be_bytes().into();
    Aes256::new(key.into()).encrypt_block(&mut bytes);
    u128::from_be_bytes(bytes.into())
}

fn ghash(h: Element, aad: &[u8], ciphertext: &[u8]) -> Element {
    let mut state = 0;
    for part in [aad, ciphertext] {
        for chunk in part.chunks(16) {
            let mut block = [0; 16];
            block[..chunk.len()].copy_from_slice(chunk);
            state = multiply(state ^ u128::from_be_bytes(block), h);
        }
    }
    let lengths = ((aad.len() as u128 * 8) << 64) | (ciphertext.len() as u128 * 8);
    multiply(state ^ lengths, h)
}

/// The one ciphertext block, and its tag, that both keys accept under the zero nonce and this AAD.
fn collide(keys: [&[u8; 32]; 2], aad: &[u8]) -> ([u8; 16], [u8; 16]) {
    let [h1, h2] = keys.map(|key| encrypt_block(key, 0));
    let [mask1, mask2] = keys.map(|key| encrypt_block(key, 1));
    let fixed = ghash(h1, aad, &[0; 16]) ^ ghash(h2, aad, &[0; 16]) ^ mask1 ^ mask2;
    // The block is multiplied by H² in each hash: once for itself, once for the block of lengths.
    let block = multiply(fixed, inverse(multiply(h1, h1) ^ multiply(h2, h2))).to_be_bytes();
    (block, (ghash(h1, aad, &block) ^ mask1).to_be_bytes())
}

fn gcm_opens(key: &[u8; 32], aad: &[u8], ciphertext: &[u8], tag: &[u8; 16]) -> Option<Vec<u8>> {
    let cipher = Aes256Gcm::new(key.into());
    let mut out = vec![0; ciphertext.len()];
    let buffers = InOutBuf::new(ciphertext, &mut out).unwrap();
    cipher.decrypt_inout_detached(&[0; 12].into(), aad, buffers, tag.into()).ok()?;
    Some(out)
}

/// Message key or commitment, from the description in `docs/format.md`.
fn derive(data_key: &[u8; 32], index: u32, salt: &[u8; 32]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(data_key).unwrap();
    mac.update(&index.to_be_bytes());
    mac.update(b"strongroom-env\0");
    mac.update(salt);
    mac.update(&512u32.to_be_bytes());
    mac.finalize().into_bytes().into()
}

#[test]
fn the_arithmetic_is_that_of_gcm() {
    let (one, x) = (1u128 << 127, 1u128 << 126);
    assert_eq!(multiply(one, x), x);
    assert_eq!(multiply(x, inverse(x)), one);
    let (key, aad, plaintext) = ([9; 32], b"some aad".as_slice(), b"thirty-three bytes of plaintext..");
    let cipher = Aes256Gcm::new(&key.into());
    let mut out = vec![0; plaintext.len()];
    let buffers = InOutBuf::new(plaintext.as_slice(), &mut out).unwrap();
    let tag: [u8; 16] = cipher.encrypt_inout_detached(&[0; 12].into(), aad, buffers).unwrap().into();
    let ours = ghash(encrypt_block(&key, 0), aad, &out) ^ encrypt_block(&key, 1);
    assert_eq!(ours.to_be_bytes(), tag);
}

#[test]
fn plain_gcm_opens_the_collision_under_both_keys() {
    let keys = [&[1; 32], &[2; 32]];
    let (block, tag) = collide(keys, b"header");
    let [one, two] = keys.map(|key| gcm_opens(key, b"header", &block, &tag).expect("both keys accept it"));
    assert_ne!(one, two, "one ciphertext, two plaintexts");
    assert!(gcm_opens(&[3; 32], b"header", &block, &tag).is_none());
}

#[test]
fn the_envelope_refuses_the_collision() {
    let data_keys = [[1; 32], [2; 32]];
    let (salt, context) = ([7; 32], EncryptionContext::from_pairs([("a", "b")]).unwrap());
    let message_keys = data_keys.map(|key| derive(&key, 1, &salt));
    // Whichever of the two keys the forger commits to, only that one opens.
    for committed in 0..2 {
        let mut header = b"SR\x01\x01\x00\x03key\x00\x07wrapped\x00\x00\x00\x10".to_vec();
        header.extend_from_slice(&salt);
        header.extend_from_slice(&derive(&data_keys[committed], 2, &salt));
        let aad = [header.as_slice(), &context.encode()].concat();
        let (block, tag) = collide([&message_keys[0], &message_keys[1]], &aad);
        for key in &message_keys {
            gcm_opens(key, &aad, &block, &tag).expect("AES-GCM alone accepts it under both message keys");
        }
        let bytes = [header.as_slice(), &block, &tag].concat();
        let envelope = Envelope::parse(&bytes).unwrap();
        for (which, key) in data_keys.iter().enumerate() {
            let key = DataKey::from_bytes(SecretBytes::copy_from(key)).unwrap();
            match envelope.open(&key, &context) {
                Ok(_) => assert_eq!(which, committed),
                Err(error) => {
                    assert_ne!(which, committed);
                    assert_eq!(error.kind(), ErrorKind::Decryption);
                }
            }
        }
    }
}
