//! Names: a file that is renamed is one segment, and stays under the name that is listed as long as players may ask for it.

use super::{
    Judge, Verdict,
    channel::{Channel, Version},
    listed::unseen_us,
    progress::failing_until_us,
};
use crate::{disk::Disk, excused::Excuse, media::Contents};

/// Both names go in one sweep; what fails is tried again after a second.
const TOGETHER_US: u64 = 3_000_000;

/// A file that somebody renamed within `live/`.
pub struct Renamed {
    pub name: String,
    pub new_name: String,
    pub contents: Contents,
    pub at_us: u64,
    /// When the program removed the name.
    pub removed_us: Option<u64>,
}

impl Renamed {
    /// Whether the program could not see it, or could not do anything about it, or a hand has done more.
    fn is_excused(&self, channel: &Channel, disk: &Disk) -> bool {
        let is_touched = |name: &str| channel.touched.contains_key(name);
        is_touched(&self.name)
            || is_touched(&self.new_name)
            || self.at_us <= failing_until_us(disk)
            || (self.at_us < channel.unheard_until_us && Excuse::LostWithoutAWord.is_used())
            || (channel.is_behind_clock && Excuse::ClockSetBehindTheList.is_used())
    }
}

pub fn check(judge: &Judge, disk: &Disk, now_us: u64, on_air_us: u64) -> Verdict {
    for index in &judge.current {
        let channel = &judge.channels[*index];
        let unseen_us = unseen_us(judge, now_us);
        if now_us <= channel.disturbed_us + unseen_us {
            continue;
        }
        let is_due = |it: &&Renamed| now_us > it.at_us + unseen_us && !it.is_excused(channel, disk);
        for renamed in channel.renamed.iter().filter(is_due) {
            let name = &renamed.name;
            let is_there = |name: &str| disk.contents(&channel.live.join(name)) == Some(renamed.contents);
            let is_it = |number| channel.given.get(&number).is_some_and(|it| it.1 == Some(renamed.contents));
            let is_listed = channel.plain.as_ref().is_some_and(|plain| {
                let numbered = (plain.listing.first_media_sequence()..).zip(&plain.listing.segments);
                let mut listed = numbered.filter(|(number, segment)| !segment.gap && is_it(*number));
                listed.any(|(_, segment)| channel.is_named(&segment.uri, name))
            });
            let stays = channel.left.get(name).is_some_and(|left| {
                !left.is_of_run_before
                    && left.contents == Some(renamed.contents)
                    && left.stays_until_us > now_us
            });
            if (is_listed || stays) && !is_there(name) {
                return channel.broken("names", &format!("{name} was renamed, and players still ask for it"));
            }
            let was_removed = |removed_us: u64| now_us > removed_us + TOGETHER_US;
            if renamed.removed_us.is_some_and(was_removed)
                && renamed.at_us > on_air_us
                && is_there(&renamed.new_name)
            {
                let words = format!("{name} is removed, and {}, its other name, is not", renamed.new_name);
                return channel.broken("deletion", &words);
            }
        }
    }
    Ok(())
}

/// A file is not listed under both names.
pub fn check_once(channel: &Channel, disk: &Disk, version: &Version) -> Verdict {
    for renamed in channel.renamed.iter().filter(|it| !it.is_excused(channel, disk)) {
        let is_new = |uri: &str| channel.is_named(uri, &renamed.new_name);
        let was_listed = channel.given.values().any(|(uri, contents)| {
            *contents == Some(renamed.contents) && channel.is_named(uri, &renamed.name)
        });
        if was_listed && version.listing.segments.iter().any(|it| !it.gap && is_new(&it.uri)) {
            let words = format!("{} is listed, and was as {}", renamed.new_name, renamed.name);
            return channel.broken("names", &words);
        }
    }
    Ok(())
}
