//! Types, caching headers, conditions, packing and permission for other sites: one check for each line of the contract.

use std::fs;

use crate::support::{Server, Webroot, ask, get, gunzip, segment, wait_until};

const NEVER: [(&str, &str); 5] = [
    ("Cache-Control", "no-cache, no-store, must-revalidate"),
    ("Pragma", "no-cache"),
    ("Expires", "0"),
    ("Last-Modified", ""),
    ("Accept-Ranges", ""),
];

const NO_TAG: (&str, &str) = ("ETag", "");

#[track_caller]
fn check(server: &Server, path: &str, status: u16, content_type: &str, expected: &[(&str, &str)]) {
    for method in ["GET", "HEAD"] {
        let answer = ask(server.address, method, path, &[]);
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.header("Content-Type"), content_type, "{method} {path}");
        assert_eq!(answer.header("Access-Control-Allow-Origin"), "*", "{method} {path}");
        assert_ne!(answer.header("Content-Length"), "", "{method} {path}");
        for (name, value) in expected {
            assert_eq!(&answer.header(name), value, "{name} of {method} {path}");
        }
    }
}

#[test]
fn each_kind_of_file_has_its_type_and_its_caching() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    let ask_first =
        [("Cache-Control", "no-cache"), ("Pragma", ""), ("Expires", ""), ("Accept-Ranges", "bytes")];
    check(&server, "/stream.m3u8", 200, "application/vnd.apple.mpegurl", &NEVER);
    check(&server, "/stream.m3u8?_=17", 200, "application/vnd.apple.mpegurl", &NEVER);
    check(&server, "/status.json", 200, "application/json", &NEVER);
    check(&server, "/live/seg-00000001.ts", 200, "video/mp2t", &ask_first);
    check(&server, "/live/empty.ts", 200, "video/mp2t", &ask_first);
    check(&server, "/", 200, "text/html; charset=utf-8", &ask_first);
    check(&server, "/index.html", 200, "text/html; charset=utf-8", &ask_first);
    check(&server, "/player/player.js", 200, "text/javascript; charset=utf-8", &ask_first);
    check(
        &server,
        "/player/node_modules/hls.js/dist/hls.min.js",
        200,
        "text/javascript; charset=utf-8",
        &ask_first,
    );
    check(&server, "/player/style.css", 200, "text/css; charset=utf-8", &ask_first);
    check(&server, "/player/icon.svg", 200, "image/svg+xml", &ask_first);
    check(&server, "/player/no-extension", 200, "application/octet-stream", &ask_first);
    for missing in ["/live/seg-00000002.ts", "/other.m3u8", "/nothing"] {
        check(&server, missing, 404, "text/plain; charset=utf-8", &NEVER);
        check(&server, missing, 404, "text/plain; charset=utf-8", &[NO_TAG]);
    }
}

#[test]
fn a_max_age_makes_existing_segments_immutable_and_nothing_else() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &["--segment-max-age", "10m"]);
    let immutable = [("Cache-Control", "public, max-age=600, immutable"), ("Pragma", ""), ("Expires", "")];
    check(&server, "/live/seg-00000001.ts", 200, "video/mp2t", &immutable);
    check(&server, "/live/seg-00000002.ts", 404, "text/plain; charset=utf-8", &NEVER);
    check(&server, "/stream.m3u8", 200, "application/vnd.apple.mpegurl", &NEVER);
    check(&server, "/", 200, "text/html; charset=utf-8", &[("Cache-Control", "no-cache")]);
    let beyond = get(server.address, "/live/seg-00000001.ts", &["Range: bytes=900000-"]);
    assert_eq!((beyond.status, beyond.header("Cache-Control").as_str()), (416, NEVER[0].1));
}

