//! Other people's programs: ffmpeg makes films and judges segments.

use std::path::{Path, PathBuf};
use std::process::Command;

pub use super::flashes::{beeps, flashes, nearest_beeps};
pub use super::run::run;

/// A film of so many seconds in H.264 and AAC: moving bars with a white flash for the first tenth of each second, and a
/// beep with each flash. 640x360, 25 fps, 44.1 kHz, as nothing in it should be what livedir makes of it.
#[track_caller]
pub fn flash_and_beep(directory: &Path, seconds: u32) -> PathBuf {
    let film = directory.join("flash-and-beep.mp4");
    let picture = format!(
        "testsrc2=size=640x360:rate=25:duration={seconds},\
         drawbox=x=0:y=0:w=iw/2:h=ih/2:color=black:t=fill,\
         drawbox=x=0:y=0:w=iw/2:h=ih/2:color=white:t=fill:enable='lt(mod(t,1),0.1)'"
    );
    let sound = format!("aevalsrc='0.5*sin(2*PI*1000*t)*lt(mod(t,1),0.1)':s=44100:d={seconds}");
    run(Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound])
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "50",
            "-bf",
            "2",
            "-c:a",
            "aac",
            "-b:a",
            "128k",
        ])
        .arg(&film));
    film
}

/// One packet as ffprobe sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbedPacket {
    /// `video` or `audio`.
    pub medium: String,
    /// Presentation time in seconds.
    pub pts_s: f64,
    /// Whether it is marked as a keyframe.
    pub is_keyframe: bool,
}

/// The packets of a file in the order of the file, and how many frames ffprobe could decode of each medium; fails if
/// ffprobe has anything to complain about.
#[track_caller]
pub fn packets(file: &Path) -> Vec<ProbedPacket> {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe
        .args(["-v", "warning", "-of", "json", "-show_entries", "packet=codec_type,pts_time,flags"])
        .arg(file);
    let ended = ffprobe.output().expect("ffprobe is installed by `just setup-tests`");
    let complaints = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && complaints.is_empty(), "{}: {complaints}", file.display());
    let probed: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    probed["packets"]
        .as_array()
        .expect("ffprobe lists packets")
        .iter()
        .map(|packet| ProbedPacket {
            medium: text(&packet["codec_type"]),
            pts_s: text(&packet["pts_time"]).parse().expect("every packet has a time"),
            is_keyframe: text(&packet["flags"]).starts_with('K'),
        })
        .collect()
}

/// Decodes a file from end to end; fails if the decoder has anything to complain about.
#[track_caller]
pub fn decode(file: &Path) {
    let ended = Command::new("ffmpeg")
        .args(["-v", "warning", "-i"])
        .arg(file)
        .args(["-f", "null", "-"])
        .output()
        .expect("ffmpeg is installed by `just setup-tests`");
    let complaints = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && complaints.is_empty(), "{}: {complaints}", file.display());
}

/// For each flash (see [`flashes`]) how long after it, in seconds, the nearest beep begins.
#[track_caller]
pub fn beeps_after_flashes(file: &Path, square: &str) -> Vec<f64> {
    nearest_beeps(&flashes(file, square), &beeps(file))
}

/// What a file states of its streams of a kind (`v`, `a`): the named entries of each, as ffprobe writes them with commas between.
#[track_caller]
pub fn stated(file: &Path, kind: &str, entries: &str) -> String {
    let entries = format!("stream={entries}");
    let words = ["-v", "error", "-select_streams", kind, "-show_entries", &entries, "-of", "csv=p=0"];
    String::from_utf8(run(Command::new("ffprobe").args(words).arg(file))).expect("plain text")
}

/// The mean volume of a segment; -91 is the least that there is.
#[track_caller]
pub fn volume_db(segment: &Path) -> f64 {
    volume_db_of(segment, "0:a")
}

/// The mean volume of one of the streams of a film or playlist, as ffmpeg's `-map` names it.
#[track_caller]
pub fn volume_db_of(film: &Path, stream: &str) -> f64 {
    let ended = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-i"])
        .arg(film)
        .args(["-map", stream, "-af", "volumedetect", "-f", "null", "-"])
        .output()
        .expect("ffmpeg is installed by `just setup-tests`");
    let report = String::from_utf8_lossy(&ended.stderr).into_owned();
    let volume = report.split_once("mean_volume: ").and_then(|(_, rest)| rest.split_whitespace().next());
    volume.and_then(|volume| volume.parse().ok()).unwrap_or_else(|| panic!("no sound:\n{report}"))
}
