//! Inputs: a file, a list of files, a URL, a screen or standard input, decoded and handed out in real time.
//!
//! In: an address; where nobody can be called, as at `rtmp://0.0.0.0:1935/live/KEY`, it is waited for somebody to push
//! (`push/`). Out: video and sound as they are stored (turned upright, but neither scaled nor resampled), each
//! at the moment at which it is due. The caller's thread decodes and waits; libav's reading has a thread of its own
//! (`demux/`), for it may block longer than [`Source::read`] may. At the end of a file comes [`Read::End`], or the
//! next round of a loop; a live source that hangs up or falls silent is an error, so that it is opened again.

mod address;
pub(crate) mod adts;
pub(crate) mod annex_b;
pub(crate) mod decode;
pub(crate) mod demux;
pub(crate) mod error;
mod file_list;
mod lane;
pub(crate) mod listen_address;
pub mod pace;
mod screen;
pub(crate) mod stream_fields;
pub mod tracks;

pub use address::InputAddress;
pub use error::InputError;
pub use listen_address::CannotListen;

use super::{Read, Source, SourceError};
use crate::captions::carried::Captions;
use crate::captured::{Captured, CapturedPicture, CapturedSound, Shows, SourceFormat};
use crate::picture::colour_space::ColourSpace;
use crate::picture::deinterlacer::Deinterlace;
use crate::picture::tone_map;
pub use crate::source::rtmp::{Doors, Ports, Takeover};
use decode::{Decoded, LaneDecoder, StreamSetup};
use demux::{Demuxer, Ending, Origin, Round};
use lane::{InputLane, ReadyPiece};
use pace::pacing::Pacer;
use pace::timeline::{Lane, Timeline, Unplaced};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use tracing::warn;
use tracks::{Told, TrackSettings};

/// A name server may keep libav longer than [`demuxer`]'s own patience lasts.
const OPEN_URL: Duration = Duration::from_secs(12);
/// The size that is promised where pictures come later. Most clients send it; a phone that is held upright does not.
pub(crate) const LIKELY_SIZE: (u32, u32) = (1280, 720);
/// How long frames are waited for that do not say their size in advance.
const FIRST_PICTURE: Duration = Duration::from_secs(10);
/// A live source that has sound is not waited for longer: the slate stands in for its picture.
const FIRST_PICTURE_BESIDE_SOUND: Duration = Duration::from_secs(3);

/// What to open, and how.
#[derive(Debug, Clone)]
pub struct InputSettings {
    /// Where the media comes from.
    pub address: InputAddress,
    /// Of a list, the film that is played first: 0 but where a run goes on with it that another has begun.
    pub first_film: usize,
    /// At the end, begin again; the timestamps go on.
    pub loop_forever: bool,
    /// Frame rate of a source without timestamps whose parameter sets state none.
    pub untimed_fps: Option<u32>,
    /// The sound alone is played, whatever else there is.
    pub sound_alone: bool,
    /// What is done with interlaced pictures.
    pub deinterlace: Deinterlace,
    /// The tracks that are wanted, and what was said of them.
    pub tracks: TrackSettings,
    /// What is open to encoders that push by RTMP.
    pub doors: Doors,
    /// Once it is set, whatever blocks gives up.
    pub stop: Arc<AtomicBool>,
}

/// An open input.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Input {
    name: String,
    demuxer: Demuxer,
    lanes: [InputLane; 2],
    timeline: Timeline,
    pacer: Pacer,
    /// The round's first frame or run has been placed on the timeline.
    under_way: bool,
    live: bool,
    deinterlace: Deinterlace,
    /// What was said of it.
    told: Told,
    /// Pictures that were handed out; of a source without pictures runs of sound.
    played: u64,
    /// The next picture is the first of its round: its captions go on with nothing.
    captions_begin: bool,
    /// It was told that some of it is scrambled.
    has_told_scrambled: bool,
    format: SourceFormat,
}

/// Opens the input and finds out what it will deliver.
///
/// Returns within some ten seconds for URLs; for files and pipes when they have told enough, or at the stop flag.
pub fn open(settings: &InputSettings) -> Result<Input, InputError> {
    check_address(settings)?;
    let name = settings.address.to_string();
    let demuxer = Demuxer::start(settings, Origin::Address)?;
    let round = first_round(&demuxer, &settings.address)?;
    Input::begin(name, demuxer, round, settings).map_err(|error| match error {
        InputError::Silent { name, seconds } => InputError::Unreachable {
            name,
            reason: format!("nothing has come within {seconds} s"),
            remedy: error::remedy_where_nobody_answers(&settings.address),
        },
        error => error,
    })
}

