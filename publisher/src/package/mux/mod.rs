//! Containers: packets become the bytes of a segment.
//!
//! In: packets of all streams, in the order of their time. Out: bytes. What a container is made of is known here and nowhere else
//! in the publisher.

mod mpeg_ts;
pub mod running_counters;

use ffmpeg_next::codec::Parameters;
use ffmpeg_next::{Error, Packet};
use livedir_media::{Counter, Medium};

/// An open muxer. One for the whole run, so that its state runs on over segment boundaries.
pub trait Mux {
    /// Adds a packet with 90 kHz timestamps. Packets of a stream that was not announced are left out.
    fn write(&mut self, medium: Medium, packet: Packet) -> Result<(), Error>;

    /// The bytes since the last cut; what comes next can be played by itself.
    fn cut(&mut self) -> Result<Vec<u8>, Error>;

    /// Throws away what was written since the last cut: it is part of no segment.
    fn discard(&mut self) -> Result<(), Error>;
}

/// A muxer for one stream of each medium at most, whose continuity counters go on after `counters`.
pub fn open(streams: Vec<(Medium, Parameters)>, counters: Vec<Counter>) -> Result<Box<dyn Mux>, Error> {
    Ok(Box::new(mpeg_ts::Muxer::open(streams, counters)?))
}
