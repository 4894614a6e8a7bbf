//! The playlists that are followed, and what is known of one.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

use tokio::sync::watch;

use super::version::Version;

/// What a playlist is now.
#[derive(Debug, Clone)]
pub(crate) enum Newest {
    /// It has not been loaded yet.
    Unknown,
    /// It is not there.
    Missing,
    /// It is there, and cannot be had now.
    NoMemory,
    /// This.
    Version(Arc<Version>),
}

/// The playlists that are followed.
#[derive(Debug, Default)]
pub(super) struct Followed {
    pub(super) by_path: Mutex<HashMap<(ThreadId, String), watch::Receiver<Newest>>>,
    pub(super) is_over: AtomicBool,
}
