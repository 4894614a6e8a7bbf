//! Sound: the sound tracks of an input, and the one of them that is heard.
//!
//! In: the streams as libav knows them, and what is wanted. Out: one of them. The choice is told once.

use super::names::{codec_name, language};
use crate::source::input::error::InputError;
use crate::source::input::stream_fields;
use crate::source::input::tracks::{self, Choice, SoundTrack, TrackSettings, WantedSound};
use ffmpeg_next::format::context;
use ffmpeg_next::format::stream::{Disposition, Stream};
use ffmpeg_next::{codec, decoder, media};

/// Tracks that are not for everybody.
const SPECIAL: Disposition = Disposition::COMMENT
    .union(Disposition::HEARING_IMPAIRED)
    .union(Disposition::VISUAL_IMPAIRED)
    .union(Disposition::CLEAN_EFFECTS)
    .union(Disposition::DESCRIPTIONS);

/// The sound tracks that go with a picture, or with the best sound where there is none: in a broadcast those of the same program.
fn beside(input: &context::Input, picture: Option<usize>) -> Vec<Stream<'_>> {
    let sounds = || input.streams().filter(|stream| stream.parameters().medium() == media::Type::Audio);
    let best = || input.streams().best(media::Type::Audio).map(|best| best.index());
    let program =
        picture.or_else(best).map_or_else(Vec::new, |index| stream_fields::program_of(input, index));
    let related: Vec<_> = sounds().filter(|stream| program.contains(&stream.index())).collect();
    if related.is_empty() { sounds().collect() } else { related }
}

fn track(input: &context::Input, stream: &Stream) -> SoundTrack {
    let disposition = stream.disposition();
    SoundTrack {
        language: language(stream),
        codec: codec_name(stream),
        is_default: disposition.contains(Disposition::DEFAULT),
        is_special: disposition.intersects(SPECIAL),
        is_decodable: decoder::find(stream.parameters().id()).is_some(),
        // libav takes none whose rate and channels it does not know.
        has_come: input.streams().wanted(stream).best(media::Type::Audio).is_some(),
    }
}

/// The sound that is heard beside the picture of that index; nothing if there is none. `is_whole`: no other sound can come, so what
/// is wanted has to be there.
pub(crate) fn choose<'a>(
    input: &'a context::Input,
    picture: Option<usize>,
    settings: &TrackSettings,
    (name, is_whole): (&str, bool),
) -> Result<Option<Stream<'a>>, InputError> {
    let mut streams = beside(input, picture);
    let tracks: Vec<_> = streams.iter().map(|stream| track(input, stream)).collect();
    let choice = tracks::choose(&tracks, &settings.sound);
    let asks = matches!(settings.sound, WantedSound::Number(_) | WantedSound::Language(_));
    if is_whole && asks && !choice.as_ref().is_some_and(|choice| choice.is_as_wanted) {
        return Err(InputError::NoSoundTrack {
            name: name.to_owned(),
            wanted: settings.sound.missing().unwrap_or_default(),
            has: tracks::all_in_words(&tracks),
        });
    }
    let Some(choice) = choice else { return Ok(None) };
    tell(name, &tracks, &choice, settings);
    Ok(Some(streams.swap_remove(choice.index)))
}

/// Where this sound is not AAC, the number of a track beside it that is: one that is for everybody, if there is one.
pub(crate) fn to_copy(input: &context::Input, picture: Option<usize>, heard: &Stream) -> Option<usize> {
    let is_aac = |stream: &Stream| stream.parameters().id() == codec::Id::AAC;
    if is_aac(heard) {
        return None;
    }
    let is_special = |stream: &Stream| stream.disposition().intersects(SPECIAL);
    let streams = beside(input, picture);
    let fitting = streams.iter().enumerate().filter(|(_, stream)| is_aac(stream));
    fitting.min_by_key(|(_, stream)| is_special(stream)).map(|(index, _)| index + 1)
}

/// On a terminal, too, unless it is what was asked for.
fn tell(name: &str, tracks: &[SoundTrack], choice: &Choice, settings: &TrackSettings) {
    if let Some(line) = tracks::in_words(tracks, choice, &settings.sound) {
        let is_news = !choice.is_as_wanted || settings.sound == WantedSound::Default;
        settings.told.tell(format!("{name}: {line}"), is_news);
    }
}
