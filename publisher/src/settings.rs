//! What was meant by what was typed: every check that needs no device, no file and no network.

use std::path::PathBuf;
use std::time::Duration;

use crate::args::LiveArgs;
use crate::encoder::EncodeSettings;
use crate::encoder::choice::EncoderChoice;
use crate::filter::FilterSettings;
use crate::overlay::OverlaySettings;
use crate::packager::Lengths;
use crate::scaler;
use crate::source::SourceFormat;
use crate::source::camera::CameraSelector;
use crate::source::input::InputAddress;

/// The picture fits into this when no size was asked for.
const DEFAULT_SIZE: (u32, u32) = (640, 480);

/// Segments shorter than this are more trouble than they are worth: a request each, and hardly a picture in them.
const SHORTEST_SEGMENT: Duration = Duration::from_millis(500);

/// Segments longer than this make viewers wait half a minute for the first picture.
const LONGEST_SEGMENT: Duration = Duration::from_secs(10);

/// Parts shorter than this are a request for every picture.
const SHORTEST_PART: Duration = Duration::from_millis(50);

/// Parts longer than this are as late as short segments.
const LONGEST_PART: Duration = Duration::from_secs(1);

/// RFC 8216 6.2.2 asks for at least three target durations.
pub(crate) const SMALLEST_WINDOW: usize = 3;

/// A day of 2 s segments: larger playlists are too much to load every few seconds.
pub(crate) const LARGEST_WINDOW: usize = 43_200;

/// What to stream.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceChoice {
    /// The first camera, or the test pattern where there is none.
    FirstCameraOrTest,
    /// A camera that was named.
    Camera(CameraSelector),
    /// The test pattern.
    Test,
    /// A file, a URL or standard input.
    Input(InputAddress),
}

/// What `live` is to do.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveSettings {
    /// What to stream.
    pub source: SourceChoice,
    /// The directory that is served.
    pub webroot: PathBuf,
    /// Width and height in pixels, if they were asked for.
    pub size: Option<(u32, u32)>,
    /// Frames a second.
    pub fps: u32,
    /// Bits a second of the picture.
    pub video_bps: u64,
    /// Bits a second of the sound.
    pub audio_bps: u64,
    /// Frames of a segment.
    pub segment_frames: u64,
    /// Length of a part at most; `None` without low latency.
    pub part_duration: Option<Duration>,
    /// Segments that the playlist lists.
    pub window_segments: usize,
    /// Whether a file begins again at its end.
    pub loop_forever: bool,
    /// Whether the playlist is ended with EXT-X-ENDLIST at the end of the run.
    pub end_list: bool,
    /// What is done to captured pictures.
    pub filter: FilterSettings,
    /// What is written on pictures.
    pub overlay: OverlaySettings,
    /// Which encoder makes the picture.
    pub encoder: EncoderChoice,
}

/// What cannot be meant.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SettingsError {
    /// A segment of this length is of no use.
    #[error("segments of {0:?} make no good stream; --segment-duration can be from 500ms to 10s")]
    SegmentDuration(Duration),
    /// A part of this length is of no use.
    #[error("parts of {0:?} make no good stream; --part-duration can be from 50ms to 1s")]
    PartDuration(Duration),
    /// A window of this length is of no use.
    #[error("a window of {0} segments is not possible; --window can be from 3 (players need three) to 43200")]
    Window(usize),
    /// Only files can begin again.
    #[error("--loop is for files; this source has no beginning to go back to")]
    Loop,
}

impl TryFrom<LiveArgs> for LiveSettings {
    type Error = SettingsError;

