//! Memory of a server to which 10,000 players are connected that have asked once and now say nothing.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use super::programs::Program;

const CONNECTIONS: usize = 10_000;

const DEADLINE: Duration = Duration::from_secs(20);

/// What a server does when a connection falls silent it does within this time.
const SETTLE: Duration = Duration::from_secs(13);

pub fn memory_mb(server: &Program) -> f64 {
    let start = Instant::now();
    let mut connections = Vec::with_capacity(CONNECTIONS);
    while connections.len() < CONNECTIONS {
        assert!(start.elapsed() < DEADLINE, "{} connections", connections.len());
        // Under the length of the queue: what overflows it waits for a second.
        let batch: Vec<_> =
            (0..50).map(|_| TcpStream::connect(server.address).expect("a connection")).collect();
        for mut connection in batch {
            connection.write_all(b"HEAD /stream.m3u8 HTTP/1.1\r\nHost: a\r\n\r\n").expect("a request sent");
            let mut head = [0; 4096];
            assert!(connection.read(&mut head).expect("an answer") > 0, "closed");
            connections.push(connection);
        }
    }
    thread::sleep(SETTLE);
    server.memory_mb()
}
