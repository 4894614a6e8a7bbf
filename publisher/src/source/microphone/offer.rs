//! Offer: what a microphone can send, and which of it is taken.
//!
//! In: what the system says of it. Out: the [`Format`] to open it with. Pure.

use std::fmt;

/// What the stream has: taken as it is where the microphone has it.
const WANTED_HZ: u32 = crate::captured::RATE_HZ;

/// How samples are written, in the order of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SampleKind {
    /// 32-bit floating point.
    F32,
    /// 16-bit signed.
    I16,
    /// 32-bit signed.
    I32,
    /// 8-bit unsigned.
    U8,
}

/// Something that a microphone can send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offer {
    /// Channels.
    pub channels: u16,
    /// The lowest rate.
    pub least_hz: u32,
    /// The highest rate.
    pub most_hz: u32,
    /// How samples are written.
    pub kind: SampleKind,
}

/// What a microphone is opened with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    /// Channels.
    pub channels: u16,
    /// Samples a second.
    pub rate_hz: u32,
    /// How samples are written.
    pub kind: SampleKind,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let channels = match self.channels {
            1 => "mono".to_owned(),
            2 => "stereo".to_owned(),
            more => format!("{more} channels"),
        };
        write!(f, "{channels} at {} Hz", self.rate_hz)
    }
}

/// The one that needs the least conversion: stereo, at the rate of the stream.
pub(super) fn choose(offers: &[Offer]) -> Option<Format> {
    let formats = offers.iter().filter(|offer| offer.channels > 0 && offer.most_hz > 0).map(|offer| {
        let rate_hz = WANTED_HZ.max(offer.least_hz).min(offer.most_hz);
        Format { channels: offer.channels, rate_hz, kind: offer.kind }
    });
    // A lower rate than the stream's loses more than a higher one.
    let far = |hz: u32| if hz < WANTED_HZ { 2 * (WANTED_HZ - hz) } else { hz - WANTED_HZ };
    formats.min_by_key(|format| (far(format.rate_hz), format.channels.abs_diff(2), format.kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(offers: &[(u16, u32, u32, SampleKind)], expected: Option<&str>) {
        let offers: Vec<_> = offers
            .iter()
            .map(|&(channels, least_hz, most_hz, kind)| Offer { channels, least_hz, most_hz, kind })
            .collect();
        assert_eq!(choose(&offers).map(|format| format.to_string()).as_deref(), expected);
    }

    #[test]
    fn the_least_conversion_is_chosen() {
        use SampleKind::{F32, I16, U8};
        check(
            &[(1, 8000, 96_000, U8), (2, 8000, 96_000, I16), (8, 48_000, 48_000, F32)],
            Some("stereo at 48000 Hz"),
        );
        check(&[(1, 16_000, 16_000, I16), (1, 44_100, 44_100, I16)], Some("mono at 44100 Hz"));
        check(&[(4, 96_000, 192_000, I16), (4, 32_000, 32_000, I16)], Some("4 channels at 32000 Hz"));
        check(&[(0, 0, 0, I16)], None);
        check(&[], None);
    }
}
