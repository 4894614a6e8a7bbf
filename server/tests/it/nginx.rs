//! Real nginx with the committed configuration and `livedir-server`, over the same directory: the same answers to the
//! same requests. Every difference is written down in `DIFFERENCES` with its reason, and none of them may vanish unseen.

mod blocking;
mod differences;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use crate::support::{Answer, Nginx, Server, Webroot, ask, get, gunzip};

use differences::{DIFFERENCES, Difference, Request};

/// Header fields that have to be equal. `ETag` is compared by presence: each server has its own.
const FIELDS: [&str; 22] = [
    "Content-Type",
    "Content-Length",
    "Content-Range",
    "Content-Encoding",
    "Accept-Ranges",
    "Last-Modified",
    "Location",
    "Cache-Control",
    "Pragma",
    "Expires",
    "Vary",
    "Allow",
    "Age",
    "Access-Control-Allow-Origin",
    "Access-Control-Expose-Headers",
    "Access-Control-Allow-Methods",
    "Access-Control-Allow-Headers",
    "Access-Control-Max-Age",
    "Access-Control-Allow-Credentials",
    "X-Content-Type-Options",
    "Content-Security-Policy",
    "Referrer-Policy",
];

/// Conditions name validators by these words; each server gets its own.
const SEGMENT_CONDITIONS: [&[&str]; 30] = [
    &["If-None-Match: {etag}"],
    &["If-None-Match: W/{etag}"],
    &["If-None-Match: \"a\", {etag}"],
    &["If-None-Match: \"a\""],
    &["If-None-Match: *"],
    &["If-None-Match: \"a\"", "If-Modified-Since: {date}"],
    &["If-Modified-Since: {date}"],
    &["If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT"],
    &["If-Modified-Since: nonsense"],
    &["If-Match: {etag}"],
    &["If-Match: *"],
    &["If-Match: \"a\""],
    &["If-Unmodified-Since: {date}"],
    &["If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT"],
    &["Range: bytes=0-1", "If-None-Match: {etag}"],
    &["Range: bytes=0-1", "If-Range: {etag}"],
    &["Range: bytes=0-1", "If-Range: W/{etag}"],
    &["Range: bytes=0-1", "If-Range: \"a\""],
    &["Range: bytes=0-1", "If-Range: {date}"],
    &["Range: bytes=0-1", "If-Range: Thu, 01 Jan 1970 00:00:00 GMT"],
    &["Range: bytes=999999-", "If-Range: \"a\""],
    &["If-Range: \"a\""],
    &["If-None-Match: "],
    &["If-None-Match: , {etag}"],
    &["If-None-Match: \"a"],
    &["If-None-Match: a"],
    &["If-None-Match: \"a\"", "If-None-Match: {etag}"],
    &["If-Match: \"a\", {etag}"],
    &["If-Match: {etag}", "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT"],
    &["If-None-Match: {etag}", "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT"],
];

const RANGES: [&str; 30] = [
    "bytes=0-0",
    "bytes=1-",
    "bytes=-1",
    "bytes=188-375",
    "bytes=65530-131080",
    "bytes=0-99999999",
    "bytes=-99999999",
    "bytes=199999-",
    "bytes=200000-",
    "bytes=-0",
    "bytes=5-4",
    "bytes=x",
    "bytes=",
    "bytes=-",
    "bytes",
    "items=0-1",
    "BYTES=0-1",
    "bytes=0-1,5-6",
    "bytes=0-1,-1",
    "bytes= 0-1",
    "bytes=0-1,5-6,9-",
    "bytes=0-,0-",
    "bytes=-1,-2",
    "bytes=0-1,999999-",
    "bytes=999999-,0-1",
    "bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15",
    "bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15,16-16",
    "bytes=1-2-3",
    "bytes=0-99999999999999999999999",
    "bytes=99999999999999999999999-",
];

const PATHS: [&str; 55] = [
    "/",
    "/index.html",
    "/stream.m3u8",
    "/stream.m3u8?_=1",
    "/status.json",
    "/live/seg-00000001.ts",
    "/live/empty.ts",
    "/player/player.js",
    "/player/style.css",
    "/player/icon.svg",
    "/player/sub/",
    "/player/sub/index.html",
    "/player/node_modules/hls.js/dist/hls.min.js",
    "/player/no-extension",
    "/caf%C3%A9%201.html",
    "//stream.m3u8",
    "/live//seg-00000001.ts",
    "/%73tream.m3u8",
    "/live%2fseg-00000001.ts",
    "/nothing",
    "/nothing.m3u8",
    "/nothing/",
    "/live/nothing.ts",
    "/live",
    "/live/",
    "/player",
    "/player/sub",
    "/stream.m3u8/",
    "/stream.m3u8/x",
    "/STREAM.M3U8",
    "/live/.seg-00000002.ts.a1b2",
    "/live/%2eseg-00000002.ts.a1b2",
    "/live%2f%2Eseg-00000002.ts.a1b2",
    "/.git/config",
    "/.git/",
    "/./stream.m3u8",
    "/live/../stream.m3u8",
    "/live/%2e%2e/stream.m3u8",
    "/live/..%2fstream.m3u8",
    "/live/..%5cstream.m3u8",
    "/live/..\\stream.m3u8",
    "/%252e%252e/secret",
    "/live/fifo.ts",
    "/zero",
    "/leaving",
    "/up/secret",
    "/staying.m3u8",
    "/../secret",
    "/%2e%2e/secret",
    "/live/../../secret",
    "/..%2fsecret",
    "/secret%00",
    "/%zz",
    "/live/seg-00000001.ts?x=/.y",
    "/?/../",
];

