//! What is no request: answered in words where that can be, in the access log with the reason, and counted.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use serde_json::Value;

use crate::as_written::exchange;
use crate::blocking::metric;
use crate::support::{DEADLINE, Server, Webroot, get, wait_until};
use crate::tls::{curl, write_certificate};

struct Watched {
    webroot: Webroot,
    server: Server,
    plain: SocketAddr,
    operator: SocketAddr,
}

fn start() -> Watched {
    let webroot = Webroot::new();
    let files = write_certificate(webroot.outer(), "one");
    let log = webroot.outer().join("access.log");
    let words = [
        &files.flags()[..],
        &["--listen", "127.0.0.1:0", "--listen", "http://127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"],
        &["--access-log", log.to_str().unwrap(), "--access-log-format", "json"],
    ];
    let mut server = Server::start(&webroot.path(), &words.concat());
    let [plain, operator] = [server.next_address(), server.next_address()];
    Watched { webroot, server, plain, operator }
}

impl Watched {
    /// Lines of the log with a reason: status, what was sent, why.
    fn refused(&self) -> Vec<(u64, String, String)> {
        let text = fs::read_to_string(self.webroot.outer().join("access.log")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        lines
            .filter(|line| !line["refused"].is_null())
            .map(|line| {
                assert_eq!(line["client"], "127.0.0.1");
                (line["status"].as_u64().unwrap(), word(&line["target"]), word(&line["refused"]))
            })
            .collect()
    }

    /// Waits for a line like that, and for the count.
    #[track_caller]
    fn check(&self, kind: &str, count: u64, expected: (u64, &str, &str)) {
        let name = format!("livedir_malformed_total{{kind=\"{kind}\"}}");
        wait_until("it is counted", || metric(self.operator, &name) == count);
        wait_until("it is logged", || {
            self.refused().iter().any(|(status, sent, why)| {
                (*status, sent.as_str()) == (expected.0, expected.1) && why.contains(expected.2)
            })
        });
    }
}

#[test]
fn heads_that_are_none_are_logged_and_counted() {
    let watched = start();
    for (count, (sent, status, line)) in [
        (&b"GARBAGE\r\n\r\n"[..], 400, "GARBAGE"),
        (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "GET /a b HTTP/1.1"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nNo colon\r\n\r\n", 400, "GET / HTTP/1.1"),
        (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            400,
            "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fffd}\u{3}\u{3}",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = exchange(watched.plain, sent, None);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{line}: {answer:?}");
        watched.check("head", count as u64 + 1, (status, line, "no head of HTTP/1.1"));
    }
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n", "a".repeat(20_000));
    assert!(exchange(watched.plain, long.as_bytes(), None).starts_with("HTTP/1.1 431"));
    watched.check("head", 5, (431, "GET / HTTP/1.1", "no head"));
    let address = format!("GET /{}", "a".repeat(20_000));
    assert!(exchange(watched.plain, address.as_bytes(), None).starts_with("HTTP/1.1 414"));
    watched.check("address", 1, (414, &address[..1024], "address too long"));
    let before = watched.refused().len();
    // These are requests, with lines of their own.
    exchange(watched.plain, b"GET / HTTP/1.1\r\n\r\n", None);
    let name = "livedir_malformed_total{kind=\"host\"}";
    wait_until("it is counted", || metric(watched.operator, name) == 1);
    assert_eq!(watched.refused().len(), before);
}

#[test]
fn plain_http_on_a_port_of_tls_gets_a_400_in_words() {
    let watched = start();
    for end in [None, Some(Shutdown::Write)] {
        let request = b"GET /stream.m3u8 HTTP/1.1\r\nHost: livedir.test\r\n\r\n";
        let answer = exchange(watched.server.address, request, end);
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer:?}");
        assert!(answer.ends_with("this port speaks HTTPS; the address begins with https://\n"), "{answer:?}");
    }
    watched.check("plain_http", 2, (400, "GET /stream.m3u8 HTTP/1.1", "plain HTTP on a port of TLS"));
    let (answer, body) = curl(&[], "http", watched.server.address, "/").unwrap();
    assert_eq!(answer, "1.1 400");
    assert!(String::from_utf8(body).unwrap().contains("https://"));
}

#[test]
fn tls_that_is_none_is_logged_and_counted() {
    let watched = start();
    for count in 1..4 {
        let mut stream = TcpStream::connect(watched.server.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(b"\x16\x03\x01\x00\x05abcde and more of it").unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
        watched.check("tls", count, (0, "", "no TLS"));
    }
    // Whoever just leaves has done nothing wrong.
    drop(TcpStream::connect(watched.server.address).unwrap());
    assert_eq!(get(watched.plain, "/status.json", &[]).status, 200);
    assert_eq!(metric(watched.operator, "livedir_malformed_total{kind=\"tls\"}"), 3);
}

#[test]
fn frames_that_http_2_forbids_are_logged_and_counted() {
    let watched = start();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    // DATA on stream 0.
    let forbidden = [&preface[..], b"\0\0\0\x04\0\0\0\0\0", b"\0\0\x01\0\0\0\0\0\0a"].concat();
    exchange(watched.plain, &forbidden, None);
    watched.check("http2", 1, (0, "", "HTTP/2: "));
}
