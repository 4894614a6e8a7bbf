//! Rehearsal: the code under test, from packet queue to grid, by a clock that is told the time.
//!
//! In: video frames and runs of samples as they arrive. Out: what is shown at each grid time and what is heard where, to a [`Judge`].
//! Timeline, pacer, packet queue, frame clock and sound clock are those of the program; what is written anew here is what stands around them and
//! waits: the reader, the loop of [`crate::source::input::Input`] and that of the grid.

use super::judge::{Heard, Judge, ShownPicture};
use super::random::Random;
use super::world::{Plan, Sent, World};
use crate::encode::sound::clock::SoundClock;
use crate::encode::sound::drift::steer;
use crate::grid::frame_clock::{FrameClock, Placement};
use crate::source::input::demux::packet_queue::{Extent, PacketQueue};
use crate::source::input::pace::pacing::Pacer;
use crate::source::input::pace::timeline::{Lane, Timeline, Unplaced};
use std::iter::Peekable;
use std::ops::Range;
use std::time::{Duration, Instant};

const RATE_HZ: u32 = 48_000;
/// A thread that is woken is there within this.
const WAKES_WITHIN_S: f64 = 0.003;
const BYTES: usize = 1000;

struct Held {
    sent: Sent,
    arrived: Option<Instant>,
}

struct Ready {
    held: Held,
    media_us: i64,
}

struct Connection {
    queue: PacketQueue<Held>,
    timeline: Timeline,
    pacer: Pacer,
    under_way: bool,
    ready: [Option<Ready>; 2],
    has_waited: bool,
}

impl Connection {
    fn new() -> Self {
        Connection {
            queue: PacketQueue::new(),
            timeline: Timeline::default(),
            pacer: Pacer::new(true),
            under_way: false,
            ready: [None, None],
            has_waited: false,
        }
    }

    fn fill(&mut self) {
        let mut fresh = [None, None];
        for lane in Lane::ALL {
            if self.ready[lane as usize].is_none() {
                fresh[lane as usize] = self.queue.pop(lane);
            }
        }
        if !self.under_way {
            let first = fresh.iter().flatten().map(|held| held.sent.pts_us).min();
            let Some(first_us) = first else { return };
            self.timeline.begin_round(first_us);
            self.under_way = true;
        }
        for lane in Lane::ALL {
            if let Some(held) = fresh[lane as usize].take() {
                let Sent { pts_us, duration_us, .. } = held.sent;
                let pts_us = Some(pts_us);
                let piece = Unplaced { pts_us, duration_us, arrived: held.arrived, ..Unplaced::default() };
                let media_us = self.timeline.place(lane, piece);
                self.ready[lane as usize] = Some(Ready { held, media_us });
            }
        }
    }

    fn first_due(&mut self, now: Instant) -> Option<(Lane, i64, Instant)> {
        let media_us = |lane: Lane| self.ready[lane as usize].as_ref().map(|ready| ready.media_us);
        let places = Lane::ALL.into_iter().filter_map(|lane| media_us(lane).map(|media_us| (lane, media_us)));
        let (lane, media_us) = places.min_by_key(|&(_, media_us)| media_us)?;
        Some((lane, media_us, self.pacer.due(media_us, now)))
    }
}

/// Packet queue, timeline, pacer and grid under simulated time.
pub(crate) struct Rehearsal<J> {
    base: Instant,
    arrivals: Peekable<World>,
    wakes: Random,
    grid_fps: u32,
    run_samples_out: f64,
    connection: Connection,
    number: u32,
    line: Option<Line>,
    judge: J,
}

struct Line {
    origin: Instant,
    frames: FrameClock,
    sound: SoundClock,
    /// Samples that the resampler holds back, as it gives whole ones only.
    owed: f64,
    /// Where the line of sound ends.
    samples: u64,
}

impl<J: Judge> Rehearsal<J> {
    pub(crate) fn new(plan: &Plan, seed: u64, judge: J) -> Self {
        Rehearsal {
            // Far from the machine's start, so that the past can be named.
            base: Instant::now() + Duration::from_secs(1_000_000),
            arrivals: World::new(plan.clone(), seed).peekable(),
            wakes: Random::new(seed ^ 0x3a1e),
            grid_fps: plan.grid_fps,
            run_samples_out: plan.run_s() * f64::from(RATE_HZ),
            connection: Connection::new(),
            number: 0,
            line: None,
            judge,
        }
    }

    fn seconds(&self, moment: Instant) -> f64 {
        match moment.checked_duration_since(self.base) {
            Some(after) => after.as_secs_f64(),
            None => -(self.base - moment).as_secs_f64(),
        }
    }

