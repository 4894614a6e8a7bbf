//! The contract on disk: what lies in a webroot, under which names, and who may write it.
//!
//! In: segments, parts, playlists and numbers. Out: files, each of which appears under its name at once, whole. Publisher and
//! watcher share this and nothing else; any encoder that keeps to it can take the publisher's place.

pub mod directory;
pub mod files;
pub mod formats;
pub mod guard;
pub mod lock;
pub mod meters;
pub mod names;
pub mod natural_order;
pub mod numbers;
pub mod remedy;
pub mod rendition;
pub mod source_state;
pub mod status;
pub mod write;
