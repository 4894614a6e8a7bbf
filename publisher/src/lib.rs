//! From a camera to a live playlist on disk. The modules stand in the order of the data:
//!
//! ```text
//!  camera ─┐                                          ┌─▶ encode ─▶ package ─▶ webroot/live/seg-00000042.ts
//!  file  ──┼─▶ source ─▶ capture queue ─▶ grid ───────┤   scaler    segmenter      │ notify
//!  URL   ──┤             newest wins      frame clock  │   H.264     muxer          ▼
//!  test  ──┘              ▲               sound clock, └─▶ encode …             watcher ─▶ media ─▶ window
//!  microphone ────────────┘               filters, AAC     one for each size        │    from bytes
//!  ─ source thread ─┘└───── grid thread ─────────────┘└ encode ─┘└ segment ┘        ▼
//!                                                       threads    threads    stream.m3u8, ll.m3u8, retention,
//!                                                                             status.json: watcher thread
//! ```
//!
//! Closed captions go beside their pictures, from the source to the encoders; what goes with which picture is decided in `captions`.
//!
//! With `--copy` nothing is decoded: `copy` stands between source and package, on the source thread.
//!
//! Nothing but files passes from the segment thread to the watcher thread, and which [numbers](livedir_layout::numbers) are ours: any
//! other encoder could stand there. The watcher is `livedir-watcher`. What files are called, and who may write them, is in
//! `livedir-layout`; what the bytes of one hold, in `livedir-media`. A folder uses those below it alone (`tests/it/layers.rs` has their order).
//!
//! Without the feature `capture` there is no `live`: `watch`, `check` and `inspect` need neither libav nor a sound library.

#[cfg(feature = "capture")]
pub mod channels;
pub mod cli;
pub mod commands;
#[cfg(feature = "capture")]
pub mod live;

#[cfg(feature = "capture")]
pub mod captions;
#[cfg(feature = "capture")]
pub mod captured;
#[cfg(feature = "capture")]
pub mod source;

#[cfg(feature = "capture")]
pub mod copy;

#[cfg(feature = "capture")]
pub mod grid;
#[cfg(feature = "capture")]
pub mod queue;

#[cfg(feature = "capture")]
pub mod encode;
#[cfg(feature = "capture")]
pub mod packet;
#[cfg(feature = "capture")]
pub mod picture;

#[cfg(feature = "capture")]
pub mod package;

#[cfg(all(test, feature = "capture"))]
mod clock_world;

#[cfg(feature = "capture")]
pub use live::run::{RunError, run};
