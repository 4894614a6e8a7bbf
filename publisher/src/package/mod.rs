//! Packager: packets become segments, and parts of them, in memory.
//!
//! In: [`Encoded`] messages. Out: bytes, to [`SegmentFiles`]. The segment thread owns interleaver, segmenter, part cutter and
//! muxer. A segment being written is bytes in memory; it gets a file when it is complete. At the end of the packets the
//! last segment is closed properly.

pub mod interleaver;
pub mod last_segment;
pub mod mux;
pub mod parameter_sets;
pub mod part_cutter;
pub mod resume_point;
pub mod segment_writer;
pub mod segmenter;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::SystemTime;

use ffmpeg_next::Packet;
use ffmpeg_next::codec::Parameters;

use crate::package::interleaver::Interleaver;
use crate::package::mux::Mux;
use crate::package::parameter_sets::ParameterSets;
use crate::package::part_cutter::PartCutter;
use crate::package::resume_point::ResumePoint;
use crate::package::segment_writer::{ClosedSegment, SegmentError, SegmentFiles};
use crate::package::segmenter::{Cut, Segmenter};
use crate::packet::{Encoded, EncodedPacket, Shown, video_codec};
use livedir_layout::directory::Directory;
use livedir_layout::guard::Guard;
use livedir_layout::meters::Meters;
use livedir_layout::numbers::Numbers;
use livedir_media::Medium;
use livedir_media::{Counter, VideoCodec};
use livedir_time::ticks::duration_or_zero;

/// How long segments and parts are to be.
#[derive(Debug, Clone, Copy)]
pub struct Lengths {
    /// Of a segment, in 90 kHz ticks.
    pub segment_90k: i64,
    /// Of a part at most, in 90 kHz ticks; `None` without parts.
    pub part_90k: Option<i64>,
}

/// Where segments go, and what they hold.
pub struct Package {
    /// The file system.
    pub directory: Arc<dyn Directory>,
    /// The numbers that are given.
    pub numbers: Numbers,
    /// Of the webroot.
    pub guard: Arc<Guard>,
    /// The live directory.
    pub live_directory: PathBuf,
    /// The number of the first segment.
    pub first_number: u64,
    /// The streams, in the order of the multiplex. A segment begins where the first has a keyframe.
    pub media: Vec<Medium>,
    /// How long segments and parts are to be.
    pub lengths: Lengths,
    /// How far video may be ahead of audio that does not come, in 90 kHz ticks.
    pub video_ahead_90k: i64,
    /// Whether other renditions have the same segment boundaries. Segments are then numbered by these boundaries, and the number
    /// of a segment that is lost or incomplete stays unused.
    pub in_step: bool,
    /// The last continuity counters of the run before.
    pub counters: Vec<Counter>,
    /// What the timestamps of all renditions are on.
    pub resume_point: Arc<ResumePoint>,
}

/// The segment thread: from the first packet to the last.
pub fn run(encoded: &Receiver<Encoded>, package: &Package, meters: &Arc<Meters>) -> Result<(), SegmentError> {
    let mut interleaver = Interleaver::new(package.media.len() > 1, package.video_ahead_90k);
    let mut streams: Vec<(Medium, Parameters)> = Vec::new();
    let mut line = None;
    for message in encoded {
        match message {
            Encoded::Packet(packet) => interleaver.push(packet.medium, packet.dts_90k, packet),
            Encoded::Packets(packets) => {
                for packet in packets {
                    interleaver.push(packet.medium, packet.dts_90k, packet);
                }
            }
            Encoded::Stream { medium, parameters } => {
                streams.push((medium, parameters));
                if streams.len() == package.media.len() {
                    streams.sort_by_key(|(medium, _)| package.media.iter().position(|it| it == medium));
                    line = Some(Line::open(std::mem::take(&mut streams), package, meters)?);
                }
            }
        }
        // Packets that come before all streams are known have to wait.
        let Some(line) = &mut line else { continue };
        while let Some(packet) = interleaver.pop() {
            line.write(packet)?;
        }
    }
    let Some(mut line) = line else { return Ok(()) };
    while let Some(packet) = interleaver.pop_rest() {
        line.write(packet)?;
    }
    line.finish()
}

struct Line {
    /// The stream that sets where segments begin, and how long they are.
    leading: Medium,
    muxer: Box<dyn Mux>,
    resume_point: Arc<ResumePoint>,
    segmenter: Segmenter,
    parts: Option<PartWriter>,
    /// The number of the first segment of the run; `None` if no other rendition shares the numbers.
    counted_from: Option<u64>,
    /// The number of the segment being written.
    number: u64,
    /// The decode time of the first frame of the segment being written.
    started_at_90k: i64,
    /// When the first frame of the segment being written was captured.
    filmed_at: SystemTime,
    /// When the frames of the segment being written are shown.
    shown: Shown,
    files: SegmentFiles,
}

