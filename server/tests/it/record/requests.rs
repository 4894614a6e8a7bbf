//! The requests, each with the bytes that go out and the words that the record names it by.
//!
//! In `{tag}`, `{packed}` and `{date}` the validators of the same path go out. None of these requests is held.

use std::fmt::Write;

use super::site::TYPES;

const TRICKS: &str = include_str!("../path-tricks.txt");

/// Of the tricks with paths, one in so many is asked for: of all kinds there are some.
const TRICKS_STEP: usize = 7;

/// Longer requests are named by their beginning and their length.
const SHOWN_CHARS: usize = 150;

#[derive(Debug, Clone)]
pub struct Ask {
    pub bytes: Vec<u8>,
    /// What validators are those of.
    pub path: String,
    pub is_head: bool,
}

impl Ask {
    /// As browsers and players send it.
    fn new(method: &str, path: &str, headers: &[&str]) -> Ask {
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: livedir.test\r\n");
        for header in headers {
            let _ = write!(text, "{header}\r\n");
        }
        Ask { bytes: (text + "\r\n").into_bytes(), path: path.to_owned(), is_head: method == "HEAD" }
    }

    fn raw(bytes: &str) -> Ask {
        Ask { bytes: bytes.into(), path: String::new(), is_head: bytes.starts_with("HEAD ") }
    }

    /// In one line, without what they all have.
    pub fn shown(&self) -> String {
        // Those without a path for validators have a host of their own, or none.
        let before = if self.path.is_empty() { "as it stands: " } else { "" };
        let text = format!("{before}{}", self.bytes.escape_ascii());
        let text = text.replacen("\\r\\nHost: livedir.test", "", 1);
        let text = text.strip_suffix("\\r\\n\\r\\n").unwrap_or(&text).replace("\\r\\n", "; ");
        match text.char_indices().nth(SHOWN_CHARS) {
            Some((end, _)) => format!("{} … of {} bytes", &text[..end], self.bytes.len()),
            None => text.trim_end().to_owned(),
        }
    }
}

const SEGMENT: &str = "/live/seg-00000001.ts";
const PAGE: &str = "/player/player.js";
const PLAYLIST: &str = "/stream.m3u8";

const FILES: [&str; 26] = [
    PLAYLIST,
    "/ll.m3u8",
    "/plain.m3u8",
    "/one/stream.m3u8",
    "/one/ll.m3u8",
    "/ended/ll.m3u8",
    "/ladder/stream.m3u8",
    "/ladder/live/720p/ll.m3u8",
    "/empty.m3u8",
    "/torn.m3u8",
    "/staying.m3u8",
    "/status.json",
    SEGMENT,
    "/live/seg-00000008.ts",
    "/live/seg-00000009.p01.ts",
    "/live/seg-00000009.p07.ts",
    "/live/empty.ts",
    "/live/none.ts",
    "/ladder/live/720p/seg-00000004.p01.ts",
    "/",
    "/index.html",
    "/player/sub/",
    "/caf%C3%A9%201.html",
    "/100%25.html",
    "/a%3Fb%23c.txt",
    "http://livedir.test/player//sub/index%2ehtml?v=1",
];

/// Every file, in this order: what playlists list comes after them.
pub fn files(method: &str) -> Vec<Ask> {
    let types = TYPES.iter().map(|ending| format!("/types/file.{ending}"));
    let paths = FILES.iter().map(|path| (*path).to_owned()).chain(types);
    paths.map(|path| Ask::new(method, &path, &[])).collect()
}

const RANGES: [&str; 22] = [
    "bytes=0-0",
    "bytes=188-375",
    "bytes=1000-",
    "bytes=-188",
    "bytes=0-99999999",
    "bytes=-99999999",
    "bytes=199999-",
    "bytes=200000-",
    "bytes=-0",
    "bytes=18446744073709551616-",
    "bytes=x",
    "bytes=",
    "bytes",
    "items=0-1",
    "BYTES = 0-1",
    "bytes=5-4",
    "bytes=0-3, -2,188-375, 900000-",
    "bytes=900000-,4-7",
    "bytes=0-,0-",
    "bytes=0-1,2-3,4-5,6-7,8-9,10-11,12-13,14-15,16-17,18-19,20-21,22-23,24-25,26-27,28-29,30-31,32-33",
    "bytes=--1",
    "bytes=0-0,0-0",
];

