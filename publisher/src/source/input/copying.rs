//! Copying: an input is handed out in packets, as it is stored, and nothing is decoded.
//!
//! In: an address, as for [`super::Input`]. Out: H.264 with start codes and AAC, each packet on the source's own timeline in
//! 90 kHz ticks, in real time or as fast as it is taken. Before it is open, its start is looked at: whether its codecs and the
//! distance of its keyframes fit. Runs on the caller's thread; libav reads on the demuxer's. Where others push, opening waits
//! for somebody who can be copied.

use super::annex_b::Storage;
use super::decoding::StreamSetup;
use super::demuxer::{Demuxer, Ending, Origin, Queued, Round, TICK};
use super::error::InputError;
use super::listening;
use super::pacing::Pacer;
use super::stream_fields;
use super::timeline::{Lane, Timeline};
use super::waiting;
use super::{InputAddress, InputSettings};
use crate::encoder::Medium;
use crate::source::{CopiedFormat, Read, Source, SourceError, SourceFormat};
use ffmpeg_next as ffmpeg;
use ffmpeg_next::{Packet, Rational, Rescale, codec};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tracing::{info, warn};

const TICKS: Rational = Rational(1, 90_000);
const MICROSECONDS: Rational = super::decoding::MICROSECONDS;
/// So much of a file is looked at, to say how far its keyframes are apart. Longer ones fit into no segment.
const LOOK_AHEAD_90K: i64 = 12 * 90_000;
/// A stream of more bytes than this in that time is looked at no further.
const MOST_LOOKED_AT_BYTES: usize = 64 << 20;
/// A film whose keyframes are regular shows it in so many.
const ENOUGH_INTERVALS: u32 = 4;
/// A keyframe may come so much later than a segment is to be long: 2.002 s for 2 s, as with 29.97 pictures a second.
const ROOM_PERCENT: i64 = 1;
/// What a picture lasts when nothing says it.
const GUESSED_PICTURE_90K: i64 = 3_600;
/// Between two clients that cannot be copied.
const PAUSE: Duration = Duration::from_secs(1);

/// What to copy, and how.
#[derive(Debug, Clone)]
pub struct CopySettings {
    /// The input.
    pub input: InputSettings,
    /// How long segments are to be, in 90 kHz ticks.
    pub segment_90k: i64,
    /// Parts are made, too.
    pub low_latency: bool,
    /// Not in real time, but as fast as it is taken.
    pub fast: bool,
}

/// What a copied source hands out.
pub enum Copied {
    /// Before the first packet of a film or of a client.
    Begins(Vec<CopiedStream>),
    /// A packet; those of one medium come in order.
    Packet(CopiedPacket),
}

/// One of the streams.
pub struct CopiedStream {
    /// Picture or sound.
    pub medium: Medium,
    /// As libav has them.
    pub parameters: codec::Parameters,
}

/// A packet as MPEG-TS has it.
pub struct CopiedPacket {
    /// Picture or sound.
    pub medium: Medium,
    /// The payload.
    pub packet: Packet,
    /// Decode time in 90 kHz ticks, from about 0 when the source was opened.
    pub dts_90k: i64,
    /// From the decode time to the time of presentation.
    pub shown_after_90k: i64,
    /// How long it is shown or heard.
    pub duration_90k: i64,
    /// An IDR picture with its parameter sets.
    pub is_keyframe: bool,
    /// When it was due.
    pub captured_at: Instant,
}

/// Why nothing can be copied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    /// It cannot be read at all.
    #[error(transparent)]
    Input(#[from] InputError),
    /// It can be read, but not copied.
    #[error("{name} cannot be copied: {reason}; or let --copy=auto encode it")]
    Unfit {
        /// The address.
        name: String,
        /// What is the matter with it.
        reason: Unfit,
    },
}

