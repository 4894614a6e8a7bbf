//! HEVC: types of NAL units, and the sequence parameter set as far as size and rate stand in it. Pure; survives any bytes,
//! and keeps no more than the numbers of one set of reference pictures.
//!
//! The bits are read by `h264-reader`, which has the same escapes and numbers; chapters are those of ITU-T H.265.
//!
//! No crate reads the rest. `scuffle-h265` 0.2 panics on 1.5 % of sets with damaged bits, gives no size where only what stands
//! behind it is damaged, and drops bits that the name of the codec needs; `hevc_parser` 0.6 hands out neither size nor rate.

use std::fmt::Write as _;
use std::num::NonZeroUsize;

use super::picture::{LONGEST_INTERVAL_90K, Picture};
use super::{Nal, Slice};
use h264_reader::rbsp::{BitRead, BitReader, BitReaderError, ByteReader};
use livedir_time::ticks::of_samples;

const NAL_HEADER_BYTES: NonZeroUsize = NonZeroUsize::new(2).unwrap();

/// Profile, compatibility, constraints and level: 7.3.3.
const PROFILE_BYTES: usize = 12;

/// The specification's own limits (7.4.3.2, 7.4.8): more is damage.
const MOST_REFERENCE_SETS: u32 = 64;
const MOST_REFERENCES: u32 = 16;
const MOST_LONG_TERM_REFERENCES: u32 = 32;
const MOST_ORDER_COUNT_BITS: u32 = 16;

/// Table 7-1.
pub(super) fn is_delimiter(first_byte: u8) -> bool {
    first_byte >> 1 & 0x3f == 35
}

/// Table 7-1: `PREFIX_SEI_NUT`.
pub(super) fn is_sei(first_byte: u8) -> bool {
    first_byte >> 1 & 0x3f == 39
}

/// The number of a parameter set: 7.3.2.1 to 7.3.2.3.
pub(super) fn set_number(set: Nal, unit: &[u8]) -> Option<u32> {
    let mut bits = BitReader::new(ByteReader::skipping_bytes(unit, NAL_HEADER_BYTES));
    match set {
        Nal::Vps => bits.read::<4, u32>("number").ok(),
        Nal::Sps => sps_number(&mut bits).ok(),
        _ => bits.read_ue("number").ok(),
    }
}

/// 7.3.2.2.1 and 7.3.3: the number of an SPS stands behind the profiles and levels, of which each sublayer may have its own.
fn sps_number(bits: &mut impl BitRead) -> Read<u32> {
    bits.skip(4, "number of the VPS")?;
    let sublayers = bits.read::<3, u32>("sublayers besides one")?;
    bits.skip(1 + 88 + 8, "nesting, profile and level of all")?;
    let mut of_sublayers_bits = 0;
    for _ in 0..sublayers {
        of_sublayers_bits += if bits.read_bit("has a profile")? { 88 } else { 0 };
        of_sublayers_bits += if bits.read_bit("has a level")? { 8 } else { 0 };
    }
    if sublayers > 0 {
        bits.skip(2 * (8 - sublayers), "reserved")?;
    }
    bits.skip(of_sublayers_bits, "profiles and levels of sublayers")?;
    bits.read_ue("number")
}

/// Table 7-1. In the first byte the type stands between one bit that is 0 and one of the layer.
pub(super) fn nal(first_byte: u8) -> Nal {
    match first_byte >> 1 & 0x3f {
        8 | 9 => Nal::Slice(Slice::AcrossOpenGop),
        0..=15 => Nal::Slice(Slice::Dependent),
        // BLA says of itself that what comes before it is not needed; 22 and 23 are reserved for more of their kind.
        16..=20 | 22 | 23 => Nal::Slice(Slice::Idr),
        21 => Nal::Slice(Slice::OpenGop),
        32 => Nal::Vps,
        33 => Nal::Sps,
        34 => Nal::Pps,
        _ => Nal::Other,
    }
}

pub(super) fn read_sps(sps: &[u8]) -> Option<Picture> {
    Sps(BitReader::new(ByteReader::skipping_bytes(sps, NAL_HEADER_BYTES))).read().ok().flatten()
}

/// A sequence parameter set that is being read.
struct Sps<'a>(BitReader<ByteReader<&'a [u8]>>);

type Read<T> = Result<T, BitReaderError>;

