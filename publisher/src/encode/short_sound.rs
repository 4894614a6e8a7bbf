//! Short sound: silence or the sound of a short film, encoded once, at the rate and with the channels of a source that is copied.
//!
//! In: runs of samples of any rate, layout and format, each with its time. Out: frames of AAC without headers. Only so much is kept as the
//! film beside it may last.

use ffmpeg::ChannelLayout;
use ffmpeg::format::Sample;
use ffmpeg::format::sample::Type;
use ffmpeg::software::resampling;
use ffmpeg_next as ffmpeg;

use super::EncodeError;
use livedir_time::ticks::{of_duration, whole_pictures};
use std::time::Duration;

const FORMAT: Sample = Sample::F32(Type::Planar);

/// Samples of each channel in a frame.
pub(crate) const FRAME_SAMPLES: u32 = 1024;

/// Sound that begins so much later than that before it ended is behind a pause; less is an inexact timestamp.
const PAUSE: Duration = Duration::from_millis(50);

/// Room in the buffer of the resampler beside what it is given.
const ROOM_SAMPLES: usize = 64;

/// Bits a second of each channel.
const CHANNEL_BPS: usize = 64_000;

/// Sound that is gathered.
pub(crate) struct ShortSound {
    encoder: ffmpeg::encoder::audio::Encoder,
    rate_hz: u32,
    layout: ChannelLayout,
    resampler: Option<resampling::Context>,
    /// Of each channel.
    samples: Vec<Vec<f32>>,
}

impl ShortSound {
    /// Of this rate, with so many channels.
    pub(crate) fn open(rate_hz: u32, channels: u8) -> Result<Self, EncodeError> {
        let not_opened = EncodeError::NoAudioEncoder;
        let codec = ffmpeg::encoder::find(ffmpeg::codec::Id::AAC)
            .ok_or(not_opened(ffmpeg::Error::EncoderNotFound))?;
        let layout = ChannelLayout::default(i32::from(channels));
        let mut encoder = ffmpeg::codec::context::Context::new_with_codec(codec).encoder().audio()?;
        encoder.set_rate(rate_hz as i32);
        encoder.set_channel_layout(layout);
        encoder.set_format(FORMAT);
        encoder.set_bit_rate(usize::from(channels) * CHANNEL_BPS);
        encoder.set_time_base((1, rate_hz as i32));
        let encoder = encoder.open_as(codec).map_err(not_opened)?;
        let samples = vec![Vec::new(); usize::from(channels)];
        Ok(Self { encoder, rate_hz, layout, resampler: None, samples })
    }

    /// Samples of each channel that are there.
    fn len(&self) -> usize {
        self.samples.first().map_or(0, Vec::len)
    }

    /// Nothing has come.
    pub(crate) fn is_silent(&self) -> bool {
        self.len() == 0
    }

    fn samples_in(&self, span: Duration) -> usize {
        whole_pictures(of_duration(span), self.rate_hz) as usize
    }

    fn fill_up_to(&mut self, length: usize) {
        self.samples.iter_mut().for_each(|channel| channel.resize(channel.len().max(length), 0.0));
    }

    /// A run that is heard `since` the start.
    pub(crate) fn push(&mut self, run: &ffmpeg::frame::Audio, since: Duration) -> Result<(), EncodeError> {
        let begins = self.samples_in(since);
        if begins > self.len() + self.samples_in(PAUSE) {
            self.fill_up_to(begins);
        }
        let line = self.resample(run)?;
        for (at, channel) in self.samples.iter_mut().enumerate() {
            channel.extend_from_slice(&line.plane::<f32>(at)[..line.samples()]);
        }
        Ok(())
    }

