//! From the choice to an open encoder: each one that is tried makes a few frames before it is taken.
//!
//! In: the settings of the stream. Out: a [`VideoEncoder`], or why there is none. [`choice`] says in which order they are
//! tried, `requirements` what is expected of them. Used on the thread that starts the run and on those of the rungs.

use std::fmt::Write as _;

use ffmpeg_next as ffmpeg;

use super::choice::{self, EncoderChoice, Opened};
use super::refusal::Refusal;
use super::requirements::{self, IDR_EVERY, PICTURES, TrialPacket};
use super::video::VideoEncoder;
use super::{EncodeError, EncodeSettings, START_90K, machine};
use crate::encode::ladder::SMALLEST_QUANTISER;
use crate::packet::video_codec;
use crate::picture::canvas::Canvas;
use crate::picture::colour_space::ColourSpace;
use crate::picture::overlay::OverlaySettings;
use crate::picture::shared::SharedPicture;
use crate::picture::slate::SlateSettings;
use livedir_media::VideoCodec;
use livedir_time::ticks::nearest_picture;

impl VideoEncoder {
    /// Opens the encoder that was named, or the first that works here.
    pub fn open(settings: &EncodeSettings) -> Result<Self, EncodeError> {
        let found = Self::find(settings)?;
        for (name, why) in found.passed_over {
            tracing::info!(encoder = name, %why, "video encoder skipped");
        }
        tracing::info!(encoder = found.name, "video encoder opened");
        Ok(found.opened)
    }

    fn find(settings: &EncodeSettings) -> Result<Opened<'_, Self, Refusal>, EncodeError> {
        let order = match &settings.encoder {
            EncoderChoice::Auto => machine::look().order(settings.codec),
            EncoderChoice::Named(name) => vec![name.as_str()],
        };
        choice::first_that_opens(&order, |name| Self::open_named(name, settings)).map_err(|refused| {
            let refused: Vec<_> = refused.iter().map(|(name, why)| format!("{name}: {why}")).collect();
            let (codec, refused) = (settings.codec, refused.join(", "));
            match settings.encoder {
                EncoderChoice::Auto => EncodeError::NoVideoEncoder { codec, refused },
                EncoderChoice::Named(_) => {
                    EncodeError::NamedEncoder { codec, refused, others: usable(settings).join(", ") }
                }
            }
        })
    }

    /// Opens this encoder, after it has shown in a trial that it can be used.
    fn open_named(name: &str, settings: &EncodeSettings) -> Result<Self, Refusal> {
        let codec = ffmpeg::encoder::find_by_name(name).ok_or(Refusal::Unknown)?;
        match video_codec(codec.id()) {
            Some(makes) if makes == settings.codec => {}
            Some(makes) => return Err(Refusal::OtherCodec(makes)),
            None => return Err(Refusal::ForeignCodec),
        }
        Self::open_codec(codec, settings)?.try_out(settings)?;
        Self::open_codec(codec, settings)
    }

    /// Has the encoder make a few frames, and judges what comes.
    fn try_out(mut self, settings: &EncodeSettings) -> Result<(), Refusal> {
        let mut picture = SharedPicture::from(Canvas::new(settings.width, settings.height).to_frame());
        let mut packets = Vec::new();
        for n in 0..PICTURES {
            let is_keyframe = n.is_multiple_of(IDR_EVERY);
            self.send(n, is_keyframe, &mut picture)?;
            packets.extend(self.received()?);
        }
        packets.extend(self.finish()?);
        let grid_time =
            |time_90k: Option<i64>| nearest_picture(time_90k.unwrap_or_default() - START_90K, settings.fps);
        let packets: Vec<TrialPacket> = packets
            .iter()
            .map(|packet| TrialPacket {
                pts: grid_time(packet.packet.pts()),
                dts: grid_time(packet.packet.dts()),
                bytes: packet.packet.data().unwrap_or_default(),
            })
            .collect();
        Ok(requirements::judge(settings.codec, &packets)?)
    }
}

/// Refuses an encoder or a codec that was asked for and cannot be had, before anything is written.
pub fn check(settings: &EncodeSettings) -> Result<(), EncodeError> {
    match (&settings.encoder, settings.codec) {
        (EncoderChoice::Auto, VideoCodec::H264) => Ok(()),
        _ => VideoEncoder::find(settings).map(|_| ()),
    }
}

/// The known encoders that work here with these settings.
#[must_use]
pub fn usable(settings: &EncodeSettings) -> Vec<&'static str> {
    let known = choice::known(settings.codec).iter().copied();
    known.filter(|name| VideoEncoder::open_named(name, settings).is_ok()).collect()
}

