//! Media for the tests, made by the ffmpeg program and kept between runs, and what it takes to play them.

use livedir_publisher::captured::Captured;
use livedir_publisher::picture::deinterlacer::Deinterlace;
use livedir_publisher::source::input::tracks::TrackSettings;
use livedir_publisher::source::input::{self, Doors, Input, InputAddress, InputError, InputSettings};
use livedir_publisher::source::{Read, Source, SourceError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// Nothing here takes so long unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Pictures to encode: 160x120 at 25 per second.
pub const PICTURES: &str = "testsrc2=size=160x120:rate=25";
/// Sound to encode: 48 kHz.
pub const SOUND: &str = "sine=sample_rate=48000";

/// A file made by `ffmpeg ARGUMENTS NAME`; `{}` in an argument is the directory of all such files.
pub fn made(name: &str, arguments: &[&str]) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    arguments.hash(&mut hasher);
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("input");
    std::fs::create_dir_all(&kept).expect("a directory for media");
    let path = kept.join(format!("{:016x}-{name}", hasher.finish()));
    if !path.exists() {
        let unfinished = tempfile::tempdir_in(&kept).expect("a directory for one file");
        let made = unfinished.path().join(name);
        let status = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-y"])
            .args(arguments)
            .arg(&made)
            .status()
            .expect("the ffmpeg program");
        assert!(status.success(), "ffmpeg {arguments:?}");
        std::fs::rename(&made, &path).expect("a place for the file");
    }
    path
}

/// Puts a file beside another one that was made, whole at once: other tests may read it at this moment.
pub fn put_beside(made: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = made.with_file_name(name);
    let unfinished = tempfile::NamedTempFile::new_in(made.parent().expect("a directory")).expect("a file");
    std::fs::write(&unfinished, bytes).expect("room");
    unfinished.persist(&path).expect("a place for the file");
    path
}

/// One second of pictures and sound, or as `more` has it.
pub fn film(name: &str, more: &[&str]) -> PathBuf {
    let mut arguments = vec!["-f", "lavfi", "-i", PICTURES, "-f", "lavfi", "-i", SOUND, "-t", "1"];
    arguments.extend(["-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "2", "-c:a", "aac"]);
    arguments.extend(more);
    made(name, &arguments)
}

pub fn settings(address: InputAddress) -> InputSettings {
    InputSettings {
        address,
        first_film: 0,
        loop_forever: false,
        untimed_fps: None,
        sound_alone: false,
        deinterlace: Deinterlace::Auto,
        tracks: TrackSettings::default(),
        doors: Doors::default(),
        stop: Arc::new(AtomicBool::new(false)),
    }
}

pub fn open_file(path: &Path) -> Result<Input, InputError> {
    input::open(&settings(InputAddress::File(path.to_owned())))
}

/// What was handed out, and when.
pub struct Got {
    pub captured_at: Instant,
    pub handed_out_at: Instant,
    pub content: Content,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Picture { width: u32, height: u32 },
    Sound { samples: usize },
}

/// The next piece; nothing at the end.
pub fn next(input: &mut Input) -> Result<Option<Got>, SourceError> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let captured = match input.read(Duration::from_millis(100))? {
            Read::Captured(captured) => captured,
            Read::Nothing | Read::Alive | Read::Here(_) | Read::Away { .. } => continue,
            Read::End => return Ok(None),
        };
        let handed_out_at = Instant::now();
        return Ok(Some(match captured {
            Captured::Picture(picture) => Got {
                captured_at: picture.captured_at,
                handed_out_at,
                content: Content::Picture { width: picture.frame.width(), height: picture.frame.height() },
            },
            Captured::Sound(sound) => Got {
                captured_at: sound.captured_at,
                handed_out_at,
                content: Content::Sound { samples: sound.frame.samples() },
            },
        }));
    }
    panic!("nothing came for {PATIENCE:?}");
}

/// All pieces to the end.
pub fn play(input: &mut Input) -> Vec<Got> {
    std::iter::from_fn(|| next(input).expect("it plays to its end")).collect()
}

/// The first picture as grey bytes without padding, with its width.
pub fn first_picture(input: &mut Input) -> (u32, Vec<u8>) {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Read::Captured(Captured::Picture(picture)) =
            input.read(Duration::from_millis(100)).expect("media")
        {
            let (frame, width) = (&picture.frame, picture.frame.width());
            let rows = frame.data(0).chunks(frame.stride(0)).take(frame.height() as usize);
            return (width, rows.flat_map(|row| &row[..width as usize]).copied().collect());
        }
    }
    panic!("no picture for {PATIENCE:?}");
}

/// The moments of the pictures, or of the sounds.
pub fn moments(pieces: &[Got], pictures: bool) -> Vec<Instant> {
    let wanted = |piece: &&Got| matches!(piece.content, Content::Picture { .. }) == pictures;
    pieces.iter().filter(wanted).map(|piece| piece.captured_at).collect()
}

/// Seconds of sound.
pub fn sound_s(pieces: &[Got]) -> f64 {
    let samples = |piece: &Got| match piece.content {
        Content::Sound { samples } => samples,
        Content::Picture { .. } => 0,
    };
    pieces.iter().map(samples).sum::<usize>() as f64 / 48_000.0
}

/// The shortest and the longest step between neighbours, in milliseconds.
pub fn steps_ms(moments: &[Instant]) -> (f64, f64) {
    let steps = moments.windows(2).map(|pair| ms_between(pair[0], pair[1]));
    steps.fold((f64::MAX, f64::MIN), |(least, most), step| (least.min(step), most.max(step)))
}

pub fn ms_between(from: Instant, to: Instant) -> f64 {
    if to >= from { (to - from).as_secs_f64() * 1000.0 } else { (from - to).as_secs_f64() * -1000.0 }
}

/// The ffmpeg program, writing MPEG-TS in real time to a pipe or an address.
pub fn sender(to: &str) -> std::process::Child {
    sender_as("mpegts", to)
}

/// The same in another format; as RTMP server when `to` asks it to listen.
pub fn sender_as(format: &str, to: &str) -> std::process::Child {
    let (to, listening): (_, &[&str]) = match to.strip_suffix("?listen=1") {
        Some(to) => (to, &["-listen", "1"]),
        None => (to, &[]),
    };
    Command::new("ffmpeg")
        .args([
            "-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i", PICTURES, "-re", "-f", "lavfi", "-i",
            SOUND,
        ])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "12"])
        .args(["-pix_fmt", "yuv420p", "-c:a", "aac"])
        .args(["-flush_packets", "1", "-muxdelay", "0"])
        .args(listening)
        .args(["-f", format, to])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the ffmpeg program")
}