impl Sps<'_> {
    /// 7.3.2.2.1; `None` where a number is out of its range.
    fn read(&mut self) -> Read<Option<Picture>> {
        self.skip(4)?;
        let sub_layers = self.bits(3)?;
        self.skip(1)?;
        let profile = self.profile(sub_layers)?;
        self.number()?;
        let chroma_format = self.number()?;
        if chroma_format == 3 {
            self.skip(1)?;
        }
        let (width, height) = (self.number()?, self.number()?);
        let cropped = if self.flag()? { self.window(chroma_format)? } else { (0, 0) };
        let size = width.checked_sub(cropped.0).zip(height.checked_sub(cropped.1));
        let Some((width, height)) = size.filter(|(width, height)| *width > 0 && *height > 0) else {
            return Ok(None);
        };
        // Without a readable rest the rate is unknown and no more.
        let frame_interval_90k = self.tick(sub_layers).ok().flatten().and_then(interval_90k);
        Ok(Some(Picture { width, height, codec: codec(&profile), frame_interval_90k }))
    }

    /// 7.3.3.
    fn profile(&mut self, sub_layers: u32) -> Read<[u8; PROFILE_BYTES]> {
        let mut general = [0; PROFILE_BYTES];
        for byte in &mut general {
            *byte = self.0.read::<8, u8>("profile")?;
        }
        let mut bits = 0;
        for _ in 0..sub_layers {
            bits += 88 * u32::from(self.flag()?) + 8 * u32::from(self.flag()?);
        }
        if sub_layers > 0 {
            bits += 2 * (8 - sub_layers);
        }
        self.skip(bits)?;
        Ok(general)
    }

    /// What the conformance window cuts off, in pixels: width and height.
    fn window(&mut self, chroma_format: u32) -> Read<(u32, u32)> {
        // Table 6-1.
        let (across, down) = match chroma_format {
            1 => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        };
        let (left, right) = (self.number()?, self.number()?);
        let (top, bottom) = (self.number()?, self.number()?);
        Ok((
            left.saturating_add(right).saturating_mul(across),
            top.saturating_add(bottom).saturating_mul(down),
        ))
    }

    /// What stands behind the size, up to the tick of the clock, E.2.1: its numerator and denominator in seconds.
    fn tick(&mut self, sub_layers: u32) -> Read<Option<(u32, u32)>> {
        self.numbers(2)?;
        let order_count_bits = self.number()?.saturating_add(4);
        let of_each_layer = self.flag()?;
        self.numbers(if of_each_layer { 3 * (sub_layers + 1) } else { 3 })?;
        self.numbers(6)?;
        // A list may be there, and then may be given.
        if self.flag()? && self.flag()? {
            self.scaling_lists()?;
        }
        self.skip(2)?;
        if self.flag()? {
            self.skip(8)?;
            self.numbers(2)?;
            self.skip(1)?;
        }
        if order_count_bits > MOST_ORDER_COUNT_BITS || self.reference_sets()?.is_none() {
            return Ok(None);
        }
        if self.flag()? {
            let references = self.number()?;
            if references > MOST_LONG_TERM_REFERENCES {
                return Ok(None);
            }
            self.skip(references * (order_count_bits + 1))?;
        }
        self.skip(2)?;
        if self.flag()? { self.tick_of_usability() } else { Ok(None) }
    }

    /// 7.3.4.
    fn scaling_lists(&mut self) -> Read<()> {
        for size in 0..4 {
            let lists = if size == 3 { 2 } else { 6 };
            for _ in 0..lists {
                if self.flag()? {
                    let has_base = size > 1;
                    let coefficients = 64.min(1 << (4 + 2 * size));
                    self.numbers(coefficients + u32::from(has_base))?;
                } else {
                    self.number()?;
                }
            }
        }
        Ok(())
    }

    /// 7.3.7. How many flags a set takes depends on the set before it: on the distances of its pictures, those before in the
    /// order in which they lie away, then those behind.
    fn reference_sets(&mut self) -> Read<Option<()>> {
        let sets = self.number()?;
        if sets > MOST_REFERENCE_SETS {
            return Ok(None);
        }
        let mut distances: Vec<i64> = Vec::new();
        for set in 0..sets {
            let follows_another = set > 0 && self.flag()?;
            if follows_another {
                let is_back = self.flag()?;
                let by = i64::from(self.number()?) + 1;
                let by = if is_back { -by } else { by };
                let mut moved = Vec::new();
                for distance in distances.iter().chain(&[0]) {
                    // Used by this picture, or kept for others; the second is asked for where the first is not so.
                    let is_kept = self.flag()? || self.flag()?;
                    if is_kept && distance + by != 0 {
                        moved.push(distance + by);
                    }
                }
                moved.sort_by_key(|distance| (*distance > 0, distance.abs()));
                distances = moved;
            } else {
                let (before, behind) = (self.number()?, self.number()?);
                if before > MOST_REFERENCES || behind > MOST_REFERENCES {
                    return Ok(None);
                }
                distances.clear();
                for (pictures, sign) in [(before, -1), (behind, 1)] {
                    let mut distance = 0;
                    for _ in 0..pictures {
                        distance += i64::from(self.number()?) + 1;
                        self.skip(1)?;
                        distances.push(sign * distance);
                    }
                }
            }
            if distances.len() > 2 * MOST_REFERENCES as usize {
                return Ok(None);
            }
        }
        Ok(Some(()))
    }

    /// E.2.1.
    fn tick_of_usability(&mut self) -> Read<Option<(u32, u32)>> {
        const EXTENDED_SHAPE: u32 = 255;
        if self.flag()? && self.bits(8)? == EXTENDED_SHAPE {
            self.skip(32)?;
        }
        if self.flag()? {
            self.skip(1)?;
        }
        if self.flag()? {
            self.skip(4)?;
            if self.flag()? {
                self.skip(24)?;
            }
        }
        if self.flag()? {
            self.numbers(2)?;
        }
        self.skip(3)?;
        if self.flag()? {
            self.numbers(4)?;
        }
        if self.flag()? { Ok(Some((self.bits(32)?, self.bits(32)?))) } else { Ok(None) }
    }

    fn bits(&mut self, bits: u32) -> Read<u32> {
        self.0.read_var(bits, "bits")
    }

    fn flag(&mut self) -> Read<bool> {
        self.0.read_bit("flag")
    }

    fn number(&mut self) -> Read<u32> {
        self.0.read_ue("number")
    }

    /// Passes over so many numbers, signed or not: they are as long.
    fn numbers(&mut self, count: u32) -> Read<()> {
        (0..count).try_for_each(|_| self.number().map(drop))
    }

    fn skip(&mut self, bits: u32) -> Read<()> {
        self.0.skip(bits, "skipped")
    }
}

