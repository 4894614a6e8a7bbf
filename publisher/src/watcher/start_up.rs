//! Start-up: what was there before. The old playlist is the journal, the directory is the truth.
//!
//! In: the playlist on disk and the numbers of the files beside it. Out: a [`Plan`]: what the playlist goes on with, which files
//! are still to be published, which have left it before. The plan is pure; sweeping and listing are thin.

use crate::{
    playlist_file::OnDisk,
    segment_name::{LEFT_OVER_PREFIX, number_of_name, number_of_uri},
};
use livedir_playlist::MediaPlaylist;
use std::{collections::BTreeSet, fs, io, path::Path};
use tracing::{debug, warn};

/// How to go on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// What to resume; `None` on a fresh start.
    pub(super) previous: Option<MediaPlaylist>,
    /// What the first segment published goes on from.
    pub(super) predecessor: Predecessor,
    /// Entries that the old playlist lost because a file is missing.
    pub(super) entries_lost: usize,
    /// Files of entries that were lost with others.
    pub(super) left_now: Vec<u64>,
    /// Files that left the playlist before.
    pub(super) left_before: Vec<u64>,
    /// Files that never were in it, in order: they are published first.
    pub(super) unlisted: Vec<u64>,
    /// Larger than every number on disk and in the playlist.
    pub(super) next_number: u64,
}

/// What was published last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Predecessor {
    /// Nothing ever was.
    None,
    /// This segment; its bytes tell whether the next one goes on from it.
    OnDisk(u64),
    /// A segment that is gone: the next one cannot be known to go on from it.
    Gone,
}

/// Decides how to go on.
///
/// `target_duration_s` and `window_segments` are those of a playlist that is begun anew.
pub(super) fn plan(
    on_disk: &OnDisk,
    files: &BTreeSet<u64>,
    target_duration_s: u32,
    window_segments: usize,
) -> Plan {
    match on_disk {
        OnDisk::Playlist { playlist, .. } => go_on(playlist.clone(), files),
        OnDisk::Missing => begin_with_files(0, files, target_duration_s, window_segments),
        OnDisk::Unreadable { text, .. } => {
            begin_with_files(salvage(text), files, target_duration_s, window_segments)
        }
    }
}

fn go_on(mut playlist: MediaPlaylist, files: &BTreeSet<u64>) -> Plan {
    let numbers: Vec<_> = playlist.segments.iter().map(|segment| number_of_uri(&segment.uri)).collect();
    let is_there = |number: &Option<u64>| number.is_some_and(|number| files.contains(&number));
    // RFC 8216 6.2.1: segments are removed from the beginning, in order. So everything up to the last hole goes.
    let entries_lost = numbers.iter().rposition(|number| !is_there(number)).map_or(0, |hole| hole + 1);
    let lost = playlist.segments.drain(..entries_lost);
    let lost_discontinuities = lost.filter(|segment| segment.discontinuity).count() as u64;
    playlist.media_sequence = playlist.media_sequence.saturating_add(entries_lost as u64);
    playlist.discontinuity_sequence = playlist.discontinuity_sequence.saturating_add(lost_discontinuities);

    let left_now: Vec<_> = numbers[..entries_lost].iter().flatten().copied().filter(|it| files.contains(it)).collect();
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
        left_before: files.range(..first_unlisted).copied().filter(|number| !listed.contains(number)).collect(),
        unlisted: files.range(first_unlisted..).copied().collect(),
        next_number: next_number(files, first_unlisted.max(playlist.next_media_sequence())),
        previous: Some(playlist),
    }
}

/// Without a playlist the newest files are published, as many as a window holds.
///
/// `highest_told` is what is left of an unreadable playlist. How many discontinuities have left it cannot be known: not more
/// than one a segment, so this number is not below what clients have seen.
fn begin_with_files(
    highest_told: u64,
    files: &BTreeSet<u64>,
    target_duration_s: u32,
    window_segments: usize,
) -> Plan {
    let next_number = next_number(files, highest_told.saturating_add(1));
    let first = files.iter().rev().take(window_segments).last().copied().unwrap_or(next_number);
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

fn next_number(files: &BTreeSet<u64>, at_least: u64) -> u64 {
    files.last().map_or(1, |&last| last + 1).max(at_least).max(1)
}

/// The highest number in what is left of a playlist: of a file, or EXT-X-MEDIA-SEQUENCE.
fn salvage(text: &str) -> u64 {
    /// A damaged digit must not use up the numbers: one segment each second takes 30,000 years to come here.
    const PLAUSIBLE: u64 = 1_000_000_000_000;
    let number_of_line = |line: &str| match line.trim().strip_prefix("#EXT-X-MEDIA-SEQUENCE:") {
        Some(value) => value.parse().ok(),
        None => number_of_uri(line.trim()),
    };
    text.lines().filter_map(number_of_line).filter(|&number| number <= PLAUSIBLE).max().unwrap_or(0)
}

/// Deletes the dot files that a crash left behind. The lock on webroot says that nobody else is writing them.
pub(super) fn sweep(directory: &Path, prefixes: &[&str]) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_left_over =
            name.to_str().is_some_and(|name| prefixes.iter().any(|prefix| name.starts_with(prefix)));
        if is_left_over && entry.file_type()?.is_file() {
            match fs::remove_file(entry.path()) {
                Ok(()) => debug!(path = %entry.path().display(), "left-over file swept"),
                Err(error) => {
                    warn!(path = %entry.path().display(), %error, "left-over file cannot be swept; delete it by hand");
                }
            }
        }
    }
    Ok(())
}

