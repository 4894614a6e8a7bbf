//! Timeline: what changes in the playlist when a file comes: dates, target duration, gaps, discontinuities, and what the renditions
//! of one stream have in common.

pub(crate) mod align;
pub(crate) mod dates;
pub(crate) mod gaps;
pub(crate) mod shared;
pub(crate) mod target_duration;