    fn try_from(args: LiveArgs) -> Result<Self, SettingsError> {
        if !(SHORTEST_SEGMENT..=LONGEST_SEGMENT).contains(&args.segment_duration) {
            return Err(SettingsError::SegmentDuration(args.segment_duration));
        }
        if !(SHORTEST_PART..=LONGEST_PART).contains(&args.part_duration) {
            return Err(SettingsError::PartDuration(args.part_duration));
        }
        if !(SMALLEST_WINDOW..=LARGEST_WINDOW).contains(&args.window) {
            return Err(SettingsError::Window(args.window));
        }
        let source = source_choice(args.source.as_deref());
        if args.loop_forever && !matches!(source, SourceChoice::Input(InputAddress::File(_))) {
            return Err(SettingsError::Loop);
        }
        let frames = args.segment_duration.as_secs_f64() * f64::from(args.fps);
        Ok(Self {
            source,
            webroot: args.webroot,
            size: args.size,
            fps: args.fps,
            video_bps: args.bitrate,
            audio_bps: args.audio_bitrate,
            segment_frames: (frames.round() as u64).max(1),
            part_duration: args.low_latency.then_some(args.part_duration),
            window_segments: args.window,
            loop_forever: args.loop_forever,
            end_list: !args.resume_later,
            filter: FilterSettings {
                rotate: args.rotate.unwrap_or_default(),
                mirror: args.mirror,
                graph: args.filter.filter(|graph| !graph.trim().is_empty()),
            },
            overlay: OverlaySettings { text: args.text, clock: args.clock },
            encoder: EncoderChoice::parse(&args.encoder),
        })
    }
}

impl LiveSettings {
    /// Length of a segment in 90 kHz ticks.
    #[must_use]
    pub fn segment_duration_90k(&self) -> u64 {
        self.segment_frames * 90_000 / u64::from(self.fps)
    }

    /// Length of a part in 90 kHz ticks, rounded up: as many whole pictures as fit into what was asked for.
    #[must_use]
    pub fn part_target_90k(&self) -> Option<u64> {
        let frames = self.part_duration?.as_secs_f64() * f64::from(self.fps);
        // Room for what a float makes of 0.2 s x 20.
        let frames = ((frames + 1e-6) as u64).clamp(1, self.segment_frames);
        Some((frames * 90_000).div_ceil(u64::from(self.fps)))
    }

    /// How long segments and parts are to be.
    #[must_use]
    pub fn lengths(&self) -> Lengths {
        Lengths {
            segment_90k: self.segment_duration_90k() as i64,
            part_90k: self.part_target_90k().map(|target_90k| target_90k as i64),
        }
    }

    /// The promise of EXT-X-TARGETDURATION in seconds. RFC 8216 4.3.3.1 lets it be the rounded length of the longest
    /// segment, readers of version 6 and later take it so, older ones as the true maximum: rounded up holds for both.
    #[must_use]
    pub fn target_duration_s(&self) -> u32 {
        (self.segment_frames as u32).div_ceil(self.fps)
    }

    /// The size to ask a camera or the test pattern for.
    #[must_use]
    pub fn wished_size(&self) -> (u32, u32) {
        match self.size {
            Some((width, height)) if self.filter.swaps_sides() => (height, width),
            size => size.unwrap_or(DEFAULT_SIZE),
        }
    }

    /// What to encode, now that the source is known, and the size of its pictures behind the filters.
    #[must_use]
    pub fn encode_settings(&self, source: &SourceFormat, filtered: (u32, u32)) -> EncodeSettings {
        let shape = (u64::from(filtered.0), u64::from(filtered.1));
        let (width, height) = self.size.unwrap_or_else(|| scaler::fit(shape, DEFAULT_SIZE));
        EncodeSettings {
            width,
            height,
            fps: self.fps,
            segment_frames: self.segment_frames,
            video_bps: self.video_bps,
            audio_bps: source.has_sound.then_some(self.audio_bps),
            filter: self.filter.clone(),
            overlay: self.overlay.clone(),
            encoder: self.encoder.clone(),
        }
    }

    /// Bytes that the stream takes on disk at most: the window, as much again that waits for its deletion
    /// (RFC 8216 6.2.2), and the segments on the way in and out.
    #[must_use]
    pub fn bytes_on_disk(&self) -> u64 {
        let segments = 2 * self.window_segments as u64 + 3;
        // MPEG-TS adds about a tenth.
        let bits_per_second = (self.video_bps + self.audio_bps) * 11 / 10;
        segments * bits_per_second / 8 * self.segment_duration_90k() / 90_000
    }
}