/// What is the matter with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("its pictures are {0}, and --copy takes H.264; give it H.264")]
    Pictures(String),
    #[error("its sound is {0}, and --copy takes AAC; give it AAC")]
    Sound(String),
    #[error(
        "its keyframes are {at_least}{found_s} s apart, over the {asked_s} s of --segment-duration; have its encoder make one every \
         {asked_s} s (IDR, closed GOP), or raise --segment-duration"
    )]
    Keyframes { at_least: &'static str, found_s: String, asked_s: String },
    #[error(
        "its pictures are not stored in the order in which they are shown (B-frames), and parts of --low-latency need that; have \
         its encoder make no B-frames, or leave --low-latency out"
    )]
    Reordered,
}

impl From<CopyError> for SourceError {
    fn from(error: CopyError) -> Self {
        SourceError::Open(error.to_string())
    }
}

/// How long a segment may become where `segment_90k` is asked for, in 90 kHz ticks.
#[must_use]
pub fn longest_copied_90k(segment_90k: i64) -> i64 {
    segment_90k + segment_90k * ROOM_PERCENT / 100
}

/// Opens a copied source, again and again: where others push, the door stays open between them.
pub struct CopyOpener {
    settings: CopySettings,
    origin: Origin,
    name: String,
}

/// Makes ready for it; a port that is not to be had is told at once.
pub fn open_copy(settings: CopySettings) -> Result<CopyOpener, InputError> {
    let shown = settings.input.address.to_string();
    let place = match &settings.input.address {
        InputAddress::Url(url) => listening::place(url, &shown)?,
        _ => None,
    };
    let (origin, name) = match place {
        Some(place) => waiting::origin(&settings.input, place)?,
        None => (Origin::Address, shown),
    };
    Ok(CopyOpener { settings, origin, name })
}

impl CopyOpener {
    /// Opens it and looks at its start.
    pub fn open(&mut self) -> Result<Box<dyn Source<Copied>>, CopyError> {
        if matches!(self.origin, Origin::Address) {
            super::check_address(&self.settings.input)?;
            let demuxer = Demuxer::start(&self.settings.input, Origin::Address)?;
            let round = super::first_round(&demuxer, &self.settings.input.address)?;
            return Ok(Box::new(CopySource::begin(self, demuxer, round)?));
        }
        info!(place = self.name, "waiting for somebody to push");
        loop {
            let demuxer = Demuxer::start(&self.settings.input, self.origin.clone())?;
            if let Origin::Listening(_) = self.origin {
                waiting::fails_at_once(&demuxer, &self.name)?;
            }
            let come = self.next_round(&demuxer).map_err(CopyError::from);
            match come.and_then(|round| CopySource::begin(self, demuxer, round)) {
                Ok(source) => return Ok(Box::new(source)),
                Err(error) if self.settings.input.stop.load(std::sync::atomic::Ordering::Relaxed) => {
                    return Err(error);
                }
                Err(error @ CopyError::Unfit { .. }) => return Err(error),
                Err(CopyError::Input(error)) => warn!(%error, "what was pushed cannot be used"),
            }
            std::thread::park_timeout(PAUSE); // nobody has news to wait for
        }
    }

    /// Waits for a client for as long as it takes.
    fn next_round(&self, demuxer: &Demuxer) -> Result<Round, InputError> {
        loop {
            let seen = demuxer.changes();
            let ending = demuxer.ending();
            match (demuxer.next_round(), ending) {
                (Some(round), _) => return Ok(round),
                (None, Some(Ending::Failed(error))) => return Err(error),
                (None, Some(Ending::Over)) => return Err(InputError::HungUp(self.name.clone())),
                (None, None) if demuxer.stopped() => return Err(InputError::Stopped(self.name.clone())),
                (None, None) => demuxer.wait(seen, Instant::now() + TICK),
            }
        }
    }
}

/// An open source whose packets are copied.
struct CopySource {
    name: String,
    demuxer: Demuxer,
    lanes: [CopyLane; 2],
    begins: Option<Vec<CopiedStream>>,
    /// The sound that the muxer was set up for; that of later films has to be the same.
    sound_head: Option<Vec<u8>>,
    timeline: Timeline,
    /// `None`: as fast as it is taken.
    pacer: Option<Pacer>,
    opened_at: Instant,
    under_way: bool,
    live: bool,
    /// Its place stays open when it is over.
    is_pushed: bool,
    format: SourceFormat,
}

