//! Address: where a playlist or a segment lies, on disk or on a server, and where the URIs in it lead.
//!
//! In: what was typed, and the URIs of playlists. Out: addresses. Pure.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use url::Url;

use livedir_address::shown;

/// Where something lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// On this machine.
    File(PathBuf),
    /// On a server; http or https.
    Url(Url),
}

/// Why a URI leads nowhere that can be looked at. One line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{uri}' is not an address that a stream can have; write a relative one, or http or https")]
pub struct AddressError {
    uri: String,
}

impl Address {
    /// As typed: what begins with http:// or https:// is a URL, all else a path.
    pub fn typed(subject: &OsStr) -> Result<Self, AddressError> {
        match subject.to_str() {
            Some(text) if is_http(text) => {
                Url::parse(text).map(Self::Url).map_err(|_| AddressError { uri: shown(text) })
            }
            _ => Ok(Self::File(PathBuf::from(subject))),
        }
    }

    /// Where a URI in the playlist at this address leads (RFC 8216 4.1: relative to the playlist that contains it). On disk
    /// the directory of the playlist stands for the root of the server.
    pub(crate) fn resolve(&self, uri: &str) -> Result<Self, AddressError> {
        let wrong = || AddressError { uri: shown(uri) };
        match self {
            Self::Url(base) => {
                let url = base.join(uri).map_err(|_| wrong())?;
                // A playlist from the web has no business among the files here.
                if matches!(url.scheme(), "http" | "https") { Ok(Self::Url(url)) } else { Err(wrong()) }
            }
            Self::File(_) if is_http(uri) => Url::parse(uri).map(Self::Url).map_err(|_| wrong()),
            Self::File(playlist) => {
                let path = uri.split(['?', '#']).next().unwrap_or_default();
                if path.is_empty() || has_scheme(path) {
                    return Err(wrong());
                }
                let path = percent_decoded(path).ok_or_else(wrong)?;
                let directory = playlist.parent().unwrap_or(Path::new(""));
                Ok(Self::File(directory.join(path.trim_start_matches('/'))))
            }
        }
    }
}

impl fmt::Display for Address {
    /// For people: without passwords.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(out),
            Self::Url(url) => out.write_str(&shown(url.as_str())),
        }
    }
}

fn is_http(text: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

/// `data:…`, `file:///…`; a colon behind a slash or a dot belongs to a name.
fn has_scheme(uri: &str) -> bool {
    let is_scheme =
        |before: &str| !before.is_empty() && before.bytes().all(|byte| byte.is_ascii_alphanumeric());
    uri.split_once(':').is_some_and(|(before, _)| is_scheme(before))
}

/// `a%20b.ts` → `a b.ts`; `None` when the bytes are no UTF-8.
fn percent_decoded(path: &str) -> Option<String> {
    percent_decode_str(path).decode_utf8().ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(base: &str, uri: &str, expected: Option<&str>) {
        let base = Address::typed(OsStr::new(base)).unwrap();
        assert_eq!(base.resolve(uri).ok().map(|address| address.to_string()).as_deref(), expected);
    }

    #[test]
    fn uris_on_disk_are_relative_to_the_playlist() {
        check("/srv/stream.m3u8", "live/a.ts", Some("/srv/live/a.ts"));
        check("/srv/stream.m3u8", "live/a%20b%.ts?token=1", Some("/srv/live/a b%.ts"));
        check("/srv/stream.m3u8", "/live/a.ts", Some("/srv/live/a.ts"));
        check("/srv/stream.m3u8", "live/at 12:30.ts", Some("/srv/live/at 12:30.ts"));
        check("stream.m3u8", "a.ts", Some("a.ts"));
        check("/srv/stream.m3u8", "https://example.com/a.ts", Some("https://example.com/a.ts"));
        check("/srv/stream.m3u8", "data:,a", None);
        check("/srv/stream.m3u8", "file:///etc/passwd", None);
        check("/srv/stream.m3u8", "%ff", None);
        check("/srv/stream.m3u8", "?a", None);
    }

    #[test]
    fn uris_on_a_server_never_lead_to_files_here() {
        check("HTTP://example.com/a/stream.m3u8?b=c", "live/a.ts", Some("http://example.com/a/live/a.ts"));
        check("https://example.com/a/stream.m3u8", "/live/a.ts", Some("https://example.com/live/a.ts"));
        check("https://example.com/a/stream.m3u8", "//b.example/a.ts", Some("https://b.example/a.ts"));
        check("https://example.com/a/stream.m3u8", "file:///etc/passwd", None);
    }

    #[test]
    fn a_password_is_not_told() {
        let typed = |text: &str| Address::typed(OsStr::new(text));
        let address = typed("http://user:secret@example.com/stream.m3u8?token=secret").unwrap();
        assert_eq!(address.to_string(), "http://***@example.com/stream.m3u8?***");
        let error = typed("http://user:sec/ret@example.com/").unwrap_err().to_string();
        assert!(error.contains("'http://***'"), "{error}");
    }

    #[test]
    fn a_url_that_is_none_is_told() {
        let error = Address::typed(OsStr::new("http://:80")).unwrap_err();
        assert!(error.to_string().contains("'http://:80'"), "{error}");
    }
}
