//! Numbers: which numbers of files and of damaged playlists are those of earlier runs of ours, and which are those of strangers. Pure.
//!
//! In: the numbers of files, and what is left of a playlist. Out: the last number that was used.

use livedir_layout::files::{OnDisk, PLAUSIBLE_NUMBER};
use livedir_layout::names::number_of_uri;
use std::collections::BTreeSet;

/// How far the numbers of files of an earlier run may be ahead of the last number in its playlist. A run lists a segment at once after it
/// has written it, and a few segments may be lost in between.
const FURTHEST_JUMP: u64 = 10;

/// Numbers of files are taken for ours below this only: one segment each second takes 3,000 years to come here.
const PLAUSIBLE_OF_FILES: u64 = 100_000_000_000;

/// Whether a number in `ll.m3u8` is plausible: it is near the last number in `stream.m3u8` (`told`), or near the number of a segment or part
/// on disk (`files`).
pub(crate) fn is_backed(number: u64, files: &BTreeSet<u64>, told: Option<u64>) -> bool {
    let near = number.saturating_sub(FURTHEST_JUMP)..=number.saturating_add(FURTHEST_JUMP);
    let nothing_tells = told.is_none() && files.is_empty();
    nothing_tells || told.is_some_and(|told| told >= *near.start()) || files.range(near).next().is_some()
}

/// The highest number that an earlier run of ours has used; files with higher numbers were put there by others. `sizes`: the numbers of
/// the files of each rendition. `told`: the last number in a playlist.
pub(crate) fn last_of_ours(sizes: &[BTreeSet<u64>], told: Option<u64>) -> u64 {
    let all: BTreeSet<u64> = sizes.iter().flatten().copied().collect();
    // If one size has written a segment with a number far ahead, at least one other size has written one near it.
    let is_backed = |number: u64| {
        let near = number.saturating_sub(1)..=number.saturating_add(1);
        sizes.len() < 2 || sizes.iter().filter(|it| it.range(near.clone()).next().is_some()).count() > 1
    };
    told.map_or_else(|| last_of_longest_chain(&all), |told| last_of_chain(&all, told, is_backed))
}

/// The last number of the longest chain of files with close numbers; of chains of equal length the one with the highest numbers. 0 without
/// files.
fn last_of_longest_chain(files: &BTreeSet<u64>) -> u64 {
    let mut chains: Vec<(usize, u64)> = Vec::new();
    let mut before = None;
    for &number in files.range(..PLAUSIBLE_OF_FILES) {
        let is_next = before.is_some_and(|before| number - before <= FURTHEST_JUMP);
        match chains.last_mut().filter(|_| is_next) {
            Some((count, last)) => (*count, *last) = (*count + 1, number),
            None => chains.push((1, number)),
        }
        before = Some(number);
    }
    chains.into_iter().max().map_or(0, |(_, last)| last)
}

fn last_of_chain(files: &BTreeSet<u64>, first: u64, is_backed: impl Fn(u64) -> bool) -> u64 {
    let mut last = first;
    for &number in files.range(first.saturating_add(1)..) {
        let distance = number - last;
        if distance > FURTHEST_JUMP {
            break;
        }
        if distance == 1 || is_backed(number) {
            last = number;
        }
    }
    last
}

/// The last number that a playlist on disk tells of; `None` without a playlist, or where it tells of none.
pub(crate) fn told(on_disk: &OnDisk) -> Option<u64> {
    match on_disk {
        OnDisk::Missing => None,
        OnDisk::Unreadable { text, .. } => Some(salvage(text)).filter(|&number| number > 0),
        OnDisk::Playlist { playlist, .. } => {
            let listed = playlist.segments.iter().filter_map(|segment| number_of_uri(&segment.uri)).max();
            let last = listed.unwrap_or_else(|| playlist.next_media_sequence().saturating_sub(1));
            Some(last).filter(|&last| last > 0)
        }
    }
}

/// The highest number in what is left of a playlist: of a file, or EXT-X-MEDIA-SEQUENCE.
pub(super) fn salvage(text: &str) -> u64 {
    let number_of_line = |line: &str| match line.trim().strip_prefix("#EXT-X-MEDIA-SEQUENCE:") {
        Some(value) => value.parse().ok(),
        None => number_of_uri(line.trim()),
    };
    text.lines().filter_map(number_of_line).filter(|&number| number <= PLAUSIBLE_NUMBER).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_ours(sizes: &[&[u64]], told: Option<u64>, expected: u64) {
        let files: Vec<BTreeSet<u64>> = sizes.iter().map(|files| files.iter().copied().collect()).collect();
        assert_eq!(last_of_ours(&files, told), expected, "{sizes:?} {told:?}");
    }

    #[test]
    fn numbers_far_ahead_are_those_of_strangers() {
        check_ours(&[&[4, 5, 6, 8, 99]], Some(5), 8);
        check_ours(&[&[99]], Some(5), 5);
        check_ours(&[&[999_999_999_999_999]], None, 0);
        check_ours(&[&[1, 2, 3, 50_000, 50_001]], None, 3);
        check_ours(&[&[7, 99]], None, 99);
        check_ours(&[&[7, 8]], Some(999_999), 999_999);
    }

    #[test]
    fn a_number_that_nothing_is_near_to_is_not_told() {
        let check = |number, files: &[u64], told, expected| {
            let files = files.iter().copied().collect();
            assert_eq!(is_backed(number, &files, told), expected, "{number} {files:?} {told:?}");
        };
        check(6, &[4, 5], Some(5), true);
        check(900_000_000_000, &[4, 5], Some(5), false);
        check(510, &[500, 509], Some(40), true);
        check(3, &[], Some(40), true);
        check(510, &[], None, true);
    }

    #[test]
    fn a_number_that_one_size_has_alone_is_the_next_or_that_of_a_stranger() {
        check_ours(&[&[4, 5, 6], &[4, 5]], Some(5), 6);
        check_ours(&[&[4, 5, 12], &[4, 5]], Some(5), 5);
        check_ours(&[&[4, 5, 8], &[4, 5, 7]], Some(5), 8);
    }
}
