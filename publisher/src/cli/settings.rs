//! What was meant by what was typed: every check that needs no device, no file and no network.

mod said;
mod title;

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::args::{CopyWhen, LiveArgs};
use crate::cli::limits::{LONGEST_PART, LONGEST_SEGMENT, SHORTEST_PART, SHORTEST_SEGMENT, length};
use crate::copy::CopySettings;
use crate::encode::choice::EncoderChoice;
use crate::encode::ladder::{self, Ladder};
use crate::picture::deinterlacer::Deinterlace;
use crate::picture::filter::FilterSettings;
use crate::picture::overlay::OverlaySettings;
use crate::source::input::listen_address::{self, ListenAt};
use crate::source::input::tracks::{Told, TrackSettings, WantedSound};
use crate::source::input::{Doors, InputAddress, InputSettings, Takeover};
use crate::source::microphone::MicrophoneSelector;
use crate::source::open::SourceChoice;
use livedir_media::VideoCodec;
use livedir_time::stop::Stop;
use livedir_time::ticks;

/// The video fits into this when no size was asked for.
pub(crate) const DEFAULT_SIZE: (u32, u32) = (640, 480);

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

// What a message of `copy` says, which knows no flags.
const _: () = assert!(LONGEST_SEGMENT.as_secs() == crate::copy::suitability::LONGEST_SEGMENT_S);

/// What `live` is to do.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct LiveSettings {
    /// What to stream.
    pub source: SourceChoice,
    /// Where its sound comes from.
    pub sound: SoundChoice,
    /// Whether the sound of the source alone is used.
    pub sound_alone: bool,
    /// Which of its tracks, and what was said of them.
    pub tracks: TrackSettings,
    /// A picture for sound that has none.
    pub picture: Option<PathBuf>,
    /// What viewers see of it, if that was said.
    pub title: Option<String>,
    /// The directory that is served.
    pub webroot: PathBuf,
    /// Whether it is one of several streams: its directory has its name, and is made without a remark.
    pub is_channel: bool,
    /// Width and height in pixels, if they were asked for.
    pub size: Option<(u32, u32)>,
    /// Several sizes and rates, if they were asked for.
    pub ladder: Option<Ladder>,
    /// Frames a second.
    pub fps: u32,
    /// Bits a second of the video, where there is one size.
    pub video_bps: u64,
    /// Bits a second of the sound.
    pub audio_bps: u64,
    /// Frames of a segment that is encoded.
    pub segment_frames: u64,
    /// Length of a segment as it was asked for.
    pub segment_duration: Duration,
    /// Length of a part at most; `None` without low latency.
    pub part_duration: Option<Duration>,
    /// Segments that the playlist lists.
    pub window_segments: usize,
    /// Whether the source's packets are passed on as they are.
    pub copy: Option<CopyWhen>,
    /// Not in real time, but as fast as it can go.
    pub fast: bool,
    /// Whether a file begins again at its end.
    pub loop_forever: bool,
    /// Frame rate of a source that says none.
    pub input_fps: Option<u32>,
    /// What is done with interlaced pictures.
    pub deinterlace: Deinterlace,
    /// When a second encoder that pushes by RTMP takes the place of the first.
    pub takeover: Takeover,
    /// Whether a slate is shown while the source is away.
    pub has_slate: bool,
    /// How long nothing comes before the slate is shown, where the user says it.
    pub slate_after: Option<Duration>,
    /// What is shown then, a picture or a film.
    pub slate: Option<PathBuf>,
    /// What is written on it.
    pub slate_text: Option<String>,
    /// Whether the playlist is ended with EXT-X-ENDLIST at the end of the run.
    pub end_list: bool,
    /// What is done to captured frames.
    pub filter: FilterSettings,
    /// What is written on frames.
    pub overlay: OverlaySettings,
    /// Codec of the video.
    pub codec: VideoCodec,
    /// Encoder of the video.
    pub encoder: EncoderChoice,
}

