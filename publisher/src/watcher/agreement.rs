//! Agreement: with which of the playlists that a run before has left the sizes of a ladder go on. Pure.
//!
//! In: what stands on disk of each size. Out: for each size, whether it goes on with its playlist, or joins the others with an
//! empty one where they go on. A hand may have taken one size's playlist away, cut it, or laid another stream's in its place: the
//! others keep theirs, as players have them.

use crate::{playlist_file::OnDisk, segment_name::number_of_uri};
use livedir_playlist::MediaPlaylist;

/// More segments than this are not listed as gaps, to leave the window again at once: so many are half an hour.
const MOST_MISSING: u64 = 1_000;

/// What becomes of the playlist of a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is gone on with.
    GoesOn,
    /// It does not fit those of the others: the size begins with an empty one where they go on.
    Joins,
    /// No playlist tells what was listed. Each size makes the best of its files.
    Unknown,
}

/// Decides for each size.
pub(super) fn fates(on_disk: &[&OnDisk]) -> Vec<Fate> {
    let told = match on_disk.iter().map(|it| told(it).filter(has_segments)).collect::<Vec<_>>() {
        // Playlists that list nothing yet tell their numbers, where there is no better.
        none if none.iter().all(Option::is_none) => on_disk.iter().map(|it| told(it)).collect(),
        told => told,
    };
    let live = |playlist: &&MediaPlaylist| !playlist.ended;
    let in_line_with = |reference: &MediaPlaylist| {
        told.iter().flatten().copied().filter(live).filter(|list| are_in_line(list, reference)).count()
    };
    // What most of them say is true, and of as many what has come furthest.
    let reference = told
        .iter()
        .flatten()
        .copied()
        .filter(live)
        .max_by_key(|list| (in_line_with(list), list.next_media_sequence()));
    let is_nothing_told = told.iter().all(Option::is_none);
    let fate = |told: &Option<&MediaPlaylist>| match (told, reference) {
        _ if is_nothing_told => Fate::Unknown,
        (None, _) => Fate::Joins,
        (Some(_), None) => Fate::GoesOn,
        (Some(list), Some(reference)) if live(list) && are_in_line(list, reference) => Fate::GoesOn,
        // One that is ended lists nothing behind its end.
        (Some(_), Some(_)) => Fate::Joins,
    };
    told.iter().map(fate).collect()
}

fn has_segments(playlist: &&MediaPlaylist) -> bool {
    !playlist.segments.is_empty()
}

/// The playlist, if all that it lists is listed under the number that its name has, as those of our sizes are.
fn told(on_disk: &OnDisk) -> Option<&MediaPlaylist> {
    let OnDisk::Playlist { playlist, .. } = on_disk else { return None };
    let mut numbered = (playlist.media_sequence..).zip(&playlist.segments);
    let is_true = numbered.all(|(number, segment)| number_of_uri(&segment.uri) == Some(number));
    is_true.then_some(playlist)
}

/// Whether two playlists say the same of the numbers that both list. Where one begins behind the end of the other, no timeline may
/// break in between: gaps fill it.
///
/// RFC 8216 6.2.4: matching content MUST have matching timestamps and discontinuity sequence numbers.
fn are_in_line(one: &MediaPlaylist, other: &MediaPlaylist) -> bool {
    let (earlier, later) = match one.media_sequence <= other.media_sequence {
        true => (one, other),
        false => (other, one),
    };
    let next = earlier.next_media_sequence();
    if earlier.segments.is_empty() {
        return next == later.media_sequence
            && earlier.discontinuity_sequence == later.discontinuity_sequence;
    }
    if next <= later.media_sequence {
        let is_near = later.media_sequence - next <= MOST_MISSING;
        return is_near && earlier.discontinuity_sequence_of(next - 1) == Some(later.discontinuity_sequence);
    }
    let both = later.media_sequence..next.min(later.next_media_sequence());
    let is_same =
        |number| earlier.discontinuity_sequence_of(number) == later.discontinuity_sequence_of(number);
    !both.is_empty() && both.into_iter().all(is_same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    /// `"4 (1): 4 !5 6"`: media sequence 4, discontinuity sequence 1, three segments; `-` is no playlist.
    fn on_disk(words: &str) -> OnDisk {
        let Some((numbers, entries)) = words.split_once(':') else { return OnDisk::Missing };
        let (media_sequence, discontinuities) = numbers.split_once(" (").expect("two numbers");
        let discontinuities = discontinuities.trim_end_matches(')');
        let mut text = format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{media_sequence}\n#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuities}\n"
        );
        for entry in entries.split_whitespace() {
            if entry == "end" {
                text.push_str("#EXT-X-ENDLIST\n");
                continue;
            }
            if entry.starts_with('!') {
                text.push_str("#EXT-X-DISCONTINUITY\n");
            }
            let number = entry.trim_start_matches('!');
            text.extend(["#EXTINF:2,\nseg-", &format!("{number:0>8}"), ".ts\n"]);
        }
        let playlist = livedir_playlist::parse(&text).expect("a playlist");
        OnDisk::Playlist { playlist, written_at: SystemTime::UNIX_EPOCH }
    }

    /// `+` goes on, `j` joins, `?` is unknown.
    #[track_caller]
    fn check(sizes: &[&str], expected: &str) {
        let on_disk: Vec<_> = sizes.iter().map(|words| on_disk(words)).collect();
        let fates = fates(&on_disk.iter().collect::<Vec<_>>());
        let said: String = fates
            .into_iter()
            .map(|fate| match fate {
                Fate::GoesOn => '+',
                Fate::Joins => 'j',
                Fate::Unknown => '?',
            })
            .collect();
        assert_eq!(said, expected, "{sizes:?}");
    }

    #[test]
    fn lists_that_say_the_same_are_gone_on_with() {
        check(&["1 (0): 1 2 3", "1 (0): 1 2", "2 (0): 2 3"], "+++");
        check(&["1 (0): 1 !2 3", "2 (1): 2 3"], "++");
        check(&["1 (0): 1 !2", "3 (1): 3 4"], "++");
        check(&["1 (0): 1 2", "8 (0): 8 9"], "++");
        check(&["1 (0): 1 2 end", "1 (0): 1 end"], "++");
    }

    #[test]
    fn a_list_that_is_missing_or_empty_joins() {
        check(&["1 (0): 1 2 3", "-", "3 (7):"], "+jj");
        check(&["-", "-"], "??");
        check(&["-", "3 (7):", "3 (7):"], "j++");
        check(&["329 (0): 1 2", "3 (7):"], "j+");
    }

    #[test]
    fn a_list_that_is_not_true_joins() {
        check(&["528 (0): 1 2 3", "1 (0): 1 2 3"], "j+");
        check(&["1 (0): 1 2", "1 (0): 1 !2", "1 (0): 1 2"], "+j+");
        check(&["1 (0): 1 2", "8 (1): 8 9"], "j+");
        check(&["1 (0): 1 2 end", "1 (0): 1 2"], "j+");
    }
}
