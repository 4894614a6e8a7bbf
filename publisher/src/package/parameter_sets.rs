//! Parameter sets: what a decoder has to know before it can read a picture. Encoders write them with keyframes only; a player
//! that joins in the middle of a segment, or asks for each part by itself, needs them in every part.
//!
//! In: the pictures of one stream in decoding order, NAL units behind start codes (ITU-T H.264 and H.265, Annex B). Out: a
//! picture with the sets in force behind its access unit delimiter, where it does not carry them itself. Pure; survives any bytes.
//!
//! libav's filter `dump_extra` is not used: it puts the sets of the stream's head before the delimiter, where ISO 13818-1 2.14.1 has
//! nothing stand, and does not follow sets that change within the stream.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use h264_reader::rbsp::{BitRead, BitReader, ByteReader};

use livedir_media::{Nal, VideoCodec};

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// A set of broadcast video takes some 30 bytes, with scaling lists and HRD a few hundred. Longer ones are not kept.
const LONGEST_SET_BYTES: usize = 4_096;

/// H.264 knows 32 SPS and 256 PPS, streams have one or two of each. More are not kept.
const MOST_SETS: usize = 64;

/// Which set: VPS before SPS before PPS, each by its number. A later one takes the place of an earlier one.
type Which = (u8, u32);

/// The sets in force.
#[derive(Debug, Clone)]
pub struct ParameterSets {
    codec: VideoCodec,
    /// NAL units without their start codes.
    in_force: BTreeMap<Which, Vec<u8>>,
}

impl ParameterSets {
    /// None as yet.
    #[must_use]
    pub fn new(codec: VideoCodec) -> Self {
        Self { codec, in_force: BTreeMap::new() }
    }

    /// Takes note of the sets that a picture carries.
    pub fn note(&mut self, picture: &[u8]) {
        for unit in Units::before_slices(self.codec, picture) {
            let Some(which) = which(self.codec, unit.bytes) else { continue };
            if unit.bytes.len() <= LONGEST_SET_BYTES
                && (self.in_force.len() < MOST_SETS || self.in_force.contains_key(&which))
            {
                self.in_force.insert(which, unit.bytes.to_vec());
            }
        }
    }

    /// The picture with the sets in force that it does not carry; `None` where it carries all of them.
    #[must_use]
    pub fn put_into(&self, picture: &[u8]) -> Option<Vec<u8>> {
        let (mut carried, mut at) = (Vec::new(), 0);
        for unit in Units::before_slices(self.codec, picture) {
            if is_delimiter(self.codec, unit.bytes) {
                at = unit.end;
            }
            carried.extend(which(self.codec, unit.bytes));
        }
        let missing: Vec<_> =
            self.in_force.iter().filter(|(which, _)| !carried.contains(which)).map(|(_, set)| set).collect();
        if missing.is_empty() {
            return None;
        }
        let (delimiter, rest) = picture.split_at_checked(at)?;
        let room = picture.len() + missing.iter().map(|set| START_CODE.len() + set.len()).sum::<usize>();
        let mut whole = Vec::with_capacity(room);
        whole.extend_from_slice(delimiter);
        for set in missing {
            whole.extend_from_slice(&START_CODE);
            whole.extend_from_slice(set);
        }
        whole.extend_from_slice(rest);
        Some(whole)
    }
}

/// Which set a NAL unit is; `None` of any other, and of one that is cut short.
fn which(codec: VideoCodec, unit: &[u8]) -> Option<Which> {
    let header_bytes = match codec {
        VideoCodec::H264 => 1,
        VideoCodec::Hevc => 2,
    };
    // Of an H.264 SPS three bytes stand before its number (7.3.2.1.1).
    let before = match (codec, codec.nal(*unit.first()?)) {
        (VideoCodec::H264, Nal::Sps) => header_bytes + 3,
        _ => header_bytes,
    };
    let mut bits = BitReader::new(ByteReader::skipping_bytes(unit, NonZeroUsize::new(before)?));
    match codec.nal(*unit.first()?) {
        // H.265 7.3.2.1
        Nal::Vps => Some((0, bits.read::<4, u32>("number").ok()?)),
        Nal::Sps if codec == VideoCodec::Hevc => Some((1, hevc_sps_number(&mut bits)?)),
        Nal::Sps => Some((1, bits.read_ue("number").ok()?)),
        Nal::Pps => Some((2, bits.read_ue("number").ok()?)),
        Nal::Slice(_) | Nal::Other => None,
    }
}

