//! Plan: what is made from a source, once its format is known. Pure.
//!
//! In: [`LiveSettings`], and the format of the opened source. Out: the settings of the encoders, the files that are written, and
//! the lengths of segments and parts. A source that is copied sets these lengths itself.

use crate::captured::{CopiedFormat, Shows, SourceFormat};
use crate::copy::SlatePlan;
use crate::copy::copier::CopyLengths;
use crate::copy::slate_form::SlatePace;
use crate::encode::EncodeSettings;
use crate::encode::ladder::{self, Rung};
use crate::encode::sound::FRAME_90K as AUDIO_FRAME_90K;
use crate::grid::GridSettings;
use crate::package::Lengths;
use crate::package::interleaver::MOST_VIDEO_AHEAD_90K;
use crate::picture::scaler;
use crate::picture::slate::SlateSettings;
use crate::source::open::SourceChoice;
use livedir_layout::rendition::{AUDIO, Rendition};
use livedir_media::Medium;
use livedir_media::VideoCodec;
use livedir_time::ticks;
use std::time::Duration;

use crate::cli::args::DEFAULT_FPS;
use crate::cli::settings::{DEFAULT_SIZE, LiveSettings};
use crate::copy::part_target;

/// How many segments have their parts on disk: parts are listed for three target durations and kept for three more.
const SEGMENTS_WITH_PARTS: u64 = 7;

/// How many times the work of H.264 a frame of HEVC is for x265. Used when a ladder is chosen.
const HEVC_WORK: u32 = 3;

/// Encoders do not take frames that are smaller in either direction.
const SHORTEST_SIDE: u32 = 16;

/// What is made of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// The grid that all of it is on.
    pub grid: GridSettings,
    /// An encoder each, the largest first.
    pub rungs: Vec<EncodeSettings>,
    /// What is written: one for each rung, and with several one for the sound.
    pub renditions: Vec<Rendition>,
    /// Bits a second of the sound that is encoded; `None` where there is none.
    pub audio_bps: Option<u64>,
    /// Nothing is encoded: the packets of the source, as they are.
    pub copied: Option<CopyPlan>,
    /// EXT-X-TARGETDURATION.
    pub target_duration_s: u32,
    /// PART-TARGET in 90 kHz ticks; `None` without low latency.
    pub part_target_90k: Option<u64>,
}

/// What the head of a playlist tells players, which stays the same as long as it is not ended: RFC 8216 6.2.1, bis-22 4.4.3.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// EXT-X-TARGETDURATION.
    target_duration_s: u32,
    /// PART-TARGET in 90 kHz ticks.
    part_target_90k: Option<u64>,
}

/// How a source is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyPlan {
    /// How long its segments become.
    pub lengths: CopyLengths,
    /// Bits a second, as far as that is known.
    pub bps: u64,
    /// Seconds of media that come at once, and are on disk together until they may be deleted.
    pub at_once_s: u64,
    /// What is shown while it is away; `None`: nothing, and the playlist waits.
    pub slate: Option<SlatePlan>,
}

impl Stream {
    /// Whether there are several sizes and rates.
    #[must_use]
    pub fn is_ladder(&self) -> bool {
        self.renditions.iter().any(|rendition| rendition.name.is_some())
    }

    /// What players are told.
    #[must_use]
    pub fn promise(&self) -> Promise {
        Promise { target_duration_s: self.target_duration_s, part_target_90k: self.part_target_90k }
    }

    /// Keeps a promise that was given before, where one was.
    pub fn keep(&mut self, promise: Option<Promise>) {
        let Some(Promise { target_duration_s, part_target_90k }) = promise else { return };
        self.target_duration_s = self.target_duration_s.max(target_duration_s);
        self.part_target_90k = self.part_target_90k.and(part_target_90k).or(self.part_target_90k);
    }

