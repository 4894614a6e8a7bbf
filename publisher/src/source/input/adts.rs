//! ADTS: the header before each frame of AAC in MPEG-TS (ISO 14496-3 1.A.2.2).
//!
//! In: the head of a stream as MP4 and FLV have it, an `AudioSpecificConfig` (ISO 14496-3 1.6.2.1). Out: the header for a frame of so
//! many bytes. Pure; survives any bytes. Heads that have no place in such a header, as libav may yet know what to do with
//! them, give none.
//!
//! libav's muxer `adts` writes the same seven bytes. It is not used: the one inside libav's MPEG-TS muxer is set up once, for the
//! first film of a list, and one for each film needs a buffer between it and the packets, to save some thirty lines.

/// The header without a checksum.
pub(crate) const HEADER_BYTES: usize = 7;
/// The length of a frame has 13 bits.
const LONGEST_FRAME_BYTES: usize = (1 << 13) - 1;
/// The rate is named in the head, and not one of a list.
const NAMED_RATE: u8 = 15;
const LOW_COMPLEXITY: u8 = 2;
/// Spectral band replication, alone and with parametric stereo: decoders find them by themselves behind the core.
const EXTENSIONS: [u8; 2] = [5, 29];

/// What the headers of a stream have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Adts {
    rate_index: u8,
    channels: u8,
}

impl Adts {
    /// Reads the head.
    pub(crate) fn of_head(head: &[u8]) -> Option<Self> {
        let mut bits = Bits { bytes: head, at: 0 };
        let mut kind = bits.take(5)?;
        let rate_index = bits.take(4)?;
        let channels = bits.take(4)?;
        if EXTENSIONS.contains(&kind) {
            if bits.take(4)? == NAMED_RATE {
                return None;
            }
            kind = bits.take(5)?;
        }
        // Frames of 960 samples are marked by this bit, for which a header has no room.
        let has_short_frames = bits.take(1)? == 1;
        let fits =
            kind == LOW_COMPLEXITY && rate_index < 13 && (1..=7).contains(&channels) && !has_short_frames;
        fits.then_some(Self { rate_index, channels })
    }

    /// Reads the header of a frame.
    pub(crate) fn of_header(stored: &[u8]) -> Option<Self> {
        let [_, _, third, fourth, ..] = *stored else { return None };
        let (rate_index, channels) = (third >> 2 & 0xf, (third & 1) << 2 | fourth >> 6);
        let fits = has_header(stored) && rate_index < 13 && (1..=7).contains(&channels);
        fits.then_some(Self { rate_index, channels })
    }

    /// Samples a second of the core: ISO 14496-3 1.6.3.4.
    pub(crate) fn rate_hz(self) -> u32 {
        const RATES_HZ: [u32; 13] = [
            96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
            7_350,
        ];
        RATES_HZ.get(usize::from(self.rate_index)).copied().unwrap_or(RATES_HZ[3])
    }

    /// How many channels there are: ISO 14496-3 1.6.3.5, where the seventh arrangement has eight.
    pub(crate) fn channels(self) -> u8 {
        if self.channels == 7 { 8 } else { self.channels }
    }

    /// The header of a frame whose payload has so many bytes; `None` where that is more than any frame has.
    pub(crate) fn header(self, payload_bytes: usize) -> Option<[u8; HEADER_BYTES]> {
        let bytes = payload_bytes.checked_add(HEADER_BYTES).filter(|&bytes| bytes <= LONGEST_FRAME_BYTES)?;
        let Self { rate_index, channels } = self;
        Some([
            0xff,
            // MPEG-4, no checksum.
            0xf1,
            (LOW_COMPLEXITY - 1) << 6 | rate_index << 2 | channels >> 2,
            (channels & 3) << 6 | (bytes >> 11) as u8,
            (bytes >> 3) as u8,
            // The fullness of the buffer is all ones: the rate is not constant.
            (bytes << 5) as u8 | 0x1f,
            0xfc,
        ])
    }
}

/// Whether a packet has its header already.
pub(crate) fn has_header(stored: &[u8]) -> bool {
    matches!(stored, [0xff, second, ..] if second & 0xf6 == 0xf0)
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// Up to 8 bits.
    fn take(&mut self, count: usize) -> Option<u8> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | byte >> (7 - self.at % 8) & 1;
            self.at += 1;
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(head: &[u8], expected: Option<(u8, u8)>) {
        assert_eq!(Adts::of_head(head).map(|it| (it.rate_index, it.channels)), expected);
    }

    #[test]
    fn heads_of_usual_streams_are_read() {
        check(&[0x12, 0x10], Some((4, 2)));
        check(&[0x11, 0x90, 0x56, 0xe5, 0x00], Some((3, 2)));
        // HE-AAC: a core of 24 kHz, 48 kHz with its extension.
        check(&[0x2b, 0x11, 0x88, 0x00], Some((6, 2)));
    }

    #[test]
    fn heads_that_fit_into_no_header_are_left_to_others() {
        check(&[], None);
        check(&[0x12], None);
        check(&[0x12, 0x14], None);
        check(&[0x12, 0x00], None);
        check(&[0x17, 0x80, 0x55, 0x55, 0x00], None);
        check(&[0x0a, 0x10], None);
    }

    #[test]
    fn the_header_tells_rate_channels_and_length() {
        let header = Adts::of_head(&[0x12, 0x10]).unwrap().header(371).unwrap();
        assert_eq!(header, [0xff, 0xf1, 0x50, 0x80, 0x2f, 0x5f, 0xfc]);
        assert!(has_header(&header));
        assert!(!has_header(&[0x21, 0x1b]) && !has_header(&[0xff]));
    }

    #[test]
    fn a_frame_too_long_for_a_header_has_none() {
        let adts = Adts::of_head(&[0x12, 0x10]).unwrap();
        assert!(
            adts.header(8_184).is_some() && adts.header(8_185).is_none() && adts.header(usize::MAX).is_none()
        );
    }

    proptest! {
        #[test]
        fn no_head_is_too_strange(head: Vec<u8>, payload_bytes: usize) {
            Adts::of_head(&head).and_then(|adts| adts.header(payload_bytes));
        }
    }
}
