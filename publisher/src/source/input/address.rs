//! Addresses: what the user named, what libav is told about it, and what people may see of it.

use super::listening;
use std::fmt;
use std::path::PathBuf;

/// Where the media comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum InputAddress {
    /// A file on this machine.
    File(PathBuf),
    /// An address with a scheme, such as `rtsp://camera.local/1`.
    Url(String),
    /// Standard input.
    Stdin,
    /// What a screen shows: the first, or the one that the system calls so.
    Screen(Option<String>),
}

/// What the schemes that we know need of libav, and what a playlist from there may refer to. `file` is not among
/// them: a playlist or session description from the net must not make us read, and so publish, files of this machine.
/// Nor are `concat`, `subfile` and the like, which wrap other protocols.
const NETWORK_PROTOCOLS: &str = "http,https,httpproxy,tcp,tls,udp,udplite,rtp,srtp,rtmp,rtmps,rtmpt,rtmpts,rtmpe,\
                                 ffrtmphttp,ffrtmpcrypt,srt,rist,crypto,data";
/// A local playlist may name files beside it, plain or encrypted. It must not reach out: who opens a file that came
/// by mail does not expect it to call anybody.
const FILE_PROTOCOLS: &str = "file,crypto,data";
/// What comes down a pipe has no files beside it.
const PIPE_PROTOCOLS: &str = "pipe,crypto,data";

/// The schemes that [`InputAddress::Url`] takes.
pub(super) const SCHEMES: [&str; 14] = [
    "rtsp", "rtsps", "rtmp", "rtmps", "rtmpt", "rtmpts", "rtmpe", "srt", "http", "https", "udp", "rtp",
    "tcp", "rist",
];

/// Query keys whose values are nobody's business.
const SECRET_KEYS: [&str; 7] = ["pass", "pwd", "token", "key", "secret", "auth", "sig"];

impl InputAddress {
    /// From `screen` or `screen:1`, as people type it.
    #[must_use]
    pub fn screen(typed: &str) -> Option<Self> {
        match typed.strip_prefix("screen")? {
            "" => Some(InputAddress::Screen(None)),
            rest => Some(InputAddress::Screen(Some(rest.strip_prefix(':')?.to_owned()))),
        }
    }

    /// The scheme of a URL, in lower case.
    pub(super) fn scheme(&self) -> Option<String> {
        match self {
            InputAddress::Url(url) => url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase()),
            _ => None,
        }
    }

    /// The name under which libav opens it; nothing if libav cannot be told the name.
    pub(super) fn libav_name(&self) -> Option<String> {
        let name = match self {
            // With the prefix no path can be mistaken for a URL or an option, as `a:b.mp4` would be.
            InputAddress::File(path) => format!("file:{}", path.to_str()?),
            InputAddress::Url(url) => self.rtsp_transport().map_or_else(|| url.clone(), |(url, _)| url),
            InputAddress::Stdin => "pipe:0".to_owned(),
            InputAddress::Screen(which) => which.clone().unwrap_or_default(),
        };
        (!name.contains('\0')).then_some(name)
    }

    /// The way that `?transport=` asks of a camera, and the address without it, which is ours and not the camera's.
    fn rtsp_transport(&self) -> Option<(String, &'static str)> {
        let InputAddress::Url(url) = self else { return None };
        let (base, query) = url.split_once('?').filter(|(base, _)| base.starts_with("rtsp"))?;
        let (mut transport, mut rest) = (None, Vec::new());
        for pair in query.split('&') {
            match pair {
                "transport=udp" => transport = Some("udp"),
                "transport=tcp" => transport = Some("tcp"),
                "transport=multicast" => transport = Some("udp_multicast"),
                other => rest.push(other),
            }
        }
        let separator = if rest.is_empty() { "" } else { "?" };
        Some((format!("{base}{separator}{}", rest.join("&")), transport?))
    }

    /// Options for libav, by name and value.
    pub(super) fn libav_options(&self) -> Vec<(&'static str, &'static str)> {
        let protocols = match self {
            InputAddress::File(_) => FILE_PROTOCOLS,
            InputAddress::Url(_) => NETWORK_PROTOCOLS,
            InputAddress::Stdin | InputAddress::Screen(_) => PIPE_PROTOCOLS,
        };
        let mut options = vec![("protocol_whitelist", protocols)];
        if !matches!(self, InputAddress::File(_)) {
            // Looking at 1.5 s finds the streams of every live encoder; the default of 5 s would delay the picture.
            options.push(("analyzeduration", "1500000"));
        }
        match self.scheme().as_deref() {
            Some("rtsp" | "rtsps") => options.push(match self.rtsp_transport() {
                Some((_, transport)) => ("rtsp_transport", transport),
                // Over UDP the first lost packet smears the picture; it stays as the way for cameras that know only that.
                None => ("rtsp_flags", "prefer_tcp"),
            }),
            // A full receive buffer loses packets either way; it need not end the stream too.
            Some("udp" | "rtp") => options.push(("overrun_nonfatal", "1")),
            // A film whose connection breaks is taken up at the place where it broke.
            Some("http" | "https") => options.extend([("reconnect", "1"), ("reconnect_delay_max", "4")]),
            _ => {}
        }
        options
    }
}

impl fmt::Debug for InputAddress {
    /// Settings are logged whole: without passwords here too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl fmt::Display for InputAddress {
    /// For people and logs: without passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InputAddress::File(path) => write!(f, "{}", path.display()),
            InputAddress::Url(url) => f.write_str(&without_key(url, without_secrets(url))),
            InputAddress::Stdin => f.write_str("standard input"),
            InputAddress::Screen(None) => f.write_str("screen"),
            InputAddress::Screen(Some(which)) => write!(f, "screen {which}"),
        }
    }
}