fn source_choice(typed: Option<&str>) -> SourceChoice {
    let Some(typed) = typed else { return SourceChoice::FirstCameraOrTest };
    if let Some(selector) = CameraSelector::parse(typed) {
        return SourceChoice::Camera(selector);
    }
    SourceChoice::Input(match typed {
        "test" => return SourceChoice::Test,
        "-" => InputAddress::Stdin,
        url if url.contains("://") => InputAddress::Url(url.to_owned()),
        path => InputAddress::File(path.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Command, CommandLine};
    use clap::Parser;

    fn meant(line: &str) -> Result<LiveSettings, SettingsError> {
        let words = ["livedir-publisher", "live"].into_iter().chain(line.split_whitespace());
        match CommandLine::try_parse_from(words).unwrap().command {
            Command::Live(args) => args.try_into(),
            _ => unreachable!("the words begin with live"),
        }
    }

    #[track_caller]
    fn check_refused(line: &str, remedy: &str) {
        let error = meant(line).unwrap_err().to_string();
        assert!(error.contains(remedy), "{error}");
    }

    #[test]
    fn defaults_are_those_of_the_readme() {
        let settings = meant("").unwrap();
        assert_eq!(settings.source, SourceChoice::FirstCameraOrTest);
        assert_eq!(settings.wished_size(), (640, 480));
        assert_eq!((settings.fps, settings.video_bps, settings.window_segments), (20, 1_000_000, 10));
        assert_eq!((settings.segment_duration_90k(), settings.target_duration_s()), (180_000, 2));
        assert!(settings.end_list);
    }

    #[test]
    fn a_camera_that_lies_on_its_side_is_asked_for_the_size_that_it_has() {
        assert_eq!(meant("--size 480x640 --rotate 90").unwrap().wished_size(), (640, 480));
        assert_eq!(meant("--size 480x640 --rotate 180").unwrap().wished_size(), (480, 640));
        assert_eq!(meant("--rotate 270").unwrap().wished_size(), (640, 480));
    }

    #[test]
    fn sources_are_told_apart() {
        let input = |address| SourceChoice::Input(address);
        for (typed, expected) in [
            ("test", SourceChoice::Test),
            ("./test", input(InputAddress::File("./test".into()))),
            ("-", input(InputAddress::Stdin)),
            ("rtsp://camera/1", input(InputAddress::Url("rtsp://camera/1".into()))),
            ("movie.mp4", input(InputAddress::File("movie.mp4".into()))),
            ("camera", SourceChoice::Camera(CameraSelector::First)),
            ("camera:1", SourceChoice::Camera(CameraSelector::Index(1))),
            ("camera:FaceTime", SourceChoice::Camera(CameraSelector::Name("FaceTime".into()))),
        ] {
            assert_eq!(meant(typed).unwrap().source, expected, "{typed}");
        }
    }

    #[test]
    fn the_target_duration_holds_the_longest_segment() {
        for (line, segment_90k, target_s) in [
            ("--segment-duration 1.5s", 135_000, 2),
            ("--segment-duration 500ms --fps 7", 51_428, 1),
            ("--segment-duration 3s --fps 30", 270_000, 3),
        ] {
            let settings = meant(line).unwrap();
            assert_eq!(
                (settings.segment_duration_90k(), settings.target_duration_s()),
                (segment_90k, target_s)
            );
        }
    }

    #[test]
    fn the_stream_takes_the_shape_of_the_source_unless_a_size_was_asked_for() {
        let source = SourceFormat { description: String::new(), width: 1920, height: 1080, has_sound: true };
        let stream = meant("").unwrap().encode_settings(&source, (1920, 1080));
        assert_eq!((stream.width, stream.height, stream.audio_bps), (640, 360, Some(128_000)));
        let turned = meant("--rotate 90").unwrap().encode_settings(&source, (1080, 1920));
        assert_eq!((turned.width, turned.height), (270, 480));
        let mute = SourceFormat { has_sound: false, ..source };
        let stream = meant("--size 800x600").unwrap().encode_settings(&mute, (1920, 1080));
        assert_eq!((stream.width, stream.height, stream.audio_bps), (800, 600, None));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_the_remedy() {
        check_refused("--segment-duration 100ms", "from 500ms to 10s");
        check_refused("--segment-duration 1000s", "from 500ms to 10s");
        check_refused("--window 2", "from 3");
        check_refused("camera --loop", "--loop is for files");
        check_refused("rtsp://camera/1 --loop", "--loop is for files");
    }
}
