//! What of a piece of MPEG-TS does not depend on how its pictures and its sound were packed.
//!
//! In: a file. Out: its name, and a line for each table and each packet of a stream in it: the times, whether it can be begun with,
//! and the kinds of its NAL units.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use livedir_media::VideoCodec;

/// The length of a packet of the transport.
const TRANSPORT_BYTES: usize = 188;

/// What begins in one transport packet and may end in another.
struct Unit {
    pid: u16,
    head: String,
    is_picture: bool,
    bytes: Vec<u8>,
}

pub fn of(path: &Path, codec: VideoCodec) -> String {
    let mut text = format!("{}\n", path.file_name().unwrap().to_string_lossy());
    for unit in units(&fs::read(path).unwrap()) {
        let kinds = if unit.is_picture { nal_kinds(&unit.bytes, codec) } else { Vec::new() };
        let _ = writeln!(text, "{} {} {kinds:?}", unit.pid, unit.head);
    }
    text
}

fn units(bytes: &[u8]) -> Vec<Unit> {
    assert_eq!(bytes.len() % TRANSPORT_BYTES, 0, "whole packets");
    let mut units: Vec<Unit> = Vec::new();
    for packet in bytes.chunks_exact(TRANSPORT_BYTES) {
        assert_eq!(packet[0], 0x47, "a packet begins where the one before ends");
        let pid = u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
        let has_adaptation = packet[3] & 0x20 != 0;
        let start = if has_adaptation { 5 + usize::from(packet[4]) } else { 4 };
        let payload = packet.get(start..).unwrap_or_default();
        if packet[1] & 0x40 == 0 {
            let unit = units.iter_mut().rev().find(|unit| unit.pid == pid);
            unit.expect("a file begins with beginnings").bytes.extend_from_slice(payload);
            continue;
        }
        let is_key = has_adaptation && packet[4] > 0 && packet[5] & 0x40 != 0;
        units.push(beginning(pid, payload, if is_key { "key" } else { "-" }));
    }
    units
}

fn beginning(pid: u16, payload: &[u8], key: &str) -> Unit {
    if !payload.starts_with(&[0, 0, 1]) {
        return Unit { pid, head: "table".to_owned(), is_picture: false, bytes: payload.to_vec() };
    }
    let (stream, flags, length) = (payload[3], payload[7], usize::from(payload[8]));
    let shown_90k = (flags & 0x80 != 0).then(|| time_90k(&payload[9..14]));
    let decoded_90k = (flags & 0x40 != 0).then(|| time_90k(&payload[14..19]));
    Unit {
        pid,
        head: format!("stream {stream:x} {shown_90k:?} {decoded_90k:?} {key}"),
        is_picture: stream & 0xf0 == 0xe0,
        bytes: payload[9 + length..].to_vec(),
    }
}

fn time_90k(bytes: &[u8]) -> u64 {
    let bits = |at: usize| u64::from(bytes[at]);
    let (high, middle) = ((bits(0) >> 1) & 7, (bits(1) << 7) | (bits(2) >> 1));
    (high << 30) | (middle << 15) | (bits(3) << 7) | (bits(4) >> 1)
}

/// Of a picture in Annex B. Slices of one kind in a row are one: their number is that of the encoder's threads.
fn nal_kinds(bytes: &[u8], codec: VideoCodec) -> Vec<u8> {
    let starts = bytes.windows(4).filter(|window| window.starts_with(&[0, 0, 1]));
    let kind = |header: u8| match codec {
        VideoCodec::H264 => header & 0x1f,
        VideoCodec::Hevc => (header >> 1) & 0x3f,
    };
    let mut kinds: Vec<u8> = starts.map(|window| kind(window[3])).collect();
    kinds.dedup();
    kinds
}
