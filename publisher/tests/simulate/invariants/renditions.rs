//! Renditions of one stream: the same numbers, discontinuities and borders, and reports that are true.

use super::{
    Judge, Verdict,
    channel::{Channel, Which},
};
use livedir_playlist::MediaListing;

/// Numbers of segments, their discontinuity sequence numbers, lengths, and whether there is something.
fn entries(listing: &MediaListing) -> impl Iterator<Item = (u64, u64, f64, bool)> + '_ {
    let mut discontinuities = listing.discontinuity_sequence.unwrap_or(0);
    (listing.first_media_sequence()..).zip(&listing.segments).map(move |(number, segment)| {
        discontinuities += u64::from(segment.discontinuity);
        (number, discontinuities, segment.duration_s.unwrap_or(0.0), segment.gap)
    })
}

pub fn check(judge: &Judge, index: usize, which: Which) -> Verdict {
    let channel = &judge.channels[index];
    if which == Which::Low {
        return check_reports(judge, channel);
    }
    let Some(plain) = &channel.plain else { return Ok(()) };
    let tolerance_s = judge.picture_us as f64 / 1e6 + 0.05;
    for other in judge.current.iter().filter(|other| **other != index).map(|other| &judge.channels[*other]) {
        let Some(others) = &other.plain else { continue };
        let mut theirs = entries(&others.listing).peekable();
        for (number, discontinuities, duration_s, gap) in entries(&plain.listing) {
            while theirs.next_if(|it| it.0 < number).is_some() {}
            let Some(their) = theirs.peek().filter(|it| it.0 == number) else { continue };
            if their.1 != discontinuities {
                let words = format!(
                    "number {number} has discontinuity sequence {discontinuities}, and {} in {}",
                    their.1,
                    other.directory.display()
                );
                return channel.broken("renditions", &words);
            }
            if !gap && !their.3 && (their.2 - duration_s).abs() > tolerance_s {
                let words = format!(
                    "number {number} lasts {duration_s:.3} s, and {:.3} s in {}",
                    their.2,
                    other.directory.display()
                );
                return channel.broken("renditions", &words);
            }
        }
    }
    Ok(())
}

/// The last segment of which something is listed, and how many parts of it are.
fn edge(listing: &MediaListing) -> (u64, u64) {
    let next = listing.next_media_sequence();
    if listing.open_parts.is_empty() {
        let parts = listing.segments.last().map_or(0, |last| last.parts.len() as u64);
        (next.saturating_sub(1), parts)
    } else {
        (next, listing.open_parts.len() as u64)
    }
}

fn check_reports(judge: &Judge, channel: &Channel) -> Verdict {
    let Some(low) = &channel.low else { return Ok(()) };
    for tag in low.listing.tags.iter().filter(|tag| tag.name == "EXT-X-RENDITION-REPORT") {
        let attribute = |name: &str| -> Option<u64> {
            let (_, rest) = tag.value.split_once(name)?;
            rest.split(',').next()?.parse().ok()
        };
        let uri = tag.value.split('"').nth(1).unwrap_or_default();
        let Some(name) = uri.split('/').nth(1) else { continue };
        let other =
            judge.current.iter().map(|index| &judge.channels[*index]).find(|it| it.live.ends_with(name));
        let Some(theirs) = other.and_then(|other| other.low.as_ref()) else { continue };
        let (msn, part) = (attribute("LAST-MSN=").unwrap_or(0), attribute("LAST-PART="));
        let (is_msn, parts) = edge(&theirs.listing);
        // A list that lists nothing any more does not say how many parts its last segment had.
        let lists_nothing = theirs.listing.segments.is_empty() && theirs.listing.open_parts.is_empty();
        let is_ahead = msn > is_msn
            || (!lists_nothing && msn == is_msn && part.is_some_and(|part| part >= parts.max(1)));
        if is_ahead {
            let words = format!("{} while {name} is at {is_msn} with {parts} parts", tag.value);
            return channel.broken("reports", &words);
        }
    }
    Ok(())
}
