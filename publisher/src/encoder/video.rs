//! The H.264 encoder: one for the whole run, an IDR picture exactly where the stage asks for one.
//!
//! [`choice`] says which are tried, [`manners`] what they have to do; here they are opened, tried out and fed.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::SystemTime;

use ffmpeg::format::Pixel;
use ffmpeg::software::scaling;
use ffmpeg::util::picture;
use ffmpeg_next as ffmpeg;

use crate::filter::FilterSettings;
use crate::overlay::OverlaySettings;

use super::choice::{self, EncoderChoice, Found};
use super::machine;
use super::manners::{self, BadManners, IDR_EVERY, PICTURES, TrialPacket};
use super::{EncodeError, EncodeSettings, EncodedPacket, Medium, START_90K};

/// One x264 thread encodes about this many pixels a second with room to spare; more threads cost more in all, because
/// each cuts the picture into one more slice.
const PIXELS_PER_THREAD: u64 = 30_000_000;

/// An open encoder.
pub struct VideoEncoder {
    encoder: ffmpeg::encoder::video::Encoder,
    /// For encoders that take another format than yuv420p.
    converter: Option<scaling::Context>,
    fps: u32,
    /// Grid times and dates of the keyframes that the encoder was asked for and has not made yet.
    keyframes: VecDeque<(i64, SystemTime)>,
}

