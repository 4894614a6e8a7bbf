//! World: a source with a clock of its own, the network between it and us, and what happens to both.
//!
//! In: a seed. Out: video frames and runs of samples in the order in which they arrive, each with the timestamp that the source wrote
//! on it and the moment at which it truly was captured. All times are seconds; those of ours begin with the world.

use super::random::Random;
use crate::source::input::pace::timeline::Lane;

/// A clock that is off by more is not found behind much jitter before it adds up to a tenth of a second.
const MOST_IN_JITTER: f64 = 0.0105;

/// A new connection is left in peace for so long: its first burst is another thing than the next event.
const AFTER_RETURN_S: f64 = 8.0;

/// Something that happens to the source or the network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Event {
    /// Its clock runs at another rate from now on.
    Drift { rate: f64 },
    /// It stops for so long and goes on with the next timestamp: nothing is made up for.
    Stop { for_s: f64 },
    /// It stops for so long, and its timestamps tell so.
    Pause { for_s: f64 },
    /// The network stops for so long; then everything comes at once.
    Hold { for_s: f64 },
    /// Its timestamps jump, and nothing else.
    Jump { by_s: f64 },
    /// Its timestamps begin again.
    Restart,
    /// The connection is lost for so long, and then it begins anew.
    Gone { for_s: f64 },
}

impl Event {
    /// How long nothing may come because of it.
    pub(crate) fn lasts_s(self) -> f64 {
        match self {
            Event::Stop { for_s }
            | Event::Pause { for_s }
            | Event::Hold { for_s }
            | Event::Gone { for_s } => for_s,
            Event::Drift { .. } | Event::Jump { .. } | Event::Restart => 0.0,
        }
    }
}

/// What a world is made of; the seed decides it.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Frames a second by the source's own clock.
    pub(crate) source_fps: f64,
    /// Of the stream.
    pub(crate) grid_fps: u32,
    /// Samples of a run of sound, by its nominal rate.
    pub(crate) run_samples: u64,
    pub(crate) run_hz: u64,
    /// Seconds of the source's clock in one of ours, at the start.
    pub(crate) rate: f64,
    /// A frame or a run of samples takes up to so long.
    pub(crate) jitter_s: f64,
    /// So much comes at once at the start and after each return.
    pub(crate) burst_s: f64,
    /// What happens when.
    pub(crate) events: Vec<(f64, Event)>,
    pub(crate) length_s: f64,
}

impl Plan {
    /// A source that is as it should be.
    pub(crate) fn plain(rate: f64, length_s: f64) -> Self {
        Plan {
            source_fps: 20.0,
            grid_fps: 20,
            run_samples: 1024,
            run_hz: 48_000,
            rate,
            jitter_s: 0.002,
            burst_s: 0.0,
            events: Vec::new(),
            length_s,
        }
    }

    /// That of a seed.
    pub(crate) fn of_seed(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let grid_fps = random.one_of(&[20, 20, 25, 30, 60]);
        let source_fps = f64::from(random.one_of(&[grid_fps, grid_fps, grid_fps, 15, 25, 30, 50]));
        let (run_samples, run_hz) =
            random.one_of(&[(1024, 48_000), (1024, 44_100), (960, 48_000), (480, 48_000)]);
        let mut plan = Plan {
            source_fps,
            grid_fps,
            run_samples,
            run_hz,
            rate: some_rate(&mut random),
            jitter_s: random.one_of(&[0.0, 0.001, 0.005, 0.02]),
            burst_s: random.one_of(&[0.0, 0.0, 0.4, 1.5]),
            events: Vec::new(),
            length_s: random.within(40.0..120.0),
        };
        if (plan.rate - 1.0).abs() > MOST_IN_JITTER {
            plan.jitter_s = plan.jitter_s.min(0.005);
        }
        let mut at_s = 15.0;
        while random.within(0.0..1.0) < 0.75 {
            at_s += random.within(1.0..20.0);
            let event = some_event(&mut random);
            plan.events.push((at_s, event));
            at_s += event.lasts_s() + if matches!(event, Event::Gone { .. }) { AFTER_RETURN_S } else { 0.0 };
        }
        plan.length_s = plan.length_s.max(at_s + 15.0);
        plan
    }

    pub(crate) fn run_s(&self) -> f64 {
        self.run_samples as f64 / self.run_hz as f64
    }
}

fn some_rate(random: &mut Random) -> f64 {
    let range = random.one_of(&[0.0..0.0, 0.0005..0.0005, 0.01..0.01, 0.03..0.03].map(|range| range.end));
    1.0 + random.within(-range..range)
}