/// What can be told without opening it.
pub(crate) fn check_address(settings: &InputSettings) -> Result<(), InputError> {
    if settings.loop_forever && settings.address == InputAddress::Stdin {
        return Err(InputError::LoopedPipe);
    }
    let name = settings.address.to_string();
    if let (InputAddress::Url(_), scheme) = (&settings.address, settings.address.scheme().unwrap_or_default())
        && !address::SCHEMES.contains(&scheme.as_str())
    {
        return Err(InputError::Protocol { name, scheme });
    }
    Ok(())
}

pub(crate) fn first_round(demuxer: &Demuxer, address: &InputAddress) -> Result<Round, InputError> {
    let name = address.to_string();
    let deadline = address.is_sent().then(|| Instant::now() + OPEN_URL);
    loop {
        let seen = demuxer.changes();
        if let Some(round) = demuxer.next_round() {
            return Ok(round);
        }
        if let Some(Ending::Failed(error)) = demuxer.ending() {
            return Err(error);
        }
        if demuxer.stopped() || demuxer.ending().is_some() {
            return Err(InputError::Stopped(name));
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            let reason = format!("no answer within {} s", OPEN_URL.as_secs());
            let remedy = error::remedy_where_nobody_answers(address);
            return Err(InputError::Unreachable { name, reason, remedy });
        }
        demuxer.wait(seen, Instant::now() + demux::TICK);
    }
}

fn open_sound(name: &str, setup: &StreamSetup, live: bool, told: &Told) -> Option<LaneDecoder> {
    LaneDecoder::open(name, setup, live, (Deinterlace::Off, told))
        .inspect_err(|error| {
            warn!(source = name, reason = error::reason(*error), "no sound: its decoder does not open");
        })
        .ok()
}

impl Input {
    /// The demuxer has found its first round: opens the decoders and looks at the size.
    pub(crate) fn begin(
        name: String,
        demuxer: Demuxer,
        round: Round,
        settings: &InputSettings,
    ) -> Result<Self, InputError> {
        let (deinterlace, told) = (settings.deinterlace, settings.tracks.told.clone());
        let not_media = |error| InputError::NotMedia { name: name.clone(), reason: error::reason(error) };
        let open = |setup: &StreamSetup| {
            LaneDecoder::open(&name, setup, round.live, (deinterlace, &told)).map_err(not_media)
        };
        let picture = round.picture.as_ref().map(open).transpose()?;
        let sound = match &round.sound {
            Some(sound) if picture.is_none() => Some(open(sound)?),
            sound => sound.as_ref().and_then(|sound| open_sound(&name, sound, round.live, &told)),
        };
        let shows =
            if picture.is_some() || round.picture_may_come { Shows::Pictures } else { Shows::Nothing };
        let mut input = Input {
            format: SourceFormat {
                description: round.description,
                shows,
                width: 0,
                height: 0,
                colours: ColourSpace::HIGH_DEFINITION,
                has_sound: sound.is_some() || round.of_list.is_some(),
                copied: None,
            },
            name,
            demuxer,
            lanes: [InputLane::new(picture), InputLane::new(sound)],
            timeline: Timeline::default(),
            pacer: Pacer::new(round.live && !round.in_bursts),
            under_way: false,
            live: round.live,
            deinterlace,
            told,
            played: 0,
            captions_begin: true,
            has_told_scrambled: false,
        };
        (input.format.width, input.format.height) = input.shown_size()?;
        let picture = input.lanes[Lane::Picture as usize].decoder.as_ref();
        let seen = picture.map_or(ColourSpace::HIGH_DEFINITION, LaneDecoder::colours);
        input.format.colours = tone_map::stream_of(seen);
        let alterations = picture.map(LaneDecoder::alterations);
        input.format.description.extend(alterations);
        Ok(input)
    }

    /// The same as [`read`](Source::read), but before it is due: as fast as it can be decoded. The moments on it stay those of real time.
    pub(crate) fn read_ahead_of_time(&mut self, timeout: Duration) -> Result<Read, SourceError> {
        self.next(timeout, false)
    }

    fn next(&mut self, timeout: Duration, in_time: bool) -> Result<Read, SourceError> {
        let deadline = Instant::now() + timeout;
        let packets = self.packets();
        loop {
            if self.demuxer.stopped() {
                return Ok(Read::Nothing);
            }
            let seen = self.demuxer.changes();
            self.fill();
            let mut wake_at = deadline;
            if let Some((lane, media_us, due)) = self.first_due() {
                if !in_time || due <= Instant::now() {
                    return Ok(self.hand_out(lane, media_us).map_or(Read::Nothing, Read::Captured));
                }
                wake_at = wake_at.min(due);
            } else if self.lanes.iter().all(|lane| lane.finished && lane.ready.is_none()) {
                match self.next_round()? {
                    Turn::Begun => continue,
                    Turn::Another(description) => return Ok(Read::Here(description)),
                    Turn::Over => return Ok(Read::End),
                    Turn::Wait => {}
                }
            }
            if Instant::now() >= deadline {
                // What is to come next is there, or what came is damaged.
                let is_alive = self.has_next() || self.packets() > packets;
                return Ok(if is_alive { Read::Alive } else { Read::Nothing });
            }
            self.demuxer.wait(seen, wake_at);
        }
    }

