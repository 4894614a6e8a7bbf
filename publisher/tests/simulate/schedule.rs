//! Schedule: a plan of a stream and its events, drawn from a seed.
//!
//! In: a seed. Out: events in the order of time, of which any can be left out. An event carries a number of its own, from which
//! its details are drawn when it happens, so that those of one do not depend on the others.

use crate::events::{KINDS, Role};
use fastrand::Rng;

/// Every schedule has so many segments.
pub const FEWEST_SEGMENTS: usize = 30;

/// What makes the numbers from which renames are drawn others than those of all else.
const RENAMES: u64 = 0x7265_6e61_6d65;

/// At the end nothing happens but segments for so many target durations: all that was put off has to be listed then.
const CALM_TARGETS: u64 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `live`.
    Live,
    /// `live --ladder`.
    Ladder,
    /// `watch`.
    Watch,
    /// `watch --channels`.
    Channels,
}

/// How encoders of others name their files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// As ours.
    Ours,
    /// `cam-9.ts`, `cam-10.ts`.
    Counted,
    /// So many names in turn.
    InTurn(u32),
    /// Spaces, percent signs and letters of other languages.
    Wild,
}

#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch")]
pub struct Plan {
    pub mode: Mode,
    pub segment_us: u64,
    /// In each segment.
    pub pictures: u64,
    /// In each part; none without low latency.
    pub part_pictures: Option<u64>,
    pub window: usize,
    /// Sizes of a ladder.
    pub rungs: usize,
    pub has_sound: bool,
    pub channels: usize,
    /// `watch --poll`.
    pub polls: bool,
    /// Whether directories can be watched.
    pub has_watches: bool,
    pub naming: Naming,
    pub end_list: bool,
    /// The first time of each run.
    pub begins_at_90k: u64,
    /// Pictures are decoded in another order than they are shown, as of an encoder that is copied.
    pub has_b_frames: bool,
}

impl Plan {
    pub fn is_ours(&self) -> bool {
        matches!(self.mode, Mode::Live | Mode::Ladder)
    }

    /// Whether each of its segments is one file.
    pub fn is_sparse(&self) -> bool {
        matches!(self.mode, Mode::Live | Mode::Watch) && self.part_pictures.is_none()
    }

    pub fn target_s(&self) -> u32 {
        self.segment_us.div_ceil(1_000_000) as u32
    }

    pub fn target_us(&self) -> u64 {
        u64::from(self.target_s()) * 1_000_000
    }

    pub fn picture_90k(&self) -> u64 {
        self.segment_90k() / self.pictures
    }

    pub fn segment_90k(&self) -> u64 {
        self.segment_us * 9 / 100
    }

    pub fn part_90k(&self) -> Option<u64> {
        self.part_pictures.map(|pictures| pictures * self.picture_90k())
    }

    /// Any one, without parts or troubles.
    pub fn sample() -> Self {
        Self {
            mode: Mode::Live,
            segment_us: 1_000_000,
            pictures: 4,
            part_pictures: Some(1),
            window: 6,
            rungs: 2,
            has_sound: true,
            channels: 3,
            polls: false,
            has_watches: true,
            naming: Naming::Ours,
            end_list: false,
            begins_at_90k: 0,
            has_b_frames: false,
        }
    }