/// Why an encoder is of no use here.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Libav does not have it.
    #[error("this libav was built without it")]
    Unknown,
    /// It makes something else.
    #[error("it does not make H.264")]
    OtherCodec,
    /// It takes no pictures from main memory, like `h264_vaapi`.
    #[error("it takes neither yuv420p nor nv12 pictures from main memory")]
    Format,
    /// Libav could not open it, or it failed at once.
    #[error("it cannot be opened ({0}), its hardware or driver may be missing")]
    Libav(#[from] ffmpeg::Error),
    /// It opened, and did not do what it was asked to.
    #[error(transparent)]
    Manners(#[from] BadManners),
}

impl VideoEncoder {
    /// Opens the encoder that was named, or the first that works here.
    pub fn open(settings: &EncodeSettings) -> Result<Self, EncodeError> {
        let found = Self::find(settings)?;
        for (name, why) in found.passed_over {
            tracing::info!(encoder = name, %why, "video encoder passed over");
        }
        tracing::info!(encoder = found.name, "video encoder opened");
        Ok(found.opened)
    }

    fn find(settings: &EncodeSettings) -> Result<Found<'_, Self, Refusal>, EncodeError> {
        let order = match &settings.encoder {
            EncoderChoice::Auto => machine::look().order(),
            EncoderChoice::Named(name) => vec![name.as_str()],
        };
        choice::first_that_opens(&order, |name| Self::open_named(name, settings)).map_err(|refused| {
            let refused: Vec<_> = refused.iter().map(|(name, why)| format!("{name}: {why}")).collect();
            match settings.encoder {
                EncoderChoice::Auto => EncodeError::NoVideoEncoder(refused.join(", ")),
                EncoderChoice::Named(_) => EncodeError::NamedEncoder {
                    refused: refused.join(", "),
                    others: usable(settings).join(", "),
                },
            }
        })
    }

    /// Opens this encoder, after it has shown in a trial that it can be used.
    fn open_named(name: &str, settings: &EncodeSettings) -> Result<Self, Refusal> {
        let codec = ffmpeg::encoder::find_by_name(name).ok_or(Refusal::Unknown)?;
        if codec.id() != ffmpeg::codec::Id::H264 {
            return Err(Refusal::OtherCodec);
        }
        Self::open_codec(codec, settings)?.try_out(settings)?;
        Self::open_codec(codec, settings)
    }

    fn open_codec(codec: ffmpeg::Codec, settings: &EncodeSettings) -> Result<Self, Refusal> {
        let formats: Option<Vec<Pixel>> = codec.video()?.formats().map(Iterator::collect);
        let is_taken = |format: &Pixel| formats.as_ref().is_none_or(|formats| formats.contains(format));
        let format = [Pixel::YUV420P, Pixel::NV12].into_iter().find(is_taken).ok_or(Refusal::Format)?;
        Self::open_in(codec, format, settings)
    }

    fn open_in(codec: ffmpeg::Codec, format: Pixel, settings: &EncodeSettings) -> Result<Self, Refusal> {
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
        let encoder = open(codec, format, settings)?;
        Ok(Self { encoder, converter, fps: settings.fps, keyframes: VecDeque::new() })
    }

    /// Has the encoder make a few pictures, and judges what comes.
    fn try_out(mut self, settings: &EncodeSettings) -> Result<(), Refusal> {
        let mut picture = crate::canvas::Canvas::new(settings.width, settings.height).to_frame();
        let mut packets = Vec::new();
        for n in 0..PICTURES {
            let is_keyframe = n.is_multiple_of(IDR_EVERY);
            self.send(n, is_keyframe, &mut picture)?;
            packets.extend(self.received()?);
        }
        packets.extend(self.finish()?);
        let grid_time = |time_90k: Option<i64>| {
            let ticks = time_90k.unwrap_or_default() - START_90K;
            (ticks as f64 * f64::from(self.fps) / 90_000.0).round() as i64
        };
        let packets: Vec<TrialPacket> = packets
            .iter()
            .map(|packet| TrialPacket {
                pts: grid_time(packet.packet.pts()),
                dts: grid_time(packet.packet.dts()),
                bytes: packet.packet.data().unwrap_or_default(),
            })
            .collect();
        Ok(manners::judge(&packets)?)
    }

    /// What the muxer has to know of the stream.
    #[must_use]
    pub fn parameters(&self) -> ffmpeg::codec::Parameters {
        ffmpeg::codec::Parameters::from(&self.encoder)
    }

    /// Encodes the picture of grid time `n`; as an IDR picture if a date for one is given.
    pub fn encode(
        &mut self,
        n: u64,
        keyframe_filmed_at: Option<SystemTime>,
        frame: &mut ffmpeg::frame::Video,
    ) -> Result<Vec<EncodedPacket>, ffmpeg::Error> {
        self.keyframes.extend(keyframe_filmed_at.map(|filmed_at| (n as i64, filmed_at)));
        self.send(n, keyframe_filmed_at.is_some(), frame)?;
        self.received()
    }

    fn send(
        &mut self,
        n: u64,
        is_keyframe: bool,
        frame: &mut ffmpeg::frame::Video,
    ) -> Result<(), ffmpeg::Error> {
        let mut in_its_format = ffmpeg::frame::Video::empty();
        let frame = match &mut self.converter {
            None => frame,
            Some(converter) => {
                converter.run(frame, &mut in_its_format)?;
                &mut in_its_format
            }
        };
        frame.set_pts(Some(n as i64));
        frame.set_kind(if is_keyframe { picture::Type::I } else { picture::Type::None });
        self.encoder.send_frame(frame)
    }

    /// The packets that the encoder still holds; the last call.
    pub fn finish(&mut self) -> Result<Vec<EncodedPacket>, ffmpeg::Error> {
        self.encoder.send_eof()?;
        self.received()
    }

    fn received(&mut self) -> Result<Vec<EncodedPacket>, ffmpeg::Error> {
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
    fn on_the_line(&mut self, mut packet: ffmpeg::Packet) -> EncodedPacket {
        let ticks = |n: i64| START_90K + n * 90_000 / i64::from(self.fps);
        let pts = packet.pts().unwrap_or_default();
        let dts = packet.dts().unwrap_or(pts);
        let duration_90k = ticks(pts + 1) - ticks(pts);
        packet.set_pts(Some(ticks(pts)));
        packet.set_dts(Some(ticks(dts)));
        packet.set_duration(duration_90k);
        // Dates of keyframes that never came are let go.
        let asked_for = self.keyframes.iter().position(|(n, _)| *n == pts);
        let keyframe_filmed_at =
            asked_for.and_then(|at| self.keyframes.drain(..=at).next_back()).map(|(_, filmed_at)| filmed_at);
        EncodedPacket { medium: Medium::Video, dts_90k: ticks(dts), duration_90k, keyframe_filmed_at, packet }
    }
}

/// Refuses a named encoder that cannot be used, before anything is written.
pub fn check(settings: &EncodeSettings) -> Result<(), EncodeError> {
    match settings.encoder {
        EncoderChoice::Auto => Ok(()),
        EncoderChoice::Named(_) => VideoEncoder::find(settings).map(|_| ()),
    }
}

/// The known encoders that work here with these settings.
#[must_use]
pub fn usable(settings: &EncodeSettings) -> Vec<&'static str> {
    choice::KNOWN.into_iter().filter(|name| VideoEncoder::open_named(name, settings).is_ok()).collect()
}

