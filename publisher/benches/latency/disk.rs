//! From the capture of a picture until its part can be read, as a third party sees it: inotify tells when the part has got
//! its name, and the clock in the part's first picture, the one that waits longest, when that was taken.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use livedir_layout::names::segment_name;
use livedir_publisher::source::test_pattern::STRIP_CELLS;
use notify::event::{ModifyKind, RenameMode};
use notify::{EventKind, RecursiveMode, Watcher};

use crate::page::Spread;
use crate::stream::publish;

const WIDTH: usize = 320;

/// The publisher's default.
const FPS: u32 = 20;

/// Of a segment: 2 s, the default.
const SEGMENT_PICTURES: usize = 40;

/// For parts of `part_ms`, over so many seconds.
pub fn from_capture(part_ms: u32, seconds: u32) -> Spread {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let webroot = directory.path();
    std::fs::create_dir_all(webroot.join("live")).expect("a webroot");
    let (events_tx, events) = mpsc::channel();
    let mut observer = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        if event.kind == EventKind::Modify(ModifyKind::Name(RenameMode::To)) {
            let name = event.paths.first().and_then(|path| path.file_name());
            let name = name.map(|name| name.to_string_lossy().into_owned());
            let _ = events_tx.send((SystemTime::now(), name.unwrap_or_default()));
        }
    })
    .expect("an observer");
    observer.watch(&webroot.join("live"), RecursiveMode::NonRecursive).expect("a watch");

    // Every segment stays listed, to be looked into afterwards.
    let window = (seconds + 60).to_string();
    let part = format!("{part_ms}ms");
    let publisher = publish(webroot, &["--low-latency", "--part-duration", &part, "--window", &window]);
    let until = Instant::now() + Duration::from_secs(u64::from(seconds));
    let mut readable: BTreeMap<(u64, usize), SystemTime> = BTreeMap::new();
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        let Ok((at, name)) = events.recv_timeout(left) else { break };
        readable.extend(part_of(&name).map(|part| (part, at)));
    }
    publisher.finish();

    let part_pictures = (part_ms * FPS / 1000) as usize;
    let last_segment = readable.keys().map(|(segment, _)| *segment).max().unwrap_or(0);
    let mut waits_s = Vec::new();
    // The last one was cut off when the time was over.
    for segment in 1..last_segment {
        let taken = clocks_ms(&webroot.join("live").join(segment_name(segment)));
        assert_eq!(taken.len(), SEGMENT_PICTURES, "segment {segment} has all its pictures");
        for (part, first_picture) in taken.iter().step_by(part_pictures).enumerate() {
            let at =
                readable.get(&(segment, part)).unwrap_or_else(|| panic!("part {part} of segment {segment}"));
            let at = at.duration_since(SystemTime::UNIX_EPOCH).expect("a clock that is set").as_secs_f64();
            waits_s.push(at - *first_picture as f64 / 1000.0);
        }
    }
    assert!(!waits_s.is_empty(), "no segment in {seconds} s; take more of them");
    waits_s.sort_by(f64::total_cmp);
    let share = |percent: usize| waits_s[(waits_s.len() * percent).div_ceil(100) - 1];
    Spread { median_s: share(50), p99_s: share(99), max_s: share(100) }
}

/// Segment and part of a name such as `seg-00000042.p03.ts`.
fn part_of(name: &str) -> Option<(u64, usize)> {
    let (segment, part) = name.strip_prefix("seg-")?.strip_suffix(".ts")?.split_once(".p")?;
    Some((segment.parse().ok()?, part.parse().ok()?))
}

/// When each picture of a segment was taken, in milliseconds since 1970, by the clock in it.
fn clocks_ms(segment: &Path) -> Vec<u64> {
    let decoded = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(segment)
        .args(["-vf", "crop=iw:2:0:ih-4", "-f", "rawvideo", "-pix_fmt", "gray", "-"])
        .output()
        .expect("ffmpeg is installed by `just setup-tests`");
    assert!(decoded.status.success(), "{}", String::from_utf8_lossy(&decoded.stderr));
    decoded.stdout.chunks_exact(2 * WIDTH).map(|rows| clock_ms(&rows[..WIDTH])).collect()
}

fn clock_ms(row: &[u8]) -> u64 {
    let cells = STRIP_CELLS as usize;
    let bits = (0..cells)
        .fold(0_u64, |bits, cell| bits << 1 | u64::from(row[(2 * cell + 1) * WIDTH / (2 * cells)] > 128));
    assert_eq!(bits >> 56, 0b1011_0010, "the strip's mark");
    // The strip has 40 bits of the clock; the rest is that of today.
    let now_ms =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock that is set").as_millis();
    (now_ms as u64 & !0xff_ffff_ffff) | ((bits >> 16) & 0xff_ffff_ffff)
}
