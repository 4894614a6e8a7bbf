//! Fit: whether the streams of a round can be copied, and go with those of the first round. Pure but for what it logs.
//!
//! In: a [`Round`], as the demuxer found it. Out: the same with what can be copied of it, or why it cannot be.

use super::Unfit;
use super::lane::LaneSetup;
use crate::captured::{Shows, SourceFormat};
use crate::picture::colour_space::ColourSpace;
use crate::source::input::decode::StreamSetup;
use crate::source::input::demux::Round;
use crate::source::input::stream_fields;
use ffmpeg_next::codec;
use tracing::warn;

/// Whether the streams of a round are such as can be copied.
pub(crate) fn codecs_fit(round: &Round) -> Result<(), Unfit> {
    let name = |setup: &StreamSetup| setup.parameters.id().name().to_owned();
    if let Some(picture) = round.picture.as_ref().filter(|it| it.parameters.id() != codec::Id::H264) {
        return Err(Unfit::Pictures(name(picture)));
    }
    let Some(sound) = round.sound.as_ref().filter(|it| it.parameters.id() != codec::Id::AAC) else {
        return Ok(());
    };
    let or_none = if round.picture.is_some() { ", or add --no-sound" } else { "" };
    Err(match round.sound_to_copy {
        Some(number) => Unfit::OtherTrack(name(sound), number),
        None => Unfit::Sound(name(sound), or_none),
    })
}

/// What becomes of a round that is copied, as far as it is known before it was looked at.
pub(crate) fn format_of(round: &Round) -> SourceFormat {
    let size = round.picture.as_ref().map(|picture| stream_fields::stored_size(&picture.parameters));
    let (width, height) = size.unwrap_or_default();
    SourceFormat {
        description: round.description.clone(),
        shows: if round.picture.is_some() { Shows::Pictures } else { Shows::Nothing },
        width,
        height,
        // Whatever it is, it stays.
        colours: ColourSpace::HIGH_DEFINITION,
        has_sound: round.sound.is_some(),
        copied: None,
    }
}

/// What the muxer was set up for: the streams of the first round.
#[derive(Debug)]
pub(crate) struct First {
    has_picture: bool,
    sound_head: Option<Vec<u8>>,
}

impl First {
    /// Of this round.
    pub(crate) fn of(round: &Round) -> Self {
        let head = |sound: &StreamSetup| stream_fields::head(&sound.parameters).to_vec();
        Self { has_picture: round.picture.is_some(), sound_head: round.sound.as_ref().map(head) }
    }

    /// Leaves out of a later round what does not go with the first; or says why it cannot be copied, where no sound `may_be_left_out`.
    pub(crate) fn admit(&self, round: &mut Round, may_be_left_out: bool) -> Result<(), Unfit> {
        codecs_fit(round)?;
        if !self.has_picture {
            round.picture = None;
        } else if round.picture.is_none() {
            warn!(
                source = round.description,
                "left out: it has no picture, and segments are cut at pictures; leave --copy out to stream it"
            );
            round.sound = None;
        }
        if let Some(sound) = round.sound.take_if(|sound| !self.can_carry_on(sound)) {
            if !may_be_left_out {
                return Err(Unfit::OtherSound);
            }
            let bytes = stream_fields::head(&sound.parameters).len();
            warn!(source = round.description, bytes, "no sound: the first file had none, or another format");
        }
        Ok(())
    }

    fn can_carry_on(&self, sound: &StreamSetup) -> bool {
        let head = stream_fields::head(&sound.parameters);
        self.sound_head.as_ref().is_some_and(|first| first == head || LaneSetup::has_own_headers(head))
    }
}
