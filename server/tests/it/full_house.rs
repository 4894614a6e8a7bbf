//! More connections than there may be: whoever is not let in is told so, and so is the operator.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::as_written::exchange;
use crate::attacks::{UNLISTED, webroot};
use crate::blocking::metric;
use crate::support::attackers::{Dialer, SlowReader, Version};
use crate::support::{Connection, DEADLINE, Server, Webroot, get, wait_until};
use crate::tls::write_certificate;

const ASK: &[u8] = b"GET /status.json HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

fn sit(address: SocketAddr, count: usize) -> Vec<Connection> {
    let mut sitting: Vec<_> = (0..count).map(|_| Connection::open(address)).collect();
    for connection in &mut sitting {
        assert_eq!(connection.ask("GET", "/status.json", &[]).status, 200);
    }
    sitting
}

#[track_caller]
fn check_refused(answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer:?}");
    assert!(answer.contains("\r\nretry-after: 5\r\n"), "{answer:?}");
    assert!(answer.ends_with("\r\n\r\ntoo many connections; try again later\n"), "{answer:?}");
}

#[test]
fn whoever_has_too_many_connections_is_told_so_and_the_operator_once() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &["--connections-per-address", "5"]);
    let sitting = sit(server.address, 5);
    for _ in 0..100 {
        check_refused(&exchange(server.address, ASK, None));
    }
    drop(sitting);
    wait_until("there is room again", || exchange(server.address, ASK, None).starts_with("HTTP/1.1 200"));
    server.signal("TERM");
    let (_, _, stderr) = server.wait();
    let lines: Vec<_> = stderr.lines().filter(|line| line.contains("connections refused")).collect();
    assert_eq!(lines.len(), 1, "one line an address and minute: {stderr}");
    assert!(lines[0].contains("127.0.0.1") && lines[0].contains("--connections-per-address"), "{stderr}");
}

#[test]
fn where_busy_viewers_have_all_places_everybody_is_told_so() {
    let webroot = Webroot::new();
    webroot.replace("ll.m3u8", crate::blocking::list(1).as_bytes());
    let server = Server::start(
        &webroot.path(),
        &["--connections", "5", "--connections-per-address", "9", "--threads", "1"],
    );
    let mut waiting = Vec::new();
    wait_until("all places are taken", || {
        // Whoever waits for the next part is not sent away for another, but whoever has not asked yet is.
        let mut connection = Connection::open(server.address);
        connection.send("GET", &crate::blocking::next(1), &[]);
        waiting.push(connection);
        exchange(server.address, ASK, None).starts_with("HTTP/1.1 503")
    });
    check_refused(&exchange(server.address, ASK, None));
    server.signal("TERM");
    let (_, _, stderr) = server.wait();
    let full = stderr.lines().filter(|line| line.contains("all places are taken; see --connections"));
    assert_eq!(full.count(), 1, "{stderr}");
}

/// Viewers that read next to nothing of what they have asked for, so that their places are in use.
fn busy(address: SocketAddr, from: impl Iterator<Item = Ipv4Addr>) -> Vec<SlowReader> {
    let dialer = Dialer { address, certificate: None };
    from.filter_map(|from| SlowReader::begin(&dialer, from, Version::Http1, UNLISTED, 1).ok()).collect()
}

#[test]
fn the_operator_is_answered_while_viewers_have_all_places() {
    let webroot = webroot();
    let words = ["--connections", "20", "--threads", "1", "--metrics-listen", "127.0.0.1:0"];
    let mut server = Server::start(&webroot.path(), &words);
    let operator = server.next_address();
    let mut at_rest = Connection::open(operator);
    assert_eq!(at_rest.ask("GET", "/healthz", &[]).status, 200);
    let mut addresses = (1..).map(|number| Ipv4Addr::from_bits(0x7f00_0100 + number));
    let mut viewers = busy(server.address, addresses.by_ref().take(30));
    wait_until("all places are taken", || {
        // Whoever has not asked yet has to go for us, and we leave.
        viewers.extend(busy(server.address, addresses.by_ref().take(1)));
        exchange(server.address, ASK, None).starts_with("HTTP/1.1 503")
    });
    assert_eq!(at_rest.ask("GET", "/healthz", &[]).status, 200, "viewers do not get its place");
    for path in ["/healthz", "/metrics"] {
        assert_eq!(get(operator, path, &[]).status, 200, "{path}");
    }
    drop(viewers);
}

#[test]
fn the_operators_port_has_a_few_places_and_takes_none_of_the_viewers() {
    const PLACES: u64 = 32;
    let webroot = Webroot::new();
    let words = ["--connections", "2", "--threads", "1", "--metrics-listen", "127.0.0.1:0"];
    let mut server = Server::start(&webroot.path(), &words);
    let operator = server.next_address();
    let mut viewer = Connection::open(server.address);
    assert_eq!(viewer.ask("GET", "/stream.m3u8", &[]).status, 200);
    let silent: Vec<_> = (0..3 * PLACES).map(|_| Connection::open(operator)).collect();
    // One of them is the viewer's.
    wait_until("all its places are taken", || metric(operator, "livedir_connections") == PLACES + 1);
    assert_eq!(get(operator, "/healthz", &[]).status, 200, "whoever asks gets the place of who does not");
    assert_eq!(viewer.ask("GET", "/stream.m3u8", &[]).status, 200);
    drop(silent);
}

