//! Clients that mean harm. Whatever they do, the server stays up, its memory stays bounded, and a good client is
//! answered meanwhile.

use std::env;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};

use crate::support::{Connection, DEADLINE, Server, Webroot, get, segment, wait_until};

/// In KiB. What the server needs for a few hundred requests and their files is a fifth of it.
const BOUNDED_KIB: u64 = 100 * 1024;

/// A good client's look at the stream: its first answer on a connection of its own.
#[track_caller]
fn check_served(server: &Server) {
    assert_eq!(get(server.address, "/stream.m3u8", &[]).status, 200);
    assert_eq!(get(server.address, "/live/seg-00000001.ts", &[]).body, segment());
}

#[track_caller]
fn check_bounded(server: &Server, bound_kib: u64) {
    if let Some(peak_kib) = server.peak_kib() {
        assert!(peak_kib < bound_kib, "{peak_kib} KiB at the most, over {bound_kib}");
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// Whether the server has ended this connection: an end or a reset, where all that it sends is read and forgotten.
fn is_ended(mut stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let mut sent = [0; 4096];
    loop {
        match stream.read(&mut sent) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return true,
        }
    }
}

#[test]
fn heads_that_never_end_are_not_waited_for() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &["--client-timeout", "2s"]);
    let mut slow: Vec<_> = (0..200).map(|_| connect(server.address)).collect();
    wait_until("all slow clients are sent away", || {
        // A byte at a time, as slowloris does it; a closed connection takes no more.
        for stream in &mut slow {
            stream.set_nonblocking(false).unwrap();
            let _ = stream.write_all(b"X");
        }
        check_served(&server);
        slow.retain(|stream| !is_ended(stream));
        slow.is_empty()
    });
    check_bounded(&server, BOUNDED_KIB);
}

#[test]
fn a_connection_without_requests_is_closed_and_one_at_rest_wakes_up() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &["--idle-timeout", "6s"]);
    let mut player = Connection::open(server.address);
    let mut idle = connect(server.address);
    idle.write_all(b"GET /status.json HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut rounds = 0;
    wait_until("the idle client is sent away", || {
        // Long enough at times to be put to rest, never long enough to be idle.
        thread::sleep(Duration::from_millis(if rounds % 3 == 0 { 2100 } else { 10 }));
        assert_eq!(player.ask("GET", "/live/seg-00000001.ts", &[]).body, segment());
        rounds += 1;
        is_ended(&idle)
    });
}

#[test]
fn a_head_that_comes_in_pieces_around_a_rest_is_whole() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    let mut stream = connect(server.address);
    // The second request begins in the packet of the first.
    stream.write_all(b"GET /status.json HTTP/1.1\r\nHost: a\r\n\r\nGET /stat").unwrap();
    thread::sleep(Duration::from_millis(2500));
    stream.write_all(b"us.json HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
    assert_eq!(answers.matches("on_air_s").count(), 2, "{answers}");
}

#[test]
fn readers_that_do_not_read_are_sent_away() {
    let webroot = Webroot::new();
    webroot.write("live/large.ts", &vec![7; 8 << 20]);
    let server =
        Server::start(&webroot.path(), &["--client-timeout", "2s", "--metrics-listen", "127.0.0.1:0"]);
    let mut server = server;
    let operator = server.next_address();
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut stream = connect(server.address);
        stream.write_all(b"GET /live/large.ts HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        slow.push(stream);
    }
    let name = "livedir_limits_reached_total{limit=\"slow_reader\"} 50";
    wait_until("all of them are sent away", || {
        check_served(&server);
        get(operator, "/metrics", &[]).text().contains(name)
    });
    check_bounded(&server, BOUNDED_KIB);
}

