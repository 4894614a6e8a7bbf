//! Scan: one pass over the packets of a file, which finds its tables, its video and its audio. Pure.

use crate::codec::VideoCodec;
use crate::facts::Facts;
use crate::probe_error::ProbeError;
use crate::ts::audio::{AudioFacts, AudioScan};
use crate::ts::continuity::{Continuity, Payload};
use crate::ts::tables::{ElementaryStream, Section};
use crate::ts::video::VideoScan;
use crate::ts::{pes, tables};
use mpeg2ts_reader::{StreamType, packet::Packet};

/// One pass over the packets.
pub(crate) struct Scan {
    continuity: Continuity,
    pat: Section,
    pmt: Section,
    pub(crate) pmt_pid: Option<u16>,
    /// What the PMT names, also where it names what players do not take.
    pub(crate) named: Vec<ElementaryStream>,
    pub(crate) streams: Option<Vec<ElementaryStream>>,
    tables_first: bool,
    video: Option<(u16, VideoScan)>,
    audio: Option<(u16, AudioScan)>,
}

pub(crate) const PAT_PID: u16 = 0;

impl Scan {
    pub(crate) fn new() -> Self {
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

    pub(crate) fn push(&mut self, packet: &Packet<'_>) -> Result<(), ProbeError> {
        if self.continuity.push(packet) == Payload::Skip {
            return Ok(());
        }
        let Some(payload) = packet.payload() else { return Ok(()) };
        let (pid, unit_start) = (u16::from(packet.pid()), packet.payload_unit_start_indicator());
        match (&mut self.video, &mut self.audio) {
            (Some((video_pid, video)), _) if *video_pid == pid => pes::feed(video, payload, unit_start),
            (_, Some((audio_pid, audio))) if *audio_pid == pid => pes::feed(audio, payload, unit_start),
            _ if pid == PAT_PID && self.pmt_pid.is_none() => {
                self.pmt_pid = self.pat.push(payload, unit_start).and_then(tables::pmt_pid);
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
            self.video = Some((pid, VideoScan::new(codec)));
        } else if let Some(ElementaryStream { stream_type, .. }) = first(FOREIGN_VIDEO) {
            return Err(ProbeError::ForeignVideo { stream_type });
        }
        self.audio = first(AUDIO).map(|ElementaryStream { pid, stream_type }| {
            (pid, AudioScan::new(stream_type, StreamType(stream_type) == StreamType::ADTS))
        });
        Ok(())
    }

    pub(crate) fn finish(self, trailing_bytes: usize) -> Result<Facts, ProbeError> {
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
