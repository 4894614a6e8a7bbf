//! Blocking reload: which requests for a low-latency playlist are answered now, which wait, and which are wrong.
//!
//! In: the query of a request, and what the playlist on disk says of its edge. Out: a decision. No thread, no clock:
//! the server holds, wakes and gives up.

use crate::listing::{Listing, attribute, decimal, read_listing};

/// bis 6.2.5.2: a request may be ahead of the last segment by this many.
const SEGMENTS_AHEAD: u64 = 2;

/// bis 6.2.5.2: how far ahead a request may be, in seconds of parts, or in parts of a second or more.
const ADVANCE_PART_LIMIT: f64 = 3.0;

/// The end of a playlist, as far as requests for the next one depend on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    /// The number of the segment that is being written.
    pub next_media_sequence: u64,
    /// How many of its parts are listed.
    pub open_parts: u64,
    /// How many parts of the last complete segment are listed.
    pub last_parts: u64,
    /// EXT-X-TARGETDURATION, seconds.
    pub target_duration_s: u64,
    /// PART-TARGET, seconds.
    pub part_target_s: Option<f64>,
    /// EXT-X-ENDLIST.
    pub ended: bool,
    /// CAN-BLOCK-RELOAD=YES.
    pub can_block_reload: bool,
    /// The URI of the part that comes next; never that of one that is lost.
    pub hint: Option<String>,
}

/// What is to be done with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// Answer with the playlist as it is.
    Now,
    /// Answer with the first playlist for which this is `Now`.
    Wait,
    /// Answer with 400, for this reason.
    BadRequest(&'static str),
}

/// The delivery directives of a request (bis 6.2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Directives {
    /// `_HLS_msn`.
    pub media_sequence: Option<u64>,
    /// `_HLS_part`.
    pub part: Option<u64>,
    /// `_HLS_skip`, whatever it asks to skip.
    pub skip: bool,
}

impl Directives {
    /// Reads the query of a request, without its question mark.
    pub fn of_query(query: &str) -> Result<Directives, &'static str> {
        let mut directives = Directives::default();
        for (name, value) in query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))) {
            let number = || value.parse().ok().filter(|_| value.bytes().all(|it| it.is_ascii_digit()));
            match name {
                "_HLS_msn" => {
                    directives.media_sequence = Some(number().ok_or("_HLS_msn is not a whole number")?);
                }
                "_HLS_part" => directives.part = Some(number().ok_or("_HLS_part is not a whole number")?),
                "_HLS_skip" if matches!(value, "YES" | "v2") => directives.skip = true,
                _ => {}
            }
        }
        // bis 6.2.5.2: MUST be refused.
        if directives.part.is_some() && directives.media_sequence.is_none() {
            return Err("_HLS_part needs _HLS_msn");
        }
        Ok(directives)
    }
}

impl Edge {
    /// Reads the text of a media playlist; `None` for any other text.
    #[must_use]
    pub fn of(text: &str) -> Option<Edge> {
        let Listing::Media(listing) = read_listing(text) else { return None };
        let attribute = |tag: &str, name: &str| {
            listing.tag(tag).and_then(|tag| attribute(&tag.value, name).map(str::to_owned))
        };
        let line_of_last = |back: usize| {
            let index = listing.segments.len().checked_sub(back);
            index.and_then(|index| listing.segments.get(index)).map_or(0, |segment| segment.line)
        };
        let parts_between = |after: usize, until: usize| {
            let parts = listing.tags.iter().filter(|tag| tag.name == "EXT-X-PART");
            parts.filter(|tag| (after..until).contains(&tag.line)).count() as u64
        };
        // bis 4.4.4.9: a part with GAP=YES is not available, and so there is nothing to wait for.
        let is_lost = |uri: &str| listing.parts().any(|it| it.gap && it.byterange.is_none() && it.uri == uri);
        let hint = listing.hinted_part().map(|hint| hint.uri.clone()).filter(|uri| !is_lost(uri));
        Some(Edge {
            next_media_sequence: listing.next_media_sequence(),
            open_parts: parts_between(line_of_last(1), usize::MAX),
            last_parts: parts_between(line_of_last(2), line_of_last(1)),
            target_duration_s: listing.target_duration_s.unwrap_or(1),
            part_target_s: attribute("EXT-X-PART-INF", "PART-TARGET").and_then(|it| decimal(&it)),
            ended: listing.ended,
            can_block_reload: attribute("EXT-X-SERVER-CONTROL", "CAN-BLOCK-RELOAD").as_deref() == Some("YES"),
            hint: hint.filter(|uri| !uri.is_empty()),
        })
    }

