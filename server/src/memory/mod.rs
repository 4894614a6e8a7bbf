//! The cache: playlists and the segments that they list, in memory, each version loaded once. Playlists have a budget of their own.
//!
//! ```text
//! request ─▶ entry ─ checked in the last 100 ms ────────────────▶ version ─▶ answer
//!             │                                                    ▲
//!             └ otherwise: one load of the file, however many wait ┘  (load: open, stat, and read if it is another)
//!   notify ─▶ entry: to be checked again
//! ```
//!
//! Answers are made on the threads of the connections, without waiting and without a lock. A load runs on one of four
//! threads of their own (`threads`) and is waited for at most `LOAD_TIMEOUT`; it ends by itself. notify has a thread of its own,
//! which ends with the last `Memory`.

mod answer;
mod cache;
mod clock;
mod encoding;
mod entries;
mod follow;
mod followed;
pub(crate) mod listed;
mod loader;
mod threads;
mod version;
mod watcher;

pub(crate) use cache::{FromMemory, Memory};
pub(crate) use followed::Newest;
pub(crate) use loader::CacheSettings;
pub(crate) use version::Version;