    /// What the first frame of a film shows: it may be turned. Of a live source what the stream's head says, or else the first frame;
    /// where it sends sound alone as yet, what is likely.
    fn shown_size(&mut self) -> Result<(u32, u32), InputError> {
        let picture = Lane::Picture as usize;
        if self.lanes[picture].decoder.is_none() {
            return Ok(LIKELY_SIZE);
        }
        let may_be_late = self.live && self.lanes[Lane::Sound as usize].decoder.is_some();
        let deadline = Instant::now() + if may_be_late { FIRST_PICTURE_BESIDE_SOUND } else { FIRST_PICTURE };
        loop {
            let stated = self.lanes[picture].decoder.as_ref().and_then(LaneDecoder::stated_size);
            if let Some(size) = stated.filter(|_| self.live || self.lanes[picture].ready.is_some()) {
                return Ok(size);
            }
            let seen = self.demuxer.changes();
            // A decoder states the size as soon as it has decoded something.
            self.lanes[picture].fill(Lane::Picture, &self.demuxer);
            if self.lanes[picture].ready.is_some() {
                continue;
            }
            if self.demuxer.stopped() {
                return Err(InputError::Stopped(self.name.clone()));
            }
            let is_over = self.lanes[picture].finished;
            if is_over || self.demuxer.has_read_enough() || Instant::now() >= deadline {
                return if let Some(size) = stated {
                    Ok(size)
                } else if may_be_late && !is_over {
                    Ok(LIKELY_SIZE)
                } else {
                    Err(self.nothing_seen())
                };
            }
            self.demuxer.wait(seen, deadline);
        }
    }

    /// Why no picture was seen.
    fn nothing_seen(&self) -> InputError {
        let name = self.name.clone();
        if self.live && self.lanes[Lane::Picture as usize].packets == 0 {
            return InputError::Silent { name, seconds: FIRST_PICTURE.as_secs() };
        }
        self.undecodable()
    }

    /// Packets came, and nothing of them can be seen or heard.
    fn undecodable(&self) -> InputError {
        if self.demuxer.scrambled() > 0 {
            return InputError::Scrambled(self.name.clone());
        }
        let has_picture = self.lanes[Lane::Picture as usize].decoder.is_some();
        let error = match (has_picture, self.live) {
            (true, true) => InputError::UndecodableLive,
            (true, false) => InputError::Undecodable,
            (false, _) => InputError::UndecodableSound,
        };
        error(self.name.clone())
    }

    /// Decodes ahead, one frame or run in each lane, and puts it on the timeline.
    fn fill(&mut self) {
        for lane in Lane::ALL {
            self.lanes[lane as usize].fill(lane, &self.demuxer);
            while let Some(setup) = self.lanes[lane as usize].setup.take() {
                self.set_up(lane, &setup);
                self.lanes[lane as usize].fill(lane, &self.demuxer);
            }
            if std::mem::take(&mut self.lanes[lane as usize].runs_ahead) {
                self.pacer = Pacer::new(false);
            }
        }
        if !self.under_way {
            let first_us = self.lanes.iter().filter_map(|lane| lane.ready.as_ref()).map(|ready| ready.pts_us);
            let Some(first_us) = first_us.min_by_key(|pts_us| pts_us.unwrap_or(i64::MAX)) else { return };
            // The first frame or run of the round is the earliest, not the one that happens to stand first in the file.
            // A live source is not held up for that.
            let all_there = self.lanes.iter().all(|lane| lane.finished || lane.ready.is_some());
            if !(all_there || self.live || self.demuxer.has_read_enough()) {
                return;
            }
            self.timeline.begin_round(first_us.unwrap_or(0));
            self.under_way = true;
        }
        let in_real_time = self.pacer.is_live();
        for lane in Lane::ALL {
            if let Some(ready) = &mut self.lanes[lane as usize].ready {
                let ReadyPiece { pts_us, duration_us, beside, .. } = *ready;
                let arrived = ready.arrived.filter(|_| in_real_time);
                let piece = Unplaced { pts_us, duration_us, arrived, beside };
                ready.media_us.get_or_insert_with(|| self.timeline.place(lane, piece));
            }
        }
    }

