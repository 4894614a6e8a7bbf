//! The plan for our own segments: their numbers tell the order.

use crate::events::finished_file::Finished;
use crate::resume::numbers::salvage;
use crate::resume::{Plan, Predecessor, joins_another};
use crate::timeline::dates::end_of;
use crate::timeline::listed::remove_up_to_last_hole;
use livedir_layout::directory::stamp::Stamp;
use livedir_layout::files::OnDisk;
use livedir_layout::names::{Home, name_of_uri, number_of_uri};
use livedir_playlist::{MediaPlaylist, Segment};
use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

/// Decides how to go on. `changed`: listed files that are others than those that were listed.
///
/// `target_duration_s` and `window_segments` are those of a playlist that is begun anew.
pub(crate) fn plan(
    on_disk: &OnDisk,
    (files, changed): (&BTreeSet<u64>, &BTreeSet<u64>),
    target_duration_s: u32,
    window_segments: usize,
) -> Plan<u64> {
    match on_disk {
        OnDisk::Playlist { playlist, .. } => go_on(playlist.clone(), files, changed),
        OnDisk::Missing => {
            let next_number = next_number(files, 1);
            // The newest files, as many as a window holds.
            let oldest = files.iter().rev().nth(window_segments.max(1) - 1).or(files.first());
            begin(oldest.copied().unwrap_or(next_number), files, next_number, target_duration_s)
        }
        OnDisk::Unreadable { text, .. } => {
            // What was listed once is not listed again: clients know it with a discontinuity sequence that is lost.
            let told = salvage(text);
            let next_number = next_number(files, told + 1);
            let first = if told > 0 { told + 1 } else { next_number };
            begin(first, files, next_number, target_duration_s)
        }
    }
}

fn go_on(mut playlist: MediaPlaylist, files: &BTreeSet<u64>, changed: &BTreeSet<u64>) -> Plan<u64> {
    let numbers: Vec<_> = playlist.segments.iter().map(|segment| number_of_uri(&segment.uri)).collect();
    let is_there = |number: &Option<u64>| {
        number.is_some_and(|number| files.contains(&number) && !changed.contains(&number))
    };
    let entries_lost = remove_up_to_last_hole(&mut playlist, |uri| is_there(&number_of_uri(uri)));

    let left_now: Vec<_> =
        numbers[..entries_lost].iter().flatten().copied().filter(|it| files.contains(it)).collect();
    // An empty playlist still tells a number: those of names are never below those of the playlist.
    let last_listed = numbers.iter().flatten().copied().max();
    let first_unlisted = last_listed.map_or(playlist.media_sequence, |last| last.saturating_add(1));
    let listed: BTreeSet<_> = numbers.iter().flatten().copied().collect();
    let predecessor = match playlist.segments.last().and_then(|segment| number_of_uri(&segment.uri)) {
        Some(number) => Predecessor::OnDisk(number),
        None if playlist.media_sequence <= 1 => Predecessor::None,
        None => Predecessor::Gone,
    };
    Plan {
        entries_lost,
        predecessor,
        left_now,
        left_before: files
            .range(..first_unlisted)
            .copied()
            .filter(|number| !listed.contains(number))
            .collect(),
        unlisted: files.range(first_unlisted..).copied().collect(),
        next_number: next_number(files, first_unlisted.max(playlist.next_media_sequence())),
        previous: Some(playlist),
    }
}

/// The plan of a size whose playlist tells nothing that fits the other sizes: it begins where they go on, and what lies there may
/// have been listed before.
pub(crate) fn join(files: &BTreeSet<u64>) -> Plan<u64> {
    Plan {
        previous: None,
        predecessor: Predecessor::Gone,
        entries_lost: 0,
        left_now: Vec::new(),
        left_before: files.iter().copied().collect(),
        unlisted: Vec::new(),
        next_number: next_number(files, 1),
    }
}

/// The plan of a size whose playlist is lost: it is made again of files, to agree with this one of another size, which lists
/// nothing.
pub(crate) fn rebuild(empty: MediaPlaylist, files: &BTreeSet<u64>) -> Plan<u64> {
    let first = empty.media_sequence;
    Plan {
        predecessor: if first > 1 { Predecessor::Gone } else { Predecessor::None },
        entries_lost: 0,
        left_now: Vec::new(),
        left_before: files.range(..first).copied().collect(),
        unlisted: files.range(first..).copied().collect(),
        next_number: next_number(files, first),
        previous: Some(empty),
    }
}

/// Begins a playlist with the files from `first` on.
///
/// How many discontinuities have left an earlier one cannot be known: not more than one a segment, so the number given here is
/// not below what clients have seen.
fn begin(first: u64, files: &BTreeSet<u64>, next_number: u64, target_duration_s: u32) -> Plan<u64> {
    let previous = (first > 1).then(|| MediaPlaylist {
        version: 3,
        target_duration_s,
        media_sequence: first,
        discontinuity_sequence: first - 1,
        independent_segments: true,
        segments: Vec::new(),
        ended: false,
    });
    Plan {
        predecessor: if first > 1 { Predecessor::Gone } else { Predecessor::None },
        previous,
        entries_lost: 0,
        left_now: Vec::new(),
        left_before: files.range(..first).copied().collect(),
        unlisted: files.range(first..).copied().collect(),
        next_number,
    }
}

