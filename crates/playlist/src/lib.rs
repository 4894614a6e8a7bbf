//! RFC 8216 media playlists as plain values: no I/O, no clock, no thread. What goes in decides what comes out.
//!
//! ```text
//!            Segment                MediaPlaylist              text
//!  watcher ──────────▶ Window::push ──────────────▶ render ──────────▶ stream.m3u8
//!                        │      ▲                                          │
//!                        ▼      └── Window::resume ◀── parse ◀─────────────┘ after a restart
//!                     Evicted ──▶ retention
//! ```
//!
//! The caller writes the file, deletes what was evicted once its grace is over, and knows the time.
//! The file is the journal: `parse` gives back exactly what `render` was given, so a restarted writer goes on
//! with the same numbers.
//!
//! Playlists of others, whatever they use, are read by `read_listing`.
//!
//! Durations are in ticks of the 90 kHz MPEG clock and end in `_90k`; those that end in `_s` are seconds.

#![forbid(unsafe_code)]

mod bit_rate;
mod blocking_reload;
mod delta;
mod listing;
mod live_edge;
mod media_playlist;
mod multivariant;
mod parse;
mod render;
mod window;

/// What stands behind a tag, as the lenient reader takes it.
pub mod tag_values {
    pub use crate::listing::{
        Date, Pairs, attribute, byterange, date, decimal, extinf_s, is_of_a_multivariant_playlist,
        whole_number,
    };
}

pub use bit_rate::{BitRate, BitRateMeter};
pub use blocking_reload::{Directives, Edge, Reload};
pub use delta::delta_update;
pub use listing::{
    Attributes, ByteRange, ListedPart, ListedSegment, Listing, Map, MediaListing, MultivariantListing,
    PlaylistType, PreloadHint, Rendition, RenditionReport, ServerControl, Tag, Variant, read_listing,
};
pub use live_edge::{EvictedPart, LiveEdge, OpenSegment, Part, PartContent, PartError};
pub use media_playlist::{MediaPlaylist, Segment};
pub use multivariant::{Rates, SharedAudio, VariantStream, put_in_order, render_multivariant};
pub use parse::{ParseError, Problem, parse};
pub use render::{EdgeReport, LowLatency, PartList, render, render_low_latency};
pub use window::{Evicted, PushError, ResumeError, Window, WindowSettings};
