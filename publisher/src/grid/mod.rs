//! Grid: captured video frames and sound, at whatever times they come, become a steady line of grid times and of AAC.
//!
//! In: [`Captured`] video frames and sound from the capture queue. Out: what is to be [`Shown`] at each grid time, to the encoder of
//! every rendition, and packets of sound. The grid thread owns the frame clock, the filters, the sound clock and the sound
//! encoder. There is one of each for the whole run: time continues over every segment boundary, and the boundaries are the same
//! for all renditions. At the end of the source all of its channels close.

pub mod absence;
pub(crate) mod complaint;
pub mod frame_clock;
pub mod segment_boundaries;
pub mod slate;
pub(crate) mod start;

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant, SystemTime};

use crate::captions::carried::Captions;
use crate::captured::{Captured, CapturedPicture, CapturedSound};
use crate::encode::sound::AudioEncoder;
use crate::encode::{EncodeError, START_90K};
use crate::grid::absence::Absence;
use crate::grid::complaint::Complaint;
use crate::grid::frame_clock::{FrameClock, Placement};
use crate::grid::segment_boundaries::SegmentBoundaries;
use crate::grid::slate::{OwnSlate, Slates};
use crate::grid::start::Start;
use crate::packet::{Encoded, EncodedPacket, SegmentBoundary};
use crate::picture::filter::{Filter, FilterSettings};
use crate::picture::shared::SharedPicture;
use crate::queue::capture::{CaptureReceiver, Next};
use crate::queue::picture::{Picture, PictureSender, Shown};
use livedir_layout::meters::Meters;
use livedir_layout::source_state::SourceState;
use livedir_media::Medium;
use livedir_time::ticks::{duration, of_pictures, whole_pictures};

/// If the grid is this far behind the present (the machine was suspended, or is too slow even for repeated frames), the stream
/// skips to the present. A smaller delay is caught up: a repeated frame takes the encoder a fraction of its grid time.
const LOST: Duration = Duration::from_secs(5);

/// Wall clock and grid may be this far apart before the dates of the stream follow the wall clock.
const CLOCK_STEP: Duration = Duration::from_millis(200);

/// The grid and its filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridSettings {
    /// Frames a second.
    pub fps: u32,
    /// Frames from the start of one segment to that of the next.
    pub segment_frames: u64,
    /// Filters for captured frames, applied before they go to the renditions.
    pub filter: FilterSettings,
    /// Whether the slate is shown while the source is away; else the last picture stands.
    pub has_slate: bool,
    /// How long nothing comes before the slate is shown, where the user says it.
    pub slate_after: Option<Duration>,
}

/// Where sound goes.
pub struct SoundLine {
    /// Bits a second.
    pub audio_bps: u64,
    /// Whether audio has segments of its own. Their boundaries then follow those of the video.
    pub is_alone: bool,
    /// The packager.
    pub packets: SyncSender<Encoded>,
}

/// Where pictures go.
#[derive(Default)]
pub struct PictureLines {
    /// An encoder each; none where the stream has sound alone.
    pub rungs: Vec<PictureSender>,
    /// What is seen while the source is there and has shown no picture of its own.
    pub still: Option<SharedPicture>,
    /// What the user wants to be seen while the source is away.
    pub slate: Option<OwnSlate>,
    /// Whether the source is expected to begin with a picture.
    pub awaits_picture: bool,
}

/// The grid thread: from the first captured video frame or sound to the end of the source.
pub fn run(
    captured: &CaptureReceiver,
    settings: &GridSettings,
    pictures: PictureLines,
    sound: Option<SoundLine>,
    meters: &Arc<Meters>,
) -> Result<(), EncodeError> {
    let Some(Start { origin, sound: lead_in, picture }) =
        start::wait(captured, settings.fps, pictures.awaits_picture)
    else {
        return Ok(());
    };
    let mut grid = Grid::start(settings, origin, pictures, sound, meters)?;
    for sound in lead_in {
        grid.take_sound(&sound);
    }
    if let Some(picture) = picture {
        grid.take_picture(picture);
    }
    while grid.is_receiver_alive() {
        let next = captured.next(grid.clock.next_overdue());
        grid.leap_if_lost(captured.present())?;
        match next {
            Next::Captured(Captured::Picture(picture)) => grid.take_picture(picture),
            Next::Captured(Captured::Sound(sound)) => grid.take_sound(&sound),
            Next::TimedOut => {}
            Next::Closed => break,
        }
        // The time is read before the sound is taken: sound that arrives in between then does not count as missing.
        let now = captured.present();
        grid.absence.note_sign(captured.alive_at());
        for sound in captured.drain_sound() {
            grid.take_sound(&sound);
        }
        for sound in grid.slates.take_sound() {
            grid.take_sound(&sound);
        }
        grid.fill_overdue(now)?;
    }
    grid.finish()
}

