//! Alignment: the playlists of the renditions of one stream have the same numbers for the same time (RFC 8216 6.2.4), even
//! when one rendition loses segments that the others have.
//!
//! In: what one rendition lists, and what is common to all. Out: breaks of the timeline that are the same everywhere, and when a
//! rendition is too late. Pure.

use crate::events::finished_file::Finished;
use crate::timeline::dates::{earlier, end_of};
use crate::timeline::shared::{Listed, SharedTimeline};
use crate::timeline::{BreakReason, Last, Timeline};
use jiff::{SignedDuration, Timestamp};
use livedir_media::Facts;
use livedir_playlist::{Segment, Window, WindowSettings};
use livedir_time::clock_33_bit::distance_90k;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// A date may lie before the end of the segment before by less than this (bis-22 6.2.1: overlaps below a second).
const OVERLAP: SignedDuration = SignedDuration::from_secs(1);

/// A clock that was set back by less is not believed at once: dates go on from the last one, and come nearer to the clock with each
/// segment. A longer way back would take many minutes.
const LITTLE: SignedDuration = SignedDuration::from_secs(10);

/// Dates that are ahead of the clock come nearer to it by this part of a segment: 0.1 s in 2 s. Ten seconds take 200 s.
const NEARER: u64 = 20;

/// Two frames of AAC at 48 kHz: segment boundaries of audio may differ from those of video by this much.
pub(crate) const ROOM_FOR_SOUND_90K: u64 = 2 * 1_920;

