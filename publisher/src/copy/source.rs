//! Source: both lanes in one line, on one timeline, when they are due.
//!
//! In: the demuxer's rounds and packets. Out: [`Copied`] packets. A film or client that follows is announced between them.

use super::copier::CopyLengths;
use super::damage::Damage;
use super::fit::{First, codecs_fit, format_of};
use super::lane::{CopyLane, LaneSetup};
use super::look_ahead::look_ahead;
use super::suitability::Start;
use super::{Copied, CopiedPacket, CopiedStream, CopyError, CopySettings, Unfit};
use crate::captured::{CopiedFormat, Shows, SourceFormat};
use crate::packet::TICKS;
use crate::source::input::decode::{MICROSECONDS, StreamSetup};
use crate::source::input::demux::{Demuxer, Ending, Round};
use crate::source::input::error::InputError;
use crate::source::input::pace::pacing::{Due, Pacer};
use crate::source::input::pace::timeline::{Lane, Timeline, Unplaced};
use crate::source::{Read, Source, SourceError};
use ffmpeg_next::Rescale;
use livedir_media::Medium;
use std::time::{Duration, Instant};
use tracing::warn;

/// Handed out together where nothing is waited for: to wake the next thread costs more than to pack a packet.
const MOST_AT_ONCE: usize = 256;

/// An open source whose packets are copied.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct CopySource {
    name: String,
    settings: CopySettings,
    demuxer: Demuxer,
    lanes: [CopyLane; 2],
    begins: Option<Vec<CopiedStream>>,
    first: First,
    timeline: Timeline,
    /// `None`: as fast as it is taken.
    pacer: Option<Pacer>,
    opened_at: Instant,
    under_way: bool,
    live: bool,
    /// Its place stays open when it is over.
    is_pushed: bool,
    format: SourceFormat,
    damage: Damage,
    /// What follows is to be encoded.
    has_ended: bool,
}

impl CopySource {
    /// Of a round that has just begun; looks at its start.
    pub(crate) fn begin(
        settings: &CopySettings,
        name: &str,
        is_pushed: bool,
        demuxer: Demuxer,
        mut round: Round,
    ) -> Result<Self, CopyError> {
        if settings.silent {
            round.sound = None;
        }
        let unfit = |reason| CopyError::Unfit { name: name.to_owned(), reason };
        codecs_fit(&round).map_err(unfit)?;
        if round.picture_may_come {
            return Err(unfit(Unfit::MayShow));
        }
        let stated_bps = round.bps;
        let at_once_s = if settings.fast { round.length_s } else { 0 };
        let mut source = CopySource {
            name: name.to_owned(),
            settings: settings.clone(),
            demuxer,
            lanes: [CopyLane::new(None), CopyLane::new(None)],
            begins: None,
            first: First::of(&round),
            timeline: Timeline::default(),
            pacer: (!settings.fast).then(|| Pacer::new(round.live && !round.in_bursts)),
            opened_at: Instant::now(),
            under_way: false,
            live: round.live,
            is_pushed,
            format: format_of(&round),
            damage: Damage::default(),
            has_ended: false,
        };
        source.enter(round).map_err(unfit)?;
        let start = look_ahead(source.start(), &mut source.lanes, &source.demuxer, name)?;
        if source.settings.input.address.is_sent() && !start.has_come() {
            return Err(InputError::nothing_came(&source.settings.input.address, is_pushed).into());
        }
        let judged = start.judge(stated_bps);
        let scrambled = source.demuxer.scrambled();
        let copied = judged.map_err(|reason| unfit(reason.where_scrambled(scrambled)))?;
        source.format.copied = Some(CopiedFormat { at_once_s, ..copied });
        Ok(source)
    }

    /// Nothing of it is known as yet.
    fn start(&self) -> Start {
        let leading = if self.format.shows == Shows::Pictures { Lane::Picture } else { Lane::Sound };
        Start::new(self.settings.segment_90k, self.live, leading)
    }

