//! Grace: how long files stay that have left the playlist in a run before, and when they left.
//!
//! In: what lies there at the start, and the times of files. Out: deadlines of the [`retention`](crate::publish::retention). Runs on the
//! watcher's thread.

use crate::channel::Channel;
use crate::channel::start_up::FilesAtStart;
use crate::publish::Before;
use crate::publish::retention::instant_of;
use crate::resume::Plan;
use crate::resume::came;
use crate::resume::listed_at;
use crate::resume::parts_on_disk::PartsOnDisk;
use livedir_layout::directory::stamp::Stamp;
use livedir_layout::names::{part_name, segment_name};
use livedir_time::ticks::of_seconds;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant, SystemTime},
};

impl Channel {
    pub(crate) fn keep_for_their_grace(
        &mut self,
        plan: &Plan,
        found: &FilesAtStart,
        written_at: Instant,
        now: Instant,
    ) {
        if self.settings.keep {
            return;
        }
        // What they lasted is not known without reading them: no longer than a segment may be.
        let target_90k = of_seconds(self.publication.playlist().target_duration_s) + of_seconds(1);
        // The window of an earlier run may have been longer.
        let window_90k = target_90k * self.longest_window() as u64;
        let longest_90k = self.publication.timeline.longest_duration_90k().max(window_90k);
        let until = self.publication.playlist().next_media_sequence();
        self.publication.before = Before { until, longest_90k };
        let grace_90k = target_90k + longest_90k;
        let left_at = self.when_they_left(found);
        for name in &plan.left_before {
            let left_at =
                left_at(name).map_or(written_at, |left_at| instant_of(left_at, now, self.world.wall()));
            self.publication.retention.keep(name, left_at.min(written_at), grace_90k);
        }
        for name in &plan.left_now {
            self.publication.retention.keep(name, now, grace_90k);
        }
    }

    /// How many segments a playlist of an earlier run listed at the most, as far as can be told: its window may have been longer.
    fn longest_window(&self) -> usize {
        2 * self.settings.window_segments.max(self.publication.playlist().segments.len())
    }

    /// When files that have left the playlist did so: at the latest when the one came that is a window behind, by the times of
    /// files. So each is deleted in the end, also when a program that is started again and again writes the playlist each time.
    fn when_they_left(&self, found: &FilesAtStart) -> impl Fn(&str) -> Option<SystemTime> + use<> {
        // The window of an earlier run may have been longer. What others wrote while nobody watched was listed later than it came.
        let window = if self.is_numbered() { self.longest_window() } else { 2 * self.longest_window() };
        let target_duration_s = self.publication.playlist().target_duration_s;
        let listed_at = |stamp: &Stamp| listed_at(stamp, target_duration_s);
        let in_order: Vec<(String, SystemTime)> = match found {
            FilesAtStart::Numbered(numbers) => {
                let stamped = numbers.iter().filter_map(|&number| {
                    let name = segment_name(number);
                    let listed_at = listed_at(&self.files.stamp(&name).ok()?);
                    Some((name, listed_at))
                });
                // One that is older than one of a lower number is no segment of ours, and tells nothing.
                let mut latest = SystemTime::UNIX_EPOCH;
                let is_in_order = |(_, listed_at): &(String, SystemTime)| {
                    let is_later = *listed_at >= latest;
                    latest = latest.max(*listed_at);
                    is_later
                };
                stamped.filter(is_in_order).collect()
            }
            FilesAtStart::Any(files) => {
                let mut files: Vec<_> = files.iter().collect();
                files.sort_by_key(|(_, stamp)| stamp.modified_at);
                files.into_iter().map(|(name, stamp)| (name.clone(), listed_at(stamp))).collect()
            }
        };
        let left_at: BTreeMap<String, SystemTime> = in_order
            .iter()
            .zip(in_order.iter().skip(window))
            .map(|((name, _), (_, ended_at))| (name.clone(), *ended_at))
            .collect();
        move |name| left_at.get(name).copied()
    }

    /// Parts that are not listed any more. Those that the list on disk names still leave with the next version of it. The others
    /// have left before: at the latest when that version was written, or when so many segments had come behind it that no list
    /// held it any more, also if nobody wrote one for the time of a window. So each is deleted in the end, also when a program
    /// that is started again and again writes the list each time.
    pub(crate) fn keep_old_parts(&mut self, old: &[((u64, u32), Stamp)], told: &PartsOnDisk) {
        let playlist = self.publication.playlist();
        let target_duration_s = playlist.target_duration_s;
        let usual_90k = playlist.duration_90k() / (playlist.segments.len() as u64).max(1);
        let near_90k = 3 * of_seconds(target_duration_s);
        // One more for the segment that the part is of, and one for lengths that are not all the same.
        let near = near_90k.div_ceil(usual_90k.max(1)) as usize + 2;
        let behind = near + 2 * self.settings.window_segments.max(playlist.segments.len());
        let came_at = self.when_segments_came();
        let listed_within = Duration::from_secs(target_duration_s.into());
        let (now, wall) = (self.world.now(), self.world.wall());
        for &((number, part), stamp) in old {
            let name = part_name(number, part);
            if self.publication.is_low_latency() && told.listed.contains(&name) {
                self.publication.part_leaves(name);
                continue;
            }
            let before = came_at.partition_point(|at| *at <= came(&stamp));
            let overtaken_at = came_at.get(before.saturating_add(behind)).map(|at| *at + listed_within);
            let left_at = [overtaken_at, told.written_at].into_iter().flatten().min();
            let left_at = left_at.map_or(now, |left_at| instant_of(left_at, now, wall));
            self.publication.keep_part(&name, left_at);
        }
    }

    /// The times at which the segments that lie there came, in their order.
    fn when_segments_came(&self) -> Vec<SystemTime> {
        let names = self.files.segments().unwrap_or_default();
        let stamps = names.iter().filter_map(|name| self.files.stamp(name).ok());
        let mut came_at: Vec<_> = stamps.map(|stamp| came(&stamp)).collect();
        came_at.sort_unstable();
        came_at
    }
}
