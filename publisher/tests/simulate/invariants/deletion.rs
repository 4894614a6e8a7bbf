//! Deletion: nothing is removed too early, and nothing stays for ever.

use super::{
    Judge, Verdict,
    channel::{Channel, Left},
    progress::failing_until_us,
};
use crate::{
    disk::{Disk, TICK_US},
    excused::Excuse,
};

/// A run that comes later reads from the times of files when something left, and these tick.
pub fn check_removed(channel: &mut Channel, now_us: u64, name: &str) -> Verdict {
    let segments = channel.plain.iter().chain(&channel.low).flat_map(|version| &version.listing.segments);
    let mut uris = segments.filter(|it| !it.gap).map(|it| &it.uri).chain(
        channel
            .low
            .iter()
            .flat_map(|version| version.listing.parts())
            .filter(|part| !part.gap)
            .map(|part| &part.uri),
    );
    if uris.any(|uri| channel.is_named(uri, name)) {
        return channel.broken("grace", &format!("{name} is removed while it is listed"));
    }
    for renamed in channel.renamed.iter_mut().filter(|it| it.name == name) {
        renamed.removed_us = Some(now_us);
    }
    if let Some(left) = channel.left.remove(name)
        && now_us + if left.is_of_run_before { 2_000 + TICK_US } else { 2_000 } < left.stays_until_us
        && !channel.touched.contains_key(name)
        && !((left.is_of_run_before || channel.listed_in_run_before.contains(name))
            && channel.has_shrunk
            && Excuse::ShorterWindow.is_used())
        && !(left.is_of_run_before && channel.spoilt_us.is_some() && Excuse::SpoiltList.is_used())
    {
        let early_s = (left.stays_until_us - now_us) as f64 / 1e6;
        return channel
            .broken("grace", &format!("{name} is removed {early_s:.3} s before its grace is over"));
    }
    Ok(())
}

pub fn check(judge: &mut Judge, disk: &Disk, now_us: u64, on_air_us: u64) -> Verdict {
    for index in &judge.current {
        let channel = &mut judge.channels[*index];
        let begins_us = on_air_us.max(failing_until_us(disk)).max(channel.disturbed_us);
        if begins_us + 2 * channel.target_us(judge.target_us) > now_us {
            continue;
        }
        let live = channel.live.clone();
        channel.left.retain(|name, left| {
            left.gone_by_us > now_us || {
                let contents = disk.contents(&live.join(name));
                contents.is_some() && contents == left.contents
            }
        });
        // A run that comes later knows that a file has left for certain when so many have come behind it.
        let certain = 2 * judge.window;
        let is_due = |left: &Left| {
            let certain_us = if left.is_of_run_before {
                channel.listed_us.get(left.listed_before + certain).copied()
            } else {
                Some(left.since_us)
            };
            let lasts_us = left.gone_by_us - left.since_us;
            certain_us.is_some_and(|certain_us| certain_us.saturating_add(lasts_us) <= now_us)
        };
        if let Some((name, left)) = channel
            .left
            .iter()
            .filter(|(_, left)| is_due(left))
            .filter(|(_, left)| judge.is_ours || !left.is_of_run_before || !Excuse::PausedEncoder.is_used())
            .min_by_key(|(name, _)| (*name).clone())
        {
            let left_s = (now_us - left.since_us) as f64 / 1e6;
            let words = format!("{name} is still there, {left_s:.3} s after it left");
            return channel.broken("deletion", &words);
        }
    }
    Ok(())
}
