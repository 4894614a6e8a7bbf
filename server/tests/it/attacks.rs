//! What attackers of one address, and of ten, can take of the server at its default limits, and how long others wait meanwhile.
//!
//! Memory is what is resident over that of the idle server; files are those of webroot. Linux only: both are read from /proc.
//! `LIVEDIR_TEST_ATTACK_S=300` is the long version: then a good client's times are held to their bounds, too.

use std::env;
use std::fs;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::attackers::{Dialer, Head, SlowReader, Version};
use crate::support::{Connection, Server, Webroot, get};

const MEMORY_OF_ONE_KIB: u64 = 64 * 1024;
const MEMORY_OF_TEN_KIB: u64 = 512 * 1024;
pub const FILES_OF_ONE: usize = 256;

/// Of a good client's playlists.
const MEDIAN: Duration = Duration::from_millis(5);
const SLOWEST: Duration = Duration::from_millis(50);

/// Larger than what sockets take, and than what is read ahead.
const FILE_BYTES: usize = 4 << 20;

/// Attackers of one address.
#[derive(Clone, Copy)]
struct Attack {
    version: Version,
    has_tls: bool,
    path: &'static str,
    window_bytes: u32,
    addresses: u8,
    connections: usize,
    head: Head,
    /// Whether the server writes an access log.
    has_log: bool,
}

pub const LISTED: &str = "/live/seg-00000001.ts";
pub const UNLISTED: &str = "/live/unlisted.ts";

/// How long an attack lasts; the long version when asked for.
fn length() -> (Duration, bool) {
    let asked = env::var("LIVEDIR_TEST_ATTACK_S").ok().and_then(|text| text.parse().ok());
    (Duration::from_secs(asked.unwrap_or(8)), asked.is_some())
}

fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: limit, maximum: limit }).unwrap();
}

/// A webroot with a large file in a playlist, and another one besides.
pub fn webroot() -> Webroot {
    let webroot = Webroot::new();
    webroot.write(&LISTED[1..], &vec![7; FILE_BYTES]);
    webroot.write(&UNLISTED[1..], &vec![8; FILE_BYTES]);
    webroot
}

/// What was seen while attackers were at it.
#[derive(Debug)]
struct Seen {
    memory_kib: u64,
    open_files: usize,
    median: Duration,
    /// 99 of 100 were faster.
    slowest: Duration,
}

/// Asks for the playlist again and again, from an address of its own.
fn good_client(mut connection: Connection, is_over: &AtomicBool) -> Vec<Duration> {
    let mut times = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let start = Instant::now();
        assert_eq!(connection.ask("GET", "/stream.m3u8", &[]).status, 200);
        times.push(start.elapsed());
        thread::sleep(Duration::from_millis(10));
    }
    times
}