struct Grid<'a> {
    settings: &'a GridSettings,
    meters: &'a Meters,
    clock: FrameClock,
    absence: Absence,
    boundaries: SegmentBoundaries,
    /// The wall-clock time of grid time 0.
    origin_filmed_at: SystemTime,
    filter: Filter,
    /// Frames that the filters refuse.
    unfiltered: Complaint,
    /// Runs of sound that cannot be resampled.
    unconverted: Complaint,
    rungs: Vec<PictureSender>,
    /// Whether the stream has pictures.
    shows: bool,
    still: Option<Arc<SharedPicture>>,
    sound: Option<Sound>,
    /// A frame has come.
    has_picture: bool,
    /// Those of pictures that had no place, for the next grid time.
    captions: Captions,
    slates: Slates,
}

struct Sound {
    encoder: AudioEncoder,
    line: SoundLine,
    /// Its newest segment, where it has segments of its own.
    segment: Option<u64>,
    is_receiver_alive: bool,
}

impl<'a> Grid<'a> {
    fn start(
        settings: &'a GridSettings,
        origin: Instant,
        pictures: PictureLines,
        sound: Option<SoundLine>,
        meters: &'a Meters,
    ) -> Result<Self, EncodeError> {
        let PictureLines { rungs, still, slate, .. } = pictures;
        let sound = sound.map(|line| {
            let encoder = AudioEncoder::open(line.audio_bps, origin)?;
            let parameters = encoder.parameters();
            let is_receiver_alive =
                line.packets.send(Encoded::Stream { medium: Medium::Audio, parameters }).is_ok();
            Ok::<_, EncodeError>(Sound { encoder, line, segment: None, is_receiver_alive })
        });
        Ok(Self {
            settings,
            meters,
            clock: FrameClock::new(settings.fps, origin),
            absence: Absence::new(settings.slate_after, origin),
            boundaries: SegmentBoundaries::new(settings.segment_frames),
            origin_filmed_at: SystemTime::now() - origin.elapsed(),
            filter: Filter::new(&settings.filter),
            unfiltered: Complaint::new("captured frames cannot be filtered"),
            unconverted: Complaint::new("captured sound cannot be converted; there is silence in its place"),
            shows: !rungs.is_empty(),
            rungs,
            still: still.map(Arc::new),
            sound: sound.transpose()?,
            has_picture: false,
            captions: Captions::default(),
            slates: Slates::new(settings.fps, slate),
        })
    }

    /// Whether a receiver is left for the output.
    fn is_receiver_alive(&self) -> bool {
        let is_seen = !self.shows || !self.rungs.is_empty();
        is_seen && self.sound.as_ref().is_none_or(|sound| sound.is_receiver_alive)
    }

    fn take_picture(&mut self, mut picture: CapturedPicture) {
        self.meters.pictures_captured.add(1);
        self.absence.note_picture(picture.captured_at);
        match self.clock.offer(picture.captured_at) {
            Placement::Drop => {
                self.captions.append(picture.captions);
                self.meters.pictures_dropped.add(1);
            }
            Placement::Show { gap, at } if gap.start == 0 && !self.has_picture => {
                // Sound began earlier: the first picture stands from there on.
                self.captions.append(std::mem::take(&mut picture.captions));
                self.take_filtered(0, picture);
                (1..=at).for_each(|n| self.fill(n));
            }
            Placement::Show { gap, at } => {
                for n in gap {
                    self.fill(n);
                }
                self.captions.append(std::mem::take(&mut picture.captions));
                self.take_filtered(at, picture);
            }
        }
    }

    /// The frame of grid time `at`; if the filters return none, the previous frame stays.
    fn take_filtered(&mut self, at: u64, picture: CapturedPicture) {
        let since_start = picture.captured_at.saturating_duration_since(self.clock.time_of(0));
        let ago = picture.captured_at.elapsed();
        match self.filter.apply(picture.frame, since_start) {
            Ok(frame) => {
                self.has_picture = true;
                self.show(at, Picture::New(Arc::new(frame), SystemTime::now() - ago));
            }
            Err(error) => {
                self.unfiltered.report(&error, Instant::now());
                self.fill(at);
            }
        }
    }

    fn take_sound(&mut self, captured: &CapturedSound) {
        let Some(sound) = &mut self.sound else { return };
        match sound.encoder.take(captured) {
            Ok(packets) => self.send_sound(packets),
            Err(error) => {
                self.unconverted.report(&error, Instant::now());
            }
        }
    }

