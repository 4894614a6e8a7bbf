//! Streams: which of a file's streams are played, and what is to be known about them.

use super::Round;
use super::names::{codec_name, found, is_cover, left_out};
use super::sound;
use super::untimed::Rate;
use crate::packet::{TICKS, video_codec};
use crate::picture::deinterlacer::Fields;
use crate::source::input::address::InputAddress;
use crate::source::input::decode::upright::Orientation;
use crate::source::input::decode::{MICROSECONDS, StreamSetup};
use crate::source::input::error::InputError;
use crate::source::input::pace::timeline::Lane;
use crate::source::input::stream_fields;
use crate::source::input::tracks::TrackSettings;
use ffmpeg_next::codec::packet::side_data;
use ffmpeg_next::codec::{self, Parameters};
use ffmpeg_next::format::context;
use ffmpeg_next::format::stream::Stream;
use ffmpeg_next::{Packet, Rational, decoder, media};

/// Text art, which libav takes for video: every text file would "play".
const NOT_MEDIA: [&str; 5] = ["tty", "bin", "xbin", "adf", "idf"];

/// Frames of video without a container, as libav calls them. Not all of its formats say themselves that they hold no timestamps.
const RAW_VIDEO: [&str; 16] = [
    "av1",
    "avs2",
    "avs3",
    "cavsvideo",
    "dirac",
    "dnxhd",
    "evc",
    "h261",
    "h263",
    "h264",
    "hevc",
    "m4v",
    "mjpeg",
    "mpegvideo",
    "obu",
    "vvc",
];

/// The streams that are played.
#[derive(Debug)]
pub(crate) struct Chosen {
    name: String,
    tracks: TrackSettings,
    picture: Option<ChosenStream>,
    sound: Option<ChosenStream>,
}

#[derive(Debug)]
struct ChosenStream {
    index: usize,
    time_base: Rational,
    /// What its decoder was set up with.
    head: Vec<u8>,
}

impl ChosenStream {
    fn of(stream: &Stream, time_base: Rational) -> Self {
        let head = stream_fields::head(&stream.parameters()).to_vec();
        ChosenStream { index: stream.index(), time_base, head }
    }
}

impl Chosen {
    /// The lane in which packets of a stream belong.
    pub(crate) fn lane_of(&self, stream: usize) -> Option<(Lane, Rational)> {
        let of = |it: &ChosenStream, lane| (it.index == stream).then_some((lane, it.time_base));
        let in_picture = self.picture.as_ref().and_then(|picture| of(picture, Lane::Picture));
        in_picture.or_else(|| self.sound.as_ref().and_then(|sound| of(sound, Lane::Sound)))
    }

    /// The stream whose packets belong in a lane.
    pub(crate) fn stream_of(&self, lane: Lane) -> Option<usize> {
        let chosen = if lane == Lane::Picture { &self.picture } else { &self.sound };
        chosen.as_ref().map(|chosen| chosen.index)
    }

    /// What a lane is to be set up with from this packet on, if that is not what it was set up with: encoders that push may send the
    /// head of their sound, or the sound itself, long after the picture.
    pub(crate) fn changed(&mut self, input: &context::Input, packet: &Packet) -> Option<(Lane, StreamSetup)> {
        let index = packet.stream();
        let Some((lane, time_base)) = self.lane_of(index) else { return self.joined(input, index) };
        let chosen = if lane == Lane::Picture { self.picture.as_mut()? } else { self.sound.as_mut()? };
        let of_packet = packet.side_data().find(|data| data.kind() == side_data::Type::NewExtraData);
        // A head that was known changes with a packet alone.
        if of_packet.is_none() && !chosen.head.is_empty() {
            return None;
        }
        let stream = input.stream(index)?;
        let parameters = stream.parameters();
        let head = of_packet.as_ref().map_or_else(|| stream_fields::head(&parameters), |data| data.data());
        if head.is_empty() || head == chosen.head {
            return None;
        }
        chosen.head = head.to_vec();
        let mut setup = StreamSetup { time_base, ..setup(&stream) };
        if of_packet.is_some() {
            stream_fields::set_head(&mut setup.parameters, &chosen.head);
        }
        Some((lane, setup))
    }

