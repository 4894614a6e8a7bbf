//! What a server answers: types, caching, gzip, CORS, and whether what has left a playlist stays for its grace.

use crate::rules::finding::{Finding, Findings, excerpt};
use crate::rules::rule::{Rule, must, should};
use livedir_layout::formats::media_types;
use livedir_playlist::tag_values::decimal;

pub(crate) static STATUS: Rule =
    must("status-not-ok", "RFC 8216 6.2.1", "What is listed can be had at once, with status 200.");
pub(crate) static REDIRECTED: Rule =
    must("redirected", "Apple 8.18", "The server answers itself: a redirect is a round trip on each load.");
pub(crate) static PLAYLIST_UNIDENTIFIED: Rule = must(
    "playlist-unidentified",
    "RFC 8216 4",
    "A playlist is known as one by its path, .m3u8 or .m3u, or by its type.",
);
pub(crate) static PLAYLIST_TYPE: Rule =
    should("playlist-type-wrong", "Apple 10.4", "A playlist is sent as application/vnd.apple.mpegurl.");
pub(crate) static SEGMENT_TYPE: Rule =
    should("segment-type-wrong", "Apple 10.4", "A segment is sent with the type of its format.");
pub(crate) static PLAYLIST_NOT_GZIP: Rule =
    must("playlist-not-gzip", "Apple 10.1", "Playlists are packed with gzip for those who ask for it.");
pub(crate) static PLAYLIST_STALE_IN_CACHES: Rule = must(
    "playlist-stale-in-caches",
    "RFC 8216 6.2.1",
    "No cache gives out a live playlist when a newer one is due: after one and a half target durations.",
);
pub(crate) static PLAYLIST_KEPT_LONG: Rule = should(
    "playlist-kept-long",
    "bis-22 B.1",
    "Caches keep a live playlist for at most half a target duration.",
);
pub(crate) static CACHING_UNSAID: Rule = should(
    "playlist-caching-unsaid",
    "RFC 9111 4.2.2",
    "The answer says how long a live playlist may be kept, or caches guess.",
);
pub(crate) static LAST_MODIFIED_STALE: Rule = should(
    "last-modified-stale",
    "Apple 8.24",
    "Last-Modified of a live playlist is at most three target durations before Date.",
);
pub(crate) static CORS_MISSING: Rule = should(
    "cors-missing",
    "Fetch, CORS protocol",
    "Pages of other sites may play the stream: Access-Control-Allow-Origin says so.",
);
pub(crate) static REMOVED_TOO_EARLY: Rule = must(
    "removed-too-early",
    "RFC 8216 6.2.2",
    "A segment that left the playlist stays for its own duration and that of the longest playlist that had it.",
);

/// Apple 10.4; RFC 8216 4 allows the second as well.
const PLAYLIST_TYPES: &[&str] = &["application/vnd.apple.mpegurl", "audio/mpegurl"];

/// An answer to GET, or to HEAD of a segment that has left the playlist.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpAnswer {
    /// As it was asked for, before any redirect.
    pub url: String,
    /// What was asked for.
    pub kind: Requested,
    /// Of the last answer.
    pub status: u16,
    /// Names in lower case; in order, repeated ones too.
    pub headers: Vec<(String, String)>,
    /// Size of the body as it was used, unpacked.
    pub bytes: u64,
    /// Whether the body came packed. The request must have allowed gzip.
    pub was_gzip: bool,
    /// How many redirects were followed.
    pub redirects: u32,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Requested {
    /// A playlist.
    Playlist {
        /// Of a live media playlist, its target duration, seconds; `None` for one that does not change.
        live_target_duration_s: Option<u64>,
    },
    /// A listed segment, or what EXT-X-MAP names.
    Segment,
    /// A segment that has left the playlist.
    Removed {
        /// Since the first version without it was seen, seconds.
        since_removed_s: f64,
        /// Its own duration and that of the longest playlist that contained it, seconds.
        must_stay_s: f64,
    },
}

/// A segment that has left the playlist, wherever it lies.
#[derive(Debug, Clone, PartialEq)]
pub struct Removal {
    /// Such as `live/seg-00000042.ts` or `GET /live/seg-00000042.ts`.
    pub at: String,
    /// Since the first version without it was seen, seconds.
    pub since_removed_s: f64,
    /// Its own duration and that of the longest playlist that contained it, seconds.
    pub must_stay_s: f64,
    /// Whether it can still be had.
    pub is_available: bool,
}

/// Holds an answer to the rules.
#[must_use]
pub fn check_http(answer: &HttpAnswer) -> Vec<Finding> {
    let at = format!("GET {}", answer.url);
    let mut findings = Findings::new(&at);
    if answer.redirects > 0 {
        findings.whole(&REDIRECTED, format!("{} redirects", answer.redirects), "the answer itself");
    }
    let is_there = matches!(answer.status, 200 | 206);
    match answer.kind {
        Requested::Removed { since_removed_s, must_stay_s } => {
            let seen = format!("status {}", answer.status);
            check_stays(&mut findings, is_there, &seen, since_removed_s, must_stay_s);
        }
        _ if !is_there => {
            findings.whole(&STATUS, format!("status {}", answer.status), "200");
        }
        Requested::Playlist { live_target_duration_s } => {
            let is_named_so = matches!(extension(&answer.url), Some("m3u8" | "m3u"));
            let rule = if is_named_so { &PLAYLIST_TYPE } else { &PLAYLIST_UNIDENTIFIED };
            check_type(&mut findings, answer, rule, PLAYLIST_TYPES);
            check_cors(&mut findings, answer);
            if !answer.was_gzip {
                let seen = format!("{} bytes that were not packed", answer.bytes);
                findings.whole(&PLAYLIST_NOT_GZIP, seen, "content-encoding: gzip");
            }
            if let Some(target_s) = live_target_duration_s {
                check_caching(&mut findings, answer, target_s as f64);
            }
        }
        Requested::Segment => {
            if let Some(types) = segment_types(&answer.url) {
                check_type(&mut findings, answer, &SEGMENT_TYPE, types);
            }
            check_cors(&mut findings, answer);
        }
    }
    findings.found
}

