//! Publisher.

pub mod meters;
pub mod playlist_file;
pub mod probe;
pub mod retention;
pub mod segment_name;
pub mod status;
pub mod watcher;
