//! What requests share: all of the server, those of a thread, those of a connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::HeaderValue;
use ipnet::IpNet;
use tokio_rustls::TlsAcceptor;

use super::activity::Activity;
use super::limits::{ConnectionLimiter, ConnectionPermit};
use super::registry::{Entered, Registry};
use crate::accounts::{Accounts, Held, Place, Share};
use crate::http::client::Peer;
use crate::listen::Duty;
use crate::operator::Operator;
use crate::operator::access_log::Log;
use crate::operator::metrics::{Counters, Metrics};
use crate::site::Site;

/// What all threads serve, and how.
pub(crate) struct Serving {
    pub(crate) site: Site,
    pub(crate) operator: Operator,
    pub(crate) limiter: Arc<ConnectionLimiter>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) trusted: Vec<IpNet>,
    pub(crate) page_policy: Option<HeaderValue>,
    pub(crate) log: Log,
    pub(crate) metrics: Arc<Metrics>,
    /// Always there when a port speaks HTTPS.
    pub(crate) tls: Option<TlsAcceptor>,
    /// Threads whose connections know that it is the end.
    pub(crate) finishing: AtomicUsize,
}

impl Serving {
    /// To be called once by each thread when its connections know that it is the end. Only then they are answered: on a
    /// connection that does not say so, a player would ask again.
    pub(super) fn let_go_who_waits(&self) {
        if self.finishing.fetch_add(1, Ordering::AcqRel) + 1 == self.metrics.workers().len() {
            self.site.stop_blocking();
        }
    }
}

/// What all connections of one thread share.
pub(super) struct Worker {
    pub(super) serving: Arc<Serving>,
    pub(super) counters: Arc<Counters>,
    pub(super) registry: Arc<Registry>,
    /// Connections not let in since the last warning.
    pub(super) refused: AtomicUsize,
    /// Where the next search for room begins.
    pub(super) search_from: AtomicUsize,
}

/// What all requests of a connection share; its place is free again when the last of them has gone.
pub(super) struct Connection {
    pub(super) worker: Arc<Worker>,
    pub(super) activity: Arc<Activity>,
    pub(super) peer: Peer,
    pub(super) duty: Duty,
    pub(super) place: Arc<Place>,
    /// Of answers that are given one at a time: those of HTTP/1.1.
    pub(super) share: Arc<Share>,
    /// What it takes as such.
    pub(super) _held: Held,
    pub(super) _entered: Entered,
    pub(super) _permit: ConnectionPermit,
}
