//! Which hosts and origins a request may name: what keeps web pages out.
//!
//! A page in a browser on this machine can send requests to loopback. Its own origin stands in the
//! `Origin` header. When it resolves a name of its own to 127.0.0.1 (DNS rebinding), the browser takes
//! the server for the page's own, and only the `Host` header tells.

use std::net::IpAddr;

use http::header::{HOST, HeaderName, ORIGIN};
use http::request::Parts;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Names that a server in the clear answers to, beside addresses and `localhost`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts(Vec<String>);

impl Hosts {
    pub(crate) fn allow(&mut self, name: &str) {
        self.0.push(name.to_ascii_lowercase());
    }

    /// Whether a host is this machine's, not that of some page. An address cannot be rebound.
    fn own(&self, host: &str) -> bool {
        let name = name_of(host).to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        address.parse::<IpAddr>().is_ok()
            || name == "localhost"
            || name.ends_with(".localhost")
            || self.0.iter().any(|allowed| allowed == name)
    }

    /// Why a request is refused before anything else is looked at, if it is. `by_name`: whether the host is looked at.
    pub(crate) fn refuse(&self, request: &Parts, by_name: bool) -> Option<&'static str> {
        let header = |name: &HeaderName| request.headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        // HTTP/2 has the host in the request's target.
        let host = request.uri.authority().map(http::uri::Authority::as_str).or_else(|| header(&HOST));
        if by_name && host.is_some_and(|host| !self.own(host)) {
            return Some("The Host is not one that this server answers to.");
        }
        let foreign = |origin: &str| match (origin.split_once("://"), host) {
            (Some((_, origin)), Some(host)) => !origin.eq_ignore_ascii_case(host),
            _ => true,
        };
        let elsewhere = |site: &str| !matches!(site, "same-origin" | "none");
        if header(&ORIGIN).is_some_and(foreign) || header(&FETCH_SITE).is_some_and(elsewhere) {
            return Some("Requests from web pages of other origins are refused.");
        }
        None
    }
}

/// A host without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::post("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn addresses_localhost_and_allowed_names_are_own() {
        let mut hosts = Hosts::default();
        hosts.allow("Strongroom.internal");
        for own in [
            "127.0.0.1:4766",
            "127.0.0.1",
            "10.1.2.3:80",
            "[::1]:4766",
            "[::1]",
            "localhost",
            "LOCALHOST:4766",
            "localhost.:4766",
            "kms.localhost:4766",
            "strongroom.INTERNAL:1",
        ] {
            assert!(hosts.refuse(&parts(&[("host", own)]), true).is_none(), "{own}");
        }
        for foreign in [
            "",
            "evil.example",
            "evil.example:4766",
            "localhost.evil.example",
            "evillocalhost",
            "127.0.0.1.evil.example",
            "127.0.0.1@evil.example",
            "localhost:x",
            "[::1].evil.example",
            "x",
            ".localhost.evil",
        ] {
            assert!(hosts.refuse(&parts(&[("host", foreign)]), true).is_some(), "{foreign}");
            assert!(hosts.refuse(&parts(&[("host", foreign)]), false).is_none(), "{foreign}");
        }
        assert!(hosts.refuse(&parts(&[]), true).is_none());
    }

    #[test]
    fn pages_of_other_origins_are_refused() {
        let refused = |headers: &[(&str, &str)]| Hosts::default().refuse(&parts(headers), true).is_some();
        let host = ("host", "localhost:4766");
        for origin in [
            "http://evil.example",
            "null",
            "http://localhost:3000",
            "http://localhost",
            "",
            "http://localhost:4766.evil",
        ] {
            assert!(refused(&[host, ("origin", origin)]), "{origin}");
        }
        assert!(refused(&[host, ("sec-fetch-site", "cross-site")]));
        assert!(refused(&[host, ("sec-fetch-site", "same-site")]));
        assert!(!refused(&[host, ("origin", "http://localhost:4766"), ("sec-fetch-site", "same-origin")]));
        assert!(!refused(&[host, ("sec-fetch-site", "none")]));
    }
}