    /// Sound that joins a picture that had none.
    fn joined(&mut self, input: &context::Input, index: usize) -> Option<(Lane, StreamSetup)> {
        let stream = input.stream(index)?;
        let parameters = stream.parameters();
        let is_heard = parameters.medium() == media::Type::Audio && decoder::find(parameters.id()).is_some();
        if self.sound.is_some() || !is_heard {
            return None;
        }
        let picture = self.picture.as_ref().map(|picture| picture.index);
        let sound = sound::choose(input, picture, &self.tracks, (&self.name, false)).ok().flatten();
        if sound.is_some_and(|sound| sound.index() != index) {
            return None;
        }
        let setup = setup(&stream);
        self.sound = Some(ChosenStream::of(&stream, setup.time_base));
        Some((Lane::Sound, setup))
    }
}

/// What is wanted of the streams of an input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Somebody pushes it to us.
    pub(crate) is_pushed: bool,
    /// Frame rate of a source without timestamps whose parameter sets state none.
    pub(crate) untimed_fps: Option<u32>,
    /// The sound alone is played, whatever else there is.
    pub(crate) sound_alone: bool,
    /// Which film of a list it is, from 0: others follow, with other tracks.
    pub(crate) of_list: Option<usize>,
    /// The tracks that are wanted, and what was said of them.
    pub(crate) tracks: &'a TrackSettings,
}

/// Chooses the best picture and the wanted sound that goes with it, or one of them where the other is missing; the others are not read.
pub(crate) fn choose(
    input: &mut context::Input,
    address: &InputAddress,
    wanted: Wanted<'_>,
) -> Result<(Chosen, Round), InputError> {
    let Wanted { is_pushed, untimed_fps, sound_alone, of_list, tracks } = wanted;
    let name = address.to_string();
    if NOT_MEDIA.contains(&input.format().name()) {
        return Err(InputError::NotMedia { name, reason: "it is text".to_owned() });
    }
    let picture = if sound_alone { None } else { best_picture(input) };
    if let Some(picture) = &picture
        && decoder::find(picture.parameters().id()).is_none()
    {
        return Err(InputError::NoDecoder { name, codec: format!("{} video", codec_name(picture)) });
    }
    let is_whole = is_regular_file(address) && of_list.is_none();
    let picture_index = picture.as_ref().map(Stream::index);
    let mut sound = sound::choose(input, picture_index, tracks, (&name, is_whole))?;
    if let Some(silent) = sound.take_if(|sound| decoder::find(sound.parameters().id()).is_none()) {
        let codec = codec_name(&silent);
        if picture.is_none() {
            return Err(InputError::NoDecoder { name, codec: format!("{codec} sound") });
        }
        let line = format!("{name}: no decoder for the sound ({codec}); going on without it");
        tracks.told.tell(line, true);
    }
    if picture.is_none() && sound.is_none() {
        let found = found(input);
        return Err(if sound_alone {
            InputError::NoSound { name, found }
        } else {
            InputError::NothingToPlay { name, found }
        });
    }
    let untimed =
        picture.as_ref().filter(|_| has_no_timestamps(input)).map(|it| untimed_rate(it, untimed_fps));
    let mut picture_setup = picture.as_ref().map(setup);
    if let Some(setup) = picture_setup.as_mut().filter(|_| untimed.is_some()) {
        setup.time_base = MICROSECONDS;
    }
    let chosen = Chosen {
        name: name.clone(),
        tracks: tracks.clone(),
        picture: picture
            .as_ref()
            .zip(picture_setup.as_ref())
            .map(|(it, setup)| ChosenStream::of(it, setup.time_base)),
        sound: sound.as_ref().map(|sound| ChosenStream::of(sound, time_base(sound))),
    };
    let mut parts = vec![name];
    parts.extend(picture.as_ref().map(|picture| {
        let rate = frame_rate(picture).filter(|_| untimed.is_none()).map(f64::from);
        let rate = rate.map_or(String::new(), |rate| format!(" at {} fps", (rate * 100.0).round() / 100.0));
        let rate = if untimed.is_some() { " without timestamps".to_owned() } else { rate };
        format!("{}{rate}", codec_name(picture))
    }));
    parts.extend(sound.as_ref().map(|sound| format!("{} sound", codec_name(sound))));
    let round = Round {
        picture: picture_setup,
        picture_may_come: !sound_alone
            && picture.is_none()
            && !is_regular_file(address)
            && stream_fields::may_have_more_streams(input),
        sound: sound.as_ref().map(setup),
        live: is_pushed || (!is_regular_file(address) && input.duration() <= 0),
        untimed,
        in_bursts: input.format().name().split(',').any(|name| name == "hls"),
        bps: input.bit_rate().max(0) as u64,
        length_s: (input.duration().max(0) / i64::from(MICROSECONDS.denominator())) as u64,
        keeps_holes: is_regular_file(address) && !stream_fields::may_jump(&input.format()),
        of_list,
        sound_to_copy: sound.as_ref().and_then(|sound| sound::to_copy(input, picture_index, sound)),
        description: parts.join(", "),
    };
    let kept = chosen.picture.iter().chain(&chosen.sound);
    let kept: Vec<_> = kept.map(|stream| stream.index).collect();
    tell_left_out(input, address, &kept, wanted);
    stream_fields::discard_all_but(input, &kept);
    Ok((chosen, round))
}

