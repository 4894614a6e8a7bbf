//! Lane: one of the two streams, and its packets in the form that MPEG-TS has them in.
//!
//! In: packets as the demuxer has them. Out: the next one, ready: frames with start codes and parameter sets, sound with its
//! header, times as the container says. A frame is copied once on the way, when its start codes are put in.

use super::container_says::to_put_into_sets;
use super::outliers::{Outliers, Times};
use super::picture_pace::COARSEST_90K;
use super::set_filter::SetFilter;
use super::{Hint, Unfit};
use crate::encode::sound::FRAME_90K as SOUND_FRAME_90K;
use crate::packet::TICKS;
use crate::source::input::adts::{self, Adts, HEADER_BYTES};
use crate::source::input::annex_b::{Picture, Storage};
use crate::source::input::decode::{MICROSECONDS, StreamSetup};
use crate::source::input::demux::{Demuxer, Queued};
use crate::source::input::error::reason;
use crate::source::input::pace::timeline::{Beside, Lane};
use crate::source::input::stream_fields;
use ffmpeg_next::{Packet, Rational, Rescale, codec};
use livedir_time::ticks::of_pictures;
use std::collections::VecDeque;
use std::time::Instant;
use tracing::warn;

/// What a frame lasts when nothing says it.
const GUESSED_PICTURE_90K: i64 = of_pictures(1, 25) as i64;

/// So many frames of AAC with one timestamp are half a second.
const MOST_SOUNDS_OFF: usize = 24;

/// One of the two streams.
pub(crate) struct CopyLane {
    /// `None`: what the lane brings is thrown away.
    pub(crate) setup: Option<LaneSetup>,
    /// What was taken from the demuxer and not handed out yet.
    pub(crate) ahead: VecDeque<Queued>,
    pub(crate) ready: Option<ReadyPacket>,
    outliers: Outliers<Queued>,
    /// Where what the demuxer gives stands for a moment.
    taken: VecDeque<Queued>,
    /// The source has shown that it does not deliver in real time.
    pub(crate) runs_ahead: bool,
    pub(crate) finished: bool,
}

/// How the packets of a stream are to be read.
pub(crate) struct LaneSetup {
    time_base: Rational,
    form: Form,
    piece_90k: i64,
    /// Packets that held nothing whole, since the last one that did.
    dropped: u64,
}

/// How packets are stored.
enum Form {
    H264 {
        storage: Storage,
        /// Where the container says more than the parameter sets; and how the filter stores frames.
        filter: Option<(SetFilter, Storage)>,
    },
    Aac(Adts),
    /// AAC without a head: each packet has a header, or cannot be decoded before a head comes.
    WithHeader,
    /// In a way that the muxer knows of.
    AsItIs,
}

/// The next packet of a lane.
pub(crate) struct ReadyPacket {
    pub(crate) packet: Packet,
    pub(crate) is_keyframe: bool,
    pub(crate) hint: Hint,
    /// Places that are damaged or missing: this packet, or those before it.
    pub(crate) losses: u64,
    pub(crate) dts_us: Option<i64>,
    pub(crate) shown_after_90k: i64,
    pub(crate) duration_90k: i64,
    /// Its place on the timeline; nothing until the round is under way.
    pub(crate) media_us: Option<i64>,
    pub(crate) arrived: Option<Instant>,
    /// What had been read of the other lane when it came.
    pub(crate) beside: Beside,
}

impl LaneSetup {
    /// Or why its frames cannot be copied.
    pub(crate) fn of_picture(setup: &StreamSetup) -> Result<Self, Unfit> {
        let rate = setup.frame_rate;
        let mut storage = Storage::of_head(stream_fields::head(&setup.parameters));
        let mut filter = None;
        if let Some(options) = to_put_into_sets(setup)? {
            let opened = SetFilter::open(&setup.parameters, setup.time_base, &options);
            let (opened, head) = opened.map_err(|error| Unfit::Sets(reason(error)))?;
            storage = storage.with_sets_of(&head);
            filter = Some((opened, Storage::of_head(&head)));
        }
        Ok(LaneSetup {
            time_base: setup.time_base,
            form: Form::H264 { storage, filter },
            piece_90k: rate.map_or(GUESSED_PICTURE_90K, |rate| 1.rescale(rate.invert(), TICKS)).max(1),
            dropped: 0,
        })
    }

