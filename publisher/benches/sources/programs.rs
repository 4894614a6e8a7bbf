//! The two programs, told to do the same.

use crate::encoder;
use crate::film::SECONDS;
use crate::kinds::{Kind, Made, Way};
use crate::listed::PLAYLIST;
use livedir_media::VideoCodec;
use livedir_publisher::encode::EncodeSettings;
use livedir_publisher::encode::choice::EncoderChoice;
use livedir_publisher::encode::ladder::SMALLEST_QUANTISER;
use livedir_publisher::picture::colour_space::ColourSpace;
use livedir_publisher::picture::overlay::OverlaySettings;
use livedir_publisher::picture::slate::SlateSettings;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Length of a segment: the default.
const SEGMENT_S: u32 = 2;

/// Time for a program to end.
const DEADLINE: Duration = Duration::from_secs(30);

pub fn livedir(kind: &Kind, place: &str, webroot: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_livedir-publisher"));
    command.arg("live");
    match kind.way {
        Way::Pipe => command.arg("-"),
        Way::Push => command.arg(format!("{place}?listen=1")),
        _ => command.arg(place),
    };
    match kind.made {
        Made::Encoded { width, height, fps, video_bps } => {
            command.args(["--size", &format!("{width}x{height}"), "--fps", &fps.to_string()]);
            command.args(["--bitrate", &video_bps.to_string()]);
        }
        Made::Copied => _ = command.arg("--copy"),
        Made::Sound => {}
    }
    command.args(["--segment-duration", &format!("{SEGMENT_S}s"), "--window", &(SECONDS * 4).to_string()]);
    start(command.arg("--webroot").arg(webroot), kind, webroot)
}

/// All segments stay listed, and each file gets its name when it is whole.
fn hls() -> [String; 8] {
    encoder::hls("0", "temp_file+program_date_time+independent_segments")
}

/// As somebody would set it up who knows the program and the source.
pub fn ffmpeg(kind: &Kind, place: &str, webroot: &Path) -> Child {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin"]);
    let rate = kind.pictures.as_ref().map_or(String::new(), |it| it.fps().to_string());
    match kind.way {
        Way::File => command.args(["-re", "-i", place]),
        Way::Pipe => command.args(["-f", "h264", "-framerate", &rate, "-i", "pipe:0"]),
        Way::Push => command.args(["-listen", "1", "-i", place]),
        Way::Camera => command.args(["-rtsp_transport", "tcp", "-i", place]),
        // Such pictures have no times of their own.
        Way::HttpPictures => command.args(["-use_wallclock_as_timestamps", "1", "-f", "mpjpeg", "-i", place]),
        Way::HttpSound => command.args(["-i", place]),
    };
    match kind.made {
        Made::Encoded { width, height, fps, video_bps } => {
            let settings = EncodeSettings {
                width,
                height,
                colours: ColourSpace::WEBCAM,
                fps,
                segment_frames: u64::from(fps * SEGMENT_S),
                video_bps: video_bps.into(),
                smallest_quantiser: SMALLEST_QUANTISER,
                slate: SlateSettings::default(),
                overlay: OverlaySettings { text: None, clock: false },
                codec: VideoCodec::H264,
                encoder: EncoderChoice::Auto,
            };
            // The option -r shows pictures up to a frame late; this filter shows those that are nearest.
            command.args(["-vf", &format!("fps={fps},scale={width}:{height}:flags=bicubic")]);
            command.args(encoder::picture(&settings, ":v"));
        }
        Made::Copied => _ = command.args(["-c", "copy"]),
        Made::Sound => _ = command.arg("-vn"),
    }
    if !kind.sound.is_empty() && !matches!(kind.made, Made::Copied) {
        command.args(["-af", "aresample=async=1"]).args(encoder::SOUND);
    }
    start(command.args(hls()).arg(webroot.join(PLAYLIST)), kind, webroot)
}

/// What it says goes into a file beside its webroot.
fn start(command: &mut Command, kind: &Kind, webroot: &Path) -> Child {
    let log = File::create(webroot.with_extension("log")).expect("room");
    let input = if kind.way == Way::Pipe { Stdio::piped() } else { Stdio::null() };
    let started = command.stdin(input).stdout(Stdio::null()).stderr(log).spawn();
    started.unwrap_or_else(|error| {
        panic!("cannot start {}: {error}; run `just setup-tests`", command.get_program().display())
    })
}

/// Waits until it has ended by itself.
pub fn wait(program: &mut Child, limit: Duration) -> bool {
    let until = Instant::now() + limit;
    while program.try_wait().expect("its state").is_none() {
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

/// Asks it to end, as Ctrl-C does, if it still runs.
pub fn end(program: &mut Child) {
    if program.try_wait().expect("its state").is_none() {
        let id = rustix::process::Pid::from_child(program);
        rustix::process::kill_process(id, rustix::process::Signal::INT).expect("it still runs");
        if !wait(program, DEADLINE) {
            eprintln!("a program did not end within {DEADLINE:?}; it is killed");
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}
