//! What is encoded: pictures that are drawn here, with times that are fixed, through a rung, a packager and the muxer, without
//! grid and watcher, which run by the clock.
//!
//! Out: of each segment and part the times of its packets, its keyframes and the kinds of its NAL units. Not the bytes: x264 makes
//! others where a processor has no AVX, and the scaler where it has no SIMD; of the sound encoder nobody promises it either.

mod structure;

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::Pixel;
use ffmpeg_next::format::sample::{Sample, Type};

use livedir_layout::directory::Directory;
use livedir_layout::directory::disk::Disk;
use livedir_layout::guard::Guard;
use livedir_layout::numbers::Numbers;
use livedir_media::Medium;
use livedir_media::VideoCodec;
use livedir_publisher::captured::CapturedSound;
use livedir_publisher::encode::EncodeSettings;
use livedir_publisher::encode::choice::EncoderChoice;
use livedir_publisher::encode::rung;
use livedir_publisher::encode::sound::AudioEncoder;
use livedir_publisher::package::interleaver::MOST_VIDEO_AHEAD_90K;
use livedir_publisher::package::resume_point::ResumePoint;
use livedir_publisher::package::{self, Lengths, Package};
use livedir_publisher::packet::{Encoded, EncodedPacket, SegmentBoundary};
use livedir_publisher::picture::colour_space::ColourSpace;
use livedir_publisher::picture::overlay::OverlaySettings;
use livedir_publisher::picture::slate::SlateSettings;
use livedir_publisher::queue::picture::{self, Picture, Shown, WhenLate};

use crate::support::kept::Entry;

/// A stream that is encoded.
struct Run {
    name: &'static str,
    size: (u32, u32),
    fps: u32,
    codec: VideoCodec,
    has_sound: bool,
    part_90k: Option<i64>,
    in_step: bool,
    /// Frames after the last whole second.
    rest_frames: u64,
}

const PLAIN: Run = Run {
    name: "encoded",
    size: (160, 120),
    fps: 25,
    codec: VideoCodec::H264,
    has_sound: true,
    part_90k: None,
    in_step: false,
    rest_frames: 2,
};

const RUNS: [Run; 8] = [
    PLAIN,
    Run { name: "encoded, parts", part_90k: Some(18_000), ..PLAIN },
    Run { name: "encoded, no sound, 30 frames a second", has_sound: false, fps: 30, ..PLAIN },
    Run { name: "encoded, the larger size of a ladder", has_sound: false, in_step: true, ..PLAIN },
    Run {
        name: "encoded, the smaller size of a ladder, parts",
        size: (96, 64),
        has_sound: false,
        part_90k: Some(30_000),
        in_step: true,
        ..PLAIN
    },
    Run { name: "encoded, HEVC, parts", codec: VideoCodec::Hevc, part_90k: Some(18_000), ..PLAIN },
    Run { name: "encoded, 7 frames a second, parts", fps: 7, part_90k: Some(45_000), ..PLAIN },
    // Sound of its frames comes when the part is complete.
    Run { name: "encoded, a whole part at the end", part_90k: Some(18_000), rest_frames: 5, ..PLAIN },
];

/// Of each run.
const SECONDS: u64 = 4;

/// Sun, 02 Feb 2020 02:02:02 GMT.
const FILMED_S: u64 = 1_580_608_922;

pub fn entries() -> Vec<Entry> {
    ffmpeg::init().unwrap();
    ffmpeg::log::set_level(ffmpeg::log::Level::Fatal);
    RUNS.iter().map(entry).collect()
}

fn entry(run: &Run) -> Entry {
    let webroot = tempfile::tempdir().unwrap();
    let live = webroot.path().join("live");
    std::fs::create_dir_all(&live).unwrap();
    make(run, webroot.path());
    let names = super::names_of(webroot.path());
    let of_parts = names.iter().filter(|name| name.contains(".p"));
    // Sound alone would make the parts longer together than their segment (bis-22 4.4.4.9).
    for name in of_parts.clone() {
        let facts = livedir_media::probe(&std::fs::read(live.join(name)).unwrap()).unwrap();
        assert!(facts.video.is_some(), "{}: {name} has no picture", run.name);
    }
    let parts = of_parts.count();
    let listing =
        names.iter().fold(String::new(), |text, name| text + &structure::of(&live.join(name), run.codec));
    let facts = format!("{} segments, {parts} parts", names.len() - parts);
    Entry { name: run.name.to_owned(), facts, whole: listing.into_bytes(), only_facts: false }
}

