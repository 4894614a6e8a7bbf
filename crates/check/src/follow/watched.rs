//! Watched: a media playlist that is to be followed, on its way to the threads that follow it.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use livedir_time::stop::Stop;

use crate::fetch::address::Address;
use crate::fetch::fetcher::Reading;

/// A media playlist that is to be followed.
pub(crate) struct Watched {
    /// For findings: the file's name, or the URI in the multivariant playlist.
    pub(crate) name: Arc<str>,
    pub(crate) address: Address,
    pub(crate) first: Option<Reading>,
    /// The multivariant playlist that lists it.
    pub(crate) listed_in: Option<String>,
    pub(crate) stop: Stop,
    #[expect(dead_code, reason = "it is for its drop")]
    pub(crate) held: Held,
}

/// What the threads of a playlist hold until both have ended.
pub(crate) struct Held {
    /// Whoever counts those knows whether they run.
    pub(crate) _running: Arc<()>,
    /// As long as it is there, others may be started.
    pub(crate) _may_start: Sender<Watched>,
}
