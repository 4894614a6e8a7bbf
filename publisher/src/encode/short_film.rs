//! Short film: pictures that are encoded once, in the form of a source that is copied, to be shown again and again.
//!
//! In: the form, and pictures of its size. Out: frames of H.264 in order of decoding and of presentation, without B-frames; an IDR frame
//! with its parameter sets begins each group of pictures. Encoded in software: its form is that of the source, and what a
//! graphics card makes is not asked for so exactly.

use ffmpeg::format::Pixel;
use ffmpeg::util::picture;
use ffmpeg_next as ffmpeg;

use super::EncodeError;
use super::ladder::SMALLEST_QUANTISER;
use crate::packet::TICKS;
use crate::picture::colour_space::ColourSpace;
use crate::picture::shared::SharedPicture;
use livedir_media::VideoCodec;

/// Those that are tried, in this order.
const ENCODERS: [&str; 2] = ["libx264", "libopenh264"];

/// ITU-T H.264 A.3.1: those that encoders know by name.
const LEVELS: [u8; 16] = [10, 11, 12, 13, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51, 52];

/// How the pictures of a source are coded, and are to be coded here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PictureForm {
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// Width and height of a pixel, to one another.
    pub sample_aspect: (u32, u32),
    /// The profile, as ITU-T H.264 A.2 numbers it.
    pub profile: u8,
    /// The level: ten times its number.
    pub level: u8,
    /// How long a picture is shown, in 90 kHz ticks.
    pub picture_90k: i64,
    /// Pictures from one IDR frame to the next.
    pub group: u64,
    /// Bits a second at most.
    pub bps: u64,
}

/// A frame behind start codes.
#[derive(Debug)]
pub(crate) struct CodedPicture {
    pub bytes: Vec<u8>,
    pub is_idr: bool,
}

/// An open encoder, and what it has made.
pub(crate) struct ShortFilm {
    encoder: ffmpeg::encoder::video::Encoder,
    group: u64,
    given: u64,
    coded: Vec<CodedPicture>,
}

impl ShortFilm {
    /// A film of this form; its size is even.
    pub(crate) fn open(form: &PictureForm) -> Result<Self, EncodeError> {
        let mut refused = Vec::new();
        for name in ENCODERS {
            match open(name, form) {
                Ok(encoder) => {
                    return Ok(Self { encoder, group: form.group.max(1), given: 0, coded: Vec::new() });
                }
                Err(error) => refused.push(format!("{name}: {error}")),
            }
        }
        Err(EncodeError::NoVideoEncoder { codec: VideoCodec::H264, refused: refused.join(", ") })
    }

    /// Pictures that it has.
    pub(crate) fn len(&self) -> u64 {
        self.given
    }

    /// The next picture.
    pub(crate) fn push(&mut self, picture: &mut SharedPicture) -> Result<(), EncodeError> {
        let begins = self.given.is_multiple_of(self.group);
        picture.set_pts(self.given as i64);
        picture.set_kind(if begins { picture::Type::I } else { picture::Type::None });
        self.given += 1;
        self.encoder.send_frame(picture)?;
        self.receive()
    }

    /// All of it.
    pub(crate) fn finish(mut self) -> Result<Vec<CodedPicture>, EncodeError> {
        self.encoder.send_eof()?;
        self.receive()?;
        Ok(self.coded)
    }