/// E.3.1: a picture is shown for one tick.
fn interval_90k((numerator, denominator): (u32, u32)) -> Option<u64> {
    let interval_90k = of_samples(u64::from(numerator), denominator)?;
    (1..=LONGEST_INTERVAL_90K).contains(&interval_90k).then_some(interval_90k)
}

/// ISO 14496-15 E.3, as in RFC 6381: profile, compatibility with its bits turned round, tier and level, and constraints up to
/// the last that is not 0. `hvc1`, because what plays MPEG-TS in a browser moves the parameter sets to where that name has them.
fn codec(profile: &[u8; PROFILE_BYTES]) -> String {
    let [first, compatible @ .., level] = profile;
    let (compatible, constraints) = compatible.split_at(4);
    let space = ["", "A", "B", "C"][usize::from(first >> 6)];
    let tier = if first & 0x20 == 0 { 'L' } else { 'H' };
    let compatible = compatible.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)).reverse_bits();
    let mut text = format!("hvc1.{space}{}.{compatible:X}.{tier}{level}", first & 0x1f);
    let told = constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    for byte in &constraints[..told] {
        let _ = write!(text, ".{byte:X}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 322x182 at 25 pictures a second, as x265 writes it.
    const SPS: &[u8] = &[
        0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00,
        0x3c, 0xa0, 0x0a, 0x48, 0x0b, 0x9c, 0x95, 0x96, 0x56, 0x69, 0x24, 0xca, 0xf0, 0x16, 0x80, 0x80, 0x00,
        0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x0c, 0x84,
    ];

    #[test]
    fn size_rate_and_codec_are_read_from_the_parameter_set() {
        let picture = read_sps(SPS).expect("it is whole");
        assert_eq!((picture.width, picture.height), (322, 182), "cropped");
        assert_eq!(picture.codec, "hvc1.1.6.L60.90");
        assert_eq!(picture.frame_interval_90k, Some(3_600));
    }

    #[test]
    fn a_parameter_set_cut_behind_its_size_tells_all_but_the_rate() {
        let read: Vec<_> = (0..SPS.len()).map(|bytes| read_sps(&SPS[..bytes])).collect();
        assert!(read[..22].iter().all(Option::is_none), "{read:?}");
        for picture in read[26..40].iter().map(|picture| picture.as_ref().expect("the size is whole")) {
            assert_eq!((picture.width, picture.frame_interval_90k), (322, None));
        }
    }

    #[track_caller]
    fn check_codec(profile: [u8; PROFILE_BYTES], expected: &str) {
        assert_eq!(codec(&profile), expected);
    }

    #[test]
    fn codecs_are_named_as_players_expect_them() {
        check_codec([0x01, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93], "hvc1.1.6.L93.B0");
        check_codec([0x22, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 153], "hvc1.2.4.H153");
        check_codec([0x44, 0, 0, 0, 1, 0x9d, 0, 8, 0, 0, 0, 120], "hvc1.A4.80000000.L120.9D.0.8");
    }

    #[track_caller]
    fn check_nal(nal_type: u8, expected: Nal) {
        for layer_bit in [0, 1] {
            assert_eq!(nal(nal_type << 1 | layer_bit), expected, "{nal_type}");
        }
    }

    #[test]
    fn pictures_are_told_by_what_they_need() {
        check_nal(1, Nal::Slice(Slice::Dependent));
        check_nal(7, Nal::Slice(Slice::Dependent));
        check_nal(9, Nal::Slice(Slice::AcrossOpenGop));
        check_nal(16, Nal::Slice(Slice::Idr));
        check_nal(19, Nal::Slice(Slice::Idr));
        check_nal(21, Nal::Slice(Slice::OpenGop));
        check_nal(32, Nal::Vps);
        check_nal(35, Nal::Other);
    }
}