fn attack(attack: Attack) -> Option<Seen> {
    raise_open_files();
    let webroot = webroot();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (webroot.outer().join("a.crt"), webroot.outer().join("a.key"));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = ["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let ports = ["--listen", "http://127.0.0.1:0", "--listen", "https://127.0.0.1:0"];
    let log_path = webroot.outer().join("access.log");
    let log = ["--access-log", if attack.has_log { log_path.to_str().unwrap() } else { "off" }];
    let mut server = Server::start(&webroot.path(), &[&tls[..], &ports, &log].concat());
    let https = server.next_address();
    // Warm: what everyone asks for is in memory, and the threads run.
    for path in ["/stream.m3u8", LISTED, UNLISTED] {
        assert_eq!(get(server.address, path, &[]).status, 200);
    }
    let idle_kib = server.resident_kib()?;
    let dialer = Dialer {
        address: if attack.has_tls { https } else { server.address },
        certificate: attack.has_tls.then(|| made.cert.der().clone()),
    };

    let (length, _) = length();
    let is_over = AtomicBool::new(false);
    let mut seen = Seen { memory_kib: 0, open_files: 0, median: Duration::ZERO, slowest: Duration::ZERO };
    thread::scope(|scope| {
        let connection = Connection::open(server.address);
        let good = scope.spawn(|| good_client(connection, &is_over));
        for number in 0..attack.addresses {
            let (dialer, is_over) = (&dialer, &is_over);
            scope
                .spawn(move || keep_attacking(attack, dialer, Ipv4Addr::new(127, 0, 1, 1 + number), is_over));
        }
        let end = Instant::now() + length;
        for look in 0.. {
            thread::sleep(Duration::from_millis(100));
            let memory_kib = server.resident_kib().unwrap().saturating_sub(idle_kib);
            seen.memory_kib = seen.memory_kib.max(memory_kib);
            // Of thousands of connections this costs as much time as an attacker does.
            if look % 10 == 5 {
                seen.open_files = seen.open_files.max(server.open_files().unwrap());
            }
            if Instant::now() >= end {
                break;
            }
        }
        is_over.store(true, Ordering::Relaxed);
        let mut times = good.join().expect("a good client is answered");
        times.sort();
        (seen.median, seen.slowest) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    });
    Some(seen)
}

/// Has all connections open that it may, and opens another one for each that the server ends.
fn keep_attacking(attack: Attack, dialer: &Dialer, from: Ipv4Addr, is_over: &AtomicBool) {
    let Attack { version, path, window_bytes, head, .. } = attack;
    let begin = || SlowReader::begin_with(dialer, from, version, path, window_bytes, head).ok();
    let mut readers: Vec<SlowReader> = Vec::new();
    let mut rounds = 0;
    while !is_over.load(Ordering::Relaxed) {
        readers.retain_mut(|reader| if rounds % 5 == 4 { reader.take(256) } else { reader.look() });
        let missing = attack.connections - readers.len();
        for _ in 0..missing {
            if is_over.load(Ordering::Relaxed) {
                return;
            }
            readers.extend(begin());
        }
        rounds += 1;
        thread::sleep(Duration::from_millis(500));
    }
}

#[track_caller]
fn check(name: &str, this: Attack) {
    let Some(seen) = attack(this) else { return };
    println!(
        "{name}: {} MiB, {} files; playlist {:.1} ms, 99 of 100 within {:.1} ms",
        seen.memory_kib / 1024,
        seen.open_files,
        seen.median.as_secs_f64() * 1e3,
        seen.slowest.as_secs_f64() * 1e3
    );
    let bound_kib = if this.addresses > 1 { MEMORY_OF_TEN_KIB } else { MEMORY_OF_ONE_KIB };
    assert!(seen.memory_kib <= bound_kib, "{name}: {seen:?}");
    assert!(seen.open_files <= FILES_OF_ONE, "{name}: {seen:?}");
    if length().1 {
        assert!(seen.median <= MEDIAN && seen.slowest <= SLOWEST, "{name}: {seen:?}");
    }
}

const HTTP1: Attack = Attack {
    version: Version::Http1,
    has_tls: false,
    path: UNLISTED,
    window_bytes: 0,
    addresses: 1,
    connections: 900,
    head: Head::Short,
    has_log: false,
};

const HTTP2: Attack = Attack { version: Version::Http2, connections: 100, ..HTTP1 };

#[test]
fn slow_readers_of_http1_from_one_address() {
    check("HTTP/1.1, disk", HTTP1);
}

#[test]
fn slow_readers_of_http1_from_one_address_of_what_is_in_memory() {
    check("HTTP/1.1, memory", Attack { path: LISTED, ..HTTP1 });
}

#[test]
fn slow_readers_of_http1_over_tls_from_one_address() {
    check("HTTP/1.1 over TLS, disk", Attack { has_tls: true, ..HTTP1 });
}

#[test]
fn slow_readers_of_http2_from_one_address() {
    check("HTTP/2, disk, no window", HTTP2);
    check("HTTP/2, disk, a window of 1", Attack { window_bytes: 1, ..HTTP2 });
}

#[test]
fn slow_readers_of_http2_from_one_address_of_what_is_in_memory() {
    check("HTTP/2, memory", Attack { path: LISTED, window_bytes: 1, ..HTTP2 });
}

#[test]
fn slow_readers_of_http2_who_let_all_be_sent_from_one_address() {
    let open = Attack { window_bytes: 1 << 30, connections: 900, ..HTTP2 };
    check("HTTP/2, disk, open windows", open);
    check("HTTP/2, memory, open windows", Attack { path: LISTED, ..open });
    check("HTTP/2, playlist, open windows", Attack { path: "/stream.m3u8", ..open });
}

#[test]
fn slow_readers_of_http2_over_tls_from_one_address() {
    check("HTTP/2 over TLS, disk", Attack { has_tls: true, connections: 300, ..HTTP2 });
}

#[test]
fn slow_readers_with_long_heads_from_one_address() {
    for (name, head) in [("long heads", Head::Long), ("heads without an end", Head::Begun)] {
        for (of, attack) in [("HTTP/1.1", HTTP1), ("HTTP/2", Attack { connections: 900, ..HTTP2 })] {
            check(&format!("{of}, {name}"), Attack { head, ..attack });
        }
    }
}

#[test]
fn slow_readers_with_long_heads_from_ten_addresses() {
    let long = Attack { head: Head::Long, addresses: 10, connections: 900, ..HTTP1 };
    check("ten addresses, HTTP/1.1, long heads", long);
    check("ten addresses, HTTP/2, long heads", Attack { version: Version::Http2, ..long });
}

#[test]
fn slow_readers_with_long_addresses_and_many_ranges() {
    let long = Attack { head: Head::LongAddress, has_log: true, ..HTTP2 };
    for (address, path) in [("long addresses", UNLISTED), ("long addresses of no file", "/live/none.ts")] {
        check(&format!("HTTP/2, {address}"), Attack { path, ..long });
        check(&format!("ten addresses, HTTP/2, {address}"), Attack { path, addresses: 10, ..long });
    }
}

/// Small answers, all of them taken: what is held is the table.
const TABLE: Attack = Attack { window_bytes: 1 << 30, path: "/live/none.ts", ..HTTP2 };

#[test]
fn long_heads_that_enter_the_table_of_http2() {
    let long = Attack { head: Head::LongInTable, ..TABLE };
    check("HTTP/2, long heads in the table", Attack { connections: 900, ..long });
    check("ten addresses, HTTP/2, long heads in the table", Attack { addresses: 10, ..long });
}

#[test]
fn continued_heads_that_enter_the_table_of_http2() {
    let continued = Attack { head: Head::ContinuedInTable, ..TABLE };
    check("HTTP/2, continued heads in the table", Attack { connections: 900, ..continued });
    check("ten addresses, HTTP/2, continued heads in the table", Attack { addresses: 10, ..continued });
}

#[test]
fn slow_readers_from_ten_addresses() {
    check("ten addresses, HTTP/2", Attack { addresses: 10, ..HTTP2 });
    check("ten addresses, HTTP/1.1", Attack { addresses: 10, ..HTTP1 });
}

#[test]
fn slow_readers_from_ten_addresses_over_tls() {
    check("ten addresses, HTTP/2 over TLS", Attack { addresses: 10, has_tls: true, ..HTTP2 });
    check(
        "ten addresses, HTTP/1.1 over TLS",
        Attack { addresses: 10, has_tls: true, connections: 500, ..HTTP1 },
    );
}
