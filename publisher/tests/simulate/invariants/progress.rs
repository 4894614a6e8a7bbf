//! Progress: a good file is listed in time, and in its place.

use super::{
    Judge, Verdict,
    channel::{Channel, Expected, Version, Which},
};
use crate::{disk::Disk, excused::Excuse};
use livedir_layout::names::number_of_name;

/// A file that nobody tells of is complete when it has rested for so long: two seconds, and a look each 200 ms.
const RESTED_US: u64 = 2_400_000;

/// A channel that could not be kept is taken up so long after writes are possible again.
const TAKEN_UP_US: u64 = 1_100_000;

/// What the file system and the program take.
const SLACK_US: u64 = 50_000;

/// A file is known for certain so long after it has come.
const KNOWN_US: u64 = 30_000;

fn is_there(channel: &Channel, disk: &Disk, it: &Expected) -> bool {
    disk.contents(&channel.live.join(&it.name)) == Some(it.contents)
}

/// Until when writes fail.
pub fn failing_until_us(disk: &Disk) -> u64 {
    disk.failures.iter().map(|failure| failure.until_us).max().unwrap_or(0)
}

pub fn check(judge: &mut Judge, disk: &Disk, now_us: u64, on_air_us: u64) -> Verdict {
    let failing_until_us = failing_until_us(disk);
    let (is_blind, deaf_until_us) = (judge.is_blind, judge.deaf_until_us);
    let is_ours = judge.is_ours;
    let is_one_of_many = !is_ours && judge.current.len() > 1;
    let heard_from_us = if is_one_of_many && failing_until_us > on_air_us {
        failing_until_us + TAKEN_UP_US
    } else {
        on_air_us
    };
    for index in judge.current.clone() {
        let channel = &mut judge.channels[index];
        let target_us = channel.target_us(judge.target_us);
        // Where each call takes up to 30 ms, what came is listed when that is over.
        let slow_until_us = judge.slow_until_us;
        let begins_us = failing_until_us.max(on_air_us).max(channel.disturbed_us).max(slow_until_us);
        let is_due = |it: &Expected, channel: &Channel| {
            let since_us = it.came_us.max(begins_us);
            // Without --target-duration no part is listed before a segment tells how long they are.
            let since_us = match (it.part, is_ours, channel.began_us) {
                (Some(_), false, None) => return false,
                (Some(_), false, Some(began_us)) => since_us.max(began_us),
                _ => since_us,
            };
            let waits_us = if has_predecessor(channel, it) { target_us } else { 2 * target_us };
            let is_told = !is_blind && it.came_us > deaf_until_us.max(heard_from_us);
            let unheard_us = if is_told { 0 } else { RESTED_US + target_us * 5 / 4 };
            let unheard_us = if it.is_certain() { unheard_us } else { unheard_us.max(RESTED_US) };
            now_us > since_us + waits_us + unheard_us + SLACK_US
        };
        if !channel.expected.iter().any(|it| is_due(it, channel)) {
            continue;
        }
        let mut expected = std::mem::take(&mut channel.expected);
        expected.retain(|it| is_there(channel, disk, it) && !has_been_passed(channel, it, begins_us));
        let is_late = |it: &&Expected| is_due(it, channel) && !is_excused(channel, it, is_ours);
        let late = expected.iter().find(is_late).cloned();
        channel.expected = expected;
        if let Some(late) = late {
            let waited_s = (now_us - late.came_us) as f64 / 1e6;
            let words = format!("{} came {waited_s:.3} s ago, and is not listed", late.name);
            return channel.broken(if late.part.is_some() { "parts" } else { "progress" }, &words);
        }
    }
    Ok(())
}

/// Whether what comes before it has come.
fn has_predecessor(channel: &Channel, it: &Expected) -> bool {
    if it.contents.first == 0 && it.part.is_none_or(|(_, part)| part == 0) {
        return true;
    }
    let is_before = |source: u32, end: u32| source == it.contents.source && end == it.contents.first;
    let is_listed = channel
        .given
        .values()
        .rev()
        .take(8)
        .any(|(_, contents)| contents.is_some_and(|it| is_before(it.source, it.end())));
    is_listed
        || (it.part.is_some()
            && channel.expected.iter().all(|other| other.part.is_none() || other.part >= it.part))
}

/// Whether it need not be listed.
fn is_excused(channel: &Channel, it: &Expected, is_ours: bool) -> bool {
    let is_ended = channel.plain.as_ref().is_some_and(|plain| plain.listing.ended);
    (!is_ours && it.is_late && Excuse::CameBehindAListedOne.is_used())
        || (it.part.is_some() && is_ended && Excuse::FirstPartsAfterTheEnd.is_used())
        || (it.is_unheard && Excuse::LostWithoutAWord.is_used())
        || (channel.spoilt_us.is_some_and(|spoilt_us| it.came_us <= spoilt_us.max(channel.run_began_us))
            && Excuse::SpoiltList.is_used())
}

