//! Scan: one pass over the packets of a file, which finds its tables, its video and its audio. Pure.

use crate::codec::VideoCodec;
use crate::facts::Facts;
use crate::foreign::Foreign;
use crate::probe_error::ProbeError;
use crate::ts::audio::{AudioFacts, AudioScan};
use crate::ts::continuity::{Continuity, Payload};
use crate::ts::pes::{self, StreamScan};
use crate::ts::tables;
use crate::ts::tables::{ElementaryStream, Section};
use crate::ts::video::VideoScan;
use mpeg2ts_reader::{StreamType, packet::Packet};

/// One pass over the packets.
pub(crate) struct Scan {
    continuity: Continuity,
    pat: Section,
    pmt: Section,
    pub(crate) pmt_pid: Option<u16>,
    /// Of all programs that the PAT names.
    pmt_pids: Vec<u16>,
    /// What the PMT names, also where it names what players do not take.
    pub(crate) named: Vec<ElementaryStream>,
    pub(crate) streams: Option<Vec<ElementaryStream>>,
    tables_first: bool,
    video: Option<Followed<VideoScan>>,
    audio: Option<Followed<AudioScan>>,
}

/// A stream that is looked into.
struct Followed<S> {
    pid: u16,
    scan: S,
    /// Packets of it that can be read.
    clear: u64,
    /// Packets of it that cannot, as they say.
    scrambled: u64,
}

impl<S: StreamScan> Followed<S> {
    fn new(pid: u16, scan: S) -> Self {
        Self { pid, scan, clear: 0, scrambled: 0 }
    }

    fn push(&mut self, packet: &Packet<'_>, payload: &[u8]) {
        // ISO 13818-1 table 2-4.
        if packet.transport_scrambling_control().is_scrambled() {
            self.scrambled += 1;
            return;
        }
        self.clear += 1;
        pes::feed(&mut self.scan, payload, packet.payload_unit_start_indicator());
    }

    /// Some scramblers leave packets in the clear with which a frame begins, and a damaged packet may say anything.
    fn is_scrambled(&self) -> bool {
        self.scrambled > self.clear
    }
}

pub(crate) const PAT_PID: u16 = 0;

impl Scan {
    pub(crate) fn new() -> Self {
        Self {
            continuity: Continuity::new(),
            pat: Section::default(),
            pmt: Section::default(),
            pmt_pid: None,
            pmt_pids: Vec::new(),
            named: Vec::new(),
            streams: None,
            tables_first: false,
            video: None,
            audio: None,
        }
    }

    pub(crate) fn push(&mut self, packet: &Packet<'_>) -> Result<(), ProbeError> {
        if self.continuity.push(packet) == Payload::Skip {
            return Ok(());
        }
        let Some(payload) = packet.payload() else { return Ok(()) };
        let (pid, unit_start) = (u16::from(packet.pid()), packet.payload_unit_start_indicator());
        match (&mut self.video, &mut self.audio) {
            (Some(video), _) if video.pid == pid => video.push(packet, payload),
            (_, Some(audio)) if audio.pid == pid => audio.push(packet, payload),
            _ if pid == PAT_PID && self.pmt_pid.is_none() => {
                self.pmt_pids = self.pat.push(payload, unit_start).map(tables::pmt_pids).unwrap_or_default();
                self.pmt_pid = self.pmt_pids.first().copied();
            }
            _ if Some(pid) == self.pmt_pid && self.streams.is_none() => {
                if let Some(streams) = self.pmt.push(payload, unit_start).and_then(tables::streams) {
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
            self.video = Some(Followed::new(pid, VideoScan::new(codec)));
        } else if let Some(ElementaryStream { stream_type, .. }) = first(FOREIGN_VIDEO) {
            return Err(Foreign::Video { stream_type }.into());
        }
        self.audio = first(AUDIO).map(|ElementaryStream { pid, stream_type, .. }| {
            Followed::new(pid, AudioScan::new(stream_type, StreamType(stream_type) == StreamType::ADTS))
        });
        Ok(())
    }

    pub(crate) fn finish(self, trailing_bytes: usize) -> Result<Facts, ProbeError> {
        let streams = self.streams.ok_or(ProbeError::NoTables)?;
        let is_scrambled = self.video.as_ref().is_some_and(Followed::is_scrambled)
            || self.audio.as_ref().is_some_and(Followed::is_scrambled);
        if is_scrambled {
            return Err(Foreign::Scrambled.into());
        }
        let audio = self.audio.and_then(|audio| audio.scan.finish());
        let sound_90k = audio.as_ref().map(AudioFacts::duration_90k);
        let video = self.video.and_then(|video| video.scan.finish(sound_90k));
        let (start_90k, duration_90k, frame_interval_90k) = match (&video, &audio) {
            (Some(video), _) => (video.start_90k, video.duration_90k, video.frame_interval_90k),
            (None, Some(audio)) => (audio.start_90k, audio.duration_90k(), audio.codec.frame_90k()),
            (None, None) if streams.iter().any(ElementaryStream::is_opus) => return Err(Foreign::Opus.into()),
            (None, None) => return Err(ProbeError::NoFrames),
        };
        // A program that was cut out of a broadcast keeps its PAT, which names others that are not there.
        let programs = self.pmt_pids.iter().filter(|pid| self.continuity.has_seen(**pid)).count();
        Ok(Facts {
            start_90k,
            duration_90k,
            frame_interval_90k,
            video,
            audio,
            programs,
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