    fn draw(rng: &mut Rng) -> Self {
        let mode = match rng.u32(0..100) {
            0..28 => Mode::Ladder,
            28..40 => Mode::Channels,
            40..68 => Mode::Watch,
            _ => Mode::Live,
        };
        let has_parts = rng.u32(0..100) < if mode == Mode::Channels { 10 } else { 27 };
        let [segment_us, pictures] =
            [[500_000, 4], [1_000_000, 4], [1_000_000, 8], [2_000_000, 8]][rng.usize(0..4)];
        let naming = match rng.u32(0..8) {
            _ if has_parts => Naming::Ours,
            0..3 => Naming::Ours,
            3..6 => Naming::Counted,
            6 => Naming::InTurn(30),
            _ => Naming::Wild,
        };
        Self {
            mode,
            segment_us,
            pictures,
            part_pictures: has_parts.then(|| 1 + u64::from(pictures > 4 && rng.bool())),
            window: [3, 6, 6, 10][rng.usize(0..4)],
            rungs: 1 + usize::from(rng.u32(0..4) > 0),
            has_sound: rng.u32(0..4) > 0,
            channels: if mode == Mode::Channels { 3 + rng.usize(0..2) } else { 1 },
            polls: matches!(mode, Mode::Watch | Mode::Channels) && rng.u32(0..8) == 0,
            has_watches: rng.u32(0..10) > 0,
            naming,
            end_list: rng.bool(),
            begins_at_90k: [126_000, (1 << 33) - 900_000, 0, 4_500_000_000][rng.usize(0..4)],
            // What is encoded in several sizes has none.
            has_b_frames: mode != Mode::Ladder && rng.u32(0..3) == 0,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    pub at_us: u64,
    /// In [`KINDS`].
    pub kind: usize,
    /// The channel, where there are several.
    pub of: usize,
    pub detail: u64,
}

impl Event {
    pub fn is_segment(&self) -> bool {
        KINDS[self.kind].role == Role::Segment
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    pub seed: u64,
    pub plan: Plan,
    pub events: Vec<Event>,
}

impl Schedule {
    pub fn draw(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let plan = Plan::draw(&mut rng);
        let mut events = draw_events(&mut rng, &plan);
        events.extend(draw_renames(&mut Rng::with_seed(seed ^ RENAMES), &plan));
        events.sort_by_key(|event| event.at_us);
        Self { seed, plan, events }
    }

    /// Segments of each channel.
    pub fn segments(&self) -> u64 {
        self.events.iter().filter(|event| event.is_segment() && event.of == 0).count() as u64
    }

    /// As much again happens, behind all that happens already.
    pub fn go_on(&mut self) {
        let behind_us = self.segments() * self.plan.segment_us;
        let mut rng = Rng::with_seed(self.seed ^ behind_us);
        let more = draw_events(&mut rng, &self.plan).into_iter();
        self.events.extend(more.map(|event| Event { at_us: event.at_us + behind_us, ..event }));
        self.events.sort_by_key(|event| event.at_us);
    }

    /// The same without some kinds of events. Segments stay: each is made in the usual way then.
    pub fn without(mut self, words: &[String]) -> Self {
        let is_left_out = |event: &Event| words.iter().any(|word| KINDS[event.kind].name.contains(&**word));
        let usual =
            KINDS.iter().position(|kind| kind.role == Role::Segment && (kind.fits)(&self.plan)).unwrap_or(0);
        self.events.retain(|event| event.is_segment() || !is_left_out(event));
        for event in self.events.iter_mut().filter(|event| is_left_out(event)) {
            event.kind = usual;
        }
        self
    }

    /// Nothing happens but segments, all in the usual way, and these kinds, each once, in the middle.
    pub fn calm(seed: u64, needs: &[&str]) -> Self {
        let mut schedule = Self::draw(seed);
        let usual = KINDS
            .iter()
            .position(|kind| kind.role == Role::Segment && (kind.fits)(&schedule.plan))
            .unwrap_or(0);
        schedule.events.retain(Event::is_segment);
        for event in &mut schedule.events {
            event.kind = usual;
        }
        let middle_us = schedule.events[schedule.events.len() / 2].at_us + 1_000;
        let needed = KINDS.iter().enumerate().filter(|(_, kind)| needs.contains(&kind.name));
        let needed = needed.map(|(kind, _)| Event { at_us: middle_us, kind, of: 0, detail: seed });
        schedule.events.extend(needed.collect::<Vec<_>>());
        schedule.events.sort_by_key(|event| event.at_us);
        schedule
    }

    /// When all has happened.
    pub fn end_us(&self) -> u64 {
        let last_us = self.events.last().map_or(0, |event| event.at_us);
        last_us + self.plan.segment_us + 3 * self.plan.target_us()
    }
}

fn draw_events(rng: &mut Rng, plan: &Plan) -> Vec<Event> {
    let segments = FEWEST_SEGMENTS + rng.usize(0..8);
    let mut events = Vec::with_capacity(segments * plan.channels + 40);
    for of in 0..plan.channels {
        let phase_us = plan.segment_us * of as u64 / plan.channels as u64;
        for segment in 0..segments as u64 {
            let kind = pick(rng, plan, Role::Segment);
            let at_us = 50_000 + phase_us + segment * plan.segment_us;
            events.push(Event { at_us, kind, of, detail: rng.u64(..) });
        }
    }
    let length_us = plan.segment_us * segments as u64;
    let most_us = length_us.saturating_sub(CALM_TARGETS * plan.target_us()).max(plan.target_us());
    let count = match rng.u32(0..10) {
        0..2 => rng.usize(0..3),
        2..7 => rng.usize(3..10),
        _ => rng.usize(10..30),
    };
    let mut last_us = most_us / 2;
    for _ in 0..count {
        // Half of them strike where another has just struck.
        let at_us = if rng.bool() { last_us + rng.u64(0..plan.target_us()) } else { rng.u64(0..most_us) };
        last_us = at_us.min(most_us);
        let kind = pick(rng, plan, Role::Fault);
        let of = rng.usize(0..plan.channels);
        events.push(Event { at_us: last_us, kind, of, detail: rng.u64(..) });
    }
    events.sort_by_key(|event| event.at_us);
    events
}

/// Some schedules of other encoders have renames.
fn draw_renames(rng: &mut Rng, plan: &Plan) -> Vec<Event> {
    if plan.is_ours() || rng.u32(0..3) > 0 {
        return Vec::new();
    }
    let kinds: Vec<_> = KINDS.iter().enumerate().filter(|(_, kind)| kind.weight == 0).collect();
    let fits: Vec<_> =
        kinds.into_iter().filter(|(_, kind)| (kind.fits)(plan)).map(|(index, _)| index).collect();
    let most_us = plan.segment_us * (FEWEST_SEGMENTS as u64 - CALM_TARGETS);
    let rename = |rng: &mut Rng| Event {
        at_us: rng.u64(0..most_us),
        kind: fits[rng.usize(0..fits.len())],
        of: rng.usize(0..plan.channels),
        detail: rng.u64(..),
    };
    (0..rng.u32(1..8)).map(|_| rename(rng)).collect()
}

fn pick(rng: &mut Rng, plan: &Plan, role: Role) -> usize {
    let fits = |kind: &&crate::events::Kind| kind.role == role && (kind.fits)(plan);
    let sum: u32 = KINDS.iter().filter(fits).map(|kind| kind.weight).sum();
    let mut at = rng.u32(0..sum);
    for (index, kind) in KINDS.iter().enumerate().filter(|(_, kind)| fits(kind)) {
        if at < kind.weight {
            return index;
        }
        at -= kind.weight;
    }
    unreachable!("the weights have a sum")
}
