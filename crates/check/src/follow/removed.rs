//! Removed: which segments have left the playlist and must still be there, and when to ask for them.
//!
//! In: what each version lists, and the time. Out: whom to ask for now. Pure; the follower of the segments asks.

use std::collections::HashMap;

use livedir_playlist::ListedSegment;

/// How long after its removal a segment is first asked for. From then on the pauses double, so that a long window does not
/// become a flood of requests.
const FIRST_ASKED_AFTER_S: f64 = 1.0;

/// So long before its grace is over it is asked for once more: enough for the answer to come in time.
const LAST_ASKED_BEFORE_S: f64 = 0.5;

/// A segment that has left the playlist.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Removed {
    /// As the playlist had it.
    pub uri: String,
    /// The last moment at which it was seen in the playlist: it left then or later.
    pub listed_until_s: f64,
    /// Its own duration, and that of the longest playlist that it was seen in (RFC 8216 6.2.2).
    pub must_stay_s: f64,
    ask_at_s: f64,
}

impl Removed {
    /// No less than what has passed since it left: a server that keeps it for so long does not break the rule.
    #[must_use]
    pub(crate) fn since_removed_s(&self, now_s: f64) -> f64 {
        now_s - self.listed_until_s
    }
}

struct Listed {
    duration_s: f64,
    longest_playlist_s: f64,
    version: u64,
}

/// Follows what one playlist lists and lists no more.
#[derive(Default)]
pub(crate) struct RemovedSegments {
    listed: HashMap<String, Listed>,
    removed: Vec<Removed>,
    versions: u64,
}

impl RemovedSegments {
    /// Takes in a version. `before_until_s` is when the version before it was last seen.
    pub(crate) fn update(&mut self, segments: &[ListedSegment], before_until_s: f64) {
        self.versions += 1;
        let duration_s = |segment: &ListedSegment| segment.duration_s.unwrap_or(0.0);
        let playlist_s: f64 = segments.iter().map(duration_s).sum();
        // bis-22 4.4.4.7: with EXT-X-GAP there is no file that could stay.
        for segment in segments.iter().filter(|segment| !segment.gap) {
            let (uri, duration_s) = (&segment.uri, duration_s(segment));
            let listed = self.listed.entry(uri.to_owned()).or_insert(Listed {
                duration_s,
                longest_playlist_s: playlist_s,
                version: self.versions,
            });
            listed.version = self.versions;
            listed.longest_playlist_s = listed.longest_playlist_s.max(playlist_s);
        }
        let left = self.listed.extract_if(|_, listed| listed.version != self.versions);
        self.removed.extend(left.map(|(uri, listed)| {
            let must_stay_s = listed.duration_s + listed.longest_playlist_s;
            let ask_at_s = before_until_s + FIRST_ASKED_AFTER_S.min(must_stay_s / 2.0);
            Removed { uri, listed_until_s: before_until_s, must_stay_s, ask_at_s }
        }));
        // One that came back is in the playlist's care again.
        self.removed.retain(|removed| !self.listed.contains_key(&removed.uri));
    }

    /// Whether the newest version lists it.
    #[must_use]
    pub(crate) fn is_listed(&self, uri: &str) -> bool {
        self.listed.contains_key(uri)
    }

    /// Whether it left so long ago that it may be gone, or was never seen.
    #[must_use]
    pub(crate) fn may_be_gone(&self, uri: &str) -> bool {
        !self.is_listed(uri) && !self.removed.iter().any(|removed| removed.uri == uri)
    }

    /// For how long the segment has to stay after it has left the playlist, if the newest version lists it.
    #[must_use]
    pub(crate) fn must_stay_s(&self, uri: &str) -> Option<f64> {
        self.listed.get(uri).map(|listed| listed.duration_s + listed.longest_playlist_s)
    }