/// What `livedir-publisher devices` says of encoders: those that work here, and why others that this libav has do not.
#[must_use]
pub fn describe() -> String {
    let settings = EncodeSettings {
        width: 640,
        height: 480,
        fps: 20,
        segment_frames: 40,
        video_bps: 1_000_000,
        audio_bps: None,
        filter: FilterSettings::default(),
        overlay: OverlaySettings::default(),
        encoder: EncoderChoice::Auto,
    };
    let mut text = String::new();
    for name in choice::KNOWN {
        match VideoEncoder::open_named(name, &settings) {
            Ok(_) => drop(writeln!(text, "encoder {name}")),
            Err(Refusal::Unknown) => {}
            Err(why) => drop(writeln!(text, "encoder {name}\n    cannot be used: {why}")),
        }
    }
    text
}

fn open(
    codec: ffmpeg::Codec,
    format: Pixel,
    settings: &EncodeSettings,
) -> Result<ffmpeg::encoder::video::Encoder, ffmpeg::Error> {
    let mut encoder = ffmpeg::codec::context::Context::new_with_codec(codec).encoder().video()?;
    encoder.set_width(settings.width);
    encoder.set_height(settings.height);
    encoder.set_format(format);
    encoder.set_time_base((1, settings.fps as i32));
    encoder.set_frame_rate(Some((settings.fps as i32, 1)));
    encoder.set_aspect_ratio((1, 1));
    encoder.set_color_range(ffmpeg::color::Range::MPEG);
    encoder.set_bit_rate(settings.video_bps as usize);
    encoder.set_max_b_frames(0);
    encoder.set_gop(settings.segment_frames as u32);
    let mut options = ffmpeg::Dictionary::new();
    options.set("maxrate", &settings.video_bps.to_string());
    // One second of bitrate: the picture may breathe, the segment may not burst.
    options.set("bufsize", &settings.video_bps.to_string());
    for (name, value) in hardware_options(codec.name()) {
        options.set(name, value);
    }
    if codec.name() == "libx264" {
        for (name, value) in x264_options(settings) {
            options.set(name, &value);
        }
    }
    encoder.open_as_with(codec, options)
}

/// What makes other encoders answer at once, with an IDR picture where an I picture is asked for. Options that a version
/// of libav does not know are left aside by it.
fn hardware_options(encoder: &str) -> &'static [(&'static str, &'static str)] {
    match encoder {
        "h264_nvenc" => &[
            ("forced-idr", "1"),
            ("zerolatency", "1"),
            ("delay", "0"),
            ("no-scenecut", "1"),
            ("strict_gop", "1"),
            ("profile", "high"),
        ],
        "h264_qsv" => &[("forced_idr", "1"), ("async_depth", "1"), ("look_ahead", "0"), ("profile", "high")],
        "h264_amf" => &[("forced_idr", "1"), ("usage", "lowlatency"), ("header_insertion_mode", "idr")],
        "h264_videotoolbox" => &[("realtime", "1"), ("profile", "high")],
        "libopenh264" => &[("allow_skip_frames", "0")],
        _ => &[],
    }
}

