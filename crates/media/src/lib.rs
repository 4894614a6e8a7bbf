//! Probe: the bytes of one .ts file → what is true of it.
//!
//! In: the bytes. Out: [`Facts`], or why there are none. Pure, on the caller's thread; survives any bytes; one pass, in which
//! only the heads of frames are looked into, and nothing of a payload is copied but parameter sets and tables.

mod anatomy;
mod codec;
mod container;
mod discontinuity;
mod facts;
mod foreign;
mod last_picture;
mod medium;
mod probe_error;
mod probing;
mod scan;
mod ts;
mod unfit;

pub use anatomy::{Anatomy, Carries, CounterBreak, PidAnatomy, Unit, anatomy};
pub use codec::picture::{Declared, Picture, Samples};
pub use codec::{Nal, Slice, VideoCodec};
pub use container::{Container, container, may_be_whole};
pub use discontinuity::{Discontinuity, discontinuity, smallest_break_90k};
pub use facts::Facts;
pub use foreign::{Foreign, foreign};
pub use last_picture::LastPicture;
pub use medium::Medium;
pub use probe_error::ProbeError;
pub use probing::{Probing, probe};
pub use ts::audio::{AudioCodec, AudioFacts};
pub use ts::continuity::Counter;
pub use ts::packet_states::{PacketStates, PidState};
pub use ts::tables::ElementaryStream;
pub use ts::video::{Decoding, VideoFacts};
pub use unfit::{Unfit, unfit};
