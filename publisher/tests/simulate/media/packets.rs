//! Packets of MPEG-TS: tables, and PES packets that fit into one.

use mpeg2ts_reader::mpegts_crc;

pub const PACKET_BYTES: usize = 188;
const PMT_PID: u16 = 0x1000;

/// A packet that ends with `payload`; the adaptation field fills it up.
pub fn packet(pid: u16, payload: &[u8]) -> [u8; PACKET_BYTES] {
    let mut packet = [0xff; PACKET_BYTES];
    packet[0] = 0x47;
    packet[1] = 0x40 | (pid >> 8) as u8;
    packet[2] = pid as u8;
    packet[3] = 0x30;
    let filling = PACKET_BYTES - 5 - payload.len();
    packet[4] = filling as u8;
    if filling > 0 {
        packet[5] = 0;
    }
    packet[PACKET_BYTES - payload.len()..].copy_from_slice(payload);
    packet
}

fn section(table_id: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len() + 9;
    let mut section = vec![table_id, 0xb0 | (length >> 8) as u8, length as u8, 0, 1, 0xc1, 0, 0];
    section.extend_from_slice(body);
    section.extend_from_slice(&mpegts_crc::sum32(&section).to_be_bytes());
    // The pointer: the section begins at once.
    section.insert(0, 0);
    section
}

/// With one programme.
pub fn pat() -> [u8; PACKET_BYTES] {
    packet(0, &section(0, &[0, 1, 0xe0 | (PMT_PID >> 8) as u8, PMT_PID as u8]))
}

/// With one stream.
pub fn pmt(stream_type: u8, pid: u16) -> [u8; PACKET_BYTES] {
    let (high, low) = (0xe0 | (pid >> 8) as u8, pid as u8);
    packet(PMT_PID, &section(2, &[high, low, 0xf0, 0, stream_type, high, low, 0xf0, 0]))
}

/// With room for one time, or for that of showing and that of decoding.
pub fn pes(stream_id: u8, has_dts: bool, data: &[u8]) -> Vec<u8> {
    let mut pes = vec![0, 0, 1, stream_id, 0, 0, 0x80];
    pes.extend_from_slice(if has_dts { &[0xc0, 10] } else { &[0x80, 5] });
    pes.resize(pes.len() + if has_dts { 10 } else { 5 }, 0);
    pes.extend_from_slice(data);
    pes
}

/// A time of ISO 13818-1 2.4.3.7. `kind`: the four bits before it.
pub fn stamp(kind: u8, time_90k: u64) -> [u8; 5] {
    let bits = |from: u32, mask: u64| ((time_90k >> from & mask) << 1) as u8 | 1;
    [kind | bits(30, 0x07), (time_90k >> 22) as u8, bits(15, 0x7f), (time_90k >> 7) as u8, bits(0, 0x7f)]
}
