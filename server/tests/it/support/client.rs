//! An HTTP client that changes nothing: the request goes out as written, the answer comes back as sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use flate2::read::GzDecoder;

use super::DEADLINE;

/// An answer, read to its end. Two are the same whatever second they were given in.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl PartialEq for Answer {
    fn eq(&self, other: &Self) -> bool {
        (self.status, &self.body) == (other.status, &other.body) && self.dateless().eq(other.dateless())
    }
}

impl Answer {
    fn dateless(&self) -> impl Iterator<Item = &(String, String)> {
        self.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("date"))
    }

    /// The value of a header, several lines of it joined as RFC 9110 5.2 says; empty when there is none.
    pub fn header(&self, name: &str) -> String {
        let lines = self.headers.iter().filter(|(present, _)| present.eq_ignore_ascii_case(name));
        lines.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Of an answer in several parts.
    pub fn boundary(&self) -> Option<String> {
        let content_type = self.header("Content-Type");
        content_type.strip_prefix("multipart/byteranges; boundary=").map(str::to_owned)
    }

    /// What each part says it is, as `bytes 0-1/9`, and its bytes; read by RFC 2046 5.1.1, without the lengths.
    pub fn parts(&self) -> Vec<(String, Vec<u8>)> {
        let delimiter = format!("\r\n--{}", self.boundary().expect("an answer in parts"));
        let find = |bytes: &[u8], text: &str| {
            bytes.windows(text.len()).position(|window| window == text.as_bytes()).expect("well-formed parts")
        };
        // The first delimiter may stand at the very beginning.
        let mut rest = &[b"\r\n", &self.body[..]].concat()[..];
        let mut parts = Vec::new();
        loop {
            rest = &rest[find(rest, &delimiter) + delimiter.len()..];
            if rest.starts_with(b"--") {
                return parts;
            }
            let (head, content) = rest.split_at(find(rest, "\r\n\r\n"));
            let head = String::from_utf8(head.to_vec()).unwrap();
            let content_range = head.lines().find_map(|line| line.strip_prefix("Content-Range: ")).unwrap();
            let content = &content[4..];
            parts.push((content_range.to_owned(), content[..find(content, &delimiter)].to_vec()));
            rest = content;
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// A connection that stays open between requests.
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    pub fn open(address: SocketAddr) -> Connection {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Connection(BufReader::new(stream))
    }

    /// Ends the connection at once, which a server notices; an end in order says only that no request will follow.
    pub fn reset(self) {
        socket2::SockRef::from(self.0.get_ref()).set_linger(Some(Duration::ZERO)).unwrap();
    }

    pub fn send(&mut self, method: &str, path: &str, headers: &[&str]) {
        let host = ["Host: livedir.test"];
        let headers = [&host, headers].concat().join("\r\n");
        let request = format!("{method} {path} HTTP/1.1\r\n{headers}\r\n\r\n");
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
    }

    pub fn ask(&mut self, method: &str, path: &str, headers: &[&str]) -> Answer {
        self.send(method, path, headers);
        let mut answer = self.read_head();
        if method != "HEAD" {
            self.read_body(&mut answer);
        }
        answer
    }

    /// Whether the beginning of an answer comes so soon.
    pub fn answers_within(&mut self, time: Duration) -> bool {
        self.0.get_ref().set_read_timeout(Some(time)).unwrap();
        let is_answered = self.0.fill_buf().is_ok();
        self.0.get_ref().set_read_timeout(Some(DEADLINE)).unwrap();
        is_answered
    }

    pub fn read_head(&mut self) -> Answer {
        let status_line = self.read_line();
        let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.unwrap_or_else(|| panic!("not a status line: {status_line:?}"));
        let mut headers = Vec::new();
        loop {
            let line = self.read_line();
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        Answer { status, headers, body: Vec::new() }
    }

    pub fn read_body(&mut self, answer: &mut Answer) {
        if answer.status == 204 || answer.status == 304 {
            return;
        }
        if answer.header("Transfer-Encoding") == "chunked" {
            loop {
                let size = usize::from_str_radix(&self.read_line(), 16).unwrap();
                self.read_bytes(&mut answer.body, size);
                assert_eq!(self.read_line(), "");
                if size == 0 {
                    return;
                }
            }
        }
        let length = answer.header("Content-Length").parse().expect("a length");
        self.read_bytes(&mut answer.body, length);
    }

    fn read_bytes(&mut self, body: &mut Vec<u8>, count: usize) {
        let start = body.len();
        body.resize(start + count, 0);
        self.0.read_exact(&mut body[start..]).expect("the body as long as announced");
    }

    fn read_line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        assert!(line.ends_with("\r\n"), "connection closed in {line:?}");
        line.truncate(line.len() - 2);
        line
    }
}

/// One request on a connection of its own.
pub fn ask(address: SocketAddr, method: &str, path: &str, headers: &[&str]) -> Answer {
    Connection::open(address).ask(method, path, headers)
}

pub fn get(address: SocketAddr, path: &str, headers: &[&str]) -> Answer {
    ask(address, "GET", path, headers)
}

pub fn gunzip(packed: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut plain).expect("gzip, complete");
    plain
}
