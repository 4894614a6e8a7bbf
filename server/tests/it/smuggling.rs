//! Attempts to smuggle a request past a proxy, a corpus of our own: each is refused, and nothing that follows it is answered.

use std::net::Shutdown;

use crate::as_written::exchange;
use crate::support::{Server, Webroot, get};

/// One attempt a line, behind the status that is right.
const CORPUS: &str = include_str!("smuggling.txt");

/// What must not be answered.
const SMUGGLED: &[u8] = b"GET /status.json?smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

/// `\r`, `\n`, `\t`, `\"` and `\x00`.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next().expect("an escape") {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'x' => {
                let digits = [rest.next(), rest.next()].map(|digit| char::from(digit.expect("two digits")));
                u8::from_str_radix(&String::from_iter(digits), 16).expect("a number")
            }
            other => other,
        });
    }
    bytes
}

#[test]
fn no_request_is_smuggled_behind_another() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    let mut count = 0;
    let mut wrong = Vec::new();
    for line in CORPUS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        count += 1;
        let (expected, request) = line.split_once(' ').unwrap();
        let answers =
            exchange(server.address, &[&unescaped(request)[..], SMUGGLED].concat(), Some(Shutdown::Write));
        let statuses: Vec<_> =
            answers.match_indices("HTTP/1.1 ").map(|(at, word)| &answers[at + word.len()..][..3]).collect();
        if statuses.join("+") != expected {
            wrong.push(format!("{}, not {expected}: {request}", statuses.join("+")));
        }
        if !expected.contains('+') && answers.contains("on_air_s") {
            wrong.push(format!("smuggled: {request}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(count >= 140, "{count}");
    assert_eq!(get(server.address, "/stream.m3u8", &[]).status, 200);
}