    fn resample(&mut self, run: &ffmpeg::frame::Audio) -> Result<ffmpeg::frame::Audio, ffmpeg::Error> {
        let layout = run.channel_layout();
        let is_for = |context: &resampling::Context| {
            let input = context.input();
            (input.format, input.channel_layout, input.rate) == (run.format(), layout, run.rate())
        };
        if run.rate() == 0 || layout.is_empty() {
            return Err(ffmpeg::Error::InvalidData);
        }
        if !self.resampler.as_ref().is_some_and(is_for) {
            let (rate, format) = (self.rate_hz, run.format());
            let context = resampling::Context::get(format, layout, run.rate(), FORMAT, self.layout, rate)?;
            self.resampler = Some(context);
        }
        let Some(resampler) = &mut self.resampler else { return Err(ffmpeg::Error::Bug) };
        let waiting = resampler.delay().map_or(0, |delay| delay.output.max(0) as usize);
        let given = run.samples() as u64 * u64::from(self.rate_hz) / u64::from(run.rate());
        let mut line =
            ffmpeg::frame::Audio::new(FORMAT, given as usize + waiting + ROOM_SAMPLES, self.layout);
        resampler.run(run, &mut line)?;
        Ok(line)
    }

    /// So many frames, at least one: the rest is cut off, and what is missing is silent.
    pub(crate) fn finish(mut self, frames: usize) -> Result<Vec<Vec<u8>>, EncodeError> {
        let frame_samples = FRAME_SAMPLES as usize;
        let frames = frames.max(1);
        // The first frame that comes out is the encoder's lead-in, so one more goes in.
        self.fill_up_to((frames + 1) * frame_samples);
        let mut coded = Vec::new();
        for at in 0..=frames {
            let mut frame = ffmpeg::frame::Audio::new(FORMAT, frame_samples, self.layout);
            frame.set_rate(self.rate_hz);
            frame.set_pts(Some((at * frame_samples) as i64));
            for (number, channel) in self.samples.iter().enumerate() {
                let from = at * frame_samples;
                frame.plane_mut::<f32>(number).copy_from_slice(&channel[from..from + frame_samples]);
            }
            self.encoder.send_frame(&frame)?;
            self.receive(&mut coded)?;
        }
        self.encoder.send_eof()?;
        self.receive(&mut coded)?;
        coded.drain(..1.min(coded.len()));
        coded.truncate(frames);
        if coded.is_empty() { Err(EncodeError::Libav(ffmpeg::Error::InvalidData)) } else { Ok(coded) }
    }

    fn receive(&mut self, coded: &mut Vec<Vec<u8>>) -> Result<(), EncodeError> {
        loop {
            let mut packet = ffmpeg::Packet::empty();
            match self.encoder.receive_packet(&mut packet) {
                Ok(()) => coded.push(packet.data().unwrap_or_default().to_vec()),
                Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: ffmpeg::error::EAGAIN }) => {
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_silence_at_each_rate_and_for_all_channels() {
        for rate_hz in [8_000, 22_050, 44_100, 48_000, 96_000] {
            for channels in [1, 2, 6, 8] {
                let frames = ShortSound::open(rate_hz, channels).unwrap().finish(1).unwrap();
                assert_eq!(frames.len(), 1);
                let bytes = frames[0].len();
                assert!((2..200).contains(&bytes), "{rate_hz} Hz, {channels} channels: {bytes} bytes");
            }
        }
    }

    #[test]
    fn sound_of_another_rate_is_as_long_as_it_was_and_starts_when_it_started() {
        let mut sound = ShortSound::open(44_100, 2).unwrap();
        for n in 0..10_u64 {
            let mut run = ffmpeg::frame::Audio::new(Sample::I16(Type::Packed), 4_800, ChannelLayout::MONO);
            run.set_rate(48_000);
            run.plane_mut::<i16>(0).fill(8_000);
            sound.push(&run, Duration::from_millis(500 + n * 100)).unwrap();
        }
        let first = sound.samples[0].iter().position(|sample| sample.abs() > 0.1).unwrap();
        assert!(first.abs_diff(22_050) < 50, "{first}");
        assert!(sound.len().abs_diff(66_150) < 50, "{}", sound.len());
        assert_eq!(sound.finish(70).unwrap().len(), 70);
    }
}