const IF_RANGES: [&str; 6] =
    ["{tag}", "{date}", "W/{tag}", "\"other\"", "Thu, 01 Jan 1970 00:00:00 GMT", "nonsense"];

const CONDITIONS: [&str; 13] = [
    "If-None-Match: {tag}",
    "If-None-Match: \"other\", W/{tag}",
    "If-None-Match: *",
    "If-None-Match: \"other\"",
    "If-None-Match: nonsense",
    "If-Match: {tag}",
    "If-Match: W/{tag}",
    "If-Match: \"other\"",
    "If-Modified-Since: {date}",
    "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT",
    "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT",
    "If-Unmodified-Since: Fri, 31 Dec 2100 00:00:00 GMT",
    "If-Modified-Since: {date}\r\nIf-None-Match: \"other\"",
];

const ENCODINGS: [&str; 10] = [
    "gzip",
    "gzip, deflate, br, zstd",
    "br;q=1.0, gzip;q=0.5",
    "gzip;q=0",
    "identity",
    "br",
    "*",
    "x-gzip",
    "gzip;q=0.1, identity;q=0.5",
    "",
];

const QUERIES: [&str; 22] = [
    "_HLS_msn=1",
    "_HLS_msn=8",
    "_HLS_msn=8&_HLS_part=0",
    "_HLS_msn=9&_HLS_part=0",
    "_HLS_msn=9&_HLS_part=2",
    "_HLS_msn=11",
    "_HLS_msn=99999999",
    "_HLS_msn=18446744073709551616",
    "_HLS_msn=-1",
    "_HLS_msn=",
    "_HLS_msn=x",
    "_HLS_part=0",
    "_HLS_msn=9&_HLS_part=99",
    "_HLS_msn=9&_HLS_part=x",
    "_HLS_skip=YES",
    "_HLS_skip=v2",
    "_HLS_skip=NO",
    "_HLS_msn=8&_HLS_skip=YES",
    "_HLS_msn=9&_HLS_part=1&_HLS_skip=YES&_=7",
    "low-latency",
    "low-latency=1",
    "a=%2e%2e/",
];

fn queries(path: &str, queries: &[&str]) -> Vec<Ask> {
    queries.iter().map(|query| Ask::new("GET", &format!("{path}?{query}"), &[])).collect()
}

fn with(path: &str, name: &str, values: &[&str]) -> Vec<Ask> {
    values.iter().map(|value| Ask::new("GET", path, &[&format!("{name}{value}")])).collect()
}

/// What depends on where the answer comes from.
fn both() -> Vec<Ask> {
    let mut asks = [files("GET"), files("HEAD")].concat();
    asks.extend(with(SEGMENT, "Range: ", &RANGES));
    asks.extend(with(PAGE, "Range: ", &RANGES[..6]));
    asks.extend(with(PLAYLIST, "Range: ", &RANGES[..2]));
    asks.extend(with("/live/empty.ts", "Range: ", &["bytes=0-0", "bytes=-1", "bytes=1-"]));
    asks.extend(with(SEGMENT, "Range: bytes=4-7\r\nIf-Range: ", &IF_RANGES));
    asks.extend(with(SEGMENT, "Range: bytes=900000-\r\nIf-Range: ", &IF_RANGES[2..4]));
    asks.push(Ask::new("HEAD", SEGMENT, &["Range: bytes=0-1"]));
    for path in [SEGMENT, PAGE, PLAYLIST] {
        asks.extend(with(path, "", &CONDITIONS));
    }
    asks.extend(with(PLAYLIST, "Accept-Encoding: ", &ENCODINGS));
    asks.push(Ask::new("HEAD", PLAYLIST, &["Accept-Encoding: gzip"]));
    for path in ["/ll.m3u8", "/empty.m3u8", "/none.m3u8", SEGMENT, "/", "/status.json"] {
        asks.push(Ask::new("GET", path, &["Accept-Encoding: gzip"]));
    }
    asks.extend(queries("/ll.m3u8", &QUERIES[..3]));
    asks
}

pub fn for_disk() -> Vec<Ask> {
    both()
}

