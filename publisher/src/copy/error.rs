//! What speaks against copying, and what helps.

use crate::source::SourceError;
use crate::source::input::InputError;

/// Why nothing can be copied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    /// It cannot be read at all.
    #[error(transparent)]
    Input(#[from] InputError),
    /// It can be read, but not copied.
    #[error("{name} cannot be copied: {reason}; or let --copy=auto encode it")]
    Unfit {
        /// The address.
        name: String,
        /// What is the matter with it.
        reason: Unfit,
    },
}

/// What is the matter with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("its video is {0}, and --copy takes H.264; send H.264")]
    Pictures(String),
    #[error("its sound is {0}, and --copy takes AAC; send AAC")]
    Sound(String),
    #[error("it has sound alone, and pictures may yet come; add --no-video to copy the sound alone")]
    MayShow,
    #[error(
        "its keyframes are {at_least}{found_s} s apart, over the {asked_s} s of --segment-duration; set the keyframe interval of its encoder to {asked_s} s (IDR, closed GOP), or raise --segment-duration"
    )]
    Keyframes { at_least: &'static str, found_s: String, asked_s: String },
    #[error(
        "it has B-frames, which --low-latency cannot cut into parts; turn B-frames off in its encoder, or leave --low-latency out"
    )]
    Reordered,
}

impl From<CopyError> for SourceError {
    fn from(error: CopyError) -> Self {
        SourceError::Open(error.to_string())
    }
}