struct CopyLane {
    /// `None`: what the lane brings is thrown away.
    setup: Option<LaneSetup>,
    /// What was looked at when it was opened.
    ahead: VecDeque<Queued>,
    ready: Option<ReadyPacket>,
    finished: bool,
}

struct LaneSetup {
    time_base: Rational,
    storage: Option<Storage>,
    piece_90k: i64,
}

struct ReadyPacket {
    packet: Packet,
    is_keyframe: bool,
    dts_us: Option<i64>,
    shown_after_90k: i64,
    duration_90k: i64,
    media_us: Option<i64>,
    arrived: Option<Instant>,
}

impl LaneSetup {
    fn of_picture(setup: &StreamSetup) -> Self {
        LaneSetup {
            time_base: setup.time_base,
            storage: Some(Storage::of_head(stream_fields::head(&setup.parameters))),
            piece_90k: setup
                .frame_rate
                .map_or(GUESSED_PICTURE_90K, |rate| 1.rescale(rate.invert(), TICKS))
                .max(1),
        }
    }

    fn of_sound(setup: &StreamSetup) -> Self {
        LaneSetup { time_base: setup.time_base, storage: None, piece_90k: crate::encoder::audio::FRAME_90K }
    }

    fn ticks(&self, value: i64) -> i64 {
        value.rescale(self.time_base, TICKS)
    }

    fn duration_90k(&self, packet: &Packet) -> i64 {
        match self.ticks(packet.duration()) {
            duration_90k if duration_90k > 0 => duration_90k,
            _ => self.piece_90k,
        }
    }

    /// Nothing for a packet that holds nothing.
    fn ready(&self, packet: Packet, arrived: Option<Instant>) -> Option<ReadyPacket> {
        let to_us = |value: i64| value.rescale(self.time_base, MICROSECONDS);
        let (dts, pts) = (packet.dts().or(packet.pts()), packet.pts().or(packet.dts()));
        let duration_90k = self.duration_90k(&packet);
        let stored = packet.data().filter(|stored| !stored.is_empty())?;
        let mut is_keyframe = false;
        let mut written = None;
        if let Some(storage) = &self.storage {
            let picture = storage.look(stored);
            is_keyframe = picture.is_idr;
            if !storage.is_ready(picture, stored) {
                written = Some(storage.write(picture, stored)).filter(|written| !written.is_empty());
                written.as_ref()?;
            }
        }
        let mut packet = written.map_or(packet, |written| Packet::copy(&written));
        packet.set_flags(if is_keyframe { codec::packet::Flags::KEY } else { codec::packet::Flags::empty() });
        Some(ReadyPacket {
            packet,
            is_keyframe,
            dts_us: dts.map(to_us),
            shown_after_90k: dts.zip(pts).map_or(0, |(dts, pts)| self.ticks(pts.saturating_sub(dts))).max(0),
            duration_90k,
            media_us: None,
            arrived,
        })
    }
}

impl CopyLane {
    fn new(setup: Option<LaneSetup>) -> Self {
        CopyLane { setup, ahead: VecDeque::new(), ready: None, finished: false }
    }

    fn fill(&mut self, lane: Lane, demuxer: &Demuxer) {
        while self.ready.is_none() && !self.finished {
            if self.ahead.is_empty() {
                demuxer.take(lane, &mut self.ahead);
            }
            match self.ahead.pop_front() {
                None => return,
                Some(Queued::RoundEnd) => self.finished = true,
                Some(Queued::Packet { packet, arrived }) => {
                    self.ready = self.setup.as_ref().and_then(|setup| setup.ready(packet, arrived));
                }
            }
        }
    }
}

/// Whether the streams of a round are such as can be copied.
fn codecs_fit(round: &Round) -> Result<(), Unfit> {
    let name = |setup: &StreamSetup| {
        let id = setup.parameters.id();
        ffmpeg::decoder::find(id)
            .map_or_else(|| format!("{id:?}").to_lowercase(), |codec| codec.name().to_owned())
    };
    if round.picture.parameters.id() != codec::Id::H264 {
        return Err(Unfit::Pictures(name(&round.picture)));
    }
    match &round.sound {
        Some(sound) if sound.parameters.id() != codec::Id::AAC => Err(Unfit::Sound(name(sound))),
        _ => Ok(()),
    }
}

