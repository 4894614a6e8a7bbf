//! Where to listen, as it is typed: `0.0.0.0:8080`, `8080`, `https://[::]:8443`, `unix:/run/livedir.sock`. Pure.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// What a port speaks; each of them HTTP/1.1 and HTTP/2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Cleartext.
    Http,
    /// TLS.
    Https,
}

/// Where a port is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// Port 0 means any free port.
    Address(SocketAddr),
    /// A unix socket.
    Path(PathBuf),
}

impl Endpoint {
    /// Whether this is all of IPv4 on `port`, which [::] would take as well if it were let.
    pub(super) fn is_ipv4_of(&self, port: u16) -> bool {
        *self == Endpoint::Address((Ipv4Addr::UNSPECIFIED, port).into()) && port != 0
    }
}

/// What was typed: the scheme may be left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenAt {
    scheme: Option<Scheme>,
    endpoint: Endpoint,
}

/// What was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// What to speak there.
    pub scheme: Scheme,
    /// Where.
    pub endpoint: Endpoint,
}

impl ListenAt {
    /// `None`: https without a certificate.
    pub(crate) fn meant(&self, has_certificate: bool) -> Option<Listen> {
        let scheme = match (self.scheme, &self.endpoint) {
            (Some(scheme), _) => scheme,
            (None, Endpoint::Address(_)) if has_certificate => Scheme::Https,
            (None, _) => Scheme::Http,
        };
        (scheme == Scheme::Http || has_certificate)
            .then(|| Listen { scheme, endpoint: self.endpoint.clone() })
    }
}

impl FromStr for ListenAt {
    type Err = String;

    fn from_str(typed: &str) -> Result<ListenAt, String> {
        if let Some(path) = typed.strip_prefix("unix:")
            && !path.is_empty()
        {
            return Ok(ListenAt { scheme: None, endpoint: Endpoint::Path(path.into()) });
        }
        let (scheme, address) = match typed.split_once("://") {
            Some(("http", address)) => (Some(Scheme::Http), address),
            Some(("https", address)) => (Some(Scheme::Https), address),
            _ => (None, typed),
        };
        match socket_address(address.trim_end_matches('/')) {
            Some(address) => Ok(ListenAt { scheme, endpoint: Endpoint::Address(address) }),
            None => {
                Err("not an address and a port; write it like 0.0.0.0:8080, [::]:8080, https://0.0.0.0:8443 \
                 or unix:/run/livedir.sock"
                    .to_owned())
            }
        }
    }
}

/// An address and a port. A port alone is one of all IPv4 addresses, and localhost is the IPv4 address of this machine to itself.
fn socket_address(typed: &str) -> Option<SocketAddr> {
    if let Ok(address) = typed.parse() {
        return Some(address);
    }
    let (host, port) = typed.rsplit_once(':').unwrap_or(("", typed));
    let host = match host {
        "" | "*" => Ipv4Addr::UNSPECIFIED,
        "localhost" => Ipv4Addr::LOCALHOST,
        _ => return None,
    };
    // The parser of numbers takes a sign.
    let is_port = port.bytes().all(|letter| letter.is_ascii_digit());
    port.parse().ok().filter(|_| is_port).map(|port| SocketAddr::from((host, port)))
}

impl fmt::Display for Scheme {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.endpoint {
            Endpoint::Address(address) => write!(out, "{}://{address}", self.scheme),
            Endpoint::Path(path) => write!(out, "unix:{}", path.display()),
        }
    }
}

impl fmt::Display for ListenAt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        Listen { scheme: self.scheme.unwrap_or(Scheme::Http), endpoint: self.endpoint.clone() }.fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expected: Option<(Option<Scheme>, Endpoint)>) {
        let actual = typed.parse::<ListenAt>();
        match expected {
            Some((scheme, endpoint)) => assert_eq!(actual, Ok(ListenAt { scheme, endpoint }), "{typed}"),
            None => assert!(actual.unwrap_err().contains("unix:/run"), "{typed}"),
        }
    }

    #[test]
    fn a_place_is_an_address_with_a_port_or_a_path() {
        let address = |text: &str| Endpoint::Address(text.parse().unwrap());
        check("0.0.0.0:8080", Some((None, address("0.0.0.0:8080"))));
        check("[::1]:0", Some((None, address("[::1]:0"))));
        check("http://0.0.0.0:80", Some((Some(Scheme::Http), address("0.0.0.0:80"))));
        check("https://[::]:443/", Some((Some(Scheme::Https), address("[::]:443"))));
        check("unix:/run/livedir.sock", Some((None, Endpoint::Path("/run/livedir.sock".into()))));
        check("8080", Some((None, address("0.0.0.0:8080"))));
        check(":8080", Some((None, address("0.0.0.0:8080"))));
        check("*:8080", Some((None, address("0.0.0.0:8080"))));
        check("localhost:8080", Some((None, address("127.0.0.1:8080"))));
        check("https://:8443", Some((Some(Scheme::Https), address("0.0.0.0:8443"))));
        check("http://localhost:80/", Some((Some(Scheme::Http), address("127.0.0.1:80"))));
        for nonsense in [
            "",
            "+8080",
            "65536",
            "localhost",
            "example.org:8080",
            "ftp://0.0.0.0:21",
            "unix:",
            "0.0.0.0",
            "https://",
        ] {
            check(nonsense, None);
        }
    }
}