    fn receive(&mut self) -> Result<(), EncodeError> {
        loop {
            let mut packet = ffmpeg::Packet::empty();
            match self.encoder.receive_packet(&mut packet) {
                Ok(()) => {
                    let bytes = packet.data().unwrap_or_default().to_vec();
                    self.coded.push(CodedPicture { bytes, is_idr: packet.is_key() });
                }
                Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: ffmpeg::error::EAGAIN }) => {
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn open(name: &str, form: &PictureForm) -> Result<ffmpeg::encoder::video::Encoder, ffmpeg::Error> {
    let codec = ffmpeg::encoder::find_by_name(name).ok_or(ffmpeg::Error::EncoderNotFound)?;
    let mut encoder = ffmpeg::codec::context::Context::new_with_codec(codec).encoder().video()?;
    let PictureForm { size: (width, height), sample_aspect, picture_90k, bps, .. } = *form;
    encoder.set_width(width);
    encoder.set_height(height);
    encoder.set_format(Pixel::YUV420P);
    let time_base = ffmpeg::Rational(picture_90k.max(1) as i32, TICKS.denominator());
    encoder.set_time_base(time_base);
    encoder.set_frame_rate(Some(time_base.invert()));
    encoder.set_aspect_ratio((sample_aspect.0 as i32, sample_aspect.1 as i32));
    let colours = ColourSpace::HIGH_DEFINITION;
    encoder.set_colorspace(colours.matrix);
    encoder.set_color_primaries(colours.primaries);
    encoder.set_color_transfer_characteristic(colours.transfer);
    encoder.set_color_range(ffmpeg::color::Range::MPEG);
    encoder.set_bit_rate(bps as usize);
    encoder.set_max_b_frames(0);
    encoder.set_gop(form.group as u32);
    let mut told = ffmpeg::Dictionary::new();
    for (option, value) in options(name, form) {
        told.set(option, &value);
    }
    encoder.open_as_with(codec, told)
}

/// Options that an encoder does not know are left aside by libav.
fn options(encoder: &str, form: &PictureForm) -> Vec<(&'static str, String)> {
    let profile = profile(form.profile);
    if encoder != "libx264" {
        let profile = if profile == "baseline" { "constrained_baseline" } else { profile };
        return vec![("allow_skip_frames", "0".into()), ("profile", profile.into())];
    }
    let mut options = vec![
        ("preset", "veryfast".to_owned()),
        ("tune", "zerolatency".into()),
        ("profile", profile.into()),
        ("forced-idr", "1".into()),
        // A scene cut would put a keyframe off the groups.
        ("sc_threshold", "0".into()),
        // The rest of the machine belongs to the stream that is copied.
        ("threads", "1".into()),
        ("maxrate", form.bps.to_string()),
        ("bufsize", form.bps.to_string()),
        ("qmin", SMALLEST_QUANTISER.to_string()),
    ];
    if LEVELS.contains(&form.level) {
        options.push(("level", format!("{}.{}", form.level / 10, form.level % 10)));
    }
    options
}

/// The profile that asks no more of a player than that of the source, among those for pictures of eight bits and 4:2:0.
fn profile(source: u8) -> &'static str {
    match source {
        66 | 88 => "baseline",
        77 => "main",
        _ => "high",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::canvas::Canvas;

    const FORM: PictureForm = PictureForm {
        size: (320, 180),
        sample_aspect: (4, 3),
        profile: 77,
        level: 31,
        picture_90k: 3_003,
        group: 15,
        bps: 500_000,
    };

    #[test]
    fn each_group_begins_with_an_idr_frame_of_the_profile_and_level_asked_for() {
        let mut film = ShortFilm::open(&FORM).unwrap();
        let mut picture = SharedPicture::from(Canvas::new(320, 180).to_frame());
        for _ in 0..40 {
            film.push(&mut picture).unwrap();
        }
        let coded = film.finish().unwrap();
        let keys: Vec<_> = (0..coded.len()).filter(|&at| coded[at].is_idr).collect();
        assert_eq!((coded.len(), keys.as_slice()), (40, &[0, 15, 30][..]));
        for &at in &keys {
            let bytes = &coded[at].bytes;
            let sets = bytes.windows(4).position(|four| four == [0, 0, 1, 0x67]).expect("parameter sets");
            assert_eq!((bytes[sets + 4], bytes[sets + 6]), (77, 31));
            assert_eq!(VideoCodec::H264.declared(bytes).unwrap().sample_aspect, Some((4, 3)));
        }
    }

    #[test]
    fn a_profile_asks_no_more_of_players_than_that_of_the_source() {
        for (source, expected) in [(66, "baseline"), (77, "main"), (100, "high"), (110, "high")] {
            assert_eq!(profile(source), expected);
        }
    }
}