impl CopySource {
    fn begin(opener: &CopyOpener, demuxer: Demuxer, round: Round) -> Result<Self, CopyError> {
        let CopyOpener { settings, name, .. } = opener;
        let unfit = |reason| CopyError::Unfit { name: name.clone(), reason };
        codecs_fit(&round).map_err(unfit)?;
        let (width, height) = stream_fields::stored_size(&round.picture.parameters);
        let mut source = CopySource {
            name: name.clone(),
            demuxer,
            lanes: [CopyLane::new(None), CopyLane::new(None)],
            begins: None,
            sound_head: round.sound.as_ref().map(|sound| stream_fields::head(&sound.parameters).to_vec()),
            timeline: Timeline::default(),
            pacer: None,
            opened_at: Instant::now(),
            under_way: false,
            live: round.live,
            is_pushed: !matches!(opener.origin, Origin::Address),
            format: SourceFormat {
                description: round.description.clone(),
                width,
                height,
                has_sound: round.sound.is_some(),
                copied: None,
            },
        };
        if !settings.fast {
            source.pacer = Some(Pacer::new(round.live && !round.in_bursts));
        }
        source.enter(round);
        let start = source.look_ahead(settings.segment_90k)?;
        source.format.copied = Some(start.judge(settings).map_err(unfit)?);
        Ok(source)
    }

    fn enter(&mut self, round: Round) {
        let picture = LaneSetup::of_picture(&round.picture);
        let sound = round.sound.as_ref().map(LaneSetup::of_sound);
        let mut streams = vec![CopiedStream { medium: Medium::Video, parameters: round.picture.parameters }];
        let sound_parameters = round.sound.map(|sound| sound.parameters);
        streams.extend(sound_parameters.map(|parameters| CopiedStream { medium: Medium::Audio, parameters }));
        self.lanes = [CopyLane::new(Some(picture)), CopyLane::new(sound)];
        self.begins = Some(streams);
        self.under_way = false;
    }

    /// Looks at the start for as long as it takes to know how far its keyframes are apart. What was looked at is kept.
    fn look_ahead(&mut self, segment_90k: i64) -> Result<Start, InputError> {
        let mut start = Start { segment_90k, live: self.live, ..Start::default() };
        let mut bytes = 0;
        loop {
            if self.demuxer.stopped() {
                return Err(InputError::Stopped(self.name.clone()));
            }
            let seen = self.demuxer.changes();
            let ending = self.demuxer.ending();
            let mut is_news = false;
            for lane in Lane::ALL {
                // What follows is another round's.
                while !matches!(self.lanes[lane as usize].ahead.back(), Some(Queued::RoundEnd))
                    && let Some(queued) = self.demuxer.pop(lane)
                {
                    is_news = true;
                    let CopyLane { setup, ahead, .. } = &mut self.lanes[lane as usize];
                    if let (Queued::Packet { packet, .. }, Some(setup)) = (&queued, &*setup) {
                        bytes += packet.size();
                        if lane == Lane::Picture {
                            start.see(setup, packet);
                        }
                    }
                    start.is_over |= matches!(queued, Queued::RoundEnd) && lane == Lane::Picture;
                    ahead.push_back(queued);
                    if start.is_enough() || bytes >= MOST_LOOKED_AT_BYTES {
                        return Ok(start);
                    }
                }
            }
            if !is_news {
                match ending {
                    Some(Ending::Failed(error)) => return Err(error),
                    Some(Ending::Over) => return Ok(start),
                    None => self.demuxer.wait(seen, Instant::now() + TICK),
                }
            }
        }
    }

