//! What was meant by what was typed: every check that needs no device, no file and no network.

use std::path::PathBuf;
use std::time::Duration;

use crate::args::LiveArgs;
use crate::encoder::choice::EncoderChoice;
use crate::encoder::{EncodeSettings, Medium, audio::FRAME_90K as AUDIO_FRAME_90K};
use crate::filter::FilterSettings;
use crate::grid::GridSettings;
use crate::ladder::{self, Ladder, Rung};
use crate::overlay::OverlaySettings;
use crate::packager::Lengths;
use crate::probe::VideoCodec;
use crate::rendition::{AUDIO, Rendition};
use crate::scaler;
use crate::source::SourceFormat;
use crate::source::camera::CameraSelector;
use crate::source::input::InputAddress;
use crate::source::microphone::MicrophoneSelector;

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

/// Parts lie there beside their segments: listed for three target durations and kept for three more.
const SEGMENTS_WITH_PARTS: u64 = 7;

/// A picture in HEVC is as much work for x265 as so many are reckoned to be in H.264 when a ladder is chosen.
const HEVC_WORK: u32 = 3;

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

/// Where the sound comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SoundChoice {
    /// From the source; for a camera from the first microphone, if there is one.
    Fitting,
    /// From this microphone, whatever the source has.
    Microphone(MicrophoneSelector),
    /// From nowhere.
    Silent,
}

/// What is made of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// The grid that all of it is on.
    pub grid: GridSettings,
    /// An encoder each, the largest first.
    pub rungs: Vec<EncodeSettings>,
    /// What is written: one for each rung, and with several one for the sound.
    pub renditions: Vec<Rendition>,
    /// Bits a second of the sound; `None` for a source without sound.
    pub audio_bps: Option<u64>,
}

impl Stream {
    /// Whether there are several sizes and rates.
    #[must_use]
    pub fn is_ladder(&self) -> bool {
        self.renditions.iter().any(|rendition| rendition.name.is_some())
    }
}