/// How far the time of a file of ours may be from the end of its segment by the playlist: an estimate of a frame's length.
const SAME_TIME: Duration = Duration::from_millis(20);

/// No date is shifted so far from the time of its file.
const OTHER_TIME: Duration = Duration::from_secs(10);

/// The numbers of listed files that are others than those that were listed: they do not bear the time that ours bear, and something
/// was done to them since, or that time is far off; and they do not join those beside them.
///
/// `stamp`: what the file system says of a name; `read`: what its file holds, if it can be listed.
pub(crate) fn changed(
    on_disk: &OnDisk,
    home: Home,
    stamp: &dyn Fn(&str) -> Option<Stamp>,
    read: &dyn Fn(&str) -> Option<Finished>,
) -> BTreeSet<u64> {
    let OnDisk::Playlist { playlist, written_at } = on_disk else { return BTreeSet::new() };
    let name = |segment: &Segment| name_of_uri(home, &segment.uri).unwrap_or_default();
    let entries: Vec<_> = playlist.segments.iter().map(|segment| (segment, name(segment))).collect();
    let is_suspicious = |(segment, name): &(&Segment, String)| {
        let ended_at = end_of(segment).map(SystemTime::from);
        stamp(name).zip(ended_at).is_some_and(|(stamp, ended_at)| {
            let later = stamp.modified_at.duration_since(ended_at);
            let apart = later.unwrap_or_else(|earlier| earlier.duration());
            apart > OTHER_TIME || (apart > SAME_TIME && stamp.changed_at > *written_at)
        })
    };
    let is_changed = |index: &usize| {
        let entry = &entries[*index];
        !entry.0.gap && is_suspicious(entry) && !joins_another(&entries, *index, read)
    };
    (0..entries.len()).filter(is_changed).filter_map(|index| number_of_uri(&entries[index].0.uri)).collect()
}

