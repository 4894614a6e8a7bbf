//! Anatomy: what lies where in one .ts file, packet by packet and frame by frame. More than the watcher has to know of
//! each segment; `inspect` shows it of the one that was named.
//!
//! In: the bytes. Out: an [`Anatomy`]. Pure, on the caller's thread; survives any bytes: it ends where packets end.
//! Memory grows with the video frames and audio frames, by some 40 bytes each.

use crate::codec::VideoCodec;
use crate::codec::picture_head::PictureHead;
use crate::scan::Scan;
use crate::ts::continuity::{Continuity, Payload};
use crate::ts::pes;
use crate::ts::tables::ElementaryStream;
use livedir_time::clock_33_bit::distance_90k;
use mpeg2ts_reader::packet::{Packet, Pid};

/// What lies where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anatomy {
    /// Whole packets, up to the first that is none.
    pub packets: u64,
    /// Every PID, in order of appearance.
    pub pids: Vec<PidAnatomy>,
    /// Video frames and audio frames, in order of appearance.
    pub units: Vec<Unit>,
    /// Where continuity counters do not run on. No more than `MOST_BREAKS`.
    pub breaks: Vec<CounterBreak>,
}

/// The packets of one PID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PidAnatomy {
    /// The PID.
    pub pid: u16,
    /// What it carries.
    pub carries: Carries,
    /// Packets.
    pub packets: u64,
    /// Video frames, or audio frames.
    pub units: u64,
    /// Its first time, in order of presentation; 33 bits.
    pub first_90k: Option<u64>,
    /// Its last time: when its last unit begins.
    pub last_90k: Option<u64>,
}

/// What the packets of a PID carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// One of the program's streams, by its type.
    Stream(u8),
    /// The program association table.
    Pat,
    /// The program map table.
    Pmt,
    /// The service description table.
    Sdt,
    /// Nothing: it fills up a constant rate.
    Stuffing,
    /// Nothing says.
    Unknown,
}

/// One PES packet: a video frame, or some audio frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// Whose it is.
    pub pid: u16,
    /// When it is presented, 33 bits.
    pub pts_90k: u64,
    /// Bytes of the packets that carry it.
    pub bytes: u64,
    /// Whether it is a frame that can be decoded by itself.
    pub is_keyframe: bool,
}

/// A continuity counter that does not run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CounterBreak {
    /// The PID.
    pub pid: u16,
    /// Where the packet lies that does not follow on the one before.
    pub byte: u64,
    /// The time that its PID had come to, if any.
    pub pts_90k: Option<u64>,
}

/// More breaks than this are a broken network, and no places to look at.
pub(super) const MOST_BREAKS: usize = 1_000;

const SDT_PID: u16 = 0x11;

/// Takes a file apart.
#[must_use]
pub fn anatomy(bytes: &[u8]) -> Anatomy {
    let (streams, pmt_pid) = tables(bytes);
    let mut anatomy = Anatomy::default();
    let mut continuity = Continuity::new();
    let mut open: Vec<OpenPid> = Vec::new();
    let mut places = vec![0_u16; Pid::PID_COUNT];
    for (index, packet_bytes) in bytes.chunks_exact(Packet::SIZE).enumerate() {
        let Some(packet) = Packet::try_new(packet_bytes) else { break };
        anatomy.packets += 1;
        let pid = u16::from(packet.pid());
        let place = match places[usize::from(pid)] {
            0 => {
                anatomy.pids.push(PidAnatomy {
                    pid,
                    carries: carries(pid, &streams, pmt_pid),
                    packets: 0,
                    units: 0,
                    first_90k: None,
                    last_90k: None,
                });
                open.push(OpenPid::new(anatomy.pids[anatomy.pids.len() - 1].carries));
                places[usize::from(pid)] = anatomy.pids.len() as u16;
                anatomy.pids.len() - 1
            }
            place => usize::from(place) - 1,
        };
        anatomy.pids[place].packets += 1;
        let breaks_before = continuity.breaks_of(pid);
        let is_fresh = continuity.push(&packet) == Payload::Fresh;
        if continuity.breaks_of(pid) > breaks_before && anatomy.breaks.len() < MOST_BREAKS {
            let pts_90k = open[place].unit.map(|unit| anatomy.units[unit].pts_90k);
            anatomy.breaks.push(CounterBreak { pid, byte: (index * Packet::SIZE) as u64, pts_90k });
        }
        if let (Carries::Stream(_), true) = (anatomy.pids[place].carries, is_fresh) {
            open[place].push(&packet, pid, &mut anatomy.units);
        } else if let Some(unit) = open[place].unit {
            anatomy.units[unit].bytes += Packet::SIZE as u64;
        }
    }
    for open in &mut open {
        open.end_unit(&mut anatomy.units);
    }
    for unit in &anatomy.units {
        anatomy.pids[usize::from(places[usize::from(unit.pid)]) - 1].take(unit.pts_90k);
    }
    anatomy
}

