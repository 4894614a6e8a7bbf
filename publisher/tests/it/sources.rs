//! The table of sources: films with a flash and a beep in each second, stored and sent in all the ways that others do it, played by
//! the whole program. What came out is judged by the pixels that are shown and the beeps that are heard.

mod clocks;
mod container_says;
mod copied_times;
mod field_pictures;
mod high_range;
mod interlaced;
mod late_head;
mod shapes;
mod slate;
mod sound;
mod standstill;
mod stop;
mod untimed;
mod ways;

use crate::input::media::made;
use crate::support::check::assert_clean;
use crate::support::flashes::{self, SQUARE, beeps, sound};
use crate::support::media::run;
use crate::support::programs::{LiveStream, PATIENCE, Running, publisher, read_playlist};
use crate::support::wait_for;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// One step of the grid, and a little: a flash that falls between two grid times is shown at the next one.
const TOGETHER_MS: f64 = 55.0;

/// Waits for one client.
const RTMP: &str = "rtmp://127.0.0.1:0/live/KEY?listen=1";

/// Coding of the picture: quick, and without delay.
const H264: [&str; 10] =
    ["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "0", "-pix_fmt", "yuv420p"];

/// Small pictures of so many seconds at a rate, with a flash in each second.
fn picture(rate: &str, seconds: u32) -> String {
    flashes::picture("320x180", rate, seconds)
}

/// A film of picture and sound, coded as `coding` says.
fn film(name: &str, picture: &str, sound: &str, coding: &[&str]) -> PathBuf {
    let inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound];
    made(name, &[&inputs[..], coding].concat())
}

/// Pictures alone.
fn silent_film(name: &str, picture: &str, coding: &[&str]) -> PathBuf {
    made(name, &[&["-f", "lavfi", "-i", picture][..], coding].concat())
}

/// What became of a source.
#[derive(Debug)]
struct Shown {
    /// When each flash and each beep begins, in seconds of the stream; not the one with which the stream begins.
    flashes: Vec<f64>,
    beeps: Vec<f64>,
    slate_frames: u64,
    output: String,
    webroot: TempDir,
    joined: PathBuf,
}

impl Shown {
    /// The program streams `source`, a word of its command line, to its end.
    #[track_caller]
    fn of(source: &Path, words: &[&str]) -> Self {
        Self::of_command(publisher().arg("live").arg(source).args(words))
    }

    /// The same of what a program writes to a pipe.
    #[track_caller]
    fn of_pipe(writer: &mut Command, words: &[&str]) -> Self {
        let mut writer = writer.stdout(Stdio::piped()).spawn().expect("`just setup-tests` installs it");
        let pipe = writer.stdout.take().expect("a pipe");
        let mut command = publisher();
        command.args(["live", "-"]).args(words);
        let webroot = with_webroot(&mut command);
        let (status, output) = Running::start_reading(&mut command, pipe.into()).wait_and_read();
        let _ = writer.wait();
        assert!(status.success(), "{output}");
        Self::in_webroot(webroot, output)
    }

    #[track_caller]
    fn of_command(command: &mut Command) -> Self {
        let webroot = with_webroot(command);
        let (status, output) = Running::start(command).wait_and_read();
        assert!(status.success(), "{output}");
        Self::in_webroot(webroot, output)
    }

    /// The same of a film that the ffmpeg program pushes in real time; `place` tells where, from what the log says.
    #[track_caller]
    fn of_push(
        film: &Path,
        address: &str,
        format: &str,
        words: &[&str],
        place: impl Fn(&str) -> String,
    ) -> Self {
        let webroot = tempfile::tempdir().expect("a directory");
        let words = [&[address, "--window", "1000"], words].concat();
        let mut live = LiveStream::start(webroot.path(), &words);
        let said = wait_for("its place", PATIENCE, || {
            let output = live.publisher.output();
            assert!(live.publisher.still_runs(), "it has ended:\n{output}");
            let place = output.split("place=\"").nth(1).and_then(|rest| rest.split(['?', '"']).next());
            place.map(|place| place.replace("/***", "/live/***"))
        });
        let mut push = Command::new("ffmpeg");
        push.args(["-nostdin", "-v", "error", "-re", "-i"]).arg(film);
        run(push.args(["-c", "copy", "-f", format]).arg(place(&said)));
        wait_for("the loss", PATIENCE, || live.publisher.output().contains("source lost").then_some(()));
        assert!(live.publisher.interrupt().success());
        Self::in_webroot(webroot, String::new())
    }

