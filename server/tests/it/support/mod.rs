//! What the tests share: a webroot, the running server, a client that sends exactly what it is told.

pub mod attackers;
mod client;
mod kept;
pub mod layers;
mod nginx;
mod server;
pub mod surface;
mod webroot;

pub use client::{Answer, Connection, ask, get, gunzip};
pub use kept::{Entry, compare_digests, compare_lines};
pub use nginx::Nginx;
pub use server::Server;
pub use webroot::{Webroot, segment};

use std::thread;
use std::time::{Duration, Instant};

/// Far above anything that happens on a busy machine; reached only when a test fails.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Waits until `done` says so.
#[track_caller]
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        thread::sleep(Duration::from_millis(5));
    }
}
