//! How a root key is written down.

use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use strongroom_envelope::{SecretBytes, SecretKey};

/// What a key file that Strongroom made begins with.
pub(crate) const PREFIX: &[u8] = b"strongroom-root-key-1 ";
/// The forms of a text, for errors.
pub(crate) const FORMS: &str = "32 random bytes in base64 (44 characters) or hex (64 digits), with or without a line end, \
                                or the line of a key file";

/// The bytes of a key.
const LEN: usize = 32;

/// The key in a file's content: its text, or exactly its 32 bytes.
///
/// Thirty-two printable characters are not taken for a raw key: they are a password, half a key in
/// hex, or what is left of a key file.
pub(crate) fn from_content(content: &[u8]) -> Option<SecretKey> {
    let printable = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    if content.len() == LEN && !content.iter().all(printable) {
        return SecretKey::from_bytes(SecretBytes::copy_from(content)).ok();
    }
    from_text(content)
}

/// The key in a text. White space around it does not matter.
pub(crate) fn from_text(text: &[u8]) -> Option<SecretKey> {
    let text = text.trim_ascii();
    let bytes = match text.strip_prefix(PREFIX) {
        Some(line) => from_base64(line),
        None if text.len() == 2 * LEN => from_hex(text),
        None => from_base64(text),
    };
    SecretKey::from_bytes(bytes?).ok()
}

/// Decodes either alphabet, with or without padding, and leaves no copy behind.
fn from_base64(text: &[u8]) -> Option<SecretBytes> {
    let url_safe = text.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let engine = engine(if url_safe { &URL_SAFE } else { &STANDARD });
    // The decoder needs room for its estimate, which counts the padding.
    let mut bytes = SecretBytes::zeroed(base64::decoded_len_estimate(text.len()).min(2 * LEN));
    let len = engine.decode_slice(text, bytes.expose_mut()).ok()?;
    bytes.truncate(len);
    Some(bytes)
}

fn engine(alphabet: &Alphabet) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(alphabet, config)
}

fn from_hex(text: &[u8]) -> Option<SecretBytes> {
    let mut bytes = SecretBytes::zeroed(text.len() / 2);
    for (byte, digits) in bytes.expose_mut().iter_mut().zip(text.chunks_exact(2)) {
        let digit = |at: usize| char::from(*digits.get(at)?).to_digit(16);
        *byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
    }
    Some(bytes)
}

/// The key in base64: 44 characters.
pub(crate) fn to_base64(key: &SecretKey) -> SecretBytes {
    let mut text = SecretBytes::zeroed(44);
    // 32 bytes make exactly 44 characters.
    let written = engine(&STANDARD).encode_slice(key.expose(), text.expose_mut()).unwrap_or(0);
    text.truncate(written);
    text
}

/// The whole line of a key file.
pub(crate) fn to_line(key: &SecretKey) -> SecretBytes {
    let mut line = SecretBytes::copy_from(PREFIX);
    line.extend_from_slice(to_base64(key).expose());
    line.extend_from_slice(b"\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With bytes that make `+`, `/`, `-` and `_` in base64.
    fn key() -> SecretKey {
        let mut bytes: [u8; LEN] =
            std::array::from_fn(|at| if at % 2 == 0 { 0xfb } else { 0xff - u8::try_from(at).unwrap() });
        SecretKey::from_array(&mut bytes)
    }

    fn hex() -> String {
        key().expose().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn texts() -> Vec<String> {
        let base64 = String::from_utf8(to_base64(&key()).expose().to_vec()).unwrap();
        let url_safe = base64.replace('+', "-").replace('/', "_");
        let line = String::from_utf8(to_line(&key()).expose().to_vec()).unwrap();
        let unpadded = [base64.trim_end_matches('='), url_safe.trim_end_matches('=')].map(str::to_owned);
        let [one, other] = unpadded;
        vec![one, other, base64, url_safe, line, hex(), hex().to_uppercase()]
    }

    #[test]
    fn base64_hex_and_the_line_of_a_key_file_are_read_with_any_line_end() {
        for text in texts() {
            for around in ["{}", "{}\n", "{}\r\n", " {} \n", "\n{}\n\n"] {
                let text = around.replace("{}", &text);
                for read in [from_text(text.as_bytes()), from_content(text.as_bytes())] {
                    assert_eq!(read.unwrap().expose(), key().expose(), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn a_file_may_hold_the_bytes_themselves() {
        assert_eq!(from_content(key().expose()).unwrap().expose(), key().expose());
        // A last byte that looks like a line end belongs to the key.
        let mut raw = key().expose().to_vec();
        raw[31] = b'\n';
        assert_eq!(from_content(&raw).unwrap().expose(), &raw[..]);
        assert!(from_text(&raw).is_none(), "but a variable may not");
    }

    #[test]
    fn nothing_else_is_a_key() {
        let base64 = to_base64(&key()).expose().to_vec();
        let hex = hex().into_bytes();
        let line = to_line(&key()).expose().to_vec();
        let mut wrong: Vec<Vec<u8>> = vec![
            b"".to_vec(),
            b"\n".to_vec(),
            b"correct horse battery staple".to_vec(),
            // Thirty-two characters: a password, sixteen bytes in hex.
            b"correct horse battery staple !!!".to_vec(),
            b"0123456789abcdef0123456789abcdef".to_vec(),
            hex[..62].to_vec(),
            [&hex[..], b"00"].concat(),
            [&hex[..63], b"g"].concat(),
            [&base64[..], &base64[..]].concat(),
            [&base64[..20], b"\n", &base64[20..]].concat(),
            [PREFIX, &hex[..]].concat(),
            vec![7; 31],
            vec![7; 33],
            [&key().expose()[..], b"\n"].concat(),
        ];
        // What a crash may have left of a key file, and of a copy of a key.
        wrong.extend((0..line.len() - 2).map(|len| line[..len].to_vec()));
        wrong.extend((0..42).map(|len| base64[..len].to_vec()));
        for content in wrong {
            assert!(from_content(&content).is_none(), "{:?}", String::from_utf8_lossy(&content));
        }
    }
}