    fn fill(&mut self) {
        for lane in Lane::ALL {
            self.lanes[lane as usize].fill(lane, &self.demuxer);
        }
        if !self.under_way {
            let ready = self.lanes.iter().filter_map(|lane| lane.ready.as_ref());
            let Some(first_us) =
                ready.map(|ready| ready.dts_us).min_by_key(|dts_us| dts_us.unwrap_or(i64::MAX))
            else {
                return;
            };
            if !(self.live || self.is_known()) {
                return;
            }
            self.timeline.begin_round(first_us.unwrap_or(0));
            self.under_way = true;
        }
        for lane in Lane::ALL {
            if let Some(ready) = &mut self.lanes[lane as usize].ready {
                let duration_us = ready.duration_90k.rescale(TICKS, MICROSECONDS);
                ready.media_us.get_or_insert_with(|| self.timeline.place(lane, ready.dts_us, duration_us));
            }
        }
    }

    /// Whether what comes first cannot change any more.
    fn is_known(&self) -> bool {
        self.lanes.iter().all(|lane| lane.finished || lane.ready.is_some()) || self.demuxer.has_read_enough()
    }

    fn first_due(&mut self) -> Option<(Lane, Instant)> {
        if self.pacer.is_none() && !self.is_known() {
            return None;
        }
        let media_us = |lane: Lane| self.lanes[lane as usize].ready.as_ref().and_then(|ready| ready.media_us);
        let places = Lane::ALL.into_iter().filter_map(|lane| media_us(lane).map(|media_us| (lane, media_us)));
        let (lane, media_us) = places.min_by_key(|&(_, media_us)| media_us)?;
        let now = Instant::now();
        // What was looked at before has waited long enough: its time began when it came.
        let arrived = self.lanes[lane as usize].ready.as_ref().and_then(|ready| ready.arrived);
        let began = arrived.filter(|_| self.live).unwrap_or(now);
        Some((lane, self.pacer.as_mut().map_or(now, |pacer| pacer.due(media_us, began))))
    }

    fn hand_out(&mut self, lane: Lane) -> Option<Copied> {
        let ready = self.lanes[lane as usize].ready.take()?;
        let media_us = ready.media_us?;
        let captured_at = match &mut self.pacer {
            Some(pacer) => pacer.hand_out(lane, media_us, ready.arrived, Instant::now()),
            // Dates run with the film.
            None => self.opened_at + Duration::from_micros(media_us.max(0) as u64),
        };
        Some(Copied::Packet(CopiedPacket {
            medium: if lane == Lane::Picture { Medium::Video } else { Medium::Audio },
            packet: ready.packet,
            dts_90k: media_us.rescale(MICROSECONDS, TICKS),
            shown_after_90k: ready.shown_after_90k,
            duration_90k: ready.duration_90k,
            is_keyframe: ready.is_keyframe,
            captured_at,
        }))
    }

    /// Both lanes are at their end.
    fn next_round(&mut self) -> Result<Turn, SourceError> {
        // The order matters: a round that is there before the ending is seen is still to be played.
        let ending = self.demuxer.ending();
        let Some(mut round) = self.demuxer.next_round() else {
            return match ending {
                Some(Ending::Over) if self.is_pushed => Err(InputError::HungUp(self.name.clone()).into()),
                Some(Ending::Over) => Ok(Turn::Over),
                Some(Ending::Failed(error)) => Err(error.into()),
                None => Ok(Turn::Wait),
            };
        };
        if let Err(reason) = codecs_fit(&round) {
            let error = CopyError::Unfit { name: round.description, reason };
            return Err(SourceError::Lost(error.to_string()));
        }
        let head = round.sound.as_ref().map(|sound| stream_fields::head(&sound.parameters).to_vec());
        if head.is_some() && head != self.sound_head {
            warn!(
                source = round.description,
                "no sound: it is not that of the first film, which players were told of"
            );
            round.sound = None;
        }
        let is_another = self.format.description != round.description;
        self.format.description.clone_from(&round.description);
        self.enter(round);
        Ok(if is_another { Turn::Another } else { Turn::Begun })
    }
}

enum Turn {
    Begun,
    /// Another film has begun.
    Another,
    Wait,
    Over,
}

impl Source<Copied> for CopySource {
    fn format(&self) -> SourceFormat {
        self.format.clone()
    }

