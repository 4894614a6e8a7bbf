//! Listening: which addresses are places where this machine waits for somebody to push, and how it is to wait there.
//!
//! Nobody can be called at `0.0.0.0` or `::`, so an address with such a host, or with none, can only mean: listen. So does
//! a multicast group. `rtmp://localhost/…` could be either, and stays what it is for every other program: a server to
//! call; `?listen=1` turns it round, for RTMP, SRT (whose own word is `?mode=listener`), TCP, UDP and RTP. Nobody can push by
//! RTSP; who wants that is told how. Pure, except that the system is asked which addresses are its own.

use std::net::{IpAddr, UdpSocket};

/// Nobody can push to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot listen on {name}: {reason}; {remedy}")]
pub struct CannotListen {
    /// The address.
    pub name: String,
    /// What is the matter.
    pub reason: String,
    /// What to try.
    pub remedy: String,
}

/// Where and how to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListenAt {
    /// At our own door.
    Rtmp {
        /// `0.0.0.0:1935`.
        bind: String,
        /// What the client has to ask for: `live/KEY`.
        path: String,
    },
    /// In libav, which takes whoever comes, with this address.
    Libav {
        url: String,
        /// What has to be free for that, at the start: `0.0.0.0:9000`.
        bind: Option<String>,
        /// Whether anybody may push.
        open_to_all: bool,
    },
}

/// SRT takes no others.
const PASSPHRASE_CHARS: std::ops::RangeInclusive<usize> = 10..=79;

/// The parts of a URL.
struct UrlParts<'a> {
    scheme: String,
    host: &'a str,
    port: Option<&'a str>,
    path: &'a str,
    query: Vec<(&'a str, &'a str)>,
}

impl<'a> UrlParts<'a> {
    fn of(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (authority, None),
        };
        Some(UrlParts {
            scheme: scheme.to_ascii_lowercase(),
            host,
            port,
            path,
            query: query.split('&').filter_map(|pair| pair.split_once('=').or(Some((pair, "")))).collect(),
        })
    }

    fn asks_for(&self, key: &str) -> Option<&'a str> {
        self.query.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    fn ip(&self) -> Option<IpAddr> {
        self.host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    /// Whether this is surely an address of this machine. No name server is asked.
    fn is_here(&self) -> bool {
        // Only an address of our own can be bound.
        self.host.eq_ignore_ascii_case("localhost")
            || self.ip().is_some_and(|ip| UdpSocket::bind((ip, 0)).is_ok())
    }

    /// Nobody can be called there.
    fn is_nowhere(&self) -> bool {
        self.host.is_empty() || self.ip().is_some_and(|ip| ip.is_unspecified())
    }

    fn listens(&self) -> bool {
        let is_on = |value: &str| !matches!(value, "0" | "no" | "false");
        let asked = self.asks_for("listen").map(is_on);
        match self.scheme.as_str() {
            "rtmp" | "rtmps" | "tcp" => asked.unwrap_or_else(|| self.is_nowhere()),
            "srt" => match self.asks_for("mode") {
                Some(mode) => mode == "listener",
                None => asked.unwrap_or_else(|| self.is_nowhere()),
            },
            "udp" | "rtp" => {
                asked.unwrap_or_else(|| self.is_nowhere() || self.ip().is_some_and(|ip| ip.is_multicast()))
            }
            "rtsp" | "rtsps" => asked.unwrap_or_else(|| !self.host.is_empty() && self.is_nowhere()),
            _ => false,
        }
    }

    fn bind(&self, usual_port: Option<&str>) -> Option<String> {
        let host = if self.host.is_empty() { "0.0.0.0" } else { self.host };
        Some(format!("{host}:{}", self.port.or(usual_port)?))
    }
}

