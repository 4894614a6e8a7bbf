//! Microphone errors: what is wrong with a microphone, in one line with the remedy.

/// How a user gets leave to listen.
const LEAVE: &str = if cfg!(target_os = "macos") {
    "allow your terminal to use it in System Settings, Privacy & Security, Microphone, and start the terminal again"
} else if cfg!(target_os = "linux") {
    "add yourself to the group `audio` (sudo usermod -aG audio $USER) and log in again"
} else {
    "allow it in the privacy settings of the system"
};

/// Why a microphone cannot be opened. `microphone` reads `USB Webcam`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MicrophoneError {
    /// There is none.
    #[error(
        "no microphone is attached; plug one in, or leave the sound out: `livedir-publisher live` with --no-sound"
    )]
    None,
    /// There are others.
    #[error("there is no {wanted}; attached: {attached}; `livedir-publisher devices` lists them")]
    NoSuch {
        /// What was asked for.
        wanted: String,
        /// What there is.
        attached: String,
    },
    /// It is something else.
    #[error(
        "{0} is a file, and no microphone is called so; name it as the source instead: `livedir-publisher live {0}`"
    )]
    File(String),
    /// Another program has it for itself.
    #[error(
        "{microphone} is in use by another program; close it, or take another: `livedir-publisher live` with --mic NAME"
    )]
    Busy {
        /// Which one.
        microphone: String,
    },
    /// The user may not listen to it.
    #[error("no permission to open {microphone}; {LEAVE}")]
    Denied {
        /// Which one.
        microphone: String,
    },
    /// A call to it does not come back.
    #[error("the {microphone} does not respond; unplug it and plug it in again, or restart the sound server")]
    Stuck {
        /// Which one.
        microphone: String,
    },
    /// Anything else.
    #[error(
        "{microphone} cannot be used: {reason}; take another: `livedir-publisher live` with --mic NAME, or none: \
         `livedir-publisher live` with --no-sound"
    )]
    Failed {
        /// Which one.
        microphone: String,
        /// In the system's words.
        reason: String,
    },
}
