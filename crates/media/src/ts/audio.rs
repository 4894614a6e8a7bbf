//! Audio: when it begins and ends, and what it is. AAC is walked from ADTS header to ADTS header; other codecs only tell their times.

use super::pes::StreamScan;
use livedir_time::clock_33_bit::{distance_90k, later_90k};
use livedir_time::ticks::of_samples;

/// The audio of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioFacts {
    /// When it begins, 33 bits.
    pub start_90k: u64,
    /// When its last whole frame ends, 33 bits; for codecs other than AAC, when the last PES packet begins.
    pub end_90k: u64,
    /// What it is.
    pub codec: AudioCodec,
}

/// What the audio is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudioCodec {
    /// AAC in ADTS.
    Aac {
        /// Samples per second.
        sample_rate_hz: u32,
        /// Channels; 0 when the stream tells them in another place.
        channels: u8,
    },
    /// Something else, by its stream type.
    Other(u8),
}

impl AudioFacts {
    /// From its start to its end.
    #[must_use]
    pub fn duration_90k(&self) -> u64 {
        distance_90k(self.start_90k, self.end_90k).max(0) as u64
    }
}

impl AudioCodec {
    /// How long one frame of 1,024 samples lasts; 0 when not known.
    #[must_use]
    pub fn frame_90k(self) -> u64 {
        match self {
            AudioCodec::Aac { sample_rate_hz, .. } => samples_90k(AAC_FRAME_SAMPLES, sample_rate_hz),
            AudioCodec::Other(_) => 0,
        }
    }
}

const AAC_FRAME_SAMPLES: u64 = 1_024;
const ADTS_HEADER_BYTES: usize = 7;
/// ISO 14496-3 table 1.18.
const SAMPLE_RATES_HZ: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

pub(crate) struct AudioScan {
    stream_type: u8,
    is_adts: bool,
    first_pts_90k: Option<u64>,
    last_pts_90k: u64,
    /// Samples in the whole frames since `last_pts_90k`.
    samples_since: u64,
    /// Of the first header.
    format: Option<(u32, u8)>,
    header: [u8; ADTS_HEADER_BYTES],
    header_bytes: usize,
    /// Bytes of the current frame still to come, and its samples.
    frame_bytes_left: usize,
    frame_samples: u64,
    /// The walk lost its way; it begins again at the next PES packet.
    lost: bool,
}

impl AudioScan {
    pub(crate) fn new(stream_type: u8, is_adts: bool) -> Self {
        Self {
            stream_type,
            is_adts,
            first_pts_90k: None,
            last_pts_90k: 0,
            samples_since: 0,
            format: None,
            header: [0; ADTS_HEADER_BYTES],
            header_bytes: 0,
            frame_bytes_left: 0,
            frame_samples: 0,
            lost: true,
        }
    }
}

impl StreamScan for AudioScan {
    fn start(&mut self, pts_90k: Option<u64>) {
        if let Some(pts_90k) = pts_90k {
            self.first_pts_90k.get_or_insert(pts_90k);
            self.last_pts_90k = pts_90k;
            self.samples_since = 0;
        }
        if self.lost {
            (self.lost, self.header_bytes, self.frame_bytes_left) = (false, 0, 0);
        }
    }

    fn push(&mut self, mut stream_bytes: &[u8]) {
        while self.is_adts && !self.lost && !stream_bytes.is_empty() {
            if self.frame_bytes_left > 0 {
                let step = self.frame_bytes_left.min(stream_bytes.len());
                stream_bytes = &stream_bytes[step..];
                self.frame_bytes_left -= step;
                if self.frame_bytes_left == 0 {
                    self.samples_since += self.frame_samples;
                }
            } else {
                self.header[self.header_bytes] = stream_bytes[0];
                stream_bytes = &stream_bytes[1..];
                self.header_bytes += 1;
                if self.header_bytes == ADTS_HEADER_BYTES {
                    self.header_bytes = 0;
                    self.read_header();
                }
            }
        }
    }
}