    #[track_caller]
    fn in_webroot(webroot: TempDir, output: String) -> Self {
        assert_clean(webroot.path());
        let status = std::fs::read(webroot.path().join("status.json")).expect("a status");
        let status: serde_json::Value = serde_json::from_slice(&status).expect("a whole status");
        let (pictures, sound) = ("live/180p", "live/audio");
        let is_ladder = webroot.path().join(pictures).is_dir();
        let joined = join(webroot.path(), if is_ladder { pictures } else { "" });
        let beeps = beeps(&if is_ladder { join(webroot.path(), sound) } else { joined.clone() });
        Self {
            flashes: flashes::flashes(&joined, SQUARE),
            beeps,
            slate_frames: status["frames_slate"].as_u64().expect("a count"),
            output,
            webroot,
            joined,
        }
    }

    /// For each flash that has a beep within half a second: how long after it that begins, in milliseconds.
    fn offsets_ms(&self) -> Vec<f64> {
        flashes::offsets_ms(&self.flashes, &self.beeps)
    }

    /// So many flashes are seen, and so many of them have their beep beside them. A machine that is busy with other tests may lose
    /// two, or show one late.
    #[track_caller]
    fn assert(&self, flashes: usize, together: usize) {
        let mut offsets_ms = self.offsets_ms();
        assert!(
            (flashes.saturating_sub(2)..=flashes).contains(&self.flashes.len())
                && (together.saturating_sub(2)..=together).contains(&offsets_ms.len()),
            "{} flashes of {flashes}, {} together of {together}\n{self:#?}",
            self.flashes.len(),
            offsets_ms.len()
        );
        offsets_ms.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
        let median_ms = offsets_ms.get(offsets_ms.len() / 2).map_or(0.0, |offset_ms| offset_ms.abs());
        assert!(median_ms <= TOGETHER_MS, "{offsets_ms:?}\n{self:#?}");
    }

    /// When each picture is shown, in seconds, in the order in which they are stored.
    fn picture_times(&self) -> Vec<f64> {
        let words = ["-v", "error", "-select_streams", "v", "-of", "csv=p=0", "-show_entries"];
        let lines = run(Command::new("ffprobe").args(words).arg("packet=pts_time").arg(&self.joined));
        let lines = String::from_utf8(lines).expect("text");
        lines.lines().filter_map(|line| line.trim_matches(',').parse().ok()).collect()
    }

    /// How high the beeps are, in Hz.
    fn pitch_hz(&self) -> f64 {
        let samples = run(Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(&self.joined)
            .args(["-vn", "-ac", "1", "-ar", "48000", "-f", "s16le", "-"]));
        let samples: Vec<i16> =
            samples.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect();
        // Rising through zero between two loud half-waves: the time from one to the next is a period.
        let rises: Vec<usize> = (24..samples.len().saturating_sub(24))
            .filter(|&at| samples[at - 1] < 0 && samples[at] >= 0)
            .filter(|&at| samples[at - 24..at + 24].iter().any(|sample| sample.unsigned_abs() > 4000))
            .collect();
        let mut periods: Vec<usize> = rises.windows(2).map(|pair| pair[1] - pair[0]).collect();
        periods.sort_unstable();
        48_000.0 / periods[periods.len() / 2] as f64
    }
}

/// All segments that the playlist of a directory lists, in one file.
#[track_caller]
fn join(webroot: &Path, rendition: &str) -> PathBuf {
    let directory = webroot.join(rendition);
    let joined = directory.join("joined.ts");
    let playlist = read_playlist(&directory).expect("a playlist");
    // One size may end with a frame more than the other.
    let listed = playlist.segments.iter().filter(|segment| !segment.gap);
    let files = listed.map(|segment| directory.join(&segment.uri));
    let bytes: Vec<_> = files
        .map(|file| std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())))
        .collect();
    std::fs::write(&joined, bytes.concat()).expect("room");
    joined
}

/// A webroot of its own, whose playlist lists all.
fn with_webroot(command: &mut Command) -> TempDir {
    let webroot = tempfile::tempdir().expect("a directory");
    if !command.get_args().any(|word| word == "--copy" || word == "--ladder" || word == "--size") {
        // Small: many of these run at a time.
        command.args(["--size", "320x180"]);
    }
    command.args(["--window", "1000", "--webroot"]).arg(webroot.path());
    webroot
}

#[test]
fn films_at_all_usual_rates_keep_sound_with_picture() {
    for rate in ["24", "25", "30000/1001", "60000/1001"] {
        let film = film("rate.mp4", &picture(rate, 8), &sound(8), &[&H264[..], &["-c:a", "aac"]].concat());
        let shown = Shown::of(&film, &[]);
        shown.assert(7, 7);
        assert_eq!(shown.slate_frames, 0, "{rate}");
    }
}
