//! The video encoder: one for the whole run, an IDR frame exactly where the stage asks for one.
//!
//! [`super::trial`] says which; here it is set up and fed.

use std::collections::VecDeque;

use ffmpeg::format::Pixel;
use ffmpeg::software::scaling;
use ffmpeg::util::picture;
use ffmpeg_next as ffmpeg;

use super::hardware_frames::{HardwareFrames, Way};
use super::refusal::Refusal;
use super::{EncodeSettings, START_90K, options};
use crate::captions::sei;
use crate::packet::{EncodedPacket, SegmentBoundary};
use crate::picture::shared::SharedPicture;
use livedir_media::{Medium, VideoCodec};
use livedir_time::ticks::of_position;

/// An open encoder.
pub struct VideoEncoder {
    encoder: ffmpeg::encoder::video::Encoder,
    /// For encoders that take another format than yuv420p.
    converter: Option<scaling::Context>,
    /// For encoders that take frames from the memory of a graphics card alone.
    card: Option<HardwareFrames>,
    fps: u32,
    /// Grid times of the keyframes that the encoder was asked for and has not made yet.
    boundaries: VecDeque<(i64, SegmentBoundary)>,
    codec: VideoCodec,
    /// Captions of pictures that the encoder has not made yet, with their grid times.
    captions: VecDeque<(i64, Vec<[u8; 3]>)>,
    /// Captions found no place in a picture, and that was logged.
    has_lost_captions: bool,
}

/// Pictures that an encoder may hold back, with captions; one that holds more has lost some.
const MOST_CAPTIONS: usize = 64;

impl VideoEncoder {
    /// Opens this encoder, in a format that it takes.
    pub(super) fn open_codec(codec: ffmpeg::Codec, settings: &EncodeSettings) -> Result<Self, Refusal> {
        let formats: Option<Vec<Pixel>> = codec.video()?.formats().map(Iterator::collect);
        let is_taken = |format: &Pixel| formats.as_ref().is_none_or(|formats| formats.contains(format));
        if let Some(format) = [Pixel::YUV420P, Pixel::NV12].into_iter().find(is_taken) {
            return Self::open_in(codec, format, None, settings);
        }
        if !is_taken(&Way::VaApi.pixel()) {
            return Err(Refusal::Format);
        }
        let card = HardwareFrames::open(Way::VaApi, settings.width, settings.height)?;
        Self::open_in(codec, Pixel::NV12, Some(card), settings)
    }

    /// Opens it for frames that are made `format`, and then are brought to the card if there is one.
    pub(super) fn open_in(
        codec: ffmpeg::Codec,
        format: Pixel,
        card: Option<HardwareFrames>,
        settings: &EncodeSettings,
    ) -> Result<Self, Refusal> {
        let converter = if format == Pixel::YUV420P {
            None
        } else {
            let (width, height) = (settings.width, settings.height);
            Some(scaling::Context::get(
                Pixel::YUV420P,
                width,
                height,
                format,
                width,
                height,
                scaling::Flags::POINT,
            )?)
        };
        let encoder = open(codec, format, card.as_ref(), settings)?;
        Ok(Self {
            encoder,
            converter,
            card,
            fps: settings.fps,
            boundaries: VecDeque::new(),
            codec: settings.codec,
            captions: VecDeque::new(),
            has_lost_captions: false,
        })
    }

    /// What the muxer has to know of the stream.
    #[must_use]
    pub fn parameters(&self) -> ffmpeg::codec::Parameters {
        ffmpeg::codec::Parameters::from(&self.encoder)
    }

    /// Encodes the frame of grid time `n`; as an IDR frame if a segment begins there. `captions` go with it.
    pub fn encode(
        &mut self,
        n: u64,
        boundary: Option<SegmentBoundary>,
        frame: &mut SharedPicture,
        captions: Option<Vec<[u8; 3]>>,
    ) -> Result<Vec<EncodedPacket>, ffmpeg::Error> {
        self.boundaries.extend(boundary.map(|boundary| (n as i64, boundary)));
        if self.captions.len() >= MOST_CAPTIONS {
            self.captions.pop_front();
            self.tell_of_lost_captions();
        }
        self.captions.extend(captions.map(|captions| (n as i64, captions)));
        self.send(n, boundary.is_some(), frame)?;
        self.received()
    }

    /// Gives the encoder the frame of grid time `n`.
    pub(super) fn send(
        &mut self,
        n: u64,
        is_keyframe: bool,
        frame: &mut SharedPicture,
    ) -> Result<(), ffmpeg::Error> {
        let mut in_its_format;
        let frame = match &mut self.converter {
            None => frame,
            Some(converter) => {
                let mut in_format = ffmpeg::frame::Video::empty();
                converter.run(frame, &mut in_format)?;
                in_its_format = SharedPicture::from(in_format);
                &mut in_its_format
            }
        };
        let mut on_the_card;
        let frame = match &self.card {
            None => frame,
            Some(card) => {
                on_the_card = SharedPicture::from(card.upload(frame)?);
                &mut on_the_card
            }
        };
        frame.set_pts(n as i64);
        frame.set_kind(if is_keyframe { picture::Type::I } else { picture::Type::None });
        self.encoder.send_frame(frame)
    }

