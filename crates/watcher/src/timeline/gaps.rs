//! Gaps: entries of the playlist for segments that are missing (EXT-X-GAP), each with its own number.
//!
//! In: numbers that are missing, and the segment after them. Out: entries as long as the missing segments, if that is known. Pure.

use crate::events::finished_file::Finished;
use crate::events::refusal::Refusal;
use crate::settings::Naming;
use crate::timeline::align::ROOM_FOR_SOUND_90K;
use crate::timeline::dates::{Dates, earlier, end_of};
use crate::timeline::{Last, NotListed, Now, Timeline};
use jiff::Timestamp;
use livedir_layout::names::{segment_name, uri_of_name};
use livedir_playlist::{Segment, Window, WindowSettings};
use livedir_time::clock_33_bit::{distance_90k, later_90k};
use livedir_time::ticks::{of_milliseconds, of_seconds};

/// If more segments than this are missing (half an hour at 2 s each), they are not listed as gaps: these would leave the window at
/// once.
pub(crate) const MOST_MISSING: u64 = 1_000;

/// The segment that follows missing segments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Until<'a> {
    /// The next segment that exists, or its first part.
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

impl Timeline {
    /// Lists gaps before this number. What cannot be listed is told with the changes.
    pub(crate) fn leave_out_up_to(&mut self, number: u64, now: Now) {
        let filled = self.fill_up_to(number, None, now);
        self.note_failed(filled);
    }

    /// Lists a gap in the place of a segment that was begun in parts and will never be whole. Says whether players have to be told.
    pub(crate) fn leave_out_open(&mut self, number: u64, now: Now) -> bool {
        let until = self.parts.as_ref().and_then(|list| list.first_behind(number)).cloned();
        let left_out = match self.settings.naming {
            Naming::Numbered => {
                self.push_gap_at(number, until.as_ref().map(|until| Until::of(until, 1)), now)
            }
            Naming::Any if self.target.is_fixed() => self.push_gap(number, None, now),
            // Nothing is listed yet, and nothing is missing.
            Naming::Any => {
                if let Some(list) = &mut self.parts {
                    list.left_out(number, 0, 0);
                }
                return false;
            }
        };
        self.note_failed(left_out);
        // It is not waited for, whatever the playlist says.
        if let Some(list) = self.parts.as_mut().filter(|list| list.open_before(None) == Some(number)) {
            list.left_out(number, self.window.next_media_sequence().saturating_sub(1), 0);
        }
        true
    }

    /// The parts of another segment than the one of this number, which is listed now, are all that there is of it.
    pub(super) fn leave_out_before(&mut self, number: Option<u64>, now: Now) {
        let open = self.parts.as_ref().and_then(|list| list.open_before(number));
        if let Some(open) = open.filter(|_| self.settings.naming == Naming::Any) {
            self.leave_out_open(open, now);
        }
    }

    /// A segment of which the run before has listed parts, and that has no file, is a gap: players know its number.
    pub(crate) fn leave_out_interrupted(&mut self, number: u64, now: Now) {
        let left_out = match self.settings.naming {
            Naming::Numbered => self.push_gap_at(number, None, now),
            Naming::Any if self.target.is_fixed() => self.push_gap(number, None, now),
            Naming::Any => Ok(()),
        };
        self.note_failed(left_out);
    }

    fn note_failed(&mut self, listed: Result<(), Refusal>) {
        self.changes.failures.extend(listed.err().map(NotListed::Gap));
    }

    /// Whether the last entry is a gap.
    pub(crate) fn is_left_out(&self) -> bool {
        self.window.playlist().segments.last().is_some_and(|last| last.gap)
    }

    /// Whether the file of this name came too late.
    pub(crate) fn is_gap(&self, name: &str) -> bool {
        let uri = uri_of_name(self.settings.home, name);
        self.window.playlist().segments.iter().any(|segment| segment.gap && segment.uri == uri)
    }

    /// Lists gaps for what is missing before this number, with which this run begins. One that is ended lists nothing behind its end,
    /// and one that is empty begins there.
    pub(crate) fn go_on_up_to(&mut self, number: u64, now: Now) {
        let playlist = self.window.playlist();
        let is_far = number.saturating_sub(self.next_number()) > MOST_MISSING;
        if playlist.ended || playlist.segments.is_empty() || is_far {
            return;
        }
        for missing in self.next_number()..number {
            // They are not longer than the time that has passed.
            let until = Until { finished: None, date: Some(now.date), count: number - missing };
            if let Err(error) = self.push_gap(missing, Some(until), now) {
                return self.note_failed(Err(error));
            }
        }
    }

    /// The number of the name that comes next.
    pub(crate) fn next_number(&self) -> u64 {
        self.window.next_media_sequence().saturating_add_signed(self.ahead)
    }

