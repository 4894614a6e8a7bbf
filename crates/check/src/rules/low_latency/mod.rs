//! Parts, hints, blocking reload and delta updates.

pub(crate) mod deltas;
pub(crate) mod part_segments;
pub(crate) mod part_updates;
pub(crate) mod parts;
pub(crate) mod reloads;
pub(crate) mod server_control;