    /// How far video may be ahead of audio that does not come, in 90 kHz ticks. What is encoded has audio always, if it is silence; of
    /// what is copied players wait for the video, and audio may have stopped.
    #[must_use]
    pub fn video_ahead_90k(&self) -> i64 {
        self.copied.map_or(MOST_VIDEO_AHEAD_90K, |copied| {
            (copied.lengths.promise_90k() / 2).min(MOST_VIDEO_AHEAD_90K)
        })
    }

    /// How long segments and parts of a rendition are to be.
    #[must_use]
    pub fn lengths(&self, rendition: &Rendition) -> Lengths {
        let part_90k = self.part_target_90k.map(|target_90k| target_90k as i64);
        if self.copied.is_some() {
            // Each marked keyframe of the source begins a segment.
            return Lengths { segment_90k: 0, part_90k };
        }
        // Audio frames do not end where video frames do: an audio segment may be one frame shorter.
        let room_90k = if rendition.media.contains(&Medium::Video) { 0 } else { 2 * AUDIO_FRAME_90K };
        Lengths { segment_90k: self.grid_segment_90k() as i64 - room_90k, part_90k }
    }

    /// Length of a segment of what is encoded, in 90 kHz ticks.
    fn grid_segment_90k(&self) -> u64 {
        ticks::of_pictures(self.grid.segment_frames, self.grid.fps)
    }

    /// Bytes that the stream takes on disk at most: the window, as much again that waits for its deletion
    /// (RFC 8216 6.2.2), the segments on the way in and out, and with low latency the parts of those near the edge.
    #[must_use]
    pub fn bytes_on_disk(&self, window_segments: usize) -> u64 {
        let with_parts = self.part_target_90k.map_or(0, |_| SEGMENTS_WITH_PARTS);
        let segments = 2 * window_segments as u64 + 3 + with_parts;
        let video_bps: u64 = self.rungs.iter().map(|rung| rung.video_bps).sum();
        let encoded_bps = video_bps + self.audio_bps.unwrap_or(0);
        // MPEG-TS adds about a tenth.
        let bps = self.copied.map_or(encoded_bps, |copied| copied.bps).saturating_mul(11) / 10;
        let segment_90k =
            self.copied.map_or(self.grid_segment_90k(), |copied| ticks::of_seconds(copied.lengths.promise_s));
        let at_once_90k =
            self.copied.map_or(0, |copied| ticks::of_duration(Duration::from_secs(copied.at_once_s)));
        ticks::bytes(bps, (segments * segment_90k).max(at_once_90k))
    }
}

impl Stream {
    /// A line for each rendition, for people: `720p: 1280x720 at 20 fps, H.264 at 2500 kbit/s, segments of 2 s`.
    #[must_use]
    pub fn in_words(&self) -> Vec<String> {
        let mut rungs = self.rungs.iter();
        let lengths = match self.copied {
            Some(copied) => format!("segments of up to {} s", copied.lengths.promise_s),
            None => format!("segments of {} s", seconds(self.grid_segment_90k())),
        };
        let parts = self.part_target_90k.map(|target_90k| format!("parts of {} s", seconds(target_90k)));
        let line = |rendition: &Rendition| {
            let mut facts = Vec::new();
            if self.copied.is_some() {
                facts.push("copied as it comes".to_owned());
                let has_slate = self.copied.is_some_and(|copied| copied.slate.is_some());
                facts.extend(has_slate.then(|| "a slate while it is away".to_owned()));
            } else {
                let rung = rendition.media.contains(&Medium::Video).then(|| rungs.next()).flatten();
                facts.extend(rung.map(|rung| {
                    let EncodeSettings { width, height, fps, codec, video_bps, .. } = rung;
                    format!("{width}x{height} at {fps} fps, {codec} at {} kbit/s", video_bps / 1000)
                }));
                let audio_bps = self.audio_bps.filter(|_| rendition.media.contains(&Medium::Audio));
                facts.extend(audio_bps.map(|bps| format!("AAC at {} kbit/s", bps / 1000)));
            }
            facts.push(lengths.clone());
            facts.extend(parts.clone());
            let name = rendition.name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
            name + &facts.join(", ")
        };
        self.renditions.iter().map(line).collect()
    }
}

