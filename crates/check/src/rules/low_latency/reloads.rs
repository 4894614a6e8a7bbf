//! What a server makes of delivery directives and of requests for what it has hinted at (bis-22 6.2.5.2, 6.2.6).

use crate::rules::finding::{Finding, Findings};
use crate::rules::rule::{Rule, must, should};
use livedir_playlist::{Directives, Edge, Reload};
use livedir_playlist::{Listing, read_listing};

pub(crate) static RELOAD_NOT_HELD: Rule = must(
    "blocking-reload-not-held",
    "bis-22 6.2.5.2",
    "A request for a playlist that does not exist yet is answered when it does, and not before.",
);
pub(crate) static RELOAD_REFUSED: Rule = must(
    "blocking-reload-refused",
    "bis-22 6.2.5.2",
    "Who says CAN-BLOCK-RELOAD=YES answers requests for the next part and the next segment.",
);
pub(crate) static PART_ALONE_ANSWERED: Rule = must(
    "part-without-segment-answered",
    "bis-22 6.2.5.2",
    "_HLS_part without _HLS_msn means nothing and is refused with status 400.",
);
pub(crate) static FAR_AHEAD_ANSWERED: Rule = should(
    "far-ahead-answered",
    "bis-22 6.2.5.2",
    "A request for a segment that is far from being made is refused with status 400, not held.",
);
pub(crate) static HINT_REFUSED: Rule = must(
    "preload-hint-refused",
    "bis-22 6.2.6",
    "What is hinted at can be asked for at once, and is sent when it is complete, or 404 if it is lost.",
);

/// What a server has given up to hold is no fault of its own: bis-22 6.2.5.2 asks for this status then.
const GIVEN_UP: u16 = 503;

/// A request to a server that says CAN-BLOCK-RELOAD=YES.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// For the playlist that has the next part or segment.
    Next(Directives),
    /// `_HLS_part` and no `_HLS_msn`.
    PartAlone,
    /// For the playlist with this segment, more than two ahead.
    FarAhead(u64),
    /// For what EXT-X-PRELOAD-HINT names.
    Hint(String),
}

/// bis-22 6.2.6: what was hinted at and does not come SHOULD be answered so.
const NOT_FOUND: [u16; 2] = [404, 410];

/// Holds the answer to the request: its status, none if it did not come for longer than it may be held, and the playlist: the
/// answer if it is one, else as it is after the answer, if it is known.
#[must_use]
pub fn check_reload(name: &str, asked: &Asked, status: Option<u16>, text: &str) -> Vec<Finding> {
    let mut findings = Findings::new(name);
    let has_ended = matches!(read_listing(text), Listing::Media(listing) if !listing.is_live());
    let is_there = matches!(status, Some(200 | 206));
    let is_refused = status == Some(400);
    let seen = status.map_or("no answer".to_owned(), |status| format!("status {status}"));
    match asked {
        Asked::Next(_) | Asked::Hint(_) if status.is_none_or(|status| status == GIVEN_UP) => {}
        Asked::Next(_) if is_refused => {
            findings.whole(&RELOAD_REFUSED, seen, "200, when the next part is there");
        }
        Asked::Next(directives) if is_there => {
            let judged = Edge::of(text).map(|edge| edge.judge(*directives));
            if matches!(judged, Some(Reload::Wait | Reload::BadRequest(_))) {
                let part = directives.part.map_or(String::new(), |part| format!(", part {part},"));
                let number = directives.media_sequence.unwrap_or_default();
                findings.whole(
                    &RELOAD_NOT_HELD,
                    "an answer without the part or segment that was asked for",
                    format!("segment {number}{part} in it"),
                );
            }
        }
        // RFC 8216 6.2.1: of an ended playlist nothing more comes, and bis-22 6.2.5.2 has all directives ignored.
        Asked::PartAlone if !is_refused && !has_ended => {
            findings.whole(&PART_ALONE_ANSWERED, seen, "400 for _HLS_part without _HLS_msn");
        }
        Asked::FarAhead(number) if !is_refused && !has_ended => {
            findings.whole(&FAR_AHEAD_ANSWERED, seen, format!("400 for _HLS_msn={number}"));
        }
        Asked::Hint(uri) if status.is_some_and(|it| NOT_FOUND.contains(&it)) && is_lost(text, uri) => {}
        Asked::Hint(uri) if !is_there => {
            findings.segment(&HINT_REFUSED, uri, seen, "200, when it is complete");
        }
        _ => {}
    }
    findings.found
}

/// Whether this version of the playlist waits no longer for the part, and has no media of it.
fn is_lost(text: &str, uri: &str) -> bool {
    let Listing::Media(listing) = read_listing(text) else { return false };
    let is_hinted = listing.hints.iter().any(|hint| hint.uri == uri);
    !is_hinted && listing.parts().all(|part| part.gap || part.uri != uri)
}
