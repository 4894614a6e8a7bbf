//! Annex B: the frames of an H.264 stream as MPEG-TS has them.
//!
//! In: packets as the container has them, with lengths (ISO 14496-15) or with start codes (ITU-T H.264 Annex B), and the
//! parameter sets of its head. Out: the same NAL units behind start codes, each frame with a delimiter, each IDR frame with
//! parameter sets. Pure; survives any bytes.
//!
//! libav's filter `h264_mp4toannexb` is not used: it writes start codes of three bytes and puts SEI before the parameter sets, so its
//! bytes are others, and it needs a context and `unsafe` for each film. It does not tell an IDR frame from an open keyframe, so
//! NAL units would have to be read here all the same.

const SLICE: u8 = 1;
const IDR_SLICE: u8 = 5;
const SEI: u8 = 6;
const SPS: u8 = 7;
const DELIMITER: u8 = 9;
const START_CODE: [u8; 4] = [0, 0, 0, 1];
/// ISO 13818-1 2.14.1: each frame begins with one. The payload says: slices of any kind.
const DELIMITER_UNIT: [u8; 6] = [0, 0, 0, 1, DELIMITER, 0xf0];
/// D.1.8: decoding may begin at the frame behind this message.
const RECOVERY_POINT: u32 = 6;
/// More parameter sets than any stream has are no parameter sets.
const MOST_HEAD_BYTES: usize = 64 << 10;

/// How a stream stores its frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Storage {
    /// Bytes of the length before each NAL unit; `None` where there are start codes.
    length_bytes: Option<usize>,
    /// The parameter sets of the head, behind start codes.
    parameter_sets: Vec<u8>,
}

/// What has to be known before a frame is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a NAL unit that was seen")]
pub(crate) struct Picture {
    /// Decoding can begin here.
    pub(crate) is_idr: bool,
    pub(crate) has_parameter_sets: bool,
    /// A B-frame: it is shown before one that is stored before it.
    pub(crate) is_bidirectional: bool,
    /// A keyframe that is no IDR frame: frames behind it may need those before it, as in an open GOP.
    pub(crate) is_open_keyframe: bool,
    /// Its NAL units do not fit into it.
    pub(crate) is_malformed: bool,
    has_recovery_point: bool,
    has_delimiter: bool,
    has_slice: bool,
}

impl Picture {
    /// One that can be decoded by itself.
    pub(crate) fn whole() -> Self {
        Picture { is_idr: true, has_slice: true, ..Picture::default() }
    }

    /// Whether it is one: what is scrambled or damaged holds no slice.
    pub(crate) fn can_be_read(self) -> bool {
        self.has_slice
    }
}

impl Storage {
    /// Reads the head: an `AVCDecoderConfigurationRecord`, parameter sets behind start codes, or nothing.
    pub(crate) fn of_head(head: &[u8]) -> Self {
        if head.first() != Some(&1) {
            let parameter_sets =
                if head.starts_with(&[0, 0]) && head.len() <= MOST_HEAD_BYTES { head } else { &[] };
            return Storage { length_bytes: None, parameter_sets: parameter_sets.to_vec() };
        }
        let length_bytes = head.get(4).map_or(4, |byte| usize::from(byte & 3) + 1);
        let mut parameter_sets = Vec::new();
        let mut rest = head.get(5..).unwrap_or_default();
        // The number of SPS has 5 bits, that of PPS 8.
        for mask in [0x1f, 0xff] {
            let Some((count, units)) = rest.split_first() else { break };
            rest = units;
            for _ in 0..count & mask {
                let Some((unit, after)) = split_unit(rest, 2) else { break };
                parameter_sets.extend_from_slice(&START_CODE);
                parameter_sets.extend_from_slice(unit);
                rest = after;
            }
        }
        Storage { length_bytes: Some(length_bytes), parameter_sets }
    }

    /// The same, but with the parameter sets of another head.
    pub(crate) fn with_sets_of(self, head: &[u8]) -> Self {
        Storage { parameter_sets: Self::of_head(head).parameter_sets, ..self }
    }

