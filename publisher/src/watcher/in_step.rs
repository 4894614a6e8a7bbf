//! In step: the playlists of the renditions of one stream have the same numbers for the same time (RFC 8216 6.2.4), through
//! segments that one of them lost and others have.
//!
//! In: what a [`Publication`] knows, and what is common to all. Out: entries that say that there is nothing, and breaks of
//! the timeline that are the same everywhere. Runs on the watcher's thread.

use super::{
    Desk, Naming,
    agreement::MOST_MISSING,
    channel::Channel,
    common::{Common, Listed},
    dates::{Dates, earlier, end_of},
    finished_file::{Finished, Refusal},
    order::Order,
    publish::{Break, Last, Publication},
};
use crate::{
    falling_behind::Told,
    playlist_file::OnDisk,
    probe::{
        Facts,
        clock::{distance_90k, later_90k},
    },
    segment_name::{Home, name_of_uri, segment_name, uri_of_name},
    status::seconds,
};
use jiff::Timestamp;
use livedir_playlist::{EdgeReport, Evicted, Rates, Segment, TICKS_PER_S, Window, WindowSettings};
use std::{
    path::Path,
    sync::{MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tracing::{debug, info, warn};

/// Two frames of AAC at 48 kHz: so far the borders of sound may be from those of pictures.
pub(super) const ROOM_FOR_SOUND_90K: u64 = 2 * 1_920;

/// What comes behind segments that are missing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Until<'a> {
    /// The next one that is there, or the beginning of it.
    finished: Option<&'a Finished>,
    /// When it begins.
    date: Option<Timestamp>,
    /// How many are missing before it.
    count: u64,
}

impl<'a> Until<'a> {
    fn of(finished: &'a Finished, count: u64) -> Self {
        let date = Dates::OfFiles.date(finished, false, std::iter::empty());
        Self { finished: Some(finished), date, count }
    }
}

impl Channel {
    /// Lists a gap in the place of what others have listed and this one is too late with. Says when it will be too late with
    /// the next.
    pub(super) fn keep_in_step(&mut self, now: Instant, desk: &mut Desk) -> Option<Instant> {
        loop {
            let late_at = self.publication.late_at()?;
            if late_at > now {
                return Some(late_at);
            }
            let number = self.publication.playlist().next_media_sequence();
            // The event that tells of it may be on its way.
            self.look_at_directory(desk);
            self.publish_waiting(Duration::ZERO);
            if self.publication.playlist().next_media_sequence() == number {
                self.publication.leave_out(number);
            }
            self.publish_waiting(Duration::ZERO);
            self.settle();
            if self.publication.playlist().next_media_sequence() == number {
                return None;
            }
        }
    }

    /// What is listed as a gap is waited for no longer.
    pub(super) fn skip_gaps(&mut self) {
        if let Order::Numbered(order) = &mut self.order {
            order.skip_to(self.publication.next_number());
        }
    }
}

impl Publication {
    fn common(&self) -> Option<MutexGuard<'_, Common>> {
        self.common.as_ref().map(|common| common.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// When this rendition is too late with its next segment.
    fn late_at(&self) -> Option<Instant> {
        let playlist = self.window.playlist();
        let next = playlist.next_media_sequence();
        self.common()?.late_at(next, self.last_listed_at, playlist.target_duration_s)
    }

    /// Lists a gap under this number, the next.
    fn leave_out(&mut self, number: u64) {
        match self.fill_up_to(number + 1, None) {
            Ok(()) => {
                self.write_playlist();
                // It may be the one that speaks for the whole stream.
                self.write_status();
            }
            Err(error) => warn!(%error, "gap not listed"),
        }
    }

    /// Lists a gap in the place of a segment that was begun in parts and will never be whole.
    pub(super) fn leave_out_open(&mut self, number: u64) {
        let behind = self.low_latency.as_ref().and_then(|file| file.list.first_behind(number));
        let until = behind.cloned();
        let left_out = match self.settings.naming {
            Naming::Numbered => self.push_gap_at(number, until.as_ref().map(|until| Until::of(until, 1))),
            Naming::Any if self.promise.is_made() => self.push_gap(number, None),
            // Nothing is listed yet, and nothing is missing.
            Naming::Any => {
                if let Some(file) = &mut self.low_latency {
                    file.list.left_out(number, 0, 0);
                }
                return;
            }
        };
        if let Err(error) = left_out {
            warn!(%error, "gap not listed");
        }
        // It is not waited for, whatever the playlist says.
        if let Some(file) =
            self.low_latency.as_mut().filter(|file| file.list.open_before(None) == Some(number))
        {
            file.list.left_out(number, self.window.next_media_sequence().saturating_sub(1), 0);
        }
        self.write_playlist();
        self.write_status();
    }

    /// The parts of another segment than the one of this number, which is listed now, are all that there is of it.
    pub(super) fn leave_out_before(&mut self, number: Option<u64>) {
        let open = self.low_latency.as_ref().and_then(|file| file.list.open_before(number));
        if let Some(open) = open.filter(|_| self.settings.naming == Naming::Any) {
            self.leave_out_open(open);
        }
    }

    /// Whether the parts that are listed of the segment of this number are as long as the other renditions have it.
    pub(super) fn is_as_long_as_elsewhere(&self, number: u64) -> bool {
        let in_parts_90k = self.low_latency.as_ref().and_then(|file| file.list.parts_duration_90k(number));
        in_parts_90k.is_none_or(|in_parts_90k| self.fits_elsewhere(number, in_parts_90k))
    }

    /// Whether a segment of this length can be the one that the other renditions have under this number.
    pub(super) fn fits_elsewhere(&self, number: u64, duration_90k: u64) -> bool {
        let Some(common) = self.common() else { return true };
        let room_90k = common.frame_90k() + ROOM_FOR_SOUND_90K;
        common.get(number).is_none_or(|(listed, _)| listed.duration_90k.abs_diff(duration_90k) <= room_90k)
    }

    /// How long a picture is shown, or a frame of sound, in segments that are listed.
    pub(super) fn note_frames(&self, facts: &Facts) {
        if let Some(mut common) = self.common() {
            common.note_frame(facts.frame_interval_90k.min(facts.duration_90k));
        }
    }

    /// Whether a file of ours holds what the other renditions have under its number, as far as its length and its time tell.
    pub(super) fn holds_what_others_do(&self, number: u64, finished: &Finished) -> bool {
        const SAME: Duration = Duration::from_secs(1);
        self.note_frames(&finished.facts);
        let ended_at = self.common().and_then(|common| common.ends_at(number));
        let is_in_time = ended_at.is_none_or(|ended_at| {
            let apart = finished.stamp.modified_at.duration_since(ended_at.into());
            apart.unwrap_or_else(|early| early.duration()) <= SAME
        });
        is_in_time && self.fits_elsewhere(number, finished.facts.duration_90k)
    }

    /// Whether a file is no segment of ours, whatever its name says: it goes back on the timeline of the last one, and is older.
    pub(super) fn is_older_than_last(&self, finished: &Finished) -> bool {
        const OVERLAP: jiff::SignedDuration = jiff::SignedDuration::from_secs(1);
        let ends_at = self.window.playlist().segments.last().filter(|last| !last.gap).and_then(end_of);
        let written_at = Timestamp::try_from(finished.stamp.modified_at).ok();
        let goes_back =
            self.last.facts().is_some_and(|last| distance_90k(last.end_90k(), finished.facts.start_90k) < 0);
        goes_back
            && ends_at
                .zip(written_at)
                .is_some_and(|(ends_at, written_at)| ends_at.duration_since(written_at) >= OVERLAP)
    }

    /// The stream has ended, with the segment before `next`.
    pub(super) fn end_in_step(&mut self, next: u64) {
        if let Err(error) = self.fill_up_to(next, None) {
            warn!(%error, "gap not listed");
        }
    }

    /// Whether there is no more of it than that others have something in its place.
    pub(super) fn is_left_out(&self) -> bool {
        self.window.playlist().segments.last().is_some_and(|last| last.gap)
    }

    /// Whether the file of this name came too late.
    pub(super) fn is_gap(&self, name: &str) -> bool {
        let uri = uri_of_name(self.settings.home, name);
        self.window.playlist().segments.iter().any(|segment| segment.gap && segment.uri == uri)
    }

    /// Why the timeline breaks before the segment of this number: a break is one of all renditions, or of none.
    ///
    /// RFC 8216 6.2.4: matching content MUST have matching discontinuity sequence numbers.
    pub(super) fn agreed_break(&self, number: Option<u64>, facts: &Facts) -> Option<Break> {
        // A gap of the run before says nothing of this one, and a playlist that is ended has nothing behind it.
        let begins_run = number.is_some() && number == self.first_of_run && matches!(self.last, Last::Gap);
        let begins_anew = begins_run || self.window.playlist().ended;
        let own = if begins_anew { Some(Break::Unknown) } else { self.break_before(facts) };
        // A playlist that begins has counted the break before it already.
        let (Some(number), Some(mut common), false) = (number, self.common(), self.begins()) else {
            return own;
        };
        let is_agreed = common.breaks_before(number, || own.is_some());
        is_agreed.then(|| own.unwrap_or(Break::Elsewhere))
    }

    /// Players know how the segment of this number begins: the others begin it in the same way.
    pub(super) fn note_begun(&self, number: u64, discontinuity: bool) {
        if let Some(mut common) = self.common() {
            common.tell(number, discontinuity);
        }
    }

    /// A date that lies before the end of the segment before, as the clock was set back, breaks the timeline, too.
    ///
    /// bis-22 6.2.1: the mapping of dates to segments MUST NOT be ambiguous; overlaps below a second are allowed.
    pub(super) fn agreed_on_clock(
        &self,
        number: Option<u64>,
        agreed: Option<Break>,
        date: Option<Timestamp>,
        facts: &Facts,
    ) -> Option<Break> {
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
        // Who has lost it is told by the others when it ended.
        let elsewhere =
            number.zip(self.common()).and_then(|(number, common)| common.ends_at(number.checked_sub(1)?));
        let ends_at = ends_at.max(elsewhere);
        let is_set_back = ends_at.zip(date).is_some_and(|(ends_at, date)| {
            ends_at.duration_since(date) >= jiff::SignedDuration::from_secs(1)
        });
        if agreed.is_some() || !is_set_back || self.begins() {
            return agreed;
        }
        match (number, self.common()) {
            // Who comes first says so for all.
            (Some(number), Some(mut common)) => common.breaks(number).then_some(Break::Clock),
            _ => Some(Break::Clock),
        }
    }

    /// The date behind a break, which does not lie before the end of the segment before: files that are copied, and runs that follow
    /// at once, bear times that are off by a little. A clock that was set back by more is believed.
    pub(super) fn not_before_last(&self, breaks: bool, date: Option<Timestamp>) -> Option<Timestamp> {
        const LITTLE: jiff::SignedDuration = jiff::SignedDuration::from_secs(10);
        let ends_at = self.window.playlist().segments.last().and_then(end_of);
        let is_early = |ends_at: &Timestamp| {
            date.is_some_and(|date| {
                (jiff::SignedDuration::ZERO..LITTLE).contains(&ends_at.duration_since(date))
            })
        };
        ends_at.filter(|ends_at| breaks && is_early(ends_at)).or(date)
    }

    /// Nothing was ever listed.
    fn begins(&self) -> bool {
        self.window.playlist().segments.is_empty() && matches!(self.last, Last::Nothing)
    }

    /// A segment is listed.
    pub(super) fn note_listed(&mut self) {
        self.last_listed_at = self.world.now();
        let playlist = self.window.playlist();
        let number = playlist.next_media_sequence() - 1;
        if let (Some(mut common), Some(last)) = (self.common(), playlist.segments.last()) {
            let listed = Listed {
                duration_90k: last.duration_90k,
                program_date_time: last.program_date_time,
                has_pictures: self.settings.has_pictures,
                at: self.last_listed_at,
            };
            common.listed(number, last.discontinuity, listed);
        }
        if let Some(Told::KeepsUp(episode)) = self.gaps.kept_up(self.last_listed_at) {
            let (size, gaps, lasted_s) = (self.size(), episode.segments, episode.lasted.as_secs_f64());
            info!(size, gaps, lasted_s, "segments come in time again");
        }
    }

    /// The name of its directory.
    fn size(&self) -> String {
        self.settings.webroot.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Lists gaps for what is missing before this number, with which this run begins. One that is ended lists nothing behind its end,
    /// and one that is empty begins there.
    pub(super) fn go_on_up_to(&mut self, number: u64) {
        let playlist = self.window.playlist();
        let is_far = number.saturating_sub(self.next_number()) > MOST_MISSING;
        if playlist.ended || playlist.segments.is_empty() || is_far {
            return;
        }
        let now = self.world.date();
        for missing in self.next_number()..number {
            // They are not longer than the time that has passed.
            let until = Until { finished: None, date: Some(now), count: number - missing };
            if let Err(error) = self.push_gap(missing, Some(until)) {
                return warn!(%error, "gap not listed");
            }
        }
    }

    /// The timeline breaks before this number, in all renditions.
    pub(super) fn breaks_at(&self, number: u64) {
        if let Some(mut common) = self.common() {
            common.breaks(number);
        }
    }

    /// All segments leave the playlist with the next version of it, which begins where the other renditions go on: with this number,
    /// and this discontinuity sequence number of its first segment. `waits`: what is on disk stays until then.
    pub(super) fn begin_anew_at(
        &mut self,
        (number, discontinuity_sequence): (u64, u64),
        target_duration_s: Option<u32>,
        waits: bool,
    ) {
        let playlist = self.window.playlist();
        let leaving = self.first_leave(playlist.segments.len());
        let settings = WindowSettings {
            target_duration_s: target_duration_s.unwrap_or(playlist.target_duration_s),
            segments: self.settings.window_segments,
        };
        let mut begun = Window::new(settings, number).playlist().clone();
        // The first segment tells of the break before it.
        begun.discontinuity_sequence = discontinuity_sequence.saturating_sub(1);
        if let Ok(window) = Window::resume(settings, begun) {
            self.window = window;
            self.let_go(leaving);
            self.ahead = 0;
            self.last = if discontinuity_sequence > 0 { Last::Unknown } else { Last::Nothing };
            // Its numbers are kept, whatever comes before its first segment.
            self.is_behind = number > 1 && !waits;
        }
    }

    /// The playlist on disk is not gone on with, and stands until the next one is written. Says whether it lists the file of this
    /// name, which leaves with it.
    pub(super) fn lists_no_longer(&mut self, on_disk: &OnDisk, name: &str) -> bool {
        let OnDisk::Playlist { playlist, .. } = on_disk else { return false };
        let uri = uri_of_name(self.settings.home, name);
        let mut numbered = (playlist.media_sequence..).zip(&playlist.segments);
        let Some((media_sequence, segment)) = numbered.find(|(_, it)| it.uri == uri && !it.gap) else {
            return false;
        };
        let target_90k = (u64::from(playlist.target_duration_s) + 1) * TICKS_PER_S;
        let window_90k = target_90k * self.settings.window_segments as u64;
        let grace_90k = segment.duration_90k + window_90k.max(playlist.duration_90k());
        self.leaving.push(Evicted { segment: segment.clone(), media_sequence, grace_90k });
        true
    }

    /// The discontinuity sequence of the segments of a run that begins now.
    pub(super) fn next_discontinuity_sequence(&self) -> u64 {
        let playlist = self.window.playlist();
        let listed = playlist.segments.iter().filter(|segment| segment.discontinuity).count() as u64;
        let breaks = u64::from(playlist.next_media_sequence() > 1);
        playlist.discontinuity_sequence + listed + breaks
    }

    /// The number of the name that comes next.
    pub(super) fn next_number(&self) -> u64 {
        self.window.next_media_sequence().saturating_add_signed(self.ahead)
    }

    /// Lists those before `number` that are lost as gaps, each under its own number. `until`: what the segment of that number
    /// holds, or the beginning of it.
    pub(super) fn fill_up_to(&mut self, number: u64, until: Option<&Finished>) -> Result<(), Refusal> {
        // Names of others tell nothing of what comes between.
        if self.settings.naming == Naming::Any {
            return Ok(());
        }
        let count = number.saturating_sub(self.next_number());
        let goes_on = |until: &Finished| self.break_before(&until.facts).is_none();
        let lists_nothing = self.window.playlist().segments.is_empty();
        let is_missing_nothing = lists_nothing || until.is_some_and(goes_on) || count > MOST_MISSING;
        if count > 0 && self.settings.home == Home::Live && is_missing_nothing {
            if self.begins() && self.window.next_media_sequence() == 1 && self.ahead == 0 {
                // Nobody has seen a list: it begins with the number of its first segment.
                self.begin_with(number);
                return Ok(());
            }
            // Nothing is missing on the timeline: what had these numbers were no segments, or nothing was listed before.
            self.ahead = self.ahead.saturating_add_unsigned(count);
            return Ok(());
        }
        for missing in self.next_number()..number {
            self.push_gap(missing, until.map(|until| Until::of(until, number - missing)))?;
        }
        Ok(())
    }

    /// Lists a gap under this number, and those before it. Players know its parts, so it has a number whatever the timeline tells.
    pub(super) fn push_gap_at(&mut self, number: u64, until: Option<Until<'_>>) -> Result<(), Refusal> {
        self.fill_up_to(number, None)?;
        if self.next_number() == number { self.push_gap(number, until) } else { Ok(()) }
    }

    /// The first segment of all has this number.
    fn begin_with(&mut self, number: u64) {
        let settings = WindowSettings {
            target_duration_s: self.window.playlist().target_duration_s,
            segments: self.settings.window_segments,
        };
        self.window = Window::new(settings, number);
    }

    /// Lists a gap under this number.
    pub(super) fn push_gap(&mut self, number: u64, until: Option<Until<'_>>) -> Result<(), Refusal> {
        let name = segment_name(number);
        let playlist = self.window.playlist();
        let elsewhere = self.common().and_then(|common| common.get(number));
        // What comes behind an end is held to what this run promises.
        let promised_s = Some(playlist.target_duration_s).filter(|_| !playlist.ended);
        let target_s = promised_s.or(self.settings.target_duration_s).unwrap_or(playlist.target_duration_s);
        let target_90k = u64::from(target_s) * TICKS_PER_S;
        let usual_90k = playlist.segments.last().map_or(target_90k, |last| last.duration_90k);
        let in_parts_90k = || self.low_latency.as_ref()?.list.parts_duration_90k(number);
        let begins_run = Some(number) == self.first_of_run;
        // Parts that players know are parts of it.
        let told_90k = self.told_90k.get(&number).copied().max(in_parts_90k()).unwrap_or(0);
        let duration_90k = elsewhere
            .map(|(listed, _)| listed.duration_90k)
            .or_else(|| self.missing_90k(until.filter(|_| !begins_run)?, target_90k))
            .or_else(in_parts_90k)
            .or_else(|| self.missing_by_clock_90k(until?, target_90k))
            .unwrap_or(usual_90k);
        let duration_90k = duration_90k.max(told_90k).clamp(1, target_90k);
        let breaks =
            !self.begins() && self.common().map_or(begins_run, |mut common| common.tell(number, begins_run));
        let last = playlist.segments.last().filter(|_| !breaks);
        let date = match elsewhere {
            Some((listed, _)) => listed.program_date_time,
            None => last
                .and_then(end_of)
                .or_else(|| until.and_then(|until| earlier(until.date?, until.count * duration_90k)))
                .or_else(|| earlier(self.world.date(), duration_90k)),
        };
        // What was said before its first part holds for the whole.
        let beginning = self.low_latency.as_ref().and_then(|file| file.list.beginning_of(number));
        let evicted = self.window.push(Segment {
            uri: uri_of_name(self.settings.home, &name),
            duration_90k,
            program_date_time: beginning.map_or(date, |beginning| beginning.filmed_at),
            discontinuity: beginning.map_or(breaks, |beginning| beginning.discontinuity),
            gap: true,
        })?;
        let media_sequence = self.window.next_media_sequence() - 1;
        self.let_go(evicted);
        self.is_behind = true;
        self.last_listed_at = self.world.now();
        self.goes_on_over_gap();
        if let Some(file) = &mut self.low_latency {
            file.list.left_out(number, media_sequence, duration_90k);
        }
        let size = self.size();
        if self.gaps.left_out(1, self.last_listed_at).is_some() {
            warn!(size, name, "segment is missing; listed as a gap");
        } else {
            debug!(size, name, "one more segment is missing; listed as a gap");
        }
        Ok(())
    }

    /// How long a segment was that is missing, where the timeline tells.
    fn missing_90k(&self, until: Until<'_>, target_90k: u64) -> Option<u64> {
        let all_90k = distance_90k(self.last.facts()?.end_90k(), until.finished?.facts.start_90k);
        let each_90k = u64::try_from(all_90k).ok()? / until.count.max(1);
        (1..=target_90k).contains(&each_90k).then_some(each_90k)
    }

    /// The same by the dates, where the timeline tells nothing.
    fn missing_by_clock_90k(&self, until: Until<'_>, target_90k: u64) -> Option<u64> {
        let ends_at = end_of(self.window.playlist().segments.last()?)?;
        let all_ms = u64::try_from(until.date?.duration_since(ends_at).as_millis()).unwrap_or(0);
        Some((all_ms * 90 / until.count.max(1)).clamp(1, target_90k))
    }

    /// What comes behind the gap that was listed goes on where that ends: it is no discontinuity that nothing was
    /// encoded for a while, as long as the timestamps go on.
    fn goes_on_over_gap(&mut self) {
        let Some(gap) = self.window.playlist().segments.last() else { return };
        self.last = match std::mem::replace(&mut self.last, Last::Nothing) {
            Last::Nothing => Last::Nothing,
            _ if gap.discontinuity => Last::Gap,
            Last::Known(mut facts) => {
                facts.start_90k = later_90k(facts.start_90k, gap.duration_90k);
                // Packets were lost with it.
                facts.counters.clear();
                // It may have the length of the sound of that time.
                facts.frame_interval_90k = facts.frame_interval_90k.max(ROOM_FOR_SOUND_90K);
                Last::Known(facts)
            }
            other => other,
        };
    }

    /// What a run before has listed counts, too.
    pub(super) fn measure_listed(&mut self, live: &Path) {
        let playlist = self.window.playlist();
        for segment in playlist.segments.iter().filter(|segment| !segment.gap) {
            let file = name_of_uri(self.settings.home, &segment.uri).map(|name| live.join(name));
            if let Some(Ok(stamp)) = file.map(|file| self.world.directory.stamp(&file)) {
                let target_s = f64::from(playlist.target_duration_s);
                self.rate.push(stamp.bytes, seconds(segment.duration_90k), target_s);
            }
        }
    }

    /// Bits a second of what was listed; `None` before the first segment of this run.
    pub(super) fn measured(&self) -> Option<Rates> {
        self.newest.as_ref()?;
        let measured = self.rate.measured(false)?;
        Some(Rates {
            peak_bps: measured.peak_bps.ceil() as u64,
            average_bps: measured.average_bps.ceil() as u64,
        })
    }

    /// What the bytes of the newest segment say.
    pub(super) fn newest_facts(&self) -> Option<&Facts> {
        self.newest.as_ref().map(|newest| &newest.facts)
    }

    /// Pictures a second.
    pub(super) fn frame_rate(&self) -> Option<f64> {
        let video = self.newest_facts()?.video.as_ref()?;
        (video.frame_interval_90k > 0).then(|| TICKS_PER_S as f64 / video.frame_interval_90k as f64)
    }

    /// The last segment of which `ll.m3u8` on disk lists something, and its last part.
    pub(super) fn last_part(&self) -> Option<(u64, Option<u64>)> {
        self.low_latency.as_ref()?.last
    }

    /// How far the playlists of the other renditions are: for the next version of `ll.m3u8`, which is written at once when the one
    /// on disk says less than the part before.
    ///
    /// bis 4.4.5.4: a report SHOULD be as up to date as the playlist that contains it.
    pub(super) fn set_reports(&mut self, reports: Vec<EdgeReport>) {
        let Some(file) = &mut self.low_latency else { return };
        let is_behind = |now: &EdgeReport| {
            let told = file.told.iter().find(|told| told.uri == now.uri);
            told.is_none_or(|told| is_more_than_a_part_behind(told, now))
        };
        let is_behind = reports.iter().any(is_behind);
        file.list.reports = reports;
        if is_behind {
            self.write_low_latency();
        }
    }
}

/// Whether the list that `now` is of has come more than one part further.
fn is_more_than_a_part_behind(told: &EdgeReport, now: &EdgeReport) -> bool {
    let parts = |report: &EdgeReport| report.last_part.map_or(0, |part| part + 1);
    match now.last_media_sequence.checked_sub(told.last_media_sequence) {
        Some(0) => parts(now) > parts(told) + 1,
        // Whether the segment that was told of has got more parts since is not known.
        Some(1) => parts(now) > 1,
        // Further than a part, or begun anew.
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watcher::{
        ChannelSettings, Naming, finished_file::tests::finished_90k, order::Candidate, world::World,
    };
    use std::{
        fs,
        sync::{Arc, Mutex},
        time::SystemTime,
    };

    const SEGMENT_90K: u64 = 180_000;

    fn rendition(webroot: &Path, name: &str, common: &Arc<Mutex<Common>>) -> Publication {
        let webroot = webroot.join(name);
        fs::create_dir_all(&webroot).unwrap();
        let settings = ChannelSettings {
            status_directory: webroot.clone(),
            webroot,
            home: Home::Beside,
            has_pictures: true,
            label: format!("{name}/"),
            naming: Naming::Numbered,
            target_duration_s: Some(2),
            window_segments: 20,
            part_target_90k: None,
            end_list: true,
            keep: false,
            end_after: None,
        };
        let mut publication = Publication::new(World::real(None), settings, Arc::default(), None).unwrap();
        publication.common = Some(common.clone());
        publication
    }

    /// Segments come, `720p:3` in this order; from number `breaks_at` on they are of another timeline. What the playlists
    /// say then: `(3)` is a gap, `!4` has a discontinuity.
    #[track_caller]
    fn check(arrivals: &str, breaks_at: u64, expected: [&str; 2]) {
        let webroot = tempfile::tempdir().unwrap();
        let common = Arc::new(Mutex::new(Common::new(20)));
        let names = ["720p", "360p"];
        let mut renditions = names.map(|name| rendition(webroot.path(), name, &common));
        for arrival in arrivals.split(' ') {
            let (name, number) = arrival.split_once(':').unwrap();
            let number: u64 = number.parse().unwrap();
            let mut finished = finished_90k(SEGMENT_90K);
            let jump_90k = if number >= breaks_at { 10_000_000 } else { 0 };
            finished.facts.start_90k = number * SEGMENT_90K + jump_90k;
            finished.stamp.modified_at = SystemTime::UNIX_EPOCH + Duration::from_secs(2 * number);
            let candidate = Candidate { name: segment_name(number), finished, seen_at: Instant::now() };
            let index = names.iter().position(|it| *it == name).unwrap();
            renditions[index].publish(candidate, std::iter::empty());
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

    #[test]
    fn a_gap_behind_an_end_is_no_longer_than_this_run_promises() {
        let webroot = tempfile::tempdir().unwrap();
        let common = Arc::new(Mutex::new(Common::new(20)));
        let settings = rendition(webroot.path(), "720p", &common).settings;
        let text = "#EXTM3U\n#EXT-X-TARGETDURATION:7\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:7,\nseg-00000001.ts\n#EXT-X-ENDLIST\n";
        let previous = livedir_playlist::parse(text).unwrap();
        let mut publication =
            Publication::new(World::real(None), settings, Arc::default(), Some(previous)).unwrap();
        publication.push_gap(2, None).unwrap();
        let playlist = publication.playlist();
        assert_eq!((playlist.target_duration_s, playlist.segments.len()), (2, 1), "{playlist:?}");
        assert!(playlist.segments[0].gap && playlist.segments[0].duration_90k <= SEGMENT_90K);
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
