//! Renditions of one stream: the same numbers, discontinuities and borders, and reports that are true.

use super::{
    Judge, Verdict,
    channel::{Channel, Which},
    progress::failing_until_us,
};
use crate::disk::Disk;
use livedir_playlist::{MediaListing, RenditionReport};

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
        return check_not_ahead(judge, channel);
    }
    let Some(plain) = &channel.plain else { return Ok(()) };
    // At a stop pictures end with the last whole one, and sound up to 44 ms behind the moment, with a frame of 21 ms.
    let tolerance_s = judge.picture_us as f64 / 1e6 + 0.07;
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

/// The rendition of this run that a report is about.
fn reported_on<'a>(judge: &'a Judge, report: &RenditionReport) -> Option<&'a Channel> {
    let name = report.uri.split('/').nth(1)?;
    judge.current.iter().map(|index| &judge.channels[*index]).find(|it| it.live.ends_with(name))
}

/// Bis-22 4.4.5.4: what a new version says of the others is true.
fn check_not_ahead(judge: &Judge, channel: &Channel) -> Verdict {
    let Some(low) = &channel.low else { return Ok(()) };
    for report in &low.listing.reports {
        let Some(theirs) = reported_on(judge, report).and_then(|other| other.low.as_ref()) else { continue };
        let (msn, parts) = edge(&theirs.listing);
        let told = report.last_media_sequence.unwrap_or(0);
        // A list that lists nothing any more does not say how many parts its last segment had.
        let lists_nothing = theirs.listing.segments.is_empty() && theirs.listing.open_parts.is_empty();
        let is_ahead = told > msn
            || (!lists_nothing && told == msn && report.last_part.is_some_and(|part| part >= parts.max(1)));
        if is_ahead {
            return channel.broken("reports", &words_of(report, (msn, parts)));
        }
    }
    Ok(())
}

fn words_of(report: &RenditionReport, (msn, parts): (u64, u64)) -> String {
    let told = report.last_media_sequence.unwrap_or(0);
    let part = report.last_part.map_or("no part".to_owned(), |part| format!("part {part}"));
    format!("it reports number {told} and {part} of {}, which is at {msn} with {parts} parts", report.uri)
}

/// Bis-22 4.4.5.4: a report SHOULD be as up to date as the playlist that contains it. While the program waits it is at most one
/// part behind the list that it is about. What cannot be written cannot keep up, nor what is held back for the end of a segment.
pub fn check_not_behind(judge: &Judge, disk: &Disk, now_us: u64) -> Verdict {
    let can_write_since_us = failing_until_us(disk) + judge.target_us;
    for channel in judge.current.iter().map(|index| &judge.channels[*index]) {
        let Some(low) = of_this_run(channel) else { continue };
        let is_held_back = channel.plain.as_ref().is_some_and(|plain| {
            plain.listing.ended || plain.listing.next_media_sequence() > low.next_media_sequence()
        });
        let excused_until_us = can_write_since_us.max(channel.disturbed_us + judge.target_us);
        if is_held_back || low.ended || now_us < excused_until_us {
            continue;
        }
        for other in judge.current.iter().map(|index| &judge.channels[*index]) {
            let Some(theirs) = of_this_run(other).filter(|_| other.live != channel.live) else { continue };
            if theirs.segments.is_empty() && theirs.open_parts.is_empty() {
                continue;
            }
            let is_about = |report: &&RenditionReport| {
                reported_on(judge, report).is_some_and(|reported| reported.live == other.live)
            };
            let edge = edge(theirs);
            let Some(report) = low.reports.iter().find(is_about) else {
                let words = format!("it reports nothing of {}", other.directory.display());
                return channel.broken("reports", &words);
            };
            if is_more_than_a_part_behind(report, edge) {
                return channel.broken("reports", &words_of(report, edge));
            }
        }
    }
    Ok(())
}

/// `ll.m3u8`, if this run of the program has written it.
fn of_this_run(channel: &Channel) -> Option<&MediaListing> {
    channel.low.as_ref().filter(|low| low.at_us >= channel.run_began_us).map(|low| &low.listing)
}

fn is_more_than_a_part_behind(report: &RenditionReport, (msn, parts): (u64, u64)) -> bool {
    let told_parts = report.last_part.map_or(0, |part| part + 1);
    match msn.checked_sub(report.last_media_sequence.unwrap_or(0)) {
        Some(0) => parts > told_parts + 1,
        // Whether the segment that was told of has got more parts since is not known.
        Some(1) => parts > 1,
        // One that is ahead is found where it is written.
        None => false,
        Some(_) => true,
    }
}
