//! Which headers an answer has. Pure: kind of resource, status and settings in, header values out.
//!
//! `nginx.conf.example` says the same in nginx's words; a test holds the two together.

use std::time::SystemTime;

use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderValue};
use livedir_layout::formats::media_types;

use crate::http::paths::{ResourceKind, Target, extension};

/// The type that RFC 8216 4 gives to playlists.
const PLAYLIST_TYPE: &str = "application/vnd.apple.mpegurl";

/// Of RFC 9110 5.6.7 dates, which have four digits for the year.
const END_OF_YEAR_9999_S: u64 = 253_402_300_800;

/// What can be done with a file.
pub(crate) const METHODS: &str = "GET, HEAD, OPTIONS";

/// By the ending of the name; guesses of the system or of a library call .ts a TypeScript or a DLNA file.
pub(crate) fn content_type(path: &str) -> &'static str {
    match extension(path) {
        "m3u8" => PLAYLIST_TYPE,
        "vtt" => "text/vtt; charset=utf-8",
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "xml" => "application/xml",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        "webmanifest" => "application/manifest+json",
        "txt" | "md" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "m4v" => "video/mp4",
        "webm" => "video/webm",
        ending => match media_types(ending) {
            Some([media_type, ..]) => media_type,
            _ => "application/octet-stream",
        },
    }
}

/// Whether conditions are heeded for a file from disk. A playlist is then always sent: a tag of size and date could only save
/// bytes by risking a stale 304. From memory it has a tag of its content.
pub(crate) fn has_conditions(kind: ResourceKind) -> bool {
    matches!(kind, ResourceKind::Segment | ResourceKind::Page)
}

/// What caches may do with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caching {
    /// Not even for a moment.
    Never,
    /// Keep, but ask before each use; a 304 is enough.
    AskFirst,
    /// Keep and use without asking, in shared caches too.
    Immutable { max_age_s: u32 },
}

/// Decides how long an answer stays true.
pub(crate) fn caching(kind: ResourceKind, status: StatusCode, segment_max_age_s: u32) -> Caching {
    if status.is_client_error() || status.is_server_error() {
        // The segment that is missing now may be there in a second.
        return Caching::Never;
    }
    match kind {
        ResourceKind::Playlist | ResourceKind::Status => Caching::Never,
        ResourceKind::Segment if segment_max_age_s > 0 => Caching::Immutable { max_age_s: segment_max_age_s },
        ResourceKind::Segment | ResourceKind::Page => Caching::AskFirst,
    }
}

/// Writes the decision down; what is never cached has no validators, and no ranges to ask for later.
pub(crate) fn set_caching(headers: &mut HeaderMap, caching: Caching) {
    match caching {
        Caching::Never => {
            headers.insert(
                header::CACHE_CONTROL,
                HeaderValue::from_static("no-cache, no-store, must-revalidate"),
            );
            headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
            headers.insert(header::EXPIRES, HeaderValue::from_static("0"));
            headers.remove(header::ETAG);
            headers.remove(header::LAST_MODIFIED);
            headers.remove(header::ACCEPT_RANGES);
        }
        Caching::AskFirst => {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        }
        Caching::Immutable { max_age_s } => {
            if let Ok(value) = HeaderValue::try_from(format!("public, max-age={max_age_s}, immutable")) {
                headers.insert(header::CACHE_CONTROL, value);
            }
        }
    }
}

/// The headers of a 200; `modified` of a file whose date says something.
pub(crate) fn of_file(
    target: &Target,
    tag: &HeaderValue,
    is_gzip: bool,
    modified: Option<SystemTime>,
    segment_max_age_s: u32,
) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(12);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(&target.path)));
    set_caching(&mut headers, caching(target.kind, StatusCode::OK, segment_max_age_s));
    headers.insert(header::ETAG, tag.clone());
    match target.kind {
        ResourceKind::Playlist => {
            headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        ResourceKind::Segment | ResourceKind::Page => {
            headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        }
        ResourceKind::Status => {}
    }
    if is_gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.extend(modified.and_then(http_date).map(|date| (header::LAST_MODIFIED, date)));
    set_cors(&mut headers);
    headers
}

