//! Who asks. Pure: the other end of a connection and the headers of a request in, the address of the viewer out.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::header::{HeaderMap, HeaderName};
use ipnet::IpNet;

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// IPv4 addresses that came over an IPv6 socket are IPv4 addresses here.
    Address(IpAddr),
    /// A program on this machine, over a unix socket.
    Local,
}

impl Peer {
    pub(crate) fn of(address: SocketAddr) -> Peer {
        Peer::Address(address.ip().to_canonical())
    }

    /// Whether what this peer says of others is believed.
    pub(crate) fn is_trusted(self, trusted: &[IpNet]) -> bool {
        match self {
            Peer::Local => true,
            Peer::Address(address) => is_in(address, trusted),
        }
    }

    /// The viewer behind a request: the last address that no trusted proxy has. `None` only when a unix socket's peer
    /// names nobody.
    pub(crate) fn viewer(self, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
        let mut viewer = match self {
            Peer::Local => None,
            Peer::Address(address) => Some(address),
        };
        if !self.is_trusted(trusted) {
            return viewer;
        }
        // Each proxy appends the peer that it saw, so only the end of the list is worth anything.
        for value in headers.get_all(&FORWARDED_FOR).into_iter().rev() {
            for entry in value.as_bytes().rsplit(|&byte| byte == b',') {
                let Some(address) = std::str::from_utf8(entry).ok().and_then(|entry| parse(entry.trim()))
                else {
                    return viewer;
                };
                viewer = Some(address);
                if !is_in(address, trusted) {
                    return viewer;
                }
            }
        }
        viewer
    }
}

/// Whom one subscriber's addresses are counted for: RFC 6177 gives everybody an IPv6 /64 at least.
pub(crate) fn subscriber(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

fn is_in(address: IpAddr, networks: &[IpNet]) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// With or without a port, as different proxies write it.
fn parse(entry: &str) -> Option<IpAddr> {
    let address = entry.parse::<IpAddr>().or_else(|_| entry.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(peer: &str, forwarded: &[&'static str], expected: &str) {
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse().unwrap()).into();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(&FORWARDED_FOR, HeaderValue::from_static(value));
        }
        let peer = match peer {
            "unix" => Peer::Local,
            address => Peer::of(SocketAddr::new(address.parse().unwrap(), 1)),
        };
        let actual =
            peer.viewer(&headers, &trusted).map_or_else(|| "-".to_owned(), |address| address.to_string());
        assert_eq!(actual, expected, "{peer:?} {forwarded:?}");
    }

    #[test]
    fn a_stranger_cannot_speak_for_others() {
        check("192.0.2.1", &[], "192.0.2.1");
        check("192.0.2.1", &["198.51.100.7"], "192.0.2.1");
        check("::ffff:192.0.2.1", &["198.51.100.7"], "192.0.2.1");
    }

    #[test]
    fn behind_trusted_proxies_the_viewer_is_the_last_address_that_is_none_of_them() {
        check("10.0.0.1", &["198.51.100.7"], "198.51.100.7");
        check("::ffff:10.0.0.1", &["198.51.100.7"], "198.51.100.7");
        check("10.0.0.1", &["1.1.1.1, 198.51.100.7, 10.9.9.9"], "198.51.100.7");
        check("10.0.0.1", &["1.1.1.1", "198.51.100.7", "10.9.9.9"], "198.51.100.7");
        check("10.0.0.1", &["198.51.100.7:4711"], "198.51.100.7");
        check("2001:db8::1", &["[2001:db9::7]:4711"], "2001:db9::7");
        check("10.0.0.1", &["10.0.0.2"], "10.0.0.2");
        check("10.0.0.1", &[], "10.0.0.1");
        check("unix", &["198.51.100.7"], "198.51.100.7");
        check("unix", &[], "-");
    }

    #[test]
    fn nonsense_ends_the_list() {
        check("10.0.0.1", &["198.51.100.7, unknown"], "10.0.0.1");
        check("10.0.0.1", &["198.51.100.7, unknown, 10.0.0.3"], "10.0.0.3");
        check("10.0.0.1", &[""], "10.0.0.1");
        check("unix", &["\"><script>"], "-");
    }

    #[test]
    fn an_ipv6_subscriber_is_a_64() {
        let [here, there] = ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::1"].map(|text| text.parse().unwrap());
        assert_eq!(subscriber(here), subscriber(there));
        assert_ne!(subscriber(here), subscriber("2001:db8:1:3::1".parse().unwrap()));
    }
}