/// Who knows the path at which we listen may push to it, and status.json is for everybody to read.
fn without_key(url: &str, shown: String) -> String {
    let is_rtmp = url.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("rtmp://"));
    if !is_rtmp || matches!(listening::place(url, ""), Ok(None)) {
        return shown;
    }
    let base = shown.split_once('?').map_or(&*shown, |(base, _)| base).trim_end_matches('/');
    match base.rsplit_once('/') {
        Some((before, key)) if !before.ends_with('/') && !key.is_empty() => format!("{before}/***"),
        _ => shown,
    }
}

fn without_secrets(url: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let mut shown = without_user(base);
    let pairs = query.into_iter().flat_map(|query| query.split('&'));
    for (nr, pair) in pairs.enumerate() {
        shown.push(if nr == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((key, _)) if SECRET_KEYS.iter().any(|secret| key.to_ascii_lowercase().contains(secret)) => {
                shown.push_str(key);
                shown.push_str("=***");
            }
            _ => shown.push_str(pair),
        }
    }
    // A password may itself hold the question mark.
    if query.is_some_and(|query| query.contains('@')) && !base.contains('@') {
        without_user(url)
    } else {
        shown
    }
}

fn without_user(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority_ends = rest.find('/').unwrap_or(rest.len());
    let authority = &rest[..authority_ends];
    let host_starts = match authority.rfind('@') {
        Some(at) => Some(at + 1),
        // A slash in the password: what looks like a port is no number, and an @ comes later.
        None => authority
            .rsplit_once(':')
            .filter(|(_, port)| !port.ends_with(']') && !port.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|_| rest.rfind('@').map(|at| at + 1)),
    };
    match host_starts {
        Some(1) if authority.starts_with('@') => url.to_owned(),
        Some(host_starts) => format!("{scheme}://***@{}", &rest[host_starts..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, shown: &str) {
        assert_eq!(InputAddress::Url(url.to_owned()).to_string(), shown);
    }

    #[test]
    fn passwords_are_never_shown() {
        check("rtsp://admin:secret@cam.local:554/1", "rtsp://***@cam.local:554/1");
        check("rtsp://admin:se@cr@t@cam.local/1", "rtsp://***@cam.local/1");
        check("rtsp://admin:se/cr?t@cam.local/1", "rtsp://***@cam.local/1");
        check("rtsp://admin:s?crt@cam.local/1", "rtsp://***@cam.local/1");
        check("srt://host:9000?mode=caller&passphrase=abc", "srt://host:9000?mode=caller&passphrase=***");
        check("https://host/live.m3u8?Token=abc&x=1", "https://host/live.m3u8?Token=***&x=1");
    }

    #[test]
    fn the_key_of_a_place_to_push_to_is_never_shown() {
        check("rtmp://0.0.0.0:1935/live/KEY", "rtmp://0.0.0.0:1935/live/***");
        check("rtmp://127.0.0.1:1935/a/b/KEY/?listen=1", "rtmp://127.0.0.1:1935/a/b/***");
        check("rtmp://0.0.0.0/KEY", "rtmp://0.0.0.0/***");
        check("rtmp://0.0.0.0", "rtmp://0.0.0.0");
        let address = InputAddress::Url("rtmp://0.0.0.0/live/KEY".into());
        assert_eq!(format!("{address:?}"), "\"rtmp://0.0.0.0/live/***\"");
    }

    #[test]
    fn the_transport_is_asked_of_libav_and_not_of_the_camera() {
        let check = |url: &str, name: &str, option: (&str, &str)| {
            let address = InputAddress::Url(url.to_owned());
            assert_eq!(address.libav_name().as_deref(), Some(name));
            assert!(address.libav_options().contains(&option), "{url}");
        };
        check("rtsp://cam/1", "rtsp://cam/1", ("rtsp_flags", "prefer_tcp"));
        check("rtsp://cam/1?channel=2", "rtsp://cam/1?channel=2", ("rtsp_flags", "prefer_tcp"));
        check("rtsp://cam/1?transport=udp", "rtsp://cam/1", ("rtsp_transport", "udp"));
        check("rtsp://cam/1?a=b&transport=tcp&c", "rtsp://cam/1?a=b&c", ("rtsp_transport", "tcp"));
    }

    #[test]
    fn what_holds_no_password_is_shown_whole() {
        for url in [
            "rtsp://cam.local:554/h264@1",
            "udp://239.0.0.1:1234",
            "http://[::1]:8080/a?b=c&d",
            "rtmp://host/app/@stream",
            "udp://@:5000",
            "nonsense",
            "",
        ] {
            check(url, url);
        }
    }

    #[test]
    fn only_files_may_read_files() {
        let protocols = |address: InputAddress| address.libav_options()[0].1.split(',').collect::<Vec<_>>();
        assert!(protocols(InputAddress::File("a.m3u8".into())).contains(&"file"));
        assert!(!protocols(InputAddress::Url("http://host/a.m3u8".into())).contains(&"file"));
        assert!(!protocols(InputAddress::Stdin).contains(&"file"));
    }

    #[test]
    fn a_path_with_a_colon_stays_a_path() {
        let address = InputAddress::File("http:x.mp4".into());
        assert_eq!(address.libav_name().as_deref(), Some("file:http:x.mp4"));
        assert_eq!(InputAddress::Url("http://a\0b".into()).libav_name(), None);
    }
}
