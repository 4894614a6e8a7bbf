//! The shared timeline: what the renditions of one stream say of each segment number. Who lists it first says how it is; the others
//! say the same (RFC 8216 6.2.4), also of one that they do not have. Pure; times are arguments.
//!
//! In: what a rendition has listed, under its number. Out: whether the timeline breaks before a number, what a gap in its
//! place looks like, and when a rendition that does not have it is too late.

use crate::timeline::dates::later;
use jiff::Timestamp;
use livedir_playlist::MediaPlaylist;
use livedir_time::ticks;
use std::{collections::BTreeMap, time::Instant};

/// What all renditions have in common. Bounded: the oldest numbers are forgotten.
#[derive(Debug)]
pub(crate) struct SharedTimeline {
    by_number: BTreeMap<u64, Entry>,
    most: usize,
    /// The longest that a video frame or an audio frame lasts.
    frame_90k: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    discontinuity: bool,
    /// Some rendition has listed it so, as a gap, a segment, or the beginning of one.
    is_told: bool,
    listed: Option<Listed>,
}

/// A segment as a rendition has listed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) duration_90k: u64,
    pub(crate) program_date_time: Option<Timestamp>,
    /// Whether it has video, whose borders are those of the grid.
    pub(crate) has_pictures: bool,
    /// When it was listed for the first time.
    pub(crate) at: Instant,
}

impl SharedTimeline {
    /// `most` numbers are remembered.
    pub(crate) fn new(most: usize) -> Self {
        Self { by_number: BTreeMap::new(), most: most.max(1), frame_90k: 0 }
    }

    /// What a run before has left: who has lost some of it gets gaps that fit.
    pub(crate) fn resume(&mut self, playlist: &MediaPlaylist, has_pictures: bool, now: Instant) {
        for (number, segment) in (playlist.media_sequence..).zip(&playlist.segments) {
            if segment.gap {
                self.tell(number, segment.discontinuity);
                continue;
            }
            let listed = Listed {
                duration_90k: segment.duration_90k,
                program_date_time: segment.program_date_time,
                has_pictures,
                at: now,
            };
            self.listed(number, segment.discontinuity, listed);
        }
    }

    /// Whether the timeline breaks before this number, as the first has said who came to it.
    pub(crate) fn breaks_before(&mut self, number: u64, own_judgement: impl FnOnce() -> bool) -> bool {
        let entry = self.by_number.entry(number).or_insert_with(|| Entry {
            discontinuity: own_judgement(),
            is_told: false,
            listed: None,
        });
        let discontinuity = entry.discontinuity;
        self.forget();
        discontinuity
    }

    /// The timeline breaks before this number, if nobody has listed it yet. Says whether it does.
    pub(crate) fn breaks(&mut self, number: u64) -> bool {
        let entry = self.entry(number, true);
        if !entry.is_told {
            entry.discontinuity = true;
        }
        entry.discontinuity
    }

    /// A rendition lists a gap under this number, or the first parts of a segment. Says whether the timeline breaks before it, as the
    /// first has said who came to it.
    pub(crate) fn tell(&mut self, number: u64, own_judgement: bool) -> bool {
        let entry = self.entry(number, own_judgement);
        entry.is_told = true;
        entry.discontinuity
    }

    fn entry(&mut self, number: u64, discontinuity: bool) -> &mut Entry {
        self.by_number.entry(number).or_insert(Entry { discontinuity, is_told: false, listed: None })
    }

    /// A rendition has listed this number.
    pub(crate) fn listed(&mut self, number: u64, discontinuity: bool, listed: Listed) {
        let entry = self.entry(number, discontinuity);
        entry.is_told = true;
        entry.listed = Some(match entry.listed {
            Some(first) if first.has_pictures || !listed.has_pictures => first,
            Some(first) => Listed { at: first.at, ..listed },
            None => listed,
        });
        self.forget();
    }

    fn forget(&mut self) {
        while self.by_number.len() > self.most {
            self.by_number.pop_first();
        }
    }

    /// A video frame or an audio frame lasts so long in one of the renditions.
    pub(crate) fn note_frame(&mut self, frame_90k: u64) {
        self.frame_90k = self.frame_90k.max(frame_90k);
    }

