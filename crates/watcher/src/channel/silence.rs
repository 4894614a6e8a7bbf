//! Silence: what is done when no segment comes for long.
//!
//! In: the time, and when the last segment came. Out: a word in the log and in `status.json`, or the end of the playlist.

use crate::channel::Channel;
use crate::order::Order;
use std::time::Instant;
use tracing::{info, warn};

/// An encoder is silent when nothing has come for so many target durations: players have nothing left to show then.
const SILENT_TARGETS: u32 = 3;

impl Channel {
    /// When the encoder will have been silent for too long; `None` when that was told.
    pub(super) fn silent_at(&self) -> Option<Instant> {
        let is_told = self.publication.silent_since.is_some() || self.publication.playlist().ended;
        let is_foreign = matches!(self.order, Order::Arrival(_));
        (is_foreign && !is_told)
            .then(|| self.last_segment_at.checked_add(self.target() * SILENT_TARGETS))
            .flatten()
    }

    pub(super) fn ends_at(&self) -> Option<Instant> {
        let playlist = self.publication.playlist();
        let can_end = !playlist.ended && playlist.next_media_sequence() > 1;
        self.settings
            .end_after
            .filter(|_| can_end)
            .and_then(|end_after| self.last_segment_at.checked_add(end_after))
    }

    fn tell_of_silence(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.last_segment_at);
        let since_then = jiff::SignedDuration::try_from(since).unwrap_or_default();
        let now = self.world.date();
        let since = now.checked_sub(since_then).unwrap_or(now);
        self.publication.silent_since = Some(since);
        warn!(
            channel = self.settings.channel(),
            %since,
            "no segment has come; look after the encoder, the playlist waits for it"
        );
        self.publication.write_status();
    }

    /// Does what is due.
    pub(super) fn note_silence(&mut self, now: Instant) {
        if self.silent_at().is_some_and(|at| at <= now) {
            self.tell_of_silence(now);
        }
        if self.ends_at().is_some_and(|at| at <= now) {
            info!(
                channel = self.settings.channel(),
                "the encoder is silent for so long that the stream has ended"
            );
            self.publication.end_for_now();
        }
    }
}