pub fn for_memory() -> Vec<Ask> {
    let mut asks = both();
    asks.extend(with("/status.json", "", &CONDITIONS[..8]));
    asks.extend(with(PLAYLIST, "Accept-Encoding: gzip\r\n", &["If-None-Match: {packed}", "If-Match: {tag}"]));
    asks.push(Ask::new("GET", PLAYLIST, &["If-None-Match: {packed}"]));
    asks.extend(queries("/ll.m3u8", &QUERIES[3..]));
    asks.extend(queries("/ended/ll.m3u8", &["_HLS_msn=99", "_HLS_part=x", "_HLS_skip=YES"]));
    asks.extend(queries("/stream.m3u8", &["_HLS_msn=1", "_HLS_part=0", "low-latency", "_=17"]));
    asks.extend(queries("/plain.m3u8", &["low-latency", "_HLS_msn=99"]));
    asks.extend(queries("/ladder/live/720p/ll.m3u8", &["_HLS_msn=4&_HLS_part=1", "_HLS_msn=6"]));
    asks.extend(queries("/none.m3u8", &["_HLS_msn=1", "low-latency"]));
    let delta = "/ll.m3u8?_HLS_skip=YES";
    asks.push(Ask::new("HEAD", delta, &[]));
    asks.push(Ask::new("GET", delta, &["Accept-Encoding: gzip"]));
    asks.push(Ask::new("GET", delta, &["If-None-Match: {tag}"]));
    asks.extend(methods());
    asks.extend(odd_heads().iter().map(|bytes| Ask::raw(bytes)));
    asks.extend(tricks());
    asks
}

fn methods() -> Vec<Ask> {
    let mut asks = Vec::new();
    for path in [PLAYLIST, SEGMENT, "/nothing"] {
        for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "OPTIONS"] {
            asks.push(Ask::new(method, path, &["Content-Length: 0"]));
        }
    }
    let origin = "Origin: https://example.org";
    asks.push(Ask::new("GET", SEGMENT, &[origin]));
    asks.push(Ask::new("GET", "/nothing", &[origin]));
    let preflight = [origin, "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: range"];
    asks.push(Ask::new("OPTIONS", SEGMENT, &preflight));
    asks.push(Ask::new("OPTIONS", "*", &[]));
    asks.push(Ask::new("OPTIONS", "/ll.m3u8?_HLS_msn=9", &[]));
    for headers in ["X-Forwarded-For: 192.0.2.1", "Connection: close", "Upgrade: h2c\r\nConnection: Upgrade"]
    {
        asks.push(Ask::new("GET", "/status.json", &[headers]));
    }
    asks
}

/// Versions, hosts, and what is hardly a request.
fn odd_heads() -> Vec<String> {
    let mut odd: Vec<String> = [
        "GET /status.json HTTP/1.0\r\n\r\n",
        "GET /stream.m3u8 HTTP/1.0\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n",
        "GET /status.json HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "HEAD / HTTP/1.0\r\n\r\n",
        "POST / HTTP/1.0\r\n\r\n",
        "GET /nothing HTTP/1.0\r\n\r\n",
        "GET /ll.m3u8?_HLS_msn=8 HTTP/1.0\r\n\r\n",
        "GET /status.json HTTP/1.1\r\n\r\n",
        "GET /status.json HTTP/1.1\r\nHost:\r\n\r\n",
        "GET /status.json HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /status.json HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
        "GET /status.json HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET http://other.test/status.json HTTP/1.1\r\nHost: livedir.test:1\r\n\r\n",
        "GET https://other.test HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /status.json HTTP/1.2\r\nHost: a\r\n\r\n",
        "GET /status.json HTTP/2.0\r\nHost: a\r\n\r\n",
        "GET /status.json\r\n\r\n",
        "get /status.json HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET status.json HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /status.json HTTP/1.1\nHost: a\n\n",
        "\r\n\r\nGET /status.json HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /status.json HTTP/1.1\r\nHost: a\r\nNo colon\r\n\r\n",
        "GET /status.json HTTP/1.1\r\nHost: a\r\nName : value\r\n\r\n",
        "GET /status.json HTTP/1.1\r\nHost: a\r\nName: value\r\n folded\r\n\r\n",
        "GET /status.json HTTP/1.1\r\nHost: a\r\nName: \x01\r\n\r\n",
        "GET /status.json HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na",
        "GET /status.json HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "GET /status.json HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "GET /status.json HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /status.json HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
    ]
    .map(str::to_owned)
    .into();
    let long = "a".repeat(20_000);
    odd.push(format!("GET / HTTP/1.1\r\nHost: a\r\nA: {long}\r\n\r\n"));
    odd.push(format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: a\r\n".repeat(200)));
    odd
}

fn tricks() -> Vec<Ask> {
    let tricks = TRICKS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    tricks.step_by(TRICKS_STEP).map(|path| Ask::new("GET", path, &[])).collect()
}