    /// The longest that a video frame or an audio frame lasts.
    pub(crate) fn frame_90k(&self) -> u64 {
        self.frame_90k
    }

    /// When the segment of this number ended, by its date.
    pub(crate) fn ends_at(&self, number: u64) -> Option<Timestamp> {
        let (listed, _) = self.get(number)?;
        later(listed.program_date_time?, listed.duration_90k)
    }

    /// How this number is listed elsewhere, and whether the timeline breaks before it.
    pub(crate) fn get(&self, number: u64) -> Option<(Listed, bool)> {
        let entry = self.by_number.get(&number)?;
        entry.listed.map(|listed| (listed, entry.discontinuity))
    }

    /// When a rendition whose last segment was listed at `last_at` is too late with this number; `None` while no other has
    /// it.
    ///
    /// RFC 8216 6.2.4: what one playlist lists and another does not MUST NOT be longer than the target duration. So a gap
    /// has to be there just before others list the next one.
    pub(crate) fn late_at(&self, number: u64, last_at: Instant, target_duration_s: u32) -> Option<Instant> {
        let (listed, _) = self.get(number)?;
        let target_90k = ticks::of_seconds(target_duration_s);
        let has_room_for_next = 2 * listed.duration_90k <= target_90k;
        // A short one may be the last of all: no encoder is hurried at the end.
        let is_short = 2 * listed.duration_90k < target_90k;
        let next_90k = if has_room_for_next { target_90k } else { listed.duration_90k };
        let patience = ticks::duration_of_microseconds(next_90k) * 7 / 8;
        (!is_short).then(|| listed.at.max(last_at) + patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn listed(duration_90k: u64, has_pictures: bool, at: Instant) -> Listed {
        Listed { duration_90k, program_date_time: None, has_pictures, at }
    }

    #[test]
    fn who_comes_first_says_whether_the_timeline_breaks() {
        let mut shared = SharedTimeline::new(10);
        assert!(shared.breaks_before(5, || true));
        assert!(shared.breaks_before(5, || false));
        assert!(!shared.breaks_before(6, || false));
        shared.listed(7, true, listed(180_000, true, Instant::now()));
        assert!(shared.breaks_before(7, || panic!("it is known")));
    }

    #[test]
    fn a_gap_is_as_long_as_the_pictures_are() {
        let (mut shared, now) = (SharedTimeline::new(10), Instant::now());
        assert_eq!(shared.get(5), None);
        shared.listed(5, false, listed(178_000, false, now));
        assert_eq!(shared.get(5), Some((listed(178_000, false, now), false)));
        shared.listed(5, false, listed(180_000, true, now + Duration::from_secs(1)));
        shared.listed(5, false, listed(178_000, false, now + Duration::from_secs(2)));
        assert_eq!(shared.get(5), Some((listed(180_000, true, now), false)), "and listed when it was first");
    }

    #[test]
    fn a_rendition_is_too_late_just_before_the_others_have_the_next() {
        let (mut shared, now) = (SharedTimeline::new(10), Instant::now());
        assert_eq!(shared.late_at(5, now, 2), None);
        shared.listed(5, false, listed(180_000, true, now));
        let late_at = |last_at| shared.late_at(5, last_at, 2).unwrap() - now;
        assert_eq!(late_at(now), Duration::from_millis(1750));
        assert_eq!(late_at(now + Duration::from_secs(5)), Duration::from_millis(6750), "after a standstill");
        shared.listed(6, false, listed(45_000, true, now));
        assert_eq!(shared.late_at(6, now, 2), None, "the end of the stream");
        shared.listed(7, false, listed(45_000, true, now));
        assert_eq!(shared.late_at(7, now, 1).unwrap() - now, Duration::from_millis(875));
    }

    #[test]
    fn old_numbers_are_forgotten() {
        let mut shared = SharedTimeline::new(3);
        for number in 0..100 {
            shared.listed(number, false, listed(1, true, Instant::now()));
            shared.breaks_before(number, || false);
        }
        assert_eq!(shared.by_number.len(), 3);
        assert!(shared.get(99).is_some());
    }
}
