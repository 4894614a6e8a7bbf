//! What servers do wrong is found, each by its rule and by no other.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use livedir_playlist::{Directives, Edge, Reload, delta_update};

use super::stream;
use crate::support::check::check;

/// What the server does wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fault {
    Nothing,
    /// None, but `main.m3u8` is another file at each request: `main-0.m3u8`, `main-1.m3u8`, …
    NewMain,
    PlaylistType,
    SegmentType,
    CachedPlaylist,
    NoCors,
    NoGzip,
    Redirect,
    MissingSegment,
    /// Of `ll.m3u8`: `_HLS_part` without `_HLS_msn` is answered.
    PartAlone,
    /// A request for a segment far ahead is answered.
    FarAhead,
    /// A request for the next part is answered without it.
    NotHeld,
    /// `_HLS_skip` is not heeded.
    NoDelta,
    /// A delta update has other parts than the whole playlist.
    OtherDelta,
    /// What is hinted at cannot be had.
    NoHint,
    /// None: what is hinted at cannot be had, and the list says so from then on (bis-22 6.2.6).
    LostHint,
}

#[test]
fn each_fault_of_a_server_is_found_by_its_rule() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    stream(webroot, 6);
    let playlist = webroot.join("stream.m3u8");
    let text = fs::read_to_string(&playlist).unwrap();
    // Only what is live must not be cached.
    fs::write(&playlist, text.replace("#EXT-X-ENDLIST\n", "")).unwrap();
    for (fault, rules, status) in [
        (Fault::Nothing, &[][..], 0),
        (Fault::PlaylistType, &["playlist-type-wrong"], 0),
        (Fault::SegmentType, &["segment-type-wrong"], 0),
        (Fault::CachedPlaylist, &["playlist-stale-in-caches"], 1),
        (Fault::NoCors, &["cors-missing"], 0),
        (Fault::NoGzip, &["playlist-not-gzip"], 1),
        (Fault::Redirect, &["redirected"], 1),
        (Fault::MissingSegment, &["status-not-ok"], 1),
    ] {
        let address = serve(webroot, fault);
        let checked = check(&[format!("{address}/stream.m3u8")]);
        assert_eq!((checked.rules(), checked.status), (rules.to_vec(), status), "{fault:?}: {checked:#?}");
    }
}

#[test]
fn a_playlist_that_never_ends_is_given_up_packed_or_not() {
    let directory = tempfile::tempdir().unwrap();
    let endless = "#EXTM3U\n".repeat(1 << 20);
    fs::write(directory.path().join("stream.m3u8"), endless).unwrap();
    for fault in [Fault::Nothing, Fault::NoGzip] {
        let checked = check(&[format!("{}/stream.m3u8", serve(directory.path(), fault))]);
        assert!(checked.status == 2 && checked.complaints.contains("more than"), "{checked:#?}");
    }
    let checked = check(&[directory.path()]);
    assert!(checked.status == 2 && checked.complaints.contains("more than"), "{checked:#?}");
}

/// Serves a webroot until the test program ends.
pub(super) fn serve(webroot: &Path, fault: Fault) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (webroot, mains) = (webroot.to_owned(), Arc::new(AtomicUsize::new(0)));
    std::thread::spawn(move || {
        for mut connection in listener.incoming().map_while(Result::ok) {
            let (webroot, mains) = (webroot.clone(), mains.clone());
            std::thread::spawn(move || answer(&mut connection, &webroot, fault, &mains));
        }
    });
    address
}

