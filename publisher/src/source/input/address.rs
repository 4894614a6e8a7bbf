//! Addresses: what the user named, what libav is told about it, and what people may see of it.

use livedir_address::{shown, shown_path_or_mistyped};
use std::fmt;
use std::path::PathBuf;

/// Where the media comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum InputAddress {
    /// A file on this machine.
    File(PathBuf),
    /// An address with a scheme, such as `rtsp://camera.local/1`.
    Url(String),
    /// A file that says where RTP is sent to, and what: a session description, RFC 8866.
    Session(PathBuf),
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
/// RTP comes from wherever the file says, and its keys may be in it.
const SESSION_PROTOCOLS: &str = "file,udp,rtp,srtp,crypto,data";
/// What comes down a pipe has no files beside it.
const PIPE_PROTOCOLS: &str = "pipe,crypto,data";

/// The schemes that [`InputAddress::Url`] takes.
pub(crate) const SCHEMES: [&str; 14] = [
    "rtsp", "rtsps", "rtmp", "rtmps", "rtmpt", "rtmpts", "rtmpe", "srt", "http", "https", "udp", "rtp",
    "tcp", "rist",
];

impl InputAddress {
    /// A file, as people type its name.
    #[must_use]
    pub fn of_path(path: PathBuf) -> Self {
        let is_session = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("sdp"));
        if is_session { InputAddress::Session(path) } else { InputAddress::File(path) }
    }

    /// Whether it is sent by another machine or program, and may be away for a time.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        matches!(self, InputAddress::Url(_) | InputAddress::Session(_))
    }

    /// From `screen` or `screen:1`, as people type it.
    #[must_use]
    pub fn screen(typed: &str) -> Option<Self> {
        match typed.strip_prefix("screen")? {
            "" => Some(InputAddress::Screen(None)),
            rest => Some(InputAddress::Screen(Some(rest.strip_prefix(':')?.to_owned()))),
        }
    }

    /// What viewers may know of it, where nobody has given the stream a title.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            InputAddress::File(_) => "film",
            InputAddress::Screen(_) => "screen",
            InputAddress::Url(_) if matches!(self.scheme().as_deref(), Some("rtsp" | "rtsps")) => "camera",
            InputAddress::Url(_) | InputAddress::Session(_) | InputAddress::Stdin => "stream",
        }
    }

    /// The scheme of a URL, in lower case.
    pub(crate) fn scheme(&self) -> Option<String> {
        match self {
            InputAddress::Url(url) => url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase()),
            _ => None,
        }
    }

    /// The name under which libav opens it; nothing if libav cannot be told the name.
    pub(crate) fn libav_name(&self) -> Option<String> {
        let name = match self {
            // With the prefix no path can be mistaken for a URL or an option, as `a:b.mp4` would be.
            InputAddress::File(path) | InputAddress::Session(path) => format!("file:{}", path.to_str()?),
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
    pub(crate) fn libav_options(&self) -> Vec<(&'static str, &'static str)> {
        let protocols = match self {
            InputAddress::File(_) => FILE_PROTOCOLS,
            InputAddress::Url(_) => NETWORK_PROTOCOLS,
            InputAddress::Session(_) => SESSION_PROTOCOLS,
            InputAddress::Stdin | InputAddress::Screen(_) => PIPE_PROTOCOLS,
        };
        let mut options = vec![("protocol_whitelist", protocols)];
        if matches!(self, InputAddress::File(_)) {
            // A name with a % is that of one picture, too.
            options.push(("pattern_type", "none"));
        } else {
            // Looking at 1.5 s finds the streams of every live encoder; the default of 5 s would delay the picture.
            options.push(("analyzeduration", "1500000"));
            // So much tells each format, also behind the cover of an MP3. By default libav reads a megabyte where it is not sure, which takes a camera that
            // sends MJPEG some seconds.
            options.push(("formatprobesize", "262144"));
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
            InputAddress::File(path) | InputAddress::Session(path) => {
                f.write_str(&shown_path_or_mistyped(&path.to_string_lossy()))
            }
            InputAddress::Url(url) => f.write_str(&shown(url)),
            InputAddress::Stdin => f.write_str("standard input"),
            InputAddress::Screen(None) => f.write_str("screen"),
            InputAddress::Screen(Some(which)) => write!(f, "screen {which}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_messages_nor_settings_show_a_password() {
        let address = InputAddress::Url("rtsp://u:a@b/c@host/".into());
        assert_eq!(
            (address.to_string(), format!("{address:?}")),
            ("rtsp://***".into(), "\"rtsp://***\"".into())
        );
        let mistyped = InputAddress::File("rtsp:/u:secret@host/".into());
        assert_eq!(mistyped.to_string(), "***");
    }

    #[test]
    fn the_kind_is_all_that_viewers_learn_of_an_address() {
        let url = |url: &str| InputAddress::Url(url.to_owned());
        for (address, kind) in [
            (InputAddress::File("secret.mp4".into()), "film"),
            (InputAddress::Stdin, "stream"),
            (InputAddress::Screen(None), "screen"),
            (url("rtsp://cam/1"), "camera"),
            (url("rtmp://host/live/1"), "stream"),
            (url("rtmp://0.0.0.0/live/KEY"), "stream"),
            (url("srt://127.0.0.1:9000?mode=listener"), "stream"),
        ] {
            assert_eq!(address.kind(), kind, "{address}");
        }
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
