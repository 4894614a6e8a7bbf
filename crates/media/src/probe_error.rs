//! Why nothing can be said of a file.

use crate::foreign::Foreign;

/// Why nothing can be said of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// It has no bytes.
    #[error("it is empty; write it under a dot name and rename it when it is complete")]
    Empty,
    /// It is something else, or damaged.
    #[error("it is not MPEG-TS: byte {position} is 0x{found:02x}, not 0x47; write segments as MPEG-TS")]
    NoSync {
        /// Where a packet should begin.
        position: usize,
        /// What is there.
        found: u8,
    },
    /// Its streams are not named.
    #[error("it has no PAT and PMT; let the muxer write them at the start of every segment")]
    NoTables,
    /// It is known what it is, and no player of HLS plays it.
    #[error("{0}")]
    Foreign(#[from] Foreign),
    /// Nothing to show.
    #[error("it has no video frame and no audio frame with a timestamp; let the muxer write whole frames")]
    NoFrames,
}