/// What lies in the live directory: the numbers of segments, and other names that end in .ts.
pub(super) fn list(live: &Path) -> io::Result<(BTreeSet<u64>, Vec<String>)> {
    let (mut numbers, mut others) = (BTreeSet::new(), Vec::new());
    for entry in fs::read_dir(live)? {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        match number_of_name(name) {
            Some(number) => {
                numbers.insert(number);
            }
            None if name.ends_with(".ts") && !name.starts_with('.') => others.push(name.to_owned()),
            None => {}
        }
    }
    Ok((numbers, others))
}

/// [`sweep`] of both directories.
pub(super) fn sweep_webroot(webroot: &Path, live: &Path) -> io::Result<()> {
    use crate::playlist_file::{PLAYLIST, STATUS, left_over_prefix};
    sweep(live, &[LEFT_OVER_PREFIX])?;
    sweep(webroot, &[&left_over_prefix(PLAYLIST), &left_over_prefix(STATUS)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    /// `"12 13! 14"`: files 12 to 14 listed, a discontinuity before 13.
    fn listing(media_sequence: u64, entries: &str) -> OnDisk {
        let mut text =
            format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{media_sequence}\n");
        for entry in entries.split_whitespace() {
            let number = entry.trim_end_matches('!');
            let tag = if entry.ends_with('!') { "#EXT-X-DISCONTINUITY\n" } else { "" };
            text += &format!("{tag}#EXTINF:2,\nlive/seg-{number:0>8}.ts\n");
        }
        let playlist = livedir_playlist::parse(&text).expect("a playlist");
        OnDisk::Playlist { playlist, written_at: SystemTime::UNIX_EPOCH }
    }

    struct Expected<'a> {
        sequences: Option<(u64, u64)>,
        predecessor: Predecessor,
        left_now: &'a [u64],
        left_before: &'a [u64],
        unlisted: &'a [u64],
        next_number: u64,
    }

    #[track_caller]
    fn check(on_disk: &OnDisk, files: &[u64], expected: &Expected) {
        let plan = plan(on_disk, &files.iter().copied().collect(), 2, 3);
        let sequences =
            plan.previous.as_ref().map(|playlist| (playlist.media_sequence, playlist.discontinuity_sequence));
        assert_eq!(sequences, expected.sequences);
        assert_eq!(plan.predecessor, expected.predecessor);
        assert_eq!(plan.left_now, expected.left_now);
        assert_eq!(plan.left_before, expected.left_before);
        assert_eq!(plan.unlisted, expected.unlisted);
        assert_eq!(plan.next_number, expected.next_number);
    }

    const FRESH: Expected = Expected {
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
        let expected = Expected { sequences: Some((15, 1)), predecessor: Predecessor::Gone, next_number: 15, ..FRESH };
        check(&listing(12, "12 13! 14"), &[], &expected);
        // The numbers of the playlist may be behind those of the names, where files were refused.
        let expected = Expected { sequences: Some((11, 1)), predecessor: Predecessor::Gone, next_number: 15, ..FRESH };
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
        let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:2,\n../secret.ts\n";
        let playlist = livedir_playlist::parse(playlist).expect("a playlist");
        let on_disk = OnDisk::Playlist { playlist, written_at: SystemTime::UNIX_EPOCH };
        let expected = Expected { sequences: Some((8, 0)), predecessor: Predecessor::Gone, next_number: 8, ..FRESH };
        check(&on_disk, &[], &expected);
    }

    #[test]
    fn an_unreadable_playlist_still_tells_how_far_the_numbers_were() {
        let text = "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:40\n#EXTINF:2\0,\nlive/seg-00000043.ts\nlive/seg-0000";
        let on_disk = OnDisk::Unreadable { problem: String::new(), text: text.to_owned() };
        let expected =
            Expected { sequences: Some((44, 43)), predecessor: Predecessor::Gone, next_number: 44, ..FRESH };
        check(&on_disk, &[], &expected);
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
    fn sweeping_takes_our_dot_files_and_nothing_else() {
        let webroot = tempfile::tempdir().expect("temp dir");
        let live = webroot.path().join("live");
        fs::create_dir(&live).expect("live");
        let swept = [live.join(".seg-00000001.ts.x"), webroot.path().join(".stream.m3u8.x"), webroot.path().join(".status.json.x")];
        let kept = [live.join("seg-00000001.ts"), live.join(".other"), webroot.path().join(".livedir.lock"), webroot.path().join(".seg-1")];
        for path in swept.iter().chain(&kept) {
            fs::write(path, b"x").expect("written");
        }
        sweep_webroot(webroot.path(), &live).expect("swept");
        assert!(swept.iter().all(|path| !path.exists()));
        assert!(kept.iter().all(|path| path.exists()));
    }
}