/// What cannot be meant.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SettingsError {
    /// A segment of this length is of no use.
    #[error("--segment-duration must be between 500ms and 10s, like --segment-duration 2s; it is {}", length(.0))]
    SegmentDuration(Duration),
    /// A part of this length is of no use.
    #[error("--part-duration must be between 50ms and 1s, like --part-duration 200ms; it is {}", length(.0))]
    PartDuration(Duration),
    /// Only files can begin again.
    #[error("--loop works with files only; name a file, or leave --loop out")]
    Loop,
    /// Other sources have no tracks.
    #[error(
        "--audio-track chooses among the sound tracks of a file or URL, and this source is neither; leave --audio-track out"
    )]
    AudioTrack,
    /// Nobody pushes.
    #[error(
        "--takeover is for encoders that push by RTMP; wait for them with rtmp://0.0.0.0:1935/live/KEY, or leave --takeover out"
    )]
    Takeover,
    /// Nothing to copy from.
    #[error(
        "--copy works with files and URLs only; cameras, screens and the test pattern must be encoded; leave --copy out"
    )]
    Copy,
    /// What is seen on a screen cannot be heard.
    #[error("a screen brings no sound; add --mic for that of a microphone, or leave --no-video out")]
    SilentScreen,
    /// What is asked for would have no effect.
    #[error(
        "{0} has no effect with --no-video, which leaves no picture; leave it out, or add --picture FILE"
    )]
    NoVideo(&'static str),
    /// A source that always has pictures.
    #[error(
        "--picture is for sound without pictures, and this source has its own; leave --picture out, or add --no-video to show it instead of them"
    )]
    PictureOfPictures,
    /// What is asked for would have no effect.
    #[error("{0} has no effect with --copy, which does not encode; leave it out, or use --copy=auto")]
    CopyEncodesNothing(&'static str),
    /// What is asked for would have no effect.
    #[error("{0} has no effect with --copy of a file or pipe, which is never away; leave it out")]
    CopiedFileNeedsNoSlate(&'static str),
    /// It has no meaning where frames are encoded.
    #[error(
        "--fast works only with --copy, because encoding runs in real time; add --copy, or leave --fast out"
    )]
    FastWithoutCopy,
    /// What is as it happens cannot be faster.
    #[error("--fast works with files only; this source delivers in real time; leave --fast out")]
    Fast,
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
        let source = said::source(&args)?;
        if let Some(flag) = said::first_of_pictures(&args).filter(|_| args.no_video && args.picture.is_none())
        {
            return Err(SettingsError::NoVideo(flag));
        }
        if args.copy == Some(CopyWhen::Always)
            && let Some(flag) = said::first_of_encoding(&args)
        {
            return Err(SettingsError::CopyEncodesNothing(flag));
        }
        if args.loop_forever && !matches!(source, SourceChoice::Input(InputAddress::File(_))) {
            return Err(SettingsError::Loop);
        }
        let copy = args.copy.filter(|when| *when != CopyWhen::Never);
        if copy.is_some() && !is_with_tracks(&source) {
            return Err(SettingsError::Copy);
        }
        let is_sent = matches!(&source, SourceChoice::Input(address) if address.is_sent());
        if args.copy == Some(CopyWhen::Always)
            && !is_sent
            && let Some(flag) = said::first_of_slate(&args)
        {
            return Err(SettingsError::CopiedFileNeedsNoSlate(flag));
        }
        if args.audio_track.is_some() && !is_with_tracks(&source) {
            return Err(SettingsError::AudioTrack);
        }
        if args.takeover.is_some() && !is_rtmp_door(&source) {
            return Err(SettingsError::Takeover);
        }
        if args.fast && copy.is_none() {
            return Err(SettingsError::FastWithoutCopy);
        }
        if args.fast && !matches!(source, SourceChoice::Input(InputAddress::File(_) | InputAddress::Stdin)) {
            return Err(SettingsError::Fast);
        }
        let frames = args.segment_duration.as_secs_f64() * f64::from(args.fps);
        Ok(Self {
            source,
            sound_alone: args.no_video,
            tracks: TrackSettings {
                sound: match args.audio_track {
                    _ if args.no_sound || args.mic.is_some() => WantedSound::Unheard,
                    wanted => wanted.unwrap_or_default(),
                },
                told: Told::default(),
            },
            picture: args.picture,
            sound: match args.mic {
                _ if args.no_sound => SoundChoice::Silent,
                Some(name) => SoundChoice::Microphone(MicrophoneSelector::parse(&name)),
                None => SoundChoice::Fitting,
            },
            title: args.title.filter(|title| !title.trim().is_empty()),
            webroot: args.webroot,
            is_channel: false,
            size: args.size,
            ladder: args.ladder,
            fps: args.fps,
            video_bps: args.bitrate,
            audio_bps: args.audio_bitrate,
            segment_frames: (frames.round() as u64).max(1),
            segment_duration: args.segment_duration,
            part_duration: args.low_latency.then_some(args.part_duration),
            window_segments: args.window,
            copy,
            fast: args.fast,
            loop_forever: args.loop_forever,
            input_fps: args.input_fps,
            deinterlace: args.deinterlace,
            takeover: args.takeover.unwrap_or_default(),
            has_slate: !args.no_slate,
            slate_after: args.slate_after,
            slate: args.slate,
            slate_text: args.slate_text,
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
        ticks::of_pictures(self.segment_frames, self.fps)
    }

    /// The same before it was made to fit the frames.
    pub(crate) fn asked_segment_90k(&self) -> i64 {
        ticks::of_duration(self.segment_duration) as i64
    }

    /// Length of a part in 90 kHz ticks, rounded up: as many whole frames as fit into what was asked for.
    #[must_use]
    pub fn part_target_90k(&self) -> Option<u64> {
        let frames = self.part_duration?.as_secs_f64() * f64::from(self.fps);
        // Room for what a float makes of 0.2 s x 20.
        let frames = ((frames + 1e-6) as u64).clamp(1, self.segment_frames);
        Some(ticks::of_pictures_rounded_up(frames, self.fps))
    }

    /// The promise of EXT-X-TARGETDURATION in seconds. RFC 8216 4.3.3.1 lets it be the rounded length of the longest
    /// segment, readers of version 6 and later take it so, older ones as the true maximum: rounded up holds for both.
    #[must_use]
    pub fn target_duration_s(&self) -> u32 {
        (self.segment_frames as u32).div_ceil(self.fps)
    }

    /// How the source is read, where it is a file or an address.
    #[must_use]
    pub fn input_settings(&self, doors: &Doors, stop: &Stop) -> Option<InputSettings> {
        let SourceChoice::Input(address) = &self.source else { return None };
        Some(InputSettings {
            address: address.clone(),
            first_film: 0,
            loop_forever: self.loop_forever,
            untimed_fps: self.input_fps,
            sound_alone: self.sound_alone,
            deinterlace: self.deinterlace,
            tracks: self.tracks.clone(),
            doors: doors.clone(),
            stop: stop.flag(),
        })
    }

    /// Whether what cannot be copied is encoded.
    #[must_use]
    pub(crate) fn falls_back(&self) -> bool {
        self.copy == Some(CopyWhen::Auto)
    }

    /// What to copy from, if that was asked for.
    #[must_use]
    pub fn copy_settings(&self, doors: &Doors, stop: &Stop) -> Option<CopySettings> {
        self.copy?;
        // Sound of a microphone has to be encoded, and goes with frames that are. So does sound with a picture that is.
        if matches!(self.sound, SoundChoice::Microphone(_)) || self.picture.is_some() {
            return None;
        }
        let input = self.input_settings(doors, stop)?;
        let segment_90k = self.asked_segment_90k();
        Some(CopySettings {
            input,
            segment_90k,
            fast: self.fast,
            silent: self.sound == SoundChoice::Silent,
            falls_back: self.falls_back(),
        })
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
}

/// Whether a source may have several tracks, and packets that can be copied.
fn is_with_tracks(source: &SourceChoice) -> bool {
    matches!(source, SourceChoice::Input(address) if !matches!(address, InputAddress::Screen(_)))
}

/// Whether encoders push to it by RTMP.
fn is_rtmp_door(source: &SourceChoice) -> bool {
    let SourceChoice::Input(InputAddress::Url(url)) = source else { return false };
    matches!(listen_address::place(url, url), Ok(Some(ListenAt::Rtmp { .. })))
}

#[cfg(test)]
pub(crate) mod tests;
