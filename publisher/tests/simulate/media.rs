//! Media: the smallest MPEG-TS files that are whole, made once for each length of a picture and patched: times, continuity
//! counters, and which picture it is. With B-frames each second picture is shown before the one that is decoded before it.
//!
//! In: a [`Stream`], which goes on from file to file. Out: bytes. And back: [`Contents::of`] says what lies in any bytes.

mod packets;
mod pictures;

use packets::{PACKET_BYTES, packet, pat, pes, pmt, stamp};
use pictures::{PICTURES, Slice, coded};

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
/// With the source, the unit, how many, and whether it is independent.
const MARK_BYTES: usize = 14;

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
    /// From 0, in the order in which they are decoded.
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
            let mark = &packet[PACKET_BYTES - MARK_BYTES..];
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
    /// When the first unit is decoded. It is shown then, too, but for B-frames.
    pub begins_at_90k: u64,
    /// Of a stream with B-frames: how many pictures follow each other from one keyframe to the next.
    group: Option<u32>,
    tables: [u8; 2 * PACKET_BYTES],
    /// A picture that stands by itself; then those that need others, each as one that a part begins with and as any other.
    pictures: [[u8; PACKET_BYTES]; 5],
    /// Of PAT, PMT and medium.
    counters: [u8; 3],
}

impl Stream {
    pub fn new(medium: Medium, source: u32, picture_90k: u64, begins_at_90k: u64) -> Self {
        let mut tables = [0; 2 * PACKET_BYTES];
        tables[..PACKET_BYTES].copy_from_slice(&pat());
        let (stream_type, pid) = match medium {
            Medium::Pictures => (0x1b, PICTURE_PID),
            Medium::Sound => (0x0f, SOUND_PID),
        };
        tables[PACKET_BYTES..].copy_from_slice(&pmt(stream_type, pid));
        Self {
            medium,
            source,
            picture_90k,
            begins_at_90k,
            group: None,
            tables,
            pictures: PICTURES.map(|kind| picture(picture_90k, kind, false)),
            counters: [0; 3],
        }
    }

    /// The same with B-frames, and a keyframe each `group` pictures.
    pub fn with_b_frames(self, group: u64) -> Self {
        let pictures = PICTURES.map(|kind| picture(self.picture_90k, kind, true));
        Self { group: Some(group as u32), pictures, ..self }
    }

    /// Whether a picture is a B-frame: each second one behind a keyframe.
    fn is_b_frame(&self, unit: u32) -> bool {
        self.group.is_some_and(|group| !unit.is_multiple_of(group) && (unit % group).is_multiple_of(2))
    }

    /// The place of a unit in the order in which they are shown: no B-frame comes too late for its time.
    fn shown(&self, unit: u32) -> u32 {
        let Some(group) = self.group else { return unit };
        let is_overtaken = !(unit + 1).is_multiple_of(group) && self.is_b_frame(unit + 1);
        1 + if is_overtaken {
            unit + 1
        } else if self.is_b_frame(unit) {
            unit - 1
        } else {
            unit
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
                    let slice = match (is_key, self.is_b_frame(unit)) {
                        (true, _) => Slice::Key,
                        (false, false) => Slice::P,
                        (false, true) => Slice::B,
                    };
                    let kind = (unit == units.start, slice);
                    let which = PICTURES.iter().position(|of| *of == kind).expect("a kind of picture");
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
        let time = |place: u32| (self.begins_at_90k + u64::from(place) * self.unit_90k()) % WRAP_90K;
        let pes = 5 + usize::from(packet[4]);
        if self.group.is_some() {
            packet[pes + 9..pes + 14].copy_from_slice(&stamp(0x30, time(self.shown(unit))));
            packet[pes + 14..pes + 19].copy_from_slice(&stamp(0x10, time(unit)));
        } else {
            packet[pes + 9..pes + 14].copy_from_slice(&stamp(0x20, time(unit)));
        }
        let mark = &mut packet[PACKET_BYTES - MARK_BYTES..];
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

/// Its mark is patched in.
fn picture(picture_90k: u64, kind: (bool, Slice), has_b_frames: bool) -> [u8; PACKET_BYTES] {
    packet(PICTURE_PID, &pes(0xe0, has_b_frames, &coded(picture_90k as u32, kind, has_b_frames, MARK_BYTES)))
}

/// AAC in ADTS, one tiny frame after the other; the last holds the mark.
fn sound(frames: usize) -> [u8; PACKET_BYTES] {
    let mut data = Vec::with_capacity(PACKET_BYTES);
    for frame in 0..frames {
        let bytes = if frame + 1 == frames { 7 + MARK_BYTES } else { SOUND_FRAME_BYTES };
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
    packet(SOUND_PID, &pes(0xc0, false, &data))
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
    let stream = Stream::new(Medium::Pictures, 9, 22_500, WRAP_90K - 45_000).with_b_frames(4);
    let order: Vec<_> = (0..8).map(|unit| stream.shown(unit)).collect();
    assert_eq!(order, [1, 3, 2, 4, 5, 7, 6, 8]);
    let mut pictures = stream.clone();
    let files = [pictures.bytes(0..4, true), pictures.bytes(4..8, true)].map(|bytes| probe(&bytes));
    let files = files.map(|facts| facts.expect("pictures"));
    assert_eq!(files.each_ref().map(|facts| facts.duration_90k), [90_000; 2]);
    assert_eq!(discontinuity(&files[0], &files[1]), None);
    let mut pictures = stream;
    for unit in 0..4 {
        let part = probe(&pictures.bytes(unit..unit + 1, unit == 0)).expect("a part");
        let video = part.video.expect("pictures");
        // The B-frame is shown as it is decoded.
        let (decoded_90k, duration_90k) = match video.decoding {
            Some(decoding) => (decoding.start_90k, decoding.duration_90k),
            None => (video.start_90k, video.duration_90k),
        };
        let starts_90k = [decoded_90k, video.start_90k];
        let expected_90k = [unit, [1, 3, 2, 4][unit as usize]]
            .map(|place| (WRAP_90K - 45_000 + u64::from(place) * 22_500) % WRAP_90K);
        assert_eq!((starts_90k, duration_90k), (expected_90k, 22_500));
    }
    let mut sound = Stream::new(Medium::Sound, 8, 22_500, 0);
    let units = sound.units(0, 90_000);
    let facts = probe(&sound.bytes(units.clone(), true)).expect("sound");
    assert_eq!(facts.duration_90k, units.len() as u64 * SOUND_FRAME_90K);
}