/// Where to wait, if this is an address to wait at. `name` is the address for people.
pub(crate) fn place(url: &str, name: &str) -> Result<Option<ListenAt>, CannotListen> {
    let Some(parts) = UrlParts::of(url).filter(UrlParts::listens) else { return Ok(None) };
    let refused =
        |reason, remedy: &str| Err(CannotListen { name: name.to_owned(), reason, remedy: remedy.to_owned() });
    if parts.port.is_some_and(|port| port.parse::<u16>().is_err()) {
        // It may be a part of a password, and is not shown.
        return refused(
            "the text after the last : of the host is not a port".to_owned(),
            &format!("write scheme://HOST:PORT; {}", livedir_address::ENCODING),
        );
    }
    if parts.scheme.starts_with("rtsp") {
        // What is no address may be a part of a password.
        let host = if parts.ip().is_some() { parts.host } else { "0.0.0.0" };
        let remedy = format!("use RTMP instead, and name the source 'rtmp://{host}:1935/live/KEY?listen=1'");
        return refused("encoders cannot connect by RTSP".to_owned(), &remedy);
    }
    let bind = parts.bind((parts.scheme == "rtmp").then_some("1935"));
    let Some(bind) = bind else {
        let remedy = "write one after the host: scheme://0.0.0.0:PORT".to_owned();
        return refused("the port is missing".to_owned(), &remedy);
    };
    match parts.scheme.as_str() {
        "rtmps" => refused(
            "TLS is not supported here".to_owned(),
            "use srt with a passphrase, or put a TLS proxy in front of rtmp",
        ),
        "rtmp" => match parts.path.trim_matches('/') {
            "" => refused(
                "anybody could send a stream to it".to_owned(),
                "name a path with a key that only you know: rtmp://0.0.0.0:1935/live/KEY",
            ),
            path => Ok(Some(ListenAt::Rtmp { bind, path: path.to_owned() })),
        },
        "srt" => match parts.asks_for("passphrase") {
            Some(passphrase) if !PASSPHRASE_CHARS.contains(&passphrase.chars().count()) => refused(
                format!("a passphrase of {} characters", passphrase.chars().count()),
                "SRT takes 10 to 79",
            ),
            _ if parts.asks_for("streamid").is_some() => refused(
                "a stream id cannot be checked".to_owned(),
                "keep others out with ?passphrase=… of 10 characters or more",
            ),
            passphrase => Ok(Some(ListenAt::Libav {
                url: with_option(url, "mode", "listener"),
                bind: Some(bind),
                open_to_all: passphrase.is_none(),
            })),
        },
        "tcp" => Ok(Some(ListenAt::Libav {
            url: with_option(url, "listen", "1"),
            bind: None, // libav takes a port over that was in use a moment ago; we would not get it
            open_to_all: true,
        })),
        _ => Ok(Some(ListenAt::Libav { url: url.to_owned(), bind: None, open_to_all: false })),
    }
}

/// What to type so that somebody may push to this address of our own, which is called as it stands.
pub(crate) fn turned_round(url: &str) -> Option<String> {
    let parts = UrlParts::of(url).filter(|parts| parts.is_here() && !parts.listens())?;
    let host = parts.host;
    let with_port = match parts.port {
        Some(port) => format!("{host}:{}", port.parse::<u16>().ok()?),
        None if parts.scheme.starts_with("rtmp") => format!("{host}:1935"),
        None => host.to_owned(),
    };
    Some(match parts.scheme.as_str() {
        "rtmp" | "rtmps" | "rtmpt" | "rtmpts" | "rtmpe" => format!("rtmp://{with_port}/live/KEY?listen=1"),
        "rtsp" | "rtsps" => format!("rtmp://{host}:1935/live/KEY?listen=1"),
        "srt" if parts.asks_for("passphrase").is_some() => {
            format!("srt://{with_port}?listen=1&passphrase=PASSPHRASE")
        }
        scheme @ ("srt" | "tcp" | "udp" | "rtp") if parts.port.is_some() => {
            format!("{scheme}://{with_port}?listen=1")
        }
        _ => return None,
    })
}