/// What `live` is to do.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveSettings {
    /// What to stream.
    pub source: SourceChoice,
    /// Where its sound comes from.
    pub sound: SoundChoice,
    /// The directory that is served.
    pub webroot: PathBuf,
    /// Width and height in pixels, if they were asked for.
    pub size: Option<(u32, u32)>,
    /// Several sizes and rates, if they were asked for.
    pub ladder: Option<Ladder>,
    /// Frames a second.
    pub fps: u32,
    /// Bits a second of the picture, where there is one size.
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
    /// What the picture is coded in.
    pub codec: VideoCodec,
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
            sound: match args.mic {
                _ if args.no_sound => SoundChoice::Silent,
                Some(name) => SoundChoice::Microphone(MicrophoneSelector::parse(&name)),
                None => SoundChoice::Fitting,
            },
            webroot: args.webroot,
            size: args.size,
            ladder: args.ladder,
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
            codec: args.codec,
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

    /// How long segments and parts of a rendition are to be.
    #[must_use]
    pub fn lengths(&self, rendition: &Rendition) -> Lengths {
        // Frames of sound do not end where pictures do: a segment of them may be one shorter.
        let room_90k = if rendition.media.contains(&Medium::Video) { 0 } else { 2 * AUDIO_FRAME_90K };
        Lengths {
            segment_90k: self.segment_duration_90k() as i64 - room_90k,
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
        let of_ladder = self.ladder.as_ref().map(|ladder| match ladder {
            Ladder::Auto => ladder::LARGEST_AUTO,
            Ladder::Rungs(rungs) => rungs.first().map_or(DEFAULT_SIZE, |rung| (rung.width, rung.height)),
        });
        match self.size.or(of_ladder) {
            // The camera lies on its side.
            Some((width, height)) if self.filter.swaps_sides() => (height, width),
            size => size.unwrap_or(DEFAULT_SIZE),
        }
    }

    /// What to make of it, now that the source is known, and the size of its pictures behind the filters.
    #[must_use]
    pub fn stream(&self, source: &SourceFormat, filtered: (u32, u32)) -> Stream {
        let audio_bps = source.has_sound.then_some(self.audio_bps);
        let encode = |rung: Rung| EncodeSettings {
            width: rung.width,
            height: rung.height,
            colours: source.colours,
            fps: self.fps,
            segment_frames: self.segment_frames,
            video_bps: rung.video_bps,
            overlay: self.overlay.clone(),
            codec: self.codec,
            encoder: self.encoder.clone(),
        };
        let grid =
            GridSettings { fps: self.fps, segment_frames: self.segment_frames, filter: self.filter.clone() };
        let Some(ladder) = &self.ladder else {
            let shape = (u64::from(filtered.0), u64::from(filtered.1));
            let (width, height) = self.size.unwrap_or_else(|| scaler::fit(shape, DEFAULT_SIZE));
            let rung = Rung { width, height, video_bps: self.video_bps };
            let media = std::iter::once(Medium::Video).chain(audio_bps.map(|_| Medium::Audio));
            let renditions = vec![Rendition { name: None, media: media.collect() }];
            return Stream { grid, rungs: vec![encode(rung)], renditions, audio_bps };
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let work = match self.codec {
            VideoCodec::H264 => 1,
            VideoCodec::Hevc => HEVC_WORK,
        };
        let rungs = ladder.rungs(filtered, self.fps * work, cores);
        let video = ladder::names(&rungs).into_iter().map(|name| (name, Medium::Video));
        let all = video.chain(audio_bps.map(|_| (AUDIO.to_owned(), Medium::Audio)));
        let renditions = all.map(|(name, medium)| Rendition { name: Some(name), media: vec![medium] });
        let renditions = renditions.collect();
        Stream { grid, rungs: rungs.into_iter().map(encode).collect(), renditions, audio_bps }
    }

    /// Bytes that the stream takes on disk at most: the window, as much again that waits for its deletion
    /// (RFC 8216 6.2.2), the segments on the way in and out, and with low latency the parts of those near the edge.
    #[must_use]
    pub fn bytes_on_disk(&self, stream: &Stream) -> u64 {
        let with_parts = self.part_duration.map_or(0, |_| SEGMENTS_WITH_PARTS);
        let segments = 2 * self.window_segments as u64 + 3 + with_parts;
        let video_bps: u64 = stream.rungs.iter().map(|rung| rung.video_bps).sum();
        // MPEG-TS adds about a tenth.
        let bits_per_second = (video_bps + stream.audio_bps.unwrap_or(0)) * 11 / 10;
        segments * bits_per_second / 8 * self.segment_duration_90k() / 90_000
    }
}

fn source_choice(typed: Option<&str>) -> SourceChoice {
    let Some(typed) = typed else { return SourceChoice::FirstCameraOrTest };
    if let Some(selector) = CameraSelector::parse(typed) {
        return SourceChoice::Camera(selector);
    }
    if let Some(screen) = InputAddress::screen(typed) {
        return SourceChoice::Input(screen);
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
    use crate::colour_space::ColourSpace;
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
    fn sound_is_that_which_fits_unless_a_microphone_or_none_is_asked_for() {
        let named = |name: &str| SoundChoice::Microphone(MicrophoneSelector::Name(name.into()));
        for (line, expected) in [
            ("", SoundChoice::Fitting),
            ("test --mic", SoundChoice::Microphone(MicrophoneSelector::First)),
            ("test --mic Webcam", named("Webcam")),
            ("camera --no-sound", SoundChoice::Silent),
        ] {
            assert_eq!(meant(line).unwrap().sound, expected, "{line}");
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

    fn film(width: u32, height: u32) -> SourceFormat {
        let (description, colours) = (String::new(), ColourSpace::WEBCAM);
        SourceFormat { description, width, height, colours, has_sound: true }
    }

    #[test]
    fn the_stream_takes_the_shape_of_the_source_unless_a_size_was_asked_for() {
        let source = film(1920, 1080);
        let check = |line: &str, source: &SourceFormat, size: (u32, u32), media: &[Medium]| {
            let stream = meant(line).unwrap().stream(source, (source.width, source.height));
            assert_eq!((stream.rungs[0].width, stream.rungs[0].height), size);
            assert_eq!(stream.renditions, [Rendition { name: None, media: media.to_vec() }]);
        };
        check("", &source, (640, 360), &[Medium::Video, Medium::Audio]);
        let turned = SourceFormat { width: 1080, height: 1920, ..source.clone() };
        check("--rotate 90", &turned, (270, 480), &[Medium::Video, Medium::Audio]);
        check("--size 800x600", &SourceFormat { has_sound: false, ..source }, (800, 600), &[Medium::Video]);
    }

    #[test]
    fn a_ladder_has_a_rendition_for_each_rung_and_one_for_the_sound() {
        let source = film(1280, 720);
        let settings = meant("--ladder 640x360@800k,1280x720@2.5M").unwrap();
        assert_eq!(settings.wished_size(), (1280, 720));
        let stream = settings.stream(&source, (1280, 720));
        let sizes: Vec<_> = stream.rungs.iter().map(|rung| (rung.width, rung.video_bps)).collect();
        assert_eq!(sizes, [(1280, 2_500_000), (640, 800_000)]);
        let names: Vec<_> = stream.renditions.iter().filter_map(|it| it.name.as_deref()).collect();
        assert_eq!(names, ["720p", "360p", "audio"]);
        let silent = settings.stream(&SourceFormat { has_sound: false, ..source }, (1280, 720));
        assert_eq!(silent.renditions.len(), 2);
    }

    #[test]
    fn a_machine_is_not_given_more_of_hevc_than_it_can_encode() {
        let source = film(1280, 720);
        let rungs = |line: &str| {
            let stream = meant(line).unwrap().stream(&source, (1280, 720));
            stream.rungs.into_iter().map(|rung| (rung.height, rung.video_bps)).collect::<Vec<_>>()
        };
        assert_eq!(rungs("--ladder auto --codec hevc --fps 40"), rungs("--ladder auto --fps 120"));
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