#[test]
fn one_address_never_has_all_places() {
    let webroot = webroot();
    let plain = Server::command(&webroot.path(), &["--connections", "20"]);
    let mut few_files = Command::new("sh");
    few_files.args(["-c", "ulimit -n 256; exec \"$0\" \"$@\""]).arg(plain.get_program());
    few_files.args(Server::command(&webroot.path(), &[]).get_args());
    few_files.env("RUST_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (command, places) in [(plain, 20), (few_files, 128)] {
        let server = Server::spawn(command);
        let mut readers = busy(server.address, (0..places + 5).map(|_| Ipv4Addr::new(127, 0, 1, 1)));
        wait_until("some of them are refused", || readers.iter_mut().any(|reader| !reader.take(4096)));
        assert_eq!(get(server.address, "/stream.m3u8", &[]).status, 200, "of {places} places");
        drop(readers);
        server.signal("TERM");
        let (_, _, stderr) = server.wait();
        assert!(stderr.contains("see --connections-per-address"), "{stderr}");
    }
}

#[test]
fn over_tls_there_is_no_handshake_for_whoever_is_not_let_in() {
    let webroot = Webroot::new();
    let files = write_certificate(webroot.outer(), "one");
    let words = [&files.flags()[..], &["--connections-per-address", "1"]].concat();
    let server = Server::start(&webroot.path(), &words);
    let _silent = Connection::open(server.address);
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut sent = Vec::new();
    let _ = stream.read_to_end(&mut sent);
    assert!(sent.is_empty(), "{} bytes, the first {:?}", sent.len(), sent.first());
}

#[test]
fn proxies_and_load_tests_have_a_way_in() {
    let webroot = Webroot::new();
    for words in [
        &["--connections-per-address", "5", "--forwarded-from", "127.0.0.1"][..],
        &["--connections-per-address", "60"],
    ] {
        let server = Server::start(&webroot.path(), words);
        assert_eq!(sit(server.address, 50).len(), 50, "{words:?}");
    }
}

#[test]
fn no_connections_at_all_make_no_sense() {
    let webroot = Webroot::new();
    for flag in ["--connections", "--connections-per-address"] {
        let output = Server::refuse(&webroot.path(), &[flag, "0"]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(flag), "{stderr}");
    }
}

/// As systemd does it: the socket is file 3, and the process that has it is named.
fn start_with_socket(webroot: &Path, listener: &TcpListener) -> Server {
    let mut command = Command::new("sh");
    command.args(["-c", "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\" 3<&0"]);
    command.arg(env!("CARGO_BIN_EXE_livedir-server")).arg("--webroot").arg(webroot);
    command.args(["--access-log", "off"]).env("RUST_LOG", "warn");
    command.stdin(Stdio::from(OwnedFd::from(listener.try_clone().unwrap())));
    Server::spawn({
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    })
}

#[test]
fn a_restart_with_systemds_socket_leaves_no_connection_unanswered() {
    let webroot = Webroot::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (is_over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let viewers: Vec<_> = (0..8)
        .map(|number| {
            let (is_over, answered) = (is_over.clone(), answered.clone());
            thread::spawn(move || {
                let mut unanswered = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    let mut stream = TcpStream::connect(address).unwrap();
                    stream.set_read_timeout(Some(DEADLINE)).unwrap();
                    // Half of them are a round trip of a bad line away.
                    thread::sleep(Duration::from_millis(number % 2 * 150));
                    let sent = stream.write_all(ASK);
                    let mut answer = String::new();
                    let read = stream.read_to_string(&mut answer);
                    if answer.starts_with("HTTP/1.1 200") {
                        answered.fetch_add(1, Ordering::Relaxed);
                    } else {
                        unanswered.push(format!("{sent:?} {read:?} {answer:?}"));
                    }
                }
                unanswered
            })
        })
        .collect();
    for _ in 0..5 {
        let server = start_with_socket(&webroot.path(), &listener);
        let before = answered.load(Ordering::Relaxed);
        wait_until("it serves", || answered.load(Ordering::Relaxed) > before + 100);
        server.signal("TERM");
        let (status, _, stderr) = server.wait();
        assert!(status.success() && stderr.is_empty(), "{status}: {stderr}");
    }
    is_over.store(true, Ordering::Relaxed);
    // Whoever came since the last one ended.
    let _server = start_with_socket(&webroot.path(), &listener);
    let unanswered: Vec<_> = viewers.into_iter().flat_map(|viewer| viewer.join().unwrap()).collect();
    assert!(unanswered.is_empty(), "{} of {answered:?}: {unanswered:?}", unanswered.len());
}
