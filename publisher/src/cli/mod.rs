//! What people type: arguments, variables of the environment and a configuration file become settings.
//!
//! In: words. Out: settings that can be used, or one line that says what is wrong with them.

pub mod args;
pub mod config;
mod limits;
#[cfg(feature = "capture")]
pub mod settings;
pub mod topics;
pub mod unseen;

pub(crate) use limits::{LONGEST_SEGMENT, SHORTEST_PART, length};
