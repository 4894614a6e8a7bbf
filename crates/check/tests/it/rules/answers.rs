//! Answers of a server, and segments that have left.

use livedir_check::rules::{HttpAnswer, Removal, Requested};

use super::Case;

/// Of a live playlist of 2 s, as `livedir-server` answers.
fn playlist() -> HttpAnswer {
    let kind = Requested::Playlist { live_target_duration_s: Some(2) };
    let cache_control = "no-cache, no-store, must-revalidate";
    answer("/stream.m3u8", kind, "application/vnd.apple.mpegurl", cache_control)
}

/// Of a segment, as `livedir-server` answers.
fn segment() -> HttpAnswer {
    answer("/live/seg-00000042.ts", Requested::Segment, "video/mp2t", "no-cache")
}

fn answer(path: &str, kind: Requested, content_type: &str, cache_control: &str) -> HttpAnswer {
    let headers = [
        ("content-type", content_type),
        ("cache-control", cache_control),
        ("access-control-allow-origin", "*"),
        ("date", "Sun, 01 Mar 2026 12:00:30 GMT"),
    ];
    HttpAnswer {
        url: format!("http://localhost:8080{path}"),
        kind,
        status: 200,
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        bytes: 700,
        was_gzip: matches!(kind, Requested::Playlist { .. }),
        redirects: 0,
    }
}

fn without(name: &str, mut answer: HttpAnswer) -> HttpAnswer {
    answer.headers.retain(|(it, _)| it != name);
    answer
}

fn with_header(name: &str, value: &str, answer: HttpAnswer) -> HttpAnswer {
    let mut answer = without(name, answer);
    answer.headers.push((name.to_owned(), value.to_owned()));
    answer
}

fn octets() -> HttpAnswer {
    with_header("content-type", "application/octet-stream", playlist())
}

fn with_expires(expires: &str) -> HttpAnswer {
    with_header("expires", expires, without("cache-control", playlist()))
}

fn removed(status: u16, since_removed_s: f64) -> HttpAnswer {
    HttpAnswer { status, kind: Requested::Removed { since_removed_s, must_stay_s: 22.0 }, ..segment() }
}

fn removal(since_removed_s: f64, is_available: bool) -> Removal {
    Removal { at: "live/seg-00000042.ts".to_owned(), since_removed_s, must_stay_s: 22.0, is_available }
}

pub(super) fn broken() -> Vec<(&'static str, Case)> {
    let answers = vec![
        ("status-not-ok", HttpAnswer { status: 404, ..segment() }),
        ("status-not-ok", HttpAnswer { status: 503, headers: Vec::new(), ..playlist() }),
        ("redirected", HttpAnswer { redirects: 1, ..segment() }),
        ("playlist-type-wrong", with_header("content-type", "audio/x-mpegurl", playlist())),
        ("playlist-type-wrong", without("content-type", playlist())),
        ("playlist-unidentified", HttpAnswer { url: "http://a.b/stream".to_owned(), ..octets() }),
        ("playlist-unidentified", HttpAnswer { url: "http://a.b/list?x=.m3u8".to_owned(), ..octets() }),
        ("segment-type-wrong", with_header("content-type", "video/vnd.dlna.mpeg-tts", segment())),
        ("playlist-not-gzip", HttpAnswer { was_gzip: false, ..playlist() }),
        ("playlist-stale-in-caches", with_header("cache-control", "public, max-age=86400", playlist())),
        ("playlist-stale-in-caches", with_header("cache-control", "max-age=1, s-maxage=3", playlist())),
        ("playlist-stale-in-caches", with_expires("Sun, 01 Mar 2026 12:00:34 GMT")),
        ("playlist-kept-long", with_header("cache-control", "max-age=2", playlist())),
        ("playlist-caching-unsaid", without("cache-control", playlist())),
        ("playlist-caching-unsaid", with_header("cache-control", "public", playlist())),
        ("last-modified-stale", with_header("last-modified", "Sun, 01 Mar 2026 12:00:23 GMT", playlist())),
        ("cors-missing", without("access-control-allow-origin", playlist())),
        ("cors-missing", without("access-control-allow-origin", segment())),
        ("removed-too-early", removed(404, 21.0)),
        ("removed-too-early", removed(410, 0.0)),
    ];
    let mut cases: Vec<_> = answers.into_iter().map(|(id, answer)| (id, Case::Answer(answer))).collect();
    cases.push(("removed-too-early", Case::Removal(removal(21.0, false))));
    cases
}

#[test]
fn good_answers_are_not_found() {
    #[track_caller]
    fn check(answer: HttpAnswer) {
        Case::Answer(answer).assert_clean();
    }
    check(playlist());
    check(segment());
    check(HttpAnswer { status: 206, ..segment() });
    check(with_header("content-type", "Application/Vnd.Apple.MpegURL; charset=utf-8", playlist()));
    check(with_header("content-type", "audio/mpegurl", playlist()));
    check(with_header("cache-control", "max-age=1", playlist()));
    check(with_header("cache-control", "MAX-AGE=0", playlist()));
    check(with_header("cache-control", "private, max-age=60", playlist()));
    check(with_expires("0"));
    check(with_expires("Sun, 01 Mar 2026 12:00:31 GMT"));
    check(with_header("last-modified", "Sun, 01 Mar 2026 12:00:24 GMT", playlist()));
    check(with_header("cache-control", "public, max-age=86400, immutable", segment()));
    check(HttpAnswer { url: "http://localhost/stream".to_owned(), ..playlist() });
    check(HttpAnswer { url: "http://localhost/live/a.bin?x=b.ts".to_owned(), ..segment() });
    // What does not change may be kept.
    let kind = Requested::Playlist { live_target_duration_s: None };
    check(HttpAnswer { kind, ..without("cache-control", playlist()) });
}

#[test]
fn a_segment_may_go_when_its_grace_is_over() {
    Case::Answer(removed(200, 1.0)).assert_clean();
    Case::Answer(removed(206, 1.0)).assert_clean();
    Case::Answer(removed(404, 22.0)).assert_clean();
    Case::Removal(removal(1.0, true)).assert_clean();
    Case::Removal(removal(22.0, false)).assert_clean();
}