/// H.265 7.3.2.2.1 and 7.3.3: the number of an SPS stands behind the profiles and levels, of which each sublayer may have its own.
fn hevc_sps_number(bits: &mut impl BitRead) -> Option<u32> {
    bits.skip(4, "number of the VPS").ok()?;
    let sublayers = bits.read::<3, u32>("sublayers besides one").ok()?;
    bits.skip(1 + 88 + 8, "nesting, profile and level of all").ok()?;
    let mut of_sublayers_bits = 0;
    for _ in 0..sublayers {
        of_sublayers_bits += if bits.read_bit("has a profile").ok()? { 88 } else { 0 };
        of_sublayers_bits += if bits.read_bit("has a level").ok()? { 8 } else { 0 };
    }
    if sublayers > 0 {
        bits.skip(2 * (8 - sublayers), "reserved").ok()?;
    }
    bits.skip(of_sublayers_bits, "profiles and levels of sublayers").ok()?;
    bits.read_ue("number").ok()
}

/// H.264 table 7-1, H.265 table 7-1.
fn is_delimiter(codec: VideoCodec, unit: &[u8]) -> bool {
    match (codec, unit.first()) {
        (VideoCodec::H264, Some(header)) => header & 0x1f == 9,
        (VideoCodec::Hevc, Some(header)) => header >> 1 & 0x3f == 35,
        (_, None) => false,
    }
}

/// A NAL unit without its start code and the zeros behind it.
struct Unit<'a> {
    bytes: &'a [u8],
    /// Where it ends in the picture.
    end: usize,
}

/// The NAL units of a picture before its first slice.
struct Units<'a> {
    codec: VideoCodec,
    picture: &'a [u8],
    /// Where the next unit begins.
    at: Option<usize>,
}

impl<'a> Units<'a> {
    fn before_slices(codec: VideoCodec, picture: &'a [u8]) -> Self {
        Self { codec, picture, at: unit_from(picture, 0) }
    }
}

impl<'a> Iterator for Units<'a> {
    type Item = Unit<'a>;

    fn next(&mut self) -> Option<Unit<'a>> {
        let from = self.at?;
        // Slices are long, and behind them stands nothing that matters here.
        let header = *self.picture.get(from)?;
        if matches!(self.codec.nal(header), Nal::Slice(_)) {
            return None;
        }
        self.at = unit_from(self.picture, from);
        let until = self.at.map_or(self.picture.len(), |next| next - 3);
        let bytes = self.picture.get(from..until)?;
        let zeros = bytes.iter().rev().take_while(|&&byte| byte == 0).count();
        let bytes = &bytes[..bytes.len() - zeros];
        Some(Unit { bytes, end: from + bytes.len() })
    }
}

