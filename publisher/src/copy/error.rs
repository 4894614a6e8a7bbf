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
    #[error("its sound is {0}, and --copy takes AAC; add --audio-track {1}, which is AAC")]
    OtherTrack(String, usize),
    #[error("its sound is {0}, and --copy takes AAC; send AAC{1}")]
    Sound(String, &'static str),
    #[error("its sound is in another format than that of the films before it, or these had none")]
    OtherSound,
    #[error("it has sound alone, and pictures may yet come; add --no-video to copy the sound alone")]
    MayShow,
    #[error(
        "its keyframes are {at_least}{found_s} s apart, over the {asked_s} s of --segment-duration; set the keyframe interval of its encoder to {asked_s} s (IDR, closed GOP; in OBS: Settings, Output, Keyframe Interval){longer}"
    )]
    Keyframes { at_least: &'static str, found_s: String, asked_s: String, longer: String },
    #[error(
        "its groups of pictures are open: {open} of its {all} keyframes are no IDR frames, with which alone a segment can begin; let its encoder close them{as_well} (x264: open-gop=0; ffmpeg: -flags +cgop)"
    )]
    OpenGop { open: u64, all: u64, as_well: String },
    #[error(
        "{0} of its packets are scrambled, as those of pay television are, and keyframes are missing for it; descramble it before it comes here"
    )]
    Scrambled(u64),
    #[error("its container says that its picture is to be turned, which H.264 cannot say; leave --copy out")]
    Turned,
    #[error(
        "its edit list cuts within a group of pictures, so that it holds frames that are not to be seen; leave --copy out"
    )]
    HidesFrames,
    #[error(
        "its B-frames have no presentation times, as in AVI and raw H.264; turn B-frames off in its encoder, or leave --copy out"
    )]
    NoPresentationTimes,
    #[error(
        "none of its frames can be read, as in a scrambled broadcast; descramble it before it comes here"
    )]
    NothingReadable,
    #[error(
        "it has no parameter sets (SPS and PPS), without which no frame can be decoded; let its encoder send them, at best with each keyframe"
    )]
    NoParameterSets,
    #[error("it has no timestamps; put it into a container that has them, such as MP4 or MPEG-TS")]
    NoTimes,
    #[error(
        "none of its frames in {0} s is an IDR frame, where a segment could begin; let its encoder make one each few seconds (IDR, closed GOP)"
    )]
    NoKeyframe(String),
    #[error("what its container says of its pictures cannot be put into them ({0}); leave --copy out")]
    Sets(String),
}

impl Unfit {
    /// What is behind it where so many packets are scrambled: nobody can read the keyframes in them.
    #[must_use]
    pub(crate) fn where_scrambled(self, packets: u64) -> Self {
        match self {
            Self::Keyframes { .. } | Self::NoKeyframe(_) | Self::OpenGop { .. } | Self::NoTimes
                if packets > 0 =>
            {
                Self::Scrambled(packets)
            }
            reason => reason,
        }
    }

    /// Without a remedy that has been taken already: it is encoded.
    #[must_use]
    pub(crate) fn where_encoded(&self) -> String {
        self.to_string().replace(", or leave --copy out", "").replace("; leave --copy out", "")
    }
}

impl CopyError {
    /// For people who let it be encoded already.
    #[must_use]
    pub fn without_auto(&self) -> String {
        match self {
            Self::Input(error) => error.to_string(),
            Self::Unfit { name, reason } => format!("{name} cannot be copied: {}", reason.where_encoded()),
        }
    }
}

impl From<CopyError> for SourceError {
    fn from(error: CopyError) -> Self {
        SourceError::Open(error.to_string())
    }
}
