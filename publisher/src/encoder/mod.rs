//! Encode stage: captured pictures and sound become H.264 and AAC packets on a steady grid.
//!
//! In: [`Captured`] pieces from the capture queue. Out: [`Encoded`] messages. The encode thread owns the frame clock,
//! the sound clock, the scaler and both encoders; there is one of each for the whole run, so that timestamps and
//! encoder state run on over every segment border. At the end of the source the encoders are flushed and the packet
//! channel closes.

pub mod audio;
pub mod choice;
mod machine;
mod manners;
pub mod trial;
pub mod video;

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant, SystemTime};

use ffmpeg_next as ffmpeg;

use crate::capture_queue::{CaptureReceiver, Next};
use crate::filter::{Filter, FilterError, FilterSettings};
use crate::frame_clock::{FrameClock, Placement, SILENCE};
use crate::meters::Meters;
use crate::overlay::{Overlay, OverlaySettings};
use crate::scaler::Scaler;
use crate::slate;
use crate::source::{Captured, CapturedPicture, CapturedSound};
use audio::{AudioEncoder, RATE_HZ};
use choice::EncoderChoice;
use video::VideoEncoder;

/// The first timestamp of a run. Not 0, because the AAC encoder's lead-in has to come before it.
pub const START_90K: i64 = 90_000;

/// This far behind the present (the machine stood still, or is too slow even for repeated pictures) the stream leaps to
/// it. Less is made up for: a repeated picture takes the encoder a fraction of its grid time.
const LOST: Duration = Duration::from_secs(5);

/// Wall clock and grid may be this far apart before the dates of the stream follow the wall clock.
const CLOCK_STEP: Duration = Duration::from_millis(200);

/// Sound that came before the first picture is kept this long, for a source whose sound starts earlier.
const LEAD_IN: usize = 128;

/// What the encoders are to make.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodeSettings {
    /// Width of the stream in pixels, even.
    pub width: u32,
    /// Height of the stream in pixels, even.
    pub height: u32,
    /// Frames a second.
    pub fps: u32,
    /// Frames from one forced keyframe to the next: one segment.
    pub segment_frames: u64,
    /// Bits a second of the picture.
    pub video_bps: u64,
    /// Bits a second of the sound; `None` for a source without sound.
    pub audio_bps: Option<u64>,
    /// What is done to captured pictures before they are scaled.
    pub filter: FilterSettings,
    /// What is written on scaled pictures and on the slate.
    pub overlay: OverlaySettings,
    /// Which encoder makes the picture.
    pub encoder: EncoderChoice,
}

/// Which of the two streams a packet belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// H.264.
    Video,
    /// AAC.
    Audio,
}

/// One packet of the stream.
pub struct EncodedPacket {
    /// Picture or sound.
    pub medium: Medium,
    /// Decode time in 90 kHz ticks; it runs on for the whole run and does not wrap.
    pub dts_90k: i64,
    /// How long it is shown or heard, in 90 kHz ticks.
    pub duration_90k: i64,
    /// An IDR picture: when it was taken, by the wall clock. `None` for every other packet.
    pub keyframe_filmed_at: Option<SystemTime>,
    /// Payload and presentation time, in libav's own form with 90 kHz timestamps.
    pub packet: ffmpeg::Packet,
}

/// What the encode thread sends on.
pub enum Encoded {
    /// First of all: what the muxer has to know.
    Start {
        /// Parameters of the picture stream.
        video: ffmpeg::codec::Parameters,
        /// Parameters of the sound stream, if there is one.
        audio: Option<ffmpeg::codec::Parameters>,
    },
    /// A packet; each stream's come in order.
    Packet(EncodedPacket),
}

/// Why encoding ended early.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// No encoder would open.
    #[error(
        "no H.264 encoder of this libav could be opened ({0}); install one with libx264 (Debian: libavcodec-extra)"
    )]
    NoVideoEncoder(String),
    /// The encoder that was asked for cannot be used.
    #[error("--encoder {refused}; here can be used: {others}")]
    NamedEncoder {
        /// Its name, and why.
        refused: String,
        /// Names of those that can.
        others: String,
    },
    /// The sound encoder would not open.
    #[error("the AAC encoder of this libav could not be opened: {0}")]
    NoAudioEncoder(ffmpeg::Error),
    /// A call of libav failed.
    #[error("encoding failed: {0}")]
    Libav(#[from] ffmpeg::Error),
}

