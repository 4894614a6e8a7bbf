//! Probe: the bytes of one .ts file → what is true of it.
//!
//! In: the bytes. Out: [`Facts`], or why there are none. Pure, on the caller's thread; survives any bytes; one pass, in which
//! only the heads of pictures are looked into, and nothing of a payload is copied but parameter sets and tables.

mod codec;
mod container;
mod discontinuity;
mod last_picture;
mod medium;
mod ts;
mod unfit;

pub use codec::{Nal, Slice, VideoCodec};
pub use container::{Container, container, may_be_whole};
pub use discontinuity::{Discontinuity, discontinuity, smallest_break_90k};
pub use last_picture::LastPicture;
pub use medium::Medium;
pub use ts::anatomy::{Anatomy, Carries, CounterBreak, PidAnatomy, Unit, anatomy};
pub use ts::audio::{AudioCodec, AudioFacts};
pub use ts::continuity::Counter;
pub use ts::tables::ElementaryStream;
pub use ts::video::{Picture, VideoFacts};
pub use unfit::{Unfit, unfit};

use livedir_time::clock_33_bit::{distance_90k, earlier_90k, later_90k};
use mpeg2ts_reader::{StreamType, packet::Packet};
use ts::audio::AudioScan;
use ts::continuity::{Continuity, Payload};
use ts::tables::Section;
use ts::video::VideoScan;

/// What is true of a segment. Times are 33-bit and wrap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// When it begins: its video, or its audio where there is no video.
    pub start_90k: u64,
    /// How long it lasts, the last picture included as [`LastPicture`] believes; 0 when nothing tells.
    pub duration_90k: u64,
    /// How long one picture (or, without video, one audio frame) lasts; 0 when not known.
    pub frame_interval_90k: u64,
    /// The video, if there is any.
    pub video: Option<VideoFacts>,
    /// The audio, if there is any.
    pub audio: Option<AudioFacts>,
    /// What the PMT names.
    pub streams: Vec<ElementaryStream>,
    /// The continuity counter of every PID, in order of appearance.
    pub counters: Vec<Counter>,
    /// Whether PAT and PMT come before the first packet of any stream.
    pub tables_first: bool,
    /// Bytes behind the last whole packet: the file was cut.
    pub trailing_bytes: usize,
}

impl Facts {
    /// When it ends: where the next one has to begin.
    #[must_use]
    pub fn end_90k(&self) -> u64 {
        later_90k(self.start_90k, self.duration_90k)
    }

    /// Takes it that it begins so much earlier: what came before it is lost, and packets with it.
    pub fn begin_earlier(&mut self, by_90k: u64) {
        self.start_90k = earlier_90k(self.start_90k, by_90k);
        self.duration_90k = self.duration_90k.saturating_add(by_90k);
        self.counters.clear();
    }

    /// What goes on where this one ends, with nothing changed.
    #[must_use]
    pub fn successor(&self) -> Self {
        Self { start_90k: self.end_90k(), counters: Vec::new(), ..self.clone() }
    }

    /// When the last of its pictures and its sound ends: nothing in it is later, however long its last picture is.
    #[must_use]
    pub fn latest_end_90k(&self) -> u64 {
        let doubt_90k = self.video.as_ref().map_or(0, |video| {
            video.last_picture.longest_90k.saturating_sub(video.last_picture.believed_90k)
        });
        let end_90k = later_90k(self.end_90k(), doubt_90k);
        let sound = self.audio.as_ref().filter(|sound| distance_90k(end_90k, sound.end_90k) > 0);
        sound.map_or(end_90k, |sound| sound.end_90k)
    }

    /// Takes it that it lasts as long as the segment before it has turned out to last, `before_90k`, where the length of its
    /// last picture is in doubt: encoders cut at even times.
    pub fn last_like(&mut self, before_90k: u64) {
        if self.shortest_in_doubt_90k().is_some_and(|shortest_90k| shortest_90k <= before_90k) {
            self.set_duration(before_90k);
        }
    }

    /// Takes it that no segment is longer than `limit_90k`, which its encoder has promised: where the length of the last
    /// picture is in doubt, it ends there at the latest, and where nothing tells of it, it ends there.
    pub fn hold_to(&mut self, limit_90k: u64) {
        let is_unknown = self.video.as_ref().is_some_and(|video| video.last_picture.believed_90k == 0);
        if (self.duration_90k > limit_90k || is_unknown)
            && self.shortest_in_doubt_90k().is_some_and(|shortest_90k| shortest_90k <= limit_90k)
        {
            self.set_duration(limit_90k);
        }
    }

    /// The least that it can last; `None` where that is certain.
    fn shortest_in_doubt_90k(&self) -> Option<u64> {
        let video = self.video.as_ref()?;
        let last = video.last_picture;
        last.is_in_doubt().then(|| video.duration_90k.saturating_sub(last.believed_90k) + last.shortest_90k)
    }

    fn set_duration(&mut self, duration_90k: u64) {
        let Some(video) = &mut self.video else { return };
        let last = &mut video.last_picture;
        let before_last_90k = video.duration_90k.saturating_sub(last.believed_90k);
        last.believed_90k = duration_90k.saturating_sub(before_last_90k);
        last.longest_90k = last.longest_90k.max(last.believed_90k);
        (video.duration_90k, self.duration_90k) = (duration_90k, duration_90k);
    }

    /// Times that a continuity counter did not run on inside it.
    #[must_use]
    pub fn counter_breaks(&self) -> u64 {
        self.counters.iter().map(|counter| u64::from(counter.breaks)).sum()
    }
}

