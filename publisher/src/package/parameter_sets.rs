//! Parameter sets: what a decoder has to know before it can read a frame. Encoders write them with keyframes only; a player
//! that joins in the middle of a segment, or asks for each part by itself, needs them in every part.
//!
//! In: the frames of one stream in decoding order, NAL units behind start codes (ITU-T H.264 and H.265, Annex B). Out: a
//! frame with the sets in force behind its access unit delimiter, where it does not carry them itself. Pure; survives any bytes.
//!
//! libav's filter `dump_extra` is not used: it puts the sets of the stream's head before the delimiter, where ISO 13818-1 2.14.1 has
//! nothing stand, and does not follow sets that change within the stream.

use std::collections::BTreeMap;

use livedir_media::{Nal, VideoCodec};

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// A set of broadcast video takes some 30 bytes, with scaling lists and HRD a few hundred. Longer ones are not kept.
const LONGEST_SET_BYTES: usize = 4_096;

/// H.264 knows 32 SPS and 256 PPS, streams have one or two of each. More are not kept.
const MOST_SETS: usize = 64;

/// Which set: VPS before SPS before PPS, each by its number. A later one takes the place of an earlier one.
type Which = (usize, u32);

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

    /// Takes note of the sets that a frame carries.
    pub fn note(&mut self, picture: &[u8]) {
        for unit in Units::before_slices(self.codec, picture) {
            let Some(which) = self.codec.parameter_set(unit.bytes) else { continue };
            if unit.bytes.len() <= LONGEST_SET_BYTES
                && (self.in_force.len() < MOST_SETS || self.in_force.contains_key(&which))
            {
                self.in_force.insert(which, unit.bytes.to_vec());
            }
        }
    }

    /// The frame with the sets in force that it does not carry; `None` where it carries all of them.
    #[must_use]
    pub fn put_into(&self, picture: &[u8]) -> Option<Vec<u8>> {
        let (mut carried, mut at) = (Vec::new(), 0);
        for unit in Units::before_slices(self.codec, picture) {
            if unit.bytes.first().is_some_and(|&byte| self.codec.is_delimiter(byte)) {
                at = unit.end;
            }
            carried.extend(self.codec.parameter_set(unit.bytes));
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

/// A NAL unit without its start code and the zeros behind it.
struct Unit<'a> {
    bytes: &'a [u8],
    /// Where it ends in the frame.
    end: usize,
}

/// The NAL units of a frame before its first slice.
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

    /// A frame that follows `before`, and what it becomes at the start of a part.
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