/// Why a captured picture cannot be shown.
#[derive(Debug, thiserror::Error)]
enum PictureError {
    #[error(transparent)]
    Filter(#[from] FilterError),
    #[error(transparent)]
    Libav(#[from] ffmpeg::Error),
}

/// The encode thread: from the first captured piece to the end of the source.
pub fn run(
    captured: &CaptureReceiver,
    settings: &EncodeSettings,
    packets: &SyncSender<Encoded>,
    meters: &Arc<Meters>,
) -> Result<(), EncodeError> {
    let mut lead_in = Vec::new();
    let opened_at = Instant::now();
    let first = loop {
        match captured.next(opened_at + SILENCE) {
            Next::Captured(Captured::Picture(picture)) => break Some(picture),
            Next::Captured(Captured::Sound(sound)) if lead_in.len() < LEAD_IN => lead_in.push(sound),
            Next::Captured(Captured::Sound(_)) => {}
            Next::TimedOut => break None,
            Next::Closed => return Ok(()),
        }
    };
    let origin = first.as_ref().map_or_else(Instant::now, |picture| picture.captured_at);
    let mut stage = Stage::start(settings, origin, packets, meters)?;
    for sound in lead_in {
        stage.take_sound(&sound);
    }
    if let Some(picture) = first {
        stage.take_picture(picture)?;
    }
    while stage.is_heard {
        let next = captured.next(stage.clock.next_overdue());
        stage.leap_if_lost();
        match next {
            Next::Captured(Captured::Picture(picture)) => stage.take_picture(picture)?,
            Next::Captured(Captured::Sound(sound)) => stage.take_sound(&sound),
            Next::TimedOut => {}
            Next::Closed => break,
        }
        stage.fill_overdue()?;
    }
    stage.finish()
}

struct Stage<'a> {
    settings: &'a EncodeSettings,
    packets: &'a SyncSender<Encoded>,
    meters: &'a Meters,
    clock: FrameClock,
    /// The grid time that segments are counted from: 0, or that of the last leap.
    grid_origin: u64,
    /// The wall-clock time of grid time 0.
    origin_filmed_at: SystemTime,
    filter: Filter,
    scaler: Scaler,
    overlay: Overlay,
    video: VideoEncoder,
    audio: Option<AudioEncoder>,
    shown: Option<ffmpeg::frame::Video>,
    /// What is wrong with the captured pictures of now.
    complaint: String,
    slate: Option<(u64, ffmpeg::frame::Video)>,
    /// The segmenter still takes packets.
    is_heard: bool,
}

impl<'a> Stage<'a> {
    fn start(
        settings: &'a EncodeSettings,
        origin: Instant,
        packets: &'a SyncSender<Encoded>,
        meters: &'a Meters,
    ) -> Result<Self, EncodeError> {
        let video = VideoEncoder::open(settings)?;
        let audio = settings.audio_bps.map(|bps| AudioEncoder::open(bps, origin)).transpose()?;
        let start =
            Encoded::Start { video: video.parameters(), audio: audio.as_ref().map(AudioEncoder::parameters) };
        let is_heard = packets.send(start).is_ok();
        Ok(Self {
            settings,
            packets,
            meters,
            clock: FrameClock::new(settings.fps, origin),
            grid_origin: 0,
            origin_filmed_at: SystemTime::now() - origin.elapsed(),
            filter: Filter::new(&settings.filter),
            scaler: Scaler::new(settings.width, settings.height),
            overlay: Overlay::new(&settings.overlay, settings.width, settings.height),
            video,
            audio,
            shown: None,
            complaint: String::new(),
            slate: None,
            is_heard,
        })
    }

    fn take_picture(&mut self, picture: CapturedPicture) -> Result<(), EncodeError> {
        self.meters.pictures_captured.add(1);
        match self.clock.offer(picture.captured_at) {
            Placement::Drop => self.meters.pictures_dropped.add(1),
            Placement::Show { gap, at } => {
                for n in gap {
                    self.fill(n)?;
                }
                match self.prepare(picture) {
                    Ok(frame) => {
                        self.shown = Some(frame);
                        self.complaint.clear();
                    }
                    // A broken picture from the outside is no reason to stop: the one before stays on.
                    Err(error) => self.complain(&error),
                }
                self.show(at)?;
            }
        }
        Ok(())
    }

    /// Once for any number of pictures in a row with the same fault.
    fn complain(&mut self, error: &PictureError) {
        let complaint = error.to_string();
        if complaint != self.complaint {
            tracing::warn!(%error, "a captured picture could not be made ready");
            self.complaint = complaint;
        }
    }

    /// A captured picture as it is to be shown.
    fn prepare(&mut self, picture: CapturedPicture) -> Result<ffmpeg::frame::Video, PictureError> {
        let taken_at = picture.captured_at;
        let since_start = taken_at.saturating_duration_since(self.clock.time_of(0));
        let filtered = self.filter.apply(picture.frame, since_start)?;
        let scaled = self.scaler.scale(filtered)?;
        let ago = taken_at.elapsed();
        Ok(self.overlay.draw(scaled, SystemTime::now() - ago)?)
    }

