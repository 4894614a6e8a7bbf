//! Films that take more than decoding: interlaced ones, ones of high dynamic range, and B-frames that are copied into parts. Beside the
//! ffmpeg program with the filters that do the same.

use crate::programs::{ffmpeg, livedir, run, start};
use crate::{Cost, FILM_S, STREAM, compare_costs};
use livedir_publisher::encode::EncodeSettings;
use std::path::Path;
use std::process::Command;

/// Films are made of so many seconds, again and again: what is coded slowly is coded once.
const MADE_S: u32 = 3;

/// What is tone-mapped, as livedir does it, from the numbers of ITU-T H.273 for HLG or PQ.
fn tone_map(transfer: u32) -> String {
    format!(
        "setparams=range=tv:color_primaries=9:color_trc={transfer}:colorspace=9,zscale=transfer=linear:npl=203,format=gbrpf32le,\
         zscale=primaries=1,tonemap=mobius:param=0.7:peak={},zscale=transfer=1:matrix=1:range=limited,format=yuv420p",
        1000.0 / 203.0
    )
}

struct Row {
    name: &'static str,
    /// Of the film.
    size: &'static str,
    rate: u32,
    /// Filters that make the film what it is, and its coding.
    made: &'static str,
    coding: &'static [&'static str],
    words: &'static [&'static str],
    /// Before and behind the scaler of the ffmpeg program.
    before: &'static str,
    transfer: Option<u32>,
    stream: EncodeSettings,
}

const HLG: [&str; 12] = [
    "-c:v",
    "libx265",
    "-preset",
    "ultrafast",
    "-x265-params",
    "log-level=none",
    "-color_primaries",
    "bt2020",
    "-color_trc",
    "arib-std-b67",
    "-colorspace",
    "bt2020nc",
];
const PQ: [&str; 12] = [
    "-c:v",
    "libx265",
    "-preset",
    "ultrafast",
    "-x265-params",
    "log-level=none",
    "-color_primaries",
    "bt2020",
    "-color_trc",
    "smpte2084",
    "-colorspace",
    "bt2020nc",
];

const ROWS: [Row; 3] = [
    Row {
        name: "1080i25, deinterlaced",
        size: "1920x1080",
        rate: 50,
        made: "tinterlace=interleave_top,setfield=tff",
        coding: &[
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-b:v",
            "12M",
            "-g",
            "25",
            "-flags",
            "+ilme+ildct",
            "-x264-params",
            "tff=1",
        ],
        words: &["--fps", "25"],
        before: "bwdif=mode=send_frame:deint=all,",
        transfer: None,
        stream: EncodeSettings { height: 360, fps: 25, segment_frames: 50, ..STREAM },
    },
    Row {
        name: "1080p30 of HLG",
        size: "1920x1080",
        rate: 30,
        made: "format=yuv420p10",
        coding: &HLG,
        words: &["--fps", "30"],
        before: "",
        transfer: Some(18),
        stream: EncodeSettings { height: 360, fps: 30, segment_frames: 60, ..STREAM },
    },
    Row {
        name: "2160p25 of PQ, made 1080p",
        size: "3840x2160",
        rate: 25,
        made: "format=yuv420p10",
        coding: &PQ,
        words: &["--fps", "25", "--size", "1920x1080", "--bitrate", "4M"],
        before: "",
        transfer: Some(16),
        stream: EncodeSettings {
            width: 1920,
            height: 1080,
            fps: 25,
            segment_frames: 50,
            video_bps: 4_000_000,
            ..STREAM
        },
    },
];

pub fn compare(directory: &Path, is_wanted: impl Fn(&str) -> bool) {
    for row in ROWS.iter().filter(|row| is_wanted(row.name)) {
        let film = film(directory, row.name, (row.size, row.rate), row.made, row.coding);
        let EncodeSettings { width, height, fps, .. } = row.stream;
        let after = row.transfer.map(|transfer| format!(",{}", tone_map(transfer))).unwrap_or_default();
        let filter = format!("{}fps={fps},scale={width}:{height}:flags=bicubic{after}", row.before);
        compare_costs(
            directory,
            row.name,
            |webroot| livedir(webroot, &[&[&*film], row.words].concat()),
            |webroot| ffmpeg(webroot, &["-re", "-i", &film], &filter, &row.stream),
            |turns| real_time(turns, fps),
        );
    }
    let copied = "B-frames copied into parts";
    if is_wanted(copied) {
        let coding = ["-c:v", "libx264", "-preset", "veryfast", "-b:v", "4M", "-g", "60", "-bf", "2"];
        let film = film(
            directory,
            copied,
            ("1280x720", 30),
            "null",
            &[&coding[..], &["-sc_threshold", "0"]].concat(),
        );
        // Pieces as long as parts.
        let hls = [
            "-f",
            "hls",
            "-hls_time",
            "0.2",
            "-hls_list_size",
            "0",
            "-hls_flags",
            "split_by_time+temp_file+program_date_time",
        ];
        compare_costs(
            directory,
            copied,
            |webroot| livedir(webroot, &[&film, "--copy", "--low-latency"]),
            |webroot| {
                std::fs::create_dir_all(webroot).expect("a webroot");
                let mut command = Command::new("ffmpeg");
                command.args(["-v", "error", "-nostdin", "-re", "-i", &film, "-c", "copy"]).args(hls);
                start(command.arg(webroot.join("stream.m3u8")))
            },
            |turns| real_time(turns, 30),
        );
    }
}

/// How many of the pictures of a turn were made, and how many of them livedir left out.
fn real_time(turns: &[[Cost; 2]], fps: u32) -> String {
    let least = |which: usize| turns.iter().map(|turn| turn[which].pictures).fold(f64::INFINITY, f64::min);
    let dropped = turns.iter().map(|[ours, _]| ours.dropped).max().unwrap_or_default();
    format!("frames made, of {}: {} with {dropped} dropped, and {}", FILM_S * fps, least(0), least(1))
}

fn film(directory: &Path, name: &str, (size, rate): (&str, u32), made: &str, coding: &[&str]) -> String {
    let name = name.replace(|it: char| !it.is_ascii_alphanumeric(), "-");
    let at = |what: &str| directory.join(format!("{name}-{what}.mp4")).display().to_string();
    let (once, film) = (at("once"), at("film"));
    let picture = format!("testsrc2=size={size}:rate={rate}:duration={MADE_S},noise=alls=12:allf=t,{made}");
    let sound = format!("sine=frequency=440:duration={MADE_S}");
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound])
        .args(coding)
        .args(["-c:a", "aac", &once]));
    let times = (FILM_S / MADE_S + 1).to_string();
    run(Command::new("ffmpeg").args([
        "-v",
        "error",
        "-y",
        "-stream_loop",
        &times,
        "-i",
        &once,
        "-c",
        "copy",
        &film,
    ]));
    film
}