/// Says once what of a source is neither seen nor heard; in a broadcast of the program that is.
fn tell_left_out(input: &context::Input, address: &InputAddress, kept: &[usize], wanted: Wanted<'_>) {
    let program = kept.first().map_or_else(Vec::new, |&index| stream_fields::program_of(input, index));
    let is_left_out = |stream: &Stream| {
        let is_unwanted = wanted.sound_alone && stream.parameters().medium() == media::Type::Video;
        let is_here = program.is_empty() || program.contains(&stream.index());
        is_here && !is_unwanted && !kept.contains(&stream.index())
    };
    let names = left_out(input.streams().filter(is_left_out));
    if !names.is_empty() {
        wanted.tracks.told.tell(format!("{address}: not in the stream: {names}"), true);
    }
}

/// A file on disk, and no pipe with a name.
fn is_regular_file(address: &InputAddress) -> bool {
    match address {
        InputAddress::File(path) => std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file()),
        _ => false,
    }
}

/// Whether what libav gives as timestamps is made up.
fn has_no_timestamps(input: &context::Input) -> bool {
    let format = input.format();
    let name = format.name();
    // Pictures one behind the other, as cameras send them, are read by a pipe of their kind.
    stream_fields::has_no_timestamps(&format) || RAW_VIDEO.contains(&name) || name.ends_with("_pipe")
}

/// The rate of frames without timestamps.
fn untimed_rate(picture: &Stream, asked: Option<u32>) -> Rate {
    let parameters = picture.parameters();
    let stated = match video_codec(parameters.id()) {
        Some(codec) => codec
            .stated_interval_90k(stream_fields::head(&parameters))
            .map(|interval_90k| f64::from(TICKS.denominator()) / interval_90k as f64),
        // What differs from libav's guess is none.
        None => frame_rate(picture).filter(|rate| *rate != Rational(25, 1)).map(f64::from),
    };
    stated.map(Rate::Stated).or_else(|| asked.map(|fps| Rate::Asked(f64::from(fps)))).unwrap_or(Rate::Guessed)
}

/// The video stream that libav deems best, unless that is a cover.
fn best_picture(input: &context::Input) -> Option<Stream<'_>> {
    let is_film = |stream: &Stream| stream.parameters().medium() == media::Type::Video && !is_cover(stream);
    let best = input.streams().best(media::Type::Video).filter(&is_film);
    best.or_else(|| input.streams().find(is_film))
}

/// Whether a stream that began with sound alone has a picture by now that can be decoded.
pub(crate) fn has_picture(input: &context::Input) -> bool {
    best_picture(input).is_some_and(|picture| decoder::find(picture.parameters().id()).is_some())
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

fn setup(stream: &Stream) -> StreamSetup {
    let matrix = stream.side_data().find(|data| data.kind() == side_data::Type::DisplayMatrix);
    StreamSetup {
        parameters: stream.parameters().clone(),
        time_base: time_base(stream),
        frame_rate: frame_rate(stream),
        sample_aspect: stream_fields::sample_aspect(stream),
        orientation: matrix
            .map_or_else(Orientation::default, |matrix| Orientation::from_display_matrix(matrix.data())),
        fields: fields(&stream.parameters()),
        hides_frames: stream_fields::hides_frames(stream),
    }
}

/// What is to be known of the fields of interlaced pictures.
fn fields(parameters: &Parameters) -> Fields {
    use codec::Id;
    match parameters.id() {
        Id::HEVC => Fields::Apart,
        Id::MPEG1VIDEO
        | Id::MPEG2VIDEO
        | Id::MPEG4
        | Id::H264
        | Id::VC1
        | Id::WMV3
        | Id::DVVIDEO
        | Id::MJPEG => Fields::AsPicturesSay,
        // Those of others may say nothing, where the container does.
        _ => stream_fields::first_field(parameters).map_or(Fields::AsPicturesSay, Fields::All),
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
