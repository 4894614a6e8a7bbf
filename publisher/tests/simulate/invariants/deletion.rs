//! Deletion: nothing is removed too early, and nothing stays for ever.

use super::{Judge, Verdict, channel::Channel, progress::failing_until_us};
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
    if let Some(left) = channel.left.remove(name)
        && now_us + if left.is_of_run_before { 2_000 + TICK_US } else { 2_000 } < left.stays_until_us
        && !channel.touched.contains_key(name)
    {
        let early_s = (left.stays_until_us - now_us) as f64 / 1e6;
        return channel
            .broken("grace", &format!("{name} is removed {early_s:.3} s before its grace is over"));
    }
    Ok(())
}

pub fn check(judge: &mut Judge, disk: &Disk, now_us: u64, on_air_us: u64) -> Verdict {
    let least_us = on_air_us.max(failing_until_us(disk)) + 2 * judge.target_us;
    if now_us < least_us {
        return Ok(());
    }
    for index in &judge.current {
        let channel = &mut judge.channels[*index];
        if channel.disturbed_us + 2 * judge.target_us > now_us {
            continue;
        }
        let live = channel.live.clone();
        channel.left.retain(|name, left| {
            left.gone_by_us > now_us || {
                let contents = disk.contents(&live.join(name));
                contents.is_some() && contents == left.contents
            }
        });
        if let Some((name, left)) = channel
            .left
            .iter()
            .filter(|(_, left)| left.gone_by_us <= now_us)
            .filter(|(_, left)| judge.is_ours || !left.is_of_run_before || !Excuse::PausedEncoder.is_used())
            .min_by_key(|(name, _)| (*name).clone())
        {
            let late_s = (now_us - left.gone_by_us) as f64 / 1e6;
            let words = format!("{name} is still there, {late_s:.3} s after it should be gone");
            return channel.broken("deletion", &words);
        }
    }
    Ok(())
}
