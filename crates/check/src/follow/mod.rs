//! Follow: looks at playlists again and again, and at their segments once, and holds what it sees to the rules.

pub(crate) mod absences;
pub(crate) mod bit_rates;
pub(crate) mod lateness;
pub(crate) mod multivariant;
pub(crate) mod playlist;
pub(crate) mod removed;
pub(crate) mod segment_facts;
pub(crate) mod segments;
pub(crate) mod server_promises;
pub(crate) mod session;
pub(crate) mod watched;
