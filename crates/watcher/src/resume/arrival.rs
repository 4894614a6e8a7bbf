//! The plan for files of other encoders: nothing but times and names tells which of them have come since.

use crate::events::finished_file::Finished;
use crate::resume::{Plan, Predecessor, joins_another};
use crate::timeline::dates::end_of;
use crate::timeline::listed::remove_up_to_last_hole;
use livedir_layout::directory::stamp::Stamp;
use livedir_layout::files::{OnDisk, PLAUSIBLE_NUMBER, PLAUSIBLE_TARGET_S};
use livedir_layout::names::{Home, name_of_uri};
use livedir_layout::natural_order::natural_order;
use livedir_playlist::{MediaPlaylist, Segment};
use livedir_time::ticks;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, SystemTime},
};

/// Files that came less than this before the playlist was written last may not have had their turn then.
const HELD_BACK: Duration = Duration::from_secs(1);

/// Files on disk, by name.
pub(crate) type Files = BTreeMap<String, Stamp>;

/// A file that nobody has told of rests for so long before it is taken, or until it is given up.
const RESTING: Duration = Duration::from_secs(5);

/// Files that were written within this time were copied together: their times say nothing of their order.
const TOGETHER: Duration = Duration::from_secs(1);

/// Which files a start publishes.
pub(crate) struct Room<'a> {
    /// No more than the playlist can show.
    pub(crate) window_segments: usize,
    /// What a file holds that can be listed. Asked of no more files than there is room for, and of those that cannot.
    pub(crate) read: &'a dyn Fn(&str) -> Option<Finished>,
}

/// Decides how to go on. No more files are published than there is room for.
pub(crate) fn plan(on_disk: &OnDisk, files: &Files, now: SystemTime, room: &Room<'_>) -> Plan {
    match on_disk {
        OnDisk::Playlist { playlist, written_at } => {
            // The clock was set back since: times tell nothing.
            let written_at = Some(*written_at).filter(|written_at| *written_at <= now);
            go_on(playlist.clone(), (written_at, now), files, room)
        }
        OnDisk::Missing => {
            let unlisted = newest(files.iter().collect(), true, room).1;
            Plan { unlisted, ..fresh() }
        }
        OnDisk::Unreadable { text, written_at, .. } => begin_behind(text, *written_at, files, room),
    }
}

fn go_on(
    mut playlist: MediaPlaylist,
    (written_at, now): (Option<SystemTime>, SystemTime),
    files: &Files,
    room: &Room<'_>,
) -> Plan {
    let ever_listed = playlist.media_sequence > 1 || !playlist.segments.is_empty();
    let listed: Vec<_> =
        playlist.segments.iter().filter_map(|segment| name_of_uri(Home::Live, &segment.uri)).collect();
    // The encoder uses names again: these are other bytes than those that were listed.
    let rewritten = rewritten(&playlist, written_at, files, room);
    let is_there = |name: &str| files.contains_key(name) && !rewritten.contains(name);
    let entries_lost = remove_up_to_last_hole(&mut playlist, |uri| {
        name_of_uri(Home::Live, uri).is_some_and(|name| is_there(&name))
    });

    let still_there: BTreeSet<&str> =
        listed.iter().map(String::as_str).filter(|name| is_there(name)).collect();
    let since = written_at.map(|written_at| written_at.checked_sub(HELD_BACK).unwrap_or(written_at));
    let is_behind_last = |name: &str| listed.last().is_none_or(|last| natural_order(name, last).is_gt());
    let has_come_since = |name: &str, stamp: &Stamp| match since {
        // From before the clock was set back, and so from before the list was written.
        Some(_) if stamp.changed_at > now => false,
        // Every way to come changes the inode. So does a restored backup, of all files: names and contents are older then.
        Some(since) => {
            let rested = since.checked_sub(RESTING).unwrap_or(since);
            stamp.changed_at >= since && stamp.modified_at >= since
                || stamp.changed_at >= rested && is_behind_last(name)
        }
        None => is_behind_last(name),
    };
    let (mut come, mut others) = (Vec::new(), Vec::new());
    for (name, stamp) in files.iter().filter(|(name, _)| !still_there.contains(name.as_str())) {
        if has_come_since(name, stamp) {
            come.push((name, stamp));
        } else {
            others.push((name, stamp));
        }
    }
    let (passed_over, unlisted) = newest(come, written_at.is_some(), room);
    let kept_s = still_there.iter().map(|&name| name.to_owned());
    let lost_with_others = kept_s.filter(|name| {
        !playlist.segments.iter().any(|segment| name_of_uri(Home::Live, &segment.uri).as_ref() == Some(name))
    });
    let oldest_of_ours = oldest_that_was_listed(&playlist, &listed, files, room.window_segments);
    Plan {
        entries_lost,
        predecessor: match playlist.segments.last().and_then(|segment| name_of_uri(Home::Live, &segment.uri))
        {
            Some(name) => Predecessor::OnDisk(name),
            None if ever_listed => Predecessor::Gone,
            None => Predecessor::None,
        },
        left_now: lost_with_others.chain(passed_over).collect(),
        left_before: others
            .into_iter()
            .filter(|(_, stamp)| oldest_of_ours.is_some_and(|oldest| stamp.modified_at >= oldest))
            .map(|(name, _)| name.clone())
            .collect(),
        unlisted,
        next_number: 1,
        previous: Some(playlist),
    }
}

