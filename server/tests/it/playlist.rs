//! A playlist under a reader that never rests.

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::{Connection, Server, Webroot, gunzip};

/// Names its version in the first and the last line, and says how many lines are between.
fn playlist(version: usize) -> String {
    let between = 1 + version * 37 % 500;
    let mut text = format!("#EXTM3U\n{version} {between}\n");
    for _ in 0..between {
        let _ = writeln!(text, "live/seg-{version:08}.ts");
    }
    let _ = writeln!(text, "end {version}");
    text
}

/// The version of a whole playlist.
#[track_caller]
fn version(text: &str) -> usize {
    let version =
        text.lines().nth(1).and_then(|line| line.split(' ').next()).and_then(|number| number.parse().ok());
    let version = version.unwrap_or_else(|| panic!("no version in {text:?}"));
    assert_eq!(text, playlist(version), "torn");
    version
}

#[test]
fn a_playlist_that_is_replaced_all_the_time_is_never_torn_and_never_a_304() {
    let webroot = Webroot::new();
    webroot.replace("stream.m3u8", playlist(0).as_bytes());
    let server = Server::start(&webroot.path(), &[]);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut version = 0;
            while !done.load(Ordering::Relaxed) {
                version += 1;
                webroot.replace("stream.m3u8", playlist(version).as_bytes());
                thread::sleep(Duration::from_millis(2));
            }
        });
        let read = scope.spawn(|| {
            let mut connection = Connection::open(server.address);
            let mut versions = vec![0];
            // Several hundred answers, and however many it takes to have seen many versions.
            for round in 0.. {
                let encoding = ["Accept-Encoding: gzip", "Accept-Encoding: identity"][round % 2];
                let conditions =
                    ["If-None-Match: *", "If-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT", encoding];
                let answer = connection.ask("GET", "/stream.m3u8", &conditions);
                assert_eq!(answer.status, 200);
                let packed = answer.header("Content-Encoding") == "gzip";
                assert_eq!(packed, round % 2 == 0);
                let text = if packed { gunzip(&answer.body) } else { answer.body };
                let version = version(&String::from_utf8(text).unwrap());
                assert!(version >= versions[versions.len() - 1], "{version} after {versions:?}");
                versions.push(version);
                versions.dedup();
                if round >= 400 && versions.len() >= 50 {
                    break;
                }
            }
        });
        let read = read.join();
        done.store(true, Ordering::Relaxed);
        read.unwrap();
    });
}
