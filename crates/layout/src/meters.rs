//! Meters: what each stage counts. The status line, the log and `status.json` read them; nothing decides by them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::source_state::SourceState;

/// One count that a stage raises.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Raises it by `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Its value now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Puts a value in its place (for meters that are a latest reading, not a sum).
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

/// Everything that is counted, in the order of the data.
#[derive(Debug, Default)]
pub struct Meters {
    /// Frames that the source delivered.
    pub pictures_captured: Count,
    /// Times that the source was lost after it had been open.
    pub source_losses: Count,
    /// Captured frames that found no place on the output grid, or no room in the queue.
    pub pictures_dropped: Count,
    /// Grid times that showed the frame before once more.
    pub frames_duplicated: Count,
    /// Grid times that showed the slate.
    pub frames_slate: Count,
    /// Grid times left out because the machine stood still, or could not keep up at all.
    pub frames_skipped: Count,
    /// Frames that an encoder had no time for: it repeated the one before.
    pub pictures_shed: Count,
    /// Segments that an encoder had no time for, of all sizes.
    pub segments_left_out: Count,
    /// Grid times that were given to the encoders.
    pub frames_encoded: Count,
    /// Bytes of finished segments.
    pub bytes_written: Count,
    /// Segments listed in the playlist by this run.
    pub segments_published: Count,
    /// Discontinuities listed by this run.
    pub discontinuities: Count,
    /// Files in the live directory that could not be listed.
    pub segments_refused: Count,
    /// From the rename of the newest segment to the rename of the playlist that lists it, in microseconds.
    pub publish_lag_us: Count,
    /// Bits per second of the newest segment.
    pub bitrate_bps: Count,
    source: Mutex<SourceNews>,
}

/// What is known of the source.
#[derive(Debug, Default)]
struct SourceNews {
    /// For viewers.
    title: String,
    /// `None`: there is none, files come from another encoder.
    state: Option<SourceState>,
    /// It has delivered something before.
    was_here: bool,
    /// For people at this machine: it names files and addresses.
    description: String,
}

impl Meters {
    fn source_news(&self) -> MutexGuard<'_, SourceNews> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the stream the title that viewers see.
    pub fn set_title(&self, title: impl Into<String>) {
        self.source_news().title = title.into();
    }

    /// The title that viewers see.
    pub fn title(&self) -> String {
        self.source_news().title.clone()
    }

    /// Says how the source does, and for people at this machine what it is, or what is the matter with it.
    pub fn set_source(&self, state: SourceState, description: impl Into<String>) {
        let mut news = self.source_news();
        news.was_here |= state == SourceState::Here;
        news.state = Some(state);
        news.description = description.into();
    }

    /// What the source is, or what is the matter with it, for people at this machine.
    pub fn source(&self) -> String {
        self.source_news().description.clone()
    }

    /// How the source does; `None` where files of another encoder are listed.
    pub fn source_state(&self) -> Option<SourceState> {
        self.source_news().state
    }

    /// What is the matter where there is no picture, for viewers.
    pub fn absence(&self) -> String {
        let news = self.source_news();
        let what = match news.state {
            Some(SourceState::Awaited) if !news.was_here => "no encoder has connected yet",
            Some(SourceState::Lost | SourceState::Awaited) => "the source is unavailable",
            Some(SourceState::Here) | None => "no frames are arriving",
        };
        if news.title.is_empty() { what.to_owned() } else { format!("{}: {what}", news.title) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewers_learn_the_title_and_nothing_of_the_address() {
        let meters = Meters::default();
        meters.set_title("Harbour");
        meters.set_source(SourceState::Lost, "cannot reach rtsp://cam.local/1: connection refused");
        assert_eq!(meters.absence(), "Harbour: the source is unavailable");
        assert_eq!(meters.source(), "cannot reach rtsp://cam.local/1: connection refused");
    }
}