/// Whether it had its turn when nothing could be written, or came behind a later one.
fn has_been_passed(channel: &Channel, it: &Expected, begins_us: u64) -> bool {
    let Some(plain) = &channel.plain else { return false };
    if let Some((number, _)) = it.part
        && is_behind(channel, number, it)
    {
        return true;
    }
    let first = plain.listing.segments.first().and_then(|first| {
        channel
            .given
            .get(&plain.listing.first_media_sequence())
            .or(Some(&EMPTY))
            .filter(|_| !first.uri.is_empty())
    });
    let is_older = first.is_some_and(|(_, first)| {
        first.is_some_and(|first| first.source == it.contents.source && first.first >= it.contents.end())
    });
    let was_disturbed = begins_us > it.came_us;
    if is_older && was_disturbed {
        return true;
    }
    // A number that is listed as a gap came too late.
    number_of_name(&it.name).is_some()
        && plain
            .listing
            .segments
            .iter()
            .any(|listed| listed.gap && channel.name(&listed.uri).as_deref() == Some(&it.name))
}

/// Whether the segment of a part is listed, or one that comes behind it: a part is never listed behind what follows it.
fn is_behind(channel: &Channel, number: u64, part: &Expected) -> bool {
    let Some(low) = &channel.low else { return false };
    let first = low.listing.first_media_sequence();
    (first..).zip(&low.listing.segments).any(|(media_sequence, segment)| {
        let listed = channel.given.get(&media_sequence).and_then(|(_, contents)| *contents);
        let listed_number = channel.name(&segment.uri).and_then(|name| number_of_name(&name));
        listed_number == Some(number)
            || (segment.gap && listed_number > Some(number))
            || listed.is_some_and(|it| it.source == part.contents.source && it.first >= part.contents.end())
    })
}

static EMPTY: (String, Option<crate::media::Contents>) = (String::new(), None);

/// A segment is listed before one that was there, and comes before it.
pub fn check_order(
    channel: &Channel,
    is_ours: bool,
    disk: &Disk,
    now_us: u64,
    which: Which,
    version: &Version,
) -> Verdict {
    if which == Which::Low {
        return Ok(());
    }
    let known = channel.plain.as_ref().map_or(0, |plain| plain.listing.next_media_sequence());
    let first = version.listing.first_media_sequence();
    for (number, segment) in (first..).zip(&version.listing.segments).filter(|(number, _)| *number >= known) {
        let Some(name) = channel.name(&segment.uri).filter(|_| !segment.gap) else { continue };
        let Some(contents) = disk.contents(&channel.live.join(&name)) else { continue };
        let is_passed = |it: &&Expected| {
            it.part.is_none()
                && !it.is_late
                && it.contents.source == contents.source
                && it.contents.end() <= contents.first
                && it.came_us + KNOWN_US < now_us
                && it.came_us > channel.disturbed_us
                && it.is_certain()
                && is_there(channel, disk, it)
                && !version
                    .listing
                    .segments
                    .iter()
                    .any(|listed| channel.name(&listed.uri).as_ref() == Some(&it.name))
                && !is_excused(channel, it, is_ours)
                && !(channel.is_behind_clock && Excuse::ClockSetBehindTheList.is_used())
        };
        if let Some(passed) = channel.expected.iter().find(is_passed) {
            let words =
                format!("{name} is listed as number {number} before {}, which was there", passed.name);
            return channel.broken("order", &words);
        }
    }
    Ok(())
}

pub fn check_all_listed(judge: &mut Judge, disk: &Disk, stopped_us: u64) -> Verdict {
    let failing_until_us = failing_until_us(disk);
    for index in judge.current.clone() {
        let channel = &judge.channels[index];
        let begins_us = failing_until_us.max(channel.disturbed_us);
        if begins_us + channel.target_us(judge.target_us) > stopped_us {
            continue;
        }
        let is_left_out = |it: &&Expected| {
            it.part.is_none()
                && it.is_certain()
                && it.came_us <= stopped_us
                && is_there(channel, disk, it)
                && !has_been_passed(channel, it, begins_us)
                && !is_excused(channel, it, judge.is_ours)
        };
        if let Some(left_out) = channel.expected.iter().find(is_left_out) {
            return channel.broken("progress", &format!("{} is not listed at the end", left_out.name));
        }
    }
    Ok(())
}
