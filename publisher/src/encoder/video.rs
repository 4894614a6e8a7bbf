//! The H.264 encoder: one for the whole run, an IDR picture exactly where the stage asks for one.

use std::time::SystemTime;

use ffmpeg::format::Pixel;
use ffmpeg::util::picture;
use ffmpeg_next as ffmpeg;

use super::{EncodeError, EncodeSettings, EncodedPacket, Medium, START_90K};

/// Encoders in order of liking; those that libav was built without are passed over. After them, whatever libav itself
/// takes for H.264.
const NAMES: [&str; 4] = ["libx264", "h264_videotoolbox", "h264_mf", "libopenh264"];

/// One x264 thread encodes about this many pixels a second with room to spare; more threads cost more in all, because
/// each cuts the picture into one more slice.
const PIXELS_PER_THREAD: u64 = 30_000_000;

/// An open encoder.
pub struct VideoEncoder {
    encoder: ffmpeg::encoder::video::Encoder,
    fps: u32,
    /// Grid time and date of the keyframe that the encoder was last asked for.
    keyframe: Option<(i64, SystemTime)>,
}

impl VideoEncoder {
    /// Opens the first encoder that this machine has and that takes the settings.
    pub fn open(settings: &EncodeSettings) -> Result<Self, EncodeError> {
        let named = NAMES.iter().filter_map(|name| ffmpeg::encoder::find_by_name(name));
        let any = ffmpeg::encoder::find(ffmpeg::codec::Id::H264);
        let mut refusals = Vec::new();
        for codec in named.chain(any) {
            match open(codec, settings) {
                Ok(encoder) => {
                    tracing::info!(encoder = codec.name(), "video encoder opened");
                    return Ok(Self { encoder, fps: settings.fps, keyframe: None });
                }
                Err(error) => refusals.push(format!("{}: {error}", codec.name())),
            }
        }
        Err(EncodeError::NoVideoEncoder(if refusals.is_empty() {
            "it has none".into()
        } else {
            refusals.join(", ")
        }))
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
        frame.set_pts(Some(n as i64));
        frame.set_kind(if keyframe_filmed_at.is_some() { picture::Type::I } else { picture::Type::None });
        self.keyframe = keyframe_filmed_at.map(|filmed_at| (n as i64, filmed_at)).or(self.keyframe);
        self.encoder.send_frame(frame)?;
        self.received()
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
    fn on_the_line(&self, mut packet: ffmpeg::Packet) -> EncodedPacket {
        let ticks = |n: i64| START_90K + n * 90_000 / i64::from(self.fps);
        let pts = packet.pts().unwrap_or_default();
        let dts = packet.dts().unwrap_or(pts);
        let duration_90k = ticks(pts + 1) - ticks(pts);
        packet.set_pts(Some(ticks(pts)));
        packet.set_dts(Some(ticks(dts)));
        packet.set_duration(duration_90k);
        EncodedPacket {
            medium: Medium::Video,
            dts_90k: ticks(dts),
            duration_90k,
            keyframe_filmed_at: self.keyframe.filter(|(n, _)| *n == pts).map(|(_, filmed_at)| filmed_at),
            packet,
        }
    }
}

fn open(
    codec: ffmpeg::Codec,
    settings: &EncodeSettings,
) -> Result<ffmpeg::encoder::video::Encoder, ffmpeg::Error> {
    let mut encoder = ffmpeg::codec::context::Context::new_with_codec(codec).encoder().video()?;
    encoder.set_width(settings.width);
    encoder.set_height(settings.height);
    encoder.set_format(Pixel::YUV420P);
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
    if codec.name() == "libx264" {
        for (name, value) in x264_options(settings) {
            options.set(name, &value);
        }
    }
    encoder.open_as_with(codec, options)
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
