//! `just bench`: what `watch` costs: a thousand channels in one process, the start on a large directory, and one segment
//! event beside many old files.
//!
//! Linux only: processor time and memory are read from /proc. Nothing is asserted; the tables are the result.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use notify::event::{ModifyKind, RenameMode};
use notify::{EventKind, RecursiveMode, Watcher};

const CHANNELS: usize = 1_000;

/// Length of a segment, and the time in which every channel gets one.
const SEGMENT: Duration = Duration::from_secs(2);

/// Segments of each channel while it is measured, and before.
const SEGMENTS: usize = 15;
const WARM_UP: usize = 2;

fn main() {
    // `cargo test --benches` passes other flags; a benchmark is only run when asked for.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let segments = make_segments(directory.path());
    let bytes = fs::metadata(&segments[0]).expect("a segment").len();
    println!(
        "livedir-publisher watch {}, segments of {SEGMENT:?} and {} KB\n",
        env!("CARGO_PKG_VERSION"),
        bytes / 1000
    );
    many_channels(directory.path(), &segments);
    // In memory: what is ours alone, and what a machine with many channels had better use.
    if let Ok(memory) = tempfile::tempdir_in("/dev/shm") {
        many_channels(memory.path(), &make_segments(memory.path()));
    }
    println!("\n{:<28}{:>14}{:>16}{:>16}", "segments on disk", "start", "lag, median", "lag, largest");
    for on_disk in [100, 10_000, 100_000] {
        large_directory(directory.path(), &segments, on_disk);
    }
}

fn many_channels(directory: &Path, segments: &[PathBuf]) {
    let root = directory.join("channels");
    let live = |channel: usize| root.join(format!("channel-{channel:04}/live"));
    for channel in 0..CHANNELS {
        fs::create_dir_all(live(channel)).expect("a channel");
    }
    let (events_tx, events) = mpsc::channel();
    let mut observer = observer(events_tx);
    for channel in 0..CHANNELS {
        let webroot = live(channel).parent().expect("a parent").to_owned();
        observer.watch(&webroot, RecursiveMode::NonRecursive).expect("a watch");
    }
    let words = ["--channels", "--target-duration", "2", "--window", "5"];
    let watcher = start(&root, &words);

    let step = SEGMENT / CHANNELS as u32;
    let began = Instant::now();
    let mut before = Cost::default();
    let mut dropped = HashMap::new();
    let mut lags_ms = Vec::new();
    for (round, segment) in segments.iter().enumerate() {
        if round == WARM_UP {
            before = Cost::of(&watcher);
            lags_ms.clear();
        }
        for channel in 0..CHANNELS {
            let due = began + step * (round * CHANNELS + channel) as u32;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let unfinished = live(channel).join(".next");
            // A link: what the disk takes to write a gigabyte is not what is measured.
            fs::hard_link(segment, &unfinished).expect("linked");
            dropped.insert(format!("channel-{channel:04}"), Instant::now());
            fs::rename(unfinished, live(channel).join(format!("{round}.ts"))).expect("renamed");
            take_lags(&events, &mut dropped, &mut lags_ms, Duration::ZERO);
        }
    }
    take_lags(&events, &mut dropped, &mut lags_ms, Duration::from_secs(1));
    let after = Cost::of(&watcher);
    end(watcher);
    let measured_s = (SEGMENT * SEGMENTS as u32).as_secs_f64();
    lags_ms.sort_by(f64::total_cmp);
    println!("{CHANNELS} channels, {} segments in {measured_s} s, in {}", lags_ms.len(), directory.display());
    println!(
        "  processor {:>6.1} % of one core   (aim: < 15)",
        (after.processor_s - before.processor_s) / measured_s * 100.0
    );
    println!("  memory    {:>6.1} MB              (aim: < 100)", after.memory_mb);
    println!(
        "  lag       {:>6.1} ms median, {:.1} ms p99, {:.1} ms largest   (aim: p99 <= 50)",
        at(&lags_ms, 0.5),
        at(&lags_ms, 0.99),
        at(&lags_ms, 1.0)
    );
}

/// From the rename of a segment to the rename of the playlist that lists it.
fn take_lags(
    events: &mpsc::Receiver<(Instant, PathBuf)>,
    dropped: &mut HashMap<String, Instant>,
    lags_ms: &mut Vec<f64>,
    patience: Duration,
) {
    while let Ok((seen_at, playlist)) = events.recv_timeout(patience) {
        let channel =
            playlist.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        if let Some(since) = channel.and_then(|channel| dropped.remove(&channel)) {
            lags_ms.push(seen_at.saturating_duration_since(since).as_secs_f64() * 1e3);
        }
    }
}

