//! A viewer that reads every version of a playlist and holds it to RFC 8216 6.2.1 and 6.2.2.
//!
//! In: playlists as they are published, and what the window says has left. Out: a panic at the first broken rule.
//! It knows nothing of how the window works.

use std::collections::BTreeMap;

use livedir_playlist::{Evicted, MediaPlaylist, Segment};

const TICKS_PER_S: u64 = 90_000;

/// All that a viewer remembers of one segment.
#[derive(Debug)]
struct Seen {
    segment: Segment,
    /// RFC 8216 6.2.1: the number that lets players line up timelines.
    discontinuity_sequence: u64,
    /// The longest playlist that contained it.
    longest_90k: u64,
}

#[derive(Debug, Default)]
pub struct Witness {
    last: Option<MediaPlaylist>,
    seen: BTreeMap<u64, Seen>,
}

impl Witness {
    /// Looks at the next version of the playlist.
    pub fn sees(&mut self, now: &MediaPlaylist) {
        if let Some(before) = self.last.take() {
            assert!(now.media_sequence >= before.media_sequence, "media sequence went back");
            assert!(
                now.discontinuity_sequence >= before.discontinuity_sequence,
                "discontinuity sequence went back"
            );
            if before.ended && !now.ended {
                new_presentation(&before, now);
            } else {
                legal_edit(&before, now);
            }
        }
        self.remember(now);
        self.last = Some(now.clone());
    }

    /// Checks that exactly the segments that left are reported, in order, each with enough grace.
    pub fn saw_leave(&self, before: &MediaPlaylist, now: &MediaPlaylist, evicted: &[Evicted]) {
        let left = before.media_sequence..now.media_sequence;
        let reported = evicted.iter().map(|it| it.media_sequence);
        assert!(left.eq(reported), "{evicted:?}");
        for it in evicted {
            let seen = &self.seen[&it.media_sequence];
            assert_eq!(it.segment, seen.segment);
            // RFC 8216 6.2.2: its own duration plus that of the longest playlist that contained it.
            let least_90k = it.segment.duration_90k + seen.longest_90k;
            assert!(it.grace_90k >= least_90k, "{it:?} needs {least_90k}");
        }
    }

    fn remember(&mut self, now: &MediaPlaylist) {
        let duration_90k = now.segments.iter().map(|it| it.duration_90k).sum();
        let mut discontinuity_sequence = now.discontinuity_sequence;
        for (media_sequence, segment) in (now.media_sequence..).zip(&now.segments) {
            assert!(
                segment.duration_90k + TICKS_PER_S / 2 < (u64::from(now.target_duration_s) + 1) * TICKS_PER_S,
                "{segment:?} rounds above the target"
            );
            discontinuity_sequence += u64::from(segment.discontinuity);
            let seen = self.seen.entry(media_sequence).or_insert_with(|| Seen {
                segment: segment.clone(),
                discontinuity_sequence,
                longest_90k: 0,
            });
            assert_eq!(&seen.segment, segment, "a number named another segment");
            assert_eq!(
                seen.discontinuity_sequence, discontinuity_sequence,
                "{segment:?} moved to another timeline"
            );
            seen.longest_90k = seen.longest_90k.max(duration_90k);
        }
    }
}

/// RFC 8216 6.2.1: append, remove from the head, count, end; nothing else.
fn legal_edit(before: &MediaPlaylist, now: &MediaPlaylist) {
    assert_eq!(now.version, before.version);
    assert_eq!(now.target_duration_s, before.target_duration_s);
    assert_eq!(now.independent_segments, before.independent_segments);
    if before.ended {
        assert_eq!(now, before, "changed after its end");
        return;
    }
    let removed = (now.media_sequence - before.media_sequence) as usize;
    let (left, stayed) = before.segments.split_at(removed);
    assert!(now.segments.starts_with(stayed), "{before:?}\n{now:?}");
    let tags_left = left.iter().filter(|it| it.discontinuity).count() as u64;
    assert_eq!(now.discontinuity_sequence, before.discontinuity_sequence + tags_left);
    if removed > 0 {
        assert!(reaches_three_targets(now), "removed too much: {now:?}");
        assert!(now.segments.len() >= 3, "removed too many: {now:?}");
    }
    if reaches_three_targets(before) {
        assert!(reaches_three_targets(now), "fell under three targets");
    }
}

fn new_presentation(before: &MediaPlaylist, now: &MediaPlaylist) {
    let tags_left = before.segments.iter().filter(|it| it.discontinuity).count() as u64;
    assert_eq!(now.media_sequence, before.media_sequence + before.segments.len() as u64);
    assert_eq!(now.discontinuity_sequence, before.discontinuity_sequence + tags_left);
    assert_eq!(now.segments.len(), 1);
    assert!(now.segments[0].discontinuity, "no break was announced");
}

fn reaches_three_targets(playlist: &MediaPlaylist) -> bool {
    let duration_90k: u64 = playlist.segments.iter().map(|it| it.duration_90k).sum();
    duration_90k >= 3 * u64::from(playlist.target_duration_s) * TICKS_PER_S
}
