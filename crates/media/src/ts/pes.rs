//! The head of a PES packet: where the stream's bytes begin, and when they are to be shown.

use mpeg2ts_reader::pes::{PesContents, PesHeader, PtsDts};

/// Takes a stream apart into what is shown at which time.
pub(crate) trait StreamScan {
    /// A PES packet begins. Without a time it goes on with the frame or sound before it.
    fn start(&mut self, pts_90k: Option<u64>);

    /// What has just begun is decoded at another time than it is shown at.
    fn decoded_at(&mut self, _dts_90k: u64) {}

    /// More of the stream's bytes.
    fn push(&mut self, stream_bytes: &[u8]);
}

/// Hands the payload of one packet on. The rest of a PES packet whose head is broken counts as more of the one before.
pub(crate) fn feed(scan: &mut impl StreamScan, payload: &[u8], unit_start: bool) {
    if !unit_start {
        scan.push(payload);
    } else if let Some((pts_90k, stream_bytes)) = read_head(payload) {
        scan.start(pts_90k);
        if let Some(dts_90k) = read_dts(payload) {
            scan.decoded_at(dts_90k);
        }
        scan.push(stream_bytes);
    }
}

/// The time of a PES packet, and the bytes behind its head.
pub(crate) fn read_head(payload: &[u8]) -> Option<(Option<u64>, &[u8])> {
    let PesContents::Parsed(Some(contents)) = PesHeader::from_bytes(payload)?.contents() else {
        return None;
    };
    let pts_90k = match contents.pts_dts() {
        Ok(PtsDts::PtsOnly(Ok(pts)) | PtsDts::Both { pts: Ok(pts), .. }) => Some(pts.value()),
        _ => None,
    };
    Some((pts_90k, contents.payload()))
}

/// The decode time of a PES packet, where it is another than the time of presentation.
fn read_dts(payload: &[u8]) -> Option<u64> {
    let PesContents::Parsed(Some(contents)) = PesHeader::from_bytes(payload)?.contents() else {
        return None;
    };
    match contents.pts_dts() {
        Ok(PtsDts::Both { dts: Ok(dts), pts: Ok(_) }) => Some(dts.value()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_and_the_bytes_behind_the_head_are_found() {
        let head = [0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5, 0x21, 0x00, 0x05, 0xbf, 0x21, 7, 8];
        assert_eq!(read_head(&head), Some((Some(90_000), &[7, 8][..])));
    }

    #[test]
    fn a_head_cut_at_any_byte_is_no_head() {
        let head = [0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5, 0x21, 0x00, 0x05, 0xbf, 0x21];
        for bytes in 0..head.len() {
            assert!(read_head(&head[..bytes]).is_none(), "{bytes} bytes");
        }
    }
}