/// Answers one request. A client that has gone away is no concern of the test.
pub(super) fn answer(
    connection: &mut (impl Read + Write),
    webroot: &Path,
    fault: Fault,
    mains: &AtomicUsize,
) -> Option<()> {
    let mut lines = BufReader::new(&mut *connection).lines().map_while(Result::ok);
    let request = lines.next()?;
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    let target = request.split(' ').nth(1)?.trim_start_matches('/');
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut path = path.to_owned();
    if fault == Fault::NewMain && path == "main.m3u8" {
        path = format!("main-{}.m3u8", mains.fetch_add(1, Ordering::Relaxed));
    }
    let is_playlist = Path::new(&path).extension().is_some_and(|extension| extension == "m3u8");
    if fault == Fault::Redirect && path == "stream.m3u8" {
        fs::copy(webroot.join(&path), webroot.join("moved.m3u8")).ok()?;
        let moved = "HTTP/1.1 302 Found\r\nlocation: /moved.m3u8\r\naccess-control-allow-origin: *\r\n\
                     cache-control: no-cache\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        return connection.write_all(moved.as_bytes()).ok();
    }
    let is_missing = fault == Fault::MissingSegment && path.ends_with("3.ts");
    let (status, mut body) = match fs::read(webroot.join(&path)) {
        Ok(text) if path == "ll.m3u8" => reload(&String::from_utf8(text).ok()?, query, fault),
        Ok(body) if !is_missing => ("200 OK", body),
        Err(_) if fault == Fault::LostHint => {
            lose_hinted_part(webroot, &path)?;
            ("404 Not Found", Vec::new())
        }
        Err(_) if fault != Fault::NoHint => hinted_part(webroot, &path),
        _ => ("404 Not Found", Vec::new()),
    };
    let mut headers = vec![match (is_playlist, fault) {
        (true, Fault::PlaylistType) | (false, Fault::SegmentType) => "content-type: text/html",
        (true, _) => "content-type: application/vnd.apple.mpegurl",
        (false, _) => "content-type: video/mp2t",
    }];
    if is_playlist && fault != Fault::NoGzip {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&body).ok()?;
        body = packed.finish().ok()?;
        headers.push("content-encoding: gzip");
    }
    headers.push(match fault {
        Fault::CachedPlaylist if is_playlist => "cache-control: max-age=86400",
        _ => "cache-control: no-cache",
    });
    if fault != Fault::NoCors {
        headers.push("access-control-allow-origin: *");
    }
    let head = format!(
        "HTTP/1.1 {status}\r\n{}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        headers.join("\r\n"),
        body.len()
    );
    connection.write_all(head.as_bytes()).ok()?;
    connection.write_all(&body).ok()
}

/// What becomes of a request for a low-latency playlist that never changes.
fn reload(text: &str, query: &str, fault: Fault) -> (&'static str, Vec<u8>) {
    let refused = ("400 Bad Request", Vec::new());
    let answered = |text: String| ("200 OK", text.into_bytes());
    let is_faulty = |it: Fault| fault == it;
    let Ok(directives) = Directives::of_query(query) else {
        return if is_faulty(Fault::PartAlone) { answered(text.to_owned()) } else { refused };
    };
    match Edge::of(text).map(|edge| edge.judge(directives)) {
        Some(Reload::BadRequest(_)) if !is_faulty(Fault::FarAhead) => refused,
        Some(Reload::Wait) if !is_faulty(Fault::NotHeld) => ("503 Service Unavailable", Vec::new()),
        _ if directives.skip && !is_faulty(Fault::NoDelta) => {
            let delta = delta_update(text).expect("a window that is long enough");
            answered(if is_faulty(Fault::OtherDelta) { delta.replace(".p01.ts", ".p91.ts") } else { delta })
        }
        _ => answered(text.to_owned()),
    }
}

/// Nothing new ever comes: the part that is hinted at is one that was there.
fn hinted_part(webroot: &Path, path: &str) -> (&'static str, Vec<u8>) {
    let edge = fs::read_to_string(webroot.join("ll.m3u8")).ok().and_then(|text| Edge::of(&text));
    match edge.and_then(|edge| edge.hint) {
        Some(hint) if hint == path => ("200 OK", vec![0x47; 188]),
        _ => ("404 Not Found", Vec::new()),
    }
}

/// The part is lost, and the one behind it is hinted at.
fn lose_hinted_part(webroot: &Path, path: &str) -> Option<()> {
    let list = webroot.join("ll.m3u8");
    let text = fs::read_to_string(&list).ok()?;
    let hint = format!("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{path}\"");
    let replaced = format!("#EXT-X-PART:DURATION=0.1,URI=\"{path}\",GAP=YES\n{}", hint.replace(".p", ".p9"));
    fs::write(list, text.replace(&hint, &replaced)).ok()
}
