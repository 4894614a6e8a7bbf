//! Judge: one segment, by its bytes, its place in the playlist and the segment before it. Pure.

use crate::model::inventory::{Row, State};
use crate::model::listing::Entry;
use crate::model::names::directory_of;
use crate::model::survey::{Contents, FileFound, Slot, Standing, Survey};
use jiff::{SignedDuration, Timestamp};
use livedir_media::{Facts, discontinuity, foreign, unfit};
use livedir_time::ticks::seconds;

/// What there is to say of a segment beside what it is.
pub(crate) struct Judged {
    pub(crate) state: State,
    pub(crate) problem: Option<String>,
    pub(crate) discontinuity: Option<String>,
    pub(crate) odd: Vec<String>,
}

/// A file that changed so short ago may not be complete.
const STILL_WRITTEN: SignedDuration = SignedDuration::from_secs(2);

/// A frame's length where a segment does not tell one.
const FALLBACK_INTERVAL_S: f64 = 0.05;

pub(crate) fn judge(slot: &Slot, survey: &Survey, before: Option<(&Row, &Facts)>) -> Judged {
    let entry = slot.entry.as_ref();
    let is_marked = entry.is_some_and(|entry| entry.discontinuity);
    let absent = match entry {
        Some(entry) if entry.is_gap => Some(State::Gap),
        Some(entry) if directory_of(&entry.name).is_none() => Some(State::Elsewhere),
        // That parts of it are there makes it no whole.
        Some(_) if slot.file.as_ref().is_some_and(|file| file.is_parts_only) => Some(State::Missing),
        _ if slot.contents.is_none() => Some(State::Missing),
        _ => None,
    };
    let (None, Some(file), Some(contents)) = (absent, &slot.file, &slot.contents) else {
        let discontinuity = is_marked.then(|| MARKED.to_owned());
        return Judged {
            state: absent.unwrap_or(State::Missing),
            problem: None,
            discontinuity,
            odd: lost_parts(entry).into_iter().collect(),
        };
    };
    // What another program keeps out of its playlist for its length nobody knows.
    let playlist = survey.playlist.as_ref().filter(|_| slot.entry.is_some() || survey.is_kept_by_livedir);
    let target_duration_s = playlist.and_then(|found| found.listing.target_duration_s);
    let is_whole = !entry.is_some_and(|entry| entry.is_part_of_file);
    let problem = problem(contents, target_duration_s).filter(|_| is_whole);
    let state = match (slot.standing, &problem) {
        (Standing::Listed, _) => State::Listed,
        (Standing::After | Standing::Alone, _) if file.is_parts_only && is_growing(file, survey) => {
            State::BeingWritten
        }
        (Standing::After | Standing::Alone, Some(_)) if is_young(file.modified_at, survey.looked_at) => {
            State::BeingWritten
        }
        (_, Some(_)) => State::Refused,
        (Standing::Before, None) if survey.is_kept_by_livedir => State::WaitingForDeletion,
        (Standing::Between, None) => State::PassedOver,
        (Standing::After, None) if survey.is_live() => State::WaitingToBeListed,
        (Standing::Alone | Standing::Before | Standing::After, None) => State::Unlisted,
    };
    let facts = slot.facts();
    let reason = before.zip(facts).and_then(|((_, before), facts)| discontinuity(before, facts));
    let mut odd = facts.map(|facts| odd(facts, entry)).unwrap_or_default();
    odd.extend(lost_parts(entry));
    if file.is_parts_only && state != State::BeingWritten {
        odd.push("its parts are all that is there, and no more of them come".to_owned());
    }
    if let (Some(reason), Some((Row { state: State::Listed, .. }, _))) = (&reason, before)
        && state == State::Listed
        && !is_marked
    {
        odd.push(format!("{reason}, and no EXT-X-DISCONTINUITY says so"));
    }
    // What keeps a file out of a playlist is odd in one that is listed all the same.
    let (problem, listed_all_the_same) = match state {
        State::Listed => (None, problem),
        _ => (problem, None),
    };
    odd.extend(listed_all_the_same);
    Judged {
        state,
        discontinuity: match reason {
            Some(reason) if state != State::Refused => Some(reason.to_string()),
            _ => is_marked.then(|| MARKED.to_owned()),
        },
        problem,
        odd,
    }
}

/// Whether its writer may still be at it.
fn is_young(contents_changed_at: Option<Timestamp>, looked_at: Timestamp) -> bool {
    contents_changed_at.is_some_and(|at| looked_at.duration_since(at).abs() < STILL_WRITTEN)
}

/// A segment of which parts come is at work for so many target durations after the last one: so long a server waits for
/// the next one (bis-22 6.2.5.2).
const GROWING_TARGETS: i64 = 3;

fn is_growing(parts: &FileFound, survey: &Survey) -> bool {
    let target_duration_s = survey.playlist.as_ref().and_then(|found| found.listing.target_duration_s);
    let patience = SignedDuration::from_secs(GROWING_TARGETS * i64::from(target_duration_s.unwrap_or(1)));
    let has_ended = survey.playlist.as_ref().is_some_and(|found| found.listing.ended);
    let is_recent = |at: Timestamp| survey.looked_at.duration_since(at).abs() < patience;
    let came_at = parts.parts.iter().filter_map(|part| part.came_at).max();
    !has_ended && came_at.is_some_and(is_recent)
}

const MARKED: &str = "the playlist says so";

/// What keeps a file out of a playlist.
fn problem(contents: &Contents, target_duration_s: Option<u32>) -> Option<String> {
    match contents {
        Contents::Nothing(problem) => Some(problem.clone()),
        Contents::Segment(facts) => unfit(facts, target_duration_s).map(|reason| reason.to_string()),
    }
}

/// That a viewer at the live edge has not seen all of it.
fn lost_parts(entry: Option<&Entry>) -> Option<String> {
    match entry?.lost_parts {
        0 => None,
        1 => Some("1 of its parts is listed as lost".to_owned()),
        parts => Some(format!("{parts} of its parts are listed as lost")),
    }
}

/// What a playlist can bear and should not have to.
fn odd(facts: &Facts, entry: Option<&Entry>) -> Vec<String> {
    let mut odd: Vec<_> = foreign(facts).iter().map(ToString::to_string).collect();
    if !facts.tables_first {
        odd.push("PAT and PMT do not come first".to_owned());
    }
    match facts.counter_breaks() {
        0 => {}
        1 => odd.push("packets are missing inside it, in 1 place".to_owned()),
        breaks => odd.push(format!("packets are missing inside it, in {breaks} places")),
    }
    let interval_s = match facts.frame_interval_90k {
        0 => FALLBACK_INTERVAL_S,
        interval_90k => seconds(interval_90k),
    };
    let duration_s = seconds(facts.duration_90k);
    if let Some(entry) = entry
        && (entry.duration_s - duration_s).abs() > interval_s
    {
        odd.push(format!("EXTINF says {:.3} s, it lasts {duration_s:.3} s", entry.duration_s));
    }
    odd
}