const ENCODINGS: [&str; 8] =
    ["gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.5", "gzip;q=0", "identity", "br", "*", "GZIP"];

struct Pair {
    nginx: SocketAddr,
    livedir: SocketAddr,
    requests: usize,
    seen: BTreeSet<&'static str>,
    unexpected: Vec<String>,
}

impl Pair {
    fn compare(&mut self, method: &str, path: &str, headers: &[&str]) {
        let nginx = ask_with_validators(self.nginx, method, path, headers);
        let livedir = ask_with_validators(self.livedir, method, path, headers);
        let headers = headers.join(" ");
        let request = Request { method, path, headers: &headers, status: nginx.status };
        self.requests += 1;
        for (field, nginx, livedir) in differences(&nginx, &livedir) {
            let known =
                DIFFERENCES.iter().find(|known| known.fields.contains(&field) && (known.applies)(&request));
            if let Some(Difference { reason, .. }) = known {
                self.seen.insert(reason);
            } else {
                self.unexpected.push(format!(
                    "{method} {path} {headers}: {field} is {nginx:?} of nginx, {livedir:?} of livedir-server"
                ));
            }
        }
    }
}

fn ask_with_validators(address: SocketAddr, method: &str, path: &str, headers: &[&str]) -> Answer {
    let plain = ask(address, "HEAD", path, &[]);
    let headers: Vec<String> = headers
        .iter()
        .map(|line| {
            line.replace("{etag}", &plain.header("ETag")).replace("{date}", &plain.header("Last-Modified"))
        })
        .collect();
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    ask(address, method, path, &headers)
}

/// Field, nginx's value, livedir-server's value.
fn differences(nginx: &Answer, livedir: &Answer) -> Vec<(&'static str, String, String)> {
    let mut found = vec![("status", nginx.status.to_string(), livedir.status.to_string())];
    let tag =
        |answer: &Answer| if answer.header("ETag").is_empty() { "absent" } else { "present" }.to_owned();
    found.push(("ETag", tag(nginx), tag(livedir)));
    for field in FIELDS {
        // Field names in values are as free in their case as anywhere.
        let value = |answer: &Answer| match field {
            "Vary" => answer.header(field).to_ascii_lowercase(),
            // Each has a boundary of its own, and the length goes with it.
            "Content-Type" => answer.header(field).split(" boundary=").next().unwrap_or_default().to_owned(),
            "Content-Length" if answer.boundary().is_some() => "that of the parts".to_owned(),
            _ => answer.header(field),
        };
        found.push((field, value(nginx), value(livedir)));
    }
    let (nginx_body, livedir_body) = (plain_body(nginx), plain_body(livedir));
    if nginx_body != livedir_body {
        let told =
            |body: &[u8]| format!("{} bytes: {}", body.len(), body[..body.len().min(40)].escape_ascii());
        found.push(("body", told(&nginx_body), told(&livedir_body)));
    }
    found.retain(|(_, nginx, livedir)| nginx != livedir);
    found
}

fn plain_body(answer: &Answer) -> Vec<u8> {
    if answer.boundary().is_some() {
        return format!("{:?}", answer.parts()).into_bytes();
    }
    let is_packed = answer.header("Content-Encoding") == "gzip" && !answer.body.is_empty();
    if is_packed { gunzip(&answer.body) } else { answer.body.clone() }
}

