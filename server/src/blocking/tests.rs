//! Every branch of the request rules, without a disk and in paused time: it moves on when nobody has anything to do.

use std::fmt::Write as _;

use axum::body::to_bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, VARY};
use axum::http::{HeaderMap, Method};
use tokio::time::sleep;

use super::*;
use crate::blocking::waiters::tests::Someone;

/// Ten segments of two parts are complete before number `open`, and so many of its parts are listed. Target duration 2 s.
fn list(open: u64, parts: u64) -> String {
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n\
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0,PART-HOLD-BACK=3.0\n\
        #EXT-X-PART-INF:PART-TARGET=1.0\n#EXT-X-MEDIA-SEQUENCE:{}\n",
        open - 10
    );
    let part = |text: &mut String, segment: u64, part: u64| {
        writeln!(text, "#EXT-X-PART:DURATION=1.0,URI=\"live/{segment}.p{part}.ts\"").unwrap();
    };
    for segment in open - 10..open {
        (0..2).for_each(|number| part(&mut text, segment, number));
        write!(text, "#EXTINF:2.0,\nlive/{segment}.ts\n").unwrap();
    }
    (0..parts).for_each(|number| part(&mut text, open, number));
    writeln!(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"live/{open}.p{parts}.ts\"").unwrap();
    text
}

fn ended(list: &str) -> String {
    let (before_hint, _) = list.split_once("#EXT-X-PRELOAD-HINT").unwrap();
    format!("{before_hint}#EXT-X-ENDLIST\n")
}

/// What happens to the playlist.
#[derive(Clone)]
enum Event {
    Is(String),
    Gone,
    /// There is no memory for it.
    NoMemory,
    /// The server stops.
    Stop,
}
use Event::{Gone, Is, NoMemory, Stop};

fn waits() -> Waits {
    Waits { all: BlockedRequests::new(100), waiter: Arc::new(Someone::default()) }
}

/// Each event at its time in milliseconds.
fn happening(events: &[(u64, Event)]) -> watch::Receiver<Newest> {
    let (newest, versions) = watch::channel(Newest::Unknown);
    let events = events.to_vec();
    tokio::spawn(async move {
        let start = Instant::now();
        for (at_ms, event) in events {
            sleep((start + Duration::from_millis(at_ms)) - Instant::now()).await;
            match event {
                Is(text) => newest.send_replace(Newest::Version(Version::of_text("ll.m3u8", &text))),
                Gone => newest.send_replace(Newest::Missing),
                NoMemory => newest.send_replace(Newest::NoMemory),
                Stop => return,
            };
        }
        newest.closed().await;
    });
    versions
}

fn request(method: &Method, headers: &[(HeaderName, &str)]) -> Request<()> {
    let mut request = Request::new(());
    request.method_mut().clone_from(method);
    for (name, value) in headers {
        request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
    }
    request
}

async fn asked(query: &str, events: &[(u64, Event)], request: Request<()>) -> (Response, u64) {
    let start = Instant::now();
    let response = reload(happening(events), Directives::of_query(query), request, waits()).await;
    (response, start.elapsed().as_millis() as u64)
}

async fn text(response: Response) -> String {
    String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
}

