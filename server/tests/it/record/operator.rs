//! What an operator is answered: metrics after some requests that are always the same, and health of several webroots.

use std::fs;

use super::masks::mask_operator;
use super::talk;
use crate::support::{Connection, Entry, Server, Webroot};

const OPERATOR: [&str; 2] = ["--metrics-listen", "127.0.0.1:0"];

/// One thread: what it has answered is counted before it answers the operator.
pub fn answers(webroot: &Webroot) -> Vec<Entry> {
    let mut server = Server::start(&webroot.path(), &[&OPERATOR[..], &["--threads", "1"]].concat());
    let operator = server.next_address();
    let mut viewer = Connection::open(server.address);
    for path in
        ["/plain.m3u8", "/live/seg-00000001.ts", "/", "/nothing", "/live/none.ts", "/ll.m3u8?_HLS_msn=8"]
    {
        viewer.ask("GET", path, &["User-Agent: one"]);
    }
    viewer.ask("POST", "/", &["Content-Length: 0"]);
    viewer.ask("GET", "/plain.m3u8", &["User-Agent: two"]);
    let mut entries = Vec::new();
    let mut ask = |name: &str, method: &str, path: &str| {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = mask_operator(talk::ask(operator, request.as_bytes(), method == "HEAD"));
        let name = format!("operator, {name}: {method} {path}");
        entries.push(Entry { name, facts: answer.status(), whole: answer.bytes(), only_facts: false });
    };
    ask("a viewer", "GET", "/metrics");
    ask("a viewer", "HEAD", "/metrics");
    ask("a viewer", "POST", "/metrics");
    ask("a viewer", "GET", "/stream.m3u8");
    ask("an old list", "GET", "/healthz");
    ask("an old list", "HEAD", "/healthz");
    webroot.replace("stream.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:3600\n");
    ask("a new list, and an old one with low latency", "GET", "/healthz");
    fs::remove_file(webroot.path().join("ll.m3u8")).unwrap();
    ask("a new list", "GET", "/healthz");
    webroot.replace("stream.m3u8", b"#EXTM3U\n#EXT-X-ENDLIST\n");
    ask("the end", "GET", "/healthz");
    webroot.replace("stream.m3u8", b"no list");
    ask("no list", "GET", "/healthz");
    fs::remove_file(webroot.path().join("stream.m3u8")).unwrap();
    ask("nothing", "GET", "/healthz");
    entries
}