fn next_number(files: &BTreeSet<u64>, at_least: u64) -> u64 {
    files.last().map_or(1, |&last| last + 1).max(at_least).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resume::remove_before;
    use std::time::SystemTime;

    /// `"12 13! 14"`: files 12 to 14 listed, a discontinuity before 13.
    fn listing(media_sequence: u64, entries: &str) -> OnDisk {
        let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{media_sequence}\n");
        for entry in entries.split_whitespace() {
            let number = entry.trim_end_matches('!');
            if entry.ends_with('!') {
                text.push_str("#EXT-X-DISCONTINUITY\n");
            }
            text.extend(["#EXTINF:2,\nlive/seg-", &format!("{number:0>8}"), ".ts\n"]);
        }
        let playlist = livedir_playlist::parse(&text).expect("a playlist");
        OnDisk::Playlist { playlist, written_at: SystemTime::UNIX_EPOCH }
    }

    #[derive(Clone, Copy)]
    struct Expected<'a> {
        sequences: Option<(u64, u64)>,
        predecessor: Predecessor<u64>,
        left_now: &'a [u64],
        left_before: &'a [u64],
        unlisted: &'a [u64],
        next_number: u64,
    }

    #[track_caller]
    fn check(on_disk: &OnDisk, files: &[u64], expected: &Expected) {
        check_changed(on_disk, files, &[], expected);
    }

    #[track_caller]
    fn check_changed(on_disk: &OnDisk, files: &[u64], changed: &[u64], expected: &Expected) {
        let [files, changed] = [files, changed].map(|numbers| numbers.iter().copied().collect());
        let plan = plan(on_disk, (&files, &changed), 2, 3);
        let sequences =
            plan.previous.as_ref().map(|playlist| (playlist.media_sequence, playlist.discontinuity_sequence));
        assert_eq!(sequences, expected.sequences);
        assert_eq!(plan.predecessor, expected.predecessor);
        assert_eq!(plan.left_now, expected.left_now);
        assert_eq!(plan.left_before, expected.left_before);
        assert_eq!(plan.unlisted, expected.unlisted);
        assert_eq!(plan.next_number, expected.next_number);
    }

    const FRESH: Expected<'static> = Expected {
        sequences: None,
        predecessor: Predecessor::None,
        left_now: &[],
        left_before: &[],
        unlisted: &[],
        next_number: 1,
    };

    #[test]
    fn an_empty_directory_begins_at_1() {
        check(&OnDisk::Missing, &[], &FRESH);
    }

    #[test]
    fn a_crash_before_the_first_playlist_loses_no_segment() {
        check(&OnDisk::Missing, &[1], &Expected { unlisted: &[1], next_number: 2, ..FRESH });
    }

    #[test]
    fn a_live_playlist_goes_on_with_the_files_behind_its_end() {
        let expected = Expected {
            sequences: Some((12, 0)),
            predecessor: Predecessor::OnDisk(14),
            left_now: &[],
            left_before: &[10, 11],
            unlisted: &[15, 17],
            next_number: 18,
        };
        check(&listing(12, "12 13! 14"), &[10, 11, 12, 13, 14, 15, 17], &expected);
    }

    #[test]
    fn names_of_deleted_files_are_not_used_again() {
        let expected =
            Expected { sequences: Some((15, 1)), predecessor: Predecessor::Gone, next_number: 15, ..FRESH };
        check(&listing(12, "12 13! 14"), &[], &expected);
        // The numbers of the playlist may be behind those of the names, where files were refused.
        let expected =
            Expected { sequences: Some((11, 1)), predecessor: Predecessor::Gone, next_number: 15, ..FRESH };
        check(&listing(8, "12 13! 14"), &[], &expected);
    }

    #[test]
    fn a_hole_takes_everything_before_it() {
        let expected = Expected {
            sequences: Some((14, 1)),
            predecessor: Predecessor::OnDisk(14),
            left_now: &[12],
            next_number: 15,
            ..FRESH
        };
        check(&listing(12, "12 13! 14"), &[12, 14], &expected);
    }

    #[test]
    fn a_file_that_is_another_than_the_one_that_was_listed_is_a_hole() {
        let expected = Expected {
            sequences: Some((14, 1)),
            predecessor: Predecessor::OnDisk(14),
            left_now: &[12, 13],
            next_number: 15,
            ..FRESH
        };
        check_changed(&listing(12, "12 13! 14"), &[12, 13, 14], &[13], &expected);
    }

    #[test]
    fn a_discontinuity_that_stays_is_not_counted_as_gone() {
        let expected = Expected {
            sequences: Some((13, 0)),
            predecessor: Predecessor::OnDisk(14),
            next_number: 15,
            ..FRESH
        };
        check(&listing(12, "12 13! 14"), &[13, 14], &expected);
    }

    #[test]
    fn a_playlist_of_foreign_names_is_left_behind() {
        let playlist =
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:2,\n../secret.ts\n";
        let playlist = livedir_playlist::parse(playlist).expect("a playlist");
        let on_disk = OnDisk::Playlist { playlist, written_at: SystemTime::UNIX_EPOCH };
        let expected =
            Expected { sequences: Some((8, 0)), predecessor: Predecessor::Gone, next_number: 8, ..FRESH };
        check(&on_disk, &[], &expected);
    }

    #[test]
    fn an_unreadable_playlist_still_tells_how_far_the_numbers_were() {
        let text = "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:40\n#EXTINF:2\0,\nlive/seg-00000043.ts\nlive/seg-0000";
        let on_disk = OnDisk::Unreadable { problem: String::new(), text: text.to_owned(), written_at: None };
        let gone = Expected { predecessor: Predecessor::Gone, ..FRESH };
        check(&on_disk, &[], &Expected { sequences: Some((44, 43)), next_number: 44, ..gone });
        let expected = Expected {
            sequences: Some((44, 43)),
            left_before: &[42, 43],
            unlisted: &[44],
            next_number: 45,
            ..gone
        };
        check(&on_disk, &[42, 43, 44], &expected);
    }

    #[test]
    fn a_playlist_that_tells_nothing_lists_no_file_again() {
        let on_disk = OnDisk::Unreadable { problem: String::new(), text: String::new(), written_at: None };
        let expected = Expected {
            sequences: Some((8, 7)),
            predecessor: Predecessor::Gone,
            left_before: &[6, 7],
            next_number: 8,
            ..FRESH
        };
        check(&on_disk, &[6, 7], &expected);
        check(&on_disk, &[], &FRESH);
    }

    #[test]
    fn without_a_playlist_the_newest_files_make_a_window() {
        let expected = Expected {
            sequences: Some((42, 41)),
            predecessor: Predecessor::Gone,
            left_now: &[],
            left_before: &[40, 41],
            unlisted: &[42, 43, 44],
            next_number: 45,
        };
        check(&OnDisk::Missing, &[40, 41, 42, 43, 44], &expected);
    }

    #[test]
    fn what_another_list_has_left_behind_leaves() {
        #[track_caller]
        fn check(begins_at: u64, expected: (u64, u64, usize)) {
            let OnDisk::Playlist { mut playlist, .. } = listing(4, "12! 13 14!") else { unreachable!() };
            remove_before(&mut playlist, begins_at);
            let left = (playlist.media_sequence, playlist.discontinuity_sequence, playlist.segments.len());
            assert_eq!(left, expected, "{begins_at}");
        }
        check(3, (4, 0, 3));
        check(6, (6, 1, 1));
        check(7, (7, 2, 0));
        // Of another stream.
        check(8, (4, 0, 3));
        check(u64::MAX, (4, 0, 3));
    }
}
