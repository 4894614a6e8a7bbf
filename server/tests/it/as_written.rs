//! HTTP as it is written: what RFC 9110, 9112 and 9113 say of hosts, ends, lists and methods.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use crate::blocking::{list, metric, next};
use crate::support::attackers::{frame, head_of, preface, read_frame};
use crate::support::{Answer, Connection, DEADLINE, Server, Webroot, ask, get, segment, wait_until};

/// RFC 9113 6: types of frames.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PING: u8 = 6;

/// All that comes back for these bytes, until the server ends the connection.
pub fn exchange(address: SocketAddr, request: &[u8], then: Option<Shutdown>) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let _ = stream.write_all(request);
    if let Some(how) = then {
        // The server may have had enough before.
        let _ = stream.shutdown(how);
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_request_names_one_host_and_names_it_well() {
    let webroot = Webroot::new();
    webroot.replace("ll.m3u8", list(1).as_bytes());
    let server = Server::start(&webroot.path(), &[]);
    let status = |lines: &str| {
        let answer = exchange(server.address, format!("{lines}Connection: close\r\n\r\n").as_bytes(), None);
        answer.split(' ').nth(1).unwrap_or("none").to_owned()
    };
    // Those that may be held are looked at before hyper reads them.
    for path in ["/status.json".to_owned(), next(0), "/live/seg-00000001.ts".to_owned()] {
        let head = format!("GET {path} HTTP/1.1\r\n");
        assert_eq!(status(&head), "400", "{path}");
        for bad in ["", "a b", "a/b", "u@a", "a:b", "[::1", "a:99999"] {
            assert_eq!(status(&format!("{head}Host: {bad}\r\n")), "400", "{path} {bad:?}");
        }
        assert_eq!(status(&format!("{head}Host: a\r\nHost: a\r\n")), "400", "{path}");
        assert_eq!(status(&format!("{head}Host: a\r\nHost: b\r\n")), "400", "{path}");
        for good in ["a", "livedir.test:8080", "[::1]:8080", "192.0.2.1"] {
            assert_eq!(status(&format!("{head}Host: {good}\r\n")), "200", "{path} {good:?}");
        }
        let old = format!("GET {path} HTTP/1.0\r\n");
        assert_eq!(status(&old), "200", "{path}: HTTP/1.0 has no Host");
        assert_eq!(status(&format!("{old}Host: a\r\nHost: b\r\n")), "400", "{path}");
    }
    let refused = exchange(server.address, b"GET / HTTP/1.1\r\n\r\n", None);
    assert!(refused.contains("connection: close"), "{refused}");
    assert!(refused.ends_with("\r\n\r\nexactly one valid Host is expected\n"), "{refused}");
}

#[tokio::test]
async fn http_2_has_one_authority() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    for (host, expected) in [(None, 200), (Some("livedir.test"), 200), (Some("other.test"), 400)] {
        let mut request = http::Request::get("http://livedir.test/status.json");
        if let Some(host) = host {
            request = request.header("Host", host);
        }
        let answer = client.send_request(request.body(()).unwrap(), true).unwrap().0.await.unwrap();
        assert_eq!(answer.status(), expected, "{host:?}");
    }
}

#[test]
fn a_client_that_has_said_all_gets_its_answer() {
    let webroot = Webroot::new();
    webroot.replace("ll.m3u8", list(1).as_bytes());
    let mut server = Server::start(&webroot.path(), &["--metrics-listen", "127.0.0.1:0"]);
    let operator = server.next_address();
    let head = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes();
    let half_close = |bytes: &[u8]| exchange(server.address, bytes, Some(Shutdown::Write));
    for path in ["/stream.m3u8", "/live/seg-00000001.ts", "/player/player.js", "/nothing"] {
        for _ in 0..10 {
            let answer = half_close(&head(path));
            assert!(answer.starts_with("HTTP/1.1 "), "{path}: {answer:?}");
        }
    }
    assert_eq!(
        half_close(&[head("/status.json"), head("/status.json")].concat()).matches("HTTP/1.1 200").count(),
        2
    );
    assert_eq!(half_close(b"GET /stat"), "", "half a head is no request");
    // Held, alone and with one behind it.
    let waiting: Vec<_> = (0..10)
        .map(|number| {
            let (address, mut bytes) = (server.address, head(&next(1)));
            if number % 2 == 0 {
                bytes.extend(head("/status.json"));
            }
            std::thread::spawn(move || exchange(address, &bytes, Some(Shutdown::Write)))
        })
        .collect();
    wait_until("they are held", || metric(operator, "livedir_held_requests") == 10);
    webroot.replace("ll.m3u8", list(2).as_bytes());
    for (number, waiting) in waiting.into_iter().enumerate() {
        let answer = waiting.join().unwrap();
        assert_eq!(answer.matches("HTTP/1.1 200").count(), 2 - number % 2, "{answer}");
        assert!(answer.contains(&list(2)), "{answer}");
    }
}