/// What `livedir-publisher devices` says of encoders: those that work here, and why others that this libav has do not.
#[must_use]
pub fn describe() -> String {
    let mut text = String::new();
    for codec in VideoCodec::ALL {
        let settings = EncodeSettings {
            width: 640,
            height: 480,
            colours: ColourSpace::WEBCAM,
            fps: 20,
            segment_frames: 40,
            video_bps: 1_000_000,
            smallest_quantiser: SMALLEST_QUANTISER,
            overlay: OverlaySettings::default(),
            slate: SlateSettings::default(),
            codec,
            encoder: EncoderChoice::Auto,
        };
        for name in choice::known(codec) {
            match VideoEncoder::open_named(name, &settings) {
                Ok(_) => drop(writeln!(text, "encoder {name}")),
                Err(Refusal::Unknown) => {}
                Err(why) => drop(writeln!(text, "encoder {name}\n    cannot be used: {why}")),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::SegmentBoundary;
    use ffmpeg::format::Pixel;
    use std::time::{Duration, SystemTime};

    fn settings(codec: VideoCodec, encoder: &str) -> EncodeSettings {
        EncodeSettings {
            width: 320,
            height: 240,
            colours: ColourSpace::WEBCAM,
            fps: 7,
            segment_frames: 5,
            video_bps: 300_000,
            smallest_quantiser: SMALLEST_QUANTISER,
            overlay: OverlaySettings::default(),
            slate: SlateSettings::default(),
            codec,
            encoder: EncoderChoice::parse(encoder),
        }
    }

    #[track_caller]
    fn check_keyframes(codec: VideoCodec) {
        let mut encoder = VideoEncoder::open(&settings(codec, "auto")).unwrap();
        let mut picture = SharedPicture::from(Canvas::new(320, 240).to_frame());
        let boundary = |n: u64| SegmentBoundary {
            filmed_at: SystemTime::UNIX_EPOCH + Duration::from_secs(n),
            segment: n / 3,
            is_leapt_to: false,
        };
        let mut packets = Vec::new();
        for n in 0..20 {
            // Off the grid too: after a leap segments begin elsewhere.
            let ready = encoder.encode(n, (n % 3 == 0).then(|| boundary(n)), &mut picture, None).unwrap();
            assert_eq!(ready.len(), 1, "picture {n} of {codec} comes late");
            packets.extend(ready);
        }
        packets.extend(encoder.finish().unwrap());
        assert_eq!(packets.len(), 20);
        for (n, packet) in (0..).zip(&packets) {
            assert_eq!(packet.boundary, (n % 3 == 0).then(|| boundary(n)), "picture {n}");
            assert!(n % 3 != 0 || packet.packet.is_key(), "picture {n}");
        }
    }

    #[test]
    fn auto_finds_an_encoder_that_makes_keyframes_where_they_are_asked_for() {
        VideoCodec::ALL.into_iter().for_each(check_keyframes);
    }

    #[track_caller]
    fn check_fall_through(codec: VideoCodec, order: &[&str]) {
        let open = |name: &str| VideoEncoder::open_named(name, &settings(codec, "auto"));
        let found = choice::first_that_opens(order, open).unwrap_or_else(|refused| panic!("{refused:?}"));
        let passed_over: Vec<&str> = order.iter().copied().take_while(|name| *name != found.name).collect();
        assert_eq!(found.passed_over.iter().map(|(name, _)| *name).collect::<Vec<_>>(), passed_over);
        for (name, why) in found.passed_over {
            assert!(!why.to_string().is_empty() && !why.to_string().contains('\n'), "{name}: {why}");
        }
    }

    #[test]
    fn hardware_that_is_not_there_falls_through_to_software() {
        let h264 = [
            "h264_nvenc",
            "h264_qsv",
            "h264_vaapi",
            "h264_v4l2m2m",
            "nosuch",
            "libx265",
            "libx264",
            "libopenh264",
        ];
        check_fall_through(VideoCodec::H264, &h264);
        check_fall_through(
            VideoCodec::Hevc,
            &["hevc_nvenc", "hevc_qsv", "hevc_vaapi", "hevc_v4l2m2m", "libx264", "libx265"],
        );
    }

    #[test]
    fn pictures_for_hardware_are_made_nv12() {
        let codec = ffmpeg::encoder::find_by_name("libx264").expect("libx264");
        let settings = settings(VideoCodec::H264, "libx264");
        VideoEncoder::open_in(codec, Pixel::NV12, None, &settings).unwrap().try_out(&settings).unwrap();
    }

    #[track_caller]
    fn check_refused(codec: VideoCodec, encoder: &str, expected: &str) {
        let error = VideoEncoder::open(&settings(codec, encoder)).err().expect("it is refused").to_string();
        assert!(error.contains(expected), "{error}");
        let remedy = choice::known(codec)
            .iter()
            .any(|name| error.contains(&format!("can be used for {codec}: {name}")));
        assert!(remedy, "what can be opened here is not in: {error}");
        assert!(!error.contains('\n'), "{error}");
    }

    #[test]
    fn a_named_encoder_that_is_of_no_use_is_refused_with_those_that_are() {
        check_refused(VideoCodec::H264, "nosuch", "nosuch: this FFmpeg was built without it");
        check_refused(VideoCodec::H264, "libx265", "libx265: it encodes HEVC; add --codec hevc");
        check_refused(VideoCodec::Hevc, "libx264", "libx264: it encodes H.264; add --codec h264");
        check_refused(VideoCodec::H264, "mpeg2video", "mpeg2video: it encodes neither H.264 nor HEVC");
    }
}