/// Sends `bytes` on a connection of its own, and says what the first line of the answer is; empty for none.
fn first_line(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = connect(address);
    // The server may have had enough before the end.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let mut piece = [0; 1024];
    while !answer.contains(&b'\n') {
        match stream.read(&mut piece) {
            Ok(count) if count > 0 => answer.extend_from_slice(&piece[..count]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

#[track_caller]
fn check_refused(server: &Server, request: &[u8], expected: &str) {
    let line = first_line(server.address, request);
    let shown = String::from_utf8_lossy(&request[..request.len().min(60)]);
    assert!(line.starts_with(expected), "{shown:?}: {line:?} instead of {expected:?}");
}

#[test]
fn giant_heads_and_bodies_are_refused() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    let get = |fields: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").into_bytes();
    check_refused(&server, &get(&format!("A: {}\r\n", "a".repeat(20_000))), "HTTP/1.1 431");
    check_refused(&server, &get(&"A: a\r\n".repeat(1000)), "HTTP/1.1 431");
    check_refused(&server, format!("GET /{} HTTP/1.1\r\n", "a".repeat(20_000)).as_bytes(), "HTTP/1.1 414");
    check_refused(&server, &get("Content-Length: 1\r\n"), "HTTP/1.1 413");
    check_refused(&server, &get("Content-Length: 99999999999\r\n"), "HTTP/1.1 413");
    check_refused(&server, &get("Transfer-Encoding: chunked\r\n"), "HTTP/1.1 413");
    check_refused(&server, &get("Content-Length: 1\r\nContent-Length: 2\r\n"), "HTTP/1.1 400");
    check_refused(&server, &get("Content-Length: -1\r\n"), "HTTP/1.1 400");
    check_refused(&server, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n", "HTTP/1.1 405");
    check_refused(&server, b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 405");
    // A gigabyte of head, or as much of it as the server takes.
    let mut endless = connect(server.address);
    let _ = endless.write_all(b"GET / HTTP/1.1\r\n");
    let piece = format!("A: {}\r\n", "a".repeat(60_000));
    let taken = (0..17_000).take_while(|_| endless.write_all(piece.as_bytes()).is_ok()).count();
    assert!(taken < 17_000, "the server reads on");
    check_served(&server);
    check_bounded(&server, BOUNDED_KIB);
}

#[test]
fn garbage_is_answered_with_a_refusal_or_not_at_all() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &["--client-timeout", "2s"]);
    // xorshift: the same garbage each time.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let head = b"GET / HTTP/1.1\r\nHost: a\r\n";
    for round in 0..300 {
        let mut bytes = match round % 3 {
            0 => Vec::new(),
            1 => preface.to_vec(),
            _ => head.to_vec(),
        };
        let count = 1 + random() as usize % 2000;
        bytes.extend((0..count).map(|_| random() as u8));
        bytes.extend_from_slice(b"\r\n\r\n");
        let mut stream = connect(server.address);
        let _ = stream.write_all(&bytes);
        // The server may have been quicker.
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let is_refusal = answer.is_empty() || answer.starts_with(b"HTTP/1.1 4") || answer[0] == 0;
        assert!(is_refusal, "{} to {}", answer.escape_ascii(), bytes.escape_ascii());
    }
    check_served(&server);
    check_bounded(&server, BOUNDED_KIB);
}

/// From 50 addresses of this machine, as many clients would.
pub fn connect_from(number: usize, address: SocketAddr) -> Option<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let from = if cfg!(target_os = "linux") { number % 50 + 1 } else { 1 };
    socket.bind(&SocketAddr::from((Ipv4Addr::new(127, 0, from as u8, 1), 0)).into()).ok()?;
    socket.connect(&address.into()).ok()?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    Some(stream)
}

#[test]
fn a_crowd_that_holds_all_connections_makes_room_for_viewers() {
    // LIVEDIR_TEST_CONNECTIONS=19000 with a limit of open files to match is the long version.
    let wanted = env::var("LIVEDIR_TEST_CONNECTIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(2000);
    let limit = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: limit, maximum: limit }).unwrap();
    let places = (wanted / 2).to_string();
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &["--connections", &places]);
    let mut crowd = Vec::new();
    for number in 0..wanted {
        let Some(mut stream) = connect_from(number, server.address) else { continue };
        // Half of them have been viewers once, the others say nothing.
        if number % 2 == 0 {
            let _ = stream.write_all(b"GET /status.json HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        crowd.push(stream);
        if number % 100 == 0 {
            check_served(&server);
        }
    }
    check_served(&server);
    wait_until("no more than its places are open", || {
        let open = crowd.iter().filter(|stream| !is_ended(stream)).count();
        open <= wanted / 2
    });
    let open = crowd.iter().filter(|stream| !is_ended(stream)).count();
    assert!(open > wanted / 4, "most of the places are in use: {open}");
    check_served(&server);
    check_bounded(&server, BOUNDED_KIB + 30 * wanted as u64);
}

#[test]
fn one_address_cannot_take_all_connections() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &["--connections-per-address", "20"]);
    let crowd: Vec<_> = (0..40).map(|_| connect(server.address)).collect();
    wait_until("half of them are refused", || crowd.iter().filter(|stream| is_ended(stream)).count() == 20);
    if cfg!(target_os = "linux") {
        let mut other = connect_from(7, server.address).unwrap();
        other.write_all(b"GET /status.json HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        other.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}