/// `None` for a time that HTTP has no words for: before 1970, or after 9999.
fn http_date(time: SystemTime) -> Option<HeaderValue> {
    let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let has_words = since_1970.as_secs() < END_OF_YEAR_9999_S;
    has_words.then(|| HeaderValue::try_from(httpdate::fmt_http_date(time)).ok())?
}

/// Whether these are the headers of what is true for a moment only: of a playlist, or of a refusal.
pub(crate) fn is_for_now(headers: &HeaderMap) -> bool {
    headers.contains_key(header::PRAGMA)
}

/// Pages of other sites may play the stream, and see why if it fails.
pub(crate) fn set_cors(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("Content-Length, Content-Range, Date, ETag"),
    );
}

/// What can be done, and what a browser wants to know before it sends a request with a header of its own.
pub(crate) fn set_preflight(headers: &mut HeaderMap) {
    headers.insert(header::ALLOW, HeaderValue::from_static(METHODS));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*"));
    // A day: browsers cap it lower themselves.
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[track_caller]
    fn check_caching(kind: ResourceKind, status: u16, segment_max_age_s: u32, expected: Caching) {
        assert_eq!(caching(kind, StatusCode::from_u16(status).unwrap(), segment_max_age_s), expected);
    }

    #[test]
    fn only_a_segment_that_exists_is_ever_kept_unasked() {
        let immutable = Caching::Immutable { max_age_s: 60 };
        for status in [200, 206, 304] {
            check_caching(ResourceKind::Segment, status, 0, Caching::AskFirst);
            check_caching(ResourceKind::Segment, status, 60, immutable);
            check_caching(ResourceKind::Page, status, 60, Caching::AskFirst);
            check_caching(ResourceKind::Playlist, status, 60, Caching::Never);
            check_caching(ResourceKind::Status, status, 60, Caching::Never);
        }
        for status in [404, 405, 412, 416, 500] {
            check_caching(ResourceKind::Segment, status, 60, Caching::Never);
            check_caching(ResourceKind::Page, status, 60, Caching::Never);
        }
    }

    #[test]
    fn an_answer_that_is_never_cached_loses_its_validators() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ETAG, HeaderValue::from_static("\"a\""));
        headers.insert(header::LAST_MODIFIED, HeaderValue::from_static("Sun, 22 Nov 2026 14:39:16 GMT"));
        set_caching(&mut headers, Caching::Never);
        assert!(is_for_now(&headers));
        assert_eq!(headers.get(header::ETAG), None);
        assert_eq!(headers.get(header::LAST_MODIFIED), None);
        assert_eq!(headers[header::CACHE_CONTROL], "no-cache, no-store, must-revalidate");
    }

    #[test]
    fn dates_that_http_has_no_words_for_are_left_out() {
        let after_1970 = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(http_date(after_1970(0)).unwrap(), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(http_date(after_1970(END_OF_YEAR_9999_S - 1)).unwrap(), "Fri, 31 Dec 9999 23:59:59 GMT");
        assert_eq!(http_date(after_1970(END_OF_YEAR_9999_S)), None);
        assert_eq!(http_date(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), None);
    }

    #[test]
    fn nginx_is_configured_with_the_same_types() {
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../nginx.conf.example");
        let text = std::fs::read_to_string(example).unwrap();
        let (_, types) = text.split_once("    types {\n").unwrap();
        let (types, _) = types.split_once('}').unwrap();
        let mut names = 0;
        for line in
            types.lines().map(|line| line.trim().trim_end_matches(';')).filter(|line| !line.is_empty())
        {
            let (content_type, extensions) = match line.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap(),
                None => line.split_once(' ').unwrap(),
            };
            for extension in extensions.split_whitespace() {
                names += 1;
                assert_eq!(super::content_type(&format!("file.{extension}")), content_type, "{extension}");
            }
        }
        assert_eq!(names, 33, "an ending here has none there, or the other way round");
        assert_eq!(super::content_type("file"), "application/octet-stream");
        assert!(text.contains("default_type application/octet-stream;"));
    }
}
