//! What holds of blocking reload and delta updates whatever the query and the playlist are. The fuzzer runs it, and a plain
//! test over the seeds. In: a query, a NUL, and the text of a playlist.

use livedir_playlist::{Directives, Edge, Listing, MediaListing, Reload, delta_update, parse, read_listing};

pub fn check(bytes: &[u8]) {
    let input = &String::from_utf8_lossy(bytes);
    let (query, text) = input.split_once('\0').unwrap_or((input, input));
    let asked = Directives::of_query(query);
    if let Ok(asked) = asked {
        assert!(asked.part.is_none() || asked.media_sequence.is_some(), "{query:?}");
    }
    let edge = Edge::of(text);
    assert_eq!(edge.is_some(), matches!(read_listing(text), Listing::Media(_)), "{text:?}");
    if let Some(edge) = edge {
        check_edge(&edge, asked.unwrap_or_default(), text);
    }
    if let Some(delta) = delta_update(text) {
        check_shorter(text, &delta);
    }
}

fn check_edge(edge: &Edge, asked: Directives, text: &str) {
    let judge = |media_sequence: Option<u64>, part: Option<u64>| {
        edge.judge(Directives { media_sequence, part, skip: asked.skip })
    };
    assert_eq!(judge(None, None), Reload::Now, "{text:?}");
    let next = edge.next_media_sequence;
    let numbers =
        [0, 1, next.saturating_sub(1), next, next.saturating_add(1), next.saturating_add(2), u64::MAX];
    for number in numbers.into_iter().chain(asked.media_sequence) {
        for part in [None, Some(0), Some(edge.open_parts), Some(u64::MAX), asked.part] {
            let judged = judge(Some(number), part);
            if edge.ended || !edge.can_block_reload {
                assert_eq!(judged, Reload::Now, "{number} {part:?} of {text:?}");
            }
            // Nobody waits for what is there, nor is refused it.
            if number < next && part.is_none() {
                assert_eq!(judged, Reload::Now, "{number} of {text:?}");
            }
            // What is not there at all is not given.
            if judged == Reload::Now && edge.can_block_reload && !edge.ended {
                assert!(number <= next, "{number} {part:?} of {text:?}");
            }
        }
    }
}

fn check_shorter(text: &str, delta: &str) {
    let (Listing::Media(whole), Listing::Media(shorter)) = (read_listing(text), read_listing(delta)) else {
        panic!("no media playlist: {text:?}")
    };
    // Of what a strict reader refuses nothing more is promised.
    if parse(text).is_err() || !has_its_header_first(&whole) {
        return;
    }
    assert!(shorter.segments.len() < whole.segments.len(), "{text:?}");
    let skipped = whole.segments.len() - shorter.segments.len();
    assert_eq!(shorter.skipped_segments, skipped as u64, "{text:?}\n{delta:?}");
    assert_eq!(shorter.next_media_sequence(), whole.next_media_sequence(), "{text:?}\n{delta:?}");
    for (kept, segment) in shorter.segments.iter().zip(&whole.segments[skipped..]) {
        assert_eq!((&kept.uri, &kept.parts.len()), (&segment.uri, &segment.parts.len()), "{text:?}");
    }
    assert_eq!(delta_update(delta), None, "what was skipped is skipped once: {delta:?}");
}

/// As ours have: no tag of a segment stands before one of the playlist.
fn has_its_header_first(listing: &MediaListing) -> bool {
    let line = |name: &str| listing.tag(name).map(|tag| tag.line);
    let of_segments = ["EXTINF", "EXT-X-DISCONTINUITY", "EXT-X-PROGRAM-DATE-TIME", "EXT-X-PART", "EXT-X-GAP"];
    let first = of_segments.into_iter().filter_map(line).min();
    let last = ["EXT-X-MEDIA-SEQUENCE", "EXT-X-SERVER-CONTROL"].into_iter().filter_map(line).max();
    last <= first
}
