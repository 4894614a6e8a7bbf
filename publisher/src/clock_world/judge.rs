//! Judge: what must hold of what is seen and heard, whatever happens to the source.
//!
//! In: each frame that is shown and each run that is heard, with the moment at which it truly was captured. Out: the worst of
//! each kind, and what was broken first. After an event there is a time in which its own harm is forgiven: what did not come
//! cannot be shown.

use super::world::{Event, Plan, Sent};
use crate::source::input::pace::timeline::Lane;

/// A frame at a grid time; [`Option::None`] stands for one of before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShownPicture {
    pub(crate) at_s: f64,
    pub(crate) of: Option<Sent>,
    pub(crate) emitted_s: f64,
}

/// A run of sound on the line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    /// Where its first sample that is heard stands, if any is.
    pub(crate) at_s: f64,
    pub(crate) of: Sent,
    pub(crate) silence_s: f64,
    pub(crate) skipped_s: f64,
    /// By what part it is longer than its samples say.
    pub(crate) stretch: f64,
    pub(crate) emitted_s: f64,
}

/// Sound and video may be so far apart (the issue; ITU-R BT.1359 says that 45 ms are seen).
const MOST_APART_S: f64 = 0.04;
/// The latency may grow by so much.
const MOST_GROWTH_S: f64 = 0.1;
/// No more than that is done to the pitch of a source that is off by no more.
const FREE_STRETCH: f64 = 0.0005;
/// The rate of a source cannot be known more exactly by then.
const STRETCH_ROOM: f64 = 0.0002;
/// A shift may come so long after what led to it.
const ROOM_TAKEN_S: f64 = 20.0;
/// Two runs of sound.
const MOMENT_S: f64 = 0.1;
/// The sound clock joins what is no further apart,
const JOINED_S: f64 = 0.025;
/// and draws it in within this.
const DRAWN_IN_S: f64 = 60.0;
/// Within this they look as if the clock drifted.
const LIKE_DRIFT_S: f64 = 10.0;
/// A second of jitter hides so much of a rate in the first seconds.
const DOUBT_OF_JITTER: f64 = 0.25;
/// A source that delivers again is seen again within this.
const SEEN_AGAIN_S: f64 = 0.7;
/// What comes too early for good is noticed within this.
const EARLY_S: f64 = 2.5;
/// Within this the first burst of a connection is over and made up for; a jump, too.
const SETTLED_S: f64 = 6.0;

/// What the stage tells.
pub(crate) trait Judge {
    fn shown(&mut self, shown: &ShownPicture);
    fn dropped(&mut self, sent: &Sent);
    fn heard(&mut self, heard: &Heard);
    fn silent(&mut self, for_s: f64, now_s: f64);
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Findings {
    pub(crate) pictures: u64,
    pub(crate) repeated: u64,
    pub(crate) dropped: u64,
    pub(crate) longest_repeat: u64,
    pub(crate) most_apart_s: f64,
    pub(crate) growth_s: f64,
    pub(crate) seams: u64,
    pub(crate) most_stretch: f64,
    pub(crate) broken: Vec<String>,
}

/// The rules that a run of the clock simulation must keep.
pub(crate) struct Invariants {
    plan: Plan,
    pub(crate) findings: Findings,
    repeats: u64,
    drops: u64,
    apart_since_s: Option<f64>,
    /// How long after its capture the newest run of sound is heard.
    sound_delay_s: Option<f64>,
    /// How long after its capture a frame is shown, once the connection has settled.
    delay_s: Option<f64>,
}

impl Invariants {
    pub(crate) fn new(plan: &Plan) -> Self {
        Invariants {
            plan: plan.clone(),
            findings: Findings::default(),
            repeats: 0,
            drops: 0,
            apart_since_s: None,
            sound_delay_s: None,
            delay_s: None,
        }
    }

    /// Whether no event has anything to do with what is emitted at this moment, once it is over for so long.
    fn is_calm(&self, now_s: f64, after_s: f64) -> bool {
        // What came at once is taken off the delay when it is over.
        let burst_s = if self.plan.burst_s > 0.0 { self.plan.burst_s + SETTLED_S } else { 0.0 };
        now_s > burst_s + after_s
            && self.plan.events.iter().all(|&(at_s, event)| {
                let harm_s = match event {
                    Event::Drift { .. } => return true,
                    Event::Jump { .. } | Event::Restart => EARLY_S + after_s,
                    Event::Gone { for_s } => for_s + burst_s + after_s,
                    Event::Stop { for_s } | Event::Pause { for_s } | Event::Hold { for_s } => for_s + after_s,
                };
                !(at_s - 0.3..at_s + harm_s).contains(&now_s)
            })
    }

    /// Where nothing has used up the room for lateness for a while, either: what uses up the rest of it takes more.
    fn is_steady(&self, now_s: f64) -> bool {
        let has_taken_room = |&(at_s, event): &(f64, Event)| {
            matches!(event, Event::Drift { .. } | Event::Stop { .. } | Event::Jump { .. })
                && (at_s..at_s + event.lasts_s() + ROOM_TAKEN_S).contains(&now_s)
        };
        self.is_calm(now_s, SETTLED_S) && !self.plan.events.iter().any(has_taken_room)
    }

    fn break_rule(&mut self, now_s: f64, what: &str) {
        if self.findings.broken.len() < 5 {
            self.findings.broken.push(format!("{now_s:.2} s: {what}"));
        }
    }

    /// The grid times between two frames of the source, and one for their jitter.
    fn usual_repeats(&self) -> u64 {
        let steps = f64::from(self.plan.grid_fps) / (self.plan.source_fps * self.plan.rate.min(0.97));
        (steps + self.plan.jitter_s * f64::from(self.plan.grid_fps)).ceil() as u64
    }

