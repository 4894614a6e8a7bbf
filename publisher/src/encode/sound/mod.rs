//! The AAC encoder, and before it the resampler and the line of samples that has no gaps.

pub mod clock;
pub mod drift;
pub(crate) mod line;
pub(crate) mod stretch;

use std::time::Instant;

use ffmpeg::ChannelLayout;
use ffmpeg::format::Sample;
use ffmpeg::format::sample::Type;
use ffmpeg::software::resampling;
use ffmpeg_next as ffmpeg;

use super::sound::line::SoundLine;
use super::sound::stretch::Stretch;
use super::{EncodeError, samples_to_90k};
use crate::encode::sound::clock::SoundClock;
use crate::packet::EncodedPacket;
use livedir_media::Medium;
use livedir_time::ticks::of_position;

use crate::captured::{CapturedSound, RATE_HZ};

const FORMAT: Sample = Sample::F32(Type::Planar);
const LAYOUT: ChannelLayout = ChannelLayout::STEREO;

/// Sound is made longer by less than one part in this: the clock of a source is off by no more.
const LONGEST_PART: u64 = 20;

/// How long one frame of AAC is heard.
pub const FRAME_90K: i64 = of_position(1024, RATE_HZ);

/// An open encoder.
pub struct AudioEncoder {
    encoder: ffmpeg::encoder::audio::Encoder,
    clock: SoundClock,
    resampler: Option<resampling::Context>,
    stretch: Stretch,
    line: SoundLine,
    /// Samples that went into the encoder.
    encoded: i64,
}

impl AudioEncoder {
    /// Opens libav's AAC encoder for 48 kHz stereo whose sample 0 is at `origin`.
    pub fn open(audio_bps: u64, origin: Instant) -> Result<Self, EncodeError> {
        let not_opened = EncodeError::NoAudioEncoder;
        let codec = ffmpeg::encoder::find(ffmpeg::codec::Id::AAC)
            .ok_or(not_opened(ffmpeg::Error::EncoderNotFound))?;
        let context = ffmpeg::codec::context::Context::new_with_codec(codec);
        let mut encoder = context.encoder().audio().map_err(not_opened)?;
        encoder.set_rate(RATE_HZ as i32);
        encoder.set_channel_layout(LAYOUT);
        encoder.set_format(FORMAT);
        encoder.set_bit_rate(audio_bps as usize);
        encoder.set_time_base((1, RATE_HZ as i32));
        let encoder = encoder.open_as(codec).map_err(not_opened)?;
        Ok(Self {
            encoder,
            clock: SoundClock::new(RATE_HZ, origin),
            resampler: None,
            stretch: Stretch::default(),
            line: SoundLine::default(),
            encoded: 0,
        })
    }

    /// What the muxer has to know of the stream.
    #[must_use]
    pub fn parameters(&self) -> ffmpeg::codec::Parameters {
        ffmpeg::codec::Parameters::from(&self.encoder)
    }

    /// Takes a run of samples of any rate, layout and format.
    pub fn take(&mut self, sound: &CapturedSound) -> Result<Vec<EncodedPacket>, ffmpeg::Error> {
        let line = self.resample(&sound.frame, sound.stretch)?;
        let samples = line.samples();
        let joint = self.clock.offer(sound.captured_at, samples as u64);
        if joint.silence + joint.skip > 0 {
            tracing::debug!(silence = joint.silence, skip = joint.skip, "a seam in the sound");
        }
        self.line.append_silence(joint.silence as usize);
        let [left, right] = [0, 1].map(|channel| &line.plane::<f32>(channel)[..samples]);
        self.line.append(left, right, joint.skip as usize);
        self.encode_whole_frames()
    }

    /// Silence where sound should have come by `now`.
    pub fn fill_overdue(&mut self, now: Instant) -> Result<Vec<EncodedPacket>, ffmpeg::Error> {
        let samples = self.clock.overdue(now);
        self.fill(samples)
    }

