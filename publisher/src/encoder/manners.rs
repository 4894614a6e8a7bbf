//! What livedir needs of an H.264 encoder, whoever made it, judged by the bytes of a few pictures. Pure.
//!
//! An encoder that opens may still hold pictures back, reorder them, or make no IDR picture where one is asked for; its
//! stream could not be cut into segments that play on their own. So every encoder makes [`PICTURES`] pictures before it
//! is taken, with an IDR picture asked for at every [`IDR_EVERY`]th.

/// Pictures of a trial: two segments.
pub const PICTURES: u64 = 6;

/// An IDR picture is asked for so often in a trial; `gop` may make more.
pub const IDR_EVERY: u64 = 3;

/// NAL unit types of H.264 (ITU-T H.264 table 7-1).
const IDR_SLICE: u8 = 5;
const SEQUENCE_PARAMETERS: u8 = 7;
const PICTURE_PARAMETERS: u8 = 8;

/// One packet of a trial.
#[derive(Debug, Clone)]
pub struct TrialPacket<'a> {
    /// Presentation time in pictures from 0.
    pub pts: i64,
    /// Decode time in pictures from 0.
    pub dts: i64,
    /// H.264 with start codes.
    pub bytes: &'a [u8],
}

/// What an encoder did that makes it useless here.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadManners {
    /// Pictures are missing, or there are too many.
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
pub fn judge(packets: &[TrialPacket]) -> Result<(), BadManners> {
    if packets.len() as u64 != PICTURES {
        return Err(BadManners::Count(packets.len()));
    }
    for (n, packet) in (0..).zip(packets) {
        if packet.pts != n || packet.dts > n {
            return Err(BadManners::Reordered);
        }
        let types = nal_types(packet.bytes);
        if types.is_empty() {
            return Err(BadManners::NoStartCodes);
        }
        if !(n as u64).is_multiple_of(IDR_EVERY) {
            continue;
        }
        let idr = types.iter().position(|nal| *nal == IDR_SLICE).ok_or(BadManners::NoIdr)?;
        if ![SEQUENCE_PARAMETERS, PICTURE_PARAMETERS].iter().all(|set| types[..idr].contains(set)) {
            return Err(BadManners::NoParameterSets);
        }
    }
    Ok(())
}

/// The types of the NAL units behind the start codes (ITU-T H.264 annex B).
fn nal_types(bytes: &[u8]) -> Vec<u8> {
    bytes.windows(4).filter(|window| window[..3] == [0, 0, 1]).map(|window| window[3] & 0x1f).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets of NAL units of these types, one string of digits a packet.
    #[track_caller]
    fn check(packets: &[(i64, &str)], expected: Option<&BadManners>) {
        let bytes: Vec<Vec<u8>> = packets
            .iter()
            .map(|(_, types)| types.bytes().flat_map(|digit| [0, 0, 1, 0x60 | (digit - b'0'), 9]).collect())
            .collect();
        let packets: Vec<TrialPacket> = packets
            .iter()
            .zip(&bytes)
            .zip(0..)
            .map(|(((pts, _), bytes), n)| TrialPacket { pts: *pts, dts: n, bytes })
            .collect();
        assert_eq!(judge(&packets).err().as_ref(), expected);
    }

    #[test]
    fn parameter_sets_and_an_idr_picture_where_they_are_asked_for_are_good_manners() {
        check(&[(0, "9785"), (1, "91"), (2, "1"), (3, "97865"), (4, "1"), (5, "1")], None);
        check(&[(0, "785"), (1, "785"), (2, "785"), (3, "785"), (4, "785"), (5, "785")], None);
    }

    #[test]
    fn bad_manners_are_called_by_their_name() {
        use BadManners::{Count, NoIdr, NoParameterSets, NoStartCodes, Reordered};
        check(&[], Some(&Count(0)));
        check(&[(0, "785"); 7], Some(&Count(7)));
        check(&[(0, "785"), (3, "1"), (1, "1"), (2, "1"), (4, "1"), (5, "1")], Some(&Reordered));
        check(&[(0, "785"), (1, "1"), (2, "1"), (3, "1"), (4, "1"), (5, "1")], Some(&NoIdr));
        check(&[(0, "785"), (1, "1"), (2, "1"), (3, "5"), (4, "1"), (5, "1")], Some(&NoParameterSets));
        check(&[(0, "785"), (1, "1"), (2, "1"), (3, "578"), (4, "1"), (5, "1")], Some(&NoParameterSets));
        check(&[(0, ""), (1, "1"), (2, "1"), (3, "5"), (4, "1"), (5, "1")], Some(&NoStartCodes));
    }
}
