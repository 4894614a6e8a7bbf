//! What a playlist lists: its text in, paths of files of this site out. Pure; survives any text.

use crate::http::paths::{self, ResourceKind, Target};

/// Viewers are at the live edge, which is the end; a playlist of a whole day lists some 40,000.
const MOST_LISTED: usize = 1_000;

/// The segments of a playlist, by the path that they have in the site; `playlist` is its own.
pub(crate) fn segments(playlist: &Target, text: &[u8]) -> Vec<Target> {
    let Ok(text) = str::from_utf8(text) else { return Vec::new() };
    let lines = text.lines().rev().map(str::trim_end).filter_map(uri);
    let targets = lines.filter_map(|uri| target(&playlist.path, uri));
    targets.filter(|target| target.kind == ResourceKind::Segment).take(MOST_LISTED).collect()
}

/// RFC 8216 4.1: each line is a URI, is blank, or starts with the character '#'. Tags name files in an attribute.
fn uri(line: &str) -> Option<&str> {
    if let Some(tag) = line.strip_prefix("#EXT") {
        let (_, value) = tag.split_once("URI=\"")?;
        return value.split_once('"').map(|(uri, _)| uri);
    }
    (!line.starts_with('#') && !line.is_empty()).then_some(line)
}

/// RFC 3986 5.2, for what stays on this site: a path, absolute or beside the playlist.
pub(super) fn target(playlist_path: &str, uri: &str) -> Option<Target> {
    let path = uri.split(['?', '#']).next()?;
    let is_elsewhere =
        path.starts_with("//") || path.split('/').next().is_some_and(|part| part.contains(':'));
    if is_elsewhere {
        return None;
    }
    if path.starts_with('/') {
        return paths::resolve(path);
    }
    let mut parts: Vec<&str> = playlist_path.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()?),
            _ => parts.push(part),
        }
    }
    paths::resolve(&format!("/{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(playlist_path: &str, text: &str, expected: &[&str]) {
        let playlist = paths::resolve(playlist_path).unwrap();
        let actual = segments(&playlist, text.as_bytes());
        let actual: Vec<&str> = actual.iter().rev().map(|target| target.path.as_str()).collect();
        assert_eq!(actual, expected, "{playlist_path} {text}");
    }

    #[test]
    fn segments_are_found_from_where_the_playlist_is() {
        check(
            "/stream.m3u8",
            "#EXTM3U\r\n#EXTINF:2,\r\nlive/a.ts\r\n\r\nlive/b.ts",
            &["live/a.ts", "live/b.ts"],
        );
        check(
            "/live/low.m3u8",
            "#EXTM3U\na.ts\n./b.ts\n../live/c.ts\n/live/d.ts",
            &["live/a.ts", "live/b.ts", "live/c.ts", "live/d.ts"],
        );
        check("/stream.m3u8", "#EXT-X-PART:DURATION=0.3,URI=\"live/a.1.ts\"\n", &["live/a.1.ts"]);
        check("/stream.m3u8", "live/a%20b.ts?x=1\n", &["live/a b.ts"]);
    }

    #[test]
    fn what_is_elsewhere_or_no_segment_is_left_out() {
        for text in [
            "http://example.org/live/a.ts",
            "//example.org/live/a.ts",
            "../live/a.ts",
            "live/.a.ts",
            "live/../../a.ts",
            "other/a.ts",
            "low.m3u8",
            "# live/a.ts",
            "#EXT-X-MAP:URI=\"live/a.ts",
            "live/a%00.ts",
            "\u{feff}",
        ] {
            check("/stream.m3u8", text, &[]);
        }
        assert!(segments(&paths::resolve("/a.m3u8").unwrap(), b"live/\xff.ts\n").is_empty());
    }

    #[test]
    fn of_a_long_playlist_the_end_is_listed() {
        let lines: Vec<String> = (0..MOST_LISTED + 5).map(|number| format!("live/{number}.ts")).collect();
        let listed = segments(&paths::resolve("/stream.m3u8").unwrap(), lines.join("\n").as_bytes());
        assert_eq!((listed.len(), listed[0].path.as_str()), (MOST_LISTED, "live/1004.ts"));
    }
}
