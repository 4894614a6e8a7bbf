//! Random low-latency streams: each version is held to what the writer knows as it is written.

use jiff::{SignedDuration, Timestamp};
use livedir_playlist::{
    Directives, Edge, Listing, LiveEdge, LowLatency, MediaListing, Part, PartContent, PartList, Reload,
    Segment, Window, WindowSettings, parse, read_listing, render_low_latency,
};
use livedir_time::ticks::{TICKS_PER_S, exact_seconds, of_float_seconds, of_seconds};
use proptest::collection::vec;
use proptest::prelude::*;

use super::low_latency::part_uri;

/// What happens next to a stream.
#[derive(Debug, Clone)]
pub enum Step {
    /// A part is finished, of so many thousandths of the longest that there may be.
    Part { permille: u64 },
    /// A part is lost; it may have been of any length.
    LosePart { permille: u64 },
    /// The segment is complete. Its last part may be of any length.
    Close { last_permille: Option<u64> },
    /// What was still to come of the segment is lost, and so is the segment.
    LoseSegment,
    /// The clock of the media leaps, or the writer is killed and started again.
    Leap,
}

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        24 => (850_u64..=1000).prop_map(|permille| Step::Part { permille }),
        2 => (1_u64..=1000).prop_map(|permille| Step::LosePart { permille }),
        3 => prop::option::of(1_u64..=1000).prop_map(|last_permille| Step::Close { last_permille }),
        1 => Just(Step::LoseSegment),
        1 => Just(Step::Leap),
    ];
    vec(step, 1..160)
}

/// Seconds of a segment, segments, and parts in a second.
pub fn settings() -> impl Strategy<Value = (u32, usize, u64)> {
    (1_u32..4, 6_usize..16, 1_u64..6)
}

/// A writer of a low-latency playlist.
pub struct Stream {
    window: Window,
    edge: LiveEdge,
    part_target_90k: u64,
    can_skip: bool,
    /// Since noon, in real time.
    now_90k: u64,
    breaks: bool,
    /// Every version, with the time at which it came.
    pub versions: Vec<(String, f64)>,
}