/// Where the first NAL unit begins whose start code lies behind `from`.
fn unit_from(picture: &[u8], from: usize) -> Option<usize> {
    let rest = picture.get(from..)?;
    rest.windows(3).position(|window| window == [0, 0, 1]).map(|at| from + at + 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DELIMITER: &[u8] = &[0, 0, 0, 1, 9, 0xf0];
    const SPS: &[u8] = &[0, 0, 0, 1, 0x67, 100, 0, 30, 0b1010_0000];
    /// Number 0 and number 1.
    const PPS: [&[u8]; 2] = [&[0, 0, 0, 1, 0x68, 0b1110_0000], &[0, 0, 0, 1, 0x68, 0b0101_0000]];
    const SEI: &[u8] = &[0, 0, 0, 1, 6, 5, 1, 2, 0x80];
    const IDR: &[u8] = &[0, 0, 1, 0x65, 7, 7];
    const SLICE: &[u8] = &[0, 0, 1, 0x41, 8, 8];

    /// A picture that follows `before`, and what it becomes at the start of a part.
    #[track_caller]
    fn check(codec: VideoCodec, before: &[&[&[u8]]], picture: &[&[u8]], expected: Option<&[&[u8]]>) {
        let mut sets = ParameterSets::new(codec);
        for picture in before {
            sets.note(&picture.concat());
        }
        assert_eq!(sets.put_into(&picture.concat()), expected.map(<[&[u8]]>::concat));
    }

    #[test]
    fn a_picture_gets_the_sets_in_force_behind_its_delimiter() {
        let keyframe: &[&[u8]] = &[DELIMITER, SPS, PPS[0], PPS[1], SEI, IDR];
        let expected: &[&[u8]] = &[DELIMITER, SPS, PPS[0], PPS[1], SEI, SLICE];
        check(VideoCodec::H264, &[keyframe], &[DELIMITER, SEI, SLICE], Some(expected));
        check(VideoCodec::H264, &[keyframe], &[SLICE], Some(&[SPS, PPS[0], PPS[1], SLICE]));
        check(VideoCodec::H264, &[keyframe], keyframe, None);
        check(VideoCodec::H264, &[], &[DELIMITER, SLICE], None);
    }

    #[test]
    fn a_later_set_of_the_same_number_takes_the_place_of_the_earlier_one() {
        let other_pps: &[u8] = &[0, 0, 0, 1, 0x68, 0b1111_0000];
        let before: [&[&[u8]]; 2] = [&[DELIMITER, SPS, PPS[0], PPS[1], IDR], &[DELIMITER, other_pps, SLICE]];
        let expected: &[&[u8]] = &[DELIMITER, SPS, other_pps, PPS[1], SLICE];
        check(VideoCodec::H264, &before, &[DELIMITER, SLICE], Some(expected));
        // What it carries itself is not put in before it.
        let expected: &[&[u8]] = &[DELIMITER, SPS, PPS[1], other_pps, SLICE];
        check(VideoCodec::H264, &before[..1], &[DELIMITER, other_pps, SLICE], Some(expected));
    }

    #[test]
    fn hevc_has_a_set_more() {
        let delimiter: &[u8] = &[0, 0, 0, 1, 35 << 1, 1, 0x50];
        let sets: [&[u8]; 3] = [
            &[0, 0, 0, 1, 32 << 1, 1, 0x0c],
            &[0, 0, 0, 1, 33 << 1, 1, 1, 0x60, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 63, 0b1010_0000],
            &[0, 0, 0, 1, 34 << 1, 1, 0xc1],
        ];
        let [vps, sps, pps] = sets;
        let (idr, slice): (&[u8], &[u8]) = (&[0, 0, 1, 19 << 1, 1, 5], &[0, 0, 1, 1 << 1, 1, 5]);
        let keyframe: &[&[u8]] = &[delimiter, vps, sps, pps, idr];
        check(VideoCodec::Hevc, &[keyframe], &[delimiter, slice], Some(&[delimiter, vps, sps, pps, slice]));
        check(VideoCodec::Hevc, &[keyframe], keyframe, None);
        // Number 1, of two sublayers; the second has a level of its own, 90.
        let second: &[u8] = &[
            0,
            0,
            0,
            1,
            33 << 1,
            1,
            3,
            0x60,
            9,
            9,
            9,
            9,
            9,
            9,
            9,
            9,
            9,
            9,
            63,
            0b0100_0000,
            0,
            90,
            0b0100_0000,
        ];
        let both: &[&[u8]] = &[delimiter, vps, sps, second, pps, idr];
        check(
            VideoCodec::Hevc,
            &[both],
            &[delimiter, slice],
            Some(&[delimiter, vps, sps, second, pps, slice]),
        );
        check(
            VideoCodec::Hevc,
            &[keyframe, &[delimiter, second, slice]],
            &[delimiter, sps, idr],
            Some(&[delimiter, vps, second, pps, sps, idr]),
        );
    }

    #[test]
    fn sets_without_number_or_end_are_not_kept() {
        let long = [&[0, 0, 0, 1, 0x68, 0b1110_0000][..], &[7; LONGEST_SET_BYTES]].concat();
        check(VideoCodec::H264, &[&[&[0, 0, 1, 0x68], &long, IDR]], &[DELIMITER, SLICE], None);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(pictures: Vec<Vec<u8>>, is_hevc: bool) {
            let codec = if is_hevc { VideoCodec::Hevc } else { VideoCodec::H264 };
            let mut sets = ParameterSets::new(codec);
            for picture in pictures {
                let whole = sets.put_into(&picture);
                prop_assert!(whole.is_none_or(|whole| whole.len() > picture.len()));
                sets.note(&picture);
            }
            prop_assert!(sets.in_force.len() <= MOST_SETS);
        }
    }
}