/// The address with an option that it may have already.
fn with_option(url: &str, key: &str, value: &str) -> String {
    match url.split_once('?') {
        Some((_, query)) if query.split('&').any(|pair| pair.split('=').next() == Some(key)) => {
            url.to_owned()
        }
        Some(_) => format!("{url}&{key}={value}"),
        None => format!("{url}?{key}={value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: Option<&str>) {
        let place = place(url, url).expect("an address").map(|place| match place {
            ListenAt::Rtmp { bind, path } => format!("rtmp {bind} {path}"),
            ListenAt::Libav { url, .. } => url,
        });
        assert_eq!(place.as_deref(), expected, "{url}");
    }

    #[track_caller]
    fn check_refused(url: &str, remedy: &str) {
        let error = place(url, url).expect_err("nobody can listen there").to_string();
        assert!(error.contains(remedy), "{error}");
    }

    #[test]
    fn where_nobody_can_be_called_is_listened() {
        check("rtmp://0.0.0.0:1935/live/KEY", Some("rtmp 0.0.0.0:1935 live/KEY"));
        check("rtmp://0.0.0.0/live/KEY/", Some("rtmp 0.0.0.0:1935 live/KEY"));
        check("rtmp://[::]:1936/a/b/c", Some("rtmp [::]:1936 a/b/c"));
        check("RTMP://:1935/KEY", Some("rtmp 0.0.0.0:1935 KEY"));
        check("srt://0.0.0.0:9000", Some("srt://0.0.0.0:9000?mode=listener"));
        check("srt://:9000?passphrase=0123456789", Some("srt://:9000?passphrase=0123456789&mode=listener"));
        check("udp://@:5000", Some("udp://@:5000"));
        check("udp://239.1.2.3:5000?localaddr=127.0.0.1", Some("udp://239.1.2.3:5000?localaddr=127.0.0.1"));
        check("tcp://0.0.0.0:5000", Some("tcp://0.0.0.0:5000?listen=1"));
    }

    #[test]
    fn a_host_is_called_unless_it_is_asked_to_listen() {
        for url in [
            "rtmp://localhost/live/KEY",
            "rtmp://127.0.0.1:1935/live/KEY",
            "srt://host:9000?mode=caller",
            "srt://0.0.0.0:9000?mode=caller",
            "udp://127.0.0.1:5000",
            "http://0.0.0.0:80/",
            "rtsp://camera/1",
            "nonsense",
        ] {
            check(url, None);
        }
        check("rtmp://127.0.0.1:0/live/KEY?listen=1", Some("rtmp 127.0.0.1:0 live/KEY"));
        check("srt://127.0.0.1:9000?mode=listener", Some("srt://127.0.0.1:9000?mode=listener"));
        check("tcp://127.0.0.1:9000?listen", Some("tcp://127.0.0.1:9000?listen"));
        check("srt://127.0.0.1:9000?listen=1", Some("srt://127.0.0.1:9000?listen=1&mode=listener"));
        check("udp://127.0.0.1:5000?listen=1", Some("udp://127.0.0.1:5000?listen=1"));
        check("rtp://127.0.0.1:5000?listen=1", Some("rtp://127.0.0.1:5000?listen=1"));
    }

    #[test]
    fn who_is_called_in_vain_is_told_how_to_wait() {
        let check = |url: &str, expected: Option<&str>| {
            let typed = turned_round(url);
            assert_eq!(typed.as_deref(), expected, "{url}");
            assert!(
                typed.is_none_or(|typed| matches!(place(&typed, ""), Ok(Some(_)))),
                "{url}: it does not wait"
            );
        };
        check("rtmp://127.0.0.1:1936/live/SECRET", Some("rtmp://127.0.0.1:1936/live/KEY?listen=1"));
        check("rtmp://localhost/live/SECRET", Some("rtmp://localhost:1935/live/KEY?listen=1"));
        check("rtsp://u:p@127.0.0.1:554/1", Some("rtmp://127.0.0.1:1935/live/KEY?listen=1"));
        check("srt://[::1]:9000", Some("srt://[::1]:9000?listen=1"));
        check(
            "srt://127.0.0.1:9000?passphrase=0123456789",
            Some("srt://127.0.0.1:9000?listen=1&passphrase=PASSPHRASE"),
        );
        check("tcp://127.0.0.1:5000", Some("tcp://127.0.0.1:5000?listen=1"));
        check("udp://127.0.0.1:5000", Some("udp://127.0.0.1:5000?listen=1"));
        for elsewhere in
            ["rtmp://192.0.2.1/live/KEY", "rtmp://media.example/live/KEY", "http://127.0.0.1/a.ts"]
        {
            check(elsewhere, None);
        }
    }

    #[test]
    fn a_refusal_shows_no_part_of_a_password() {
        for url in ["srt://u:PASS/WORD@0.0.0.0:9000?listen=1", "rtmp://u:PASS/WORD@127.0.0.1?listen=1"] {
            check_refused(url, "write scheme://HOST:PORT");
            let error = place(url, &livedir_address::shown(url)).expect_err("no port").to_string();
            assert!(!error.contains("PAS") && !error.contains("WOR"), "{error}");
        }
    }

    #[test]
    fn what_would_let_anybody_in_or_cannot_work_is_refused_with_the_remedy() {
        check_refused("rtmp://0.0.0.0:1935", "live/KEY");
        check_refused("rtmps://0.0.0.0:1935/live/KEY", "srt");
        check_refused("srt://0.0.0.0", "the port is missing");
        check_refused("srt://0.0.0.0:9000?passphrase=short", "10 to 79");
        check_refused("srt://0.0.0.0:9000?streamid=me", "passphrase");
        check_refused("rtsp://0.0.0.0:554/live", "name the source 'rtmp://0.0.0.0:1935/live/KEY?listen=1'");
        check_refused(
            "rtsp://127.0.0.1:554/live?listen=1",
            "name the source 'rtmp://127.0.0.1:1935/live/KEY?listen=1'",
        );
    }
}