    fn enter(&mut self, round: Round) -> Result<(), Unfit> {
        let of_picture = round.picture.as_ref().map(LaneSetup::of_picture).transpose()?;
        let lanes = [of_picture, round.sound.as_ref().map(LaneSetup::of_sound)];
        let of = |setup: Option<StreamSetup>, medium| {
            setup.map(|setup| CopiedStream { medium, parameters: setup.parameters })
        };
        let streams = [of(round.picture, Medium::Video), of(round.sound, Medium::Audio)];
        let streams = streams.into_iter().flatten().collect();
        self.lanes = lanes.map(CopyLane::new);
        self.begins = Some(streams);
        self.under_way = false;
        Ok(())
    }

    fn fill(&mut self) {
        for lane in Lane::ALL {
            self.lanes[lane as usize].fill(lane, &self.demuxer);
            if std::mem::take(&mut self.lanes[lane as usize].runs_ahead) && self.pacer.is_some() {
                self.pacer = Some(Pacer::new(false));
            }
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
        let in_real_time = self.pacer.as_ref().is_some_and(Pacer::is_live);
        for lane in Lane::ALL {
            if let Some(ready) = &mut self.lanes[lane as usize].ready {
                let arrived = ready.arrived.filter(|_| in_real_time);
                let duration_us = ready.duration_90k.rescale(TICKS, MICROSECONDS);
                let piece = Unplaced { pts_us: ready.dts_us, duration_us, arrived, beside: ready.beside };
                ready.media_us.get_or_insert_with(|| self.timeline.place(lane, piece));
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

    /// What is due now, the first of it in `lane`: in real time that one packet.
    fn hand_out_all(&mut self, mut lane: Lane) -> Vec<CopiedPacket> {
        let mut packets = Vec::new();
        loop {
            packets.extend(self.hand_out(lane));
            if self.pacer.is_some() || packets.len() >= MOST_AT_ONCE {
                return packets;
            }
            self.fill();
            match self.first_due() {
                Some((next, _)) => lane = next,
                None => return packets,
            }
        }
    }

    fn hand_out(&mut self, lane: Lane) -> Option<CopiedPacket> {
        let ready = self.lanes[lane as usize].ready.take()?;
        let media_us = ready.media_us?;
        self.damage.note(ready.losses, Instant::now());
        let due = match &mut self.pacer {
            Some(pacer) => pacer.hand_out(lane, media_us, ready.arrived, Instant::now()),
            // Dates run with the film.
            None => Due { at: self.opened_at + Duration::from_micros(media_us.max(0) as u64), stretch: 0.0 },
        };
        Some(CopiedPacket {
            medium: if lane == Lane::Picture { Medium::Video } else { Medium::Audio },
            packet: ready.packet,
            dts_90k: media_us.rescale(MICROSECONDS, TICKS),
            shown_after_90k: ready.shown_after_90k,
            duration_90k: ready.duration_90k,
            is_keyframe: ready.is_keyframe,
            hint: ready.hint,
            captured_at: due.at,
            stretch: due.stretch,
        })
    }

    /// Says what is damaged or missing, in one line for all of it.
    fn tell_damage(&mut self, is_over: bool) {
        let Some(places) = self.damage.due(Instant::now(), is_over) else { return };
        let scrambled_packets = self.demuxer.scrambled();
        warn!(
            source = self.name,
            places,
            scrambled_packets,
            "some of the source is damaged, missing or scrambled, and is copied as it is: players may show broken pictures there"
        );
    }

    /// Both lanes are at their end.
    fn next_round(&mut self) -> Result<Turn, SourceError> {
        // The order matters: a round that is there before the ending is seen is still to be played.
        let ending = self.demuxer.ending();
        let next = self.demuxer.next_round();
        self.tell_damage(next.is_some() || ending.is_some());
        let Some(mut round) = next else {
            return match ending {
                Some(Ending::Over) if self.is_pushed => Err(InputError::HungUp(self.name.clone()).into()),
                Some(Ending::Over) => Ok(Turn::Over),
                Some(Ending::Failed(error)) => Err(error.into()),
                None => Ok(Turn::Wait),
            };
        };
        if self.settings.silent {
            round.sound = None;
        }
        let (description, film) = (round.description.clone(), round.of_list);
        match self.enter_next(round) {
            Ok(()) => {}
            Err(CopyError::Input(error)) => return Err(error.into()),
            Err(error) => return self.pass_over(error, film),
        }
        let is_another = self.format.description != description;
        self.format.description = description;
        Ok(if is_another { Turn::Another } else { Turn::Begun })
    }

    /// A round that follows another one. Where what cannot be copied is encoded, no sound of a film is left out, and its keyframes have to fit
    /// into segments as long as those before.
    fn enter_next(&mut self, mut round: Round) -> Result<(), CopyError> {
        let is_all_wanted = self.settings.falls_back && round.of_list.is_some();
        let name = round.description.clone();
        let unfit = |reason| CopyError::Unfit { name: name.clone(), reason };
        self.first.admit(&mut round, !is_all_wanted).map_err(unfit)?;
        let is_looked_at = is_all_wanted && (round.picture.is_some() || round.sound.is_some());
        self.enter(round).map_err(unfit)?;
        if let Some(first) = self.format.copied.filter(|_| is_looked_at) {
            let lengths = CopyLengths::new(self.settings.segment_90k, first.keyframes_90k);
            let start = self.start().limited_to(lengths.promise_90k());
            let judged = look_ahead(start, &mut self.lanes, &self.demuxer, &name)?.judge(0);
            judged.map_err(|reason| unfit(reason.where_scrambled(self.demuxer.scrambled())))?;
        }
        Ok(())
    }

    /// A round that cannot be copied: a film of a list is encoded, or left out.
    fn pass_over(&mut self, error: CopyError, film: Option<usize>) -> Result<Turn, SourceError> {
        match film {
            None => Err(SourceError::Lost(error.to_string())),
            Some(film) if self.settings.falls_back => {
                self.has_ended = true;
                Ok(Turn::Ends { error, film })
            }
            Some(_) => {
                warn!(%error, "left out");
                self.lanes = [CopyLane::new(None), CopyLane::new(None)];
                self.under_way = false;
                Ok(Turn::Begun)
            }
        }
    }
}

enum Turn {
    Begun,
    /// Another film has begun.
    Another,
    Wait,
    Over,
    /// This film is to be encoded, and all behind it.
    Ends {
        error: CopyError,
        film: usize,
    },
}

impl Source<Copied> for CopySource {
    fn format(&self) -> SourceFormat {
        self.format.clone()
    }

    fn read(&mut self, timeout: Duration) -> Result<Read<Copied>, SourceError> {
        let deadline = Instant::now() + timeout;
        if self.has_ended {
            return Ok(Read::End);
        }
        loop {
            if self.demuxer.stopped() {
                return Ok(Read::Nothing);
            }
            if let Some(streams) = self.begins.take() {
                return Ok(Read::Captured(Copied::Begins(streams)));
            }
            self.tell_damage(false);
            let seen = self.demuxer.changes();
            self.fill();
            let mut wake_at = deadline;
            if let Some((lane, due)) = self.first_due() {
                if due <= Instant::now() {
                    return Ok(Read::Captured(Copied::Packets(self.hand_out_all(lane))));
                }
                wake_at = wake_at.min(due);
            } else if self.lanes.iter().all(CopyLane::is_over) {
                match self.next_round()? {
                    Turn::Begun => continue,
                    Turn::Another => return Ok(Read::Here(self.format.description.clone())),
                    Turn::Over => return Ok(Read::End),
                    Turn::Ends { error, film } => {
                        return Ok(Read::Captured(Copied::Ends { error, film }));
                    }
                    Turn::Wait => {}
                }
            }
            if Instant::now() >= deadline {
                return Ok(Read::Nothing);
            }
            match self.pacer {
                Some(_) => self.demuxer.wait(seen, wake_at),
                None => self.demuxer.wait_for_plenty(seen, wake_at),
            }
        }
    }
}
