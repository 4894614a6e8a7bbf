//! Names: what a file holds, for people.

use ffmpeg_next::format::context;
use ffmpeg_next::format::stream::{Disposition, Stream};
use ffmpeg_next::media;

use crate::source::input::tracks::{shortened, two_letters};

/// The name of the codec, not of a decoder: `mp3`.
pub(crate) fn codec_name(stream: &Stream) -> String {
    stream.parameters().id().name().to_owned()
}

/// The language that the container names.
pub(crate) fn language(stream: &Stream) -> Option<String> {
    let named = stream.metadata().get("language").map(str::to_owned);
    named.filter(|language| !language.trim().is_empty() && !language.eq_ignore_ascii_case("und"))
}

/// Whether a stream of pictures is a cover and no film.
pub(crate) fn is_cover(stream: &Stream) -> bool {
    stream.disposition().contains(Disposition::ATTACHED_PIC)
}

/// What a file holds.
pub(crate) fn found(input: &context::Input) -> String {
    let names = shortened(input.streams().map(|stream| name(&stream, &codec_name(&stream))));
    if names.is_empty() { "nothing".to_owned() } else { names }
}

/// What a stream of the file could carry and does not: pictures other than the chosen ones, subtitles, data. Covers are no loss.
pub(crate) fn left_out<'a>(streams: impl Iterator<Item = Stream<'a>>) -> String {
    let is_lost = |stream: &Stream| match stream.parameters().medium() {
        media::Type::Audio => false,
        media::Type::Video => !is_cover(stream),
        _ => true,
    };
    shortened(streams.filter(is_lost).map(|stream| {
        let language = language(&stream).map(|it| format!("{}, ", two_letters(&it))).unwrap_or_default();
        name(&stream, &format!("{language}{}", codec_name(&stream)))
    }))
}

fn name(stream: &Stream, in_brackets: &str) -> String {
    match stream.parameters().medium() {
        media::Type::Video if is_cover(stream) => format!("a cover picture ({in_brackets})"),
        media::Type::Video => format!("video ({in_brackets})"),
        media::Type::Audio => format!("sound ({in_brackets})"),
        media::Type::Subtitle => format!("subtitles ({in_brackets})"),
        media::Type::Attachment => "an attachment".to_owned(),
        _ => "data".to_owned(),
    }
}