    /// What is to be done with a request for this playlist.
    #[must_use]
    pub fn judge(&self, directives: Directives) -> Reload {
        // bis 6.2.5.2: with EXT-X-ENDLIST all directives MUST be ignored.
        let Some(wanted) = directives.media_sequence.filter(|_| !self.ended && self.can_block_reload) else {
            return Reload::Now;
        };
        let Some(last) = self.next_media_sequence.checked_sub(1) else { return Self::judge_first(wanted) };
        // bis 6.2.5.2: SHOULD be refused at once.
        if wanted > last.saturating_add(SEGMENTS_AHEAD) {
            return Reload::BadRequest("_HLS_msn is more than two segments ahead");
        }
        let Some(part) = directives.part else {
            return if wanted <= last { Reload::Now } else { Reload::Wait };
        };
        // bis 6.2.5.2: the part after the last part of a segment is the first part of the next segment.
        let (wanted, part) =
            if wanted == last && part >= self.last_parts.max(1) { (wanted + 1, 0) } else { (wanted, part) };
        if wanted <= last || (wanted == self.next_media_sequence && part < self.open_parts) {
            return Reload::Now;
        }
        let ahead = if wanted == self.next_media_sequence { part - self.open_parts } else { part };
        if ahead as f64 > self.advance_part_limit() {
            return Reload::BadRequest("_HLS_part is too far ahead");
        }
        Reload::Wait
    }

    /// Nothing was ever complete, and the first number is 0.
    fn judge_first(wanted: u64) -> Reload {
        if wanted > SEGMENTS_AHEAD {
            return Reload::BadRequest("_HLS_msn is more than two segments ahead");
        }
        Reload::Wait
    }

