//! EXT-X-DATERANGE: spans of time that a playlist speaks of.

use std::collections::{HashMap, HashSet};

use crate::rules::finding::{Findings, excerpt};
use crate::rules::rule::{Rule, must};
use crate::rules::times::unix_s;
use livedir_playlist::tag_values::{date, decimal};
use livedir_playlist::{Attributes, MediaListing, Tag};

pub(crate) static DATE_RANGE_WITHOUT_DATES: Rule = must(
    "date-range-without-dates",
    "RFC 8216 4.3.2.7",
    "A playlist with EXT-X-DATERANGE has EXT-X-PROGRAM-DATE-TIME too, so that the range has a place.",
);
pub(crate) static DATE_RANGE_CONTRADICTS: Rule = must(
    "date-range-contradicts",
    "RFC 8216 4.3.2.7",
    "Two EXT-X-DATERANGE of one ID say nothing different.",
);
pub(crate) static DATE_RANGE_LEFT_EARLY: Rule = must(
    "date-range-left-early",
    "bis-22 6.2.1",
    "EXT-X-DATERANGE stays while a segment of its time is listed.",
);

pub(crate) static DATE_RANGE_ID_REUSED: Rule = must(
    "date-range-id-reused",
    "bis-22 6.2.1",
    "The ID of an EXT-X-DATERANGE is never given to another range.",
);

fn date_ranges(listing: &MediaListing) -> impl Iterator<Item = (&Tag, Attributes)> {
    let tags = listing.tags.iter().filter(|tag| tag.name == "EXT-X-DATERANGE");
    tags.map(|tag| (tag, Attributes::read(&tag.value)))
}

pub(crate) fn check(findings: &mut Findings<'_>, listing: &MediaListing) {
    if let Some((tag, _)) = date_ranges(listing).next()
        && listing.tag("EXT-X-PROGRAM-DATE-TIME").is_none()
        // A live playlist without any is found for that.
        && !listing.is_live()
    {
        findings.line(&DATE_RANGE_WITHOUT_DATES, tag.line, "no EXT-X-PROGRAM-DATE-TIME", "at least one");
    }
    let mut said: HashMap<String, HashMap<String, String>> = HashMap::new();
    for (tag, attributes) in date_ranges(listing) {
        let Some(id) = attributes.get("ID") else { continue };
        let said = said.entry(id.to_owned()).or_default();
        let mut contradicted = None;
        for (name, value) in attributes.iter() {
            let before = said.entry(name.to_owned()).or_insert_with(|| value.to_owned());
            if before != value {
                contradicted = contradicted.or(Some((name, value)));
            }
        }
        if let Some((name, value)) = contradicted {
            let seen = format!("{} of {:?} is {:?} here", excerpt(name), excerpt(id), excerpt(value));
            findings.line(&DATE_RANGE_CONTRADICTS, tag.line, seen, "what stands there before");
        }
    }
}

/// Over two versions.
pub(crate) fn check_update(findings: &mut Findings<'_>, before: &MediaListing, after: &MediaListing) {
    check_left(findings, before, after);
    let start = |(tag, attributes): (&Tag, Attributes)| {
        Some((attributes.get("ID")?.to_owned(), (attributes.get("START-DATE")?.to_owned(), tag.line)))
    };
    let before: HashMap<String, (String, usize)> = date_ranges(before).filter_map(start).collect();
    for (id, (starts, line)) in date_ranges(after).filter_map(start) {
        // Other attributes may come later, once they are known; when it began does not change.
        if let Some((started, _)) = before.get(&id).filter(|(started, _)| *started != starts) {
            let seen = format!("{:?} with START-DATE {:?} in line {line}", excerpt(&id), excerpt(&starts));
            findings.whole(&DATE_RANGE_ID_REUSED, seen, format!("{:?}, or another ID", excerpt(started)));
        }
    }
}

fn check_left(findings: &mut Findings<'_>, before: &MediaListing, after: &MediaListing) {
    let Some((first_s, end_s)) = dates_listed_s(after) else { return };
    let ids = |(_, attributes): (&Tag, Attributes)| attributes.get("ID").map(ToOwned::to_owned);
    let still_there: HashSet<String> = date_ranges(after).filter_map(ids).collect();
    for (tag, attributes) in date_ranges(before) {
        let Some(id) = attributes.get("ID").filter(|&id| !still_there.contains(id)) else { continue };
        let date_s = |name: &str| attributes.get(name).and_then(date).map(|it| unix_s(it.at));
        let Some(start_s) = date_s("START-DATE") else { continue };
        let duration_s = attributes.get("DURATION").and_then(decimal);
        // One that does not say how long it is is taken to be a moment.
        let until_s = date_s("END-DATE").unwrap_or(start_s + duration_s.unwrap_or(0.0));
        if start_s < end_s && until_s >= first_s {
            let seen = format!("{:?}, in line {} before, has left", excerpt(id), tag.line);
            findings.whole(&DATE_RANGE_LEFT_EARLY, seen, "it as long as segments of its time are listed");
        }
    }
}

/// From the first date to the end of the last segment.
fn dates_listed_s(listing: &MediaListing) -> Option<(f64, f64)> {
    let (mut first_s, mut end_s) = (None, None);
    for segment in &listing.segments {
        let begins_s = segment.program_date_time.map(unix_s).or(end_s);
        first_s = first_s.or(begins_s);
        end_s = begins_s.map(|begins_s| begins_s + segment.duration_s.unwrap_or(0.0));
    }
    first_s.zip(end_s)
}
