//! Connections: ports in, answers out. One thread for each core, one task for each connection.
//!
//! | file | |
//! |---|---|
//! | `worker` | a thread: takes connections, looks after them once a second, ends |
//! | `registry` | the connections of a thread |
//! | `connection` | the task of one: TLS, HTTP/1.1 or HTTP/2, rest, waiting |
//! | `pending_answer` | an answer that is waited for |
//! | `transport`, `activity` | its bytes, and what it has done |
//! | `request` | one request and its answer, counted and logged |

mod activity;
mod connection;
pub(crate) mod limits;
mod pending_answer;
mod registry;
mod request;
mod transport;
mod worker;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use axum::http::HeaderValue;
use ipnet::IpNet;
use tokio::sync::{oneshot, watch};
use tokio_rustls::TlsAcceptor;

use crate::listen::{Duty, ListeningSocket, Port, Scheme};
use crate::operator::Operator;
use crate::operator::access_log::Log;
use crate::operator::metrics::Metrics;
use crate::site::Site;
use limits::Places;

/// What all threads serve, and how.
pub(crate) struct Serving {
    pub(crate) site: Site,
    pub(crate) operator: Operator,
    pub(crate) places: Arc<Places>,
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
    fn let_go_who_waits(&self) {
        if self.finishing.fetch_add(1, Ordering::AcqRel) + 1 == self.metrics.workers().len() {
            self.site.stop_holding();
        }
    }
}

/// One thread's share of a port.
struct Socket {
    listening: ListeningSocket,
    scheme: Scheme,
    duty: Duty,
}

/// The threads that serve.
pub(crate) struct Threads {
    stop: watch::Sender<()>,
    ends: Vec<oneshot::Receiver<io::Result<usize>>>,
}

impl Threads {
    /// Starts as many threads as the ports have sockets.
    pub(crate) fn start(serving: &Arc<Serving>, ports: &mut [Port]) -> io::Result<Threads> {
        let (stop, stopped) = watch::channel(());
        let mut ends = Vec::new();
        for (number, counters) in serving.metrics.workers().iter().enumerate() {
            let sockets = ports.iter_mut().filter_map(|port| {
                let listening = port.sockets.pop()?;
                Some(Socket { listening, scheme: port.scheme, duty: port.duty })
            });
            let sockets = sockets.collect();
            let (serving, counters, stopped) = (serving.clone(), counters.clone(), stopped.clone());
            let (end, ended) = oneshot::channel();
            thread::Builder::new().name(format!("livedir-serve-{number}")).spawn(move || {
                let _ = end.send(worker::run(serving, counters, sockets, stopped));
            })?;
            ends.push(ended);
        }
        Ok(Threads { stop, ends })
    }

    /// Stops them all; how many connections were cut off.
    pub(crate) async fn stop(self) -> usize {
        let _ = self.stop.send(());
        let mut cut_off = 0;
        for ended in self.ends {
            match ended.await {
                Ok(Ok(left)) => cut_off += left,
                Ok(Err(error)) => tracing::warn!(%error, "a thread could not serve"),
                Err(_) => tracing::warn!("a thread ended early"),
            }
        }
        cut_off
    }
}