fn large_directory(directory: &Path, segments: &[PathBuf], on_disk: usize) {
    let webroot = directory.join(format!("large-{on_disk}"));
    let live = webroot.join("live");
    fs::create_dir_all(&live).expect("a webroot");
    let old = live.join(format!("{:08}.ts", 0));
    fs::copy(&segments[0], &old).expect("copied");
    for number in 1..on_disk {
        // A file system allows so many links to one file.
        let of = live.join(format!("{:08}.ts", number / 1_000 * 1_000));
        let link = live.join(format!("{number:08}.ts"));
        if number % 1_000 == 0 { fs::copy(&segments[0], link).map(|_| ()) } else { fs::hard_link(of, link) }
            .expect("an old segment");
    }
    let (events_tx, events) = mpsc::channel();
    let mut observer = observer(events_tx);
    observer.watch(&webroot, RecursiveMode::NonRecursive).expect("a watch");
    let words = ["--keep", "--window", "5", "--target-duration", "2"];
    let first = start(&webroot, &words);
    events.recv_timeout(Duration::from_secs(60)).expect("a playlist");
    end(first);
    // The second start finds a playlist, as most do.
    let started_at = Instant::now();
    let watcher = start(&webroot, &words);
    let start_ms = started_at.elapsed().as_secs_f64() * 1e3;
    while events.recv_timeout(Duration::from_millis(200)).is_ok() {}
    let mut lags_ms = Vec::new();
    for (round, segment) in segments.iter().enumerate().skip(1) {
        let unfinished = live.join(".next");
        fs::copy(segment, &unfinished).expect("copied");
        let since = Instant::now();
        fs::rename(unfinished, live.join(format!("{:08}.ts", on_disk + round))).expect("renamed");
        let (seen_at, _) = events.recv_timeout(Duration::from_secs(30)).expect("a playlist");
        lags_ms.push(seen_at.saturating_duration_since(since).as_secs_f64() * 1e3);
        std::thread::sleep(Duration::from_millis(100));
    }
    end(watcher);
    lags_ms.sort_by(f64::total_cmp);
    println!(
        "{on_disk:<28}{start_ms:>11.0} ms{:>13.2} ms{:>13.2} ms{}",
        at(&lags_ms, 0.5),
        at(&lags_ms, 1.0),
        if on_disk == 100_000 { "   (aim: start <= 2000 ms, the same lag)" } else { "" }
    );
}

/// Sees playlists that are renamed into place.
fn observer(events: mpsc::Sender<(Instant, PathBuf)>) -> notify::RecommendedWatcher {
    notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        if event.kind == EventKind::Modify(ModifyKind::Name(RenameMode::To)) {
            let playlist = event.paths.into_iter().find(|path| path.ends_with("stream.m3u8"));
            let _ = playlist.map(|path| events.send((Instant::now(), path)));
        }
    })
    .expect("an observer")
}

#[derive(Default)]
struct Cost {
    processor_s: f64,
    memory_mb: f64,
}

impl Cost {
    fn of(program: &Child) -> Self {
        let proc = Path::new("/proc").join(program.id().to_string());
        let stat = fs::read_to_string(proc.join("stat")).expect("/proc/PID/stat");
        // proc(5): user and system time are fields 14 and 15; the name before them may contain blanks.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks: f64 =
            fields[11..13].iter().map(|field| field.parse::<f64>().expect("a number of ticks")).sum();
        let status = fs::read_to_string(proc.join("status")).expect("/proc/PID/status");
        let peak_kb: f64 = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|rest| rest.split_whitespace().next())
            .and_then(|number| number.parse().ok())
            .expect("VmHWM");
        Self {
            processor_s: ticks / rustix::param::clock_ticks_per_second() as f64,
            memory_mb: peak_kb / 1024.0,
        }
    }
}

fn at(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * part).round() as usize).copied().unwrap_or(f64::NAN)
}

/// Starts the watcher; returns when it watches. Its log is read to its end, as a journal would.
fn start(webroot: &Path, words: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_livedir-publisher"));
    command.arg("watch").arg(webroot).args(words).stdin(Stdio::null()).stdout(Stdio::null());
    let mut program = command.stderr(Stdio::piped()).spawn().expect("the publisher starts");
    let log = BufReader::new(program.stderr.take().expect("its log"));
    let (ready_tx, ready) = mpsc::channel();
    std::thread::spawn(move || {
        for line in log.lines().map_while(Result::ok) {
            if line.contains("watching") {
                let _ = ready_tx.send(());
            }
        }
    });
    ready.recv_timeout(Duration::from_secs(60)).expect("it watches");
    program
}

fn end(mut program: Child) {
    let id = rustix::process::Pid::from_child(&program);
    rustix::process::kill_process(id, rustix::process::Signal::INT).expect("it still runs");
    program.wait().expect("it ends");
}

/// Two seconds each, which go on from one another, at 1 Mb/s.
fn make_segments(directory: &Path) -> Vec<PathBuf> {
    let arguments = "-nostdin -v error -f lavfi -i testsrc2=size=640x480:rate=20,noise=alls=20:allf=t -t 40 \
        -c:v libx264 -preset ultrafast -b:v 1M -maxrate 1M -bufsize 1M -g 40 -keyint_min 40 -sc_threshold 0 \
        -f hls -hls_time 2 -hls_list_size 0 -hls_segment_filename source-%03d.ts source.m3u8";
    let made = Command::new("ffmpeg").args(arguments.split_whitespace()).current_dir(directory).status();
    assert!(made.expect("ffmpeg is installed by `just setup-tests`").success(), "ffmpeg failed");
    (0..WARM_UP + SEGMENTS).map(|n| directory.join(format!("source-{n:03}.ts"))).collect()
}
