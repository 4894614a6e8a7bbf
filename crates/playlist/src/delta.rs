//! Delta updates: a playlist without the old segments, for players that have them already (bis 6.2.5.1).
//!
//! In: the text of a playlist. Out: a shorter text with EXT-X-SKIP, or none when there is nothing to skip. No thread.

use std::fmt::Write as _;

use crate::listing::{Listing, MediaListing, attribute, decimal, read_listing};

/// bis 7: the lowest version with EXT-X-SKIP.
const VERSION: u64 = 9;

/// The delta update of a playlist; `None` when the whole is to be sent.
#[must_use]
pub fn delta_update(text: &str) -> Option<String> {
    let Listing::Media(listing) = read_listing(text) else { return None };
    let control = listing.tag("EXT-X-SERVER-CONTROL")?;
    let skip_until_s = decimal(attribute(&control.value, "CAN-SKIP-UNTIL")?)?;
    let skipped = skipped_segments(&listing, skip_until_s);
    let last_skipped = listing.segments.get(skipped.checked_sub(1)?)?;
    let first_line = first_line_of_segments(&listing)?;

    let mut delta = String::with_capacity(text.len());
    for (line, content) in (1..).zip(text.lines()) {
        if line == first_line {
            writeln!(delta, "#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}").ok()?;
        }
        if (first_line..=last_skipped.line).contains(&line) {
            continue;
        }
        if content.starts_with("#EXT-X-VERSION:") {
            writeln!(delta, "#EXT-X-VERSION:{}", listing.version.unwrap_or(1).max(VERSION)).ok()?;
        } else {
            writeln!(delta, "{content}").ok()?;
        }
    }
    Some(delta)
}

/// bis 4.4.3.8: segments that are further from the end than the skip boundary may be skipped. The end is that of the last
/// part.
fn skipped_segments(listing: &MediaListing, skip_until_s: f64) -> usize {
    let last_line = listing.segments.last().map_or(0, |segment| segment.line);
    let parts = listing.tags.iter().filter(|tag| tag.name == "EXT-X-PART" && tag.line > last_line);
    let duration_s = |value: &str| attribute(value, "DURATION").and_then(decimal).unwrap_or(0.0);
    let mut from_end_s: f64 = parts.map(|tag| duration_s(&tag.value)).sum();
    let near = listing
        .segments
        .iter()
        .rev()
        .take_while(|segment| {
            let is_near = from_end_s <= skip_until_s;
            from_end_s += segment.duration_s.unwrap_or(0.0);
            is_near
        })
        .count();
    listing.segments.len() - near
}

/// Where the tags of the first segment begin: ours stand directly before it.
fn first_line_of_segments(listing: &MediaListing) -> Option<usize> {
    let of_a_segment = |name: &str| {
        matches!(
            name,
            "EXTINF" | "EXT-X-DISCONTINUITY" | "EXT-X-PROGRAM-DATE-TIME" | "EXT-X-PART" | "EXT-X-GAP"
        )
    };
    listing.tags.iter().find(|tag| of_a_segment(&tag.name)).map(|tag| tag.line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn playlist(segments: u64, open: &str) -> String {
        let mut text = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n\
            #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.6,CAN-SKIP-UNTIL=12.0\n\
            #EXT-X-MEDIA-SEQUENCE:5\n"
            .to_owned();
        for number in 0..segments {
            write!(text, "#EXT-X-DISCONTINUITY\n#EXTINF:2.0,\n{number}.ts\n").unwrap();
        }
        text + open
    }

    #[test]
    fn segments_behind_the_boundary_are_skipped_with_their_tags() {
        let delta = delta_update(&playlist(9, "")).unwrap();
        assert!(
            delta.contains(
                "MEDIA-SEQUENCE:5\n#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n#EXT-X-DISCONTINUITY\n#EXTINF:2.0,\n2.ts\n"
            ),
            "{delta}"
        );
        assert!(delta.contains("#EXT-X-VERSION:9\n") && delta.ends_with("8.ts\n"), "{delta}");
    }

    #[test]
    fn parts_at_the_edge_count_as_time() {
        let open = "#EXT-X-PART:DURATION=0.2,URI=\"p\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"q\"\n";
        let delta = delta_update(&playlist(9, open)).unwrap();
        assert!(delta.contains("SKIPPED-SEGMENTS=3\n") && delta.ends_with(open), "{delta}");
    }

    #[test]
    fn a_playlist_with_nothing_to_skip_is_sent_whole() {
        assert_eq!(delta_update(&playlist(7, "")), None);
        assert_eq!(delta_update(&playlist(9, "").replace(",CAN-SKIP-UNTIL=12.0", "")), None);
        assert_eq!(delta_update("#EXTM3U\n"), None);
    }
}
