//! Probing: the bytes of a file, whole or piece by piece, become [`Facts`]. Pure.

use crate::facts::Facts;
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
    /// The beginning of a packet that the pieces so far have cut.
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
            Some(&found) if !Packet::is_sync_byte(found) => Err(ProbeError::NoSync { position, found }),
            _ => scan.finish(cut.len()),
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