/// What is needed only for low latency.
struct PartWriter {
    cutter: PartCutter,
    /// The number of the part being written, from 0.
    index: u32,
    /// Whether anything was written since the last part.
    has_begun: bool,
    /// Of the video, where there is one.
    sets: Option<ParameterSets>,
    /// The video of the part being written has not begun.
    is_before_picture: bool,
    /// The parts of the segment being written that are complete, end to end.
    bytes: Vec<u8>,
    /// A complete segment before a discontinuity. It waits for the first part of the next segment, so that a playlist can list its
    /// end and the discontinuity together: some players stall at an end that is followed by a discontinuity only later.
    held: Option<ClosedSegment>,
}

impl PartWriter {
    fn new(target_90k: i64, codec: Option<VideoCodec>) -> Self {
        Self {
            cutter: PartCutter::new(target_90k),
            index: 0,
            has_begun: false,
            sets: codec.map(ParameterSets::new),
            is_before_picture: true,
            bytes: Vec::new(),
            held: None,
        }
    }
}

impl PartWriter {
    /// The packet. The first frame of a part gets the current parameter sets.
    fn with_sets(&mut self, packet: Packet) -> Packet {
        let (Some(sets), Some(picture)) = (&mut self.sets, packet.data()) else { return packet };
        sets.note(picture);
        let is_first = std::mem::take(&mut self.is_before_picture);
        let Some(whole) = is_first.then(|| sets.put_into(picture)).flatten() else { return packet };
        let mut whole = Packet::copy(&whole);
        whole.set_pts(packet.pts());
        whole.set_dts(packet.dts());
        whole.set_duration(packet.duration());
        whole.set_flags(packet.flags());
        whole
    }
}

impl Line {
    fn open(
        streams: Vec<(Medium, Parameters)>,
        package: &Package,
        meters: &Arc<Meters>,
    ) -> Result<Self, SegmentError> {
        let Package {
            directory,
            numbers,
            guard,
            live_directory,
            first_number,
            lengths,
            media,
            in_step,
            counters,
            resume_point,
            video_ahead_90k: _,
        } = package;
        let codec = streams.iter().find_map(|(_, parameters)| video_codec(parameters.id()));
        Ok(Self {
            leading: media.first().copied().unwrap_or(Medium::Video),
            muxer: mux::open(streams, counters.clone())?,
            resume_point: resume_point.clone(),
            segmenter: Segmenter::new(lengths.segment_90k),
            parts: lengths.part_90k.map(|target_90k| PartWriter::new(target_90k, codec)),
            counted_from: in_step.then_some(*first_number),
            number: *first_number,
            started_at_90k: 0,
            filmed_at: SystemTime::UNIX_EPOCH,
            shown: Shown::default(),
            files: SegmentFiles::new(directory.clone(), live_directory, numbers, meters.clone())
                .guarded(guard.clone()),
        })
    }

    fn write(&mut self, packet: EncodedPacket) -> Result<(), SegmentError> {
        let (dts_90k, duration_90k) = (packet.dts_90k, packet.duration_90k);
        let leads = packet.medium == self.leading;
        let cut = if leads {
            self.segmenter.push_leading(dts_90k, duration_90k, packet.keyframe_filmed_at.is_some())
        } else {
            self.segmenter.push_other()
        };
        match cut {
            Cut::Unusable => return Ok(()),
            Cut::Within if leads => {
                if self.parts.as_mut().is_some_and(|parts| parts.cutter.is_over(dts_90k, duration_90k)) {
                    self.end_part()?;
                }
            }
            Cut::Within => {}
            Cut::Before(ended) => {
                let boundary = packet.boundary.zip(self.counted_from);
                let next_number = boundary.map(|(boundary, first)| first + boundary.segment);
                match ended {
                    Some(_) if boundary.is_some_and(|(boundary, _)| boundary.is_leapt_to) => {
                        self.give_up()?;
                    }
                    Some(duration_90k) => {
                        let is_hole = self.started_at_90k + duration_90k < dts_90k;
                        // This rendition alone has left out segments: the timeline continues after them.
                        let is_next = next_number.is_none_or(|next| next == self.number + 1);
                        let lasts_90k = if is_hole { self.shown.lasts_90k() } else { duration_90k };
                        self.close(lasts_90k, is_hole && is_next)?;
                    }
                    // The header that the muxer wrote does not belong to a segment.
                    None => self.muxer.discard()?,
                }
                self.number = next_number.unwrap_or(self.number);
                self.started_at_90k = dts_90k;
                self.filmed_at = packet.keyframe_filmed_at.unwrap_or(self.filmed_at);
                self.shown = Shown::default();
            }
        }
        if leads {
            self.shown.note(packet.packet.pts().unwrap_or(dts_90k), duration_90k);
        }
        let shift_90k = self.resume_point.shift_90k(self.started_at_90k, self.filmed_at);
        let mut later = later(packet.packet, shift_90k);
        if let Some(parts) = &mut self.parts {
            parts.has_begun = true;
            if packet.medium == Medium::Video {
                later = parts.with_sets(later);
            }
        }
        self.muxer.write(packet.medium, later)?;
        let is_full =
            leads && self.parts.as_mut().is_some_and(|parts| parts.cutter.push(dts_90k, duration_90k));
        // The last part of a segment is kept open until the next segment begins: the audio of its last frame still belongs to it.
        if is_full && !self.segmenter.is_full(duration_90k) {
            self.end_part()?;
        }
        Ok(())
    }