/// A file that left the playlist in the last run and was not deleted yet is not older than this. What is older was never
/// listed, or was to be kept: it is not ours to delete.
fn oldest_that_was_listed(
    playlist: &MediaPlaylist,
    listed: &[String],
    files: &Files,
    window_segments: usize,
) -> Option<SystemTime> {
    let oldest_listed =
        listed.iter().filter_map(|name| files.get(name)).map(|stamp| stamp.modified_at).min()?;
    // The grace of RFC 8216 6.2.2 is a segment and a window; each may be a little longer than its target.
    let grace_s = (u64::from(playlist.target_duration_s) + 1) * (window_segments as u64 + 2);
    oldest_listed.checked_sub(Duration::from_secs(grace_s))
}

/// Goes on behind a playlist that cannot be read: no number is used again, and no file that it names is listed again.
///
/// How many discontinuities have left it cannot be known: not more than one a segment, so the number given here is not below
/// what clients have seen.
fn begin_behind(text: &str, written_at: Option<SystemTime>, files: &Files, room: &Room<'_>) -> Plan {
    let told = |line: &str| line.trim().strip_prefix("#EXT-X-MEDIA-SEQUENCE:")?.parse().ok();
    let first: u64 = text.lines().find_map(told).filter(|&number| number <= PLAUSIBLE_NUMBER).unwrap_or(0);
    let named: Vec<_> = text.lines().filter_map(|line| name_of_uri(Home::Live, line.trim())).collect();
    let next = first.max(1) + named.len() as u64;
    // Nobody can have listed what came after it was written.
    let has_come_since = |name: &String, stamp: &Stamp| {
        written_at.is_some_and(|written_at| came_after(stamp, written_at))
            || named.last().is_some_and(|last| natural_order(name, last).is_gt())
    };
    let come = files.iter().filter(|(name, stamp)| has_come_since(name, stamp)).collect();
    let (passed_over, unlisted) = newest(come, written_at.is_some(), room);
    Plan {
        previous: Some(MediaPlaylist {
            version: 3,
            target_duration_s: target_duration_s(text),
            media_sequence: next,
            discontinuity_sequence: next - 1,
            independent_segments: true,
            segments: Vec::new(),
            ended: false,
        }),
        predecessor: Predecessor::Gone,
        left_now: named
            .into_iter()
            .filter(|name| files.contains_key(name) && !unlisted.contains(name))
            .chain(passed_over)
            .collect(),
        unlisted,
        ..fresh()
    }
}

/// What an unreadable playlist promised; 0 when it does not say.
fn target_duration_s(text: &str) -> u32 {
    let told = |line: &str| line.trim().strip_prefix("#EXT-X-TARGETDURATION:")?.parse().ok();
    text.lines().find_map(told).filter(|&target_s| target_s <= PLAUSIBLE_TARGET_S).unwrap_or(0)
}

fn fresh() -> Plan {
    Plan {
        previous: None,
        predecessor: Predecessor::None,
        entries_lost: 0,
        left_now: Vec::new(),
        left_before: Vec::new(),
        unlisted: Vec::new(),
        next_number: 1,
    }
}

