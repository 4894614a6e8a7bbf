//! `just bench`: what livedir costs, beside the ffmpeg program doing the same work, in one run.
//!
//! Linux only: processor time and memory are read from /proc. Nothing is asserted; the table is the result.

#![allow(unreachable_pub)] // one program: what is public is so for its own modules

#[path = "beside/encoder.rs"]
mod encoder;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use livedir_layout::names::segment_name;
use livedir_media::VideoCodec;
use livedir_publisher::encode::EncodeSettings;
use livedir_publisher::encode::choice::EncoderChoice;
use livedir_publisher::encode::ladder::SMALLEST_QUANTISER;
use livedir_publisher::picture::colour_space::ColourSpace;
use livedir_publisher::picture::overlay::OverlaySettings;
use notify::event::{ModifyKind, RenameMode};
use notify::{EventKind, RecursiveMode, Watcher};

/// Each program has this many turns after one for nothing; the medians are compared. Who begins changes with each round.
const ROUNDS: usize = 3;

/// Length of each turn.
const FILM_S: u32 = 20;

/// Lengths of the films that are copied: long enough that the start of the program does not decide, and shorter.
const COPIED_S: [u32; 2] = [600, 60];

/// Each takes no longer than a blink.
const COPY_ROUNDS: usize = 5;

/// The same segments, window and deletion for the ffmpeg program.
const HLS: [&str; 8] = [
    "-f",
    "hls",
    "-hls_time",
    "2",
    "-hls_list_size",
    "10",
    "-hls_flags",
    "delete_segments+temp_file+program_date_time",
];

/// Segments whose publish lag is taken.
const LAGS: usize = 120;

/// Kills whose restarts are timed.
const RESTARTS: usize = 15;

/// The settings that both programs are given: the defaults.
const STREAM: EncodeSettings = EncodeSettings {
    width: 640,
    height: 480,
    colours: ColourSpace::WEBCAM,
    fps: 20,
    segment_frames: 40,
    video_bps: 1_000_000,
    smallest_quantiser: SMALLEST_QUANTISER,
    overlay: OverlaySettings { text: None, clock: false },
    codec: VideoCodec::H264,
    encoder: EncoderChoice::Auto,
};

/// Sizes and rates of the ladder.
const LADDER: [(u32, u32, u64); 3] = [(1280, 720, 2_500_000), (640, 360, 800_000), (426, 240, 300_000)];

fn main() {
    // `cargo test --benches` passes other flags; a benchmark is only run when asked for.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let words: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |row: &str| words.is_empty() || words.iter().any(|word| row.contains(word));
    let directory = tempfile::tempdir().expect("a temporary directory");
    let directory = directory.path();
    println!("livedir-publisher {} beside {}\n", env!("CARGO_PKG_VERSION"), ffmpeg_version());
    if is_wanted("publish lag") {
        publish_lag(directory);
    }

    for length in ["500ms", "2s"] {
        let name = format!("restart, segments of {length}");
        if is_wanted(&name) {
            restarts(directory, &name, length);
        }
    }

    println!("\n{FILM_S} s live, {ROUNDS} turns each, medians, and the least and largest ratio");
    println!(
        "{:<28}{:>12}{:>12}{:>7}  {:>9}   {:>12}{:>12}{:>7}  {:>9}",
        "", "livedir", "ffmpeg", "ratio", "spread", "livedir", "ffmpeg", "ratio", "spread"
    );
    println!("{:<28}{:>42}   {:>42}", "", "processor time for each picture made", "peak memory");
    let pattern = "test pattern, 640x480";
    if is_wanted(pattern) {
        let (picture, sound) = record_test_pattern(directory);
        let raw = [
            "-re", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "640x480", "-r", "20", "-i", &picture,
            "-re", "-f", "s16le", "-ar", "48000", "-ac", "2", "-i", &sound,
        ];
        compare(directory, pattern, &["test"], &raw, "null", &STREAM);
    }
    for (name, size) in [("film, 640x480 at 20 fps", "640x480"), ("film, 1280x720 at 25 fps", "1280x720")] {
        if !is_wanted(name) {
            continue;
        }
        let film = make_film(directory, size, if size == "640x480" { 20 } else { 25 });
        let stream = if size == "640x480" { STREAM } else { EncodeSettings { height: 360, ..STREAM } };
        let scale = format!("fps=20,scale={}:{}:flags=bicubic", stream.width, stream.height);
        compare(directory, name, &[&film], &["-re", "-i", &film], &scale, &stream);
    }
    let several = "film, 1280x720, in 3 sizes";
    if is_wanted(several) {
        compare_ladders(directory, several);
    }
    for length_s in COPIED_S {
        let copied = format!("{length_s} s of film copied");
        if is_wanted(&copied) {
            compare_copies(directory, &copied, length_s);
        }
    }
}

