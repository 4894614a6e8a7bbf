//! Requests as bytes on a connection, and answers as bytes.
//!
//! In: what is sent. Out: the head and the body of the answer, and whether the connection goes on behind it: each line, each
//! letter as the server wrote it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::masks;
use crate::support::{DEADLINE, Entry};

/// As it was sent; empty for none.
#[derive(Debug, Default)]
pub struct Answer {
    /// With the empty line behind it.
    pub head: Vec<u8>,
    pub body: Vec<u8>,
    /// Whether another request on the same connection is answered.
    pub goes_on: bool,
}

impl Answer {
    /// The number, or that there is none.
    pub fn status(&self) -> String {
        let number = self.head_lines().next().and_then(|line| line.split_whitespace().nth(1));
        number.unwrap_or("---").to_owned()
    }

    pub fn bytes(&self) -> Vec<u8> {
        let end: &[u8] = if self.goes_on { b"\r\n(goes on)" } else { b"\r\n(ends)" };
        [&self.head[..], &self.body[..], end].concat()
    }

    /// Its first value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head_lines().filter_map(|line| line.split_once(':'));
        lines.find(|(present, _)| present.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// Each with its end.
    pub fn head_lines(&self) -> impl Iterator<Item = &str> {
        str::from_utf8(&self.head).expect("a head in ASCII").split_inclusive("\r\n")
    }
}

/// One request on a connection of its own.
pub fn ask(address: SocketAddr, request: &[u8], is_head: bool) -> Answer {
    let mut stream = open(address);
    // The server may have had enough before the end.
    let _ = stream.get_mut().write_all(request);
    let mut answer = read(&mut stream, is_head);
    let _ = stream.get_mut().write_all(b"HEAD /status.json HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    answer.goes_on = !read(&mut stream, true).head.is_empty();
    answer
}

fn open(address: SocketAddr) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    BufReader::new(stream)
}

fn read(stream: &mut BufReader<TcpStream>, is_head: bool) -> Answer {
    let mut answer = Answer { head: read_head(stream), ..Answer::default() };
    let status = answer.status();
    if is_head || answer.head.is_empty() || ["204", "304"].contains(&status.as_str()) {
        return answer;
    }
    if answer.header("transfer-encoding") == Some("chunked") {
        while !answer.body.ends_with(b"\r\n0\r\n\r\n") && answer.body != b"0\r\n\r\n" {
            read_chunk(stream, &mut answer.body);
        }
    } else if let Some(length) = answer.header("content-length") {
        let length = length.parse().unwrap();
        answer.body.resize(length, 0);
        stream.read_exact(&mut answer.body).expect("a body as long as announced");
    } else {
        stream.read_to_end(&mut answer.body).unwrap();
    }
    answer
}

/// With its empty line; nothing where the connection ends instead, in order or not.
fn read_head(stream: &mut impl BufRead) -> Vec<u8> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_until(b'\n', &mut head) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                let timed_out = error.kind() == std::io::ErrorKind::WouldBlock;
                assert!(!timed_out, "not answered within {DEADLINE:?}, after {:?}", head.escape_ascii());
                break;
            }
        }
    }
    head
}

/// With its length before it.
fn read_chunk(stream: &mut impl BufRead, body: &mut Vec<u8>) {
    let start = body.len();
    stream.read_until(b'\n', body).unwrap();
    let size = usize::from_str_radix(str::from_utf8(&body[start..]).unwrap().trim(), 16).unwrap();
    let start = body.len();
    body.resize(start + size + 2, 0);
    stream.read_exact(&mut body[start..]).expect("a chunk as long as announced");
}

pub fn without_chunks(mut sent: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = sent.iter().position(|byte| *byte == b'\n').expect("the length of a chunk");
        let size = usize::from_str_radix(str::from_utf8(&sent[..end]).unwrap().trim(), 16).unwrap();
        body.extend_from_slice(&sent[end + 1..end + 1 + size]);
        sent = &sent[end + 1 + size + 2..];
        if size == 0 {
            return body;
        }
    }
}

/// Several requests in one piece, each behind the other.
const ROWS: [&[&str]; 5] = [
    &["GET /status.json HTTP/1.1", "GET /stream.m3u8 HTTP/1.1", "HEAD /live/seg-00000001.ts HTTP/1.1"],
    &["GET /status.json HTTP/1.1", "OPTIONS /status.json HTTP/1.1", "POST / HTTP/1.1", "GET / HTTP/1.1"],
    &["GET /ll.m3u8?_HLS_msn=8 HTTP/1.1", "GET /ll.m3u8?_HLS_msn=9&_HLS_part=1 HTTP/1.1", "GET / HTTP/1.1"],
    &["GET /live/seg-00000009.p00.ts HTTP/1.1", "GET /live/seg-00000009.p07.ts HTTP/1.1", "GET / HTTP/1.1"],
    &["GET /nothing HTTP/1.1", "GET /../secret HTTP/1.1", "GET /player/player.js HTTP/1.1"],
];

pub fn rows(address: SocketAddr) -> Vec<Entry> {
    let row = |requests: &&[&str]| {
        let mut stream = open(address);
        let heads = requests.join("\r\nHost: livedir.test\r\n\r\n");
        let heads = heads + "\r\nHost: livedir.test\r\nConnection: close\r\n\r\n";
        stream.get_mut().write_all(heads.as_bytes()).unwrap();
        let mut answers = Vec::new();
        for line in *requests {
            answers.push(masks::mask(read(&mut stream, line.starts_with("HEAD "))));
        }
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(rest.is_empty(), "more than was asked for: {:?}", rest.escape_ascii());
        let statuses: Vec<String> = answers.iter().map(Answer::status).collect();
        let whole = answers.iter().flat_map(Answer::bytes).collect();
        Entry {
            name: format!("a row: {}", requests.join(", ")),
            facts: statuses.join(" "),
            whole,
            only_facts: false,
        }
    };
    ROWS.iter().map(row).collect()
}
