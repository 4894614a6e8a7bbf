//! Containers: packets become the bytes of a segment.
//!
//! In: packets of all streams, in the order of their time. Out: bytes.

pub mod mpeg_ts;