    fn advance_part_limit(&self) -> f64 {
        match self.part_target_s {
            Some(part_target_s) if part_target_s > 0.0 && part_target_s < 1.0 => {
                ADVANCE_PART_LIMIT / part_target_s
            }
            _ => ADVANCE_PART_LIMIT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segments 7 and 8 are complete, 8 has two parts listed, and three of 9 are.
    const TEXT: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n\
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3.0\n#EXT-X-PART-INF:PART-TARGET=1.0\n\
        #EXTINF:2,\n7.ts\n#EXT-X-PART:DURATION=1.0,URI=\"8.p0.ts\"\n#EXT-X-PART:DURATION=1.0,URI=\"8.p1.ts\"\n\
        #EXTINF:2,\n8.ts\n#EXT-X-PART:DURATION=0.5,URI=\"9.p0.ts\"\n#EXT-X-PART:DURATION=0.5,URI=\"9.p1.ts\"\n\
        #EXT-X-PART:DURATION=0.5,URI=\"9.p2.ts\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"9.p3.ts\"\n";

    fn judge(edge: &Edge, query: &str) -> &'static str {
        match Directives::of_query(query).map(|it| edge.judge(it)) {
            Ok(Reload::Now) => "now",
            Ok(Reload::Wait) => "wait",
            Ok(Reload::BadRequest(_)) | Err(_) => "400",
        }
    }

    #[track_caller]
    fn check(query: &str, expected: &str) {
        let edge = Edge::of(TEXT).unwrap();
        assert_eq!(judge(&edge, query), expected, "{query}");
    }

    #[test]
    fn the_edge_is_read_from_the_text() {
        let edge = Edge::of(TEXT).unwrap();
        assert_eq!((edge.next_media_sequence, edge.open_parts, edge.last_parts), (9, 3, 2));
        assert_eq!(edge.hint.as_deref(), Some("9.p3.ts"));
        assert_eq!((edge.part_target_s, edge.can_block_reload), (Some(1.0), true));
        assert_eq!(Edge::of("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n"), None);
    }

    #[test]
    fn a_segment_is_waited_for_until_it_is_complete() {
        check("", "now");
        check("a=b&token=7", "now");
        check("_HLS_msn=3", "now");
        check("_HLS_msn=8", "now");
        check("_HLS_msn=9", "wait");
        check("token=7&_HLS_msn=10", "wait");
        check("_HLS_msn=11", "400");
        check("_HLS_msn=18446744073709551615", "400");
    }

    #[test]
    fn a_part_is_waited_for_until_it_is_listed() {
        check("_HLS_msn=9&_HLS_part=2", "now");
        check("_HLS_part=3&_HLS_msn=9", "wait");
        check("_HLS_msn=9&_HLS_part=6", "wait");
        check("_HLS_msn=9&_HLS_part=7", "400");
        check("_HLS_msn=10&_HLS_part=0", "wait");
        check("_HLS_msn=10&_HLS_part=4", "400");
        check("_HLS_msn=7&_HLS_part=99", "now");
    }

    #[test]
    fn a_part_behind_the_last_of_a_segment_is_the_first_of_the_next() {
        check("_HLS_msn=8&_HLS_part=1", "now");
        check("_HLS_msn=8&_HLS_part=2", "now");
        let without = TEXT.replace("#EXT-X-PART:DURATION=0.5", "#EXT-X-NO:DURATION=0.5");
        let edge = Edge::of(&without).unwrap();
        assert_eq!(judge(&edge, "_HLS_msn=8&_HLS_part=2"), "wait");
        assert_eq!(judge(&edge, "_HLS_msn=8&_HLS_part=1"), "now");
    }

    #[test]
    fn a_part_that_is_lost_counts_as_a_part_and_is_waited_for_by_nobody() {
        let lost = TEXT.replace("9.p2.ts\"", "9.p2.ts\",GAP=YES").replace("8.p1.ts\"", "8.p1.ts\",GAP=YES");
        let edge = Edge::of(&lost).unwrap();
        assert_eq!(Some(&edge), Edge::of(TEXT).as_ref());
        assert_eq!(judge(&edge, "_HLS_msn=9&_HLS_part=2"), "now");
        assert_eq!(judge(&edge, "_HLS_msn=9&_HLS_part=3"), "wait");
        assert_eq!(judge(&edge, "_HLS_msn=8&_HLS_part=1"), "now");
        // A writer that says both.
        let hinted = lost.replace("9.p3.ts", "9.p2.ts");
        assert_eq!(Edge::of(&hinted).unwrap().hint, None);
        // More of the same file may come.
        let ranges = hinted.replace("GAP=YES", "GAP=YES,BYTERANGE=\"9@0\"");
        assert_eq!(Edge::of(&ranges).unwrap().hint.as_deref(), Some("9.p2.ts"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        check("_HLS_part=1", "400");
        check("_HLS_msn=", "400");
        check("_HLS_msn=+9", "400");
        check("_HLS_msn=9&_HLS_part=-1", "400");
        check("_HLS_msn=99999999999999999999", "400");
    }

    #[test]
    fn a_playlist_that_has_ended_or_cannot_be_waited_for_is_answered_at_once() {
        let ended = Edge::of(&format!("{TEXT}#EXT-X-ENDLIST\n")).unwrap();
        assert_eq!(judge(&ended, "_HLS_msn=9"), "now");
        assert_eq!(judge(&ended, "_HLS_msn=99"), "now");
        let plain = Edge::of("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n").unwrap();
        assert_eq!(judge(&plain, "_HLS_msn=9"), "now");
    }
}
