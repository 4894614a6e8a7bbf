//! What a media playlist says, as values; what follows from them alone is a method here.
//!
//! In: nothing. Out: the types that every other file passes on. No thread.

use jiff::Timestamp;
use livedir_time::ticks::nearest_second;

/// A media playlist of whole MPEG-TS files (RFC 8216 4.3.2, 4.3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaPlaylist {
    /// EXT-X-VERSION; 1 when the tag is absent.
    pub version: u8,
    /// EXT-X-TARGETDURATION, seconds: no segment rounds above it, and it never changes.
    pub target_duration_s: u32,
    /// EXT-X-MEDIA-SEQUENCE: the number of the first segment listed, or of the next one when none is.
    pub media_sequence: u64,
    /// EXT-X-DISCONTINUITY-SEQUENCE: how many EXT-X-DISCONTINUITY tags have left the playlist.
    pub discontinuity_sequence: u64,
    /// EXT-X-INDEPENDENT-SEGMENTS: every segment begins with a keyframe.
    pub independent_segments: bool,
    /// Oldest first.
    pub segments: Vec<Segment>,
    /// EXT-X-ENDLIST: no segment will be added.
    pub ended: bool,
}

impl MediaPlaylist {
    /// The sum of all EXTINF.
    #[must_use]
    pub fn duration_90k(&self) -> u64 {
        self.segments.iter().fold(0, |sum_90k, segment| sum_90k.saturating_add(segment.duration_90k))
    }

    /// The number that the next segment to be added will have.
    #[must_use]
    pub fn next_media_sequence(&self) -> u64 {
        self.media_sequence.saturating_add(self.segments.len() as u64)
    }

    /// The discontinuity sequence number of the listed segment with this number (RFC 8216 4.3.3.3); `None` of one that is not
    /// listed.
    #[must_use]
    pub fn discontinuity_sequence_of(&self, media_sequence: u64) -> Option<u64> {
        let index = usize::try_from(media_sequence.checked_sub(self.media_sequence)?).ok()?;
        let until = self.segments.get(..=index)?;
        let breaks = until.iter().filter(|segment| segment.discontinuity).count() as u64;
        Some(self.discontinuity_sequence.saturating_add(breaks))
    }
}

/// One listed segment, with the tags that apply to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Relative to the playlist, such as `live/seg-00000001.ts`.
    pub uri: String,
    /// EXTINF.
    pub duration_90k: u64,
    /// EXT-X-PROGRAM-DATE-TIME: when the first frame was captured. A playlist keeps whole milliseconds.
    pub program_date_time: Option<Timestamp>,
    /// EXT-X-DISCONTINUITY: the timeline breaks between the segment before and this one.
    pub discontinuity: bool,
    /// EXT-X-GAP: its file is missing, and is not to be asked for (bis 4.4.4.7).
    pub gap: bool,
}

impl Segment {
    /// EXTINF rounded to the nearest second, halves up: what RFC 8216 4.3.3.1 compares with the target duration.
    #[must_use]
    pub fn rounded_duration_s(&self) -> u64 {
        nearest_second(self.duration_90k)
    }

    /// Whether the URI can stand on a line of its own and be read back as the same URI.
    pub(crate) fn uri_fits_a_line(&self) -> bool {
        !self.uri.is_empty()
            && !self.uri.starts_with('#')
            && self.uri.trim() == self.uri
            && !self.uri.contains(char::is_control)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(uri: &str, duration_90k: u64) -> Segment {
        Segment {
            uri: uri.to_owned(),
            duration_90k,
            program_date_time: None,
            discontinuity: false,
            gap: false,
        }
    }

    #[test]
    fn half_a_second_rounds_up_and_a_tick_less_rounds_down() {
        #[track_caller]
        fn check(duration_90k: u64, expected_s: u64) {
            assert_eq!(segment("a.ts", duration_90k).rounded_duration_s(), expected_s);
        }
        check(0, 0);
        check(224_999, 2);
        check(225_000, 3);
        check(u64::MAX, u64::MAX / 90_000);
    }

    #[test]
    fn uri_that_would_be_read_as_something_else_does_not_fit() {
        #[track_caller]
        fn check(uri: &str, expected: bool) {
            assert_eq!(segment(uri, 1).uri_fits_a_line(), expected, "{uri:?}");
        }
        check("live/seg-00000001.ts", true);
        check("käse film.ts?a=b#c", true);
        check("", false);
        check("#EXT-X-ENDLIST", false);
        check("a.ts\n#EXT-X-ENDLIST", false);
        check("a\u{85}b.ts", false);
        check(" a.ts", false);
        check("a.ts ", false);
    }

    #[test]
    fn sums_and_numbers_stop_at_the_greatest_value() {
        let playlist = MediaPlaylist {
            version: 3,
            target_duration_s: 2,
            media_sequence: u64::MAX,
            discontinuity_sequence: 0,
            independent_segments: true,
            segments: vec![segment("a.ts", u64::MAX), segment("b.ts", 1)],
            ended: false,
        };
        assert_eq!(playlist.duration_90k(), u64::MAX);
        assert_eq!(playlist.next_media_sequence(), u64::MAX);
    }
}
