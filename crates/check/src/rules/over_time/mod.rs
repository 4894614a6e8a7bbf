//! Two versions of a media playlist, one after the other.

pub(crate) mod update;