#[test]
fn a_playlist_is_packed_when_asked_for_and_nothing_else_is() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    let plain = get(server.address, "/stream.m3u8", &[]);
    assert_eq!(plain.header("Content-Encoding"), "");
    assert_eq!(plain.header("Vary").to_ascii_lowercase(), "accept-encoding");

    for accepted in ["gzip", "gzip, deflate, br, zstd", "br;q=1.0, gzip;q=0.5"] {
        let header = format!("Accept-Encoding: {accepted}");
        let packed = get(server.address, "/stream.m3u8", &[&header]);
        assert_eq!(packed.header("Content-Encoding"), "gzip", "{accepted}");
        assert_eq!(packed.header("Vary").to_ascii_lowercase(), "accept-encoding", "{accepted}");
        assert!(packed.body.len() < plain.body.len() / 2, "{accepted}: {} bytes", packed.body.len());
        assert_eq!(gunzip(&packed.body), plain.body, "{accepted}");
        for path in ["/live/seg-00000001.ts", "/", "/status.json", "/player/player.js", "/nothing.m3u8"] {
            let answer = get(server.address, path, &[&header]);
            assert_eq!(
                (answer.header("Content-Encoding"), answer.header("Vary")),
                (String::new(), String::new()),
                "{path}"
            );
        }
    }
    for refused in ["gzip;q=0", "identity", "br"] {
        let answer = get(server.address, "/stream.m3u8", &[&format!("Accept-Encoding: {refused}")]);
        assert_eq!(answer, get(server.address, "/stream.m3u8", &[]), "{refused}");
    }
}

#[test]
fn a_playlist_is_sent_whole_unless_its_content_is_known() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    for path in ["/stream.m3u8", "/status.json"] {
        let whole = get(server.address, path, &[]);
        let tag = whole.header("ETag");
        for condition in [
            "If-None-Match: \"other\"",
            "If-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT",
            "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT",
            "Range: bytes=0-3",
            &format!("Range: bytes=0-3\r\nIf-Range: {tag}"),
        ] {
            let answer = get(server.address, path, &[condition]);
            assert_eq!((answer.status, &answer.body), (200, &whole.body), "{path} {condition}");
        }
        for known in [format!("If-None-Match: {tag}"), format!("If-None-Match: \"a\", W/{tag}")] {
            let answer = get(server.address, path, &[&known]);
            assert_eq!((answer.status, answer.header("ETag")), (304, tag.clone()), "{path} {known}");
            assert_eq!(answer.header("Cache-Control"), NEVER[0].1, "{path} {known}");
        }
        assert_eq!(get(server.address, path, &["If-Match: \"other\""]).status, 412, "{path}");
    }
}

#[test]
fn the_tag_is_that_of_the_content_and_of_its_encoding() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    let gzip = "Accept-Encoding: gzip";
    let tags = || {
        [get(server.address, "/stream.m3u8", &[]), get(server.address, "/stream.m3u8", &[gzip])]
            .map(|answer| answer.header("ETag"))
    };
    let [plain, packed] = tags();
    assert_ne!(plain, packed, "RFC 9110 8.8.3.3");
    let known = format!("If-None-Match: {packed}");
    assert_eq!(get(server.address, "/stream.m3u8", &[gzip, &known]).status, 304);
    assert_eq!(get(server.address, "/stream.m3u8", &[&known]).status, 200, "it has the packed one");

    let content = fs::read(webroot.path().join("stream.m3u8")).unwrap();
    webroot.replace("stream.m3u8", b"#EXTM3U\n");
    wait_until("another tag", || tags()[0] != plain);
    webroot.replace("stream.m3u8", &content);
    wait_until("the same tag for the same content", || tags() == [plain.clone(), packed.clone()]);
}

#[test]
fn a_playlist_that_is_too_large_for_memory_has_no_tag_and_is_always_sent() {
    let webroot = Webroot::new();
    webroot.write("stream.m3u8", &[b"#EXTM3U\n#", &vec![b'x'; 9 << 20][..]].concat());
    let server = Server::start(&webroot.path(), &[]);
    check(&server, "/stream.m3u8", 200, "application/vnd.apple.mpegurl", &NEVER);
    check(&server, "/stream.m3u8", 200, "application/vnd.apple.mpegurl", &[NO_TAG]);
    assert_eq!(get(server.address, "/stream.m3u8", &["If-None-Match: *"]).status, 200);
}

#[test]
fn playlists_have_memory_of_their_own() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &["--cache-size", "0"]);
    let tag = get(server.address, "/stream.m3u8", &[]).header("ETag");
    assert_eq!(get(server.address, "/stream.m3u8", &[&format!("If-None-Match: {tag}")]).status, 304);
    assert!(
        get(server.address, "/stream.m3u8", &["Accept-Encoding: gzip"]).header("Content-Encoding") == "gzip"
    );
}

