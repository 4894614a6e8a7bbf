//! What all channels share.

/// What all channels share.
pub(crate) struct Desk {
    /// A piece of the segment that is being read.
    pub(crate) buffer: Vec<u8>,
}
