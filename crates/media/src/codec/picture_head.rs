//! The head of a picture: its NAL units up to the first slice, wherever packets cut them. Pure; it keeps one SPS at most.

use super::caption_message::CaptionMessage;
use super::{Nal, Slice, VideoCodec};

/// An SPS of broadcast video takes some 30 bytes, with scaling lists and HRD a few hundred.
const LONGEST_SPS_BYTES: usize = 4_096;

/// The bytes of one picture up to its first slice.
pub(crate) struct PictureHead {
    codec: VideoCodec,
    at: At,
    /// Zero bytes just before.
    zeros: u32,
    sps: Option<Vec<u8>>,
    /// The parameter sets that came, in order and each once.
    sets: Vec<Nal>,
    captions: CaptionMessage,
    slice: Option<Slice>,
}

/// Where the next byte belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// To something that does not matter here.
    Elsewhere,
    /// It is the first of a NAL unit.
    NalHeader,
    /// To the SPS.
    Sps,
    /// To messages about the picture.
    Sei,
    /// To the picture itself: nothing more to learn.
    Slice,
}

impl PictureHead {
    pub(crate) fn new(codec: VideoCodec) -> Self {
        Self {
            codec,
            at: At::Elsewhere,
            zeros: 0,
            sps: None,
            sets: Vec::new(),
            captions: CaptionMessage::default(),
            slice: None,
        }
    }

    /// What its first slice says; `None` when none came.
    pub(crate) fn slice(&self) -> Option<Slice> {
        self.slice
    }

    /// Whether the picture can be decoded by itself.
    pub(crate) fn is_keyframe(&self) -> bool {
        matches!(self.slice, Some(Slice::Idr | Slice::OpenGop))
    }

    /// Whether all that a decoder has to know stands before the picture.
    pub(crate) fn has_parameter_sets(&self) -> bool {
        self.codec.parameter_sets().iter().all(|set| self.sets.contains(set))
    }

    /// Whether captions come with it that say something.
    pub(crate) fn has_captions(&self) -> bool {
        self.captions.says_something()
    }

    /// The first SPS.
    pub(crate) fn into_sps(self) -> Option<Vec<u8>> {
        self.sps
    }

    /// More of its bytes.
    pub(crate) fn push(&mut self, stream_bytes: &[u8]) {
        for &byte in stream_bytes {
            if self.at == At::NalHeader {
                self.at = self.start_nal(byte);
            }
            match (self.at, &mut self.sps) {
                (At::Slice, _) => return,
                (At::Sei, _) => self.captions.push(byte),
                (At::Sps, Some(sps)) if sps.len() < LONGEST_SPS_BYTES => sps.push(byte),
                _ => {}
            }
            match byte {
                0 => self.zeros = self.zeros.saturating_add(1),
                1 if self.zeros >= 2 => {
                    self.end_nal();
                    self.at = At::NalHeader;
                    self.zeros = 0;
                }
                _ => self.zeros = 0,
            }
        }
    }

    fn start_nal(&mut self, first_byte: u8) -> At {
        let nal = self.codec.nal(first_byte);
        if self.codec.parameter_sets().contains(&nal) && !self.sets.contains(&nal) {
            self.sets.push(nal);
        }
        match nal {
            Nal::Sps if self.sps.is_none() => {
                self.sps = Some(Vec::new());
                At::Sps
            }
            Nal::Slice(slice) => {
                self.slice = Some(slice);
                At::Slice
            }
            _ if self.codec.is_sei(first_byte) => At::Sei,
            _ => At::Elsewhere,
        }
    }

    /// Takes the start code that ended the SPS off it again.
    fn end_nal(&mut self) {
        if let (At::Sps, Some(sps)) = (self.at, &mut self.sps) {
            sps.pop();
            while sps.last() == Some(&0) {
                sps.pop();
            }
        }
    }
}