/// Encodes a run into the live directory of a webroot.
fn make(run: &Run, webroot: &Path) {
    let directory: Arc<dyn Directory> = Arc::new(Disk::without_events());
    let segment_frames = u64::from(run.fps);
    let settings = EncodeSettings {
        width: run.size.0,
        height: run.size.1,
        colours: ColourSpace::WEBCAM,
        fps: run.fps,
        segment_frames,
        video_bps: 300_000,
        smallest_quantiser: 20,
        slate: SlateSettings::default(),
        overlay: OverlaySettings::default(),
        codec: run.codec,
        encoder: EncoderChoice::parse(if run.codec == VideoCodec::H264 { "libx264" } else { "libx265" }),
    };
    let mut media = vec![Medium::Video];
    media.extend(run.has_sound.then_some(Medium::Audio));
    let package = Package {
        directory: directory.clone(),
        numbers: Numbers::any(),
        guard: Arc::new(Guard::take(directory, webroot).unwrap()),
        live_directory: webroot.join("live"),
        first_number: 7,
        media,
        lengths: Lengths { segment_90k: 90_000, part_90k: run.part_90k },
        video_ahead_90k: MOST_VIDEO_AHEAD_90K,
        in_step: run.in_step,
        counters: Vec::new(),
        resume_point: Arc::new(ResumePoint::after(Vec::new())),
    };
    let meters = Arc::default();
    let (packets_tx, packets_rx) = mpsc::sync_channel(10_000);
    let (shown_tx, shown_rx) = picture::channel(run.fps, WhenLate::Wait, run.name, Arc::clone(&meters));
    if run.has_sound {
        send_sound(&packets_tx, run);
    }
    thread::scope(|scope| {
        scope.spawn(move || rung::run(&shown_rx, &settings, &packets_tx).unwrap());
        scope.spawn(move || package::run(&packets_rx, &package, &meters).unwrap());
        for n in 0..SECONDS * segment_frames + run.rest_frames {
            let filmed_at = SystemTime::UNIX_EPOCH + Duration::from_secs(FILMED_S + n / segment_frames);
            let segment = n / segment_frames;
            let boundary = (n % segment_frames == 0).then_some(SegmentBoundary {
                filmed_at,
                segment,
                is_leapt_to: false,
            });
            // Some are shown twice.
            let picture = match n % 5 {
                3 => Picture::Same,
                _ => Picture::New(Arc::new(picture(n).into()), filmed_at),
            };
            assert!(shown_tx.send(Shown { n, boundary, picture, captions: None }), "the rung takes pictures");
        }
        drop(shown_tx);
    });
}

/// A square that moves over a slope of grey.
fn picture(n: u64) -> ffmpeg::frame::Video {
    let mut frame = ffmpeg::frame::Video::new(Pixel::YUV420P, 320, 240);
    let stride = frame.stride(0);
    for (y, row) in frame.data_mut(0).chunks_mut(stride).enumerate() {
        for (x, luma) in row.iter_mut().enumerate() {
            let is_square = (x as u64).abs_diff(n * 3 % 320) < 20 && y.abs_diff(100) < 20;
            *luma = if is_square { 235 } else { 16 + ((x + y) % 200) as u8 };
        }
    }
    for plane in 1..3 {
        frame.data_mut(plane).fill(128);
    }
    frame
}

/// A tone as long as the pictures of whole seconds, and of a rest that is a part.
fn send_sound(packets: &mpsc::SyncSender<Encoded>, run: &Run) {
    let origin = Instant::now();
    let mut encoder = AudioEncoder::open(64_000, origin).unwrap();
    let parameters = encoder.parameters();
    packets.send(Encoded::Stream { medium: Medium::Audio, parameters }).unwrap();
    let send = |ready: Vec<EncodedPacket>| packets.send(Encoded::Packets(ready)).unwrap();
    let rest_runs = if run.rest_frames > 2 { run.rest_frames * 50 / u64::from(run.fps) } else { 0 };
    for n in 0..(SECONDS * 50 + rest_runs) as u32 {
        let mut frame =
            ffmpeg::frame::Audio::new(Sample::F32(Type::Packed), 960, ffmpeg::ChannelLayout::MONO);
        frame.set_rate(48_000);
        let tone = (0..960).map(|sample| (f64::from(sample) * 0.13).sin() as f32 * 0.4);
        let bytes: Vec<u8> = tone.flat_map(f32::to_le_bytes).collect();
        frame.data_mut(0)[..bytes.len()].copy_from_slice(&bytes);
        let captured_at = origin + Duration::from_millis(20) * n;
        let ready = encoder.take(&CapturedSound { frame, captured_at, stretch: 0.0 }).unwrap();
        send(ready);
    }
    let rest = encoder.finish().unwrap();
    send(rest);
}