    /// How far a frame is moved to the grid, beyond the most of 20 a second and more.
    fn grid_room_s(&self) -> f64 {
        0.65 * (1.0 / f64::from(self.plan.grid_fps) - 0.05).max(0.0)
    }

    /// Timestamps that jump by less than sound is joined over are drawn in so slowly that nobody hears it.
    fn drawn_in_s(&self, now_s: f64) -> f64 {
        let jumps = self.plan.events.iter().filter_map(|&(at_s, event)| match event {
            Event::Jump { by_s } if by_s.abs() < JOINED_S && (at_s..at_s + DRAWN_IN_S).contains(&now_s) => {
                Some(by_s.abs())
            }
            _ => None,
        });
        jumps.sum()
    }

    fn judge_delay(&mut self, delay_s: f64, now_s: f64) {
        if !self.is_calm(now_s, SETTLED_S) {
            return;
        }
        let first_s = *self.delay_s.get_or_insert(delay_s);
        let growth_s = delay_s - first_s;
        if growth_s.abs() > self.findings.growth_s.abs() {
            self.findings.growth_s = growth_s;
        }
        // A frame moves by up to 0.65 of a step either way on the grid.
        if growth_s > MOST_GROWTH_S + self.plan.jitter_s + 1.3 / f64::from(self.plan.grid_fps) {
            self.break_rule(now_s, &format!("the latency grew by {:.0} ms", growth_s * 1e3));
        }
    }

    fn judge_apart(&mut self, delay_s: f64, now_s: f64) {
        let Some(sound_delay_s) = self.sound_delay_s else { return };
        let apart_s = sound_delay_s - delay_s;
        if !self.is_calm(now_s, SEEN_AGAIN_S) {
            return;
        }
        self.findings.most_apart_s = self.findings.most_apart_s.max(apart_s.abs());
        // Where the pacer shifts, frames may come before the next run: a moment tells nothing.
        if apart_s.abs() <= MOST_APART_S + self.grid_room_s() + self.drawn_in_s(now_s) {
            self.apart_since_s = None;
        } else if now_s - *self.apart_since_s.get_or_insert(now_s) > MOMENT_S {
            self.break_rule(now_s, &format!("sound is {:.0} ms after the picture", apart_s * 1e3));
        }
    }
}

impl Judge for Invariants {
    fn shown(&mut self, shown: &ShownPicture) {
        let now_s = shown.emitted_s;
        match shown.of {
            None => {
                self.findings.repeated += 1;
                self.repeats += 1;
                if self.is_calm(now_s, SEEN_AGAIN_S) {
                    self.findings.longest_repeat = self.findings.longest_repeat.max(self.repeats);
                    if self.repeats > self.usual_repeats() && self.is_steady(now_s) {
                        self.break_rule(now_s, &format!("a picture is repeated {} times", self.repeats));
                    }
                }
            }
            Some(sent) => {
                self.findings.pictures += 1;
                self.repeats = 0;
                self.drops = 0;
                let delay_s = shown.at_s - sent.captured_s;
                self.judge_delay(delay_s, now_s);
                self.judge_apart(delay_s, now_s);
            }
        }
    }

    fn dropped(&mut self, sent: &Sent) {
        self.findings.dropped += 1;
        self.drops += 1;
        let thinned = self.plan.source_fps * 1.04 / f64::from(self.plan.grid_fps);
        let turns = |&(at_s, event): &(f64, Event)| {
            matches!(event, Event::Drift { .. }) && (at_s..at_s + ROOM_TAKEN_S).contains(&sent.arrives_s)
        };
        let is_calm = self.is_calm(sent.arrives_s, SEEN_AGAIN_S) && !self.plan.events.iter().any(turns);
        if is_calm && self.drops as f64 > thinned + 1.0 {
            self.break_rule(sent.arrives_s, &format!("{} pictures are dropped in a row", self.drops));
        }
    }

    fn heard(&mut self, heard: &Heard) {
        debug_assert_eq!(heard.of.lane, Lane::Sound);
        self.sound_delay_s = Some(heard.at_s - heard.of.captured_s);
        let now_s = heard.emitted_s;
        if heard.silence_s + heard.skipped_s > 0.0 && self.is_steady(now_s) {
            self.findings.seams += 1;
            let (silence_ms, skipped_ms) = (heard.silence_s * 1e3, heard.skipped_s * 1e3);
            self.break_rule(
                now_s,
                &format!("a seam: {silence_ms:.1} ms of silence, {skipped_ms:.1} ms left out"),
            );
        }
        if self.is_calm(now_s, 0.0) {
            self.findings.most_stretch = self.findings.most_stretch.max(heard.stretch.abs());
        }
        let rates = self.plan.events.iter().filter_map(|(_, event)| match event {
            Event::Drift { rate } => Some(*rate),
            _ => None,
        });
        let errors = rates.chain([self.plan.rate]).map(|rate| (1.0 / rate - 1.0).abs());
        let most = errors.fold(FREE_STRETCH, f64::max);
        let room =
            if most > FREE_STRETCH { STRETCH_ROOM + self.plan.jitter_s * DOUBT_OF_JITTER } else { 1e-9 };
        let room = room + self.drawn_in_s(now_s) / LIKE_DRIFT_S;
        if heard.stretch.abs() > most * 1.01 + room {
            self.break_rule(now_s, &format!("sound is stretched by {:.0} ppm", heard.stretch * 1e6));
        }
    }

    fn silent(&mut self, for_s: f64, now_s: f64) {
        if self.is_calm(now_s, SEEN_AGAIN_S) {
            self.findings.seams += 1;
            self.break_rule(now_s, &format!("a hole of {:.1} ms in the sound", for_s * 1e3));
        }
    }
}
