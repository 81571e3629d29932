//! Verifies Signature Version 4.

mod canonical;
mod parse;
mod refusal;
mod signing_keys;

pub(crate) use parse::{Presented, parse};
pub(crate) use refusal::Refusal;
pub(crate) use signing_keys::SigningKeys;

use sha2::{Digest, Sha256};
use strongroom_envelope::SecretBytes;
use strongroom_types::{Timestamp, hex};
use subtle::ConstantTimeEq;

use self::signing_keys::mac;

/// The maximum clock difference, in milliseconds.
const SKEW: i64 = 5 * 60 * 1000;

/// Parses a timestamp such as `20260131T120000Z`.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    // `parse` alone would accept a sign.
    let plain = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
    let digits = |range: std::ops::Range<usize>| text.get(range).filter(plain)?.parse::<i16>().ok();
    let shaped = text.len() == 16 && text.is_ascii() && text.as_bytes()[8] == b'T' && text.ends_with('Z');
    let small = |range| digits(range).and_then(|number| i8::try_from(number).ok());
    let (year, month, day) = (digits(0..4)?, small(4..6)?, small(6..8)?);
    let (hour, minute, second) = (small(9..11)?, small(11..13)?, small(13..15)?);
    let date = jiff::civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let moment = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond();
    shaped.then_some(Timestamp::from_millis(moment))
}

impl Presented {
    /// Checks that the signature's time is now, within the allowed clock difference.
    pub(crate) fn check_time(&self, now: Timestamp) -> Result<(), Refusal> {
        let stamp = &self.date;
        let signed = moment(stamp).ok_or_else(|| {
            Refusal::incomplete(format!("Date must be in ISO-8601 'basic format'. Got '{stamp}'."))
        })?;
        // The signing key is derived from the scope's date. A shortened date would make a key that
        // is valid for longer than a day.
        if stamp.get(..8) != Some(self.scope_date.as_str()) {
            let text = format!(
                "Credential should be scoped to a valid date: {} is not that of {stamp}.",
                self.scope_date
            );
            return Err(Refusal::incomplete(text));
        }
        let age = now.as_millis().saturating_sub(signed.as_millis());
        let most = self.expires.map_or(SKEW, |seconds| seconds.saturating_mul(1000));
        if age > most {
            return Err(Refusal::new(
                "InvalidSignatureException",
                format!("Signature expired: {stamp} is too long ago"),
            ));
        }
        if age < -SKEW {
            return Err(Refusal::new(
                "InvalidSignatureException",
                format!("Signature not yet current: {stamp} is still later"),
            ));
        }
        Ok(())
    }

    /// Checks that the request was signed with this secret.
    pub(crate) fn check(
        &self,
        secret: &SecretBytes,
        keys: &SigningKeys,
        request: &http::request::Parts,
        body: &[u8],
    ) -> Result<(), Refusal> {
        let hash = hex(&Sha256::digest(body));
        // A body hash that the client declares must be right, and the body is always signed.
        if let Some(said) = request.headers.get("x-amz-content-sha256")
            && said.as_bytes() != hash.as_bytes()
        {
            return Err(Refusal::mismatch());
        }
        let canonical = canonical::request(self, request, &hash)?;
        let scope = format!("{}/{}/{}/aws4_request", self.scope_date, self.region, self.service);
        let text = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{}", self.date, hex(&Sha256::digest(canonical)));
        let own = hex(&mac(keys.key(secret, self).expose(), text.as_bytes()));
        if bool::from(own.as_bytes().ct_eq(self.signature.as_bytes())) {
            Ok(())
        } else {
            Err(Refusal::mismatch())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_their_one_form() {
        assert_eq!(moment("20150830T123600Z").unwrap().as_millis(), 1_440_938_160_000);
        for bad in [
            "",
            "20150830T123600",
            "2015-08-30T12:36:00Z",
            "20151330T123600Z",
            "20150830 123600Z",
            "20150830T1236٠Z",
            "20150830T+1+1+1Z",
            "+0150830T123600Z",
        ] {
            assert!(moment(bad).is_none(), "{bad}");
        }
    }

    /// `get-vanilla-query-order-key-case` of AWS's published test suite.
    #[test]
    fn the_published_example() {
        let request = http::Request::get("/?Param2=value2&Param1=value1")
            .header("Host", "example.amazonaws.com")
            .header("X-Amz-Date", "20150830T123600Z")
            .header(
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            )
            .body(())
            .unwrap();
        let (parts, ()) = request.into_parts();
        let presented = parse(&parts).unwrap().unwrap();
        assert_eq!((presented.key_id.as_str(), presented.region.as_str()), ("AKIDEXAMPLE", "us-east-1"));
        let secret = SecretBytes::copy_from(b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let keys = SigningKeys::default();
        let check = |secret: &SecretBytes, parts: &http::request::Parts, body: &[u8]| {
            presented.check(secret, &keys, parts, body)
        };
        check(&secret, &parts, b"").unwrap();
        check(&secret, &parts, b"").unwrap();
        let now = moment("20150830T123600Z").unwrap();
        presented.check_time(now).unwrap();
        let after = |minutes: u64| now.after(std::time::Duration::from_secs(minutes * 60));
        presented.check_time(after(5)).unwrap();
        assert!(presented.check_time(after(6)).unwrap_err().text.starts_with("Signature expired"));
        let before = Timestamp::from_millis(now.as_millis() - 6 * 60 * 1000);
        assert!(presented.check_time(before).unwrap_err().text.starts_with("Signature not yet current"));
        let another = SecretBytes::copy_from(b"another");
        for (secret, body) in [(&another, &b""[..]), (&secret, b"x")] {
            assert_eq!(check(secret, &parts, body).unwrap_err().code, "InvalidSignatureException");
        }
        let mut other = parts.clone();
        other.uri = "/?Param2=value2&Param1=value3".parse().unwrap();
        assert!(check(&secret, &other, b"").is_err());
        let mut other = parts.clone();
        other.method = http::Method::POST;
        assert!(check(&secret, &other, b"").is_err());
        let mut other = parts;
        other.headers.insert("Host", "elsewhere.amazonaws.com".parse().unwrap());
        assert!(check(&secret, &other, b"").is_err());
    }
}