    /// Plays the world to its end.
    pub(crate) fn play(mut self) -> J {
        let mut now = self.base;
        while let Some(wake_at) = self.next_wake() {
            now = now.max(wake_at) + Duration::from_secs_f64(self.wakes.within(0.0..WAKES_WITHIN_S));
            self.read(now);
            self.hand_out(now);
            self.fill_overdue(now);
        }
        self.judge
    }

    fn next_wake(&mut self) -> Option<Instant> {
        let is_full = self.connection.queue.is_full();
        let arrives = self.arrivals.peek().map(|sent| self.base + Duration::from_secs_f64(sent.arrives_s))?;
        let due = self.connection.first_due(arrives).map(|(_, _, due)| due);
        let overdue = self.line.as_ref().map(|line| line.frames.next_overdue());
        let wakes = [(!is_full).then_some(arrives), due, overdue];
        wakes.into_iter().flatten().min()
    }

    fn read(&mut self, now: Instant) {
        loop {
            if self.connection.queue.is_full() {
                self.connection.has_waited = true;
                return;
            }
            let arrived_s = self.seconds(now);
            let Some(sent) = self.arrivals.next_if(|sent| sent.arrives_s <= arrived_s) else { return };
            if sent.connection != self.number {
                self.number = sent.connection;
                self.connection = Connection::new();
            }
            let arrived = (!std::mem::take(&mut self.connection.has_waited)).then_some(now);
            let extent = Extent { bytes: BYTES, dts_us: Some(sent.pts_us), duration_us: sent.duration_us };
            self.connection.queue.push(sent.lane, Held { sent, arrived }, extent);
        }
    }

    fn hand_out(&mut self, now: Instant) {
        loop {
            self.connection.fill();
            let Some((lane, media_us, due)) = self.connection.first_due(now) else { return };
            if due > now {
                return;
            }
            let Some(ready) = self.connection.ready[lane as usize].take() else { return };
            let due = self.connection.pacer.hand_out(lane, media_us, ready.held.arrived, now);
            self.capture(ready.held.sent, due.at, due.stretch, now);
        }
    }

    fn capture(&mut self, sent: Sent, captured_at: Instant, stretch: f64, now: Instant) {
        if self.line.is_none() {
            if sent.lane == Lane::Sound {
                return;
            }
            self.line = Some(Line {
                origin: captured_at,
                frames: FrameClock::new(self.grid_fps, captured_at),
                sound: SoundClock::new(RATE_HZ, captured_at),
                owed: 0.0,
                samples: 0,
            });
        }
        let emitted_s = self.seconds(now);
        let Some(line) = &mut self.line else { return };
        match sent.lane {
            Lane::Picture => match line.frames.offer(captured_at) {
                Placement::Drop => self.judge.dropped(&sent),
                Placement::Show { gap, at } => {
                    self.repeat(gap, emitted_s);
                    self.show(at, Some(sent), emitted_s);
                }
            },
            Lane::Sound => {
                let stretch = steer(stretch, line.sound.stretch());
                line.owed += self.run_samples_out * (1.0 + stretch);
                let samples = line.owed as u64;
                line.owed -= samples as f64;
                let joint = line.sound.offer(captured_at, samples);
                let begins = line.samples + joint.silence;
                line.samples = begins + samples - joint.skip;
                let in_s = |samples: u64| samples as f64 / f64::from(RATE_HZ);
                let origin = line.origin;
                let heard = Heard {
                    at_s: self.seconds(origin) + in_s(begins) - in_s(joint.skip),
                    of: sent,
                    silence_s: in_s(joint.silence),
                    skipped_s: in_s(joint.skip),
                    stretch,
                    emitted_s,
                };
                self.judge.heard(&heard);
            }
        }
    }

    fn fill_overdue(&mut self, now: Instant) {
        let Some(line) = &mut self.line else { return };
        let filled = line.frames.overdue(now);
        let silence = line.sound.overdue(now);
        line.samples += silence;
        let now_s = self.seconds(now);
        if silence > 0 {
            self.judge.silent(silence as f64 / f64::from(RATE_HZ), now_s);
        }
        self.repeat(filled, now_s);
    }

    fn repeat(&mut self, grid_times: Range<u64>, emitted_s: f64) {
        for n in grid_times {
            self.show(n, None, emitted_s);
        }
    }

    fn show(&mut self, n: u64, of: Option<Sent>, emitted_s: f64) {
        let Some(line) = &self.line else { return };
        let at_s = self.seconds(line.frames.time_of(n));
        self.judge.shown(&ShownPicture { at_s, of, emitted_s });
    }
}