    /// Lists those before `number` that are lost as gaps, each under its own number. `until`: what the segment of that number
    /// holds, or the beginning of it.
    pub(super) fn fill_up_to(
        &mut self,
        number: u64,
        until: Option<&Finished>,
        now: Now,
    ) -> Result<(), Refusal> {
        // Names of others tell nothing of what comes between.
        if self.settings.naming == Naming::Any {
            return Ok(());
        }
        let count = number.saturating_sub(self.next_number());
        let goes_on = |until: &Finished| self.break_before(&until.facts).is_none();
        let lists_nothing = self.window.playlist().segments.is_empty();
        let is_missing_nothing = lists_nothing || until.is_some_and(goes_on) || count > MOST_MISSING;
        if count > 0 && self.is_alone() && is_missing_nothing {
            if self.begins() && self.window.next_media_sequence() == 1 && self.ahead == 0 {
                // No client has seen a list: it begins with the number of its first segment.
                self.begin_with(number);
                return Ok(());
            }
            // Nothing is missing on the timeline: what had these numbers were no segments, or nothing was listed before.
            self.ahead = self.ahead.saturating_add_unsigned(count);
            return Ok(());
        }
        for missing in self.next_number()..number {
            self.push_gap(missing, until.map(|until| Until::of(until, number - missing)), now)?;
        }
        Ok(())
    }

    /// Lists a gap under this number, and those before it. Players know its parts, so it has a number whatever the timeline tells.
    fn push_gap_at(&mut self, number: u64, until: Option<Until<'_>>, now: Now) -> Result<(), Refusal> {
        self.fill_up_to(number, None, now)?;
        if self.next_number() == number { self.push_gap(number, until, now) } else { Ok(()) }
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
    pub(super) fn push_gap(
        &mut self,
        number: u64,
        until: Option<Until<'_>>,
        now: Now,
    ) -> Result<(), Refusal> {
        let name = segment_name(number);
        let playlist = self.window.playlist();
        let elsewhere = self.shared().and_then(|shared| shared.get(number));
        // What comes behind an end is held to what this run promises.
        let promised_s = Some(playlist.target_duration_s).filter(|_| !playlist.ended);
        let target_s = promised_s.or(self.settings.target_duration_s).unwrap_or(playlist.target_duration_s);
        let target_90k = of_seconds(target_s);
        let usual_90k = playlist.segments.last().map_or(target_90k, |last| last.duration_90k);
        let in_parts_90k = || self.parts.as_ref()?.parts_duration_90k(number);
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
            !self.begins() && self.shared().map_or(begins_run, |mut shared| shared.tell(number, begins_run));
        let last = playlist.segments.last().filter(|_| !breaks);
        let date = match elsewhere {
            Some((listed, _)) => listed.program_date_time,
            None => last
                .and_then(end_of)
                .or_else(|| until.and_then(|until| earlier(until.date?, until.count * duration_90k)))
                .or_else(|| earlier(now.date, duration_90k)),
        };
        // What was said before its first part holds for the whole.
        let beginning = self.parts.as_ref().and_then(|list| list.beginning_of(number));
        let evicted = self.window.push(Segment {
            uri: uri_of_name(self.settings.home, &name),
            duration_90k,
            program_date_time: beginning.map_or(date, |beginning| beginning.filmed_at),
            discontinuity: beginning.map_or(breaks, |beginning| beginning.discontinuity),
            gap: true,
        })?;
        let media_sequence = self.window.next_media_sequence() - 1;
        self.let_go(evicted);
        self.last_listed_at = now.at;
        self.goes_on_over_gap();
        if let Some(list) = &mut self.parts {
            list.left_out(number, media_sequence, duration_90k);
        }
        self.changes.is_changed = true;
        self.changes.gaps.push((name, now.at));
        Ok(())
    }

    /// The duration of a missing segment, if the timestamps tell it.
    fn missing_90k(&self, until: Until<'_>, target_90k: u64) -> Option<u64> {
        let all_90k = distance_90k(self.last.facts()?.end_90k(), until.finished?.facts.start_90k);
        let each_90k = u64::try_from(all_90k).ok()? / until.count.max(1);
        (1..=target_90k).contains(&each_90k).then_some(each_90k)
    }

    /// The same by the dates, if the timestamps do not tell it.
    fn missing_by_clock_90k(&self, until: Until<'_>, target_90k: u64) -> Option<u64> {
        let ends_at = end_of(self.window.playlist().segments.last()?)?;
        let all_ms = u64::try_from(until.date?.duration_since(ends_at).as_millis()).unwrap_or(0);
        Some((of_milliseconds(all_ms) / until.count.max(1)).clamp(1, target_90k))
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
}
