//! What requests share: all of the server, those of a thread, those of a connection.

use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::http::HeaderValue;
use ipnet::IpNet;
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

use super::activity::Activity;
use super::limits::{ConnectionLimiter, ConnectionPermit, Limits, OPERATOR_CONNECTIONS};
use super::refusals::{Refusals, Whose};
use super::registry::{Entered, Registry};
use super::turns::Turns;
use crate::accounts::{Accounts, Held, Place};
use crate::http::client::Peer;
use crate::listen::Duty;
use crate::operator::Operator;
use crate::operator::access_log::{Log, Refused};
use crate::operator::metrics::{Counters, Malformed, Metrics};
use crate::site::Site;

/// Where the connections of one duty have their places, and what they may hold.
pub(crate) struct Places {
    pub(crate) limiter: Arc<ConnectionLimiter>,
    pub(crate) accounts: Arc<Accounts>,
}

impl Places {
    pub(crate) fn new(limits: Limits) -> Places {
        let accounts = Accounts::new(limits.connections, limits.connections_per_address);
        Places { limiter: ConnectionLimiter::new(limits), accounts }
    }
}

/// What all threads serve, and how.
pub(crate) struct Serving {
    pub(crate) site: Site,
    pub(crate) operator: Operator,
    pub(crate) viewers: Places,
    pub(crate) operators: Places,
    pub(crate) trusted: Vec<IpNet>,
    pub(crate) page_policy: Option<HeaderValue>,
    pub(crate) log: Log,
    pub(crate) metrics: Arc<Metrics>,
    /// Always there when a port speaks HTTPS.
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) refusals: Mutex<Refusals>,
    pub(crate) started: Instant,
    /// Threads whose connections know that it is the end.
    pub(crate) finishing: AtomicUsize,
}

impl Serving {
    pub(super) fn places(&self, duty: Duty) -> &Places {
        match duty {
            Duty::Viewers => &self.viewers,
            Duty::Operator => &self.operators,
        }
    }

    /// Counts a connection that is not let in, and tells of it when it is time.
    pub(super) fn refuse(&self, whose: Whose) {
        let now_s = self.started.elapsed().as_secs();
        let told = self.refusals().refuse(whose, now_s);
        self.tell(told.map(|whose| (whose, 1)));
    }

    /// To be called now and then.
    pub(super) fn tell_of_refused(&self) {
        let due = self.refusals().due(self.started.elapsed().as_secs());
        self.tell(due);
    }

    fn tell(&self, lines: impl IntoIterator<Item = (Whose, u64)>) {
        let open = self.viewers.limiter.taken();
        for (whose, refused) in lines {
            match whose {
                Whose::Address(address) => {
                    warn!(%address, refused, "connections refused; see --connections-per-address");
                }
                Whose::OtherAddresses => {
                    warn!(refused, "connections of more addresses refused; see --connections-per-address");
                }
                Whose::Operator => warn!(
                    refused,
                    "connections to --metrics-listen refused, all its {OPERATOR_CONNECTIONS} places are taken; \
                     give it an address that only the operator reaches"
                ),
                Whose::Everybody => {
                    warn!(refused, open, "connections refused, all places are taken; see --connections");
                }
            }
        }
    }

    fn refusals(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

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
    pub(super) turns: Arc<Turns>,
    /// Connections not let in that are being told so.
    pub(super) being_refused: Arc<AtomicUsize>,
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
    /// What it takes as such.
    pub(super) _held: Held,
    pub(super) _entered: Entered,
    pub(super) _permit: ConnectionPermit,
}

impl Connection {
    /// Counts what was not well-formed, and logs it unless it has a line as a request.
    pub(super) fn malformed(&self, malformed: Malformed, refused: Option<&Refused<'_>>) {
        self.worker.counters.malformed(malformed);
        if let Some(refused) = refused {
            self.log_refused(refused);
        }
    }

    /// Tells of a client that breaks the rules of TLS, and not of one that has left.
    pub(super) fn broken_tls(&self, error: &io::Error) {
        debug!(%error, "no TLS");
        if error.kind() == ErrorKind::InvalidData {
            let reason = format!("no TLS: {error}");
            let refused = Refused { sent: b"", status: None, reason: &reason };
            self.malformed(Malformed::Tls, Some(&refused));
        }
    }

    pub(super) fn log_refused(&self, refused: &Refused<'_>) {
        if self.duty == Duty::Viewers {
            let viewer = match self.peer {
                Peer::Address(address) => Some(address),
                Peer::Local => None,
            };
            self.worker.serving.log.refused(viewer, refused);
        }
    }
}
