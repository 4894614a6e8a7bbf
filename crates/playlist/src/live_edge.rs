//! The live edge: the segment that is being written, and the parts of the last ones listed, for low-latency playlists.
//!
//! In: finished parts, one by one, and the end of their segment. Out: what [`render_low_latency`] adds to the
//! segments of a [`MediaPlaylist`], and the parts that are no longer listed. No thread, no clock.
//!
//! [`render_low_latency`]: crate::render_low_latency

use std::collections::BTreeMap;

use jiff::Timestamp;
use thiserror::Error;

use crate::media_playlist::MediaPlaylist;
use livedir_time::ticks::{exact_seconds, of_seconds};

/// draft-pantos-hls-rfc8216bis 4.4.4.9: parts SHOULD leave the playlist when they are more than three target durations from its end.
const TARGETS_WITH_PARTS: u64 = 3;

/// A part of a segment (bis 4.4.4.9): one that is finished, or one that is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Relative to the playlist, such as `live/seg-00000001.p00.ts`. That of a lost part is the one that was hinted at.
    pub uri: String,
    /// DURATION.
    pub duration_90k: u64,
    /// What a viewer finds under the URI.
    pub content: PartContent,
}

/// What a viewer finds under the URI of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartContent {
    /// INDEPENDENT=YES: media with a keyframe, where a viewer can join.
    Independent,
    /// Media without a keyframe.
    Dependent,
    /// GAP=YES: nothing. The part is lost, and is not to be asked for.
    Gap,
}

impl PartContent {
    /// Of a finished part.
    #[must_use]
    pub fn of_media(has_keyframe: bool) -> PartContent {
        if has_keyframe { Self::Independent } else { Self::Dependent }
    }
}

impl Part {
    /// GAP=YES.
    #[must_use]
    pub fn is_gap(&self) -> bool {
        self.content == PartContent::Gap
    }
}

/// The segment that is being written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenSegment {
    /// When its first frame was captured.
    pub program_date_time: Option<Timestamp>,
    /// The timeline breaks before it.
    pub discontinuity: bool,
    /// Oldest first.
    pub parts: Vec<Part>,
}

/// What a low-latency playlist says beyond its segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveEdge {
    part_target_90k: u64,
    listed: BTreeMap<u64, Vec<Part>>,
    open: OpenSegment,
}

/// A part that is listed no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvictedPart {
    /// As it was listed.
    pub uri: String,
    /// How long its file must stay after the playlist without it was written.
    pub grace_90k: u64,
}

/// Why a part cannot be listed. The edge is as before.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum PartError {
    #[error(
        "part {uri} runs {:.3} s, over the part target of {:.3} s; cut parts at or below it",
        exact_seconds(*duration_90k),
        exact_seconds(*part_target_90k)
    )]
    OverTarget { uri: String, duration_90k: u64, part_target_90k: u64 },
    #[error("part {uri} has no duration; it needs at least one frame")]
    NoDuration { uri: String },
    #[error("part {uri} is already listed; give each part a new name")]
    AlreadyListed { uri: String },
    #[error(
        "{uri:?} cannot stand in quotes in a playlist; rename the file without control characters and quotes"
    )]
    NotAUri { uri: String },
}

impl LiveEdge {
    /// Nothing is written yet. No part may be longer than `part_target_90k`, which never changes.
    #[must_use]
    pub fn new(part_target_90k: u64) -> LiveEdge {
        LiveEdge {
            part_target_90k: part_target_90k.max(1),
            listed: BTreeMap::new(),
            open: OpenSegment::default(),
        }
    }

    /// PART-TARGET.
    #[must_use]
    pub fn part_target_90k(&self) -> u64 {
        self.part_target_90k
    }

    /// The segment that is being written.
    #[must_use]
    pub fn open(&self) -> &OpenSegment {
        &self.open
    }

    /// The parts of the listed segment with this number; none when it is too far from the edge.
    #[must_use]
    pub fn parts_of(&self, media_sequence: u64) -> &[Part] {
        self.listed.get(&media_sequence).map_or(&[], Vec::as_slice)
    }