impl Timeline {
    pub(super) fn shared(&self) -> Option<MutexGuard<'_, SharedTimeline>> {
        self.shared.as_ref().map(|shared| shared.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// When this rendition is too late with its next segment.
    pub(crate) fn late_at(&self) -> Option<Instant> {
        let playlist = self.window.playlist();
        let next = playlist.next_media_sequence();
        self.shared()?.late_at(next, self.last_listed_at, playlist.target_duration_s)
    }

    /// Whether the parts that are listed of the segment of this number are as long as the other renditions have it.
    pub(crate) fn is_as_long_as_elsewhere(&self, number: u64) -> bool {
        let in_parts_90k = self.parts.as_ref().and_then(|list| list.parts_duration_90k(number));
        in_parts_90k.is_none_or(|in_parts_90k| self.fits_elsewhere(number, in_parts_90k))
    }

    /// Whether a segment of this length can be the one that the other renditions have under this number.
    pub(crate) fn fits_elsewhere(&self, number: u64, duration_90k: u64) -> bool {
        let Some(shared) = self.shared() else { return true };
        let room_90k = shared.frame_90k() + ROOM_FOR_SOUND_90K;
        shared.get(number).is_none_or(|(listed, _)| listed.duration_90k.abs_diff(duration_90k) <= room_90k)
    }

    /// How long a video frame is shown, or an audio frame, in segments that are listed.
    pub(super) fn note_frames(&self, facts: &Facts) {
        if let Some(mut shared) = self.shared() {
            shared.note_frame(facts.frame_interval_90k.min(facts.duration_90k));
        }
    }

    /// Whether a file of ours holds what the other renditions have under its number, as far as its length and its time tell.
    pub(crate) fn holds_what_others_do(&self, number: u64, finished: &Finished) -> bool {
        const SAME: Duration = Duration::from_secs(1);
        self.note_frames(&finished.facts);
        let ended_at = self.shared().and_then(|shared| shared.ends_at(number));
        let is_in_time = ended_at.is_none_or(|ended_at| {
            let apart = finished.stamp.modified_at.duration_since(ended_at.into());
            apart.unwrap_or_else(|early| early.duration()) <= SAME
        });
        is_in_time && self.fits_elsewhere(number, finished.facts.duration_90k)
    }

    /// Whether a file is no segment of ours, whatever its name says: it goes back on the timeline of the last one, and is older.
    pub(crate) fn is_older_than_last(&self, finished: &Finished) -> bool {
        let ends_at = self.window.playlist().segments.last().filter(|last| !last.gap).and_then(end_of);
        let written_at = Timestamp::try_from(finished.stamp.modified_at).ok();
        let goes_back =
            self.last.facts().is_some_and(|last| distance_90k(last.end_90k(), finished.facts.start_90k) < 0);
        goes_back
            && ends_at
                .zip(written_at)
                .is_some_and(|(ends_at, written_at)| ends_at.duration_since(written_at) >= OVERLAP)
    }

    /// Why the timeline breaks before the segment of this number: a break is one of all renditions, or of none.
    ///
    /// RFC 8216 6.2.4: matching content MUST have matching discontinuity sequence numbers.
    pub(super) fn agreed_break(&self, number: Option<u64>, facts: &Facts) -> Option<BreakReason> {
        // A gap of the run before says nothing of this one, and a playlist that is ended has nothing behind it.
        let begins_run = number.is_some() && number == self.first_of_run && matches!(self.last, Last::Gap);
        let begins_anew = begins_run || self.window.playlist().ended;
        let own = if begins_anew { Some(BreakReason::Unknown) } else { self.break_before(facts) };
        // A new playlist has already counted the discontinuity before it.
        let (Some(number), Some(mut shared), false) = (number, self.shared(), self.begins()) else {
            return own;
        };
        let is_agreed = shared.breaks_before(number, || own.is_some());
        is_agreed.then(|| own.unwrap_or(BreakReason::Elsewhere))
    }

    /// Players know how the segment of this number begins: the others begin it in the same way.
    pub(super) fn note_begun(&self, number: u64, discontinuity: bool) {
        if let Some(mut shared) = self.shared() {
            shared.tell(number, discontinuity);
        }
    }

    /// A clock that was set back by much breaks the timeline, too, unless it breaks here anyway.
    ///
    /// bis-22 6.2.1: the mapping of dates to segments MUST NOT be ambiguous.
    pub(super) fn agreed_on_clock(
        &self,
        number: Option<u64>,
        agreed: Option<BreakReason>,
        date: Option<Timestamp>,
        facts: &Facts,
    ) -> Option<BreakReason> {
        let ends_at = self.last_ends_at(number, facts);
        let is_set_back =
            ends_at.zip(date).is_some_and(|(ends_at, date)| ends_at.duration_since(date) >= LITTLE);
        if agreed.is_some() || !is_set_back || self.begins() {
            return agreed;
        }
        match (number, self.shared()) {
            // The first rendition to see it decides for all.
            (Some(number), Some(mut shared)) => shared.breaks(number).then_some(BreakReason::Clock),
            _ => Some(BreakReason::Clock),
        }
    }

    /// When the segment before the one of this number and these facts ends, by its date.
    fn last_ends_at(&self, number: Option<u64>, facts: &Facts) -> Option<Timestamp> {
        let before = self.window.playlist().segments.last();
        // What is listed of its length may be an estimate: the timeline knows better.
        let ends_at = match self.last.facts() {
            Some(last) => before.and_then(|before| {
                let apart_90k = distance_90k(last.start_90k, facts.start_90k);
                let lasts_90k = u64::try_from(apart_90k).ok()?.min(before.duration_90k);
                end_of(&Segment { duration_90k: lasts_90k, ..before.clone() })
            }),
            None => before.and_then(end_of),
        };
        // A rendition that lost the segment takes its end from the other renditions.
        let elsewhere =
            number.zip(self.shared()).and_then(|(number, shared)| shared.ends_at(number.checked_sub(1)?));
        ends_at.max(elsewhere)
    }

    /// The date, which does not go back behind the end of the segment before. Files that are copied, and runs that follow at once,
    /// bear times that are off by a little behind a break. Without a break a date that is early was taken from a clock that was set back:
    /// dates come nearer to it in small steps. A clock that was set back by more is believed.
    pub(super) fn not_before_last(
        &self,
        number: Option<u64>,
        breaks: bool,
        date: Option<Timestamp>,
        facts: &Facts,
    ) -> Option<Timestamp> {
        let before = self.window.playlist().segments.last();
        let (ends_at, least) = if breaks {
            (before.and_then(end_of), SignedDuration::ZERO)
        } else {
            (self.last_ends_at(number, facts), OVERLAP)
        };
        let early = |ends_at: Timestamp| date.map(|date| ends_at.duration_since(date));
        let Some(ends_at) =
            ends_at.filter(|ends_at| early(*ends_at).is_some_and(|it| (least..LITTLE).contains(&it)))
        else {
            return date;
        };
        let nearer_90k = before.filter(|_| !breaks).map_or(0, |before| before.duration_90k / NEARER);
        earlier(ends_at, nearer_90k)
    }

    /// Nothing was ever listed.
    pub(super) fn begins(&self) -> bool {
        self.window.playlist().segments.is_empty() && matches!(self.last, Last::Nothing)
    }

    /// What is common to all renditions of the stream.
    pub(crate) fn share(&mut self, shared: Option<Arc<Mutex<SharedTimeline>>>) {
        self.shared = shared;
    }

    /// A segment is listed.
    pub(super) fn note_listed(&mut self, now: Instant) {
        self.last_listed_at = now;
        let playlist = self.window.playlist();
        let number = playlist.next_media_sequence() - 1;
        if let (Some(mut shared), Some(last)) = (self.shared(), playlist.segments.last()) {
            let listed = Listed {
                duration_90k: last.duration_90k,
                program_date_time: last.program_date_time,
                has_pictures: self.settings.has_pictures,
                at: now,
            };
            shared.listed(number, last.discontinuity, listed);
        }
    }

    /// The timeline breaks before this number, in all renditions.
    pub(crate) fn breaks_at(&self, number: u64) {
        if let Some(mut shared) = self.shared() {
            shared.breaks(number);
        }
    }

    /// All segments leave the playlist with the next version of it, which begins where the other renditions go on: with this number,
    /// and this discontinuity sequence number of its first segment. Says whether it does.
    pub(crate) fn begin_anew_at(
        &mut self,
        (number, discontinuity_sequence): (u64, u64),
        target_duration_s: Option<u32>,
    ) -> bool {
        let playlist = self.window.playlist();
        let leaving = self.first_leave(playlist.segments.len());
        let settings = WindowSettings {
            target_duration_s: target_duration_s.unwrap_or(playlist.target_duration_s),
            segments: self.settings.window_segments,
        };
        let mut begun = Window::new(settings, number).playlist().clone();
        // The first segment tells of the break before it.
        begun.discontinuity_sequence = discontinuity_sequence.saturating_sub(1);
        let Ok(window) = Window::resume(settings, begun) else { return false };
        self.window = window;
        self.let_go(leaving);
        self.ahead = 0;
        self.last = if discontinuity_sequence > 0 { Last::Unknown } else { Last::Nothing };
        true
    }

    /// The discontinuity sequence of the segments of a run that begins now.
    pub(crate) fn next_discontinuity_sequence(&self) -> u64 {
        let playlist = self.window.playlist();
        let listed = playlist.segments.iter().filter(|segment| segment.discontinuity).count() as u64;
        let breaks = u64::from(playlist.next_media_sequence() > 1);
        playlist.discontinuity_sequence + listed + breaks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::finished_90k;
    use crate::settings::{ChannelSettings, Naming};
    use crate::timeline::Now;
    use livedir_layout::names::{Home, segment_name};
    use livedir_playlist::MediaPlaylist;
    use std::{path::PathBuf, time::SystemTime};

    const SEGMENT_90K: u64 = 180_000;

    fn rendition(shared: &Arc<Mutex<SharedTimeline>>, previous: Option<MediaPlaylist>) -> Timeline {
        let settings = ChannelSettings {
            webroot: PathBuf::new(),
            status_directory: PathBuf::new(),
            home: Home::Beside,
            has_pictures: true,
            label: String::new(),
            naming: Naming::Numbered,
            target_duration_s: Some(2),
            window_segments: 20,
            part_target_90k: None,
            end_list: true,
            keep: false,
            end_after: None,
        };
        let mut timeline = Timeline::new(settings, previous, Instant::now()).unwrap();
        timeline.share(Some(shared.clone()));
        timeline
    }

    fn now() -> Now {
        Now { at: Instant::now(), date: Timestamp::now() }
    }

    /// Segments come, `720p:3` in this order; from number `breaks_at` on they are of another timeline. What the playlists
    /// say then: `(3)` is a gap, `!4` has a discontinuity.
    #[track_caller]
    fn check(arrivals: &str, breaks_at: u64, expected: [&str; 2]) {
        let shared = Arc::new(Mutex::new(SharedTimeline::new(20)));
        let names = ["720p", "360p"];
        let mut renditions = names.map(|_| rendition(&shared, None));
        for arrival in arrivals.split(' ') {
            let (name, number) = arrival.split_once(':').unwrap();
            let number: u64 = number.parse().unwrap();
            let mut finished = finished_90k(SEGMENT_90K);
            let jump_90k = if number >= breaks_at { 10_000_000 } else { 0 };
            finished.facts.start_90k = number * SEGMENT_90K + jump_90k;
            finished.stamp.modified_at = SystemTime::UNIX_EPOCH + Duration::from_secs(2 * number);
            let index = names.iter().position(|it| *it == name).unwrap();
            renditions[index].list(&segment_name(number), finished, std::iter::empty(), now()).unwrap();
        }
        let said = renditions.each_ref().map(|rendition| {
            let playlist = rendition.playlist();
            let entries = (playlist.media_sequence..).zip(&playlist.segments).map(|(number, it)| {
                assert_eq!(it.uri, segment_name(number));
                assert_eq!(it.duration_90k, SEGMENT_90K);
                let word = if it.gap { format!("({number})") } else { number.to_string() };
                format!("{}{word}", if it.discontinuity { "!" } else { "" })
            });
            entries.collect::<Vec<_>>().join(" ")
        });
        assert_eq!(said, expected, "{arrivals}");
    }

    /// Whether the timeline breaks before each of these segments, of which the fourth and those behind it bear times that are early by
    /// `early_s`; it may also begin on another timeline there. And by how much their dates are ahead of these times, in milliseconds.
    fn set_back(early_s: u64, jump_90k: u64, segments: u64) -> (Vec<bool>, Vec<i64>) {
        let mut timeline = rendition(&Arc::new(Mutex::new(SharedTimeline::new(20))), None);
        let list = |number: u64| {
            let mut finished = finished_90k(SEGMENT_90K);
            let (early_s, jump_90k) = if number < 4 { (0, 0) } else { (early_s, jump_90k) };
            finished.facts.start_90k = number * SEGMENT_90K + jump_90k;
            let ended_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1000 + 2 * number - early_s);
            finished.stamp.modified_at = ended_at;
            let discontinuity = timeline
                .list(&segment_name(number), finished, std::iter::empty(), now())
                .unwrap()
                .discontinuity;
            let last = timeline.playlist().segments.last().and_then(end_of).unwrap();
            (discontinuity, last.duration_since(ended_at.try_into().unwrap()).as_millis() as i64)
        };
        (1..=segments).map(list).unzip()
    }

    #[test]
    fn a_clock_that_was_set_back_breaks_the_timeline_once_at_most() {
        for early_s in [1, 2, 5, 9] {
            assert_eq!(set_back(early_s, 0, 6).0, [false; 6], "{early_s} s");
            let (breaks, _) = set_back(early_s, 10_000_000, 6);
            assert_eq!(breaks, [false, false, false, true, false, false], "{early_s} s, another timeline");
        }
        for (early_s, jump_90k) in [(0, 10_000_000), (20, 0)] {
            let (breaks, ahead_ms) = set_back(early_s, jump_90k, 6);
            assert_eq!(breaks, [false, false, false, true, false, false], "{early_s} s");
            assert_eq!(ahead_ms, [0; 6], "{early_s} s");
        }
    }

    #[test]
    fn dates_come_back_to_a_clock_that_was_set_back_and_no_date_belongs_to_two_segments() {
        for early_s in [1, 2, 5, 9] {
            let (_, ahead_ms) = set_back(early_s, 0, 100);
            assert!(ahead_ms[3] >= early_s as i64 * 900, "{ahead_ms:?}");
            assert!(
                ahead_ms.windows(2).skip(3).all(|pair| (0..1_000).contains(&(pair[0] - pair[1]))),
                "{ahead_ms:?}"
            );
            assert_eq!(ahead_ms[99], 0, "{early_s} s");
        }
    }

    #[test]
    fn a_gap_behind_an_end_is_no_longer_than_this_run_promises() {
        let text = "#EXTM3U\n#EXT-X-TARGETDURATION:7\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:7,\nseg-00000001.ts\n#EXT-X-ENDLIST\n";
        let previous = livedir_playlist::parse(text).unwrap();
        let mut timeline = rendition(&Arc::new(Mutex::new(SharedTimeline::new(20))), Some(previous));
        timeline.push_gap(2, None, now()).unwrap();
        let playlist = timeline.playlist();
        assert_eq!((playlist.target_duration_s, playlist.segments.len()), (2, 1), "{playlist:?}");
        assert!(playlist.segments[0].gap && playlist.segments[0].duration_90k <= SEGMENT_90K);
        assert_eq!(timeline.take_changes().gaps.len(), 1);
    }

    const NEVER: u64 = u64::MAX;

    #[test]
    fn what_one_rendition_has_lost_is_a_gap_and_no_discontinuity() {
        let both = ["1 2 3 4", "1 2 (3) 4"];
        check("720p:1 360p:1 720p:2 360p:2 720p:3 720p:4 360p:4", NEVER, both);
        check("720p:1 360p:1 720p:2 360p:2 720p:3 360p:4 720p:4", NEVER, both);
        check(
            "720p:1 360p:1 720p:2 360p:2 720p:3 720p:4 720p:5 360p:5",
            NEVER,
            ["1 2 3 4 5", "1 2 (3) (4) 5"],
        );
    }

    #[test]
    fn a_break_of_the_timeline_is_one_in_all_renditions_whoever_comes_first() {
        let both = ["1 2 !3 4", "1 2 !3 4"];
        check("720p:1 360p:1 720p:2 360p:2 720p:3 360p:3 720p:4 360p:4", 3, both);
        check("360p:1 360p:2 360p:3 360p:4 720p:1 720p:2 720p:3 720p:4", 3, both);
    }

    #[test]
    fn a_break_that_lies_in_what_was_lost_is_told_there_and_not_again() {
        check("720p:1 360p:1 720p:2 720p:3 720p:4 360p:4", 3, ["1 2 !3 4", "1 (2) !(3) 4"]);
        check("720p:1 360p:1 720p:2 720p:3 360p:4 720p:4", 3, ["1 2 !3 4", "1 (2) !(3) 4"]);
        check("720p:1 360p:1 720p:2 360p:3 720p:3", 3, ["1 2 !3", "1 (2) !3"]);
    }

    #[test]
    fn a_playlist_that_begins_later_has_counted_what_was_before() {
        check("720p:1 720p:2 720p:3 360p:1 360p:2 360p:3", NEVER, ["1 2 3", "1 2 3"]);
        check("720p:1 720p:2 720p:3 360p:3", 3, ["1 2 !3", "(1) (2) !3"]);
    }
}