/// The names that an encoder has used again: other bytes than those that were listed. Without `written_at` times are of another clock.
fn rewritten(
    playlist: &MediaPlaylist,
    written_at: Option<SystemTime>,
    files: &Files,
    room: &Room<'_>,
) -> BTreeSet<String> {
    let entries: Vec<_> = playlist
        .segments
        .iter()
        .map(|segment| (segment, name_of_uri(Home::Live, &segment.uri).unwrap_or_default()))
        .collect();
    let is_rewritten = |index: &usize| {
        let (segment, name) = &entries[*index];
        let Some(stamp) = files.get(name) else { return false };
        match written_at {
            Some(written_at) if !came_after(stamp, written_at) => false,
            // The clock was set, or somebody wrote the same once more.
            Some(_) => {
                is_of_its_date(segment, stamp) != Some(true) || !joins_another(&entries, *index, room.read)
            }
            None => is_of_its_date(segment, stamp) == Some(false),
        }
    };
    (0..entries.len()).filter(is_rewritten).map(|index| entries[index].1.clone()).collect()
}

/// Whether the time of a file is about that of its end by the date that is listed: an encoder comes to a name again later.
/// `None` where none is listed.
fn is_of_its_date(segment: &Segment, stamp: &Stamp) -> Option<bool> {
    let duration = ticks::duration_of_microseconds(segment.duration_90k);
    let ended_at = SystemTime::from(end_of(segment)?);
    let apart = ended_at.duration_since(stamp.modified_at).unwrap_or_else(|error| error.duration());
    Some(apart <= duration + HELD_BACK)
}

/// Whether all that can be told of a file is later than `written_at`.
fn came_after(stamp: &Stamp, written_at: SystemTime) -> bool {
    stamp.modified_at > written_at && stamp.changed_at > written_at
}