    /// The last segment of which something is listed, and the last part of it that is (bis 4.4.5.4); `None` when nothing
    /// was ever listed.
    #[must_use]
    pub fn last(&self, playlist: &MediaPlaylist) -> Option<(u64, Option<u64>)> {
        let next = playlist.next_media_sequence();
        let last_of = |parts: &[Part]| (parts.len() as u64).checked_sub(1);
        if let Some(part) = last_of(&self.open.parts) {
            return Some((next, Some(part)));
        }
        let last = next.checked_sub(1).filter(|_| !playlist.segments.is_empty())?;
        Some((last, last_of(self.parts_of(last))))
    }

    /// How many parts are listed.
    #[must_use]
    pub fn part_count(&self) -> usize {
        self.listed.values().map(Vec::len).sum::<usize>() + self.open.parts.len()
    }

    /// What stands before the first part of the segment that is being written (bis 4.4.4.9: tags of the parent segment
    /// stand before its first part).
    pub fn begin(&mut self, program_date_time: Option<Timestamp>, discontinuity: bool) {
        self.open.program_date_time = program_date_time;
        self.open.discontinuity = discontinuity;
    }

    /// The next part of the segment that is being written.
    pub fn push(&mut self, part: Part) -> Result<(), PartError> {
        let uri = || part.uri.clone();
        if part.duration_90k == 0 {
            return Err(PartError::NoDuration { uri: uri() });
        }
        // bis 4.4.3.7: MUST be at most PART-TARGET; a native player refuses the whole stream for a millisecond more.
        if part.duration_90k > self.part_target_90k {
            let (duration_90k, part_target_90k) = (part.duration_90k, self.part_target_90k);
            return Err(PartError::OverTarget { uri: uri(), duration_90k, part_target_90k });
        }
        if part.uri.is_empty() || part.uri.contains(|it: char| it == '"' || it.is_control()) {
            return Err(PartError::NotAUri { uri: uri() });
        }
        if self.lists(&part.uri) {
            return Err(PartError::AlreadyListed { uri: uri() });
        }
        self.open.parts.push(part);
        Ok(())
    }

    /// Whether a part is listed under this URI.
    #[must_use]
    pub fn lists(&self, uri: &str) -> bool {
        self.listed.values().flatten().chain(&self.open.parts).any(|part| part.uri == uri)
    }

    /// The segment that was being written is complete and listed under this number. Its parts stay near the edge; the next
    /// segment is open.
    pub fn close(&mut self, media_sequence: u64) {
        let parts = std::mem::take(&mut self.open).parts;
        if !parts.is_empty() {
            self.listed.insert(media_sequence, parts);
        }
    }

    /// Takes out the parts that are more than three target durations from the end, and those of segments that have left.
    pub fn trim(&mut self, playlist: &MediaPlaylist) -> Vec<EvictedPart> {
        let with_parts_90k = TARGETS_WITH_PARTS * of_seconds(playlist.target_duration_s);
        let mut after_90k = self.open.parts.iter().map(|part| part.duration_90k).sum::<u64>();
        let mut first_near = playlist.next_media_sequence();
        for segment in playlist.segments.iter().rev() {
            if after_90k > with_parts_90k {
                break;
            }
            first_near -= 1;
            after_90k = after_90k.saturating_add(segment.duration_90k);
        }
        let near = self.listed.split_off(&first_near);
        let far = std::mem::replace(&mut self.listed, near);
        evicted(far.into_values().flatten().collect(), playlist)
    }
}

