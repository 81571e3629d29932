/// Bytes as lower-case hexadecimal digits. Not for secrets: the text is not wiped.
///
/// ```
/// assert_eq!(strongroom_types::hex(&[0, 0xab]), "00ab");
/// ```
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// Parses exactly `2 * N` hexadecimal digits, in lower or upper case; `None` for anything else.
///
/// ```
/// assert_eq!(strongroom_types::from_hex("00aB"), Some([0, 0xab]));
/// assert_eq!(strongroom_types::from_hex::<2>("00ab0"), None);
/// ```
#[must_use]
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut bytes = [0; N];
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}