/// Checks status and time of the answer, and that a 200 is the list of the last event until then.
async fn check(query: &str, events: &[(u64, Event)], status: u16, at_ms: u64) {
    let (response, took_ms) = asked(query, events, request(&Method::GET, &[])).await;
    assert_eq!(response.status(), status, "{query}");
    assert!((at_ms..at_ms + 3).contains(&took_ms), "{query}: {took_ms} ms instead of {at_ms}");
    if status == 200 {
        let lists = events.iter().filter(|(time_ms, _)| *time_ms <= at_ms);
        let last =
            lists.filter_map(|(_, event)| if let Is(text) = event { Some(text) } else { None }).next_back();
        assert_eq!(Some(&text(response).await), last, "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_listed_is_answered_at_once() {
    let now = [(0, Is(list(20, 1))), (100, Is(list(20, 2)))];
    for query in
        ["_HLS_msn=19", "_HLS_msn=3", "_HLS_msn=0", "_HLS_msn=20&_HLS_part=0", "_HLS_part=1&_HLS_msn=19"]
    {
        check(query, &now, 200, 0).await;
    }
    // Long gone: the current list is to be sent (bis 6.2.5.2).
    check("_HLS_msn=2&_HLS_part=7", &now, 200, 0).await;
    check("_HLS_other=1&token=2", &now, 200, 0).await;
}

#[tokio::test(start_paused = true)]
async fn what_comes_is_waited_for_and_answered_with_the_first_list_that_has_it() {
    let events = [
        (0, Is(list(20, 0))),
        (500, Is(list(20, 1))),
        (1500, Is(list(20, 2))),
        (2500, Is(list(21, 0))),
        (3500, Is(list(21, 2))),
        (4500, Is(list(22, 0))),
    ];
    check("_HLS_msn=20&_HLS_part=0", &events, 200, 500).await;
    check("_HLS_msn=20&_HLS_part=1", &events, 200, 1500).await;
    check("_HLS_msn=20", &events, 200, 2500).await;
    check("_HLS_msn=21&_HLS_part=0", &events, 200, 3500).await;
    check("_HLS_msn=21&_HLS_part=1", &events, 200, 3500).await;
    check("_HLS_msn=21", &events, 200, 4500).await;
}

#[tokio::test(start_paused = true)]
async fn a_part_behind_the_last_of_its_segment_is_the_first_of_the_next() {
    let events = [(0, Is(list(20, 1))), (700, Is(list(21, 0))), (900, Is(list(21, 1)))];
    check("_HLS_msn=19&_HLS_part=2", &events, 200, 0).await;
    // Segment 20 turns out to have two parts, and it is the third that is waited for.
    check("_HLS_msn=20&_HLS_part=2", &events, 200, 900).await;
    let events = [(0, Is(list(20, 0))), (700, Is(list(20, 1)))];
    check("_HLS_msn=19&_HLS_part=2", &events, 200, 700).await;
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_refused_at_once() {
    for (query, why) in [
        ("_HLS_part=1", "_HLS_part needs _HLS_msn\n"),
        ("_HLS_msn=22", "_HLS_msn is more than two segments ahead\n"),
        ("_HLS_msn=22&_HLS_part=0", "_HLS_msn is more than two segments ahead\n"),
        ("_HLS_msn=20&_HLS_part=5", "_HLS_part is too far ahead\n"),
        ("_HLS_msn=x", "_HLS_msn is not a whole number\n"),
        ("_HLS_msn=20&_HLS_part=-1", "_HLS_part is not a whole number\n"),
        ("_HLS_msn=99999999999999999999999", "_HLS_msn is not a whole number\n"),
    ] {
        check(query, &[(0, Is(list(20, 1)))], 400, 0).await;
        let (response, _) = asked(query, &[(0, Is(list(20, 1)))], request(&Method::GET, &[])).await;
        assert!(response.headers()[CACHE_CONTROL].to_str().unwrap().contains("no-store"));
        assert_eq!(text(response).await, why, "{query}");
    }
    check("_HLS_msn=20&_HLS_part=4", &[(0, Is(list(20, 1))), (9, Is(list(21, 3)))], 200, 9).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_longer_than_three_target_durations() {
    check("_HLS_msn=20", &[(0, Is(list(20, 0)))], 503, 6000).await;
    // That something comes does not help whoever waits for something else.
    check(
        "_HLS_msn=21",
        &[(0, Is(list(20, 0))), (5900, Is(list(20, 1))), (6100, Is(list(22, 0)))],
        503,
        6000,
    )
    .await;
    check("_HLS_msn=20", &[(0, Is(list(20, 0))), (5990, Is(list(21, 0)))], 200, 5990).await;
    let slow = list(20, 0).replace("TARGETDURATION:2", "TARGETDURATION:3600");
    check("_HLS_msn=20", &[(0, Is(slow))], 503, 60_000).await;
    let (response, _) = asked("_HLS_msn=20", &[(0, Is(list(20, 0)))], request(&Method::GET, &[])).await;
    assert_eq!(response.headers()[RETRY_AFTER], "1");
    // The disk says nothing at all.
    check("_HLS_msn=20", &[], 503, 60_000).await;
}

#[tokio::test(start_paused = true)]
async fn a_list_that_has_ended_or_cannot_be_waited_for_is_sent_whatever_is_asked() {
    let plain = list(20, 1).replace("CAN-BLOCK-RELOAD=YES,", "");
    for text in [ended(&list(20, 1)), plain] {
        for query in ["_HLS_msn=20", "_HLS_msn=99", "_HLS_part=1", "_HLS_msn=x"] {
            check(query, &[(0, Is(text.clone()))], 200, 0).await;
        }
    }
    check("_HLS_skip=YES", &[(0, Is(ended(&list(20, 1))))], 200, 0).await;
    check("_HLS_msn=21", &[(0, Is(list(20, 0))), (800, Is(ended(&list(20, 0))))], 200, 800).await;
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_not_there_is_not_found_whatever_is_asked() {
    for query in ["_HLS_msn=20", "_HLS_part=0", "_HLS_msn=x"] {
        check(query, &[(0, Gone)], 404, 0).await;
    }
    check("_HLS_msn=20", &[(0, Is(list(20, 0))), (800, Gone), (900, Is(list(21, 0)))], 404, 800).await;
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_comes_back_serves_those_who_waited_for_the_old_one() {
    let closed = list(21, 1).replace("live/20.ts\n", "live/20.ts\n#EXT-X-DISCONTINUITY\n");
    check("_HLS_msn=20&_HLS_part=1", &[(0, Is(list(20, 1))), (4000, Is(closed.clone()))], 200, 4000).await;
    check("_HLS_msn=21&_HLS_part=0", &[(0, Is(list(20, 1))), (4000, Is(closed))], 200, 4000).await;
    // One that counts from the beginning again: what is waited for will not be there for hours.
    check("_HLS_msn=20", &[(0, Is(list(20, 1))), (4000, Is(list(12, 1)))], 400, 4000).await;
}

#[tokio::test(start_paused = true)]
async fn a_player_that_has_the_old_segments_is_sent_a_delta_update() {
    let events = [(0, Is(list(20, 0))), (500, Is(list(20, 1)))];
    for query in ["_HLS_msn=20&_HLS_part=0&_HLS_skip=YES", "_HLS_skip=v2&_HLS_msn=20&_HLS_part=0"] {
        let (response, took_ms) = asked(query, &events, request(&Method::GET, &[])).await;
        assert!((500..503).contains(&took_ms), "{took_ms}");
        let text = text(response).await;
        assert!(text.contains("#EXT-X-SKIP:SKIPPED-SEGMENTS=4\n") && text.contains("20.p0.ts"), "{text}");
    }
    check("_HLS_msn=20&_HLS_part=0&_HLS_skip=NO", &events, 200, 500).await;
}

#[tokio::test(start_paused = true)]
async fn conditions_encodings_and_methods_are_heeded_after_the_wait() {
    let events = [(0, Is(list(20, 0))), (500, Is(list(20, 1)))];
    let ask = |method, headers: &[(HeaderName, &str)]| {
        let request = request(&method, headers);
        let events = events.clone();
        async move { asked("_HLS_msn=20&_HLS_part=0", &events, request).await.0 }
    };
    let plain = ask(Method::GET, &[]).await;
    assert_eq!(plain.headers()[CACHE_CONTROL], "no-cache, no-store, must-revalidate");
    assert_eq!(plain.headers()[VARY], "accept-encoding");
    let tag = plain.headers()[ETAG].to_str().unwrap().to_owned();
    let old_tag = Version::of_text("ll.m3u8", &list(20, 0)).answer(false, &Method::GET, &HeaderMap::new());
    let old_tag = old_tag.headers()[ETAG].to_str().unwrap().to_owned();

    // It is the answer that the tag is held against, not the list of the time of the question.
    assert_eq!(ask(Method::GET, &[(IF_NONE_MATCH, &old_tag)]).await.status(), 200);
    assert_eq!(ask(Method::GET, &[(IF_NONE_MATCH, &tag)]).await.status(), 304);
    let head = ask(Method::HEAD, &[]).await;
    assert_eq!(head.headers()[CONTENT_LENGTH], list(20, 1).len().to_string());
    assert_eq!(text(head).await, "");
    let packed = ask(Method::GET, &[(ACCEPT_ENCODING, "gzip")]).await;
    assert_eq!(packed.headers()[CONTENT_ENCODING], "gzip");
    assert_ne!(packed.headers()[ETAG], plain.headers()[ETAG]);
}

/// Checks whether the part is looked for in the end, or refused with 503, and when that is decided.
async fn check_part(path: &str, events: &[(u64, Event)], expected: Result<(), u16>, at_ms: u64) {
    let start = Instant::now();
    let target = paths::resolve(path).unwrap();
    let decided = part(happening(events), &target, &waits()).await;
    let took_ms = start.elapsed().as_millis() as u64;
    let decided = decided.map(|_| ()).map_err(|refusal| refusal.status().as_u16());
    assert_eq!(decided, expected, "{path}");
    assert!((at_ms..at_ms + 3).contains(&took_ms), "{path}: {took_ms} ms instead of {at_ms}");
}

#[tokio::test(start_paused = true)]
async fn a_part_is_waited_for_as_long_as_it_is_hinted_at() {
    let events = [(0, Is(list(20, 1))), (100, Is(list(20, 1) + "\n")), (900, Is(list(20, 2)))];
    check_part("/live/20.p1.ts", &events, Ok(()), 900).await;
    for path in ["/live/20.p0.ts", "/live/20.p2.ts", "/live/21.p0.ts", "/one/live/20.p1.ts"] {
        check_part(path, &events, Ok(()), 0).await;
    }
    // The list goes on without it.
    check_part("/live/20.p1.ts", &[(0, Is(list(20, 1))), (900, Is(list(21, 0)))], Ok(()), 900).await;
    check_part("/live/20.p1.ts", &[(0, Is(list(20, 1))), (900, Is(ended(&list(20, 1))))], Ok(()), 900).await;
    check_part("/live/20.p1.ts", &[(0, Is(list(20, 1))), (900, Gone)], Ok(()), 900).await;
    check_part("/live/20.p1.ts", &[(0, Gone)], Ok(()), 0).await;
    check_part("/live/20.p1.ts", &[(0, Is(list(20, 1)))], Err(503), 6000).await;
    check_part("/live/20.p1.ts", &[(0, Is(list(20, 1))), (900, Stop)], Err(503), 900).await;
}

/// `list` with this part lost.
fn with_lost(list: &str, part: &str) -> String {
    let listed = format!("URI=\"live/{part}.ts\"\n");
    assert!(list.contains(&listed), "{part} is not in {list}");
    list.replacen(&listed, &format!("URI=\"live/{part}.ts\",GAP=YES\n"), 1)
}

#[tokio::test(start_paused = true)]
async fn a_part_that_is_lost_is_waited_for_by_nobody() {
    let lost = with_lost(&list(20, 2), "20.p1");
    let events = [(0, Is(list(20, 1))), (900, Is(lost.clone()))];
    check_part("/live/20.p1.ts", &events, Ok(()), 900).await;
    check_part("/live/20.p1.ts", &[(0, Is(lost.clone()))], Ok(()), 0).await;
    // The part behind it is waited for as ever.
    let goes_on = [(0, Is(lost)), (900, Is(with_lost(&list(20, 3), "20.p1")))];
    check_part("/live/20.p2.ts", &goes_on, Ok(()), 900).await;
    // The list passes it over.
    check_part("/live/20.p1.ts", &[(0, Is(list(20, 1))), (900, Is(list(20, 3)))], Ok(()), 900).await;
    // The segment is complete, and its last part is lost.
    let complete = with_lost(&list(21, 0), "20.p1");
    check_part("/live/20.p1.ts", &[(0, Is(list(20, 1))), (900, Is(complete))], Ok(()), 900).await;
    // The whole segment is lost.
    let gap = list(21, 0).replace("#EXTINF:2.0,\nlive/20.ts", "#EXT-X-GAP\n#EXTINF:2.0,\nlive/20.ts");
    check_part("/live/20.p1.ts", &[(0, Is(list(20, 1))), (900, Is(gap))], Ok(()), 900).await;
    // A list that says both, as other programs may write it.
    let both = with_lost(&list(20, 2), "20.p1").replace("20.p2.ts", "20.p1.ts");
    check_part("/live/20.p1.ts", &[(0, Is(list(20, 1))), (900, Is(both))], Ok(()), 900).await;
}

#[tokio::test(start_paused = true)]
async fn a_part_that_is_lost_is_a_part_to_those_who_wait_for_the_list() {
    let events = [
        (0, Is(list(20, 0))),
        (500, Is(with_lost(&list(20, 1), "20.p0"))),
        (900, Is(with_lost(&list(21, 0), "20.p0"))),
    ];
    check("_HLS_msn=20&_HLS_part=0", &events, 200, 500).await;
    check("_HLS_msn=20&_HLS_part=1", &events, 200, 900).await;
    check("_HLS_msn=20", &events, 200, 900).await;
    // The last part of segment 19 is lost, and the one behind it is the first of segment 20.
    check("_HLS_msn=19&_HLS_part=1", &[(0, Is(with_lost(&list(20, 0), "19.p1")))], 200, 0).await;
    check("_HLS_msn=19&_HLS_part=2", &events, 200, 500).await;
}

#[tokio::test(start_paused = true)]
async fn at_the_stop_everybody_has_the_list_as_it_is() {
    check("_HLS_msn=20&_HLS_part=2", &[(0, Is(list(20, 1))), (600, Is(list(20, 2))), (900, Stop)], 200, 900)
        .await;
    check("_HLS_msn=20&_HLS_part=2", &[(100, Stop)], 503, 100).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_is_counted_until_it_is_over() {
    let events = [(0, Is(list(20, 0))), (500, Is(list(20, 1)))];
    let waits = waits();
    let ask = |query: &str| {
        let versions = happening(&events);
        reload(versions, Directives::of_query(query), request(&Method::GET, &[]), waits.clone())
    };
    let settled = tokio::spawn(ask("_HLS_msn=20&_HLS_part=0"));
    let leaves = tokio::spawn(ask("_HLS_msn=20"));
    sleep(Duration::from_millis(10)).await;
    assert_eq!(waits.all.blocked(), 2);
    // A third one of this connection.
    let refused = ask("_HLS_msn=20").await;
    assert_eq!((refused.status().as_u16(), refused.headers()[RETRY_AFTER].as_bytes()), (503, &b"1"[..]));
    let response = settled.await.unwrap();
    let blocked_for = response.extensions().get::<BlockedFor>().unwrap().0.as_millis();
    assert!((490..503).contains(&blocked_for), "{blocked_for}");
    leaves.abort();
    assert!(leaves.await.unwrap_err().is_cancelled());
    let ended = [End::Settled, End::Left, End::Refused].map(|end| waits.all.ended(end));
    assert_eq!((waits.all.blocked(), ended), (0, [1, 1, 1]));
}

#[track_caller]
fn check_playlist_of(path: &str, expected: Option<&str>) {
    let target = paths::resolve(path).unwrap();
    assert_eq!(playlist_of(&target).map(|it| it.path).as_deref(), expected, "{path}");
}

#[test]
fn parts_belong_to_the_playlist_beside_their_directory() {
    check_playlist_of("/live/seg-00000001.p00.ts", Some("ll.m3u8"));
    check_playlist_of("/one/live/seg-00000001.p123.ts", Some("one/ll.m3u8"));
    check_playlist_of("/live/720p/seg-00000001.p00.ts", Some("live/720p/ll.m3u8"));
    check_playlist_of("/live/seg-00000001.ts", None);
    check_playlist_of("/live/seg-00000001.p.ts", None);
    check_playlist_of("/live/seg-00000001.pa.ts", None);
    check_playlist_of("/other/seg-00000001.p00.ts", None);
}

#[test]
fn only_delivery_directives_concern_this_stage() {
    assert!(concerns(Some("a=b&_HLS_msn=3")));
    assert!(!concerns(Some("token=1")));
    assert!(!concerns(None));
}

#[tokio::test(start_paused = true)]
async fn without_memory_for_the_list_nobody_is_told_that_it_is_gone() {
    for events in [vec![(0, NoMemory)], vec![(0, Is(list(20, 0))), (500, NoMemory)]] {
        let at_ms = events.last().unwrap().0;
        check("_HLS_msn=20&_HLS_part=0", &events, 503, at_ms).await;
        let (response, _) = asked("_HLS_msn=20", &events, request(&Method::GET, &[])).await;
        assert_eq!(response.headers()[RETRY_AFTER], "1");
    }
}