    pub(crate) fn of_sound(setup: &StreamSetup) -> Self {
        let adts = Adts::of_head(stream_fields::head(&setup.parameters));
        LaneSetup {
            time_base: setup.time_base,
            form: match adts {
                Some(adts) => Form::Aac(adts),
                None if stream_fields::head(&setup.parameters).is_empty() => Form::WithHeader,
                None => Form::AsItIs,
            },
            piece_90k: SOUND_FRAME_90K,
            dropped: 0,
        }
    }

    /// Whether sound with this head brings all that players need with each packet: with none, it has headers already.
    pub(crate) fn has_own_headers(head: &[u8]) -> bool {
        head.is_empty() || Adts::of_head(head).is_some()
    }

    /// Whether the head of the stream has what decoders of its frames are set up with.
    pub(crate) fn has_parameter_sets(&self) -> bool {
        match &self.form {
            Form::H264 { storage, .. } => !storage.parameter_sets().is_empty(),
            Form::Aac(_) | Form::WithHeader | Form::AsItIs => true,
        }
    }

    /// In units of its timestamps.
    fn second(&self) -> i64 {
        1.rescale(Rational(1, 1), self.time_base)
    }

    pub(crate) fn ticks(&self, value: i64) -> i64 {
        value.rescale(self.time_base, TICKS)
    }

    /// How long a packet is shown or heard.
    pub(crate) fn duration_90k(&self, packet: &Packet) -> i64 {
        match self.ticks(packet.duration()) {
            duration_90k if duration_90k > 0 => duration_90k,
            _ => self.piece_90k,
        }
    }

    /// The same, as the container says it of all: its times may be rounded, those of RTMP are to milliseconds.
    pub(crate) fn usual_90k(&self, packet: &Packet) -> i64 {
        let duration_90k = self.duration_90k(packet);
        if duration_90k.abs_diff(self.piece_90k) <= COARSEST_90K { self.piece_90k } else { duration_90k }
    }

    /// What kind of frame it is. Each frame of sound can be decoded by itself.
    pub(crate) fn look(&self, packet: &Packet) -> Picture {
        match (&self.form, packet.data()) {
            (Form::H264 { storage, .. }, Some(stored)) => storage.look(stored),
            (Form::H264 { .. }, None) => Picture::default(),
            (Form::Aac(_) | Form::WithHeader | Form::AsItIs, _) => Picture::whole(),
        }
    }

    /// Nothing for a packet that holds nothing.
    fn ready(&mut self, packet: Packet, arrived: Option<Instant>, beside: Beside) -> Option<ReadyPacket> {
        let is_sound = !matches!(self.form, Form::H264 { .. });
        let time_base = self.time_base;
        let to_us = |value: i64| value.rescale(time_base, MICROSECONDS);
        let (dts, pts) = (packet.dts().or(packet.pts()), packet.pts().or(packet.dts()));
        let duration_90k = self.duration_90k(&packet);
        let seen = self.look(&packet);
        let is_damaged = packet.is_corrupt() || seen.is_malformed;
        let Some((mut packet, is_keyframe)) = self.form.written(packet) else {
            self.dropped += u64::from(is_damaged);
            return None;
        };
        let losses = std::mem::take(&mut self.dropped) + u64::from(is_damaged);
        let hint = if losses > 0 {
            Hint::Loss
        } else if seen.is_open_keyframe {
            Hint::OpenKeyframe
        } else {
            Hint::None
        };
        let is_idr = is_keyframe && !is_sound;
        packet.set_flags(if is_idr { codec::packet::Flags::KEY } else { codec::packet::Flags::empty() });
        Some(ReadyPacket {
            packet,
            is_keyframe,
            hint,
            losses,
            dts_us: dts.map(to_us),
            shown_after_90k: dts.zip(pts).map_or(0, |(dts, pts)| self.ticks(pts.saturating_sub(dts))).max(0),
            duration_90k,
            media_us: None,
            arrived,
            beside,
        })
    }
}

