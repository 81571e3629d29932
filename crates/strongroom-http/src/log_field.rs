//! Log fields that hold what clients sent.

use std::borrow::Cow;

/// The maximum number of characters in one field.
const MOST: usize = 512;

/// Makes a client's text safe for a log: escapes characters that could make one line look like two
/// or like a different one, and truncates the text to 512 characters.
#[must_use]
pub fn log_field(text: &str) -> Cow<'_, str> {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    if text.len() <= MOST && text.as_bytes().iter().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut text: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if let Some((end, _)) = text.char_indices().nth(MOST) {
        text.truncate(end);
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_one_short_line() {
        assert_eq!(log_field("prod/db"), "prod/db");
        assert_eq!(log_field("a\nb \"c\""), r#"a\nb \"c\""#);
        assert_eq!(log_field(&"é".repeat(600)).chars().count(), 512);
        assert_eq!(log_field(&"\u{1b}".repeat(600)).chars().count(), 512);
    }
}
