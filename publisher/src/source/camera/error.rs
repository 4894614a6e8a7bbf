//! Camera errors: what is wrong with a camera, in one line with the remedy.
//!
//! In: the words of the system or of a driver. Out: [`CameraError`], which becomes a [`SourceError`].

use crate::source::SourceError;
use std::time::Duration;

/// Without a frame for this long the camera counts as lost: longer than any exposure, shorter than a viewer's patience.
pub const SILENCE_LIMIT: Duration = Duration::from_secs(3);

/// Why a camera cannot be opened, or has stopped. `camera` reads `camera 0 (USB Camera)`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CameraError {
    /// There is none.
    #[error(
        "no camera is attached; plug one in, or stream the test pattern with `livedir-publisher live test`"
    )]
    None,
    /// There are others.
    #[error("there is no {wanted}; attached: {attached}; `livedir-publisher devices` lists their formats")]
    NoSuch {
        /// What was asked for.
        wanted: String,
        /// What there is.
        attached: String,
    },
    /// The system does not tell what there is.
    #[error("the cameras cannot be listed: {0}")]
    Listing(String),
    /// It has no such mode.
    #[error("{camera} does not offer {wish}; it offers: {offered}")]
    NotOffered {
        /// Which camera.
        camera: String,
        /// What was asked for.
        wish: String,
        /// What there is.
        offered: String,
    },
    /// Another program streams from it.
    #[error("{camera} is in use by another program; close it and try again")]
    Busy {
        /// Which camera.
        camera: String,
    },
    /// The user may not open it.
    #[error(
        "no permission to open {camera}; add yourself to the group `video` (sudo usermod -aG video $USER) and log in again"
    )]
    Denied {
        /// Which camera.
        camera: String,
    },
    /// Too many cameras, or too large a mode, on one USB controller.
    #[error(
        "there is no USB bandwidth left for {camera}; use another USB port, or a lower resolution: `livedir-publisher live` with --size 320x240"
    )]
    NoBandwidth {
        /// Which camera.
        camera: String,
    },
    /// It is gone.
    #[error("{camera} was disconnected; plug it in again")]
    Unplugged {
        /// Which camera.
        camera: String,
    },
    /// It is there, and sends nothing.
    #[error("{camera} has sent no frame for {} s; check its cable and its privacy switch", SILENCE_LIMIT.as_secs())]
    Silent {
        /// Which camera.
        camera: String,
    },
    /// A call to it does not come back.
    #[error("{camera} does not respond; unplug it and plug it in again")]
    Stuck {
        /// Which camera.
        camera: String,
    },
    /// Anything else.
    #[error("{camera} cannot be used: {reason}")]
    Failed {
        /// Which camera.
        camera: String,
        /// In the system's words.
        reason: String,
    },
}

impl CameraError {
    /// Reads the error number in the words of the system or of nokhwa, which keeps no better trace of it.
    #[must_use]
    pub fn from_system(camera: &str, reason: &str) -> Self {
        const ENOENT: i32 = 2;
        const ENXIO: i32 = 6;
        const EACCES: i32 = 13;
        const EBUSY: i32 = 16;
        const ENODEV: i32 = 19;
        const ENOSPC: i32 = 28;
        let camera = camera.to_owned();
        match os_error(reason) {
            Some(EBUSY) => Self::Busy { camera },
            Some(EACCES) => Self::Denied { camera },
            Some(ENOSPC) => Self::NoBandwidth { camera },
            Some(ENOENT | ENXIO | ENODEV) => Self::Unplugged { camera },
            _ => Self::Failed { camera, reason: reason.to_owned() },
        }
    }
}

fn os_error(text: &str) -> Option<i32> {
    let (_, after) = text.rsplit_once("(os error ")?;
    after.split_once(')')?.0.parse().ok()
}

impl From<CameraError> for SourceError {
    fn from(error: CameraError) -> Self {
        match error {
            CameraError::Unplugged { .. } | CameraError::Silent { .. } => Self::Lost(error.to_string()),
            _ => Self::Open(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reason: &str, expected: &str) {
        let error = CameraError::from_system("camera 0 (USB Camera)", reason);
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn the_system_s_numbers_become_words_with_a_remedy() {
        check(
            "Could not open device stream: Device or resource busy (os error 16)",
            "camera 0 (USB Camera) is in use by another program; close it and try again",
        );
        check(
            "Could not capture frame: No such device (os error 19)",
            "camera 0 (USB Camera) was disconnected; plug it in again",
        );
        check(
            "Could not capture frame: No space left on device (os error 28)",
            "there is no USB bandwidth left for camera 0 (USB Camera); use another USB port, or a lower resolution: `livedir-publisher live` with --size 320x240",
        );
    }

    #[test]
    fn other_words_are_passed_on() {
        check("it melted", "camera 0 (USB Camera) cannot be used: it melted");
        check("it melted (os error x", "camera 0 (USB Camera) cannot be used: it melted (os error x");
    }
}