#[test]
fn lists_of_several_lines_and_several_ranges_are_the_same_from_memory_and_from_disk() {
    let webroot = Webroot::new();
    let servers = [&[][..], &["--cache-size", "0"]].map(|words| Server::start(&webroot.path(), words));
    let whole = segment();
    for server in &servers {
        get(server.address, "/stream.m3u8", &[]);
        for path in ["/live/seg-00000001.ts", "/player/player.js"] {
            let plain = get(server.address, path, &[]);
            let tag = plain.header("ETag");
            let status = |lines: &[&str]| get(server.address, path, lines).status;
            let [none, mine] = [format!("If-None-Match: {tag}"), format!("If-Match: {tag}")];
            assert_eq!(status(&["If-None-Match: \"x\"", &none]), 304, "{path}");
            assert_eq!(status(&[&none, "If-None-Match: \"x\""]), 304, "{path}");
            assert_eq!(status(&["If-Match: \"x\"", &mine]), 200, "{path}");
            assert_eq!(status(&[&mine, "If-Match: \"x\""]), 200, "{path}");
            assert_eq!(status(&["If-Match: \"x\"", "If-Match: \"y\""]), 412, "{path}");
            let first = get(server.address, path, &["Range: bytes=0-9,"]);
            assert_eq!((first.status, &first.body[..]), (206, &plain.body[..10]), "{path}");
            let parts = |answer: &Answer| answer.parts();
            let both = get(server.address, path, &["Range: bytes=0-3,,-2, 5-6"]);
            assert_eq!(both.status, 206, "{path}");
            assert_eq!(both.header("Content-Length"), both.body.len().to_string());
            let length = plain.body.len();
            let expected: Vec<_> = [0..4, length - 2..length, 5..7]
                .map(|part| {
                    (format!("bytes {}-{}/{length}", part.start, part.end - 1), plain.body[part].to_vec())
                })
                .into();
            assert!(parts(&both) == expected, "{path}");
        }
    }
    // Larger than what is read from the disk at a time.
    let [.., disk] = &servers;
    let answer = get(disk.address, "/live/seg-00000001.ts", &["Range: bytes=0-99999,120000-199999"]);
    let expected = [&whole[..100_000], &whole[120_000..200_000]];
    assert!(answer.parts().iter().zip(expected).all(|((_, part), bytes)| part == bytes));
}

#[test]
fn long_addresses_are_told_so_however_they_come() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    for length in [9_000, 20_000, 100_000] {
        let line = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(length));
        let answer = exchange(server.address, line.as_bytes(), None);
        assert!(answer.starts_with("HTTP/1.1 414 URI Too Long\r\n"), "{length}: {answer:?}");
        assert!(answer.ends_with("\r\n\r\naddress too long\n"), "{length}: {answer:?}");
    }
    let mut slow = TcpStream::connect(server.address).unwrap();
    slow.set_nodelay(true).unwrap();
    slow.set_read_timeout(Some(DEADLINE)).unwrap();
    let _ = slow.write_all(b"GET /");
    for _ in 0..20 {
        std::thread::yield_now();
        let _ = slow.write_all(&[b'a'; 1000]);
    }
    let mut answer = String::new();
    let _ = slow.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 414"), "{answer:?}");
    assert_eq!(get(server.address, &format!("/{}", "a".repeat(8000)), &[]).status, 404, "RFC 9110 4.1");
}

#[test]
fn options_say_what_is_allowed() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    for path in ["/stream.m3u8", "/nothing", "*"] {
        let answer = ask(server.address, "OPTIONS", path, &[]);
        assert_eq!((answer.status, answer.header("Allow")), (204, "GET, HEAD, OPTIONS".to_owned()), "{path}");
    }
}

#[test]
fn usual_files_of_the_web_have_their_types() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    for (ending, expected) in [
        ("jpeg", "image/jpeg"),
        ("gif", "image/gif"),
        ("webp", "image/webp"),
        ("wasm", "application/wasm"),
        ("m4a", "audio/mp4"),
    ] {
        webroot.write(&format!("a.{ending}"), b"a");
        let mut connection = Connection::open(server.address);
        assert_eq!(connection.ask("GET", &format!("/a.{ending}"), &[]).header("Content-Type"), expected);
    }
}

#[test]
fn the_answer_to_a_head_over_http_2_has_no_content() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    for path in ["/stream.m3u8", "/live/seg-00000001.ts", "/index.html", "/nothing"] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(&[preface(65_535), head_of(1, path)].concat()).unwrap();
        while read_frame(&mut stream).0 != HEADERS {}
        // What follows the head is sent with it, and so before the answer to this.
        stream.write_all(&frame(PING, 0, 0, &[7; 8])).unwrap();
        loop {
            let (kind, number, content) = read_frame(&mut stream);
            assert_ne!(kind, DATA, "{path}: stream {number}, {} bytes", content.len());
            if (kind, &content[..]) == (PING, &[7; 8]) {
                break;
            }
        }
    }
}