/// Holds a segment that has left the playlist to its grace: on a disk, where there is no answer to look at.
#[must_use]
pub fn check_removal(removal: &Removal) -> Vec<Finding> {
    let mut findings = Findings::new(&removal.at);
    let Removal { is_available, since_removed_s, must_stay_s, .. } = *removal;
    check_stays(&mut findings, is_available, "no such file", since_removed_s, must_stay_s);
    findings.found
}

fn check_stays(
    findings: &mut Findings<'_>,
    is_there: bool,
    seen: &str,
    since_removed_s: f64,
    must_stay_s: f64,
) {
    if !is_there && since_removed_s < must_stay_s {
        let seen = format!("{seen} {since_removed_s:.1} s after it left the playlist");
        findings.whole(&REMOVED_TOO_EARLY, seen, format!("it there for {must_stay_s:.1} s"));
    }
}

fn check_type(findings: &mut Findings<'_>, answer: &HttpAnswer, rule: &'static Rule, types: &[&str]) {
    let found = answer.header("content-type").unwrap_or("none");
    let essence = found.split(';').next().unwrap_or_default().trim();
    if !types.iter().any(|it| it.eq_ignore_ascii_case(essence)) {
        findings.whole(rule, format!("content-type: {}", excerpt(found)), types.join(" or "));
    }
}

fn check_cors(findings: &mut Findings<'_>, answer: &HttpAnswer) {
    if answer.header("access-control-allow-origin").is_none() {
        let expected = "access-control-allow-origin: *";
        findings.whole(&CORS_MISSING, "no access-control-allow-origin", expected);
    }
}

fn check_caching(findings: &mut Findings<'_>, answer: &HttpAnswer, target_s: f64) {
    match caches_keep_s(answer) {
        None => {
            let expected = "cache-control: no-cache, or max-age of half a target duration";
            findings.whole(&CACHING_UNSAID, "no cache-control and no expires", expected);
        }
        Some(keep_s) if keep_s >= 1.5 * target_s => {
            let seen = format!("caches may keep it for {keep_s} s");
            findings.whole(&PLAYLIST_STALE_IN_CACHES, seen, format!("at most {} s", target_s / 2.0));
        }
        Some(keep_s) if keep_s > 0.5 * target_s => {
            let seen = format!("caches may keep it for {keep_s} s");
            findings.whole(&PLAYLIST_KEPT_LONG, seen, format!("at most {} s", target_s / 2.0));
        }
        Some(_) => {}
    }
    let date_s = |name: &str| answer.header(name).and_then(http_date_s);
    if let (Some(date_s), Some(modified_s)) = (date_s("date"), date_s("last-modified"))
        && date_s - modified_s > 3.0 * target_s
    {
        let seen = format!("last-modified {:.0} s before date", date_s - modified_s);
        findings.whole(&LAST_MODIFIED_STALE, seen, format!("at most {} s", 3.0 * target_s));
    }
}

/// How long a shared cache may give it out without asking, seconds; `None` when the answer does not say.
fn caches_keep_s(answer: &HttpAnswer) -> Option<f64> {
    let directives: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| name == "cache-control")
        .flat_map(|(_, value)| value.split(','))
        .map(|it| it.trim().to_ascii_lowercase())
        .collect();
    let has = |name: &str| directives.iter().any(|it| it == name);
    let age_s = |name: &str| {
        let value = directives.iter().find_map(|it| it.strip_prefix(name)?.strip_prefix('='))?;
        decimal(value.trim_matches('"'))
    };
    // RFC 9111 5.2.2.
    if has("no-store") || has("no-cache") || has("private") {
        return Some(0.0);
    }
    if let Some(age_s) = age_s("s-maxage").or_else(|| age_s("max-age")) {
        return Some(age_s);
    }
    // RFC 9111 5.3: what is no date is in the past.
    let expires_s = http_date_s(answer.header("expires")?);
    let now_s = answer.header("date").and_then(http_date_s);
    Some(expires_s.zip(now_s).map_or(0.0, |(expires_s, now_s)| (expires_s - now_s).max(0.0)))
}

fn http_date_s(value: &str) -> Option<f64> {
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(at.as_second() as f64)
}

/// Apple 10.4; `None` for names that it does not speak of.
fn segment_types(url: &str) -> Option<&'static [&'static str]> {
    match extension(url)? {
        "m4v" | "m4a" => media_types("mp4"),
        "mp3" => Some(&["audio/mpeg"]),
        "ac3" => Some(&["audio/ac3"]),
        "ec3" => Some(&["audio/eac3"]),
        "webvtt" => media_types("vtt"),
        ending => media_types(ending),
    }
}

/// Of the file that a URL names.
fn extension(url: &str) -> Option<&str> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let (_, file) = path.rsplit_once('/')?;
    file.rsplit_once('.').map(|(_, extension)| extension)
}

impl HttpAnswer {
    /// The first header of this name.
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.trim())
    }
}
