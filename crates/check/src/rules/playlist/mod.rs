//! A media playlist by itself, and beside the bytes of its segments.

pub(crate) mod continuity;
pub(crate) mod date_ranges;
pub(crate) mod dates;
pub(crate) mod foreign;
pub(crate) mod media;
pub(crate) mod segments;
pub(crate) mod tags;
pub(crate) mod version;