#[test]
fn what_is_larger_than_memory_is_sent_from_the_disk() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &["--cache-size", "100K"]);
    let playlist = get(server.address, "/stream.m3u8", &[]);
    assert_ne!(playlist.header("ETag"), "", "there is room for it");
    for _ in 0..3 {
        let listed = get(server.address, "/live/seg-00000001.ts", &[]);
        assert!(listed.status == 200 && listed.body == segment());
    }
    assert_eq!(get(server.address, "/stream.m3u8", &[]), playlist);
}

#[test]
fn a_segment_that_is_already_there_is_a_304() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &["--segment-max-age", "1h"]);
    for is_listed in [false, true] {
        if is_listed {
            assert_eq!(get(server.address, "/stream.m3u8", &[]).status, 200);
        }
        check_conditions(&server);
    }
}

#[track_caller]
fn check_conditions(server: &Server) {
    let path = "/live/seg-00000001.ts";
    let whole = get(server.address, path, &[]);
    let (tag, date) = (whole.header("ETag"), whole.header("Last-Modified"));
    assert!(tag.starts_with('"') && tag.ends_with('"'), "a strong tag: {tag}");

    for (condition, status) in [
        (format!("If-None-Match: {tag}"), 304),
        (format!("If-None-Match: \"other\", W/{tag}"), 304),
        ("If-None-Match: *".to_owned(), 304),
        ("If-None-Match: \"other\"".to_owned(), 200),
        (format!("If-Modified-Since: {date}"), 304),
        ("If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT".to_owned(), 200),
        (format!("If-Match: {tag}"), 200),
        ("If-Match: \"other\"".to_owned(), 412),
        ("If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT".to_owned(), 412),
    ] {
        let answer = get(server.address, path, &[&condition]);
        assert_eq!(answer.status, status, "{condition}");
        assert_eq!(answer.header("Access-Control-Allow-Origin"), "*", "{condition}");
        if status == 304 {
            // RFC 9110 15.4.5: MUST generate what a 200 would have had of these
            assert_eq!(answer.header("ETag"), tag, "{condition}");
            assert_eq!(answer.header("Cache-Control"), "public, max-age=3600, immutable", "{condition}");
        }
    }
}

#[test]
fn a_page_that_changed_has_another_tag() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    let tag = get(server.address, "/", &[]).header("ETag");
    webroot.replace("index.html", b"<!doctype html><title>changed</title>");
    let answer = get(server.address, "/", &[&format!("If-None-Match: {tag}")]);
    assert_eq!((answer.status, answer.text().as_str()), (200, "<!doctype html><title>changed</title>"));
}

#[test]
fn other_sites_may_play_the_stream() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    let origin = "Origin: https://example.org";
    let segment = get(server.address, "/live/seg-00000001.ts", &[origin, "Range: bytes=0-1"]);
    assert_eq!(segment.header("Access-Control-Allow-Origin"), "*");
    for exposed in ["Content-Length", "Content-Range", "Date", "ETag"] {
        assert!(segment.header("Access-Control-Expose-Headers").contains(exposed), "{exposed}");
    }
    assert_eq!(segment.header("Vary"), "", "the same answer for every site");

    let asked = [origin, "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: range"];
    let preflight = ask(server.address, "OPTIONS", "/live/seg-00000001.ts", &asked);
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("Access-Control-Allow-Origin"), "*");
    assert_eq!(preflight.header("Access-Control-Allow-Methods"), "GET, HEAD, OPTIONS");
    assert_eq!(preflight.header("Access-Control-Allow-Headers"), "*");
}

#[test]
fn other_methods_are_refused_with_the_allowed_ones() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"] {
        for path in ["/stream.m3u8", "/nothing"] {
            let answer = ask(server.address, method, path, &["Content-Length: 0"]);
            assert_eq!(
                (answer.status, answer.header("Allow").as_str()),
                (405, "GET, HEAD, OPTIONS"),
                "{method} {path}"
            );
        }
    }
    assert!(webroot.path().join("stream.m3u8").exists());
}
