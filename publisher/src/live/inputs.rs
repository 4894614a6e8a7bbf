//! Inputs: what a run takes in: the source, the microphone, the picture beside sound.
//!
//! In: the settings. Out: the opener, the microphone, the size and the pictures behind the filters.

use std::time::Duration;

use crate::captured::{Shows, SourceFormat};
use crate::cli::settings::{LiveSettings, SoundChoice};
use crate::picture::filter::{Filter, FilterError};
use crate::picture::shared::SharedPicture;
use crate::picture::trial::try_out;
use crate::queue::capture::CaptureSender;
use crate::source::input::Doors;
use crate::source::microphone::{Microphone, MicrophoneError, MicrophoneSelector};
use crate::source::open::{SourceChoice, SourceWish};
use crate::source::slate::SlateFile;
use crate::source::still::Still;
use crate::source::{Opener, SourceError};
use livedir_time::stop::Stop;

/// How the source is opened; of a list the film `first_film` is played first.
pub(crate) fn opener<'a>(
    settings: &'a LiveSettings,
    first_film: usize,
    doors: &Doors,
    stop: &'a Stop,
) -> Opener<'a> {
    let wish = SourceWish {
        size: settings.wished_size(),
        is_exact: settings.size.is_some(),
        fps: settings.fps,
        first_film,
        loop_forever: settings.loop_forever,
        untimed_fps: settings.input_fps,
        sound_alone: settings.sound_alone,
        deinterlace: settings.deinterlace,
        tracks: settings.tracks.clone(),
        doors: doors.clone(),
    };
    settings.source.opener(wish, stop)
}

/// The picture beside sound, and the slate, where the user gave them.
pub(crate) fn given(
    settings: &LiveSettings,
    stop: &Stop,
) -> Result<(Option<Still>, Option<SlateFile>), SourceError> {
    let still = settings.picture.as_ref().map(|path| Still::read(path, stop)).transpose()?;
    let slate = settings.slate.as_ref().map(|path| SlateFile::read(path, stop)).transpose()?;
    Ok((still, slate))
}

/// The microphone, if one is wanted and found: it replaces the sound of the source. Or why there is none, which nobody wants to read
/// before the source is open.
pub(crate) fn microphone(
    settings: &LiveSettings,
    captured: &mut CaptureSender,
) -> Result<(Option<Microphone>, Option<MicrophoneError>), MicrophoneError> {
    let selector = match &settings.sound {
        SoundChoice::Microphone(selector) => selector,
        SoundChoice::Fitting if settings.source.needs_microphone() => &MicrophoneSelector::First,
        SoundChoice::Fitting | SoundChoice::Silent => return Ok((None, None)),
    };
    let may_be_late =
        settings.sound == SoundChoice::Fitting && settings.source != SourceChoice::MicrophoneAlone;
    match Microphone::start(selector, captured.for_sound(), may_be_late) {
        Ok(microphone) => {
            captured.leave_out_sound();
            Ok((Some(microphone), None))
        }
        Err(error) if may_be_late => Ok((None, Some(error))),
        Err(error) => Err(error),
    }
}

/// The size that the filters make of the source's.
pub(crate) fn filtered_size(
    settings: &LiveSettings,
    source: &SourceFormat,
) -> Result<(u32, u32), FilterError> {
    let stored = (source.width, source.height);
    match source.copied {
        None if source.shows != Shows::Nothing => try_out(&settings.filter, stored, settings.fps),
        _ => Ok(stored),
    }
}

/// The picture that the user gave, behind the filters.
pub(crate) fn filtered(
    settings: &LiveSettings,
    still: Option<Still>,
) -> Result<Option<SharedPicture>, FilterError> {
    still.map(|still| Filter::new(&settings.filter).apply(still.picture, Duration::ZERO)).transpose()
}
