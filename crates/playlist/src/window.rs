//! The sliding window: which segments are listed, under which numbers, and which leave.
//!
//! In: finished segments, one by one, and perhaps the playlist found on disk. Out: the playlist to write now, and
//! the segments that left it, each with the time for which its file must stay. No thread, no clock.
//! At its end the playlist is closed with EXT-X-ENDLIST and takes no more.

use std::collections::HashSet;

use thiserror::Error;

use crate::media_playlist::{MediaPlaylist, Segment};
use livedir_time::ticks::{exact_seconds, of_milliseconds, of_seconds};

/// RFC 8216 7: 3 is the lowest version that allows fractions of a second in EXTINF.
const VERSION: u8 = 3;

/// Fewer segments than this are never listed once there were as many: with each as long as the target duration,
/// that is RFC 8216's three target durations.
const FEWEST_SEGMENTS: usize = 3;

/// What a window promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowSettings {
    /// EXT-X-TARGETDURATION, seconds, at least 1.
    pub target_duration_s: u32,
    /// How many segments are listed, at least 3; more while fewer would be under three target durations.
    pub segments: usize,
}

/// The sliding window of a live playlist.
#[derive(Debug, Clone)]
pub struct Window {
    segments: usize,
    playlist: MediaPlaylist,
    longest_90k: u64,
    /// Set after an ended playlist was resumed, until the next push: the target duration of the new presentation, seconds.
    begins_anew_with_s: Option<u32>,
}

/// A segment that has left the playlist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evicted {
    /// As it was listed.
    pub segment: Segment,
    /// Its number.
    pub media_sequence: u64,
    /// How long its file must stay after the playlist without it was written.
    pub grace_90k: u64,
}

/// Why a segment cannot be listed. The window is as before.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum PushError {
    #[error(
        "segment {uri} runs {:.3} s, over the target duration of {target_duration_s} s; \
         let the encoder make a keyframe at least every {target_duration_s} s",
        exact_seconds(*duration_90k)
    )]
    OverTarget { uri: String, duration_90k: u64, target_duration_s: u32 },
    #[error("segment {uri} has no duration; it needs at least one frame")]
    NoDuration { uri: String },
    #[error("segment {uri} is already listed, as number {media_sequence}; give each file a new name")]
    AlreadyListed { uri: String, media_sequence: u64 },
    #[error(
        "{uri:?} cannot stand in a playlist; rename the file without control characters, \
         a # in front or space around it"
    )]
    NotAUri { uri: String },
    #[error("the playlist has ended; resume it to begin a new presentation")]
    Ended,
    #[error("the sequence numbers are used up; move the playlist away to begin at 1")]
    NumbersUsedUp,
}

/// Why the playlist on disk cannot be continued.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ResumeError {
    #[error(
        "the live playlist on disk promises a target duration of {previous_s} s, which may never change \
         (RFC 8216 6.2.1), and {wanted_s} s are asked for; ask for at most {previous_s} s or move the playlist away"
    )]
    TargetDuration { previous_s: u32, wanted_s: u32 },
    #[error(
        "the live playlist on disk lists {uri} twice, so that neither can be deleted; move the playlist away"
    )]
    ListedTwice { uri: String },
}

impl Window {
    /// An empty window whose first segment will have the number `first_media_sequence`.
    #[must_use]
    pub fn new(settings: WindowSettings, first_media_sequence: u64) -> Window {
        Window {
            segments: settings.segments.max(FEWEST_SEGMENTS),
            playlist: empty_playlist(settings.target_duration_s, first_media_sequence, 0),
            longest_90k: 0,
            begins_anew_with_s: None,
        }
    }

    /// Goes on from the playlist found on disk; the numbers go on in any case.
    ///
    /// A live one keeps its target duration, which may be above that of the settings. An ended one is a finished
    /// presentation: it stays as it is until the first push, which takes all its segments out and begins a new one.
    ///
    /// Which playlists were written before is not known, so the longest is taken to have been as long as this
    /// window can become. That is too short only if an earlier run had a larger window, and a run with a smaller
    /// one has since come and gone.
    pub fn resume(settings: WindowSettings, previous: MediaPlaylist) -> Result<Window, ResumeError> {
        if !previous.ended {
            // RFC 8216 6.2.1: the value of EXT-X-TARGETDURATION MUST NOT change.
            if previous.target_duration_s < settings.target_duration_s {
                return Err(ResumeError::TargetDuration {
                    previous_s: previous.target_duration_s,
                    wanted_s: settings.target_duration_s,
                });
            }
            let mut uris = HashSet::new();
            if let Some(twice) = previous.segments.iter().find(|it| !uris.insert(&it.uri)) {
                let uri = twice.uri.clone();
                return Err(ResumeError::ListedTwice { uri });
            }
        }
        let segments = settings.segments.max(FEWEST_SEGMENTS);
        let begins_anew_with_s = previous.ended.then_some(settings.target_duration_s);
        let longest_90k = longest_possible_90k(segments, &previous);
        let mut playlist = previous;
        if !playlist.ended {
            playlist.version = playlist.version.max(VERSION);
        }
        Ok(Window { segments, playlist, longest_90k, begins_anew_with_s })
    }

