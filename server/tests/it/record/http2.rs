//! Requests of HTTP/2, on one connection without TLS. Out: status, headers in the order in which they came, and body.

use std::fmt::Write;
use std::net::SocketAddr;

use h2::client::{SendRequest, handshake};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use super::masks::mask;
use super::talk::Answer;
use crate::support::Entry;

type Header = (&'static str, &'static str);

/// Method, path, and a header with its value.
const REQUESTS: [(&str, &str, &[Header]); 22] = [
    ("GET", "/stream.m3u8", &[]),
    ("HEAD", "/stream.m3u8", &[]),
    ("GET", "/stream.m3u8", &[("accept-encoding", "gzip")]),
    ("GET", "/ll.m3u8", &[]),
    ("GET", "/ll.m3u8?_HLS_msn=8", &[]),
    ("GET", "/ll.m3u8?_HLS_msn=99", &[]),
    ("GET", "/ll.m3u8?_HLS_skip=YES", &[]),
    ("GET", "/stream.m3u8?low-latency", &[]),
    ("GET", "/live/seg-00000001.ts", &[]),
    ("HEAD", "/live/seg-00000001.ts", &[]),
    ("GET", "/live/seg-00000001.ts", &[("range", "bytes=4-7")]),
    ("GET", "/live/seg-00000001.ts", &[("range", "bytes=900000-")]),
    ("GET", "/live/seg-00000001.ts", &[("if-none-match", "*")]),
    ("GET", "/live/seg-00000001.ts", &[("if-match", "\"other\"")]),
    ("GET", "/live/seg-00000009.p01.ts", &[]),
    ("GET", "/", &[]),
    ("GET", "/player/player.js", &[("if-modified-since", "Fri, 31 Dec 2100 00:00:00 GMT")]),
    ("GET", "/nothing", &[]),
    ("GET", "/%2e%2e/secret", &[]),
    ("OPTIONS", "/stream.m3u8", &[("origin", "https://example.org")]),
    ("POST", "/", &[]),
    ("GET", "/status.json", &[]),
];

pub fn answers(address: SocketAddr) -> Vec<Entry> {
    Runtime::new().unwrap().block_on(async {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut client, connection) = handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let mut entries = Vec::new();
        for (method, path, headers) in REQUESTS {
            let answer = mask(ask(&mut client, method, path, headers).await);
            let headers: Vec<_> = headers.iter().map(|(name, value)| format!("; {name}: {value}")).collect();
            let name = format!("HTTP/2: {method} {path}{}", headers.concat());
            entries.push(Entry { name, facts: answer.status(), whole: answer.bytes(), only_facts: false });
        }
        entries
    })
}

/// In the words of HTTP/1.1.
async fn ask(client: &mut SendRequest<bytes::Bytes>, method: &str, path: &str, headers: &[Header]) -> Answer {
    let mut request = http::Request::builder().method(method).uri(format!("http://livedir.test{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (answer, _) = client.send_request(request.body(()).unwrap(), true).unwrap();
    let (parts, mut sent) = answer.await.unwrap().into_parts();
    let mut head = format!("HTTP/2 {}\r\n", parts.status.as_u16());
    for (name, value) in &parts.headers {
        let _ = write!(head, "{name}: {}\r\n", value.to_str().unwrap());
    }
    let mut body = Vec::new();
    while let Some(piece) = sent.data().await {
        let piece = piece.unwrap();
        body.extend_from_slice(&piece);
        sent.flow_control().release_capacity(piece.len()).unwrap();
    }
    Answer { head: (head + "\r\n").into_bytes(), body, goes_on: true }
}
