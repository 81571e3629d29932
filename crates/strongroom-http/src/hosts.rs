//! Which hosts and origins a request may name. These rules keep web pages out.
//!
//! A page in a browser on this machine can send requests to loopback. The `Origin` header names the
//! page's origin. If the page's host name resolves to 127.0.0.1 (DNS rebinding), the browser treats
//! requests to this server as same-origin, and only the `Host` header reveals the page.

use std::net::IpAddr;

use http::header::{HOST, HeaderName, ORIGIN};
use http::request::Parts;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The host names that a server without TLS accepts, in addition to IP addresses and `localhost`.
#[derive(Clone, Debug, Default)]
pub struct Hosts(Vec<String>);

impl Hosts {
    /// Allows a name. A port or a trailing dot is ignored.
    pub fn allow(&mut self, name: &str) {
        let name = name_of(name).to_ascii_lowercase();
        self.0.push(name.strip_suffix('.').unwrap_or(&name).to_owned());
    }

    /// Whether a host means this machine. An IP address cannot be rebound.
    fn own(&self, host: &str) -> bool {
        let name = name_of(host).to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        address.parse::<IpAddr>().is_ok()
            || name == "localhost"
            || name.ends_with(".localhost")
            || self.0.iter().any(|allowed| allowed == name)
    }

    /// Returns the reason to refuse a request, if there is one. Call it before anything else.
    /// `by_name` says whether to check the host: pass
    /// [`Connection::accepted_in_clear`](crate::Connection::accepted_in_clear).
    #[must_use]
    pub fn refuse(&self, request: &Parts, by_name: bool) -> Option<&'static str> {
        let all = |name: &HeaderName| {
            let values = request.headers.get_all(name).iter();
            values.map(|value| value.to_str().unwrap_or("?")).collect::<Vec<_>>()
        };
        // HTTP/2 carries the host in the request's target. Every host must be allowed, or a request
        // with several could hide a foreign one.
        let mut hosts = all(&HOST);
        hosts.extend(request.uri.authority().map(http::uri::Authority::as_str));
        if by_name && hosts.iter().any(|host| !self.own(host)) {
            return Some("The Host is not one that this server accepts: see --allow-host.");
        }
        let foreign = |origin: &&str| match origin.split_once("://") {
            Some((_, origin)) => {
                hosts.is_empty() || hosts.iter().any(|host| !origin.eq_ignore_ascii_case(host))
            }
            None => true,
        };
        let elsewhere = |site: &&str| !matches!(*site, "same-origin" | "none");
        if all(&ORIGIN).iter().any(foreign) || all(&FETCH_SITE).iter().any(elsewhere) {
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
        hosts.allow("Strongroom.internal.:4766");
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
        // One allowed host or origin among others is not enough.
        assert!(refused(&[host, ("host", "evil.example")]));
        assert!(refused(&[host, ("origin", "http://localhost:4766"), ("origin", "http://evil.example")]));
    }
}