    /// One that is to be asked for now. Those whose grace is over are forgotten.
    pub(crate) fn due(&mut self, now_s: f64) -> Option<Removed> {
        self.removed.retain(|removed| removed.since_removed_s(now_s) < removed.must_stay_s);
        let removed = self.removed.iter_mut().find(|removed| removed.ask_at_s <= now_s)?;
        let last_s = removed.listed_until_s + removed.must_stay_s - LAST_ASKED_BEFORE_S;
        let doubled_s = removed.listed_until_s + 2.0 * removed.since_removed_s(now_s);
        removed.ask_at_s = if now_s < last_s { doubled_s.min(last_s) } else { f64::INFINITY };
        Some(removed.clone())
    }

    /// All whose grace is not over, for a last question.
    pub(crate) fn take_all(&mut self, now_s: f64) -> Vec<Removed> {
        self.removed.retain(|removed| removed.since_removed_s(now_s) < removed.must_stay_s);
        std::mem::take(&mut self.removed)
    }

    /// It was found to be gone; that is said once.
    pub(crate) fn forget(&mut self, uri: &str) {
        self.removed.retain(|removed| removed.uri != uri);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Behind the URI of a segment with EXT-X-GAP.
    const LOST: char = '?';

    fn removed_after(versions: &[(&[&str], f64)]) -> RemovedSegments {
        let mut removed = RemovedSegments::default();
        for (uris, before_until_s) in versions {
            let segment = |uri: &&str| ListedSegment {
                uri: uri.trim_end_matches(LOST).to_owned(),
                duration_s: Some(2.0),
                gap: uri.ends_with(LOST),
                ..ListedSegment::default()
            };
            removed.update(&uris.iter().map(segment).collect::<Vec<_>>(), *before_until_s);
        }
        removed
    }

    #[test]
    fn a_removed_segment_must_stay_for_its_own_time_and_that_of_the_longest_playlist() {
        let mut removed = removed_after(&[(&["a", "b"], 0.0), (&["a", "b", "c"], 2.0), (&["b", "c"], 3.5)]);
        assert!(removed.is_listed("b") && !removed.is_listed("a"));
        assert_eq!((removed.must_stay_s("b"), removed.must_stay_s("a")), (Some(8.0), None));
        assert_eq!(removed.due(4.0), None);
        let asked = removed.due(4.5).unwrap();
        assert_eq!((asked.uri.as_str(), asked.listed_until_s, asked.must_stay_s), ("a", 3.5, 8.0));
        assert!((asked.since_removed_s(4.5) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_segment_that_was_never_there_need_not_stay_and_counts_as_time() {
        let mut removed = removed_after(&[(&["a?", "b", "c"], 0.0), (&["b", "c"], 3.5), (&["c"], 5.5)]);
        assert!(removed.may_be_gone("a"));
        let asked = removed.take_all(6.0);
        assert_eq!(
            asked.iter().map(|it| (it.uri.as_str(), it.must_stay_s)).collect::<Vec<_>>(),
            [("b", 8.0)]
        );
    }

    #[test]
    fn it_is_asked_for_in_growing_pauses_and_once_more_before_its_grace_is_over() {
        let mut removed = removed_after(&[(&["a", "b", "c"], 0.0), (&["b", "c"], 0.0)]);
        let mut asked_s = Vec::new();
        for tenths in 0..200 {
            let now_s = f64::from(tenths) / 10.0;
            asked_s.extend(removed.due(now_s).map(|_| now_s));
        }
        assert_eq!(asked_s, [1.0, 2.0, 4.0, 7.5]);
        assert!(removed.may_be_gone("a"));
        assert!(!removed.may_be_gone("b"));
    }

    #[test]
    fn one_that_is_gone_or_came_back_is_asked_for_no_more() {
        let mut gone = removed_after(&[(&["a", "b"], 0.0), (&["b"], 2.0)]);
        gone.forget("a");
        assert_eq!(gone.take_all(2.0), []);
        let mut back = removed_after(&[(&["a", "b"], 0.0), (&["b"], 2.0), (&["a", "b"], 4.0)]);
        assert_eq!(back.take_all(4.0), []);
    }
}
