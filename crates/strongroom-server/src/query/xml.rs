//! Writes well-formed XML, whatever the texts contain. The output is wiped on drop.

use strongroom_envelope::SecretBytes;
use strongroom_types::Timestamp;

/// A fragment of a document.
#[derive(Default)]
pub(super) struct Xml(SecretBytes);

impl Xml {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn into_bytes(self) -> SecretBytes {
        self.0
    }

    fn raw(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    fn escaped(&mut self, text: &str) {
        let mut buffer = [0; 4];
        for c in text.chars() {
            let plain = match c {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&quot;",
                // A parser would turn it into a line feed.
                '\r' => "&#xD;",
                '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => {
                    c.encode_utf8(&mut buffer)
                }
                // XML 1.0 cannot represent other control characters.
                _ => "\u{fffd}",
            };
            self.0.extend_from_slice(plain.as_bytes());
        }
    }

    /// An element with text content.
    pub(super) fn text(&mut self, name: &str, text: impl AsRef<str>) -> &mut Self {
        self.raw("<").raw(name).raw(">").escaped(text.as_ref());
        self.raw("</").raw(name).raw(">")
    }

    /// The same, if there is a text.
    pub(super) fn maybe(&mut self, name: &str, text: Option<impl AsRef<str>>) -> &mut Self {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    pub(super) fn flag(&mut self, name: &str, flag: bool) -> &mut Self {
        self.text(name, if flag { "true" } else { "false" })
    }

    pub(super) fn number(&mut self, name: &str, number: u32) -> &mut Self {
        self.text(name, number.to_string())
    }

    /// A timestamp, in seconds.
    pub(super) fn moment(&mut self, name: &str, moment: Timestamp) -> &mut Self {
        let formatted = jiff::Timestamp::from_second(moment.as_millis().div_euclid(1000));
        self.text(name, formatted.map(|moment| moment.to_string()).unwrap_or_default())
    }

    /// A policy document, percent-encoded as by IAM.
    pub(super) fn document(&mut self, name: &str, document: &str) -> &mut Self {
        self.text(name, percent_encoded(document))
    }

    /// An element with child elements.
    pub(super) fn within(&mut self, name: &str, content: impl FnOnce(&mut Self)) -> &mut Self {
        self.raw("<").raw(name).raw(">");
        content(self);
        self.raw("</").raw(name).raw(">")
    }

    /// The same, with a service's namespace.
    pub(super) fn root(&mut self, name: &str, space: &str, content: impl FnOnce(&mut Self)) -> &mut Self {
        self.raw("<").raw(name).raw(" xmlns=\"").raw(space).raw("\">");
        content(self);
        self.raw("</").raw(name).raw(">")
    }

    /// A list: an element of `member` elements.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut content: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.within(name, |xml| {
            for item in items {
                xml.within("member", |xml| content(xml, item));
            }
        })
    }

    /// A list of strings.
    pub(super) fn texts<T: AsRef<str>>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
    ) -> &mut Self {
        self.within(name, |xml| {
            for item in items {
                xml.text("member", item);
            }
        })
    }

    pub(super) fn append(&mut self, other: &Self) -> &mut Self {
        self.0.extend_from_slice(other.0.expose());
        self
    }
}

/// Percent-encodes everything but RFC 3986's unreserved characters: letters, digits and `-._~`.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
