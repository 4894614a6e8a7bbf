//! Agreement: with which of the playlists that a run before has left the sizes of a ladder go on. Pure.
//!
//! In: what stands on disk of each size. Out: for each size, whether it goes on with its playlist, or joins the others with an
//! empty one where they go on. A hand may have taken one size's playlist away, cut it, or laid another stream's in its place: the
//! others keep theirs, as players have them.

use crate::timeline::gaps::MOST_MISSING;
use livedir_layout::files::OnDisk;
use livedir_layout::names::number_of_uri;
use livedir_playlist::MediaPlaylist;

/// What becomes of the playlist of a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is gone on with.
    GoesOn,
    /// Nothing that could be true is there: it is made again of the files that are there, and begins where one of the others does.
    Rebuilt {
        /// EXT-X-MEDIA-SEQUENCE.
        media_sequence: u64,
        /// EXT-X-DISCONTINUITY-SEQUENCE.
        discontinuity_sequence: u64,
        /// EXT-X-TARGETDURATION.
        target_duration_s: u32,
    },
    /// It does not fit those of the others: the size begins with an empty one where they go on.
    Joins,
    /// No playlist tells what was listed. Each size makes the best of its files.
    Unknown,
}

impl Fate {
    /// What a playlist that is made again begins with.
    pub(crate) fn empty_playlist(&self) -> Option<MediaPlaylist> {
        let &Self::Rebuilt { media_sequence, discontinuity_sequence, target_duration_s } = self else {
            return None;
        };
        Some(MediaPlaylist {
            version: 3,
            target_duration_s,
            media_sequence,
            discontinuity_sequence,
            independent_segments: true,
            segments: Vec::new(),
            ended: false,
        })
    }
}

/// What is there of one size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left<'a> {
    /// The playlist, if it can be true.
    told: Option<&'a MediaPlaylist>,
    /// The media sequence and discontinuity sequence numbers that players may have seen, and behind which nothing begins.
    promised: (u64, u64),
}

impl<'a> Left<'a> {
    /// `low_latency`: the numbers that the low-latency playlist begins at.
    pub(crate) fn of(on_disk: &'a OnDisk, low_latency: Option<(u64, u64)>) -> Self {
        let told = match on_disk {
            OnDisk::Playlist { playlist, .. } => Some(playlist).filter(|playlist| is_true(playlist)),
            OnDisk::Missing | OnDisk::Unreadable { .. } => None,
        };
        let begin = |playlist: &MediaPlaylist| (playlist.media_sequence, playlist.discontinuity_sequence);
        let begins_at = told.map(|playlist| if playlist.ended { end(playlist) } else { begin(playlist) });
        let (one, other) = (begins_at.unwrap_or((1, 0)), low_latency.unwrap_or((1, 0)));
        Self { told, promised: (one.0.max(other.0), one.1.max(other.1)) }
    }
}

/// Decides for each size.
pub(crate) fn fates(sizes: &[Left<'_>]) -> Vec<Fate> {
    let told = match sizes
        .iter()
        .map(|it| it.told.filter(|playlist| !playlist.segments.is_empty()))
        .collect::<Vec<_>>()
    {
        // Playlists that list nothing yet tell their numbers, where there is no better.
        none if none.iter().all(Option::is_none) => sizes.iter().map(|it| it.told).collect(),
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
    let fate = |(told, size): (Option<&MediaPlaylist>, &Left<'_>)| match (told, reference) {
        _ if is_nothing_told => Fate::Unknown,
        (Some(_), None) => Fate::GoesOn,
        (Some(list), Some(reference)) if live(&list) && are_in_line(list, reference) => Fate::GoesOn,
        // One that is ended lists nothing behind its end: another one begins there.
        (told, Some(reference)) if told.is_none_or(|list| list.ended) => {
            rebuilt(reference, size.promised).unwrap_or(Fate::Joins)
        }
        _ => Fate::Joins,
    };
    told.iter().copied().zip(sizes).map(fate).collect()
}

/// A size that lists nothing begins where another one does, or behind what it has promised.
fn rebuilt(reference: &MediaPlaylist, promised: (u64, u64)) -> Option<Fate> {
    let media_sequence = reference.media_sequence.max(promised.0);
    let before = media_sequence.min(reference.next_media_sequence()).checked_sub(1);
    let before = before.and_then(|before| reference.discontinuity_sequence_of(before));
    let discontinuity_sequence = before.unwrap_or(reference.discontinuity_sequence);
    (discontinuity_sequence >= promised.1).then_some(Fate::Rebuilt {
        media_sequence,
        discontinuity_sequence,
        target_duration_s: reference.target_duration_s,
    })
}

/// The media sequence number behind a playlist, and the discontinuity sequence number of its last segment.
pub(crate) fn end(playlist: &MediaPlaylist) -> (u64, u64) {
    let breaks = playlist.segments.iter().filter(|segment| segment.discontinuity).count() as u64;
    (playlist.next_media_sequence(), playlist.discontinuity_sequence + breaks)
}

/// Whether all that it lists is listed under the number that its name has, as it is in our sizes.
pub(crate) fn is_true(playlist: &MediaPlaylist) -> bool {
    let mut numbered = (playlist.media_sequence..).zip(&playlist.segments);
    numbered.all(|(number, segment)| number_of_uri(&segment.uri) == Some(number))
}

/// Whether two playlists say the same of the numbers that both list. Where one begins behind the end of the other, no timeline may
/// break in between: gaps fill it.
///
/// RFC 8216 6.2.4: matching content MUST have matching timestamps and discontinuity sequence numbers.
fn are_in_line(one: &MediaPlaylist, other: &MediaPlaylist) -> bool {
    let is_in_order = one.media_sequence <= other.media_sequence;
    let (earlier, later) = if is_in_order { (one, other) } else { (other, one) };
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

    /// `+` goes on, `r` is rebuilt, `j` joins, `?` is unknown.
    #[track_caller]
    fn check(sizes: &[&str], expected: &str) {
        let on_disk: Vec<_> = sizes.iter().map(|words| on_disk(words)).collect();
        let fates = fates(&on_disk.iter().map(|it| Left::of(it, None)).collect::<Vec<_>>());
        let said: String = fates
            .into_iter()
            .map(|fate| match fate {
                Fate::GoesOn => '+',
                Fate::Rebuilt { .. } => 'r',
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
    fn a_list_that_is_missing_or_empty_is_made_again_unless_it_has_promised_more() {
        check(&["1 (0): 1 2 3", "-", "3 (0):"], "+rr");
        check(&["1 (0): 1 2 3", "3 (7):"], "+j");
        check(&["1 (0): 1 2 3 end", "-"], "+j");
        check(&["-", "-"], "??");
        check(&["-", "3 (7):", "3 (7):"], "r++");
        check(&["329 (0): 1 2", "3 (7):"], "r+");
    }

    #[test]
    fn a_list_that_is_not_true_is_made_again_and_one_that_is_out_of_line_joins() {
        check(&["528 (0): 1 2 3", "1 (0): 1 2 3"], "r+");
        check(&["1 (0): 1 2", "1 (0): 1 !2", "1 (0): 1 2"], "+j+");
        check(&["1 (0): 1 2", "8 (1): 8 9"], "j+");
        check(&["1 (0): 1 2 end", "1 (0): 1 2"], "r+");
        check(&["1 (0): 1 !2 end", "1 (0): 1 2"], "j+");
    }
}
