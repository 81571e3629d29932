//! Parses a signature from the `Authorization` header or the query.

use http::request::Parts;

use super::refusal::Refusal;

/// The maximum length of the header or query, in bytes.
const MAX: usize = 64 * 1024;
/// The maximum lifetime of a presigned URL, in seconds: a week.
const MAX_EXPIRES: i64 = 7 * 24 * 60 * 60;

/// A signature as presented, unverified.
#[derive(Clone, Debug)]
pub(crate) struct Presented {
    pub(crate) key_id: String,
    pub(crate) scope_date: String,
    pub(crate) region: String,
    pub(crate) service: String,
    pub(crate) date: String,
    pub(crate) signed_headers: Vec<String>,
    pub(crate) signature: String,
    pub(crate) token: Option<String>,
    /// The lifetime of a presigned URL, in seconds; `None` for a signed header.
    pub(crate) expires: Option<i64>,
}

/// Headers that determine a request's meaning or sender. None may be repeated: two parsers of the
/// same request could disagree on which one counts.
const ONCE: [&str; 8] = [
    "authorization",
    "content-type",
    "date",
    "host",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-target",
];

/// Parses a request's signature, if it has one.
pub(crate) fn parse(request: &Parts) -> Result<Option<Presented>, Refusal> {
    for name in ONCE {
        if request.headers.get_all(name).iter().nth(1).is_some() {
            return Err(Refusal::incomplete(format!("The header '{name}' is given more than once.")));
        }
    }
    let query = request.uri.query().unwrap_or_default();
    if query.len() > MAX {
        return Err(Refusal::incomplete("The query is too long."));
    }
    let signed_url = query.contains("X-Amz-Signature=");
    if let Some(header) = request.headers.get(http::header::AUTHORIZATION) {
        if signed_url {
            let text = "A request is signed by its Authorization header or by its query, not by both.";
            return Err(Refusal::incomplete(text));
        }
        let text = header.to_str().ok().filter(|text| text.len() <= MAX);
        let text = text.ok_or_else(|| Refusal::incomplete("Authorization header is not text."))?;
        return of_header(request, text).map(Some);
    }
    if signed_url {
        return of_query(query).map(Some);
    }
    Ok(None)
}

fn header(request: &Parts, name: &str) -> Option<String> {
    request.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn of_header(request: &Parts, text: &str) -> Result<Presented, Refusal> {
    let rest = text.strip_prefix("AWS4-HMAC-SHA256").filter(|rest| rest.starts_with([' ', ','])).ok_or_else(
        || Refusal::incomplete("Authorization header requires the algorithm AWS4-HMAC-SHA256."),
    )?;
    let (mut credential, mut signed, mut signature) = (None, None, None);
    for part in rest.split(',') {
        let slot = match part.trim().split_once('=') {
            Some(("Credential", value)) => (&mut credential, value),
            Some(("SignedHeaders", value)) => (&mut signed, value),
            Some(("Signature", value)) => (&mut signature, value),
            _ => continue,
        };
        if slot.0.replace(slot.1.to_owned()).is_some() {
            return Err(Refusal::incomplete("Authorization header gives a parameter more than once."));
        }
    }
    let required = |value: Option<String>, name: &str| {
        value.ok_or_else(|| Refusal::incomplete(format!("Authorization header requires '{name}' parameter.")))
    };
    let date = header(request, "x-amz-date").ok_or_else(|| {
        Refusal::incomplete(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        )
    })?;
    let token = header(request, "x-amz-security-token");
    presented(
        &required(credential, "Credential")?,
        &required(signed, "SignedHeaders")?,
        required(signature, "Signature")?,
        date,
        token,
        None,
    )
}

fn of_query(query: &str) -> Result<Presented, Refusal> {
    let mut found: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if found.insert(name.clone().into_owned(), value.into_owned()).is_some() && name.starts_with("X-Amz-")
        {
            return Err(Refusal::incomplete(format!("{name} is given twice.")));
        }
    }
    let mut take = |name: &str| {
        found
            .remove(name)
            .ok_or_else(|| Refusal::incomplete(format!("AWS query-string parameters must include '{name}'.")))
    };
    if take("X-Amz-Algorithm")? != "AWS4-HMAC-SHA256" {
        return Err(Refusal::incomplete("X-Amz-Algorithm must be AWS4-HMAC-SHA256."));
    }
    let expires = take("X-Amz-Expires")?;
    // Only the canonical spelling of a number: `+300` and `0300` would sign differently.
    let plain = !expires.starts_with('0') && expires.bytes().all(|byte| byte.is_ascii_digit());
    let expires = expires.parse::<i64>().ok().filter(|seconds| plain && (1..=MAX_EXPIRES).contains(seconds));
    let expires = expires.ok_or_else(|| Refusal::incomplete("X-Amz-Expires must be 1 to 604800 seconds."))?;
    let (credential, signed) = (take("X-Amz-Credential")?, take("X-Amz-SignedHeaders")?);
    let (signature, date) = (take("X-Amz-Signature")?, take("X-Amz-Date")?);
    let token = found.remove("X-Amz-Security-Token");
    presented(&credential, &signed, signature, date, token, Some(expires))
}

fn presented(
    credential: &str,
    signed: &str,
    signature: String,
    date: String,
    token: Option<String>,
    expires: Option<i64>,
) -> Result<Presented, Refusal> {
    let parts: Vec<&str> = credential.split('/').collect();
    let [key_id, scope_date, region, service, "aws4_request"] = parts.as_slice() else {
        let text =
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.";
        return Err(Refusal::incomplete(text));
    };
    let signed_headers: Vec<String> = signed.split(';').map(str::to_ascii_lowercase).collect();
    Ok(Presented {
        key_id: (*key_id).to_owned(),
        scope_date: (*scope_date).to_owned(),
        region: (*region).to_owned(),
        service: (*service).to_owned(),
        date,
        signed_headers,
        signature,
        token,
        expires,
    })
}