    /// Lists a segment and takes out those that are one too many, oldest first.
    ///
    /// The first segment after an ended playlist is given EXT-X-DISCONTINUITY, whatever the caller says: the
    /// numbers go on, the timeline does not.
    pub fn push(&mut self, mut segment: Segment) -> Result<Vec<Evicted>, PushError> {
        self.check(&segment)?;
        let mut evicted = Vec::new();
        if let Some(target_duration_s) = self.begins_anew_with_s.take() {
            // RFC 8216 6.2.2 holds only playlists without EXT-X-ENDLIST to three target durations.
            evicted = self.take_out(self.playlist.segments.len());
            self.playlist = empty_playlist(
                target_duration_s,
                self.playlist.media_sequence,
                self.playlist.discontinuity_sequence,
            );
            self.longest_90k = 0;
            segment.discontinuity = true;
        }
        self.playlist.segments.push(segment);
        evicted.append(&mut self.take_out(self.surplus()));
        self.longest_90k = self.longest_90k.max(self.playlist.duration_90k());
        Ok(evicted)
    }

    /// Adds EXT-X-ENDLIST.
    pub fn end(&mut self) {
        self.playlist.ended = true;
        self.begins_anew_with_s = None;
    }

    /// What is to be written now.
    #[must_use]
    pub fn playlist(&self) -> &MediaPlaylist {
        &self.playlist
    }

    /// The number that the next segment will have.
    #[must_use]
    pub fn next_media_sequence(&self) -> u64 {
        self.playlist.next_media_sequence()
    }

    /// The playlist has been so long before, in this presentation.
    pub fn remember_length(&mut self, duration_90k: u64) {
        self.longest_90k = self.longest_90k.max(duration_90k);
    }

    /// The longest that the playlist has been in this presentation. With its own duration, that is how long the
    /// file of a segment that was in it must stay.
    #[must_use]
    pub fn longest_duration_90k(&self) -> u64 {
        self.longest_90k
    }

    /// Whether [`Self::push`] would list this segment, and if not, why.
    pub fn check(&self, segment: &Segment) -> Result<(), PushError> {
        let uri = || segment.uri.clone();
        if self.playlist.ended && self.begins_anew_with_s.is_none() {
            return Err(PushError::Ended);
        }
        if !segment.uri_fits_a_line() {
            return Err(PushError::NotAUri { uri: uri() });
        }
        // Segments of no duration would pile up: they never make three target durations.
        if segment.duration_90k == 0 {
            return Err(PushError::NoDuration { uri: uri() });
        }
        let target_duration_s = self.begins_anew_with_s.map_or(self.playlist.target_duration_s, at_least_1);
        // RFC 8216 4.3.3.1: EXTINF, when rounded to the nearest integer, MUST be at most the target duration.
        if segment.rounded_duration_s() > u64::from(target_duration_s) {
            return Err(PushError::OverTarget {
                uri: uri(),
                duration_90k: segment.duration_90k,
                target_duration_s,
            });
        }
        // RFC 8216 6.2.2: neither number may wrap. One more segment brings at most one more discontinuity.
        let playlist = &self.playlist;
        let highest = playlist.media_sequence.max(playlist.discontinuity_sequence);
        let added = playlist.segments.len() as u64 + 1;
        if highest.checked_add(added).is_none() {
            return Err(PushError::NumbersUsedUp);
        }
        // The file would be deleted when its first entry has left, while the second still lists it.
        let same_uri = |listed: &Segment| listed.uri == segment.uri;
        if let Some(index) = playlist.segments.iter().position(same_uri) {
            return Err(PushError::AlreadyListed {
                uri: uri(),
                media_sequence: playlist.media_sequence + index as u64,
            });
        }
        Ok(())
    }

    /// How many segments can leave.
    fn surplus(&self) -> usize {
        // RFC 8216 6.2.2: MUST NOT remove a segment if that leaves less than three target durations.
        let fewest_90k = 3 * of_seconds(self.playlist.target_duration_s);
        let too_many = self.playlist.segments.len().saturating_sub(self.segments);
        let mut rest_90k = self.playlist.duration_90k();
        self.playlist.segments[..too_many]
            .iter()
            .take_while(|segment| {
                rest_90k = rest_90k.saturating_sub(segment.duration_90k);
                rest_90k >= fewest_90k
            })
            .count()
    }

    fn take_out(&mut self, count: usize) -> Vec<Evicted> {
        let playlist = &mut self.playlist;
        let mut evicted = Vec::with_capacity(count);
        for segment in playlist.segments.drain(..count) {
            evicted.push(Evicted {
                media_sequence: playlist.media_sequence,
                // RFC 8216 6.2.2: its own duration and that of the longest playlist that contained it.
                grace_90k: segment.duration_90k.saturating_add(self.longest_90k),
                segment,
            });
            // RFC 8216 6.2.2: by 1 for every segment that leaves, …
            playlist.media_sequence += 1;
        }
        // … and by 1 for every EXT-X-DISCONTINUITY: the tag leaves with the segment that it stands before.
        playlist.discontinuity_sequence +=
            evicted.iter().filter(|evicted| evicted.segment.discontinuity).count() as u64;
        evicted
    }
}

fn empty_playlist(target_duration_s: u32, media_sequence: u64, discontinuity_sequence: u64) -> MediaPlaylist {
    MediaPlaylist {
        version: VERSION,
        target_duration_s: at_least_1(target_duration_s),
        media_sequence,
        discontinuity_sequence,
        independent_segments: true,
        segments: Vec::new(),
        ended: false,
    }
}

fn at_least_1(target_duration_s: u32) -> u32 {
    target_duration_s.max(1)
}

/// The longest that a window can have been that is now at `playlist`. It has more segments than it should only
/// while all but the first are under three target durations, so that with the first they are under four.
fn longest_possible_90k(segments: usize, playlist: &MediaPlaylist) -> u64 {
    let longest_segment_90k = of_seconds(playlist.target_duration_s) + of_milliseconds(500);
    let most_segments = segments.max(playlist.segments.len()).max(4);
    (most_segments as u64).saturating_mul(longest_segment_90k).max(playlist.duration_90k())
}
