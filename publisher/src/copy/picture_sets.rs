//! Picture sets: what the sequence parameter sets of an H.264 keyframe say that another client, or the same one later, may say otherwise.
//! Pure.

use livedir_media::{Nal, VideoCodec};

/// What sequence parameter sets say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sets {
    pub(crate) profile: u8,
    pub(crate) level: u8,
    /// The shape of a pixel.
    pub(crate) sample_aspect: (u32, u32),
    /// Of a picture; `None` where it cannot be read.
    pub(crate) size: Option<(u32, u32)>,
}

/// What the first sequence parameter set of a frame behind start codes says.
pub(crate) fn sets_of(picture: &[u8]) -> Option<Sets> {
    let is_set = |four: &[u8]| four[..3] == [0, 0, 1] && VideoCodec::H264.nal(four[3]) == Nal::Sps;
    let at = picture.windows(4).position(is_set)?;
    let [profile, _, level] = *picture.get(at + 4..at + 7)? else { return None };
    let declared = VideoCodec::H264.declared(picture).unwrap_or_default();
    let sample_aspect = declared.sample_aspect.filter(|&(width, height)| width > 0 && height > 0);
    let sample_aspect = sample_aspect.unwrap_or((1, 1));
    Some(Sets { profile, level, sample_aspect, size: declared.size })
}
