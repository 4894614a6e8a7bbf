//! In step: the playlists of the renditions of one stream have the same numbers for the same time (RFC 8216 6.2.4), through
//! segments that one of them lost and others have.
//!
//! In: what a [`Publication`] knows. Out: entries that say that there is nothing. Runs on the watcher's thread.

use super::{channel::Channel, finished_file::Refusal, order::Order, publish::Publication};
use crate::{
    probe::Facts,
    segment_name::{Home, name_of_uri, segment_name, uri_of_name},
    status::seconds,
};
use livedir_playlist::{EdgeReport, Rates, Segment, TICKS_PER_S, Window, WindowSettings};
use std::{fs, path::Path};
use tracing::warn;

impl Channel {
    /// The next segment of all renditions has this number.
    pub(super) fn begin_at(&mut self, number: u64, discontinuity_sequence: u64) {
        if let (Home::Beside, Order::Numbered(order)) = (self.settings.home, &mut self.order) {
            order.skip_to(number);
            self.publication.settle_parts(number);
            self.publication.measure_listed(&self.live);
            self.publication.begin_at(number, discontinuity_sequence);
        }
    }
}

impl Publication {
    /// A rendition that has listed nothing yet begins where the others go on.
    fn begin_at(&mut self, number: u64, discontinuity_sequence: u64) {
        let playlist = self.window.playlist();
        if !playlist.segments.is_empty() || playlist.next_media_sequence() >= number {
            return;
        }
        let settings = WindowSettings {
            target_duration_s: playlist.target_duration_s,
            segments: self.settings.window_segments,
        };
        let mut begun = Window::new(settings, number).playlist().clone();
        begun.discontinuity_sequence = discontinuity_sequence;
        if let Ok(window) = Window::resume(settings, begun) {
            self.window = window;
        }
    }

    /// The discontinuity sequence of the segments of a run that begins now.
    pub(super) fn next_discontinuity_sequence(&self) -> u64 {
        let playlist = self.window.playlist();
        let listed = playlist.segments.iter().filter(|segment| segment.discontinuity).count() as u64;
        let breaks = u64::from(!playlist.segments.is_empty());
        playlist.discontinuity_sequence + listed + breaks
    }

    /// Lists those before `number` that this rendition has lost as gaps: a crash comes between the files of two renditions.
    pub(super) fn fill_up_to(&mut self, number: u64) -> Result<(), Refusal> {
        let missing = self.window.next_media_sequence()..number;
        for number in missing.take(self.settings.window_segments) {
            let name = segment_name(number);
            let last = self.window.playlist().segments.last();
            let target_90k = u64::from(self.window.playlist().target_duration_s) * TICKS_PER_S;
            let duration_90k = last.map_or(target_90k, |last| last.duration_90k);
            warn!(
                name = self.label(&name),
                "segment is missing here and there in other sizes; listed as a gap"
            );
            let evicted = self.window.push(Segment {
                uri: uri_of_name(self.settings.home, &name),
                duration_90k,
                program_date_time: None,
                discontinuity: false,
                gap: true,
            })?;
            self.has_left(evicted);
        }
        Ok(())
    }

    /// What a run before has listed counts, too.
    fn measure_listed(&mut self, live: &Path) {
        let playlist = self.window.playlist();
        for segment in playlist.segments.iter().filter(|segment| !segment.gap) {
            let file = name_of_uri(self.settings.home, &segment.uri).map(|name| live.join(name));
            if let Some(Ok(metadata)) = file.map(fs::metadata) {
                let target_s = f64::from(playlist.target_duration_s);
                self.rate.push(metadata.len(), seconds(segment.duration_90k), target_s);
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

    /// The last segment of which something is listed with low latency, and its last part.
    pub(super) fn last_part(&self) -> Option<(u64, Option<u64>)> {
        self.low_latency.as_ref()?.list.last(self.window.playlist())
    }

    /// How far the other renditions are: for the next version of `ll.m3u8`.
    pub(super) fn set_reports(&mut self, reports: Vec<EdgeReport>) {
        if let Some(file) = &mut self.low_latency {
            file.list.reports = reports;
        }
    }
}
