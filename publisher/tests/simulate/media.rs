//! Media: the smallest MPEG-TS files that are whole, made once for each length of a picture and patched: times, continuity
//! counters, and which picture it is.
//!
//! In: a [`Stream`], which goes on from file to file. Out: bytes. And back: [`Contents::of`] says what lies in any bytes.

use mpeg2ts_reader::mpegts_crc;

pub const TICKS_PER_S: u64 = 90_000;
const PACKET_BYTES: usize = 188;
const PMT_PID: u16 = 0x1000;
const PICTURE_PID: u16 = 0x100;
const SOUND_PID: u16 = 0x101;
/// Times have 33 bits.
pub const WRAP_90K: u64 = 1 << 33;
/// AAC of 48 kHz: 1,024 samples.
pub const SOUND_FRAME_90K: u64 = 1_920;
/// As many small frames fit into a packet.
const FRAMES_PER_PACKET: u64 = 18;
const SOUND_FRAME_BYTES: usize = 8;
/// Before the mark that says which picture or sound it is.
const MARK: [u8; 4] = *b"mark";

/// What a stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    Pictures,
    Sound,
}

/// Which unit a file begins with, and how many it has: a picture or a frame of sound each. Nothing but the bytes says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Contents {
    /// Of this encoder's run.
    pub source: u32,
    /// From 0, in the order of time.
    pub first: u32,
    pub count: u32,
    /// Whether a player can begin with it.
    pub is_independent: bool,
}

impl Contents {
    /// The unit after the last.
    pub fn end(&self) -> u32 {
        self.first + self.count
    }

    /// `None` when these are not whole files of such streams.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() || !bytes.len().is_multiple_of(PACKET_BYTES) {
            return None;
        }
        let mut found: Option<Self> = None;
        for packet in bytes.chunks_exact(PACKET_BYTES) {
            if packet[0] != 0x47 {
                return None;
            }
            let pid = u16::from(packet[1] & 0x1f) << 8 | u16::from(packet[2]);
            if pid != PICTURE_PID && pid != SOUND_PID {
                continue;
            }
            let mark = &packet[PACKET_BYTES - 14..];
            if mark[..4] != MARK {
                return None;
            }
            let word = |at: usize| u32::from_be_bytes([mark[at], mark[at + 1], mark[at + 2], mark[at + 3]]);
            let (source, first, count, is_independent) =
                (word(4), word(8), u32::from(mark[12]), mark[13] == 1);
            match &mut found {
                None => found = Some(Self { source, first, count, is_independent }),
                Some(found) if found.source == source && found.end() == first => found.count += count,
                Some(_) => return None,
            }
        }
        found
    }
}

/// One stream, from file to file.
#[derive(Debug, Clone)]
pub struct Stream {
    pub medium: Medium,
    pub source: u32,
    /// How long a picture lasts.
    pub picture_90k: u64,
    /// When the first unit is shown.
    pub begins_at_90k: u64,
    tables: [u8; 2 * PACKET_BYTES],
    /// A picture that stands by itself, one that a part begins with, and any other.
    pictures: [[u8; PACKET_BYTES]; 3],
    /// Of PAT, PMT and medium.
    counters: [u8; 3],
}

impl Stream {
    pub fn new(medium: Medium, source: u32, picture_90k: u64, begins_at_90k: u64) -> Self {
        let mut tables = [0; 2 * PACKET_BYTES];
        tables[..PACKET_BYTES].copy_from_slice(&pat());
        tables[PACKET_BYTES..].copy_from_slice(&pmt(medium));
        Self {
            medium,
            source,
            picture_90k,
            begins_at_90k,
            tables,
            pictures: [(true, true), (true, false), (false, false)]
                .map(|(begins, is_key)| picture(picture_90k as u32, begins, is_key)),
            counters: [0; 3],
        }
    }

    /// How long a unit lasts.
    pub fn unit_90k(&self) -> u64 {
        match self.medium {
            Medium::Pictures => self.picture_90k,
            Medium::Sound => SOUND_FRAME_90K,
        }
    }