    /// Silence up to `moment`, where no more sound is waited for.
    pub fn fill_until(&mut self, moment: Instant) -> Result<Vec<EncodedPacket>, ffmpeg::Error> {
        let samples = self.clock.silence_until(moment);
        self.fill(samples)
    }

    fn fill(&mut self, samples: u64) -> Result<Vec<EncodedPacket>, ffmpeg::Error> {
        self.line.append_silence(samples as usize);
        self.encode_whole_frames()
    }

    /// Leaves out everything before `moment`, as the video does.
    pub fn leap(&mut self, moment: Instant) {
        let partly_filled = self.line.len() as i64;
        self.line.clear();
        self.encoded += partly_filled + self.clock.leap(moment) as i64;
    }

    /// The last, partly filled frame and what the encoder still holds; the last call.
    pub fn finish(&mut self) -> Result<Vec<EncodedPacket>, ffmpeg::Error> {
        let mut packets = Vec::new();
        let frame_samples = self.frame_samples();
        while self.line.len() > 0 {
            self.send_frame(self.line.len().min(frame_samples))?;
            self.receive(&mut packets)?;
        }
        self.encoder.send_eof()?;
        self.receive(&mut packets)?;
        Ok(packets)
    }

    fn frame_samples(&self) -> usize {
        self.encoder.frame_size().max(1) as usize
    }

    fn encode_whole_frames(&mut self) -> Result<Vec<EncodedPacket>, ffmpeg::Error> {
        let mut packets = Vec::new();
        let frame_samples = self.frame_samples();
        while self.line.ready() >= frame_samples {
            self.send_frame(frame_samples)?;
            self.receive(&mut packets)?;
        }
        Ok(packets)
    }

    fn send_frame(&mut self, samples: usize) -> Result<(), ffmpeg::Error> {
        let mut frame = ffmpeg::frame::Audio::new(FORMAT, samples, LAYOUT);
        frame.set_rate(RATE_HZ);
        frame.set_pts(Some(self.encoded));
        for (at, [left, right]) in self.line.take(samples).enumerate() {
            frame.plane_mut::<f32>(0)[at] = left;
            frame.plane_mut::<f32>(1)[at] = right;
        }
        self.encoded += samples as i64;
        self.encoder.send_frame(&frame)
    }

    fn receive(&mut self, packets: &mut Vec<EncodedPacket>) -> Result<(), ffmpeg::Error> {
        loop {
            let mut packet = ffmpeg::Packet::empty();
            match self.encoder.receive_packet(&mut packet) {
                Ok(()) => {}
                Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: ffmpeg::error::EAGAIN }) => {
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
            let pts = packet.pts().unwrap_or_default();
            let dts_90k = samples_to_90k(pts);
            let duration_90k = samples_to_90k(pts + packet.duration()) - dts_90k;
            packet.set_pts(Some(dts_90k));
            packet.set_dts(Some(dts_90k));
            packet.set_duration(duration_90k);
            packets.push(EncodedPacket {
                medium: Medium::Audio,
                dts_90k,
                duration_90k,
                keyframe_filmed_at: None,
                boundary: None,
                packet,
            });
        }
    }

