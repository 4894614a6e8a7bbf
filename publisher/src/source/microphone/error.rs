//! Microphone errors: what is wrong with a microphone, in one line with the remedy.

/// Why a microphone cannot be opened. `microphone` reads `USB Webcam`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MicrophoneError {
    /// There is none.
    #[error("no microphone is attached; plug one in, or leave the sound out with --no-sound")]
    None,
    /// There are others.
    #[error("there is no {wanted}; attached: {attached}; `livedir-publisher devices` lists them")]
    NoSuch {
        /// What was asked for.
        wanted: String,
        /// What there is.
        attached: String,
    },
    /// A call to it does not come back.
    #[error("the {microphone} does not react; unplug it and plug it in again, or restart the sound server")]
    Stuck {
        /// Which one.
        microphone: String,
    },
    /// Anything else.
    #[error(
        "{microphone} cannot be used: {reason}; choose another with --mic, or leave the sound out with --no-sound"
    )]
    Failed {
        /// Which one.
        microphone: String,
        /// In the system's words.
        reason: String,
    },
}