fn some_event(random: &mut Random) -> Event {
    let for_s =
        if random.within(0.0..1.0) < 0.6 { random.within(0.05..0.6) } else { random.within(0.6..5.0) };
    match random.one_of(&[0, 1, 1, 2, 3, 3, 4, 4, 5, 6]) {
        0 => Event::Drift { rate: some_rate(random) },
        1 => Event::Stop { for_s },
        2 => Event::Pause { for_s },
        3 => Event::Hold { for_s },
        4 => Event::Jump { by_s: random.within(-1.0..1.0) * random.one_of(&[0.05, 0.5, 5.0, 20.0]) },
        5 => Event::Restart,
        _ => Event::Gone { for_s: for_s + 1.0 },
    }
}

/// A video frame or a run of samples as it arrives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) lane: Lane,
    /// As the source writes it, in microseconds.
    pub(crate) pts_us: i64,
    pub(crate) duration_us: i64,
    /// When it truly was captured.
    pub(crate) captured_s: f64,
    pub(crate) arrives_s: f64,
    /// Which connection brings it.
    pub(crate) connection: u32,
}

/// The simulated source and network.
pub(crate) struct World {
    random: Random,
    plan: Plan,
    next_event: usize,
    /// One moment by both clocks: the source's was `mark.1` when ours was `mark.0`.
    mark: (f64, f64),
    rate: f64,
    /// From the source's clock to its timestamps.
    pts_offset_s: f64,
    /// Of each lane.
    next_piece: [u64; 2],
    /// Nothing arrives before that.
    held_until_s: f64,
    last_arrival_s: f64,
    connection: u32,
    connected_s: f64,
}

impl World {
    pub(crate) fn new(plan: Plan, seed: u64) -> Self {
        let rate = plan.rate;
        World {
            random: Random::new(seed ^ 0x5eed),
            held_until_s: plan.burst_s,
            connected_s: 0.0,
            plan,
            next_event: 0,
            mark: (0.0, 0.0),
            rate,
            pts_offset_s: 1000.0,
            next_piece: [0; 2],
            last_arrival_s: 0.0,
            connection: 0,
        }
    }

    /// When the source's clock shows this.
    fn ours(&self, source_s: f64) -> f64 {
        self.mark.0 + (source_s - self.mark.1) / self.rate
    }

    /// By the source's clock: when the next frame or run of a lane begins, and when it is sent.
    fn next_s(&self, lane: Lane) -> (f64, f64) {
        let n = self.next_piece[lane as usize] as f64;
        match lane {
            Lane::Picture => (n / self.plan.source_fps, n / self.plan.source_fps),
            Lane::Sound => (n * self.plan.run_s(), (n + 1.0) * self.plan.run_s()),
        }
    }

    fn happen(&mut self, at_s: f64, event: Event) {
        let source_s = self.mark.1 + (at_s - self.mark.0) * self.rate;
        self.mark = (at_s, source_s);
        match event {
            Event::Drift { rate } => self.rate = rate,
            Event::Stop { for_s } => self.mark.0 += for_s,
            Event::Pause { for_s } => {
                self.mark.0 += for_s;
                self.pts_offset_s += for_s * self.rate;
            }
            Event::Hold { for_s } => self.held_until_s = at_s + for_s,
            Event::Jump { by_s } => self.pts_offset_s += by_s,
            Event::Restart => self.pts_offset_s = -source_s,
            Event::Gone { for_s } => {
                self.mark.0 += for_s;
                self.pts_offset_s = -source_s;
                self.connection += 1;
                self.connected_s = at_s + for_s;
                self.held_until_s = at_s + for_s + self.plan.burst_s;
            }
        }
    }
}

impl Iterator for World {
    type Item = Sent;

    fn next(&mut self) -> Option<Sent> {
        let lane = if self.next_s(Lane::Picture).1 <= self.next_s(Lane::Sound).1 {
            Lane::Picture
        } else {
            Lane::Sound
        };
        loop {
            let (begins_s, sent_s) = self.next_s(lane);
            let sent_at_s = self.ours(sent_s);
            if let Some(&(at_s, event)) = self.plan.events.get(self.next_event)
                && at_s <= sent_at_s
            {
                self.next_event += 1;
                self.happen(at_s, event);
                continue;
            }
            if sent_at_s > self.plan.length_s {
                return None;
            }
            self.next_piece[lane as usize] += 1;
            let late_s = self.random.within(0.0..self.plan.jitter_s.max(1e-9));
            let arrives_s = (sent_at_s + late_s).max(self.held_until_s).max(self.last_arrival_s);
            self.last_arrival_s = arrives_s;
            let duration_s = match lane {
                Lane::Picture => 1.0 / self.plan.source_fps,
                Lane::Sound => self.plan.run_s(),
            };
            return Some(Sent {
                lane,
                pts_us: ((begins_s + self.pts_offset_s) * 1000.0).round() as i64 * 1000,
                duration_us: (duration_s * 1e6) as i64,
                captured_s: self.ours(begins_s),
                arrives_s,
                connection: self.connection,
            });
        }
    }
}