    /// The units of a time span, from its start.
    pub fn units(&self, start_90k: u64, end_90k: u64) -> std::ops::Range<u32> {
        let unit_90k = self.unit_90k();
        start_90k.div_ceil(unit_90k) as u32..end_90k.div_ceil(unit_90k) as u32
    }

    /// Tables, then these units. `is_independent`: the first can be decoded by itself.
    pub fn bytes(&mut self, units: std::ops::Range<u32>, is_independent: bool) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PACKET_BYTES * (2 + units.len()));
        let start = bytes.len();
        bytes.extend_from_slice(&self.tables);
        for table in 0..2 {
            self.count(&mut bytes[start + table * PACKET_BYTES..], table);
        }
        match self.medium {
            Medium::Pictures => {
                for unit in units.clone() {
                    let is_key = is_independent && unit == units.start;
                    let which = if unit > units.start { 2 } else { usize::from(!is_key) };
                    let packet = self.pictures[which];
                    self.unit(&mut bytes, &packet, unit, 1, is_key);
                }
            }
            Medium::Sound => {
                for unit in units.clone().step_by(FRAMES_PER_PACKET as usize) {
                    let count = (units.end - unit).min(FRAMES_PER_PACKET as u32);
                    self.unit(&mut bytes, &sound(count as usize), unit, count, true);
                }
            }
        }
        bytes
    }

    fn unit(
        &mut self,
        bytes: &mut Vec<u8>,
        packet: &[u8; PACKET_BYTES],
        unit: u32,
        count: u32,
        is_key: bool,
    ) {
        let at = bytes.len();
        bytes.extend_from_slice(packet);
        let packet = &mut bytes[at..];
        self.count(packet, 2);
        let pts_90k = (self.begins_at_90k + u64::from(unit) * self.unit_90k()) % WRAP_90K;
        let pes = 5 + usize::from(packet[4]);
        packet[pes + 9..pes + 14].copy_from_slice(&pts(pts_90k));
        let mark = &mut packet[PACKET_BYTES - 14..];
        mark[..4].copy_from_slice(&MARK);
        mark[4..8].copy_from_slice(&self.source.to_be_bytes());
        mark[8..12].copy_from_slice(&unit.to_be_bytes());
        (mark[12], mark[13]) = (count as u8, u8::from(is_key));
    }

    fn count(&mut self, packet: &mut [u8], of: usize) {
        packet[3] = packet[3] & 0xf0 | self.counters[of];
        self.counters[of] = (self.counters[of] + 1) & 0x0f;
    }
}