    /// Behind start codes.
    pub(crate) fn parameter_sets(&self) -> &[u8] {
        &self.parameter_sets
    }

    /// Looks at the NAL units up to the first slice.
    pub(crate) fn look(&self, stored: &[u8]) -> Picture {
        let mut picture = Picture::default();
        let mut note = |unit: &[u8]| {
            let kind = unit.first().map_or(0, |header| header & 0x1f);
            match kind {
                IDR_SLICE => picture.is_idr = true,
                SPS => picture.has_parameter_sets = true,
                SEI => picture.has_recovery_point |= is_recovery_point(unit),
                DELIMITER => picture.has_delimiter = true,
                _ => {}
            }
            picture.has_slice |= (SLICE..=IDR_SLICE).contains(&kind);
            if kind == SLICE {
                let slice_type = slice_type(unit);
                picture.is_bidirectional |= slice_type == Some(B);
                let may_begin = picture.has_parameter_sets || picture.has_recovery_point;
                picture.is_open_keyframe |= slice_type == Some(I) && may_begin;
            }
            picture.has_slice
        };
        if let Some(length_bytes) = self.length_bytes {
            let mut rest = stored;
            while let Some((unit, after)) = split_unit(rest, length_bytes) {
                if !unit.is_empty() && note(unit) {
                    break;
                }
                rest = after;
            }
            picture.is_malformed = !has_whole_units(stored, length_bytes);
        } else {
            let mut zeros = 0;
            let mut is_header = false;
            for (at, &byte) in stored.iter().enumerate() {
                if is_header && note(&stored[at..]) {
                    break;
                }
                is_header = zeros >= 2 && byte == 1;
                zeros = if byte == 0 { zeros + 1 } else { 0 };
            }
        }
        picture
    }

    /// Whether the frame can go as it is stored.
    pub(crate) fn is_ready(&self, picture: Picture, stored: &[u8]) -> bool {
        self.length_bytes.is_none()
            && stored.starts_with(&START_CODE)
            && picture.has_delimiter
            && (!picture.is_idr || picture.has_parameter_sets)
    }

    /// How many bytes the frame has in MPEG-TS; 0 if it holds no whole NAL unit.
    pub(crate) fn size(&self, picture: Picture, stored: &[u8]) -> usize {
        let mut bytes = 0;
        let has_units = self.pieces(picture, stored, |piece| bytes += piece.len());
        if has_units { bytes } else { 0 }
    }

    /// Writes the frame as MPEG-TS has it into as many bytes as that takes.
    pub(crate) fn write(&self, picture: Picture, stored: &[u8], out: &mut [u8]) {
        let mut rest = out;
        self.pieces(picture, stored, |piece| {
            if let Some((place, after)) = std::mem::take(&mut rest).split_at_mut_checked(piece.len()) {
                place.copy_from_slice(piece);
                rest = after;
            }
        });
    }

    /// All parts of it in their order. Says whether a NAL unit is among them.
    fn pieces(&self, picture: Picture, stored: &[u8], mut put: impl FnMut(&[u8])) -> bool {
        put(&DELIMITER_UNIT);
        if picture.is_idr && !picture.has_parameter_sets {
            put(&self.parameter_sets);
        }
        let Some(length_bytes) = self.length_bytes else {
            let rest = without_delimiter(stored);
            put(rest);
            return !rest.is_empty();
        };
        let mut has_units = false;
        let mut rest = stored;
        while let Some((unit, after)) = split_unit(rest, length_bytes) {
            rest = after;
            if unit.first().is_some_and(|header| header & 0x1f != DELIMITER) {
                put(&START_CODE);
                put(unit);
                has_units = true;
            }
        }
        has_units
    }
}

