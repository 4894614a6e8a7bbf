//! The numbers of all threads, and how viewers are told apart.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;

use super::counters::Counters;

/// The numbers of all threads.
pub(crate) struct Metrics {
    /// Whether anybody can ask. Without that, what would cost time is not counted.
    pub(crate) is_on: bool,
    pub(super) workers: Vec<Arc<Counters>>,
    /// With a secret of this process, so that nobody can choose two viewers to be taken for one.
    hasher: RandomState,
}

impl Metrics {
    pub(crate) fn new(threads: usize, is_on: bool) -> Metrics {
        let workers = (0..threads).map(|_| Arc::default()).collect();
        Metrics { is_on, workers, hasher: RandomState::new() }
    }

    pub(crate) fn workers(&self) -> &[Arc<Counters>] {
        &self.workers
    }

    /// What tells one player from another: people behind one address have different browsers, mostly.
    pub(crate) fn viewer_key(&self, viewer: Option<IpAddr>, agent: Option<&[u8]>) -> u64 {
        self.hasher.hash_one((viewer, agent))
    }
}
