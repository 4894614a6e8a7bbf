//! One stream of an input: its decoder, and the frame or run of samples that comes next.

use super::decode::{Decoded, LaneDecoder, Step, StreamSetup};
use super::demux::{Demuxer, Queued};
use super::pace::timeline::{Beside, Lane};
use std::time::Instant;

/// One stream: its decoder, and the frame or run of samples that comes next.
pub(super) struct InputLane {
    /// Without one, what the lane brings is thrown away.
    pub(super) decoder: Option<LaneDecoder>,
    pub(super) ready: Option<ReadyPiece>,
    pub(super) arrived: Option<Instant>,
    pub(super) beside: Beside,
    /// Packets that came.
    pub(super) packets: u64,
    /// The source has shown that it does not deliver in real time.
    pub(super) runs_ahead: bool,
    /// What follows needs another decoder.
    pub(super) setup: Option<Box<StreamSetup>>,
    pub(super) finished: bool,
}

pub(super) struct ReadyPiece {
    pub(super) decoded: Decoded,
    pub(super) pts_us: Option<i64>,
    pub(super) duration_us: i64,
    /// Its place on the timeline; nothing until the round is under way.
    pub(super) media_us: Option<i64>,
    pub(super) arrived: Option<Instant>,
    pub(super) beside: Beside,
}

impl InputLane {
    pub(super) fn new(decoder: Option<LaneDecoder>) -> Self {
        InputLane {
            decoder,
            ready: None,
            arrived: None,
            beside: Beside::Unknown,
            packets: 0,
            runs_ahead: false,
            setup: None,
            finished: false,
        }
    }

    /// Decodes until a frame or run is ready, or what has been read is used up.
    pub(super) fn fill(&mut self, lane: Lane, demuxer: &Demuxer) {
        while self.ready.is_none() && !self.finished {
            match self.decoder.as_mut().map_or(Step::NeedsPacket, LaneDecoder::step) {
                Step::Piece(piece) => {
                    self.ready = Some(ReadyPiece {
                        decoded: piece.decoded,
                        pts_us: piece.pts_us,
                        duration_us: piece.duration_us,
                        media_us: None,
                        arrived: self.arrived,
                        beside: self.beside,
                    });
                }
                Step::Drained => self.finished = true,
                Step::NeedsPacket => match (demuxer.pop(lane), &mut self.decoder) {
                    (None, _) => return,
                    (Some(Queued::Packet { packet, arrived, beside }), Some(decoder)) => {
                        self.packets += 1;
                        self.arrived = arrived;
                        self.beside = beside;
                        decoder.send(&packet);
                    }
                    (Some(Queued::RunsAhead), _) => self.runs_ahead = true,
                    (Some(Queued::Setup(setup)), _) => {
                        self.setup = Some(setup);
                        return;
                    }
                    (Some(Queued::RoundEnd), Some(decoder)) => decoder.send_end(),
                    (Some(Queued::Packet { .. }), None) => {}
                    (Some(Queued::RoundEnd), None) => self.finished = true,
                },
            }
        }
    }
}