/// Why nothing can be said of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// It has no bytes.
    #[error("it is empty; write it under a dot name and rename it when it is complete")]
    Empty,
    /// It is something else, or damaged.
    #[error("it is no MPEG-TS: byte {position} is 0x{found:02x}, not 0x47; write segments as MPEG-TS")]
    NoSync {
        /// Where a packet should begin.
        position: usize,
        /// What is there.
        found: u8,
    },
    /// Its streams are not named.
    #[error("it has no PAT and PMT; let the muxer write them at the start of every segment")]
    NoTables,
    /// Its video is neither H.264 nor HEVC.
    #[error(
        "its video has stream type 0x{stream_type:02x}, and players of MPEG-TS take H.264 (0x1b), some of them HEVC \
         (0x24); encode to H.264"
    )]
    ForeignVideo {
        /// As the PMT says.
        stream_type: u8,
    },
    /// Nothing to show.
    #[error("it has no picture and no sound with a time stamp; let the muxer write whole pictures")]
    NoFrames,
}

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

/// One pass over the packets.
struct Scan {
    continuity: Continuity,
    pat: Section,
    pmt: Section,
    pmt_pid: Option<u16>,
    /// What the PMT names, also where it names what players do not take.
    named: Vec<ElementaryStream>,
    streams: Option<Vec<ElementaryStream>>,
    tables_first: bool,
    video: Option<(u16, VideoScan)>,
    audio: Option<(u16, AudioScan)>,
}

const PAT_PID: u16 = 0;

impl Scan {
    fn new() -> Self {
        Self {
            continuity: Continuity::new(),
            pat: Section::default(),
            pmt: Section::default(),
            pmt_pid: None,
            named: Vec::new(),
            streams: None,
            tables_first: false,
            video: None,
            audio: None,
        }
    }

    fn push(&mut self, packet: &Packet<'_>) -> Result<(), ProbeError> {
        if self.continuity.push(packet) == Payload::Skip {
            return Ok(());
        }
        let Some(payload) = packet.payload() else { return Ok(()) };
        let (pid, unit_start) = (u16::from(packet.pid()), packet.payload_unit_start_indicator());
        match (&mut self.video, &mut self.audio) {
            (Some((video_pid, video)), _) if *video_pid == pid => ts::pes::feed(video, payload, unit_start),
            (_, Some((audio_pid, audio))) if *audio_pid == pid => ts::pes::feed(audio, payload, unit_start),
            _ if pid == PAT_PID && self.pmt_pid.is_none() => {
                self.pmt_pid = self.pat.push(payload, unit_start).and_then(ts::tables::pmt_pid);
            }
            _ if Some(pid) == self.pmt_pid && self.streams.is_none() => {
                if let Some(streams) = self.pmt.push(payload, unit_start).and_then(ts::tables::streams) {
                    self.named.clone_from(&streams);
                    self.choose(&streams)?;
                    self.streams = Some(streams);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Picks the video and the audio to look into.
    fn choose(&mut self, streams: &[ElementaryStream]) -> Result<(), ProbeError> {
        self.tables_first = !streams.iter().any(|stream| self.continuity.has_seen(stream.pid));
        let first = |types: &[StreamType]| {
            streams.iter().find(|stream| types.contains(&StreamType(stream.stream_type))).copied()
        };
        let of_codec = |codec: VideoCodec| Some((first(&[StreamType(codec.stream_type())])?.pid, codec));
        if let Some((pid, codec)) = VideoCodec::ALL.into_iter().find_map(of_codec) {
            self.video = Some((pid, VideoScan::new(codec)));
        } else if let Some(ElementaryStream { stream_type, .. }) = first(FOREIGN_VIDEO) {
            return Err(ProbeError::ForeignVideo { stream_type });
        }
        self.audio = first(AUDIO).map(|ElementaryStream { pid, stream_type }| {
            (pid, AudioScan::new(stream_type, StreamType(stream_type) == StreamType::ADTS))
        });
        Ok(())
    }

    fn finish(self, trailing_bytes: usize) -> Result<Facts, ProbeError> {
        let streams = self.streams.ok_or(ProbeError::NoTables)?;
        let audio = self.audio.and_then(|(_, scan)| scan.finish());
        let sound_90k = audio.as_ref().map(AudioFacts::duration_90k);
        let video = self.video.and_then(|(_, scan)| scan.finish(sound_90k));
        let (start_90k, duration_90k, frame_interval_90k) = match (&video, &audio) {
            (Some(video), _) => (video.start_90k, video.duration_90k, video.frame_interval_90k),
            (None, Some(audio)) => (audio.start_90k, audio.duration_90k(), audio.codec.frame_90k()),
            (None, None) => return Err(ProbeError::NoFrames),
        };
        Ok(Facts {
            start_90k,
            duration_90k,
            frame_interval_90k,
            video,
            audio,
            streams,
            counters: self.continuity.finish(),
            tables_first: self.tables_first,
            trailing_bytes,
        })
    }
}

const FOREIGN_VIDEO: &[StreamType] = &[
    StreamType::ISO_11172_VIDEO,
    StreamType::H262,
    StreamType::ISO_14496_2_VISUAL,
    StreamType::CHINESE_VIDEO_STANDARD,
];

const AUDIO: &[StreamType] = &[
    StreamType::ADTS,
    StreamType::LATM,
    StreamType::ISO_11172_AUDIO,
    StreamType::ISO_138183_AUDIO,
    StreamType::ATSC_DOLBY_DIGITAL_AUDIO,
];

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
