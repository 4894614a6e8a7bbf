//! Entry: the packets of a round on their way into the queue.
//!
//! In: packets as libav read them. Out: the round, and behind it its packets, all with times. A source without timestamps shows by its
//! first packets whether it delivers in real time: they are held for a moment, as the round says how it is to be played. The time base
//! of such a source is a microsecond.

use super::packet_queue::Extent;
use super::untimed::UntimedClock;
use super::{Queued, Round, Shared};
use crate::source::input::decode::{MICROSECONDS, StreamSetup};
use crate::source::input::pace::timeline::{Beside, Lane};
use ffmpeg_next::{Packet, Rational, Rescale};
use std::time::{Duration, Instant};
use tracing::info;

/// The first packets are held until one comes this long after the first,
const HELD: Duration = Duration::from_millis(300);
/// or until they take more than this.
const MOST_BYTES_HELD: usize = 32 << 20;

/// The packets of one round.
pub(crate) struct Entry<'a> {
    shared: &'a Shared,
    /// `None` once it is in the queue.
    round: Option<Round>,
    /// Of a source without timestamps.
    untimed: Option<UntimedClock>,
    /// There is one lane, and its holes are none of its timestamps.
    is_alone: bool,
    held: Vec<Held>,
    held_bytes: usize,
}

struct Held {
    lane: Lane,
    packet: Packet,
    time_base: Rational,
    came_at: Instant,
    waited: bool,
}

impl<'a> Entry<'a> {
    /// A round begins.
    pub(crate) fn new(shared: &'a Shared, round: Round, untimed: Option<UntimedClock>) -> Self {
        let is_alone = round.keeps_holes && (round.sound.is_none() || round.picture.is_none());
        let round = Some(round);
        let mut entry = Entry { shared, round, untimed, is_alone, held: Vec::new(), held_bytes: 0 };
        if !entry.untimed.as_ref().is_some_and(UntimedClock::is_live) {
            entry.open();
        }
        entry
    }

    /// A packet was read; `waited`: the source was kept waiting before it.
    pub(crate) fn push(&mut self, lane: Lane, packet: Packet, time_base: Rational, waited: bool) {
        let held = Held { lane, packet, time_base, came_at: Instant::now(), waited };
        let turns = self.untimed.as_mut().is_some_and(|untimed| untimed.note(held.came_at));
        if self.round.is_none() {
            if turns {
                self.shared.push(lane, Queued::RunsAhead, Extent::default());
                self.tell();
            }
            return self.pass_on(held);
        }
        let first_came_at = self.held.first().map_or(held.came_at, |first| first.came_at);
        let is_enough = held.came_at.duration_since(first_came_at) >= HELD;
        self.held_bytes += held.packet.size();
        self.held.push(held);
        if turns || is_enough || self.held_bytes >= MOST_BYTES_HELD {
            self.open();
        }
    }

    /// The packets of a lane that follow are to be decoded so.
    pub(crate) fn set_up(&mut self, lane: Lane, setup: StreamSetup) {
        self.open();
        self.shared.change(|queue| {
            queue.packets.set_in_use(lane, true);
            queue.packets.push(lane, Queued::Setup(Box::new(setup)), Extent::default());
        });
    }

    /// No packet follows.
    pub(crate) fn finish(mut self) {
        self.open();
        for lane in Lane::ALL {
            self.shared.push(lane, Queued::RoundEnd, Extent::default());
        }
    }

    /// The round goes into the queue, and what was held behind it.
    fn open(&mut self) {
        let Some(mut round) = self.round.take() else { return };
        if let Some(untimed) = &self.untimed {
            round.live = untimed.is_live();
            self.tell();
        }
        self.shared.change(|queue| {
            queue.packets.set_in_use(Lane::Picture, round.picture.is_some());
            queue.packets.set_in_use(Lane::Sound, round.sound.is_some());
            queue.rounds.push_back(round);
        });
        for held in std::mem::take(&mut self.held) {
            self.pass_on(held);
        }
    }

    fn pass_on(&mut self, held: Held) {
        let Held { lane, mut packet, time_base, came_at, waited } = held;
        if let Some(untimed) = &mut self.untimed {
            let (at_us, duration_us) = untimed.place(came_at);
            packet.set_dts(Some(at_us));
            packet.set_pts(None);
            packet.set_duration(duration_us);
        }
        let to_us = |value: i64| value.rescale(time_base, MICROSECONDS);
        let extent = Extent {
            bytes: packet.size(),
            dts_us: packet.dts().map(to_us),
            duration_us: to_us(packet.duration()),
        };
        let arrived = (!waited).then_some(came_at);
        let beside = if self.is_alone { Beside::Alone } else { Beside::Unknown };
        self.shared.push(lane, Queued::Packet { packet, arrived, beside }, extent);
    }

    fn tell(&self) {
        let Some(untimed) = &self.untimed else { return };
        if untimed.is_live() {
            info!("the source has no timestamps: frames are shown as they arrive");
        } else {
            info!("the source has no timestamps: it is played at {}", untimed.rate());
        }
    }
}
