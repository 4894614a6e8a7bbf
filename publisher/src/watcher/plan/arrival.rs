//! The plan for files of other encoders: nothing but times and names tells which of them have come since.

use super::{Plan, Predecessor, remove_up_to_last_hole};
use crate::{
    directory::stamp::Stamp,
    natural::natural,
    playlist_file::{OnDisk, PLAUSIBLE_NUMBER, PLAUSIBLE_TARGET_S},
    segment_name::{Home, name_of_uri},
};
use livedir_playlist::MediaPlaylist;
use std::{
    collections::{HashMap, HashSet},
    time::{Duration, SystemTime},
};

/// Files that came less than this before the playlist was written last may not have had their turn then.
const HELD_BACK: Duration = Duration::from_secs(1);

/// Files on disk, by name.
pub(in crate::watcher) type Files = HashMap<String, Stamp>;

/// Decides how to go on. No more files are published than a window of `window_segments` can show.
pub(in crate::watcher) fn plan(on_disk: &OnDisk, files: &Files, window_segments: usize) -> Plan {
    match on_disk {
        OnDisk::Playlist { playlist, written_at } => {
            go_on(playlist.clone(), *written_at, files, window_segments)
        }
        OnDisk::Missing => {
            let unlisted = newest(files.keys().collect(), window_segments).1;
            Plan { unlisted, ..fresh() }
        }
        OnDisk::Unreadable { text, .. } => begin_behind(text, files, window_segments),
    }
}

fn go_on(mut playlist: MediaPlaylist, written_at: SystemTime, files: &Files, window_segments: usize) -> Plan {
    let ever_listed = playlist.media_sequence > 1 || !playlist.segments.is_empty();
    let listed: Vec<_> =
        playlist.segments.iter().filter_map(|segment| name_of_uri(Home::Live, &segment.uri)).collect();
    // The encoder uses names again: these are other bytes than those that were listed.
    let is_rewritten = |stamp: &Stamp| stamp.modified_at > written_at && stamp.changed_at > written_at;
    let is_there = |name: &str| files.get(name).is_some_and(|stamp| !is_rewritten(stamp));
    let entries_lost = remove_up_to_last_hole(&mut playlist, |uri| {
        name_of_uri(Home::Live, uri).is_some_and(|name| is_there(&name))
    });

    let still_there: HashSet<&str> =
        listed.iter().map(String::as_str).filter(|name| is_there(name)).collect();
    let (since, last) = (written_at.checked_sub(HELD_BACK).unwrap_or(written_at), listed.last());
    let has_come_since = |name: &str, stamp: &Stamp| {
        // Every way to come changes the inode. So does a restored backup, of all files: names and contents are older then.
        stamp.changed_at >= since
            && (stamp.modified_at >= since || last.is_none_or(|last| natural(name, last).is_gt()))
    };
    let (mut come, mut others) = (Vec::new(), Vec::new());
    for (name, stamp) in files.iter().filter(|(name, _)| !still_there.contains(name.as_str())) {
        if has_come_since(name, stamp) {
            come.push(name);
        } else {
            others.push((name, stamp));
        }
    }
    let (passed_over, unlisted) = newest(come, window_segments);
    let kept_s = still_there.iter().map(|&name| name.to_owned());
    let lost_with_others = kept_s.filter(|name| {
        !playlist.segments.iter().any(|segment| name_of_uri(Home::Live, &segment.uri).as_ref() == Some(name))
    });
    let oldest_of_ours = oldest_that_was_listed(&playlist, &listed, files, window_segments);
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
fn begin_behind(text: &str, files: &Files, window_segments: usize) -> Plan {
    let told = |line: &str| line.trim().strip_prefix("#EXT-X-MEDIA-SEQUENCE:")?.parse().ok();
    let first: u64 = text.lines().find_map(told).filter(|&number| number <= PLAUSIBLE_NUMBER).unwrap_or(0);
    let named: Vec<_> = text.lines().filter_map(|line| name_of_uri(Home::Live, line.trim())).collect();
    let next = first.max(1) + named.len() as u64;
    let come = match named.last() {
        Some(last) => files.keys().filter(|name| natural(name, last).is_gt()).collect(),
        None => Vec::new(),
    };
    let (passed_over, unlisted) = newest(come, window_segments);
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
        left_now: named.into_iter().filter(|name| files.contains_key(name)).chain(passed_over).collect(),
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

/// The last `count` in natural order, and those before them.
fn newest(mut names: Vec<&String>, count: usize) -> (Vec<String>, Vec<String>) {
    names.sort_by(|a, b| natural(a, b));
    let behind = names.split_off(names.len().saturating_sub(count.max(1)));
    (names.into_iter().cloned().collect(), behind.into_iter().cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::stamp::tests::stamp;

    /// The playlist was written at this second.
    const WRITTEN_S: u64 = 1_000;

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
        let plan = plan(on_disk, &files(on_disk_files), 3);
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
        let on_disk = OnDisk::Unreadable { problem: String::new(), text };
        check(&on_disk, "7@1 8@2 9@3 10@4", "0 10 / 8 9");
        let previous = plan(&on_disk, &files(""), 3).previous.expect("numbers that go on");
        assert_eq!((previous.media_sequence, previous.target_duration_s), (42, 4));
    }
}