    fn take_sound(&mut self, sound: &CapturedSound) {
        let Some(audio) = &mut self.audio else { return };
        match audio.take(sound) {
            Ok(packets) => self.send(packets),
            Err(error) => tracing::warn!(%error, "a run of captured sound could not be converted"),
        }
    }

    /// Goes on with the present when too much is left undone: the segment ends with its last frame, the next one begins
    /// after the hole, and its bytes tell the watcher so.
    fn leap_if_lost(&mut self) {
        let now = Instant::now();
        let behind = self.clock.behind(now);
        if behind < LOST {
            return;
        }
        let left_out = self.clock.leap(now);
        self.grid_origin = left_out.end;
        self.meters.frames_skipped.add(left_out.end - left_out.start);
        if let Some(audio) = &mut self.audio {
            audio.leap(self.clock.time_of(left_out.end));
        }
        let behind_s = behind.as_secs_f64();
        tracing::warn!(behind_s, "the machine stood still or is too slow; the stream leaps to the present");
    }

    fn fill_overdue(&mut self) -> Result<(), EncodeError> {
        let now = Instant::now();
        for n in self.clock.overdue(now) {
            self.fill(n)?;
        }
        if let Some(audio) = &mut self.audio {
            let packets = audio.fill_overdue(now)?;
            self.send(packets);
        }
        Ok(())
    }

    /// A grid time that no picture came for.
    fn fill(&mut self, n: u64) -> Result<(), EncodeError> {
        if self.clock.is_silent_at(n) || self.shown.is_none() {
            self.meters.frames_slate.add(1);
            return self.show_slate(n);
        }
        self.meters.frames_duplicated.add(1);
        self.show(n)
    }

    fn show(&mut self, n: u64) -> Result<(), EncodeError> {
        let Some(mut frame) = self.shown.take() else { return self.show_slate(n) };
        let encoded = self.encode(n, &mut frame);
        self.shown = Some(frame);
        encoded
    }

    fn show_slate(&mut self, n: u64) -> Result<(), EncodeError> {
        let second = n / u64::from(self.settings.fps);
        let mut slate = match self.slate.take() {
            Some((drawn_for, slate)) if drawn_for == second => slate,
            _ => {
                let time = jiff::Zoned::now().strftime("%H:%M:%S").to_string();
                let draw =
                    || slate::draw(self.settings.width, self.settings.height, &time, &self.meters.source());
                self.overlay.draw(draw(), SystemTime::now()).unwrap_or_else(|_| draw())
            }
        };
        let encoded = self.encode(n, &mut slate);
        self.slate = Some((second, slate));
        encoded
    }

    fn encode(&mut self, n: u64, frame: &mut ffmpeg::frame::Video) -> Result<(), EncodeError> {
        let begins_segment = (n - self.grid_origin).is_multiple_of(self.settings.segment_frames);
        let keyframe_filmed_at = begins_segment.then(|| self.filmed_at(n));
        let packets = self.video.encode(n, keyframe_filmed_at, frame)?;
        self.meters.frames_encoded.add(1);
        self.send(packets);
        Ok(())
    }

    /// The wall-clock time of grid time `n`: steady along the grid, unless the wall clock was put right or the machine
    /// slept, which stops the grid's clock but not the wall's.
    fn filmed_at(&mut self, n: u64) -> SystemTime {
        let along_grid = self.clock.time_of(n) - self.clock.time_of(0);
        let by_wall = SystemTime::now() - self.clock.time_of(n).elapsed();
        let by_grid = self.origin_filmed_at + along_grid;
        let apart = by_wall.duration_since(by_grid).unwrap_or_else(|before| before.duration());
        if apart <= CLOCK_STEP {
            return by_grid;
        }
        tracing::warn!(
            apart_s = apart.as_secs_f64(),
            "the wall clock jumped; dates follow it from this segment on"
        );
        self.origin_filmed_at = by_wall - along_grid;
        by_wall
    }

    fn finish(mut self) -> Result<(), EncodeError> {
        let rest = self.video.finish()?;
        self.send(rest);
        if let Some(audio) = &mut self.audio {
            let rest = audio.finish()?;
            self.send(rest);
        }
        Ok(())
    }

    fn send(&mut self, packets: Vec<EncodedPacket>) {
        for packet in packets {
            self.is_heard &= self.packets.send(Encoded::Packet(packet)).is_ok();
        }
    }
}

/// Sample positions of the sound line as 90 kHz ticks of the stream.
fn samples_to_90k(samples: i64) -> i64 {
    START_90K + samples * 90_000 / i64::from(RATE_HZ)
}
