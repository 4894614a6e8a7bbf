//! Pace: packets of an input are due at a time of the wall clock.
//!
//! In: timestamps of the input. Out: one timeline for video and sound (`timeline`), and when what is on it is due (`pacing`).
//! Pure; the time is an argument.

pub(crate) mod pacing;
pub(crate) mod timeline;