/// A unit with its length before it, and what follows.
fn split_unit(bytes: &[u8], length_bytes: usize) -> Option<(&[u8], &[u8])> {
    let length = bytes.get(..length_bytes)?.iter().fold(0, |length, &byte| (length << 8) | usize::from(byte));
    bytes.get(length_bytes..)?.split_at_checked(length)
}

/// Whether it is made of NAL units, and nothing is left. 7.4.1: the first bit of each is 0.
fn has_whole_units(stored: &[u8], length_bytes: usize) -> bool {
    let mut rest = stored;
    while let Some((unit, after)) = split_unit(rest, length_bytes) {
        if unit.first().is_some_and(|header| header & 0x80 != 0) {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}

/// 7.4.3: types of slices, the same again from 5 on where all slices of the frame are of the type.
const B: u32 = 1;
const I: u32 = 2;

/// The type of a slice. 7.3.3: behind the header of the unit stand the number of the first macroblock and the type, both in Exp-Golomb
/// code (9.1), which is read from the first eight bytes.
fn slice_type(slice: &[u8]) -> Option<u32> {
    let mut bytes = [0; 8];
    for (place, &byte) in bytes.iter_mut().zip(slice.iter().skip(1)) {
        *place = byte;
    }
    let mut bits = u64::from_be_bytes(bytes);
    let mut next = || {
        let zeros = bits.leading_zeros();
        if zeros > 20 {
            return None;
        }
        let code = (bits << zeros) >> (63 - zeros);
        bits <<= 2 * zeros + 1;
        Some(code - 1)
    };
    next()?;
    next().map(|number| (number % 5) as u32)
}

/// Whether supplemental information says that decoding may begin with this frame, at once. 7.3.2.3.1: messages of a type and a size, each
/// in bytes of 255 and one less; D.1.8: the number of frames until all is seen comes first, in Exp-Golomb code.
fn is_recovery_point(sei: &[u8]) -> bool {
    let mut rest = sei.get(1..).unwrap_or_default();
    let number = |rest: &mut &[u8]| {
        let full = rest.iter().take_while(|&&byte| byte == 0xff).count();
        let last = *rest.get(full)?;
        *rest = &rest[full + 1..];
        Some(full as u32 * 0xff + u32::from(last))
    };
    // What is shorter is no message but the end of the unit.
    while rest.len() > 2 {
        let Some((kind, size)) = number(&mut rest).and_then(|kind| Some((kind, number(&mut rest)?))) else {
            return false;
        };
        if kind == RECOVERY_POINT {
            return rest.first().is_some_and(|first| first & 0x80 != 0);
        }
        rest = rest.get(size as usize..).unwrap_or_default();
    }
    false
}

/// What follows the delimiter, if the frame begins with one.
fn without_delimiter(stored: &[u8]) -> &[u8] {
    let zeros = stored.iter().take_while(|&&byte| byte == 0).count();
    match stored.get(zeros..) {
        Some([1, header, _, rest @ ..]) if zeros >= 2 && header & 0x1f == DELIMITER => rest,
        _ => stored,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEAD: [u8; 17] = [1, 100, 0, 30, 0xff, 0xe1, 0, 3, 0x67, 1, 2, 1, 0, 2, 0x68, 9, 7];

    #[track_caller]
    fn check(head: &[u8], stored: &[u8], is_idr: bool, expected: &[u8]) {
        let storage = Storage::of_head(head);
        let picture = storage.look(stored);
        assert_eq!(picture.is_idr, is_idr);
        let mut written = vec![0; storage.size(picture, stored)];
        storage.write(picture, stored, &mut written);
        assert_eq!(written, expected);
    }

    #[test]
    fn lengths_become_start_codes_and_an_idr_picture_gets_its_parameter_sets() {
        let sets = [&START_CODE[..], &[0x67, 1, 2], &START_CODE, &[0x68, 9]].concat();
        let head = &HEAD[..16];
        let idr = [0, 0, 0, 2, 0x06, 5, 0, 0, 0, 3, 0x65, 8, 9];
        let units = [&START_CODE[..], &[0x06, 5], &START_CODE, &[0x65, 8, 9]].concat();
        check(head, &idr, true, &[&DELIMITER_UNIT[..], &sets, &units].concat());
        check(head, &[0, 0, 0, 2, 0x41, 8], false, &[&DELIMITER_UNIT[..], &START_CODE, &[0x41, 8]].concat());
    }

    #[test]
    fn start_codes_stay_and_missing_parameter_sets_are_put_in() {
        let head = [0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2];
        let idr = [0, 0, 0, 1, DELIMITER, 0xf0, 0, 0, 1, 0x65, 8];
        check(&head, &idr, true, &[&DELIMITER_UNIT[..], &head, &[0, 0, 1, 0x65, 8]].concat());
        let whole = [&DELIMITER_UNIT[..], &head, &[0, 0, 1, 0x65, 8]].concat();
        let storage = Storage::of_head(&[]);
        assert!(storage.is_ready(storage.look(&whole), &whole));
        assert!(!storage.is_ready(storage.look(&idr), &idr));
    }

    #[test]
    fn an_open_keyframe_is_no_place_to_begin() {
        check(&HEAD[..16], &[0, 0, 0, 1, 0x61], false, &[&DELIMITER_UNIT[..], &START_CODE, &[0x61]].concat());
    }

    #[test]
    fn a_keyframe_of_an_open_gop_is_known_by_what_stands_before_its_slice() {
        // Slices of the types I, I of all slices, P and B, as the first macroblock's is number 0.
        let [i, all_i, p, b] = [[0xb0], [0x88], [0xe0], [0xa0]];
        let recovery: &[u8] = &[0x06, 0, 1, 0x55, 6, 1, 0xc0, 0x80];
        let gradual: &[u8] = &[0x06, 6, 2, 0x0c, 0x80, 0x80];
        let sets: &[u8] = &[0x67, 1, 2];
        let storage = Storage::of_head(&HEAD[..16]);
        let open = |before: &[u8], slice: [u8; 1], kind: u8| {
            let units = [&[0, 0, 0, before.len() as u8], before, &[0, 0, 0, 2, kind], &slice].concat();
            storage.look(&units).is_open_keyframe
        };
        assert!(open(recovery, i, 0x41) && open(recovery, all_i, 0x41) && open(sets, all_i, 0x41));
        assert!(!open(recovery, p, 0x41) && !open(recovery, b, 0x41), "refreshed column by column");
        assert!(!open(gradual, i, 0x41), "all is seen after some frames");
        assert!(!open(&[0x06, 5, 1, 0x80], i, 0x41), "any I-frame");
        assert!(!open(recovery, i, 0x65), "an IDR frame");
    }

    #[test]
    fn frames_whose_units_do_not_fit_are_malformed() {
        let is_malformed = |stored: &[u8]| Storage::of_head(&HEAD[..16]).look(stored).is_malformed;
        assert!(!is_malformed(&[0, 0, 0, 2, 0x41, 8]) && !is_malformed(&[0, 0, 0, 0]));
        assert!(is_malformed(&[0, 0, 0, 9, 0x41, 8]) && is_malformed(&[0, 0, 0, 2, 0x41, 8, 7]));
        assert!(is_malformed(&[0, 0, 0, 2, 0xc1, 8]));
    }

    #[test]
    fn what_is_cut_short_holds_no_unit() {
        check(&HEAD[..16], &[0, 0, 0, 9, 0x65, 1], false, &[]);
        check(&HEAD[..16], &[], false, &[]);
        check(&HEAD[..9], &[], false, &[]);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(head: Vec<u8>, stored: Vec<u8>) {
            let storage = Storage::of_head(&head);
            let picture = storage.look(&stored);
            storage.is_ready(picture, &stored);
            let bytes = storage.size(picture, &stored);
            prop_assert!(bytes <= stored.len() * 5 + head.len() * 4 + 6);
            storage.write(picture, &stored, &mut vec![0; bytes]);
        }
    }
}
