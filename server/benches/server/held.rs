//! Players that wait for the next part: what each takes while it waits, and how long after the rename it has its answer.
//!
//! nginx cannot hold a request, so there is nothing beside these figures but what they are to be.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use super::programs::Program;

const PLAYLIST: &str = "ll.m3u8";

/// Renames that are measured, on the same connections.
const RENAMES: u64 = 10;

/// What a server does when a connection falls silent it does within this time.
const SETTLE: Duration = Duration::from_secs(13);

/// For the server to have taken all requests.
const TAKEN: Duration = Duration::from_secs(1);

const DEADLINE: Duration = Duration::from_secs(20);

/// Under the length of the queue: what overflows it waits for a second.
const BATCH: usize = 50;

/// As a browser sends it.
const HEAD_END: &str = "HTTP/1.1\r\nHost: live.example.org\r\nConnection: keep-alive\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\n\
    Accept: */*\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n\
    Referer: https://live.example.org/\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-US,en;q=0.9\r\n\r\n";

pub struct Measured {
    /// Of the server for each connection that says nothing.
    pub silent_kb: f64,
    /// Of the server for each connection with a request that is held.
    pub held_kb: f64,
    /// Of the server, for each answer with its question.
    pub cpu_us: f64,
    /// From the rename to the answer.
    pub median_ms: f64,
    /// To the last answer, of the median rename.
    pub last_ms: f64,
}

/// Puts the list of so many parts there, as a publisher does.
pub fn publish(webroot: &Path, parts: u64) {
    let mut text = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:10\n\
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.6\n#EXT-X-PART-INF:PART-TARGET=0.2\n\
        #EXT-X-MEDIA-SEQUENCE:1\n"
        .to_owned();
    for segment in 1..=10 {
        let _ = write!(
            text,
            "#EXT-X-PROGRAM-DATE-TIME:2026-11-22T14:39:16.000Z\n#EXTINF:10.000000,\nlive/seg-{segment:08}.ts\n"
        );
    }
    for part in 0..parts {
        let _ = writeln!(text, "#EXT-X-PART:DURATION=0.200000,URI=\"live/seg-00000011.p{part:02}.ts\"");
    }
    let _ = writeln!(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"live/seg-00000011.p{parts:02}.ts\"");
    let unfinished = webroot.join(".unfinished");
    fs::write(&unfinished, text)
        .and_then(|()| fs::rename(unfinished, webroot.join(PLAYLIST)))
        .expect("a list");
}

pub fn measure(server: &Program, webroot: &Path, players: usize) -> Measured {
    publish(webroot, 1);
    Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
        // As in the row of idle connections: what one takes that waits for nothing.
        let mut connections = Vec::with_capacity(players);
        let none_mb = server.memory_mb();
        while connections.len() < players {
            let mut batch = Vec::new();
            for _ in 0..BATCH.min(players - connections.len()) {
                batch.push(TcpStream::connect(server.address).await.expect("a connection"));
            }
            for connection in batch {
                ask(&connection, &format!("HEAD /{PLAYLIST} ")).await;
                answer(&connection, false).await;
                connections.push(Arc::new(connection));
            }
        }
        sleep(SETTLE).await;
        let silent_mb = server.memory_mb();

        let (done, mut answers) = mpsc::unbounded_channel();
        let (mut held_mb, mut all_took, mut last) = (0.0_f64, Vec::new(), Vec::new());
        let cpu_before = server.cpu();
        for renamed in 1..=RENAMES {
            let wanted = format!("GET /{PLAYLIST}?_HLS_msn=11&_HLS_part={renamed} ");
            for connection in &connections {
                ask(connection, &wanted).await;
            }
            let renamed_at = Arc::new(Mutex::new(None));
            for connection in &connections {
                let (connection, done, renamed_at) = (connection.clone(), done.clone(), renamed_at.clone());
                tokio::spawn(async move {
                    answer(&connection, true).await;
                    let renamed_at: Option<Instant> = *renamed_at.lock().expect("no panic");
                    let _ = done.send(renamed_at.expect("held until the rename").elapsed());
                });
            }
            sleep(TAKEN).await;
            yield_now().await;
            held_mb = held_mb.max(server.memory_mb());
            *renamed_at.lock().expect("no panic") = Some(Instant::now());
            publish(webroot, renamed + 1);
            for _ in 0..players {
                let took = timeout(DEADLINE, answers.recv()).await.expect("an answer").expect("all tasks");
                all_took.push(took);
            }
            // They come in the order in which they were answered.
            last.extend(all_took.last().copied());
        }
        let cpu = server.cpu().saturating_sub(cpu_before);
        all_took.sort();
        last.sort();
        let of_each_kb = |memory_mb: f64| (memory_mb - none_mb) * 1024.0 / players as f64;
        Measured {
            silent_kb: of_each_kb(silent_mb),
            held_kb: of_each_kb(held_mb),
            cpu_us: cpu.as_secs_f64() * 1e6 / all_took.len() as f64,
            median_ms: all_took[all_took.len() / 2].as_secs_f64() * 1e3,
            last_ms: last[last.len() / 2].as_secs_f64() * 1e3,
        }
    })
}

async fn ask(connection: &TcpStream, line: &str) {
    let request = format!("{line}{HEAD_END}");
    connection.writable().await.expect("a connection");
    let sent = connection.try_write(request.as_bytes()).expect("a request sent");
    assert_eq!(sent, request.len());
}

/// Reads an answer to its end.
async fn answer(connection: &TcpStream, has_body: bool) {
    let (mut length, mut count) = (None, 0);
    while length.is_none_or(|length| count < length) {
        connection.readable().await.expect("a connection");
        let mut bytes = [0; 16 * 1024];
        match connection.try_read(&mut bytes) {
            Ok(0) => panic!("closed after {count} bytes"),
            Ok(more) => {
                if length.is_none() {
                    length = Some(length_of(&bytes[..more], has_body));
                }
                count += more;
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Head and body together.
fn length_of(beginning: &[u8], has_body: bool) -> usize {
    let text = String::from_utf8_lossy(beginning);
    assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
    let (head, _) = text.split_once("\r\n\r\n").expect("a head in one piece");
    let body = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    head.len() + 4 + if has_body { body.expect("a length") } else { 0 }
}
