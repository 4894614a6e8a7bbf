//! What a stream holds.

/// Which of the two streams a packet belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// H.264 or HEVC.
    Video,
    /// AAC.
    Audio,
}
