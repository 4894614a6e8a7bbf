//! Streams: which of a file's streams are played, and what is to be known about them.

use super::Round;
use super::stream_fields;
use crate::packet::TICKS;
use crate::source::input::address::InputAddress;
use crate::source::input::decode::upright::Orientation;
use crate::source::input::decode::{MICROSECONDS, StreamSetup};
use crate::source::input::error::InputError;
use crate::source::input::pace::timeline::Lane;
use ffmpeg_next::codec::packet::side_data;
use ffmpeg_next::format::context;
use ffmpeg_next::format::stream::{Disposition, Stream};
use ffmpeg_next::{Rational, decoder, media};
use tracing::warn;

/// Text art, which libav takes for video: every text file would "play".
const NOT_MEDIA: [&str; 5] = ["tty", "bin", "xbin", "adf", "idf"];

/// The streams that are played, by number, with their time bases.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chosen {
    picture: (usize, Rational),
    sound: Option<(usize, Rational)>,
}

impl Chosen {
    /// The lane in which packets of a stream belong.
    pub(crate) fn lane_of(&self, stream: usize) -> Option<(Lane, Rational)> {
        let of = |(index, time_base): (usize, Rational), lane| (index == stream).then_some((lane, time_base));
        of(self.picture, Lane::Picture).or_else(|| self.sound.and_then(|sound| of(sound, Lane::Sound)))
    }
}

/// Chooses the best video stream and, if there is any, the best sound that goes with it; the others are not read.
pub(crate) fn choose(
    input: &mut context::Input,
    address: &InputAddress,
    is_pushed: bool,
) -> Result<(Chosen, Round), InputError> {
    let name = address.to_string();
    if NOT_MEDIA.contains(&input.format().name()) {
        return Err(InputError::NotMedia { name, reason: "it is text".to_owned() });
    }
    let Some(picture) = best_picture(input) else {
        return Err(InputError::NoVideo { name, found: found(input) });
    };
    let codec = codec_name(&picture);
    if decoder::find(picture.parameters().id()).is_none() {
        return Err(InputError::NoDecoder { name, codec });
    }
    let mut sound = input.streams().related(&picture).best(media::Type::Audio);
    if let Some(silent) = sound.take_if(|sound| decoder::find(sound.parameters().id()).is_none()) {
        warn!(source = name, codec = codec_name(&silent), "no decoder for the sound; going on without it");
    }
    let indexed = |stream: &Stream| (stream.index(), time_base(stream));
    let chosen = Chosen { picture: indexed(&picture), sound: sound.as_ref().map(indexed) };
    let rate = frame_rate(&picture).map(|rate| f64::from(rate.numerator()) / f64::from(rate.denominator()));
    let rate = rate.map_or(String::new(), |rate| format!(" at {} fps", (rate * 100.0).round() / 100.0));
    let with_sound = sound.as_ref().map_or(String::new(), |sound| format!(", {} sound", codec_name(sound)));
    let round = Round {
        picture: setup(&picture),
        sound: sound.as_ref().map(setup),
        live: is_pushed || (!matches!(address, InputAddress::File(_)) && input.duration() <= 0),
        in_bursts: input.format().name().split(',').any(|name| name == "hls"),
        bps: input.bit_rate().max(0) as u64,
        length_s: (input.duration().max(0) / i64::from(MICROSECONDS.denominator())) as u64,
        of_several: false,
        description: format!("{name}, {codec}{rate}{with_sound}"),
    };
    let kept = [Some(chosen.picture), chosen.sound].into_iter().flatten();
    stream_fields::discard_all_but(input, &kept.map(|(index, _)| index).collect::<Vec<_>>());
    Ok((chosen, round))
}

/// The video stream that libav deems best, unless that is a cover.
fn best_picture(input: &context::Input) -> Option<Stream<'_>> {
    let is_film = |stream: &Stream| {
        stream.parameters().medium() == media::Type::Video
            && !stream.disposition().contains(Disposition::ATTACHED_PIC)
    };
    let best = input.streams().best(media::Type::Video).filter(&is_film);
    best.or_else(|| input.streams().find(is_film))
}

/// Whether a file is one picture and nothing else: as a film it would be over at once.
pub(crate) fn is_still_picture(input: &context::Input) -> bool {
    let mut streams = input.streams();
    let (Some(only), None) = (streams.next(), streams.next()) else { return false };
    // Where the container counts no frames, the name of its reader says that it is a picture: `image2`, `png_pipe`.
    let is_one = match only.frames() {
        0 => input.format().name() == "image2" || input.format().name().ends_with("_pipe"),
        frames => frames == 1,
    };
    only.parameters().medium() == media::Type::Video && is_one
}

/// What a file holds, for people.
fn found(input: &context::Input) -> String {
    let names = input.streams().map(|stream| match stream.parameters().medium() {
        media::Type::Video => format!("a cover picture ({})", codec_name(&stream)),
        media::Type::Audio => format!("sound ({})", codec_name(&stream)),
        media::Type::Subtitle => format!("subtitles ({})", codec_name(&stream)),
        _ => "data".to_owned(),
    });
    let names: Vec<String> = names.collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

fn codec_name(stream: &Stream) -> String {
    let id = stream.parameters().id();
    decoder::find(id).map_or_else(|| format!("{id:?}").to_lowercase(), |codec| codec.name().to_owned())
}

fn setup(stream: &Stream) -> StreamSetup {
    let matrix = stream.side_data().find(|data| data.kind() == side_data::Type::DisplayMatrix);
    StreamSetup {
        parameters: stream.parameters().clone(),
        time_base: time_base(stream),
        frame_rate: frame_rate(stream),
        sample_aspect: stream_fields::sample_aspect(stream),
        orientation: matrix
            .map_or_else(Orientation::default, |matrix| Orientation::from_display_matrix(matrix.data())),
    }
}

fn time_base(stream: &Stream) -> Rational {
    let time_base = stream.time_base();
    let sound = time_base.numerator() > 0 && time_base.denominator() > 0;
    if sound { time_base } else { TICKS }
}

fn frame_rate(stream: &Stream) -> Option<Rational> {
    let sound = |rate: &Rational| rate.numerator() > 0 && rate.denominator() > 0;
    Some(stream.avg_frame_rate()).filter(sound).or_else(|| Some(stream.rate()).filter(sound))
}