    /// `stretch`: as in [`CapturedSound`].
    fn resample(
        &mut self,
        frame: &ffmpeg::frame::Audio,
        stretch: f64,
    ) -> Result<ffmpeg::frame::Audio, ffmpeg::Error> {
        let layout = frame.channel_layout();
        let is_for = |context: &resampling::Context| {
            let input = context.input();
            (input.format, input.channel_layout, input.rate) == (frame.format(), layout, frame.rate())
        };
        if !self.resampler.as_ref().is_some_and(is_for) {
            if frame.rate() == 0 || layout.is_empty() {
                return Err(ffmpeg::Error::InvalidData);
            }
            let context =
                resampling::Context::get(frame.format(), layout, frame.rate(), FORMAT, LAYOUT, RATE_HZ)?;
            self.resampler = Some(context);
            self.stretch = Stretch::default();
        }
        let Some(resampler) = &mut self.resampler else { return Err(ffmpeg::Error::Bug) };
        self.stretch.apply(resampler, drift::steer(stretch, self.clock.stretch()))?;
        let waiting = resampler.delay().map_or(0, |delay| delay.output.max(0) as u64);
        let room = frame.samples() as u64 * u64::from(RATE_HZ) / u64::from(frame.rate());
        let room = room + room / LONGEST_PART + waiting + 32;
        let mut line = ffmpeg::frame::Audio::new(FORMAT, room as usize, LAYOUT);
        resampler.run(frame, &mut line)?;
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn tone(rate_hz: u32, samples: usize, layout: ChannelLayout) -> ffmpeg::frame::Audio {
        let mut frame = ffmpeg::frame::Audio::new(Sample::I16(Type::Packed), samples, layout);
        frame.set_rate(rate_hz);
        frame
    }

    #[test]
    fn a_tone_from_a_sound_card_that_is_off_comes_out_whole_and_in_step() {
        ffmpeg::init().unwrap();
        for card_hz in [47_980.0, 48_020.0] {
            let origin = Instant::now();
            let mut encoder = AudioEncoder::open(128_000, origin).unwrap();
            let (mut phase, mut last, mut steepest) = (0.0_f32, 0.0_f32, 0.0_f32);
            for n in 0..6000_u32 {
                let mut frame = ffmpeg::frame::Audio::new(FORMAT, 960, LAYOUT);
                frame.set_rate(RATE_HZ);
                for at in 0..960 {
                    phase = (phase + std::f32::consts::TAU * 440.0 / card_hz) % std::f32::consts::TAU;
                    frame.plane_mut::<f32>(0)[at] = phase.sin();
                    frame.plane_mut::<f32>(1)[at] = phase.sin();
                }
                let captured_at = origin + Duration::from_secs_f64(f64::from(n) * 960.0 / f64::from(card_hz));
                let line = encoder.resample(&frame, 0.0).unwrap();
                for sample in &line.plane::<f32>(0)[..line.samples()] {
                    steepest = steepest.max((sample - last).abs());
                    last = *sample;
                }
                let joint = encoder.clock.offer(captured_at, line.samples() as u64);
                assert_eq!(joint.silence + joint.skip, 0, "run {n}");
            }
            // 440 Hz rises by 0.0576 in a sample; one sample left out or put in would double that.
            assert!((0.057..0.065).contains(&steepest), "a step of {steepest} at {card_hz} Hz");
            let found_ppm = encoder.clock.stretch() * 1e6;
            let card_ppm = (f64::from(card_hz) / 48_000.0 - 1.0) * 1e6;
            assert!((found_ppm + card_ppm).abs() < 60.0, "{found_ppm} ppm for {card_ppm}");
        }
    }

    #[test]
    fn any_rate_and_layout_becomes_an_unbroken_line_of_packets() {
        ffmpeg::init().unwrap();
        let origin = Instant::now();
        let mut encoder = AudioEncoder::open(128_000, origin).unwrap();
        let mut packets = Vec::new();
        for n in 0..100_u32 {
            let (rate_hz, layout) =
                if n < 50 { (44_100, ChannelLayout::MONO) } else { (22_050, ChannelLayout::_5POINT1) };
            let frame = tone(rate_hz, rate_hz as usize / 50, layout);
            let captured_at = origin + Duration::from_millis(20) * n;
            packets.extend(encoder.take(&CapturedSound { frame, captured_at, stretch: 0.0 }).unwrap());
        }
        packets.extend(encoder.finish().unwrap());
        let ends: i64 = packets.iter().map(|packet| packet.duration_90k).sum();
        assert!((ends - 2 * 90_000).abs() < 90 * 60, "2 s came out as {} ms", ends / 90);
        for pair in packets.windows(2) {
            assert!((pair[0].dts_90k + pair[0].duration_90k - pair[1].dts_90k).abs() <= 1);
        }
    }
}
