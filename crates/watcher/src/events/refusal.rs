//! Refusals: why a file cannot be listed, and what to do about it.

use livedir_media::{ProbeError, Unfit};
use livedir_playlist::PushError;
use std::io;

/// A minute at 35 Mbit/s: more is no segment but a recording.
pub(crate) const LARGEST_SEGMENT_BYTES: u64 = 256 << 20;

/// Why a file cannot be listed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("it was deleted before it could be listed; keep files until they have left the playlist")]
    Vanished,
    #[error("it came after the next one was listed; write segments in order")]
    Late,
    #[error("it is a directory or a device; write segments as plain files")]
    NoFile,
    #[error(
        "it is a symbolic link that leads out of the webroot, where servers do not follow it; make a hard link, or copy the file"
    )]
    Outside,
    #[error("it cannot be read: {0}; let the publisher's user read it")]
    Unreadable(io::Error),
    #[error(
        "it has {bytes} bytes, over the {LARGEST_SEGMENT_BYTES} of the longest segment; cut shorter segments"
    )]
    TooLarge { bytes: u64 },
    #[error("{0}")]
    NoSegment(#[from] ProbeError),
    #[error("{0}")]
    Unfit(#[from] Unfit),
    #[error("{0}")]
    NoTarget(#[from] TooLongForTarget),
    #[error("{0}")]
    NotListed(PushError),
}

/// Why the first file makes no target duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it lasts {duration_s} s, which exceeds the target duration; let the encoder cut shorter segments, or use --target-duration {duration_s}"
)]
pub(crate) struct TooLongForTarget {
    pub(crate) duration_s: u64,
}

impl Refusal {
    /// Whether more bytes could make it good: its writer may have stopped in the middle.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unfit(Unfit::Cut { .. }) | Self::NoSegment(ProbeError::Empty | ProbeError::NoTables)
        )
    }
}

impl From<PushError> for Refusal {
    fn from(error: PushError) -> Self {
        match error {
            PushError::OverTarget { duration_90k, target_duration_s, .. } => {
                Self::Unfit(Unfit::TooLong { duration_90k, target_duration_s })
            }
            error => Self::NotListed(error),
        }
    }
}