    /// The packets that the encoder still holds; the last call.
    pub fn finish(&mut self) -> Result<Vec<EncodedPacket>, ffmpeg::Error> {
        self.encoder.send_eof()?;
        self.received()
    }

    /// The packets that the encoder has ready.
    pub(super) fn received(&mut self) -> Result<Vec<EncodedPacket>, ffmpeg::Error> {
        let mut packets = Vec::new();
        loop {
            let mut packet = ffmpeg::Packet::empty();
            match self.encoder.receive_packet(&mut packet) {
                Ok(()) => packets.push(self.on_the_line(packet)),
                Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: ffmpeg::error::EAGAIN }) => {
                    return Ok(packets);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Grid times become 90 kHz ticks.
    fn on_the_line(&mut self, packet: ffmpeg::Packet) -> EncodedPacket {
        let pts = packet.pts().unwrap_or_default();
        let mut packet = self.captioned(packet, pts);
        let ticks = |n: i64| START_90K + of_position(n, self.fps);
        let dts = packet.dts().unwrap_or(pts);
        let duration_90k = ticks(pts + 1) - ticks(pts);
        packet.set_pts(Some(ticks(pts)));
        packet.set_dts(Some(ticks(dts)));
        packet.set_duration(duration_90k);
        // Those of keyframes that never came are let go.
        let asked_for = self.boundaries.iter().position(|(n, _)| *n == pts);
        let boundary =
            asked_for.and_then(|at| self.boundaries.drain(..=at).next_back()).map(|(_, boundary)| boundary);
        EncodedPacket {
            medium: Medium::Video,
            dts_90k: ticks(dts),
            duration_90k,
            keyframe_filmed_at: boundary.map(|boundary| boundary.filmed_at),
            boundary,
            packet,
        }
    }
}

impl VideoEncoder {
    /// The packet of grid time `n` with its captions, and with those of pictures before it that the encoder left out.
    fn captioned(&mut self, mut packet: ffmpeg::Packet, n: i64) -> ffmpeg::Packet {
        let until = self.captions.iter().take_while(|(of, _)| *of <= n).count();
        // Each message is put before the slice, behind those before it.
        for (_, cc_data) in self.captions.drain(..until).collect::<Vec<_>>() {
            let picture = packet.data().unwrap_or_default();
            match sei::put_into(self.codec, picture, &cc_data) {
                Some(whole) => packet = with_bytes(&packet, &whole),
                None => self.tell_of_lost_captions(),
            }
        }
        packet
    }

    fn tell_of_lost_captions(&mut self) {
        if !std::mem::replace(&mut self.has_lost_captions, true) {
            tracing::warn!(
                "closed captions of the source are lost: the encoder makes no pictures that take them"
            );
        }
    }
}

/// The same packet of other bytes.
fn with_bytes(packet: &ffmpeg::Packet, bytes: &[u8]) -> ffmpeg::Packet {
    let mut whole = ffmpeg::Packet::copy(bytes);
    whole.set_pts(packet.pts());
    whole.set_dts(packet.dts());
    whole.set_duration(packet.duration());
    whole.set_flags(packet.flags());
    whole
}

fn open(
    codec: ffmpeg::Codec,
    format: Pixel,
    card: Option<&HardwareFrames>,
    settings: &EncodeSettings,
) -> Result<ffmpeg::encoder::video::Encoder, ffmpeg::Error> {
    let mut encoder = ffmpeg::codec::context::Context::new_with_codec(codec).encoder().video()?;
    encoder.set_width(settings.width);
    encoder.set_height(settings.height);
    match card {
        None => encoder.set_format(format),
        Some(card) => {
            encoder.set_format(Way::VaApi.pixel());
            card.announce(&mut encoder)?;
        }
    }
    encoder.set_time_base((1, settings.fps as i32));
    encoder.set_frame_rate(Some((settings.fps as i32, 1)));
    encoder.set_aspect_ratio((1, 1));
    encoder.set_colorspace(settings.colours.matrix);
    encoder.set_color_primaries(settings.colours.primaries);
    encoder.set_color_transfer_characteristic(settings.colours.transfer);
    encoder.set_color_range(ffmpeg::color::Range::MPEG);
    encoder.set_bit_rate(settings.video_bps as usize);
    encoder.set_max_b_frames(0);
    encoder.set_gop(settings.segment_frames as u32);
    let mut told = ffmpeg::Dictionary::new();
    told.set("maxrate", &settings.video_bps.to_string());
    // One second of bitrate: the picture may breathe, the segment may not burst.
    told.set("bufsize", &settings.video_bps.to_string());
    for (name, value) in options::options(codec.name(), settings) {
        told.set(name, &value);
    }
    encoder.open_as_with(codec, told)
}
