//! Frames: size, colours, filters, overlays and the slate.
//!
//! In: frames in any size and form. Out: frames as an encoder takes them.

pub mod canvas;
pub mod colour_space;
pub mod deinterlacer;
pub mod filter;
pub mod heading;
pub mod overlay;
pub mod scaler;
pub mod shared;
pub mod slate;
pub mod tone_map;
pub mod trial;
