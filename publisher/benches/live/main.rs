//! `just bench`: what livedir costs, beside the ffmpeg program doing the same work, in one run.
//!
//! Linux only: processor time and memory are read from /proc. Nothing is asserted; the table is the result.

#![allow(unreachable_pub)] // one program: what is public is so for its own modules

#[path = "../beside/encoder.rs"]
mod encoder;
mod harder;
mod programs;
mod publish;

use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use livedir_layout::names::part_of_name;
use livedir_media::VideoCodec;
use livedir_publisher::encode::EncodeSettings;
use livedir_publisher::encode::choice::EncoderChoice;
use livedir_publisher::encode::ladder::SMALLEST_QUANTISER;
use livedir_publisher::picture::colour_space::ColourSpace;
use livedir_publisher::picture::overlay::OverlaySettings;
use livedir_publisher::picture::slate::SlateSettings;
use programs::{
    end, ffmpeg, ffmpeg_ladder, ffmpeg_version, livedir, make_film, record_test_pattern, run, start,
};
use publish::{publish_lag, restarts};

/// Each program has this many turns after one for nothing; the medians are compared. Who begins changes with each round.
const ROUNDS: usize = 3;

/// Length of each turn.
pub const FILM_S: u32 = 20;

/// Segments that the ffmpeg program lists: as many as livedir.
pub const WINDOW: &str = "10";

/// Lengths of the films that are copied: long enough that the start of the program does not decide, and shorter.
const COPIED_S: [u32; 2] = [600, 60];

/// Each takes no longer than a blink.
const COPY_ROUNDS: usize = 5;

/// The settings that both programs are given: the defaults.
const STREAM: EncodeSettings = EncodeSettings {
    width: 640,
    height: 480,
    colours: ColourSpace::WEBCAM,
    fps: 20,
    segment_frames: 40,
    video_bps: 1_000_000,
    smallest_quantiser: SMALLEST_QUANTISER,
    slate: SlateSettings { text: None, is_own: false },
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
    harder::compare(directory, is_wanted);
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
    let hls = encoder::hls(WINDOW, "temp_file+program_date_time");
    let ffmpeg_copy = |webroot: &Path| {
        std::fs::create_dir_all(webroot).expect("a webroot");
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-nostdin", "-i", &film, "-c", "copy"]).args(&hls);
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
    compare_costs(directory, name, livedir, ffmpeg, |_| aim.to_owned());
}

/// `remark`: what stands behind the row.
fn compare_costs(
    directory: &Path,
    name: &str,
    livedir: impl Fn(&Path) -> Child,
    ffmpeg: impl Fn(&Path) -> Child,
    remark: impl Fn(&[[Cost; 2]]) -> String,
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
    println!("{name:<28}{time}   {memory}   ({})", remark(&turns));
}

struct Cost {
    processor_ms_a_picture: f64,
    memory_mb: f64,
    /// Those in the segments.
    pictures: f64,
    /// Those of the source that livedir had no time for.
    dropped: u64,
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
    let pictures = pictures_below(webroot);
    let told = std::fs::read(webroot.join("status.json")).unwrap_or_else(|_| b"{}".to_vec());
    let told: serde_json::Value = serde_json::from_slice(&told).expect("a status");
    let dropped = told["pictures_dropped"].as_u64().unwrap_or_default();
    let (processor_ms_a_picture, memory_mb) = (used_us / 1e3 / pictures, peak_kb / 1024.0);
    Cost { processor_ms_a_picture, memory_mb, pictures, dropped }
}

/// Pictures in all segments: those of a turn are still there, in every size, when it is over. Parts have the same again.
fn pictures_below(directory: &Path) -> f64 {
    let mut pictures = 0.0;
    for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            pictures += pictures_below(&path);
        } else if path.extension().is_some_and(|it| it == "ts")
            && part_of_name(&entry.file_name().to_string_lossy()).is_none()
        {
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
