//! Low latency: `ll.m3u8` keeps up, hints come true or are replaced, and reports are near.

use super::{Judge, Verdict, channel::Channel, progress::failing_until_us};
use crate::disk::Disk;
use livedir_layout::names::part_of_name;

pub fn check(judge: &mut Judge, disk: &Disk, now_us: u64, on_air_us: u64) -> Verdict {
    if !judge.has_parts {
        return Ok(());
    }
    // What cannot be written cannot keep up.
    let on_air_us = on_air_us.max(failing_until_us(disk));
    for index in &judge.current {
        let channel = &mut judge.channels[*index];
        let most_us = channel.target_us(judge.target_us);
        let next = |version: &Option<super::channel::Version>| {
            version.as_ref().map_or(0, |version| version.listing.next_media_sequence())
        };
        let is_live = channel.plain.as_ref().is_some_and(|plain| plain.listing.is_live());
        if is_live && next(&channel.low) < next(&channel.plain) {
            let since_us = *channel.lags_since_us.get_or_insert(now_us);
            let since_us = since_us.max(on_air_us).max(channel.disturbed_us);
            // After a start what happened before is told together with the first part.
            let Some(first_us) = channel.first_part_us else { continue };
            if now_us > since_us.max(first_us) + most_us {
                let words = format!(
                    "ll.m3u8 goes on with number {}, stream.m3u8 with {}",
                    next(&channel.low),
                    next(&channel.plain)
                );
                return channel.broken("lag", &words);
            }
        } else {
            channel.lags_since_us = None;
        }
        check_hint(channel, now_us, on_air_us, most_us)?;
    }
    Ok(())
}

fn check_hint(channel: &Channel, now_us: u64, on_air_us: u64, most_us: u64) -> Verdict {
    let Some(low) = channel.low.as_ref().filter(|low| low.listing.is_live()) else { return Ok(()) };
    let Some(hint) = low.listing.hinted_part() else { return Ok(()) };
    let hinted = channel.name(&hint.uri).and_then(|name| part_of_name(&name));
    let Some(((newest, came_us), hinted)) = channel.newest_part.zip(hinted) else { return Ok(()) };
    if newest > hinted && now_us > came_us.max(on_air_us).max(channel.disturbed_us) + 2 * most_us {
        let words =
            format!("{} is still hinted at, and part {} of {} has come", hint.uri, newest.1, newest.0);
        return channel.broken("hint", &words);
    }
    Ok(())
}