/// As short as it goes: `2`, `0.2`.
fn seconds(duration_90k: u64) -> f64 {
    (ticks::exact_seconds(duration_90k) * 1000.0).round() / 1000.0
}

impl LiveSettings {
    /// What to make of it, now that the source is known, and the size of its frames behind the filters.
    #[must_use]
    pub fn stream(&self, source: &SourceFormat, filtered: (u32, u32)) -> Stream {
        if let Some(copied) = source.copied {
            return self.copied_stream(source, copied);
        }
        match source.shows {
            Shows::Nothing => return self.sound_stream(),
            Shows::Still if self.fps == DEFAULT_FPS => {
                let fps = self.still_fps();
                let frames = self.segment_duration.as_secs_f64() * f64::from(fps);
                let segment_frames = (frames.round() as u64).max(1);
                let shown = SourceFormat { shows: Shows::Pictures, ..source.clone() };
                return Self { fps, segment_frames, ..self.clone() }.stream(&shown, filtered);
            }
            Shows::Pictures | Shows::Still => {}
        }
        let audio_bps = source.has_sound.then_some(self.audio_bps);
        let (rungs, renditions) = if let Some(ladder) = &self.ladder {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            let work = match self.codec {
                VideoCodec::H264 => 1,
                VideoCodec::Hevc => HEVC_WORK,
            };
            let rungs = ladder.rungs(filtered, self.fps * work, cores);
            let video = ladder::names(&rungs).into_iter().map(|name| (name, Medium::Video));
            let all = video.chain(audio_bps.map(|_| (AUDIO.to_owned(), Medium::Audio)));
            let renditions = all.map(|(name, medium)| Rendition { name: Some(name), media: vec![medium] });
            (rungs, renditions.collect())
        } else {
            let shape = (u64::from(filtered.0), u64::from(filtered.1));
            let (width, height) = self.size.unwrap_or_else(|| size_of(shape));
            (
                vec![Rung { width, height, video_bps: self.video_bps }],
                vec![only_rendition(true, source.has_sound)],
            )
        };
        let encode = |rung: &Rung| EncodeSettings {
            width: rung.width,
            height: rung.height,
            colours: source.colours,
            fps: self.fps,
            segment_frames: self.segment_frames,
            video_bps: rung.video_bps,
            smallest_quantiser: rung.smallest_quantiser(&rungs[0]),
            overlay: self.overlay.clone(),
            slate: self.slate_settings(),
            codec: self.codec,
            encoder: self.encoder.clone(),
        };
        Stream {
            grid: self.grid(),
            rungs: rungs.iter().map(encode).collect(),
            renditions,
            audio_bps,
            copied: None,
            target_duration_s: self.target_duration_s(),
            part_target_90k: self.part_target_90k(),
        }
    }

    /// Of sound alone: there is no picture that segments and parts would have to be cut at.
    fn sound_stream(&self) -> Stream {
        let part_target_90k = self.part_duration.map(|part_duration| {
            let frames = ticks::of_duration(part_duration) / AUDIO_FRAME_90K as u64;
            frames.max(1) * AUDIO_FRAME_90K as u64
        });
        Stream {
            grid: self.grid(),
            rungs: Vec::new(),
            renditions: vec![only_rendition(false, true)],
            audio_bps: Some(self.audio_bps),
            copied: None,
            target_duration_s: self.target_duration_s(),
            part_target_90k,
        }
    }

