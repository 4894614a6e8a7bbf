//! Publishing: how long after a segment its playlist is there, and a restart.

use crate::programs::{end, livedir};
use notify::event::{ModifyKind, RenameMode};
use notify::{EventKind, RecursiveMode, Watcher};
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Segments whose publish lag is taken.
const LAGS: usize = 120;

/// Kills whose restarts are timed.
const RESTARTS: usize = 15;

/// From the rename of a segment to the rename of the playlist that lists it, as a third party sees it by inotify.
pub fn publish_lag(directory: &Path) {
    let webroot = directory.join("lag");
    let (_observer, events) = observe(&webroot);
    let live = livedir(&webroot, &["test", "--segment-duration", "500ms", "--bitrate", "4M"]);
    let mut lags_ms = Vec::new();
    let mut segment_at = None;
    while lags_ms.len() < LAGS {
        let (at, name) = events.recv_timeout(Duration::from_secs(30)).expect("the stream goes on");
        match (name.as_str(), segment_at) {
            ("stream.m3u8", Some(since)) => {
                lags_ms.push(at.duration_since(since).as_secs_f64() * 1e3);
                segment_at = None;
            }
            (segment, _) if segment.starts_with("seg-") => segment_at = Some(at),
            _ => {}
        }
    }
    end(live);
    lags_ms.sort_by(f64::total_cmp);
    println!(
        "publish lag over {LAGS} segments: median {:.2} ms, p99 {:.2} ms, largest {:.2} ms   (aim: median <= 1, p99 <= 5)",
        lags_ms[LAGS / 2],
        lags_ms[(LAGS * 99).div_ceil(100) - 1],
        lags_ms[LAGS - 1]
    );
}

/// From `kill -9` with an immediate start to the rename of the first playlist that lists a segment of the new run. That cannot
/// be sooner than one segment is long.
pub fn restarts(directory: &Path, name: &str, length: &str) {
    let webroot = directory.join(format!("restart-{length}"));
    let (_observer, events) = observe(&webroot);
    let start = || livedir(&webroot, &["test", "--segment-duration", length]);
    // A stream whose window is full, as that of a publisher that has run for long.
    let mut live = start();
    while last_number(&webroot) < 10 {
        events.recv_timeout(Duration::from_secs(30)).expect("the stream goes on");
    }
    let mut times_ms = Vec::new();
    while times_ms.len() < RESTARTS {
        let killed_at = Instant::now();
        live.kill().expect("it still runs");
        live.wait().expect("it ends");
        while events.try_recv().is_ok() {}
        let before = last_number(&webroot);
        live = start();
        let listed_at = loop {
            let (at, renamed) = events.recv_timeout(Duration::from_secs(30)).expect("the stream goes on");
            if renamed == "stream.m3u8" && last_number(&webroot) > before {
                break at;
            }
        };
        times_ms.push(listed_at.duration_since(killed_at).as_secs_f64() * 1e3);
    }
    end(live);
    times_ms.sort_by(f64::total_cmp);
    println!(
        "{name}: kill -9 to the first new segment in the playlist, {RESTARTS} times: median {:.0} ms, largest {:.0} ms",
        times_ms[RESTARTS / 2],
        times_ms[RESTARTS - 1]
    );
}

/// The number of the last segment in the playlist.
fn last_number(webroot: &Path) -> u64 {
    let text = std::fs::read_to_string(webroot.join("stream.m3u8")).unwrap_or_default();
    livedir_playlist::parse(&text).map_or(0, |playlist| playlist.next_media_sequence() - 1)
}

/// Tells of every file that gets its name, and when.
fn observe(webroot: &Path) -> (impl Watcher, mpsc::Receiver<(Instant, String)>) {
    std::fs::create_dir_all(webroot.join("live")).expect("a webroot");
    let (events_tx, events) = mpsc::channel();
    let mut observer = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        if event.kind == EventKind::Modify(ModifyKind::Name(RenameMode::To)) {
            let name = event
                .paths
                .first()
                .and_then(|path| path.file_name())
                .map(|name| name.to_string_lossy().into_owned());
            let _ = events_tx.send((Instant::now(), name.unwrap_or_default()));
        }
    })
    .expect("an observer");
    for watched in [webroot.join("live"), webroot.to_owned()] {
        observer.watch(&watched, RecursiveMode::NonRecursive).expect("a watch");
    }
    (observer, events)
}
