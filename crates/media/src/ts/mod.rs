//! MPEG-TS: packets, tables, the counters of its streams, and what its PES packets carry. Pure.

pub(crate) mod audio;
pub(crate) mod continuity;
pub(crate) mod packet_states;
pub(crate) mod pes;
pub(crate) mod tables;
pub(crate) mod video;