/// The same film in several sizes at once.
fn compare_ladders(directory: &Path, name: &str) {
    let film = make_film(directory, "1280x720", 25);
    let rungs =
        LADDER.map(|(width, height, video_bps)| EncodeSettings { width, height, video_bps, ..STREAM });
    let ladder: Vec<_> =
        rungs.iter().map(|it| format!("{}x{}@{}", it.width, it.height, it.video_bps)).collect();
    compare_turns(
        directory,
        name,
        |webroot| livedir(webroot, &[&film, "--ladder", &ladder.join(",")]),
        |webroot| ffmpeg_ladder(webroot, &film, &rungs),
        "aim: <= 1.05, <= 1.2",
    );
}

/// A film cut as it is, as fast as it goes, by each program to its end. What has left the playlist lies there for its grace,
/// which is longer than that takes: so ffmpeg, too, deletes nothing.
fn compare_copies(directory: &Path, name: &str, length_s: u32) {
    let film = directory.join(format!("copied-{length_s}.mp4")).display().to_string();
    let picture = format!("testsrc2=size=1280x720:rate=25:duration={length_s},noise=alls=12:allf=t");
    let sound = format!("sine=frequency=440:duration={length_s}");
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "4M", "-g", "50", "-sc_threshold", "0"])
        .args(["-bf", "2", "-c:a", "aac", &film]));
    let hls = HLS.map(|word| word.trim_start_matches("delete_segments+"));
    let ffmpeg_copy = |webroot: &Path| {
        std::fs::create_dir_all(webroot).expect("a webroot");
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-nostdin", "-i", &film, "-c", "copy"]).args(hls);
        start(command.arg(webroot.join("stream.m3u8")))
    };
    let turns = in_turn(COPY_ROUNDS, |is_ours, round| {
        let webroot = directory.join(format!("copied-{length_s}-{round}-{is_ours}"));
        let used_s = processor_s_to_the_end(if is_ours {
            livedir(&webroot, &[&film, "--copy", "--fast"])
        } else {
            ffmpeg_copy(&webroot)
        });
        std::fs::remove_dir_all(webroot).expect("a webroot");
        // What one program has left to be written to the disk is not the other's work.
        run(&mut Command::new("sync"));
        used_s
    });
    let (ours, theirs, ratio) = medians(&turns, |used_s| *used_s);
    println!(
        "{name:<28}{ours:>10.2} s{theirs:>10.2} s{ratio}   (aim: <= 0.8; 1280x720 as fast as it goes, {COPY_ROUNDS} turns)"
    );
}

/// Turns of both programs, ours first in every other round. The first turn of each is not counted: files are in the cache then.
fn in_turn<T>(rounds: usize, mut turn: impl FnMut(bool, usize) -> T) -> Vec<[T; 2]> {
    let mut turns = Vec::new();
    for round in 0..=rounds {
        let pair = if round % 2 == 0 {
            let ours = turn(true, round);
            [ours, turn(false, round)]
        } else {
            let theirs = turn(false, round);
            [turn(true, round), theirs]
        };
        if round > 0 {
            turns.push(pair);
        }
    }
    turns
}

