//! Container: what a file of media is packed in, as its first bytes or its size tell.

use mpeg2ts_reader::packet::Packet;

/// What a file is packed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// MPEG-TS (RFC 8216 3.2).
    Ts,
    /// Fragmented MP4 (RFC 8216 3.3).
    Fmp4,
    /// Packed audio, `WebVTT`, or nothing known.
    Other,
}

/// Told by the first bytes of a file: its name says nothing.
#[must_use]
pub fn container(bytes: &[u8]) -> Container {
    let is_sync = |at: usize| bytes.get(at).is_none_or(|&byte| Packet::is_sync_byte(byte));
    let is_box = bytes.get(4..8).is_some_and(|name| {
        let first: [&[u8]; 9] =
            [b"ftyp", b"styp", b"moof", b"moov", b"sidx", b"emsg", b"prft", b"free", b"mdat"];
        first.contains(&name)
    });
    if is_box {
        Container::Fmp4
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