impl Stream {
    /// With what `settings` gives, after these steps.
    pub fn after(settings: (u32, usize, u64), steps: &[Step]) -> Stream {
        let (target_duration_s, segments, parts_a_second) = settings;
        let part_target_90k = TICKS_PER_S / parts_a_second;
        let mut stream = Stream {
            window: Window::new(WindowSettings { target_duration_s, segments }, 1),
            edge: LiveEdge::new(part_target_90k),
            part_target_90k,
            can_skip: segments >= 7,
            now_90k: 0,
            breaks: false,
            versions: Vec::new(),
        };
        for step in steps {
            stream.take(step);
        }
        stream
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Part { permille } => self.part(permille),
            Step::LosePart { permille } => self.next_part(permille, true),
            Step::Close { last_permille } => {
                if let Some(permille) = last_permille.filter(|_| !self.edge.open().parts.is_empty()) {
                    self.part(permille);
                }
                self.close();
            }
            Step::LoseSegment => {
                self.next_part(1000, true);
                self.close_silently(true);
                self.publish();
            }
            Step::Leap => {
                // What there is of the segment becomes one, in the same version as what follows.
                self.close_silently(false);
                self.breaks = true;
                self.part(1000);
            }
        }
    }

    fn part(&mut self, permille: u64) {
        self.next_part(permille, false);
    }

    fn next_part(&mut self, permille: u64, is_lost: bool) {
        let duration_90k = (self.part_target_90k * permille / 1000).max(1);
        let longest_90k = of_seconds(self.window.playlist().target_duration_s);
        if self.open_90k() + duration_90k > longest_90k {
            self.close();
        }
        let open = self.edge.open();
        let index = open.parts.len() as u64;
        if index == 0 {
            let noon: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
            let date = noon + SignedDuration::from_micros((self.now_90k * 100 / 9) as i64);
            self.edge.begin(Some(date), std::mem::take(&mut self.breaks));
        }
        let uri = part_uri(self.window.next_media_sequence(), index);
        let content = if is_lost { PartContent::Gap } else { PartContent::of_media(index == 0) };
        self.edge.push(Part { uri, duration_90k, content }).unwrap();
        self.now_90k += duration_90k;
        self.publish();
    }

    fn open_90k(&self) -> u64 {
        self.edge.open().parts.iter().map(|part| part.duration_90k).sum()
    }

    fn close(&mut self) {
        if self.close_silently(false) {
            self.publish();
        }
    }

    fn close_silently(&mut self, gap: bool) -> bool {
        let (open, number) = (self.edge.open().clone(), self.window.next_media_sequence());
        if open.parts.is_empty() {
            return false;
        }
        let uri = format!("live/seg-{number:08}.ts");
        let (program_date_time, discontinuity) = (open.program_date_time, open.discontinuity);
        let duration_90k = self.open_90k();
        self.window.push(Segment { uri, duration_90k, program_date_time, discontinuity, gap }).unwrap();
        self.edge.close(number);
        true
    }

    fn publish(&mut self) {
        self.edge.trim(self.window.playlist());
        // Of the segment that is open the next part may still come, or the first of the segment behind it.
        let hint = part_uri(self.window.next_media_sequence(), self.edge.open().parts.len() as u64);
        let parts = PartList { edge: &self.edge, hint: &hint };
        let low_latency = LowLatency { parts: Some(parts), reports: &[], can_skip: self.can_skip };
        let text = render_low_latency(self.window.playlist(), &low_latency);
        self.hold(&text);
        self.versions.push((text, exact_seconds(self.now_90k)));
    }

    /// What is true of each version, by what the writer knows.
    fn hold(&self, text: &str) {
        assert_eq!(parse(text).as_ref().map(|it| &it.segments), Ok(&self.rounded_segments()), "{text}");
        let listing = media(text);
        let open = self.edge.open();
        assert_eq!(said(&listing.open_parts), open.parts, "{text}");
        assert_eq!(listing.open_discontinuity, open.discontinuity && !open.parts.is_empty(), "{text}");
        for (segment, number) in listing.segments.iter().zip(listing.first_media_sequence()..) {
            assert_eq!(said(&segment.parts), self.edge.parts_of(number), "{text}");
        }

        let edge = Edge::of(text).unwrap();
        let number = self.window.next_media_sequence();
        assert_eq!((edge.next_media_sequence, edge.open_parts), (number, open.parts.len() as u64), "{text}");
        let judge = |media_sequence: u64, part: Option<u64>| {
            edge.judge(Directives { media_sequence: Some(media_sequence), part, skip: false })
        };
        // What is there is given, and what comes next is waited for.
        for part in 0..edge.open_parts {
            assert_eq!(judge(number, Some(part)), Reload::Now, "{text}");
        }
        assert_eq!(judge(number, Some(edge.open_parts)), Reload::Wait, "{text}");
        assert_eq!(judge(number, None), Reload::Wait, "{text}");
        if number > 1 {
            assert_eq!(judge(number - 1, None), Reload::Now, "{text}");
        }
    }

    fn rounded_segments(&self) -> Vec<Segment> {
        let round = |at: Timestamp| at.round(jiff::Unit::Millisecond).unwrap();
        let segments = self.window.playlist().segments.iter().cloned();
        segments.map(|it| Segment { program_date_time: it.program_date_time.map(round), ..it }).collect()
    }
}

/// The reading of a media playlist.
pub fn media(text: &str) -> MediaListing {
    match read_listing(text) {
        Listing::Media(listing) => listing,
        other => panic!("no media playlist: {other:?}"),
    }
}

/// A part that was read is the part that was written.
fn said(parts: &[livedir_playlist::ListedPart]) -> Vec<Part> {
    let ticks = |duration_s: Option<f64>| of_float_seconds(duration_s.unwrap());
    let content = |part: &livedir_playlist::ListedPart| match (part.gap, part.independent) {
        (false, has_keyframe) => PartContent::of_media(has_keyframe),
        (true, false) => PartContent::Gap,
        (true, true) => panic!("lost and independent: {part:?}"),
    };
    let part = |it: &livedir_playlist::ListedPart| Part {
        uri: it.uri.clone(),
        duration_90k: ticks(it.duration_s),
        content: content(it),
    };
    parts.iter().map(part).collect()
}