/// The files that are behind all others, in natural order, and those before them. They go by their times, as names may be used in
/// turn, unless they were copied together.
fn newest(mut files: Vec<(&String, &Stamp)>, by_time: bool, room: &Room<'_>) -> (Vec<String>, Vec<String>) {
    files.sort_by(|(a, _), (b, _)| natural_order(a, b));
    let most = room.window_segments.max(1);
    if by_time && files.len() > most {
        let times = || files.iter().map(|(_, stamp)| stamp.modified_at);
        let lasted =
            times().max().zip(times().min()).and_then(|(last, first)| last.duration_since(first).ok());
        if lasted.is_some_and(|lasted| lasted > TOGETHER) {
            files.sort_by_key(|(_, stamp)| stamp.modified_at);
        }
    }
    let mut behind = Vec::new();
    let mut fit = 0;
    while fit < most
        && let Some((name, _)) = files.pop()
    {
        fit += usize::from(files.len() + behind.len() < most || (room.read)(name).is_some());
        behind.push(name.clone());
    }
    behind.sort_by(|a, b| natural_order(a, b));
    (files.into_iter().map(|(name, _)| name.clone()).collect(), behind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::finished;
    use crate::samples::stamp;

    /// The playlist was written at this second.
    const WRITTEN_S: u64 = 1_000;

    const ROOM: Room<'static> = Room { window_segments: 3, read: &read };

    fn read(name: &str) -> Option<Finished> {
        (!name.starts_with("bad")).then(|| finished(2))
    }

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(10_000)
    }

    fn listing(names: &str) -> OnDisk {
        let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n".to_owned();
        for name in names.split_whitespace() {
            text.extend(["#EXTINF:2,\nlive/", name, ".ts\n"]);
        }
        let playlist = livedir_playlist::parse(&text).expect("a playlist");
        OnDisk::Playlist { playlist, written_at: SystemTime::UNIX_EPOCH + Duration::from_secs(WRITTEN_S) }
    }

    /// `"a@990"` was written and changed at that second, `"a@990/1005"` changed later.
    fn files(text: &str) -> Files {
        let file = |word: &str| {
            let (name, times) = word.split_once('@').expect("name@time");
            let (modified, changed) = times.split_once('/').unwrap_or((times, times));
            let seconds = |text: &str| text.parse().expect("seconds");
            (format!("{name}.ts"), stamp(188, seconds(modified), seconds(changed)))
        };
        text.split_whitespace().map(file).collect()
    }

    /// Expected: how many entries are lost, then the names to be published; `/` and those that are to be deleted later.
    #[track_caller]
    fn check(on_disk: &OnDisk, on_disk_files: &str, expected: &str) {
        let plan = plan(on_disk, &files(on_disk_files), now(), &ROOM);
        let words = |names: &[String]| {
            let mut names: Vec<_> = names.iter().map(|name| name.trim_end_matches(".ts")).collect();
            names.sort_unstable();
            names.join(" ")
        };
        let left = [plan.left_now, plan.left_before].concat();
        let unlisted: Vec<_> = plan.unlisted.iter().map(|name| name.trim_end_matches(".ts")).collect();
        assert_eq!(format!("{} {} / {}", plan.entries_lost, unlisted.join(" "), words(&left)), expected);
    }

    #[test]
    fn without_a_playlist_the_newest_window_is_published_and_the_rest_left_alone() {
        check(&OnDisk::Missing, "", "0  / ");
        check(&OnDisk::Missing, "8@1 9@2 10@3 11@4", "0 9 10 11 / ");
    }

    #[test]
    fn what_came_meanwhile_is_published_in_natural_order() {
        check(&listing("8 9"), "8@996 9@998 11@1004 10@1002", "0 10 11 / ");
        check(&listing("8 9"), "8@996 9@998 10@990/1002", "0 10 / ");
        check(&listing("8 9"), "8@996 9@998 1@1002", "0 1 / ");
    }

    #[test]
    fn more_than_a_window_is_passed_over() {
        check(&listing("9"), "9@998 10@1002 11@1004 12@1006 13@1008", "0 11 12 13 / 10");
    }

    #[test]
    fn names_that_are_used_in_turn_go_by_their_times() {
        check(&listing("8"), "8@998 9@1002 10@1004 11@1006 0@1008 1@1010", "0 0 1 11 / 10 9");
        check(&OnDisk::Missing, "9@1 10@2 11@4 0@6 1@8", "0 0 1 11 / ");
    }

    #[test]
    fn what_cannot_be_listed_takes_no_room() {
        check(&listing("1"), "1@998 2@1002 3@1004 4@1006 bad5@1008", "0 2 3 4 bad5 / ");
    }

    #[test]
    fn when_the_clock_was_set_back_names_tell_what_has_come() {
        let OnDisk::Playlist { playlist, .. } = listing("8 9") else { return };
        let written_at = now() + Duration::from_secs(1);
        check(&OnDisk::Playlist { playlist, written_at }, "7@10 8@12 9@14 10@16", "0 10 / 7");
    }

    #[test]
    fn what_left_lately_is_deleted_and_what_lay_there_before_is_left_alone() {
        check(&listing("8 9"), "1@500 6@992 7@994 8@996 9@998", "0  / 6 7");
    }

    #[test]
    fn a_restored_backup_publishes_nothing_again() {
        check(&listing("8 9"), "1@500/2000 7@994/2000 8@996/2000 9@998/2000", "0  / 7");
    }

    #[test]
    fn entries_up_to_a_missing_file_are_lost() {
        check(&listing("7 8 9"), "7@994 9@998", "2  / 7");
        check(&listing("7 8 9"), "", "3  / ");
    }

    #[test]
    fn a_name_that_was_written_again_is_published_again() {
        check(&listing("7 8 9"), "7@1002 8@996 9@998", "1 7 / ");
    }

    #[test]
    fn an_unreadable_playlist_is_gone_on_from() {
        let text =
            "#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:40\nlive/8.ts\n#EXTINF:x\nlive/9.ts\n".to_owned();
        let on_disk = OnDisk::Unreadable { problem: String::new(), text, written_at: None };
        check(&on_disk, "7@1 8@2 9@3 10@4", "0 10 / 8 9");
        let OnDisk::Unreadable { text, .. } = &on_disk else { return };
        let written_at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(5));
        let later = OnDisk::Unreadable { problem: String::new(), text: text.clone(), written_at };
        check(&later, "7@1 8@2 9@3 0@6", "0 0 / 8 9");
        let previous = plan(&on_disk, &files(""), now(), &ROOM).previous.expect("numbers that go on");
        assert_eq!((previous.media_sequence, previous.target_duration_s), (42, 4));
    }
}
