//! Which file a request path means, and what sort of resource that is. Pure: text in, decision out, no look at the disk.
//!
//! The decision is made once, on the decoded path; what goes on to the disk is the plain result, so that no other
//! reading of the same bytes can follow.

use livedir_layout::files::STATUS;
use livedir_layout::formats::{ENDING, is_unserved};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// A file that may be looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Relative to webroot, decoded, without `.`, `..`, empty or hidden parts: `live/seg-00000001.ts`.
    pub(crate) path: String,
    pub(crate) kind: ResourceKind,
}

/// What a file is to a player; it decides the headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResourceKind {
    /// Replaced every second or two under the same name.
    Playlist,
    /// `status.json`, replaced like a playlist.
    Status,
    /// Never changes under its name.
    Segment,
    /// The player page and its assets: change when livedir is updated.
    Page,
}

/// What RFC 3986 2.3 calls unreserved, and the slash between parts.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Decides what the path of a request URI means; `None` is a 404.
pub(crate) fn resolve(uri_path: &str) -> Option<Target> {
    let decoded = percent_decode_str(uri_path).decode_utf8().ok()?;
    if !decoded.starts_with('/') || decoded.contains(is_unserved) {
        return None;
    }
    let mut parts: Vec<&str> = decoded.split('/').filter(|part| !part.is_empty()).collect();
    // Covers `.` and `..` too: a dot name is work in progress or somebody's secret.
    if parts.iter().any(|part| part.starts_with('.')) {
        return None;
    }
    if decoded.ends_with('/') {
        parts.push("index.html");
    }
    let path = parts.join("/");
    Some(Target { kind: kind(&path), path })
}

/// The target of a path that is decoded already, as a directory lists it; `None` for what is not served.
pub(crate) fn resolve_plain(path: &str) -> Option<Target> {
    let parts = path.split('/');
    let is_plain = !path.contains(is_unserved);
    let are_shown = parts.clone().all(|part| !part.is_empty() && !part.starts_with('.'));
    (is_plain && are_shown).then(|| Target { kind: kind(path), path: path.to_owned() })
}

impl Target {
    /// The one way to write this path in a URI.
    pub(crate) fn uri_path(&self) -> String {
        format!("/{}", utf8_percent_encode(&self.path, ENCODED))
    }
}

fn kind(path: &str) -> ResourceKind {
    if path == STATUS {
        return ResourceKind::Status;
    }
    match extension(path) {
        "m3u8" => ResourceKind::Playlist,
        // `live` of this webroot, or of one that is a directory in it.
        ENDING if path.split('/').rev().skip(1).any(|directory| directory == "live") => ResourceKind::Segment,
        _ => ResourceKind::Page,
    }
}

/// `ts` of `live/seg-00000001.ts`, empty when there is none.
pub(crate) fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri_path: &str, expected: Option<(&str, ResourceKind)>) {
        let actual = resolve(uri_path);
        assert_eq!(actual.as_ref().map(|target| (target.path.as_str(), target.kind)), expected, "{uri_path}");
    }

    #[test]
    fn a_path_names_a_file_and_its_kind() {
        check("/", Some(("index.html", ResourceKind::Page)));
        check("/stream.m3u8", Some(("stream.m3u8", ResourceKind::Playlist)));
        check("/live/low/index.m3u8", Some(("live/low/index.m3u8", ResourceKind::Playlist)));
        check("/status.json", Some(("status.json", ResourceKind::Status)));
        check("/live/status.json", Some(("live/status.json", ResourceKind::Page)));
        check("/live/seg-00000001.ts", Some(("live/seg-00000001.ts", ResourceKind::Segment)));
        check("/one/live/seg-00000001.ts", Some(("one/live/seg-00000001.ts", ResourceKind::Segment)));
        check("/live.ts", Some(("live.ts", ResourceKind::Page)));
        check("/live2/a.ts", Some(("live2/a.ts", ResourceKind::Page)));
        check(
            "/player/node_modules/hls.js/src/hls.ts",
            Some(("player/node_modules/hls.js/src/hls.ts", ResourceKind::Page)),
        );
        check("/player/", Some(("player/index.html", ResourceKind::Page)));
        check("/player", Some(("player", ResourceKind::Page)));
    }

    #[test]
    fn different_spellings_mean_the_same_file() {
        check("//stream.m3u8", Some(("stream.m3u8", ResourceKind::Playlist)));
        check("/%73tream%2Em3u8", Some(("stream.m3u8", ResourceKind::Playlist)));
        check("/live%2fseg-00000001.ts", Some(("live/seg-00000001.ts", ResourceKind::Segment)));
        check("/caf%C3%A9.html", Some(("café.html", ResourceKind::Page)));
    }

    #[test]
    fn hidden_and_outside_names_mean_nothing() {
        for uri_path in [
            "/.",
            "/..",
            "/./stream.m3u8",
            "/live/../stream.m3u8",
            "/../etc/passwd",
            "/%2e%2e/etc/passwd",
            "/%2E%2e%2Fetc/passwd",
            "/live/..%2f..%2fetc/passwd",
            "/.git/config",
            "/%2egit/config",
            "/live/.seg.ts.a1",
            "/live%2f.seg.ts.a1",
            "/...",
            "//.hidden",
            "/..%5c..%5cetc",
            "/live\\seg",
            "/a%00.ts",
            "/a%0d%0ab",
            "/%7f",
            "/%ff",
            "/%c0%ae%c0%ae/",
            "",
            "*",
            "stream.m3u8",
        ] {
            check(uri_path, None);
        }
    }

    #[test]
    fn decoding_happens_once() {
        check("/%252e%252e/etc/passwd", Some(("%2e%2e/etc/passwd", ResourceKind::Page)));
        assert_eq!(resolve("/%252e%252e/x").unwrap().uri_path(), "/%252e%252e/x");
        check("/100%", Some(("100%", ResourceKind::Page)));
        assert_eq!(resolve("/100%").unwrap().uri_path(), "/100%25");
    }

    #[test]
    fn the_written_uri_resolves_to_the_same_target() {
        for uri_path in ["/", "//a//b.ts", "/caf%C3%A9%20%3f%23.html", "/%25", "/live/seg-00000001.ts"] {
            let target = resolve(uri_path).unwrap();
            assert_eq!(resolve(&target.uri_path()), Some(target), "{uri_path}");
        }
    }
}
