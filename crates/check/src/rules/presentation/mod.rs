//! A multivariant playlist, alone and beside those that it lists.

pub(crate) mod alignment;
pub(crate) mod bandwidth;
pub(crate) mod clocks;
pub(crate) mod multivariant;
pub(crate) mod rendition_text;
pub(crate) mod renditions;
pub(crate) mod reports;
