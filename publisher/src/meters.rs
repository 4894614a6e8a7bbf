//! Meters: what each stage counts. The status line, the log and `status.json` read them; nothing decides by them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

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
    /// Pictures that the source delivered.
    pub pictures_captured: Count,
    /// Times that the source was lost after it had been open.
    pub source_losses: Count,
    /// Captured pictures that found no place on the output grid, or no room in the queue.
    pub pictures_dropped: Count,
    /// Grid times that showed the picture before once more.
    pub frames_duplicated: Count,
    /// Grid times that showed the slate.
    pub frames_slate: Count,
    /// Grid times left out because the machine stood still, or could not keep up at all.
    pub frames_skipped: Count,
    /// Pictures that an encoder had no time for: it repeated the one before.
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
    /// What the source is and how it does, for people.
    pub source: Mutex<String>,
}

impl Meters {
    /// Says what the source is, or what is the matter with it.
    pub fn set_source(&self, text: impl Into<String>) {
        *self.source.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = text.into();
    }

    /// What the source is, or what is the matter with it.
    pub fn source(&self) -> String {
        self.source.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}
