//! What livedir needs of a video encoder, whoever made it, judged by the bytes of a few frames. Pure.
//!
//! An encoder that opens may still hold frames back, reorder them, or make no IDR frame where one is asked for; its
//! stream could not be cut into segments that play on their own. So every encoder makes [`PICTURES`] frames before it
//! is taken, with an IDR frame asked for at every [`IDR_EVERY`]th.

use livedir_media::{Nal, Slice, VideoCodec};

/// Frames of a trial: two segments.
pub(super) const PICTURES: u64 = 6;

/// An IDR frame is asked for so often in a trial; `gop` may make more.
pub(super) const IDR_EVERY: u64 = 3;

/// One packet of a trial.
#[derive(Debug, Clone)]
pub(super) struct TrialPacket<'a> {
    /// Presentation time in frames from 0.
    pub pts: i64,
    /// Decode time in frames from 0.
    pub dts: i64,
    /// NAL units with start codes.
    pub bytes: &'a [u8],
}

/// What an encoder did that makes it useless here.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum UnmetRequirement {
    /// Frames are missing, or there are too many.
    #[error("it made {0} packets of {PICTURES} pictures")]
    Count(usize),
    /// There are B-frames.
    #[error("it does not keep the pictures in order")]
    Reordered,
    /// A segment could not begin where it has to.
    #[error("it made no IDR picture where one was asked for")]
    NoIdr,
    /// A segment could not be decoded without those before it.
    #[error("it does not repeat the parameter sets before each IDR picture")]
    NoParameterSets,
    /// The bytes are in another form.
    #[error("its packets have no start codes")]
    NoStartCodes,
}

/// Judges all packets of a trial, in the order in which they came.
pub(super) fn judge(codec: VideoCodec, packets: &[TrialPacket]) -> Result<(), UnmetRequirement> {
    if packets.len() as u64 != PICTURES {
        return Err(UnmetRequirement::Count(packets.len()));
    }
    for (n, packet) in (0..).zip(packets) {
        if packet.pts != n || packet.dts > n {
            return Err(UnmetRequirement::Reordered);
        }
        let nals = nals(codec, packet.bytes);
        if nals.is_empty() {
            return Err(UnmetRequirement::NoStartCodes);
        }
        if !(n as u64).is_multiple_of(IDR_EVERY) {
            continue;
        }
        let is_idr = |nal: &Nal| *nal == Nal::Slice(Slice::Idr);
        let idr = nals.iter().position(is_idr).ok_or(UnmetRequirement::NoIdr)?;
        if !codec.parameter_sets().iter().all(|set| nals[..idr].contains(set)) {
            return Err(UnmetRequirement::NoParameterSets);
        }
    }
    Ok(())
}

/// The NAL units behind the start codes (annex B of ITU-T H.264 and H.265).
fn nals(codec: VideoCodec, bytes: &[u8]) -> Vec<Nal> {
    bytes.windows(4).filter(|window| window[..3] == [0, 0, 1]).map(|window| codec.nal(window[3])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets of NAL units of these types, one string of digits a packet.
    #[track_caller]
    fn check(packets: &[(i64, &str)], expected: Option<&UnmetRequirement>) {
        let types: Vec<_> = packets
            .iter()
            .map(|(pts, types)| (*pts, types.bytes().map(|digit| 0x60 | (digit - b'0'))))
            .collect();
        check_bytes(VideoCodec::H264, &types, expected);
    }

    /// Packets of HEVC in order, one list of types a packet.
    #[track_caller]
    fn check_hevc(packets: [&[u8]; 6], expected: Option<&UnmetRequirement>) {
        let types: Vec<_> =
            (0..).zip(packets).map(|(pts, types)| (pts, types.iter().map(|it| it << 1))).collect();
        check_bytes(VideoCodec::Hevc, &types, expected);
    }

    #[track_caller]
    fn check_bytes(
        codec: VideoCodec,
        packets: &[(i64, impl Iterator<Item = u8> + Clone)],
        expected: Option<&UnmetRequirement>,
    ) {
        let bytes: Vec<Vec<u8>> = packets
            .iter()
            .map(|(_, first_bytes)| first_bytes.clone().flat_map(|first| [0, 0, 1, first, 9]).collect())
            .collect();
        let packets: Vec<TrialPacket> = packets
            .iter()
            .zip(&bytes)
            .zip(0..)
            .map(|(((pts, _), bytes), n)| TrialPacket { pts: *pts, dts: n, bytes })
            .collect();
        assert_eq!(judge(codec, &packets).err().as_ref(), expected);
    }

    #[test]
    fn parameter_sets_and_an_idr_picture_where_they_are_asked_for_are_good_manners() {
        check(&[(0, "9785"), (1, "91"), (2, "1"), (3, "97865"), (4, "1"), (5, "1")], None);
        check(&[(0, "785"), (1, "785"), (2, "785"), (3, "785"), (4, "785"), (5, "785")], None);
    }

    #[test]
    fn bad_manners_are_called_by_their_name() {
        use UnmetRequirement::{Count, NoIdr, NoParameterSets, NoStartCodes, Reordered};
        check(&[], Some(&Count(0)));
        check(&[(0, "785"); 7], Some(&Count(7)));
        check(&[(0, "785"), (3, "1"), (1, "1"), (2, "1"), (4, "1"), (5, "1")], Some(&Reordered));
        check(&[(0, "785"), (1, "1"), (2, "1"), (3, "1"), (4, "1"), (5, "1")], Some(&NoIdr));
        check(&[(0, "785"), (1, "1"), (2, "1"), (3, "5"), (4, "1"), (5, "1")], Some(&NoParameterSets));
        check(&[(0, "785"), (1, "1"), (2, "1"), (3, "578"), (4, "1"), (5, "1")], Some(&NoParameterSets));
        check(&[(0, ""), (1, "1"), (2, "1"), (3, "5"), (4, "1"), (5, "1")], Some(&NoStartCodes));
    }

    #[test]
    fn hevc_has_one_more_parameter_set_and_other_types() {
        let key: &[u8] = &[35, 32, 33, 34, 39, 19];
        check_hevc([key, &[1], &[35, 1], key, &[1], &[0]], None);
        check_hevc([key, &[1], &[1], &[33, 34, 20], &[1], &[1]], Some(&UnmetRequirement::NoParameterSets));
        check_hevc([key, &[1], &[1], &[32, 33, 34, 21], &[1], &[1]], Some(&UnmetRequirement::NoIdr));
    }
}