    /// The bytes since the last cut.
    fn cut(&mut self) -> Result<Vec<u8>, SegmentError> {
        if let Some(parts) = &mut self.parts {
            parts.is_before_picture = true;
        }
        Ok(self.muxer.cut()?)
    }

    /// The part that is being written is complete.
    fn end_part(&mut self) -> Result<(), SegmentError> {
        let ended_at_90k = self.parts.as_mut().and_then(|parts| parts.cutter.cut());
        let Some(ended_at_90k) = ended_at_90k else { return Ok(()) };
        let bytes = self.cut()?;
        let ended_at = self.filmed_at + duration_or_zero(ended_at_90k - self.started_at_90k);
        let Some(parts) = &mut self.parts else { return Ok(()) };
        // Nobody knows of a segment of one part as yet: behind a part of the next one it would be taken for lost.
        if let Some(unknown) = parts.held.take_if(|held| held.has_one_part()) {
            self.files.put_closed(&unknown)?;
        }
        self.files.put_part(self.number, parts.index, &bytes, ended_at)?;
        parts.bytes.extend_from_slice(&bytes);
        parts.has_begun = false;
        parts.index += 1;
        parts.held.take().map_or(Ok(()), |held| self.files.put_closed(&held))
    }

    /// The segment is complete. It lasts as long as it is shown, which its file tells: nothing says so of frames that are missing.
    fn close(&mut self, duration_90k: i64, breaks_behind: bool) -> Result<(), SegmentError> {
        let bytes = self.cut()?;
        let ended_at = self.filmed_at + duration_or_zero(duration_90k);
        let number = self.number;
        // The number of a lost segment is never used again.
        self.number += 1;
        let Some(parts) = &mut self.parts else {
            return self.files.put(number, &bytes, ended_at).map(|_| ());
        };
        let has_leading = parts.cutter.cut().is_some();
        let mut segment = std::mem::take(&mut parts.bytes);
        segment.extend_from_slice(&bytes);
        let last = std::mem::take(&mut parts.index);
        // At the very end nothing may have come after the last part, or sound alone that belongs to frames of parts before: as a part
        // it would count twice, and parts together have to last as long as their segment (bis-22 4.4.4.9). The segment has it.
        let has_begun = std::mem::take(&mut parts.has_begun);
        let last_part = (has_begun && has_leading).then_some((last, bytes));
        let closed = ClosedSegment { number, bytes: segment, last_part, ended_at };
        let earlier = parts.held.take();
        if let Some(earlier) = earlier {
            self.files.put_closed(&earlier)?;
        }
        if breaks_behind {
            parts.held = Some(closed);
            return Ok(());
        }
        self.files.put_closed(&closed)
    }

    /// The segment will never be complete: only its parts are published.
    fn give_up(&mut self) -> Result<(), SegmentError> {
        self.muxer.discard()?;
        let Some(parts) = &mut self.parts else { return Ok(()) };
        parts.cutter.cut();
        parts.index = 0;
        parts.has_begun = false;
        parts.is_before_picture = true;
        parts.bytes.clear();
        parts.held.take().map_or(Ok(()), |held| self.files.put_closed(&held))
    }

    fn finish(mut self) -> Result<(), SegmentError> {
        if self.segmenter.length().is_none() {
            return Ok(());
        }
        self.close(self.shown.lasts_90k(), false)?;
        self.files.finish()
    }
}

fn later(mut packet: Packet, by_90k: i64) -> Packet {
    packet.set_pts(packet.pts().map(|pts_90k| pts_90k + by_90k));
    packet.set_dts(packet.dts().map(|dts_90k| dts_90k + by_90k));
    packet
}