    /// The head of a stream came late, or another one came.
    fn set_up(&mut self, lane: Lane, setup: &StreamSetup) {
        let decoder = &mut self.lanes[lane as usize].decoder;
        // A decoder of pictures that had a head takes the next one from its packet, and loses nothing.
        if lane == Lane::Picture && decoder.as_ref().is_some_and(LaneDecoder::has_head) {
            return;
        }
        match LaneDecoder::open(&self.name, setup, self.live, (self.deinterlace, &self.told)) {
            Ok(opened) => *decoder = Some(opened),
            Err(error) => {
                let reason = error::reason(error);
                warn!(source = self.name, reason, "the stream goes on in a way that cannot be decoded");
            }
        }
    }

    /// The lane whose frame or run is due first.
    fn first_due(&mut self) -> Option<(Lane, i64, Instant)> {
        let media_us = |lane: Lane| self.lanes[lane as usize].ready.as_ref().and_then(|ready| ready.media_us);
        let places = Lane::ALL.into_iter().filter_map(|lane| media_us(lane).map(|media_us| (lane, media_us)));
        let (lane, media_us) = places.min_by_key(|&(_, media_us)| media_us)?;
        Some((lane, media_us, self.pacer.due(media_us, Instant::now())))
    }

    /// Whether a piece is there that is not due yet.
    fn has_next(&self) -> bool {
        self.lanes.iter().any(|lane| lane.ready.is_some())
    }

    /// Packets that came so far.
    fn packets(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.packets).sum()
    }

    fn hand_out(&mut self, lane: Lane, media_us: i64) -> Option<Captured> {
        let ready = self.lanes[lane as usize].ready.take()?;
        let due = self.pacer.hand_out(lane, media_us, ready.arrived, Instant::now());
        let captured_at = due.at;
        Some(match ready.decoded {
            Decoded::Picture(mut frame) => {
                self.played += 1;
                let captions = Captions::read(&frame.take_cc_data());
                let is_first = std::mem::take(&mut self.captions_begin);
                let captions = if is_first { captions.after_a_break() } else { captions };
                Captured::Picture(CapturedPicture { frame, captured_at, captions })
            }
            Decoded::Sound(frame) => {
                self.played += u64::from(self.lanes[Lane::Picture as usize].decoder.is_none());
                Captured::Sound(CapturedSound { frame, captured_at, stretch: due.stretch })
            }
        })
    }

    /// Says once that some of it could not be read, and was left out.
    fn tell_scrambled(&mut self) {
        let packets = self.demuxer.scrambled();
        if packets > 0 && !std::mem::replace(&mut self.has_told_scrambled, true) {
            warn!(
                source = self.name,
                packets,
                "some of the source is scrambled, as pay television is, and was left out; descramble it before it comes here"
            );
        }
    }

    /// Both lanes are at their end: the next round begins, if there is one.
    fn next_round(&mut self) -> Result<Turn, SourceError> {
        // The order matters: a round that is there before the ending is seen is still to be played.
        let ending = self.demuxer.ending();
        let round = self.demuxer.next_round();
        let went_well = round.is_some() || matches!(ending, Some(Ending::Over));
        if went_well && self.played == 0 {
            return Err(self.undecodable().into());
        }
        if went_well {
            self.tell_scrambled();
        }
        if let Some(round) = round {
            // The encoders are set up: pictures and sound that were not there at the start have no place to go.
            let picture = round.picture.filter(|_| self.format.shows == Shows::Pictures);
            let decoder = picture.map(|picture| {
                LaneDecoder::open(&self.name, &picture, round.live, (self.deinterlace, &self.told))
            });
            let decoder = decoder.transpose().map_err(|error| InputError::Broken {
                name: self.name.clone(),
                reason: error::reason(error),
            })?;
            let alterations = decoder.as_ref().map(LaneDecoder::alterations);
            let sound = round.sound.filter(|_| self.format.has_sound);
            let sound = sound.and_then(|sound| open_sound(&self.name, &sound, round.live, &self.told));
            self.lanes = [InputLane::new(decoder), InputLane::new(sound)];
            self.under_way = false;
            self.captions_begin = true;
            let description = round.description + &alterations.unwrap_or_default();
            if self.format.description == description {
                return Ok(Turn::Begun);
            }
            self.format.description.clone_from(&description);
            return Ok(Turn::Another(description));
        }
        match ending {
            Some(Ending::Over) => Ok(Turn::Over),
            Some(Ending::Failed(error)) => Err(error.into()),
            None => Ok(Turn::Wait),
        }
    }
}

enum Turn {
    Begun,
    /// Another film has begun.
    Another(String),
    Wait,
    Over,
}

impl Source for Input {
    fn format(&self) -> SourceFormat {
        self.format.clone()
    }

    fn read(&mut self, timeout: Duration) -> Result<Read, SourceError> {
        self.next(timeout, true)
    }
}
