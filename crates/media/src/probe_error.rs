//! Why nothing can be said of a file.

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
    /// Its video is neither H.264 nor HEVC.
    #[error(
        "its video has stream type 0x{stream_type:02x}, and players of MPEG-TS take H.264 (0x1b), some of them HEVC \
         (0x24); encode to H.264"
    )]
    ForeignVideo {
        /// As the PMT says.
        stream_type: u8,
    },
    /// Nothing to show.
    #[error("it has no video frame and no audio frame with a timestamp; let the muxer write whole frames")]
    NoFrames,
}
