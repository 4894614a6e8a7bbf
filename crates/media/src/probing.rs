//! Probing: the bytes of a file, whole or piece by piece, become [`Facts`]. Pure.

use crate::container::{Container, TELLING_BYTES, container};
use crate::facts::Facts;
use crate::foreign::Foreign;
use crate::probe_error::ProbeError;
use crate::scan::Scan;
use mpeg2ts_reader::packet::Packet;

/// Says what is true of the segment with these bytes.
pub fn probe(bytes: &[u8]) -> Result<Facts, ProbeError> {
    let mut probing = Probing::new();
    probing.push(bytes)?;
    probing.finish()
}

/// A segment that is read piece by piece, and need not be in memory as a whole.
pub struct Probing {
    scan: Scan,
    /// Bytes of the packets so far.
    position: usize,
    /// The beginning of a packet that the pieces so far have cut; of a file that does not begin with one, what tells what it is.
    cut: Vec<u8>,
}

impl Probing {
    /// Of no bytes so far.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "probing nothing is of no use")]
    pub fn new() -> Self {
        Self { scan: Scan::new(), position: 0, cut: Vec::new() }
    }

    /// The next bytes, cut anywhere.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), ProbeError> {
        let first = self.cut.first().or(piece.first());
        if self.position == 0 && first.is_some_and(|first| !Packet::is_sync_byte(*first)) {
            return self.push_of_another_container(piece);
        }
        let mut rest = piece;
        if !self.cut.is_empty() {
            let (missing, after) = piece.split_at(piece.len().min(Packet::SIZE - self.cut.len()));
            self.cut.extend_from_slice(missing);
            if self.cut.len() < Packet::SIZE {
                return Ok(());
            }
            let whole = std::mem::take(&mut self.cut);
            self.packet(&whole)?;
            rest = after;
        }
        let mut packets = rest.chunks_exact(Packet::SIZE);
        packets.by_ref().try_for_each(|bytes| self.packet(bytes))?;
        self.cut.extend_from_slice(packets.remainder());
        Ok(())
    }

    /// That was all.
    pub fn finish(self) -> Result<Facts, ProbeError> {
        let Self { scan, position, cut } = self;
        match cut.first() {
            None if position == 0 => Err(ProbeError::Empty),
            Some(&found) if !Packet::is_sync_byte(found) => Err(no_sync(position, found, &cut)),
            _ => scan.finish(cut.len()),
        }
    }

    /// Waits until there is enough to tell what it is.
    fn push_of_another_container(&mut self, piece: &[u8]) -> Result<(), ProbeError> {
        let missing = TELLING_BYTES - self.cut.len();
        self.cut.extend_from_slice(&piece[..piece.len().min(missing)]);
        match self.cut.first() {
            Some(&found) if self.cut.len() == TELLING_BYTES => Err(no_sync(0, found, &self.cut)),
            _ => Ok(()),
        }
    }

    fn packet(&mut self, bytes: &[u8]) -> Result<(), ProbeError> {
        let found = bytes.first().copied().unwrap_or_default();
        let position = self.position;
        let packet = Packet::try_new(bytes).ok_or(ProbeError::NoSync { position, found })?;
        self.position += Packet::SIZE;
        self.scan.push(&packet)
    }
}

/// What lies where a packet should begin, by name if that is known. `head`: the first bytes of the file, where it does not begin with a
/// packet.
fn no_sync(position: usize, found: u8, head: &[u8]) -> ProbeError {
    match container(head) {
        Container::M2ts if position == 0 => Foreign::M2ts.into(),
        Container::Fmp4 if position == 0 => Foreign::Mp4.into(),
        _ => ProbeError::NoSync { position, found },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: ProbeError) {
        assert_eq!(probe(bytes), Err(expected));
    }

    #[test]
    fn files_that_are_no_segment_are_told_apart() {
        check(&[], ProbeError::Empty);
        check(b"<html>", ProbeError::NoSync { position: 0, found: b'<' });
        let mut null_packets = [[0x47, 0x1f, 0xff, 0x10]; 47 * 2].concat();
        check(&null_packets, ProbeError::NoTables);
        null_packets[188] = 0;
        check(&null_packets, ProbeError::NoSync { position: 188, found: 0 });
        check(&[0x47], ProbeError::NoTables);
    }

    #[test]
    fn other_containers_are_named_wherever_pieces_are_cut() {
        let mut m2ts = [[0x0e, 0xbf, 0x46, 0x22], [0x47, 0x1f, 0xff, 0x10]].concat();
        m2ts.resize(192, 0xff);
        let m2ts = m2ts.repeat(3);
        let mp4 = [&b"\0\0\0\x18ftypmp42"[..], &[0; 1_000]].concat();
        check(&m2ts, Foreign::M2ts.into());
        check(&mp4, Foreign::Mp4.into());
        check(&mp4[..100], Foreign::Mp4.into());
        check(&m2ts[..190], ProbeError::NoSync { position: 0, found: 0x0e });
        for piece_bytes in 1..400 {
            let mut probing = Probing::new();
            let told = m2ts.chunks(piece_bytes).try_for_each(|piece| probing.push(piece));
            assert_eq!(told, Err(Foreign::M2ts.into()), "{piece_bytes}");
        }
    }

    #[test]
    fn pieces_cut_anywhere_tell_the_same_as_the_whole() {
        let mut bytes = [[0x47, 0x1f, 0xff, 0x10]; 47 * 3].concat();
        bytes[2 * 188] = 0x48;
        for piece_bytes in 1..400 {
            let mut probing = Probing::new();
            let told = bytes.chunks(piece_bytes).try_for_each(|piece| probing.push(piece));
            assert_eq!(told, Err(ProbeError::NoSync { position: 376, found: 0x48 }), "{piece_bytes}");
        }
    }
}
