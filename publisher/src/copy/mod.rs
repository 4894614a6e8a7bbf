//! Copying: an input is handed out in packets, as it is stored, and nothing is decoded.
//!
//! In: an address, as for [`crate::source::input::Input`]. Out: H.264 with start codes and AAC, or one of them, each packet on the source's
//! own timeline in 90 kHz ticks, in real time or as fast as it is taken. The files stand in the order of a packet's way:
//! where others push, the opener waits for somebody who can be copied; the start is looked at before anything is handed out;
//! lanes bring packets into the form of MPEG-TS; the source puts both lanes into one line. All of it runs on the caller's
//! thread; libav reads on the demuxer's. While a live source is away, a slate in its form is sent from a thread of its own.

mod container_says;
mod damage;
mod error;
mod fit;
mod look_ahead;
mod opener;

pub(crate) mod copier;
pub(crate) mod dates;
pub(crate) mod keyframe_cutter;
mod lane;
pub(crate) mod line;
mod outliers;
pub(crate) mod part_target;
mod picture_pace;
mod picture_sets;
mod set_filter;
mod slate_drawing;
pub(crate) mod slate_form;
pub(crate) mod slate_maker;
pub(crate) mod slate_reel;
mod source;
pub(crate) mod suitability;

pub use error::CopyError;
pub use line::SlatePlan;
pub use opener::{CopyOpener, open_copy};
pub use suitability::longest_copied_90k;

use error::Unfit;

use crate::source::input::InputSettings;
use ffmpeg_next::{Packet, codec};
use livedir_media::Medium;
use std::time::Instant;

/// What to copy, and how.
#[derive(Debug, Clone)]
pub struct CopySettings {
    /// The input.
    pub input: InputSettings,
    /// How long segments are to be, in 90 kHz ticks.
    pub segment_90k: i64,
    /// Not in real time, but as fast as it is taken.
    pub fast: bool,
    /// Its sound is left out.
    pub silent: bool,
    /// What cannot be copied is encoded: the first client, or film of a list, that cannot be copied decides it for all behind it.
    pub falls_back: bool,
}

/// What a copied source hands out.
pub enum Copied {
    /// Before the first packet of a film or of a client.
    Begins(Vec<CopiedStream>),
    /// What is due, in order of decode time; in real time one packet or a few.
    Packets(Vec<CopiedPacket>),
    /// The next film of a list cannot be copied, and is to be encoded: nothing more comes.
    Ends {
        /// Why.
        error: CopyError,
        /// Its place in the list, from 0.
        film: usize,
    },
}

/// One of the streams.
pub struct CopiedStream {
    /// Video or sound.
    pub medium: Medium,
    /// As libav has them.
    pub parameters: codec::Parameters,
}

/// Why a segment may not begin where one is expected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Hint {
    /// Nothing speaks against it.
    #[default]
    None,
    /// Something is damaged, or missing before it.
    Loss,
    /// A keyframe that is no IDR frame, as in an open GOP.
    OpenKeyframe,
}

/// A packet as MPEG-TS has it.
pub struct CopiedPacket {
    /// Video or sound.
    pub medium: Medium,
    /// The payload.
    pub packet: Packet,
    /// Decode time in 90 kHz ticks, from about 0 when the source was opened.
    pub dts_90k: i64,
    /// From the decode time to the time of presentation.
    pub shown_after_90k: i64,
    /// How long it is shown or heard.
    pub duration_90k: i64,
    /// An IDR frame with its parameter sets, or any frame of sound.
    pub is_keyframe: bool,
    /// What it says of frames that begin no segment, though they might.
    pub hint: Hint,
    /// When it was due.
    pub captured_at: Instant,
    /// By what part of itself it lasts longer by our clock than by that of its source (shorter: negative).
    pub stretch: f64,
}
