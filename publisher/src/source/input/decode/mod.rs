//! Decoding: the packets of one lane become video frames or sound.
//!
//! In: packets, one at a time. Out: video frames and runs of samples with their container times in microseconds. What cannot be decoded
//! is skipped and counted, with one warning a burst. No thread of its own but libav's.

mod channels;
pub(crate) mod upright;

use super::decode::upright::{Orientation, Upright};
use super::error::reason;
use super::stream_fields;
use super::tracks::Told;
use crate::picture::colour_space::ColourSpace;
use crate::picture::deinterlacer::{Deinterlace, Deinterlacer, Fields, Timed};
use crate::picture::shared::SharedPicture;
use crate::picture::tone_map;
use ffmpeg_next as ffmpeg;
use ffmpeg_next::codec::{self, threading};
use ffmpeg_next::{Packet, Rational, Rescale, decoder, frame, media};
use tracing::warn;

/// Microseconds, the unit of all times here.
pub(crate) const MICROSECONDS: Rational = Rational(1, 1_000_000);
/// More threads than this add memory and delay, not speed that playing in real time could use.
const MOST_THREADS: usize = 4;
/// After so many good frames or runs the next bad one starts a new burst.
const BURST_ENDS_AFTER: u32 = 50;
/// Threads that decode ahead may each report a failure of their own before the next good frame comes out.
const MOST_FAILURES_A_STEP: usize = 64;
/// What a frame lasts when neither the container nor the codec says it.
const GUESSED_PICTURE_US: i64 = 40_000;

/// All that is needed to decode one stream, free of the demuxer.
pub(crate) struct StreamSetup {
    pub(crate) parameters: codec::Parameters,
    pub(crate) time_base: Rational,
    pub(crate) frame_rate: Option<Rational>,
    /// As the container names it; 0/1 when it does not.
    pub(crate) sample_aspect: Rational,
    pub(crate) orientation: Orientation,
    pub(crate) fields: Fields,
    /// Some of its frames are there for others alone, and are not shown.
    pub(crate) hides_frames: bool,
}

/// What a packet became.
pub(crate) enum Decoded {
    Picture(SharedPicture),
    Sound(frame::Audio),
}

/// A decoded frame or run of samples, and its place in the container's time.
pub(crate) struct Piece {
    pub(crate) decoded: Decoded,
    pub(crate) pts_us: Option<i64>,
    pub(crate) duration_us: i64,
}

/// What the codec gave.
enum Received {
    Picture(Timed),
    Sound(frame::Audio),
}

/// The decoder's answer.
pub(crate) enum Step {
    Piece(Piece),
    NeedsPacket,
    Drained,
}

/// The decoder of one lane.
pub(crate) struct LaneDecoder {
    name: String,
    /// What was said of the source, however often it was opened.
    told: Told,
    codec: Codec,
    deinterlacer: Deinterlacer,
    upright: Upright,
    time_base: Rational,
    picture_us: i64,
    has_head: bool,
    ended: bool,
    failures: Failures,
}

enum Codec {
    Picture(decoder::Video),
    Sound(decoder::Audio),
}

impl Codec {
    fn opened(&mut self) -> &mut decoder::Opened {
        match self {
            Codec::Picture(decoder) => decoder,
            Codec::Sound(decoder) => decoder,
        }
    }
}

#[derive(Default)]
struct Failures {
    total: u64,
    good_since: u32,
}

impl LaneDecoder {
    /// Opens the decoder. A live source is decoded without the delay that frame threads bring.
    pub(crate) fn open(
        name: &str,
        setup: &StreamSetup,
        live: bool,
        (deinterlace, told): (Deinterlace, &Told),
    ) -> Result<Self, ffmpeg::Error> {
        let mut context = codec::Context::from_parameters(setup.parameters.clone())?;
        let codec = decoder::find(context.id()).ok_or(ffmpeg::Error::DecoderNotFound)?;
        let kind = if live { threading::Type::Slice } else { threading::Type::Frame };
        let count = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        context.set_threading(threading::Config { kind, count, ..Default::default() });
        // Without it libav leaves in what is cropped on the left, as far as memory addresses would be uneven.
        context.set_flags(codec::Flags::UNALIGNED);
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(setup.time_base);
        Ok(LaneDecoder {
            name: name.to_owned(),
            told: told.clone(),
            codec: if setup.parameters.medium() == media::Type::Video {
                Codec::Picture(decoder.open_as(codec)?.video()?)
            } else {
                Codec::Sound(decoder.open_as(codec)?.audio()?)
            },
            deinterlacer: Deinterlacer::new(deinterlace, setup.fields),
            upright: Upright::new(setup.orientation, setup.sample_aspect),
            time_base: setup.time_base,
            picture_us: setup.frame_rate.map_or(GUESSED_PICTURE_US, |rate| {
                1_000_000 * i64::from(rate.denominator()) / i64::from(rate.numerator())
            }),
            has_head: !stream_fields::head(&setup.parameters).is_empty(),
            ended: false,
            failures: Failures::default(),
        })
    }

    /// Whether the stream's head was known when it was opened.
    pub(crate) fn has_head(&self) -> bool {
        self.has_head
    }

    /// The size of the frames in square pixels, if the stream's head names it.
    pub(crate) fn stated_size(&self) -> Option<(u32, u32)> {
        match &self.codec {
            Codec::Picture(decoder) if decoder.width() > 0 && decoder.height() > 0 => {
                Some(self.upright.shown_size(decoder.width(), decoder.height(), decoder.aspect_ratio()))
            }
            _ => None,
        }
    }