impl Form {
    /// The packet as MPEG-TS has it, and whether decoding can begin with it.
    fn written(&mut self, mut packet: Packet) -> Option<(Packet, bool)> {
        packet.data().filter(|stored| !stored.is_empty())?;
        match self {
            Form::H264 { storage, filter } => {
                let (mut storage, mut picture) = (&*storage, storage.look(packet.data()?));
                if let Some((filter, filtered)) = filter.as_mut().filter(|_| picture.has_parameter_sets)
                    && let Some(changed) = filter.put_into(&packet)
                {
                    (storage, packet) = (filtered, changed);
                    picture = storage.look(packet.data()?);
                }
                let stored = packet.data()?;
                if storage.is_ready(picture, stored) {
                    return Some((packet, picture.is_idr));
                }
                let bytes = Some(storage.size(picture, stored)).filter(|&bytes| bytes > 0)?;
                let mut written = Packet::new(bytes);
                storage.write(picture, stored, written.data_mut()?);
                Some((written, picture.is_idr))
            }
            Form::Aac(_) if adts::has_header(packet.data()?) => Some((packet, true)),
            Form::Aac(adts) => {
                let stored = packet.data()?;
                let mut written = Packet::new(HEADER_BYTES + stored.len());
                let (header, payload) = written.data_mut()?.split_first_chunk_mut()?;
                *header = adts.header(stored.len())?;
                payload.copy_from_slice(stored);
                Some((written, true))
            }
            Form::WithHeader => adts::has_header(packet.data()?).then_some((packet, true)),
            Form::AsItIs => Some((packet, true)),
        }
    }
}

impl CopyLane {
    pub(crate) fn new(setup: Option<LaneSetup>) -> Self {
        let is_sound = setup.as_ref().is_some_and(|setup| !matches!(setup.form, Form::H264 { .. }));
        CopyLane {
            setup,
            ahead: VecDeque::new(),
            ready: None,
            outliers: Outliers::new(if is_sound { MOST_SOUNDS_OFF } else { 1 }),
            taken: VecDeque::new(),
            runs_ahead: false,
            finished: false,
        }
    }

    /// Takes from the demuxer, behind what is there already. A single timestamp that is off is put right on the way.
    pub(crate) fn admit(&mut self, queued: Queued) {
        let second = self.setup.as_ref().map_or(1, LaneSetup::second);
        let mut put = |times: Times, mut queued: Queued| {
            if let Queued::Packet { packet, .. } = &mut queued {
                packet.set_dts(times.dts);
                packet.set_pts(times.pts);
            }
            self.ahead.push_back(queued);
        };
        if let Queued::Packet { packet, .. } = &queued {
            let times = Times { dts: packet.dts(), pts: packet.pts() };
            self.outliers.push(times, second, queued, put);
        } else {
            self.outliers.finish(second, &mut put);
            self.ahead.push_back(queued);
        }
    }

    /// Makes the next packet ready, if there is one.
    pub(crate) fn fill(&mut self, lane: Lane, demuxer: &Demuxer) {
        while self.ready.is_none() && !self.finished {
            if self.ahead.is_empty() {
                let mut taken = std::mem::take(&mut self.taken);
                demuxer.take(lane, &mut taken);
                taken.drain(..).for_each(|queued| self.admit(queued));
                self.taken = taken;
            }
            match self.ahead.pop_front() {
                None => return,
                Some(Queued::RoundEnd) => self.finished = true,
                Some(Queued::RunsAhead) => self.runs_ahead = true,
                Some(Queued::Setup(setup)) => self.set_up(lane, &setup),
                Some(Queued::Packet { packet, arrived, beside }) => {
                    self.ready = self.setup.as_mut().and_then(|setup| setup.ready(packet, arrived, beside));
                }
            }
        }
    }

    /// The head of a stream came late, or another one came. Sound that was not there at the start has no place in the segments.
    fn set_up(&mut self, lane: Lane, setup: &StreamSetup) {
        let Some(known) = &mut self.setup else { return };
        match lane {
            Lane::Sound => *known = LaneSetup::of_sound(setup),
            Lane::Picture => match LaneSetup::of_picture(setup) {
                Ok(next) => *known = next,
                Err(reason) => warn!(%reason, "the stream goes on in a way that cannot be copied"),
            },
        }
    }

    /// Nothing of this round is left.
    pub(crate) fn is_over(&self) -> bool {
        self.finished && self.ready.is_none()
    }
}