    /// Skips to the present when the grid is too far behind. The segment ends with its last frame, and the next one begins
    /// after the gap. The watcher sees the gap in the timestamps of the next segment.
    fn leap_if_lost(&mut self, now: Instant) -> Result<(), EncodeError> {
        let behind = self.clock.behind(now);
        if behind < LOST {
            return Ok(());
        }
        let left_out = self.clock.leap(now);
        if let Some(sound) = &mut self.sound {
            // Sound for frames that were already shown may still be on its way. Some players stop at a segment without sound.
            let packets = sound.encoder.fill_until(self.clock.time_of(left_out.start))?;
            self.send_sound(packets);
        }
        self.boundaries.leap(&left_out, self.sound.as_ref().and_then(|sound| sound.segment));
        self.meters.frames_skipped.add(left_out.end - left_out.start);
        if let Some(sound) = &mut self.sound {
            sound.encoder.leap(self.clock.time_of(left_out.end));
        }
        let behind_s = behind.as_secs_f64();
        tracing::warn!(
            behind_s,
            "overload: this machine was suspended or is too slow; the stream skips to the current time"
        );
        Ok(())
    }

    /// Fills all grid times and sound that are overdue at `now`.
    fn fill_overdue(&mut self, now: Instant) -> Result<(), EncodeError> {
        for n in self.clock.overdue(now) {
            self.fill(n);
        }
        if let Some(sound) = &mut self.sound {
            let packets = sound.encoder.fill_overdue(now)?;
            self.send_sound(packets);
        }
        Ok(())
    }

    /// Fills a grid time for which no frame came.
    fn fill(&mut self, n: u64) {
        if !self.shows {
            return;
        }
        let is_lost = matches!(self.meters.source_state(), Some(SourceState::Lost | SourceState::Awaited));
        if is_lost {
            self.absence.note_loss();
        }
        let is_absent = self.settings.has_slate && self.absence.is_absent_at(self.clock.time_of(n), is_lost);
        if let Some(still) = self.still.as_ref().filter(|_| !is_absent && !self.has_picture) {
            // Anew each time, for the clock that may be written on it.
            let still = Picture::New(still.clone(), SystemTime::now());
            return self.show(n, still);
        }
        if self.settings.has_slate && (is_absent || !self.has_picture) {
            self.meters.frames_slate.add(1);
            let reason = || self.meters.absence();
            let is_alone = is_absent || !self.absence.has_given_sign();
            let slate = self.slates.show(n, self.clock.time_of(n), is_alone, reason);
            return self.show(n, Picture::Slate(slate));
        }
        self.meters.frames_duplicated.add(1);
        self.show(n, Picture::Same);
    }

    fn show(&mut self, n: u64, picture: Picture) {
        if !matches!(picture, Picture::Slate(_)) {
            self.slates.put_away();
        }
        let (segment, begins_at) = self.boundaries.segment_of(n).unwrap_or_default();
        let boundary = (begins_at == n).then(|| SegmentBoundary {
            filmed_at: self.filmed_at(n),
            segment,
            is_leapt_to: false,
        });
        let captions = std::mem::take(&mut self.captions);
        let captions = (!captions.is_empty()).then(|| Arc::new(captions));
        let shown = Shown { n, boundary, picture, captions };
        self.meters.frames_encoded.add(1);
        self.rungs.retain(|rung| rung.send(shown.clone()));
    }

    /// The wall-clock time of grid time `n`. It runs evenly along the grid, unless the wall clock was set or the machine slept
    /// (which stops the grid's clock but not the wall clock).
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

    fn send_sound(&mut self, packets: Vec<EncodedPacket>) {
        for mut packet in packets {
            packet.boundary = self.boundary_of_sound(&packet);
            packet.keyframe_filmed_at = packet.boundary.map(|boundary| boundary.filmed_at);
            let Some(sound) = &mut self.sound else { return };
            sound.is_receiver_alive &= sound.line.packets.send(Encoded::Packet(packet)).is_ok();
        }
    }

    /// Audio with segments of its own begins a segment with the first packet at or after the boundary of the video.
    fn boundary_of_sound(&mut self, packet: &EncodedPacket) -> Option<SegmentBoundary> {
        let sound = self.sound.as_ref().filter(|sound| sound.line.is_alone)?;
        let ticks = u64::try_from(packet.dts_90k - START_90K).ok()?;
        let n = whole_pictures(ticks, self.settings.fps);
        let (segment, begins_at) = self.boundaries.segment_of(n)?;
        if sound.segment.is_some_and(|before| before >= segment) {
            return None;
        }
        let ticks_of_border = of_pictures(begins_at, self.settings.fps);
        let late = duration(ticks - ticks_of_border);
        let filmed_at = self.filmed_at(begins_at) + late;
        if let Some(sound) = &mut self.sound {
            sound.segment = Some(segment);
        }
        Some(SegmentBoundary { filmed_at, segment, is_leapt_to: false })
    }

    fn finish(mut self) -> Result<(), EncodeError> {
        if let Some(sound) = &mut self.sound {
            let rest = sound.encoder.finish()?;
            self.send_sound(rest);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
