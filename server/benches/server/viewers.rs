//! The viewers' mix: 2,000 players, each with one connection, each reloads the playlist about once a second and fetches
//! every new segment once, while a publisher adds a segment of 250 KB every 2 s.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::time::{sleep, sleep_until, timeout};

use super::programs::Program;

const VIEWERS: usize = 2_000;
const SEGMENT_BYTES: usize = 250_000;
const SEGMENT_EVERY: Duration = Duration::from_secs(2);
const WINDOW: usize = 5;
const RUN: Duration = Duration::from_secs(10);

/// Up to a quarter of a second more or less, so that players do not march in step.
const RELOAD_EVERY: Duration = Duration::from_secs(1);

/// An answer that takes longer has failed.
const LATEST: Duration = Duration::from_secs(5);

pub struct Measured {
    /// Of the server, for each answer.
    pub cpu_us: f64,
    pub median_ms: f64,
    pub p99_ms: f64,
    pub failed: usize,
}

/// What all viewers have seen.
#[derive(Default)]
struct Log {
    took: Vec<Duration>,
    failed: usize,
}

/// Puts the next segment and its playlist there, as a publisher does: whole, by rename.
pub fn publish(webroot: &Path, newest: usize) {
    let first = newest.saturating_sub(WINDOW - 1).max(1);
    let mut text =
        format!("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n");
    for number in first..=newest {
        let _ = write!(
            text,
            "#EXTINF:2.000000,\n#EXT-X-PROGRAM-DATE-TIME:2026-11-22T14:39:16.000Z\nlive/seg-{number:08}.ts\n"
        );
    }
    let put = |name: &str, content: &[u8]| {
        let unfinished = webroot.join(".unfinished");
        fs::write(&unfinished, content)?;
        fs::rename(unfinished, webroot.join(name))
    };
    if newest > 1 {
        put(&format!("live/seg-{newest:08}.ts"), &vec![0x47; SEGMENT_BYTES]).expect("a segment");
    }
    put("stream.m3u8", text.as_bytes()).expect("a playlist");
}

pub fn watch(server: &Program, webroot: &Path) -> Measured {
    let done = Arc::new(AtomicBool::new(false));
    let log = Arc::new(Mutex::new(Log::default()));
    let runtime =
        runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let cpu = thread::scope(|scope| {
        let is_done = done.clone();
        let publisher = scope.spawn(move || {
            for newest in 2.. {
                if is_done.load(Ordering::Relaxed) {
                    return newest - 1;
                }
                publish(webroot, newest);
                thread::sleep(SEGMENT_EVERY);
            }
            unreachable!("the numbers have no end");
        });
        let cpu = runtime.block_on(async {
            let viewers: Vec<_> = (0..VIEWERS)
                .map(|number| tokio::spawn(view(number, server.address, log.clone(), done.clone())))
                .collect();
            // All are connected, and have the segments that were there.
            sleep(2 * SEGMENT_EVERY).await;
            *log.lock().expect("no panic") = Log::default();
            let before = server.cpu();
            sleep(RUN).await;
            let cpu = server.cpu().saturating_sub(before);
            done.store(true, Ordering::Relaxed);
            for viewer in viewers {
                viewer.await.expect("no panic");
            }
            cpu
        });
        let newest = publisher.join().expect("no panic");
        for number in 2..=newest {
            let _ = fs::remove_file(webroot.join(format!("live/seg-{number:08}.ts")));
        }
        cpu
    });
    publish(webroot, 1);
    let mut log = std::mem::take(&mut *log.lock().expect("no panic"));
    log.took.sort();
    let at = |part: f64| log.took[(log.took.len() as f64 * part) as usize].as_secs_f64() * 1e3;
    Measured {
        cpu_us: cpu.as_secs_f64() * 1e6 / log.took.len() as f64,
        median_ms: at(0.5),
        p99_ms: at(0.99),
        failed: log.failed,
    }
}

async fn view(number: usize, address: SocketAddr, log: Arc<Mutex<Log>>, done: Arc<AtomicBool>) {
    // Golden section: evenly spread, and no two alike.
    let phase = RELOAD_EVERY.mul_f64((number as f64 * 0.618_034).fract());
    let mut next = tokio::time::Instant::now() + phase;
    let mut connection: Option<TcpStream> = None;
    let mut newest_seen = None;
    let (mut took, mut failed) = (Vec::new(), 0);
    while !done.load(Ordering::Relaxed) {
        sleep_until(next).await;
        next += RELOAD_EVERY * 3 / 4 + phase / 2;
        let mut wanted = vec!["/stream.m3u8".to_owned()];
        while let Some(path) = wanted.pop() {
            let start = Instant::now();
            let answer = timeout(LATEST, ask(&mut connection, address, &path)).await;
            let Ok(Ok(body)) = answer else {
                failed += 1;
                connection = None;
                continue;
            };
            took.push(start.elapsed());
            if path == "/stream.m3u8" {
                wanted = new_segments(&String::from_utf8_lossy(&body), &mut newest_seen);
            }
        }
        let mut log = log.lock().expect("no panic");
        log.took.append(&mut took);
        log.failed += std::mem::take(&mut failed);
    }
}

/// All that are newer than what was seen; at first the last one alone.
fn new_segments(playlist: &str, newest_seen: &mut Option<String>) -> Vec<String> {
    let listed = || playlist.lines().filter(|line| !line.starts_with('#')).map(|line| format!("/{line}"));
    let new: Vec<String> = match newest_seen {
        Some(seen) => listed().filter(|path| path > seen).collect(),
        None => listed().next_back().into_iter().collect(),
    };
    if let Some(last) = listed().next_back() {
        *newest_seen = Some(last);
    }
    new
}

async fn ask(connection: &mut Option<TcpStream>, address: SocketAddr, path: &str) -> io::Result<Vec<u8>> {
    if connection.is_none() {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        *connection = Some(stream);
    }
    let stream = connection.as_mut().ok_or(io::ErrorKind::NotConnected)?;
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nHost: a\r\nUser-Agent: viewer\r\n\r\n").as_bytes())
        .await?;
    let mut received = Vec::with_capacity(4096);
    let head_end = loop {
        if stream.read_buf(&mut received).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8_lossy(&received[..head_end]).to_ascii_lowercase();
    if !head.starts_with("http/1.1 200 ") {
        return Err(io::Error::other(head));
    }
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    let length: usize = length.and_then(|length| length.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    let mut body = received.split_off(head_end);
    body.reserve(length.saturating_sub(body.len()));
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(body)
}
