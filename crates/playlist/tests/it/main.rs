//! One binary for all integration tests of the playlist crate.

#![allow(unreachable_pub)] // one program: what is public is so for its own modules

mod foreign;
mod fuzz_corpus;
mod golden;
mod live_edge;
mod properties;
mod round_trip;
mod second_opinion;
mod support;
mod window;
mod witness;

use livedir_playlist::WindowSettings;

/// A window as small as one can be.
const THREE_OF_2_S: WindowSettings = WindowSettings { target_duration_s: 2, segments: 3 };
