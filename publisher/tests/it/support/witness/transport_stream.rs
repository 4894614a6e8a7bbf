//! What makes a file a whole MPEG-TS segment. Pure; it knows nothing of the parsers that livedir uses.

const PACKET_BYTES: usize = 188;
const SYNC: u8 = 0x47;
const SERVICE_DESCRIPTION: u16 = 0x11;

/// Says what is wrong with the bytes of a segment, if anything is.
pub fn fault(bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() {
        return Some("it is empty".into());
    }
    if !bytes.len().is_multiple_of(PACKET_BYTES) {
        return Some(format!("{} bytes are no whole packets", bytes.len()));
    }
    let packets = bytes.chunks_exact(PACKET_BYTES);
    if let Some(index) = packets.clone().position(|packet| packet[0] != SYNC) {
        return Some(format!("packet {index} has no sync byte"));
    }
    // RFC 8216 3.2: PAT and PMT SHOULD be the first two packets. Other people's multiplexers write the name of the service
    // before them (EN 300 468 5.2.3), which no player minds.
    let mut packets = packets.skip_while(|packet| id_of(packet) == SERVICE_DESCRIPTION);
    let Some(map_id) = packets.next().and_then(program_map_id) else {
        return Some("it does not begin with a PAT".into());
    };
    let second = packets.next().unwrap_or_default();
    if table(second, map_id, 2).is_none() {
        return Some("no PMT follows the PAT".into());
    }
    None
}

/// From a PAT: which packets hold the table of the one program.
fn program_map_id(packet: &[u8]) -> Option<u16> {
    let programs = table(packet, 0, 0)?.get(8..)?;
    Some(u16::from_be_bytes([programs[2], programs[3]]) & 0x1fff)
}

fn id_of(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[1], packet[2]]) & 0x1fff
}

/// The table that begins in this packet, if it has this packet id and this table id.
fn table(packet: &[u8], packet_id: u16, table_id: u8) -> Option<&[u8]> {
    let begins_table = packet.get(1)? & 0x40 != 0;
    // ISO 13818-1 2.4.3.3: bytes of the adaptation field come before the payload.
    let stuffing = match packet.get(3)? & 0x30 {
        0x10 => 0,
        0x30 => 1 + usize::from(*packet.get(4)?),
        _ => return None,
    };
    let id = id_of(packet);
    let payload = packet.get(4 + stuffing..)?;
    let table = payload.get(1 + usize::from(*payload.first()?)..)?;
    (begins_table && id == packet_id && *table.first()? == table_id && table.len() >= 12).then_some(table)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    const MAP_ID: u16 = 0x1000;

    fn packet(id: u16, payload: &[u8]) -> Vec<u8> {
        let [high, low] = (id | 0x4000).to_be_bytes();
        let mut packet = vec![SYNC, high, low, 0x10];
        packet.extend(payload);
        packet.resize(PACKET_BYTES, 0xff);
        packet
    }

    fn pat() -> Vec<u8> {
        packet(0, &[0, 0x00, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xf0, 0x00])
    }

    fn pmt() -> Vec<u8> {
        packet(MAP_ID, &[0, 0x02, 0xb0, 18, 0, 1, 0xc1, 0, 0, 0xe1, 0x00, 0xf0, 0x00])
    }

    /// A segment of so many packets, with its tables.
    pub fn segment(packets: usize) -> Vec<u8> {
        let mut bytes = [pat(), pmt()].concat();
        for _ in 2..packets {
            bytes.extend(packet(0x100, b"picture"));
        }
        bytes
    }

    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        let fault = fault(bytes).unwrap_or_default();
        assert!(fault.contains(expected), "{fault:?} does not tell {expected:?}");
    }

    #[test]
    fn a_whole_segment_has_no_fault() {
        assert_eq!(fault(&segment(5)), None);
    }

    #[test]
    fn each_fault_is_told() {
        check(&[], "empty");
        check(&segment(5)[..900], "900 bytes are no whole packets");
        let mut torn = segment(5);
        torn[3 * PACKET_BYTES] = 0;
        check(&torn, "packet 3 has no sync byte");
        check(&segment(5)[PACKET_BYTES..], "begin with a PAT");
        check(&[pat(), packet(0x100, b"picture")].concat(), "no PMT");
        check(&pat(), "no PMT");
    }
}
