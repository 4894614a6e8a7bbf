//! Rates: how many bits and frames a second a rendition has.
//!
//! In: what is published of one rendition. Out: what the multivariant playlist tells of it.

use crate::publish::Publication;
use livedir_layout::names::name_of_uri;
use livedir_media::Facts;
use livedir_playlist::Rates;
use livedir_time::ticks::{pictures_per_second, seconds};
use std::path::Path;

impl Publication {
    /// What a run before has listed counts, too.
    pub(crate) fn measure_listed(&mut self, live: &Path) {
        let playlist = self.timeline.playlist();
        for segment in playlist.segments.iter().filter(|segment| !segment.gap) {
            let file = name_of_uri(self.settings.home, &segment.uri).map(|name| live.join(name));
            if let Some(Ok(stamp)) = file.map(|file| self.world.directory.stamp(&file)) {
                let target_s = f64::from(playlist.target_duration_s);
                self.rate.push(stamp.bytes, seconds(segment.duration_90k), target_s);
            }
        }
    }

    /// Bits a second of what was listed; `None` before the first segment of this run.
    pub(crate) fn measured(&self) -> Option<Rates> {
        self.newest.as_ref()?;
        let measured = self.rate.measured(false)?;
        Some(Rates {
            peak_bps: measured.peak_bps.ceil() as u64,
            average_bps: measured.average_bps.ceil() as u64,
        })
    }

    /// What the bytes of the newest segment say.
    pub(crate) fn newest_facts(&self) -> Option<&Facts> {
        self.newest.as_ref().map(|newest| &newest.facts)
    }

    /// Frames a second.
    pub(crate) fn frame_rate(&self) -> Option<f64> {
        pictures_per_second(self.newest_facts()?.video.as_ref()?.frame_interval_90k)
    }
}
