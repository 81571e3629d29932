/// Bytes as hexadecimal digits, two small ones each. Not for secrets: the text is not wiped.
///
/// ```
/// assert_eq!(strongroom_types::hex(&[0, 0xab]), "00ab");
/// ```
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
