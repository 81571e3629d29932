//! The canonical request, which is what gets signed.

use std::fmt::Write as _;

use http::request::Parts;

use super::parse::Presented;
use super::refusal::Refusal;

/// Percent-encodes everything but RFC 3986's unreserved characters.
fn encode(bytes: &[u8], keep_slash: bool) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(*byte))
            }
            b'/' if keep_slash => text.push('/'),
            _ => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}

/// Percent-decodes a text. A `+` stays a plus sign.
fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 3;
            }
            (byte, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

fn query(raw: &str, of_query: bool) -> String {
    let mut pairs: Vec<(String, String)> = raw
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encode(&decode(name), false), encode(&decode(value), false)))
        .filter(|(name, _)| !(of_query && name == "X-Amz-Signature"))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Appends a header's value, trimmed, with each run of whitespace replaced by one space.
fn one_space_each(value: &str, text: &mut String) {
    for (index, word) in value.split_ascii_whitespace().enumerate() {
        text.extend([if index == 0 { "" } else { " " }, word]);
    }
}

/// The canonical request. Refuses a request if a header that must be signed is not.
pub(super) fn request(presented: &Presented, request: &Parts, hash: &str) -> Result<String, Refusal> {
    let signed = &presented.signed_headers;
    // Changing one of these headers would turn the request into a different one.
    let must = ["host", "x-amz-date", "x-amz-target", "x-amz-security-token", "x-amz-content-sha256"];
    let sent = request.headers.keys().map(|name| name.as_str()).filter(|name| must.contains(name));
    for name in sent.chain(request.uri.host().map(|_| "host")) {
        if !signed.iter().any(|known| known == name) {
            return Err(Refusal::incomplete(format!(
                "'{name}' must be a 'SignedHeader' in the AWS Authorization."
            )));
        }
    }
    if !signed.is_sorted() || signed.windows(2).any(|two| two[0] == two[1]) {
        return Err(Refusal::incomplete("SignedHeaders must be sorted, each once."));
    }
    let mut text = String::with_capacity(512);
    text.extend([request.method.as_str(), "\n"]);
    match request.uri.path() {
        "" | "/" => text.push('/'),
        path => text.push_str(&encode(path.as_bytes(), true)),
    }
    text.push('\n');
    text.push_str(&query(request.uri.query().unwrap_or_default(), presented.expires.is_some()));
    text.push('\n');
    for name in signed {
        text.extend([name, ":"]);
        let mut sent = false;
        for value in request.headers.get_all(name.as_str()) {
            if sent {
                text.push(',');
            }
            sent = true;
            one_space_each(&String::from_utf8_lossy(value.as_bytes()), &mut text);
        }
        if !sent {
            // HTTP/2 carries the host in the request's target.
            match request.uri.authority().filter(|_| name == "host") {
                Some(authority) => text.push_str(authority.as_str()),
                None => {
                    let text = format!("The signed header {name} is not in the request.");
                    return Err(Refusal::incomplete(text));
                }
            }
        }
        text.push('\n');
    }
    text.push('\n');
    for (index, name) in signed.iter().enumerate() {
        text.extend([if index == 0 { "" } else { ";" }, name]);
    }
    text.extend(["\n", hash]);
    Ok(text)
}