/// Ours, theirs, and the columns of their ratio: the median of those of each round, the least and the largest.
fn medians<T>(turns: &[[T; 2]], of: impl Fn(&T) -> f64) -> (f64, f64, String) {
    let sorted = |values: &mut dyn Iterator<Item = f64>| {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let middle = turns.len() / 2;
    let ours = sorted(&mut turns.iter().map(|[ours, _]| of(ours)))[middle];
    let theirs = sorted(&mut turns.iter().map(|[_, theirs]| of(theirs)))[middle];
    let ratios = sorted(&mut turns.iter().map(|[ours, theirs]| of(ours) / of(theirs)));
    let spread = format!("{:.2}–{:.2}", ratios[0], ratios[ratios.len() - 1]);
    (ours, theirs, format!("{:>7.2}  {spread:>9}", ratios[middle]))
}

/// What a program has used when it has ended by itself.
fn processor_s_to_the_end(mut program: Child) -> f64 {
    let before_us = children_us();
    assert!(program.wait().expect("it ends").success(), "a program failed");
    (children_us() - before_us) as f64 / 1e6
}

/// Processor time of all programs that have ended, in microseconds.
fn children_us() -> i64 {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("getrusage");
    (usage.user_time() + usage.system_time()).num_microseconds()
}

/// From the rename of a segment to the rename of the playlist that lists it, as a third party sees it by inotify.
fn publish_lag(directory: &Path) {
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
fn restarts(directory: &Path, name: &str, length: &str) {
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

/// Both programs in turn on the same source.
fn compare(
    directory: &Path,
    name: &str,
    source: &[&str],
    input: &[&str],
    filter: &str,
    stream: &EncodeSettings,
) {
    compare_turns(
        directory,
        name,
        |webroot| livedir(webroot, source),
        |webroot| ffmpeg(webroot, input, filter, stream),
        "aim: <= 1.05",
    );
}

fn compare_turns(
    directory: &Path,
    name: &str,
    livedir: impl Fn(&Path) -> Child,
    ffmpeg: impl Fn(&Path) -> Child,
    aim: &str,
) {
    let webroots = directory.join(name.replace(|it: char| !it.is_ascii_alphanumeric(), "-"));
    let turns = in_turn(ROUNDS, |is_ours, round| {
        let webroot = webroots.join(format!("{round}-{is_ours}"));
        let program = if is_ours { livedir(&webroot) } else { ffmpeg(&webroot) };
        measure(program, &webroot)
    });
    let row = |unit: &str, figure: fn(&Cost) -> f64| {
        let (ours, theirs, ratio) = medians(&turns, figure);
        format!("{ours:>9.2} {unit}{theirs:>9.2} {unit}{ratio}")
    };
    let (time, memory) = (row("ms", |cost| cost.processor_ms_a_picture), row("MB", |cost| cost.memory_mb));
    println!("{name:<28}{time}   {memory}   ({aim})");
}

struct Cost {
    processor_ms_a_picture: f64,
    memory_mb: f64,
}

/// What a program has used in [`FILM_S`] seconds, after which it is told to end.
fn measure(mut program: Child, webroot: &Path) -> Cost {
    let before_us = children_us();
    std::thread::sleep(Duration::from_millis(u64::from(FILM_S) * 1000 - 500));
    assert!(program.try_wait().expect("its state").is_none(), "a program ended before its time");
    let status = Path::new("/proc").join(program.id().to_string()).join("status");
    let status = std::fs::read_to_string(status).expect("/proc/PID/status");
    let peak_kb: f64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .expect("VmHWM");
    end(program);
    let used_us = (children_us() - before_us) as f64;
    Cost { processor_ms_a_picture: used_us / 1e3 / pictures_below(webroot), memory_mb: peak_kb / 1024.0 }
}

/// Pictures in all segments: those of a turn are still there, in every size, when it is over.
fn pictures_below(directory: &Path) -> f64 {
    let mut pictures = 0.0;
    for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            pictures += pictures_below(&path);
        } else if path.extension().is_some_and(|it| it == "ts") {
            let mut ffprobe = Command::new("ffprobe");
            ffprobe.args(["-v", "error", "-select_streams", "v:0", "-count_packets"]);
            ffprobe.args(["-show_entries", "stream=nb_read_packets", "-of", "default=nw=1:nk=1"]);
            let counted = ffprobe.arg(&path).output().expect("ffprobe is installed by `just setup-tests`");
            let counted = String::from_utf8_lossy(&counted.stdout);
            // A stream of MPEG-TS is listed a second time with its programme. Segments of sound alone have none.
            pictures +=
                counted.lines().next().map_or(0.0, |count| count.parse().expect("a count of pictures"));
        }
    }
    pictures
}

fn livedir(webroot: &Path, source: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_livedir-publisher"));
    start(command.arg("live").args(source).arg("--webroot").arg(webroot))
}

/// The ffmpeg program with the same encoder settings, segment length, window and deletion.
fn ffmpeg(webroot: &Path, input: &[&str], filter: &str, stream: &EncodeSettings) -> Child {
    std::fs::create_dir_all(webroot).expect("a webroot");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin"]).args(input).args(["-vf", filter]);
    command.args(encoder::picture(stream, ":v")).args(encoder::SOUND).args(HLS);
    start(command.arg(webroot.join("stream.m3u8")))
}

/// One ffmpeg process that decodes once and makes the same ladder, with the sound for itself.
fn ffmpeg_ladder(webroot: &Path, film: &str, rungs: &[EncodeSettings]) -> Child {
    std::fs::create_dir_all(webroot).expect("a webroot");
    let scaled = |(n, rung): (usize, &EncodeSettings)| {
        format!("[in{n}]scale={}:{}:flags=bicubic[out{n}]", rung.width, rung.height)
    };
    let inputs: Vec<_> = (0..rungs.len()).map(|n| format!("[in{n}]")).collect();
    let chains: Vec<_> = rungs.iter().enumerate().map(scaled).collect();
    let graph = format!("[0:v]fps=20,split={}{};{}", rungs.len(), inputs.concat(), chains.join(";"));
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-re", "-i", film, "-filter_complex", &graph]);
    let mut streams = Vec::new();
    for (n, rung) in rungs.iter().enumerate() {
        command.args(["-map", &format!("[out{n}]")]).args(encoder::picture(rung, &format!(":v:{n}")));
        streams.push(format!("v:{n},agroup:sound"));
    }
    streams.push("a:0,agroup:sound".to_owned());
    command.args(["-map", "0:a"]).args(encoder::SOUND).args(HLS);
    command.args(["-master_pl_name", "master.m3u8", "-var_stream_map", &streams.join(" ")]);
    start(command.arg(webroot.join("stream-%v.m3u8")))
}

fn start(command: &mut Command) -> Child {
    let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    started.unwrap_or_else(|error| {
        panic!("cannot start {}: {error}; run `just setup-tests`", command.get_program().display())
    })
}

fn end(mut program: Child) {
    let id = rustix::process::Pid::from_child(&program);
    rustix::process::kill_process(id, rustix::process::Signal::INT).expect("it still runs");
    program.wait().expect("it ends");
}

fn run(command: &mut Command) {
    let ended = command.stdin(Stdio::null()).status().expect("ffmpeg is installed by `just setup-tests`");
    assert!(ended.success(), "{command:?} failed");
}

/// The test pattern as raw pictures and samples, so that both programs encode the same.
fn record_test_pattern(directory: &Path) -> (String, String) {
    let webroot = directory.join("pattern");
    let live = livedir(&webroot, &["test", "--window", "30"]);
    // Segments of two seconds; one more than needed.
    let last = webroot.join("live").join(segment_name(u64::from(FILM_S) / 2 + 1));
    while !last.exists() {
        std::thread::sleep(Duration::from_millis(100));
    }
    end(live);
    let (picture, sound) = (directory.join("pattern.yuv"), directory.join("pattern.s16"));
    let playlist = webroot.join("stream.m3u8");
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i"])
        .arg(&playlist)
        .args(["-f", "rawvideo", "-pix_fmt", "yuv420p"])
        .arg(&picture));
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i"])
        .arg(&playlist)
        .args(["-vn", "-f", "s16le"])
        .arg(&sound));
    (picture.display().to_string(), sound.display().to_string())
}

/// A film with much movement, so that the encoder has something to do.
fn make_film(directory: &Path, size: &str, fps: u32) -> String {
    let film = directory.join(format!("film-{size}.mp4")).display().to_string();
    let length = FILM_S + 2;
    let picture = format!("testsrc2=size={size}:rate={fps}:duration={length},noise=alls=12:allf=t");
    let sound = format!("sine=frequency=440:duration={length}");
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound])
        .args(["-c:v", "libx264", "-preset", "veryfast", "-b:v", "4M", "-g", "50", "-c:a", "aac", &film]));
    film
}

fn ffmpeg_version() -> String {
    let version =
        Command::new("ffmpeg").arg("-version").output().expect("ffmpeg is installed by `just setup-tests`");
    String::from_utf8_lossy(&version.stdout).split(" Copyright").next().unwrap_or_default().to_owned()
}