#[test]
fn nginx_gives_the_same_answers_over_the_same_directory() {
    let webroot = Webroot::new();
    let nginx = Nginx::start(&webroot.path(), &[]);
    let (mut requests, mut seen, mut unexpected) = (0, BTreeSet::new(), Vec::new());
    // From memory, and from the disk.
    for arguments in [&[][..], &["--cache-size", "0"]] {
        let livedir = Server::start(&webroot.path(), arguments);
        // Only what a playlist lists is in memory.
        assert_eq!(get(livedir.address, "/stream.m3u8", &[]).status, 200);
        let mut pair = Pair { nginx: nginx.address, livedir: livedir.address, requests, seen, unexpected };
        compare_all(&mut pair);
        Pair { requests, seen, unexpected, .. } = pair;
    }
    assert!(unexpected.is_empty(), "{} new differences:\n{}", unexpected.len(), unexpected.join("\n"));
    for Difference { reason, .. } in DIFFERENCES {
        assert!(seen.contains(reason), "none of {requests} requests shows any more: {reason}");
    }
    println!("{requests} requests, {} differences, each known", DIFFERENCES.len());
}

fn compare_all(pair: &mut Pair) {
    for path in PATHS {
        for method in ["GET", "HEAD"] {
            pair.compare(method, path, &[]);
        }
    }
    for method in ["OPTIONS", "POST", "PUT", "DELETE", "PATCH"] {
        for path in ["/", "/stream.m3u8", "/live/seg-00000001.ts", "/nothing", "/.git/config"] {
            pair.compare(method, path, &["Content-Length: 0"]);
        }
    }
    for range in RANGES {
        let header = format!("Range: {range}");
        for path in ["/live/seg-00000001.ts", "/live/empty.ts", "/stream.m3u8", "/status.json", "/nothing"] {
            pair.compare("GET", path, &[&header]);
        }
    }
    for conditions in SEGMENT_CONDITIONS {
        for path in ["/live/seg-00000001.ts", "/player/player.js", "/stream.m3u8", "/status.json"] {
            pair.compare("GET", path, conditions);
        }
        pair.compare("HEAD", "/live/seg-00000001.ts", conditions);
    }
    for encoding in ENCODINGS {
        let header = format!("Accept-Encoding: {encoding}");
        for path in
            ["/stream.m3u8", "/staying.m3u8", "/status.json", "/live/seg-00000001.ts", "/", "/nothing.m3u8"]
        {
            for method in ["GET", "HEAD"] {
                pair.compare(method, path, &[&header]);
            }
        }
    }
    let origin = ["Origin: https://example.org", "Access-Control-Request-Method: GET"];
    for path in ["/stream.m3u8", "/live/seg-00000001.ts", "/nothing"] {
        pair.compare("GET", path, &origin);
        pair.compare("OPTIONS", path, &origin);
    }
    // Headers that mean nothing here, or nothing good.
    let long = format!("X-Long: {}", "x".repeat(3000));
    for odd in [
        "Cache-Control: no-cache",
        "Pragma: no-cache",
        "TE: trailers",
        "Range: ",
        "Range: bytes=0-1\r\nAccept-Encoding: gzip",
        "Accept-Encoding: gzip\r\nAccept-Encoding: identity",
        "Accept: text/html",
        "Authorization: Basic eA==",
        "Cookie: a=b",
        "X-Forwarded-For: 127.0.0.1",
        "X-Original-URL: /.git/config",
        "X-HTTP-Method-Override: DELETE",
        "If-None-Match: \"\u{e4}\"",
        "Connection: keep-alive",
        &long,
    ] {
        for path in ["/stream.m3u8", "/live/seg-00000001.ts", "/player/player.js", "/nothing"] {
            pair.compare("GET", path, &[odd]);
        }
    }
}

#[test]
fn the_line_for_a_cdn_makes_segments_as_immutable_as_segment_max_age_does() {
    let webroot = Webroot::new();
    let commented = r#"# "~^(200|206|304) .*/live/"#;
    let nginx = Nginx::start(&webroot.path(), &[(commented, commented.trim_start_matches("# "))]);
    let livedir = Server::start(&webroot.path(), &["--segment-max-age", "1h"]);
    for (path, headers) in [
        ("/live/seg-00000001.ts", &[][..]),
        ("/live/seg-00000001.ts", &["Range: bytes=0-1"]),
        ("/live/seg-00000001.ts", &["If-None-Match: {etag}"]),
        ("/live/seg-00000002.ts", &[]),
        ("/stream.m3u8", &[]),
        ("/", &[]),
    ] {
        let [nginx, livedir] = [nginx.address, livedir.address]
            .map(|address| ask_with_validators(address, "GET", path, headers));
        for field in ["Cache-Control", "Pragma", "Expires"] {
            assert_eq!(nginx.header(field), livedir.header(field), "{field} of {path} {headers:?}");
        }
        let immutable = livedir.header("Cache-Control") == "public, max-age=3600, immutable";
        assert_eq!(immutable, path == "/live/seg-00000001.ts", "{path}");
    }
    let beyond = ask(nginx.address, "GET", "/live/seg-00000001.ts", &["Range: bytes=900000-"]);
    assert!(beyond.header("Cache-Control").contains("no-store"), "a CDN would keep the refusal: {beyond:?}");
}
