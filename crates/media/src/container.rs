//! Container: what a file of media is packed in, as its first bytes or its size tell.

use mpeg2ts_reader::packet::Packet;

/// What a file is packed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// MPEG-TS (RFC 8216 3.2).
    Ts,
    /// MPEG-TS with four more bytes before each packet, which RFC 8216 does not have.
    M2ts,
    /// MP4, of which RFC 8216 3.3 has the fragmented kind.
    Fmp4,
    /// Packed audio, `WebVTT`, or nothing known.
    Other,
}

/// ISO 13818-1 has packets of 188 bytes. Blu-ray discs and AVCHD put the time of arrival before each one.
const TIME_OF_ARRIVAL_BYTES: usize = 4;

/// So many of the first bytes of a file tell what it is packed in: two packets of the longer kind begin in them.
pub(crate) const TELLING_BYTES: usize = 2 * (TIME_OF_ARRIVAL_BYTES + Packet::SIZE);

/// Told by the first bytes of a file: its name says nothing.
#[must_use]
pub fn container(bytes: &[u8]) -> Container {
    let is_sync = |at: usize| bytes.get(at).is_none_or(|&byte| Packet::is_sync_byte(byte));
    let is_there = |at: usize| bytes.get(at).is_some_and(|&byte| Packet::is_sync_byte(byte));
    let second = TIME_OF_ARRIVAL_BYTES + Packet::SIZE;
    let is_m2ts = [0, second].iter().all(|at| is_there(at + TIME_OF_ARRIVAL_BYTES))
        && !(is_sync(0) && is_sync(Packet::SIZE));
    let is_box = bytes.get(4..8).is_some_and(|name| {
        let first: [&[u8]; 9] =
            [b"ftyp", b"styp", b"moof", b"moov", b"sidx", b"emsg", b"prft", b"free", b"mdat"];
        first.contains(&name)
    });
    if is_box {
        Container::Fmp4
    } else if is_m2ts {
        Container::M2ts
    } else if !bytes.is_empty() && is_sync(0) && is_sync(Packet::SIZE) {
        Container::Ts
    } else {
        Container::Other
    }
}

/// Whether a file of so many bytes may be whole: it ends with a whole packet.
#[must_use]
pub fn may_be_whole(bytes: u64) -> bool {
    bytes > 0 && bytes.is_multiple_of(Packet::SIZE as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_192_bytes_are_told_from_those_of_188() {
        let packets = |before: &[u8]| {
            let mut packet = [before, &[0x47, 0x1f, 0xff, 0x10]].concat();
            packet.resize(before.len() + Packet::SIZE, 0);
            packet.repeat(2)
        };
        assert_eq!(container(&packets(&[])), Container::Ts);
        assert_eq!(container(&packets(&[0x0e, 0xbf, 0x46, 0x22])), Container::M2ts);
        // Packets of 188 bytes may have the byte anywhere, and the time of arrival may be that byte.
        let mut odd = packets(&[]);
        (odd[4], odd[196]) = (0x47, 0x47);
        assert_eq!(container(&odd), Container::Ts);
        assert_eq!(container(&packets(&[0x47, 0, 0, 0])), Container::M2ts);
        assert_eq!(container(&packets(&[1, 2, 3, 4])[..190]), Container::Other, "one packet tells nothing");
    }
}
