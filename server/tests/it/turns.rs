//! Connections of an address that uses much of the server's time take turns, and others go first. Judged by the order of answers: no
//! time is measured. Linux only: it is read from /proc that the server stands still.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

use crate::support::{Connection, Server, Webroot, wait_until};

/// Of the greedy address.
const CONNECTIONS: usize = 200;

/// On each, one after the other without a look at the answers.
const REQUESTS: usize = 64;

/// Before that, so that the server knows how greedy it is.
const EARLIER: usize = 16;

/// A connection from `from` that has asked so often, and is being answered.
fn open(from: Ipv4Addr, server: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
    socket.connect(&server.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.write_all(&heads(EARLIER)).unwrap();
    stream.peek(&mut [0]).unwrap();
    stream
}

fn heads(count: usize) -> Vec<u8> {
    "GET /none HTTP/1.1\r\nHost: a\r\n\r\n".repeat(count).into_bytes()
}

#[test]
fn who_asks_once_is_answered_before_those_of_one_address_that_have_asked_before() {
    let webroot = Webroot::new();
    let log = webroot.outer().join("access.log");
    let words = ["--threads", "1", "--access-log", log.to_str().unwrap()];
    let server = Server::start(&webroot.path(), &words);
    let greedy = Ipv4Addr::new(127, 0, 1, 1);
    let mut streams: Vec<_> = (0..CONNECTIONS).map(|_| open(greedy, server.address)).collect();
    let mut other = Connection::open(server.address);
    assert_eq!(other.ask("GET", "/none", &[]).status, 404);

    let lines = || fs::read_to_string(&log).unwrap();
    wait_until("all are answered", || lines().lines().count() == CONNECTIONS * EARLIER + 1);
    // While it stands, all of them ask, and the other one last.
    server.signal("STOP");
    let state = format!("/proc/{}/stat", server.pid());
    wait_until("it stands", || fs::read_to_string(&state).unwrap().contains(") T "));
    for stream in &mut streams {
        stream.write_all(&heads(REQUESTS)).unwrap();
    }
    other.send("GET", "/none", &[]);
    server.signal("CONT");
    assert_eq!(other.read_head().status, 404);

    wait_until("all are answered", || lines().lines().count() == CONNECTIONS * (EARLIER + REQUESTS) + 2);
    // From the last one: the other one's second answer.
    let after = lines().lines().rev().position(|line| line.starts_with("127.0.0.1 ")).unwrap();
    let before = CONNECTIONS * REQUESTS - after;
    // Without turns each of them would be looked at once before, and would be answered more than once then.
    assert!(before < CONNECTIONS / 2, "{before} of {} answers came first", CONNECTIONS * REQUESTS);
}