    /// The colour space of its frames, as far as the stream's head or the first frame says it.
    pub(crate) fn colours(&self) -> ColourSpace {
        let Codec::Picture(decoder) = &self.codec else { return ColourSpace::HIGH_DEFINITION };
        let said = ColourSpace {
            matrix: decoder.color_space(),
            primaries: decoder.color_primaries(),
            transfer: decoder.color_transfer_characteristic(),
        };
        said.or_likely((decoder.width(), decoder.height()))
    }

    /// What is done to its frames before they are shown, for people, as far as the stream's head or the first frame says it: begins
    /// with a comma, or is empty.
    pub(crate) fn alterations(&self) -> String {
        let Codec::Picture(decoder) = &self.codec else { return String::new() };
        let seen = self.colours();
        let broken = self.upright.broken_aspect(decoder.aspect_ratio());
        let square = |said: Rational| {
            format!(", its pixels said to be {}:{} and shown as square", said.numerator(), said.denominator())
        };
        [
            self.upright.is_turned().then(|| ", turned upright".to_owned()),
            (tone_map::stream_of(seen) != seen).then(|| ", HDR tone-mapped to BT.709".to_owned()),
            broken.map(square),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The next frame or run, if the packets so far hold one.
    pub(crate) fn step(&mut self) -> Step {
        for _ in 0..MOST_FAILURES_A_STEP {
            match self.next_piece() {
                Ok(Some(piece)) => {
                    self.failures.good_since = self.failures.good_since.saturating_add(1);
                    return Step::Piece(piece);
                }
                Ok(None) => {}
                Err(ffmpeg::Error::Eof) => return Step::Drained,
                Err(ffmpeg::Error::Other { errno: ffmpeg::error::EAGAIN }) => break,
                Err(error) => self.count_failure(error),
            }
        }
        if self.ended { Step::Drained } else { Step::NeedsPacket }
    }

    /// `None`: what was decoded has to wait for the picture behind it.
    fn next_piece(&mut self) -> Result<Option<Piece>, ffmpeg::Error> {
        if self.deinterlacer.is_empty() {
            match self.receive() {
                Ok(Received::Sound(sound)) => return Ok(Some(self.sound_piece(sound))),
                Ok(Received::Picture(timed)) => {
                    let taken = self.deinterlacer.take(timed);
                    if let Some((line, is_warning)) = self.deinterlacer.take_news() {
                        self.told.tell(line, is_warning);
                    }
                    taken?;
                }
                Err(ffmpeg::Error::Eof) => {
                    self.deinterlacer.end()?;
                    return if self.deinterlacer.is_empty() { Err(ffmpeg::Error::Eof) } else { Ok(None) };
                }
                Err(error) => return Err(error),
            }
        }
        let Some(Timed { picture, pts_us, duration_us }) = self.deinterlacer.next() else { return Ok(None) };
        Ok(Some(Piece { decoded: Decoded::Picture(self.upright.turn(picture)?), pts_us, duration_us }))
    }

    fn receive(&mut self) -> Result<Received, ffmpeg::Error> {
        match &mut self.codec {
            Codec::Picture(decoder) => {
                let mut picture = frame::Video::empty();
                decoder.receive_frame(&mut picture)?;
                ColourSpace::name_likely(&mut picture);
                let (pts_us, stated_us) = self.times(&picture);
                let duration_us = stated_us.unwrap_or(self.picture_us);
                Ok(Received::Picture(Timed { picture: picture.into(), pts_us, duration_us }))
            }
            Codec::Sound(decoder) => {
                let mut sound = frame::Audio::empty();
                decoder.receive_frame(&mut sound)?;
                Ok(Received::Sound(sound))
            }
        }
    }

    /// When the frame is to be shown, and how long as far as it says that.
    fn times(&self, frame: &ffmpeg::Frame) -> (Option<i64>, Option<i64>) {
        let to_us = |value: i64| value.rescale(self.time_base, MICROSECONDS);
        let stated_us = to_us(frame.packet().duration);
        (frame.timestamp().or(frame.pts()).map(to_us), (stated_us > 0).then_some(stated_us))
    }

    fn sound_piece(&self, sound: frame::Audio) -> Piece {
        let (pts_us, stated_us) = self.times(&sound);
        let sound = channels::placed(sound);
        let rate = i64::from(sound.rate());
        let played_us = (rate > 0).then(|| sound.samples() as i64 * 1_000_000 / rate);
        let duration_us = played_us.or(stated_us).unwrap_or(0);
        Piece { decoded: Decoded::Sound(sound), pts_us, duration_us }
    }

    /// Takes the next packet; call it after [`Step::NeedsPacket`].
    pub(crate) fn send(&mut self, packet: &Packet) {
        if let Err(error) = self.codec.opened().send_packet(packet) {
            self.count_failure(error);
        }
    }

    /// No packet follows: what the decoder holds back comes out.
    pub(crate) fn send_end(&mut self) {
        self.ended = true;
        if let Err(error) = self.codec.opened().send_eof() {
            self.count_failure(error);
        }
    }

    fn count_failure(&mut self, error: ffmpeg::Error) {
        self.failures.total += 1;
        if self.failures.total == 1 || self.failures.good_since >= BURST_ENDS_AFTER {
            warn!(source = %self.name, reason = reason(error), total = self.failures.total, "damaged data skipped");
        }
        self.failures.good_since = 0;
    }
}