/// The streams and the PID of their table, as far as the file names them.
fn tables(bytes: &[u8]) -> (Vec<ElementaryStream>, Option<u16>) {
    let mut scan = Scan::new();
    for packet in bytes.chunks_exact(Packet::SIZE).map_while(Packet::try_new) {
        // Video that nobody can play is taken apart too.
        if scan.push(&packet).is_err() || scan.streams.is_some() {
            break;
        }
    }
    (scan.named, scan.pmt_pid)
}

fn carries(pid: u16, streams: &[ElementaryStream], pmt_pid: Option<u16>) -> Carries {
    match streams.iter().find(|stream| stream.pid == pid) {
        Some(stream) => Carries::Stream(stream.stream_type),
        None if pid == crate::scan::PAT_PID => Carries::Pat,
        None if Some(pid) == pmt_pid => Carries::Pmt,
        None if pid == SDT_PID => Carries::Sdt,
        None if pid == u16::from(Pid::STUFFING) => Carries::Stuffing,
        None => Carries::Unknown,
    }
}

/// The unit of a PID that is being read.
struct OpenPid {
    /// Of a video stream that can be looked into.
    codec: Option<VideoCodec>,
    unit: Option<usize>,
    head: Option<PictureHead>,
}

impl OpenPid {
    fn new(carries: Carries) -> Self {
        let codec = match carries {
            Carries::Stream(stream_type) => VideoCodec::of_stream_type(stream_type),
            _ => None,
        };
        Self { codec, unit: None, head: None }
    }

    fn push(&mut self, packet: &Packet<'_>, pid: u16, units: &mut Vec<Unit>) {
        let payload = packet.payload().unwrap_or_default();
        let mut stream_bytes = payload;
        if packet.payload_unit_start_indicator()
            && let Some((pts_90k, after_head)) = pes::read_head(payload)
        {
            stream_bytes = after_head;
            if let Some(pts_90k) = pts_90k {
                self.end_unit(units);
                self.unit = Some(units.len());
                self.head = self.codec.map(PictureHead::new);
                units.push(Unit { pid, pts_90k, bytes: 0, is_keyframe: false });
            }
        }
        if let Some(unit) = self.unit {
            units[unit].bytes += Packet::SIZE as u64;
        }
        if let Some(head) = &mut self.head {
            head.push(stream_bytes);
        }
    }

    fn end_unit(&mut self, units: &mut [Unit]) {
        if let (Some(unit), Some(head)) = (self.unit, self.head.take()) {
            units[unit].is_keyframe = head.is_keyframe();
        }
    }
}

impl PidAnatomy {
    /// The bytes of its packets.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.packets * Packet::SIZE as u64
    }

    fn take(&mut self, pts_90k: u64) {
        self.units += 1;
        if self.first_90k.is_none_or(|first_90k| distance_90k(first_90k, pts_90k) < 0) {
            self.first_90k = Some(pts_90k);
        }
        if self.last_90k.is_none_or(|last_90k| distance_90k(last_90k, pts_90k) > 0) {
            self.last_90k = Some(pts_90k);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_stream_has_packets_and_no_more() {
        assert_eq!(anatomy(b"<html>"), Anatomy::default());
        let mut packets = [[0x47, 0x1f, 0xff, 0x10]; 47 * 3].concat();
        packets[2 * 188] = 0;
        let found = anatomy(&packets);
        assert_eq!((found.packets, found.pids.len(), found.units.len()), (2, 1, 0));
        assert_eq!(found.pids[0].carries, Carries::Stuffing);
    }
}