    /// The rate at which a still picture is sent: the lowest of which whole pictures are about as long as a segment, and one is no
    /// longer than a part.
    fn still_fps(&self) -> u32 {
        let pictures = |duration: Duration, fps: u32| duration.as_secs_f64() * f64::from(fps);
        let fits = |fps: &u32| {
            let of_segment = pictures(self.segment_duration, *fps);
            // Room for what a float makes of 0.2 s x 5.
            let part_holds_one = self.part_duration.is_none_or(|part| pictures(part, *fps) > 1.0 - 1e-6);
            part_holds_one && (of_segment - of_segment.round()).abs() < 0.01
        };
        (1..DEFAULT_FPS).find(fits).unwrap_or(DEFAULT_FPS)
    }

    fn copied_stream(&self, source: &SourceFormat, copied: CopiedFormat) -> Stream {
        let lengths = match source.shows {
            Shows::Nothing => CopyLengths::of_sound(self.asked_segment_90k(), copied.keyframes_90k),
            Shows::Pictures | Shows::Still => {
                CopyLengths::new(self.asked_segment_90k(), copied.keyframes_90k)
            }
        };
        let part_target_90k = self.part_duration.map(|part_duration| {
            let picture_90k = copied.picture_90k.max(1) as u64;
            let asked_90k = ticks::of_duration(part_duration);
            // Who sends live may come back with another rate; sound alone has none.
            if copied.is_live && source.shows != Shows::Nothing {
                part_target::of_all_rates_90k(asked_90k, picture_90k)
            } else {
                part_target::of_one_rate_90k(asked_90k, picture_90k)
            }
        });
        Stream {
            grid: self.grid(),
            rungs: Vec::new(),
            renditions: vec![only_rendition(source.shows == Shows::Pictures, source.has_sound)],
            audio_bps: None,
            copied: Some(CopyPlan {
                lengths,
                bps: copied.bps,
                at_once_s: copied.at_once_s,
                slate: self.copied_slate(copied),
            }),
            target_duration_s: lengths.promise_s,
            part_target_90k,
        }
    }

    /// What is sent live may be away for a time: a file or pipe never is.
    fn copied_slate(&self, copied: CopiedFormat) -> Option<SlatePlan> {
        let CopiedFormat { picture_90k, bps, is_live, .. } = copied;
        // A source that is soon gone shows no distance of its own.
        let keyframes_90k = self.asked_segment_90k();
        let may_be_away =
            is_live && matches!(&self.source, SourceChoice::Input(address) if address.is_sent());
        let pace = SlatePace { picture_90k, keyframes_90k, bps };
        (self.has_slate && may_be_away).then_some(SlatePlan { pace, after: self.slate_after })
    }

    /// What is written on the slate, and whether there is a picture of the user's own.
    #[must_use]
    pub(crate) fn slate_settings(&self) -> SlateSettings {
        SlateSettings { text: self.slate_text.clone(), is_own: self.slate.is_some() }
    }

    fn grid(&self) -> GridSettings {
        GridSettings {
            fps: self.fps,
            segment_frames: self.segment_frames,
            filter: self.filter.clone(),
            slate_after: self.slate_after,
            has_slate: self.has_slate,
        }
    }
}

/// The size of a stream whose size nobody asked for: that of its source, and at most [`DEFAULT_SIZE`], which stands on its side for a
/// picture that is higher than wide.
fn size_of((wide, high): (u64, u64)) -> (u32, u32) {
    let bounds = if high > wide { (DEFAULT_SIZE.1, DEFAULT_SIZE.0) } else { DEFAULT_SIZE };
    let holds = |pixels: u64, most: u32| (u64::from(SHORTEST_SIDE)..=u64::from(most)).contains(&pixels);
    if holds(wide, bounds.0) && holds(high, bounds.1) {
        (wide as u32 & !1, high as u32 & !1)
    } else {
        scaler::fit((wide, high), bounds)
    }
}

fn only_rendition(has_picture: bool, has_sound: bool) -> Rendition {
    let media = has_picture.then_some(Medium::Video).into_iter().chain(has_sound.then_some(Medium::Audio));
    Rendition { name: None, media: media.collect() }
}

#[cfg(test)]
mod tests;
