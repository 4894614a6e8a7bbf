//! Events: what is told of files, and what is finished.
//!
//! In: events of the file system. Out: wakes, finished files with their facts, and which files are still being written.

pub(crate) mod finished_file;
pub mod hints;
pub(crate) mod present;
pub(crate) mod refusal;
pub(crate) mod stranger;
pub(crate) mod unfinished;
pub mod wake;
