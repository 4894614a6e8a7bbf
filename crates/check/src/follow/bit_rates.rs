//! Bit rates of one media playlist, from its versions and the sizes of its segments.
//!
//! In: versions, in order, and how many bytes each segment has. Out: a [`BitRate`]. Pure; each segment counts once.

use livedir_playlist::{BitRate, BitRateMeter, MediaListing, PlaylistType};

/// What has been measured so far.
#[derive(Debug, Default)]
pub(crate) struct PlaylistBitRate {
    meter: BitRateMeter,
    /// The media sequence number that comes next; `None` before the first version.
    next: Option<u64>,
    /// Segments were missed, or are not known.
    has_holes: bool,
}

impl PlaylistBitRate {
    /// Takes in a version. `bytes_of` knows the size of a file by its URI.
    pub(crate) fn take(
        &mut self,
        listing: &MediaListing,
        bytes_of: impl Fn(&str) -> Option<u64>,
    ) -> Option<BitRate> {
        let first = listing.first_media_sequence();
        let is_vod = listing.playlist_type == Some(PlaylistType::Vod);
        match self.next {
            // Numbers begin at 0 or at 1.
            None => self.has_holes = first > 1 && !is_vod,
            // A stream that began anew is another one, as far as bit rates go.
            Some(next) if first > next || listing.next_media_sequence() < next => {
                self.has_holes = true;
                self.meter.gap();
            }
            Some(_) => {}
        }
        let next = self.next.filter(|&next| next <= listing.next_media_sequence()).unwrap_or(first);
        let target_s = listing.target_duration_s.unwrap_or(0) as f64;
        let known = usize::try_from(next.saturating_sub(first)).unwrap_or(usize::MAX);
        for segment in listing.segments.iter().skip(known) {
            let bytes = match segment.byterange {
                Some(range) => Some(range.length),
                None => bytes_of(&segment.uri).filter(|&bytes| bytes > 0),
            };
            if let Some((bytes, duration_s)) = bytes.zip(segment.duration_s).filter(|_| !segment.gap) {
                self.meter.push(bytes, duration_s, target_s);
            } else {
                self.has_holes |= !segment.gap;
                self.meter.gap();
            }
        }
        self.next = Some(listing.next_media_sequence());
        self.meter.measured(!listing.is_live() && !self.has_holes)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use livedir_playlist::{Listing, read_listing};

    use super::*;

    /// From this number on, so many segments of 2 s; that of number `n` has `n` kilobytes.
    fn listing(first: u64, segments: u64, end: &str) -> MediaListing {
        let mut text =
            format!("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n");
        for number in first..first + segments {
            let _ = write!(text, "#EXTINF:2.0,\n{number}\n");
        }
        text.push_str(end);
        let Listing::Media(listing) = read_listing(&text) else { panic!("{text}") };
        listing
    }

    const END: &str = "#EXT-X-ENDLIST\n";

    /// Seconds, kilobytes, and whether these were all.
    #[track_caller]
    fn check(versions: &[MediaListing], expected: (f64, f64, bool)) {
        let mut bit_rate = PlaylistBitRate::default();
        let bytes_of = |uri: &str| uri.parse::<u64>().ok().filter(|&it| it != 13).map(|it| it * 1000);
        let measured =
            versions.iter().map(|version| bit_rate.take(version, bytes_of)).last().flatten().unwrap();
        let kilobytes = (measured.average_bps * measured.seconds / 8000.0).round();
        assert_eq!((measured.seconds, kilobytes, measured.is_complete), expected, "{measured:?}");
    }

    #[test]
    fn each_segment_counts_once_however_often_it_is_listed() {
        check(&[listing(1, 3, ""), listing(2, 3, ""), listing(3, 3, "")], (10.0, 15.0, false));
        check(&[listing(1, 3, ""), listing(1, 3, END)], (6.0, 6.0, true));
    }

    #[test]
    fn it_is_complete_only_when_nothing_was_missed() {
        check(&[listing(1, 2, END)], (4.0, 3.0, true));
        check(&[listing(5, 2, END)], (4.0, 11.0, false));
        check(&[listing(1, 2, ""), listing(5, 2, END)], (8.0, 14.0, false));
        check(&[listing(1, 14, END)], (26.0, 92.0, false));
        check(&[listing(5, 2, ""), listing(1, 2, END)], (8.0, 14.0, false));
    }
}