    fn read(&mut self, timeout: Duration) -> Result<Read<Copied>, SourceError> {
        let deadline = Instant::now() + timeout;
        loop {
            if self.demuxer.stopped() {
                return Ok(Read::Nothing);
            }
            if let Some(streams) = self.begins.take() {
                return Ok(Read::Captured(Copied::Begins(streams)));
            }
            let seen = self.demuxer.changes();
            self.fill();
            let mut wake_at = deadline;
            if let Some((lane, due)) = self.first_due() {
                if due <= Instant::now() {
                    return Ok(self.hand_out(lane).map_or(Read::Nothing, Read::Captured));
                }
                wake_at = wake_at.min(due);
            } else if self.lanes.iter().all(|lane| lane.finished && lane.ready.is_none()) {
                match self.next_round()? {
                    Turn::Begun => continue,
                    Turn::Another => return Ok(Read::Here(self.format.description.clone())),
                    Turn::Over => return Ok(Read::End),
                    Turn::Wait => {}
                }
            }
            if Instant::now() >= deadline {
                return Ok(Read::Nothing);
            }
            self.demuxer.wait(seen, wake_at);
        }
    }
}

/// What the start of a stream shows.
#[derive(Debug, Default)]
struct Start {
    segment_90k: i64,
    live: bool,
    first_90k: Option<i64>,
    last_90k: i64,
    keyframe_90k: Option<i64>,
    intervals: u32,
    longest_90k: i64,
    picture_90k: i64,
    is_reordered: bool,
    is_over: bool,
}

impl Start {
    fn see(&mut self, setup: &LaneSetup, packet: &Packet) {
        let Some(dts) = packet.dts().or(packet.pts()) else { return };
        let dts_90k = setup.ticks(dts);
        self.is_reordered |=
            packet.pts().is_some_and(|pts| setup.ticks(pts.saturating_sub(dts)) >= setup.piece_90k);
        self.picture_90k = setup.duration_90k(packet);
        let is_idr =
            setup.storage.as_ref().zip(packet.data()).is_some_and(|(it, stored)| it.look(stored).is_idr);
        self.see_picture(dts_90k, is_idr);
    }

    fn see_picture(&mut self, dts_90k: i64, is_idr: bool) {
        let first_90k = *self.first_90k.get_or_insert(dts_90k);
        // A jump tells nothing.
        if dts_90k < self.last_90k || dts_90k.saturating_sub(self.last_90k) > LOOK_AHEAD_90K {
            self.keyframe_90k = None;
        }
        self.last_90k = dts_90k;
        if is_idr {
            if let Some(before_90k) = self.keyframe_90k.replace(dts_90k) {
                self.longest_90k = self.longest_90k.max(dts_90k - before_90k);
                self.intervals += 1;
            }
        } else {
            let since_90k = self.keyframe_90k.unwrap_or(first_90k);
            self.longest_90k = self.longest_90k.max(dts_90k.saturating_sub(since_90k) + self.picture_90k);
        }
    }

    fn limit_90k(&self) -> i64 {
        longest_copied_90k(self.segment_90k)
    }

    fn is_enough(&self) -> bool {
        let looked_at_90k = self.last_90k.saturating_sub(self.first_90k.unwrap_or(self.last_90k));
        // A live source is not made later for the sake of a better answer.
        let enough = if self.live { 1 } else { ENOUGH_INTERVALS };
        self.is_over
            || self.intervals >= enough
            || looked_at_90k >= LOOK_AHEAD_90K
            || (self.live && self.longest_90k > self.limit_90k())
    }

    fn judge(&self, settings: &CopySettings) -> Result<CopiedFormat, Unfit> {
        if self.longest_90k > self.limit_90k() || self.keyframe_90k.is_none() {
            let seconds = |ticks_90k: i64| format!("{}", (ticks_90k as f64 / 900.0).round() / 100.0);
            return Err(Unfit::Keyframes {
                at_least: if self.intervals == 0 { "at least " } else { "" },
                found_s: seconds(self.longest_90k),
                asked_s: seconds(self.segment_90k),
            });
        }
        if settings.low_latency && self.is_reordered {
            return Err(Unfit::Reordered);
        }
        Ok(CopiedFormat { keyframes_90k: self.longest_90k.max(1), picture_90k: self.picture_90k.max(1) })
    }
}