/// A packet that ends with `payload`; the adaptation field fills it up.
fn packet(pid: u16, payload: &[u8]) -> [u8; PACKET_BYTES] {
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

fn pat() -> [u8; PACKET_BYTES] {
    packet(0, &section(0, &[0, 1, 0xe0 | (PMT_PID >> 8) as u8, PMT_PID as u8]))
}

fn pmt(medium: Medium) -> [u8; PACKET_BYTES] {
    let (stream_type, pid) = match medium {
        Medium::Pictures => (0x1b, PICTURE_PID),
        Medium::Sound => (0x0f, SOUND_PID),
    };
    let (high, low) = (0xe0 | (pid >> 8) as u8, pid as u8);
    packet(PMT_PID, &section(2, &[high, low, 0xf0, 0, stream_type, high, low, 0xf0, 0]))
}

fn pes(stream_id: u8, data: &[u8]) -> Vec<u8> {
    let mut pes = vec![0, 0, 1, stream_id, 0, 0, 0x80, 0x80, 5];
    pes.extend_from_slice(&pts(0));
    pes.extend_from_slice(data);
    pes
}

fn pts(pts_90k: u64) -> [u8; 5] {
    let bits = |from: u32, mask: u64| ((pts_90k >> from & mask) << 1) as u8 | 1;
    [0x20 | bits(30, 0x07), (pts_90k >> 22) as u8, bits(15, 0x7f), (pts_90k >> 7) as u8, bits(0, 0x7f)]
}

fn picture(picture_90k: u32, begins: bool, is_key: bool) -> [u8; PACKET_BYTES] {
    let mut data = Vec::new();
    if begins {
        data.extend_from_slice(&[0, 0, 0, 1]);
        data.extend_from_slice(&sps(picture_90k));
        data.extend_from_slice(&[0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80]);
    }
    data.extend_from_slice(&[0, 0, 0, 1, if is_key { 0x65 } else { 0x41 }, 0x88]);
    // The mark, which is patched in.
    data.extend_from_slice(&[0; 14]);
    packet(PICTURE_PID, &pes(0xe0, &data))
}

/// A sequence parameter set of H.264: baseline, 160x96, and how long a picture lasts.
fn sps(picture_90k: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(66, 8).put(0xc0, 8).put(30, 8);
    // Its number, log2_max_frame_num, pic_order_cnt_type 2, one reference, no gaps, 10 by 6 macroblocks.
    bits.golomb(0).golomb(0).golomb(2).golomb(1).put(0, 1).golomb(9).golomb(5);
    // Frames only, direct_8x8, no cropping, VUI without all before the timing.
    bits.put(1, 1).put(1, 1).put(0, 1).put(1, 1).put(0, 4);
    bits.put(1, 1).put(picture_90k, 32).put(2 * TICKS_PER_S as u32, 32).put(1, 1);
    // No HRD, no pic_struct, no restriction; the end.
    bits.put(0, 4).put(1, 1);
    let mut sps = vec![0x67];
    let mut zeros = 0;
    for byte in bits.bytes() {
        // ITU-T H.264 7.4.1: no start code within.
        if zeros == 2 && byte <= 3 {
            sps.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        sps.push(byte);
    }
    sps
}

#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    fn put(&mut self, value: u32, count: u32) -> &mut Self {
        self.0.extend((0..count).rev().map(|bit| value >> bit & 1 == 1));
        self
    }

    fn golomb(&mut self, value: u32) -> &mut Self {
        let bits = (value + 1).ilog2();
        self.put(0, bits).put(value + 1, bits + 1)
    }

    fn bytes(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| {
            bits.iter().enumerate().fold(0, |byte, (index, bit)| byte | u8::from(*bit) << (7 - index))
        };
        self.0.chunks(8).map(byte).collect()
    }
}

/// AAC in ADTS, one tiny frame after the other; the last holds the mark.
fn sound(frames: usize) -> [u8; PACKET_BYTES] {
    let mut data = Vec::with_capacity(PACKET_BYTES);
    for frame in 0..frames {
        let bytes = if frame + 1 == frames { 7 + 14 } else { SOUND_FRAME_BYTES };
        data.extend_from_slice(&[
            0xff,
            0xf1,
            0x4c,
            0x80,
            (bytes >> 3) as u8,
            (bytes as u8 & 7) << 5 | 0x1f,
            0xfc,
        ]);
        data.resize(data.len() + bytes - 7, 0);
    }
    packet(SOUND_PID, &pes(0xc0, &data))
}

/// Fails when these are not the files that they are meant to be.
pub fn prove() {
    use livedir_media::{discontinuity, probe};
    let mut pictures = Stream::new(Medium::Pictures, 7, 22_500, WRAP_90K - 45_000);
    let mut files = [pictures.bytes(0..4, true), pictures.bytes(4..8, true)].map(|bytes| {
        assert_eq!(
            Contents::of(&bytes).map(|it| (it.source, it.count, it.is_independent)),
            Some((7, 4, true))
        );
        probe(&bytes).expect("pictures")
    });
    assert_eq!(files.each_ref().map(|facts| facts.duration_90k), [90_000; 2]);
    assert_eq!(discontinuity(&files[0], &files[1]), None);
    files[1].start_90k += 90_000;
    assert!(discontinuity(&files[0], &files[1]).is_some());
    let part = probe(&pictures.bytes(8..9, false)).expect("a part");
    assert_eq!(part.duration_90k, 22_500);
    let mut sound = Stream::new(Medium::Sound, 8, 22_500, 0);
    let units = sound.units(0, 90_000);
    let facts = probe(&sound.bytes(units.clone(), true)).expect("sound");
    assert_eq!(facts.duration_90k, units.len() as u64 * SOUND_FRAME_90K);
}
