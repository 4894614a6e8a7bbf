//! Connections: ports in, answers out. One thread for each core, one task for each connection.
//!
//! | file | |
//! |---|---|
//! | `context` | what requests share |
//! | `worker` | a thread: takes connections, looks after them once a second, ends |
//! | `refusals` | who was not let in, and when that is told |
//! | `registry` | the connections of a thread |
//! | `turns` | whose connection works next on it; `in_turn`, what is done then |
//! | `connection` | the task of one: `tls`, then HTTP/1.1 or HTTP/2, rest, waiting |
//! | `http1` | HTTP/1.1, which hyper speaks, and for how long |
//! | `http2` | HTTP/2, which h2 speaks; `stream`, an answer |
//! | `frames` | the frames that its clients send; `head_block`, their heads; `table`, what h2 keeps of these |
//! | `lingering_close` | the end of one, where the client does not expect it |
//! | `head` | the head of a request that may have to wait |
//! | `transport`, `activity` | its bytes, and what it has done; `bounded`, what TLS reads ahead of them |
//! | `request`, `body` | one request and its answer, counted and logged |
//! | `caught` | an answer that ends in a panic |

mod activity;
mod body;
mod bounded;
mod caught;
mod connection;
mod context;
mod frames;
mod head;
mod head_block;
mod http1;
mod http2;
mod in_turn;
pub(crate) mod limits;
mod lingering_close;
mod refusals;
mod registry;
mod request;
mod stream;
mod table;
mod tls;
mod transport;
mod turns;
mod worker;

use std::io;
use std::sync::Arc;
use std::thread;

use tokio::sync::{oneshot, watch};

use crate::listen::Port;
use worker::Socket;

pub(crate) use context::{Places, Serving};

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