impl AudioScan {
    fn read_header(&mut self) {
        let [b0, b1, b2, b3, b4, b5, b6] = self.header;
        let frame_bytes = usize::from(b3 & 3) << 11 | usize::from(b4) << 3 | usize::from(b5 >> 5);
        let sample_rate_hz = SAMPLE_RATES_HZ.get(usize::from(b2 >> 2 & 0x0f));
        // Sync word, layer 0, a known rate, and a frame that holds something.
        match sample_rate_hz {
            Some(&sample_rate_hz) if b0 == 0xff && b1 & 0xf6 == 0xf0 && frame_bytes > ADTS_HEADER_BYTES => {
                self.format.get_or_insert((sample_rate_hz, (b2 & 1) << 2 | b3 >> 6));
                self.frame_bytes_left = frame_bytes - ADTS_HEADER_BYTES;
                self.frame_samples = AAC_FRAME_SAMPLES * (u64::from(b6 & 3) + 1);
            }
            _ => self.lost = true,
        }
    }

    /// `None` when no time came.
    pub(crate) fn finish(self) -> Option<AudioFacts> {
        let start_90k = self.first_pts_90k?;
        let (codec, tail_90k) = match self.format {
            Some((sample_rate_hz, channels)) => (
                AudioCodec::Aac { sample_rate_hz, channels },
                samples_90k(self.samples_since, sample_rate_hz),
            ),
            None => (AudioCodec::Other(self.stream_type), 0),
        };
        Some(AudioFacts { start_90k, end_90k: later_90k(self.last_pts_90k, tail_90k), codec })
    }
}

/// No rate of the table is 0.
fn samples_90k(samples: u64, sample_rate_hz: u32) -> u64 {
    of_samples(samples, sample_rate_hz).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One AAC frame, 48 kHz stereo, of `bytes` bytes.
    fn frame(bytes: usize) -> Vec<u8> {
        let mut frame = vec![0; bytes];
        let length = bytes as u16;
        frame[..7].copy_from_slice(&[
            0xff,
            0xf1,
            0x4c,
            0x80 | (length >> 11) as u8,
            (length >> 3) as u8,
            (length << 5) as u8 | 0x1f,
            0xfc,
        ]);
        frame
    }

    #[track_caller]
    fn check(pushes: &[(Option<u64>, &[u8])], chunk_bytes: usize, expected: Option<&AudioFacts>) {
        let mut scan = AudioScan::new(0x0f, true);
        for (pts_90k, bytes) in pushes {
            scan.start(*pts_90k);
            bytes.chunks(chunk_bytes).for_each(|chunk| scan.push(chunk));
        }
        assert_eq!(scan.finish().as_ref(), expected);
    }

    const AAC: AudioCodec = AudioCodec::Aac { sample_rate_hz: 48_000, channels: 2 };

    #[test]
    fn the_end_is_the_end_of_the_last_frame() {
        let two = [frame(40), frame(33)].concat();
        let expected = AudioFacts { start_90k: 100, end_90k: 3_940 + 2 * 1_920, codec: AAC };
        for chunk_bytes in 1..two.len() {
            check(&[(Some(100), &two), (Some(3_940), &two)], chunk_bytes, Some(&expected));
        }
    }

    #[test]
    fn a_frame_that_is_not_whole_does_not_count() {
        let expected = AudioFacts { start_90k: 100, end_90k: 100, codec: AAC };
        check(&[(Some(100), &frame(40)[..39])], 50, Some(&expected));
    }

    #[test]
    fn the_walk_finds_its_way_again_at_the_next_pes_packet() {
        let expected = AudioFacts { start_90k: 100, end_90k: 2_020 + 1_920, codec: AAC };
        check(&[(Some(100), &[1, 2, 3, 4, 5, 6, 7, 8, 9]), (Some(2_020), &frame(20))], 50, Some(&expected));
    }

    #[test]
    fn audio_without_a_time_is_no_audio() {
        check(&[(None, &frame(20))], 50, None);
    }
}
