//! The SEI message that carries captions in a picture of H.264 or HEVC (ATSC A/72 and A/341: `user_data_registered_itu_t_t35`).
//!
//! In: a picture behind start codes, and its `cc_data()`. Out: the picture with the message before its first slice. livedir writes it
//! itself for all encoders: libav's write it or not, by encoder and version, and none says which.

use livedir_media::{Nal, VideoCodec};

/// Payload type of a registered user data message (ITU-T H.264 D.1).
const REGISTERED: u8 = 4;

/// The country is the USA, the provider ATSC (ATSC A/72 6.4.2), the message `ATSC1_data` (A/53 part 4 6.2.3), and what it holds `cc_data()`.
const HEAD: [u8; 8] = [0xb5, 0x00, 0x31, b'G', b'A', b'9', b'4', 0x03];

/// CEA-708 table 2: `process_cc_data_flag`, its reserved neighbour, and five bits of the count.
const PROCESS_CC_DATA: u8 = 0xc0;

/// `em_data`, which is reserved, before the constructs; a marker behind them.
const RESERVED: u8 = 0xff;

/// The bit that ends an SEI unit.
const STOP_BIT: u8 = 0x80;

/// H.264 table 7-1: supplemental enhancement information.
const H264_SEI: u8 = 6;

/// H.265 table 7-1: `PREFIX_SEI_NUT`.
const HEVC_PREFIX_SEI: u8 = 39;

/// The picture with its captions, at most 31 constructs of them; `None` where it has no slice behind a start code.
#[must_use]
pub fn put_into(codec: VideoCodec, picture: &[u8], cc_data: &[[u8; 3]]) -> Option<Vec<u8>> {
    let slice = first_slice(codec, picture)?;
    let header = picture.get(slice..)?;
    let unit = sei(codec, header, cc_data)?;
    // The start code of the slice has three bytes; a zero before it goes with the message.
    let (before, rest) = picture.split_at_checked(slice - 3)?;
    let mut whole = Vec::with_capacity(picture.len() + unit.len() + 3);
    whole.extend_from_slice(before);
    whole.extend_from_slice(&[0, 0, 1]);
    whole.extend_from_slice(&unit);
    whole.extend_from_slice(rest);
    Some(whole)
}

/// The NAL unit without its start code, for a picture whose first slice begins with `header`.
fn sei(codec: VideoCodec, header: &[u8], cc_data: &[[u8; 3]]) -> Option<Vec<u8>> {
    let cc_data = &cc_data[..cc_data.len().min(31)];
    let mut unit = match codec {
        VideoCodec::H264 => vec![H264_SEI],
        // Layer and temporal layer are those of the picture.
        VideoCodec::Hevc => vec![HEVC_PREFIX_SEI << 1 | header.first()? & 1, *header.get(1)?],
    };
    let header_bytes = unit.len();
    let size = HEAD.len() + 2 + cc_data.as_flattened().len() + 1;
    unit.extend([REGISTERED, size as u8]);
    unit.extend(HEAD);
    unit.extend([PROCESS_CC_DATA | cc_data.len() as u8, RESERVED]);
    unit.extend(cc_data.as_flattened());
    unit.extend([RESERVED, STOP_BIT]);
    Some(escaped(&unit, header_bytes))
}

/// No start code may appear within a unit: behind two zeros a byte of up to 3 is preceded by a 3 (H.264 7.4.1).
fn escaped(unit: &[u8], header_bytes: usize) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(unit.len() + 8);
    let mut zeros = 0;
    for (at, &byte) in unit.iter().enumerate() {
        if zeros >= 2 && byte <= 3 && at >= header_bytes {
            escaped.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        escaped.push(byte);
    }
    escaped
}

/// Where the first slice begins, behind its start code.
fn first_slice(codec: VideoCodec, picture: &[u8]) -> Option<usize> {
    let mut units = (0..picture.len().saturating_sub(3)).filter(|&at| picture[at..at + 3] == [0, 0, 1]);
    units.find(|at| matches!(codec.nal(picture[at + 3]), Nal::Slice(_))).map(|at| at + 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_message_stands_before_the_first_slice() {
        let before: &[u8] = &[0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 2, 0];
        let slices: &[u8] = &[0, 0, 1, 0x65, 7, 7, 0, 0, 1, 0x65, 8, 8];
        let message: &[u8] = &[
            0, 0, 1, 6, 4, 17, 0xb5, 0, 0x31, b'G', b'A', b'9', b'4', 3, 0xc2, 0xff, 0xfc, 0x94, 0x2c, 0xfa,
            0, 0, 0xff, 0x80,
        ];
        let whole =
            put_into(VideoCodec::H264, &[before, slices].concat(), &[[0xfc, 0x94, 0x2c], [0xfa, 0, 0]]);
        assert_eq!(whole, Some([before, message, slices].concat()));
        let hevc: &[u8] = &[0, 0, 1, 0x40, 1, 5, 0, 0, 1, 0x26, 2, 9];
        let whole = put_into(VideoCodec::Hevc, hevc, &[[0xfe, 0, 0]]).expect("a slice");
        assert_eq!(whole[6..13], [0, 0, 1, 0x4e, 2, 4, 14], "of the temporal layer of the slice");
        assert_eq!(put_into(VideoCodec::H264, before, &[]), None);
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(picture: Vec<u8>, cc_data: Vec<[u8; 3]>, is_hevc: bool) {
            let codec = if is_hevc { VideoCodec::Hevc } else { VideoCodec::H264 };
            let whole = put_into(codec, &picture, &cc_data);
            prop_assert!(whole.is_none_or(|whole| whole.len() > picture.len()));
        }

        #[test]
        fn no_start_code_appears_within_the_message(cc_data in proptest::collection::vec(proptest::array::uniform3(0_u8..4), 0..40)) {
            let unit = sei(VideoCodec::H264, &[0x65, 1], &cc_data).expect("a header");
            let is_code = |window: &[u8]| window[..2] == [0, 0] && window[2] < 3;
            prop_assert!(!unit.windows(3).any(is_code));
        }
    }
}
