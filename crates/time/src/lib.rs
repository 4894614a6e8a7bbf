//! Time as MPEG-TS and HLS count it, and the request to stop. Pure; nothing here has a thread.
//!
//! [`ticks`] of 90 kHz and what playlists call them, the [33-bit clock](clock_33_bit) of MPEG-TS, a [`stop`] that many threads look
//! at, and how often it is worth telling that a machine does not keep up ([`overload`]).

pub mod clock_33_bit;
pub mod overload;
pub mod stop;
pub mod ticks;
