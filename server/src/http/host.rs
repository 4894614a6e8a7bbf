//! Whose site a request is for. Pure: RFC 9110 7.2, RFC 9112 3.2, RFC 9113 8.3.1.
//!
//! This server has one site, whatever it is called. But where two readings of the name are possible, a proxy in front may have
//! taken the other one, so such a request is refused.

use std::net::Ipv6Addr;

use axum::http::header::HOST;
use axum::http::{Request, Uri, Version};

/// What a request with two names, none, or one that is none is told.
pub(crate) const EXPECTED: &str = "exactly one valid Host is expected\n";

/// Whether a request names one host, and names it well.
pub(crate) fn is_named<B>(request: &Request<B>) -> bool {
    let mut lines = request.headers().get_all(HOST).iter();
    let line = lines.next();
    // RFC 9112 3.2: MUST respond with a 400 to any request message that contains more than one Host header field line
    if lines.next().is_some() || line.is_some_and(|line| !is_host(line.as_bytes())) {
        return false;
    }
    let authority = request.uri().authority().map(|authority| authority.as_str().as_bytes());
    if authority.is_some_and(|authority| !is_host(authority)) {
        return false;
    }
    match (request.version(), authority, line) {
        (Version::HTTP_09 | Version::HTTP_10, ..) => true,
        // RFC 9113 8.3.1: SHOULD treat a request as malformed if Host identifies another entity than :authority
        (Version::HTTP_2 | Version::HTTP_3, Some(authority), Some(line)) => {
            without_usual_port(authority, request.uri())
                .eq_ignore_ascii_case(without_usual_port(line.as_bytes(), request.uri()))
        }
        (Version::HTTP_2 | Version::HTTP_3, authority, line) => authority.is_some() || line.is_some(),
        // RFC 9112 3.2: MUST respond with a 400 to any HTTP/1.1 request message that lacks a Host header field. What the
        // address names instead counts more than the field, which may then be another one (3.2.2).
        (_, _, line) => line.is_some(),
    }
}

/// `uri-host [ ":" port ]`. RFC 9110 4.2.1: a recipient MUST reject an "http" URI with an empty host.
fn is_host(text: &[u8]) -> bool {
    let (host, port) = match text.iter().rposition(|byte| *byte == b':') {
        Some(colon) if !text[colon..].contains(&b']') => (&text[..colon], &text[colon + 1..]),
        _ => (text, &b""[..]),
    };
    is_port(port) && (is_address(host) || is_name(host))
}

/// RFC 3986 3.2.3: digits, or none.
fn is_port(port: &[u8]) -> bool {
    port.is_empty() || (port.iter().all(u8::is_ascii_digit) && text(port).parse::<u16>().is_ok())
}

/// RFC 3986 3.2.2: IP-literal. Nobody has defined an address of a later version.
fn is_address(host: &[u8]) -> bool {
    let inside = host.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    inside.is_some_and(|inside| text(inside).parse::<Ipv6Addr>().is_ok())
}

/// RFC 3986 3.2.2: reg-name, which an IPv4 address is too.
fn is_name(host: &[u8]) -> bool {
    let mut rest = host;
    loop {
        rest = match rest {
            [] => return !host.is_empty(),
            [b'%', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => after,
            [byte, after @ ..] if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(byte) => after,
            _ => return false,
        }
    }
}

/// RFC 3986 6.2.3: an address with the port that its scheme has anyway is the same address.
fn without_usual_port<'a>(host: &'a [u8], uri: &Uri) -> &'a [u8] {
    let port: &[u8] = if uri.scheme_str() == Some("https") { b":443" } else { b":80" };
    host.strip_suffix(port).or_else(|| host.strip_suffix(b":")).unwrap_or(host)
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or("?")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(version: Version, uri: &str, hosts: &[&'static str], expected: bool) {
        let mut request = Request::builder().version(version).uri(uri).body(()).unwrap();
        for host in hosts {
            request.headers_mut().append(HOST, HeaderValue::from_static(host));
        }
        assert_eq!(is_named(&request), expected, "{version:?} {uri} {hosts:?}");
    }

    #[test]
    fn http_1_1_has_one_host_and_http_1_0_may_have_none() {
        check(Version::HTTP_11, "/", &["livedir.test"], true);
        check(Version::HTTP_11, "/", &[], false);
        check(Version::HTTP_11, "/", &["a", "a"], false);
        check(Version::HTTP_11, "http://a/", &["b"], true);
        check(Version::HTTP_11, "http://a/", &[], false);
        check(Version::HTTP_11, "http://u@a/", &["a"], false);
        check(Version::HTTP_10, "/", &[], true);
        check(Version::HTTP_10, "/", &["a", "b"], false);
        check(Version::HTTP_10, "/", &["a b"], false);
    }

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for good in [
            "a",
            "A.example.",
            "a_b-c~d",
            "192.0.2.1:8080",
            "[::1]",
            "[2001:db8::1]:8080",
            "a:",
            "%61",
            "a:65535",
        ] {
            check(Version::HTTP_11, "/", &[good], true);
        }
        for bad in [
            "",
            ":80",
            "a b",
            "a,b",
            "a/b",
            "a?b",
            "a#b",
            "u@a",
            "a:b",
            "a:1:2",
            "a:65536",
            "::1",
            "[::1",
            "[a]",
            "[]",
            "%6",
            "%zz",
            "a\\b",
            "\"a\"",
            "<a>",
            "a:-1",
            "a:+1",
            "[::1]a",
            "[fe80::1%25eth0]",
        ] {
            // RFC 3986 2.2 has the comma among the characters of names.
            check(Version::HTTP_11, "/", &[bad], bad == "a,b");
        }
        let mut request = Request::builder().uri("/").body(()).unwrap();
        request.headers_mut().append(HOST, HeaderValue::from_bytes(b"a\xff").unwrap());
        assert!(!is_named(&request));
    }

    #[test]
    fn http_2_names_its_host_once_or_twice_the_same() {
        check(Version::HTTP_2, "http://a/", &[], true);
        check(Version::HTTP_2, "http://a:80/", &["A"], true);
        check(Version::HTTP_2, "https://a/", &["a:443"], true);
        check(Version::HTTP_2, "https://a/", &["a:80"], false);
        check(Version::HTTP_2, "http://a/", &["b"], false);
        check(Version::HTTP_2, "http://u@a/", &[], false);
        check(Version::HTTP_2, "/", &["a"], true);
        check(Version::HTTP_2, "/", &[], false);
    }
}
