//! What is listed: it is there, it is whole, it has one number for ever, and breaks of the timeline are told.

use super::{
    Judge, Verdict,
    channel::{Version, Which, parts_without},
};
use crate::{disk::Disk, excused::Excuse};

/// So soon nobody sees that a hand has taken something away; on a slow machine, where each call takes up to 30 ms, later.
const UNSEEN_US: u64 = 100_000;
const UNSEEN_SLOWLY_US: u64 = 600_000;

/// How long what is done to files is not seen, at the most.
pub fn unseen_us(judge: &Judge, now_us: u64) -> u64 {
    // A look comes every one and a quarter target durations where no event tells.
    let unseen_us = if judge.is_blind || now_us <= judge.deaf_until_us.saturating_add(UNSEEN_US) {
        UNSEEN_US + judge.target_us * 2
    } else {
        UNSEEN_US
    };
    // What was heard in that time has its turn after it.
    if now_us < judge.slow_until_us + UNSEEN_SLOWLY_US { unseen_us.max(UNSEEN_SLOWLY_US) } else { unseen_us }
}

pub fn check(judge: &Judge, index: usize, disk: &Disk, which: Which, version: &Version) -> Verdict {
    let channel = &judge.channels[index];
    let now_us = version.at_us;
    let unseen_us = unseen_us(judge, now_us);
    let is_excused = |name: &str| {
        now_us <= channel.disturbed_us + unseen_us
            || channel
                .renamed
                .iter()
                .any(|it| it.name == name && now_us <= it.at_us + unseen_us + judge.target_us)
            || channel.touched.get(name).is_some_and(|&touched_us| {
                now_us <= touched_us + unseen_us
                    || (channel.spoilt_us.is_some_and(|spoilt_us| touched_us <= spoilt_us)
                        && Excuse::SpoiltList.is_used())
                    || (touched_us < channel.unheard_until_us && Excuse::LostWithoutAWord.is_used())
                    || (channel.is_behind_clock && Excuse::ClockSetBehindTheList.is_used())
            })
    };
    let live = disk.entries(&channel.live).ok();
    let mut last = None;
    let first = version.listing.first_media_sequence();
    for (number, segment) in (first..).zip(&version.listing.segments) {
        if let Some((uri, _)) = channel.given.get(&number).filter(|(uri, _)| *uri != segment.uri) {
            let words = format!("number {number} is given to {}, and was to {uri}", segment.uri);
            return channel.broken("numbers", &words);
        }
        let Some(name) = channel.name(&segment.uri) else {
            return channel.broken("existence", &format!("{} lies elsewhere", segment.uri));
        };
        if segment.gap {
            last = None;
            continue;
        }
        let contents = disk.contents_in(live, &name);
        if is_excused(&name) {
            last = None;
            continue;
        }
        let Some(contents) = contents.filter(|it| it.is_independent) else {
            let is_touched = channel.touched.contains_key(&name);
            let was_ended = channel.version(which).is_some_and(|before| before.listing.ended);
            if is_touched && was_ended && version.listing.ended && Excuse::EndedListStands.is_used() {
                last = None;
                continue;
            }
            return channel.broken("existence", &format!("{name} is listed, and is not there or not whole"));
        };
        if let Some((_, Some(before))) = channel.given.get(&number)
            && *before != contents
        {
            let words = format!("{name} is listed as number {number} with other bytes than before");
            let invariant = if channel.touched.contains_key(&name) { "existence" } else { "numbers" };
            return channel.broken(invariant, &words);
        }
        if let Some(last) = last.replace(contents) {
            let goes_on = last.end().abs_diff(contents.first) <= u32::from(last.source != contents.source);
            if !goes_on && !segment.discontinuity {
                let words = format!("{name} does not go on from the segment before, and nothing says so");
                return channel.broken("discontinuity", &words);
            }
        }
    }
    if which == Which::Low {
        // Of those that were listed before, it is seen when the program removes one.
        let new = parts_without(Some(&version.listing), channel.low.as_ref().map(|low| &low.listing));
        for part in new.into_iter().filter(|part| !part.gap) {
            let name = channel.name(&part.uri).unwrap_or_default();
            // What a hand takes away cannot leave the list in time: bis 6.2.1.
            let is_excused = is_excused(&name) || channel.touched.contains_key(&name);
            if disk.contents_in(live, &name).is_none() && !is_excused {
                return channel.broken("existence", &format!("part {name} is listed, and is not there"));
            }
        }
    }
    Ok(())
}