/// What x264 is told; the benchmark tells the ffmpeg program the same.
pub fn x264_options(settings: &EncodeSettings) -> [(&'static str, String); 6] {
    let pixels_per_second = u64::from(settings.width) * u64::from(settings.height) * u64::from(settings.fps);
    let threads = pixels_per_second.div_ceil(PIXELS_PER_THREAD);
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    [
        ("preset", "veryfast".into()),
        ("tune", "zerolatency".into()),
        ("profile", "high".into()),
        ("forced-idr", "1".into()),
        // A scene cut would put a keyframe off the grid.
        ("sc_threshold", "0".into()),
        ("threads", threads.clamp(1, cores).to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn settings(encoder: &str) -> EncodeSettings {
        EncodeSettings {
            width: 320,
            height: 240,
            fps: 7,
            segment_frames: 5,
            video_bps: 300_000,
            audio_bps: None,
            filter: FilterSettings::default(),
            overlay: OverlaySettings::default(),
            encoder: EncoderChoice::parse(encoder),
        }
    }

    #[test]
    fn auto_finds_an_encoder_that_makes_keyframes_where_they_are_asked_for() {
        let mut encoder = VideoEncoder::open(&settings("auto")).unwrap();
        let mut picture = crate::canvas::Canvas::new(320, 240).to_frame();
        let date = |n| SystemTime::UNIX_EPOCH + Duration::from_secs(n);
        let mut packets = Vec::new();
        for n in 0..20 {
            // Off the grid too: after a leap segments begin elsewhere.
            packets.extend(encoder.encode(n, (n % 3 == 0).then(|| date(n)), &mut picture).unwrap());
        }
        packets.extend(encoder.finish().unwrap());
        assert_eq!(packets.len(), 20);
        for (n, packet) in (0..).zip(&packets) {
            assert_eq!(packet.keyframe_filmed_at, (n % 3 == 0).then(|| date(n)), "picture {n}");
            assert!(n % 3 != 0 || packet.packet.is_key(), "picture {n}");
        }
    }

    #[test]
    fn hardware_that_is_not_there_falls_through_to_software() {
        let order = ["h264_nvenc", "h264_qsv", "h264_v4l2m2m", "nosuch", "libx265", "libx264", "libopenh264"];
        let open = |name: &str| VideoEncoder::open_named(name, &settings("auto"));
        let found = choice::first_that_opens(&order, open).unwrap_or_else(|refused| panic!("{refused:?}"));
        let passed_over: Vec<&str> = order.into_iter().take_while(|name| *name != found.name).collect();
        assert_eq!(found.passed_over.iter().map(|(name, _)| *name).collect::<Vec<_>>(), passed_over);
        for (name, why) in found.passed_over {
            assert!(!why.to_string().is_empty() && !why.to_string().contains('\n'), "{name}: {why}");
        }
    }

    #[test]
    fn pictures_for_hardware_are_made_nv12() {
        let codec = ffmpeg::encoder::find_by_name("libx264").expect("libx264");
        let settings = settings("libx264");
        let mut encoder = VideoEncoder::open_in(codec, Pixel::NV12, &settings).unwrap();
        let mut picture = crate::canvas::Canvas::new(320, 240).to_frame();
        encoder.encode(0, Some(SystemTime::UNIX_EPOCH), &mut picture).unwrap();
        assert_eq!(encoder.encoder.format(), Pixel::NV12);
        VideoEncoder::open_in(codec, Pixel::NV12, &settings).unwrap().try_out(&settings).unwrap();
    }

    #[track_caller]
    fn check_refused(encoder: &str, expected: &str) {
        let error = VideoEncoder::open(&settings(encoder)).err().expect("it is refused").to_string();
        assert!(error.contains(expected), "{error}");
        assert!(error.contains("libx264"), "what can be opened here is not in: {error}");
        assert!(!error.contains('\n'), "{error}");
    }

    #[test]
    fn a_named_encoder_that_is_of_no_use_is_refused_with_those_that_are() {
        check_refused("nosuch", "nosuch: this libav was built without it");
        check_refused("libx265", "libx265: it does not make H.264");
        check_refused("mpeg2video", "mpeg2video: it does not make H.264");
    }
}