fn evicted(parts: Vec<Part>, playlist: &MediaPlaylist) -> Vec<EvictedPart> {
    // bis 6.2.2 and 4.4.4.9: a part stays available for at least three target durations after it has left.
    let grace_90k = TARGETS_WITH_PARTS * of_seconds(playlist.target_duration_s);
    parts.into_iter().map(|part| EvictedPart { uri: part.uri, grace_90k }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media_playlist::Segment;

    const TARGET_90K: u64 = 18_000;

    fn part(uri: &str, duration_90k: u64) -> Part {
        Part { uri: uri.to_owned(), duration_90k, content: PartContent::Dependent }
    }

    fn lost_part(uri: &str, duration_90k: u64) -> Part {
        Part { content: PartContent::Gap, ..part(uri, duration_90k) }
    }

    fn playlist(first: u64, segments: usize) -> MediaPlaylist {
        let segment = |number: usize| Segment {
            uri: format!("{number}.ts"),
            duration_90k: 180_000,
            program_date_time: None,
            discontinuity: false,
            gap: false,
        };
        MediaPlaylist {
            version: 3,
            target_duration_s: 2,
            media_sequence: first,
            discontinuity_sequence: 0,
            independent_segments: true,
            segments: (0..segments).map(segment).collect(),
            ended: false,
        }
    }

    #[test]
    fn a_part_over_the_target_by_one_tick_is_refused() {
        let mut edge = LiveEdge::new(TARGET_90K);
        edge.push(part("a", TARGET_90K)).unwrap();
        let error = edge.push(part("b", TARGET_90K + 1)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "part b runs 0.200 s, over the part target of 0.200 s; cut parts at or below it"
        );
        assert!(matches!(edge.push(part("c", 0)), Err(PartError::NoDuration { .. })));
        assert!(matches!(edge.push(part("a", 1)), Err(PartError::AlreadyListed { .. })));
        assert!(matches!(edge.push(part("a\"b", 1)), Err(PartError::NotAUri { .. })));
        assert_eq!(edge.open().parts, [part("a", TARGET_90K)]);
    }

    #[test]
    fn a_lost_part_counts_as_a_part_and_as_time() {
        let mut edge = LiveEdge::new(TARGET_90K);
        edge.push(part("1.p0", TARGET_90K)).unwrap();
        edge.push(lost_part("1.p1", TARGET_90K)).unwrap();
        assert!(matches!(edge.push(part("1.p1", 1)), Err(PartError::AlreadyListed { .. })));
        assert!(matches!(edge.push(lost_part("1.p2", 0)), Err(PartError::NoDuration { .. })));
        assert!(matches!(edge.push(lost_part("1.p2", TARGET_90K + 1)), Err(PartError::OverTarget { .. })));
        assert_eq!(edge.last(&playlist(1, 0)), Some((1, Some(1))));
        edge.close(1);
        assert_eq!(edge.parts_of(1).iter().map(Part::is_gap).collect::<Vec<_>>(), [false, true]);
        // Six seconds and a lost part come after it: it is more than three target durations away.
        edge.push(lost_part("5.p0", 1)).unwrap();
        let gone = edge.trim(&playlist(1, 4));
        // A lost part may come late, and its file goes with the others.
        assert_eq!(gone.iter().map(|it| it.uri.as_str()).collect::<Vec<_>>(), ["1.p0", "1.p1"]);
    }

    #[test]
    fn parts_leave_when_they_are_more_than_three_target_durations_from_the_end() {
        let mut edge = LiveEdge::new(TARGET_90K);
        for number in 1..=6 {
            edge.push(part(&format!("{number}.p0"), TARGET_90K)).unwrap();
            edge.close(number);
        }
        // Six seconds come after the first of four: it is not more than three target durations away.
        assert_eq!(edge.trim(&playlist(3, 4)).len(), 2);
        assert_eq!(edge.parts_of(3), [part("3.p0", TARGET_90K)]);
        edge.push(part("7.p0", 1)).unwrap();
        let gone = edge.trim(&playlist(3, 4));
        assert_eq!(gone, [EvictedPart { uri: "3.p0".to_owned(), grace_90k: 3 * 180_000 }]);
        assert_eq!(edge.parts_of(3), []);
        assert_eq!(edge.trim(&playlist(3, 4)), []);
    }

    #[test]
    fn a_closed_segment_takes_its_parts_along_and_the_next_begins_without_tags() {
        let mut edge = LiveEdge::new(TARGET_90K);
        edge.begin(Some(Timestamp::UNIX_EPOCH), true);
        edge.push(part("1.p0", 1)).unwrap();
        assert!(edge.open().discontinuity);
        edge.close(1);
        assert_eq!(edge.open(), &OpenSegment::default());
        assert_eq!(edge.parts_of(1).len(), 1);
        assert_eq!(edge.last(&playlist(1, 1)), Some((1, Some(0))));
        assert_eq!(edge.last(&playlist(1, 0)), None);
        edge.push(part("2.p0", 1)).unwrap();
        assert_eq!(edge.last(&playlist(1, 1)), Some((2, Some(0))));
    }
}
