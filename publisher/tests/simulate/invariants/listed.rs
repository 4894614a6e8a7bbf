//! What is listed: it is there, it is whole, it has one number for ever, and breaks of the timeline are told.

use super::{
    Judge, Verdict,
    channel::{Version, Which},
};
use crate::{disk::Disk, excused::Excuse};
use std::collections::HashSet;

/// So soon nobody sees that a hand has taken something away.
const UNSEEN_US: u64 = 100_000;

/// So many calls the program makes for one event, and for others that were before it.
const CALLS_OF_A_TURN: u64 = 20;

pub fn check(judge: &Judge, index: usize, disk: &Disk, which: Which, version: &Version) -> Verdict {
    let channel = &judge.channels[index];
    let now_us = version.at_us;
    // A look comes every one and a quarter target durations where no event tells.
    let unseen_us = if judge.is_blind || now_us < judge.deaf_until_us {
        UNSEEN_US + judge.target_us * 2
    } else {
        UNSEEN_US
    };
    // On a slow machine the program is busy with what was before.
    let unseen_us = unseen_us + CALLS_OF_A_TURN * disk.slow_us;
    let is_excused = |name: &str| {
        channel.touched.get(name).is_some_and(|touched_us| now_us <= touched_us + unseen_us)
            || now_us <= channel.disturbed_us + unseen_us
    };
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
        let contents = disk.contents(&channel.live.join(&name));
        if is_excused(&name) {
            last = None;
            continue;
        }
        let Some(contents) = contents.filter(|it| it.is_independent) else {
            let is_touched = channel.touched.contains_key(&name);
            let was_ended = channel.version(which).is_some_and(|before| before.listing.ended);
            let was_unheard =
                channel.touched.get(&name).is_some_and(|touched_us| *touched_us < channel.unheard_until_us);
            if (is_touched && was_ended && version.listing.ended && Excuse::EndedListStands.is_used())
                || (was_unheard && Excuse::LostWithoutAWord.is_used())
            {
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
        let known: HashSet<&str> =
            channel.low.iter().flat_map(|low| low.listing.parts()).map(|part| &*part.uri).collect();
        for part in version.listing.parts().filter(|part| !part.gap && !known.contains(&*part.uri)) {
            let name = channel.name(&part.uri).unwrap_or_default();
            // What a hand takes away cannot leave the list in time: bis 6.2.1.
            let is_excused = is_excused(&name) || channel.touched.contains_key(&name);
            if disk.contents(&channel.live.join(&name)).is_none() && !is_excused {
                return channel.broken("existence", &format!("part {name} is listed, and is not there"));
            }
        }
    }
    Ok(())
}
