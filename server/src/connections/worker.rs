//! One thread that serves: its sockets in, a task for each connection, until the stop.
//!
//! A connection lives and dies on one thread, so nothing of it is ever fetched from the cache of another core. When told
//! to stop, the thread takes no more connections, lets running answers finish, cuts off what has not finished after
//! `STOP_GRACE`, and says how many that were.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tracing::{debug, warn};

use super::activity::Activity;
use super::connection::{self, Stream};
use super::context::{Connection, Serving, Worker};
use super::in_turn::InTurn;
use super::limits::{BLOCKED_PER_CONNECTION, CONNECTION_BYTES};
use super::lingering_close;
use super::refusals::Whose;
use crate::http::client::{Peer, subscriber};
use crate::http::refusal::last_bytes;
use crate::listen::{Duty, ListeningSocket, Scheme};
use crate::operator::metrics::{Counters, Reached};

/// Enough for a segment on its way to a slow player, short enough for a person who pressed Ctrl-C.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// A refused accept means that descriptors or memory ran out; trying at once would only turn the wait into heat.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What time-outs are counted in.
const SCAN_EVERY: Duration = Duration::from_secs(1);

/// After the stop, for the first request of whoever has just come: a few round trips to the other end of the world.
const FIRST_REQUEST_GRACE: Duration = Duration::from_secs(1);

/// Connections of a thread that are told why they are not let in, at a time; others just end.
const MOST_REFUSED: usize = 32;

/// What they are told, and when to try again.
const FULL: &str = "too many connections; try again later\n";
const RETRY_AFTER_S: u32 = 5;

/// A prime: searches for room begin all over the place.
const SEARCH_STEP: usize = 7919;

/// Threads that read files for this one; more would only queue at the disk.
const READERS: usize = 16;

/// One thread's share of a port.
pub(super) struct Socket {
    pub(super) listening: ListeningSocket,
    pub(super) scheme: Scheme,
    pub(super) duty: Duty,
}

/// Serves until `stop` changes; how many connections were cut off then.
pub(super) fn run(
    serving: Arc<Serving>,
    counters: Arc<Counters>,
    sockets: Vec<Socket>,
    mut stop: watch::Receiver<()>,
) -> io::Result<usize> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(READERS)
        .thread_name("livedir-read")
        .build()?;
    let worker = Arc::new(Worker {
        serving,
        counters,
        registry: Arc::default(),
        turns: Arc::default(),
        being_refused: Arc::default(),
        search_from: AtomicUsize::new(0),
    });
    let left = runtime.block_on(async {
        let mut accepting = Vec::new();
        for socket in sockets {
            accepting.push(tokio::spawn(accept(worker.clone(), socket)));
        }
        let scan_connections = tokio::spawn(scan_connections(worker.clone()));
        let call_in_turn = tokio::spawn(worker.turns.clone().keep_calling());
        let _ = stop.changed().await;
        for task in accepting {
            task.abort();
            let _ = task.await;
        }
        worker.registry.finish();
        worker.serving.let_go_who_waits();
        if timeout(FIRST_REQUEST_GRACE, worker.registry.wait_until_empty()).await.is_err() {
            worker.registry.cut_without_request();
        }
        let left = match timeout(STOP_GRACE, worker.registry.wait_until_empty()).await {
            Ok(()) => 0,
            Err(_) => worker.registry.len(),
        };
        scan_connections.abort();
        call_in_turn.abort();
        left
    });
    // Whoever still reads a file for an answer that nobody waits for is not waited for either.
    runtime.shutdown_background();
    Ok(left)
}

/// Takes connections from one socket.
async fn accept(worker: Arc<Worker>, socket: Socket) {
    let Socket { listening, scheme, duty } = socket;
    let listener = match listening {
        ListeningSocket::Tcp(socket) => TcpListener::from_std(socket).map(Listener::Tcp),
        ListeningSocket::Unix(socket) => UnixListener::from_std(socket).map(Listener::Unix),
    };
    let listener = match listener {
        Ok(listener) => listener,
        Err(error) => return warn!(%error, "port not served"),
    };
    let mut refusing = false;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                refusing = false;
                worker.admit(stream, peer, scheme, duty);
            }
            Err(error) => {
                if !refusing {
                    warn!(%error, "connections not accepted; a higher limit of open files may help: ulimit -n");
                }
                refusing = true;
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                no_delay(&stream);
                Ok((Stream::Tcp(stream), Peer::of(address)))
            }
            Listener::Unix(listener) => Ok((Stream::Unix(listener.accept().await?.0), Peer::Local)),
        }
    }
}

/// A playlist fits in one packet; it must not wait for the acknowledgement of the one before.
fn no_delay(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "TCP_NODELAY not set");
    }
}

impl Worker {
    /// Whether a connection could be ended for another.
    fn make_room(&self, duty: Duty) -> bool {
        let made = self.registry.make_room(duty, self.search_from.fetch_add(SEARCH_STEP, Relaxed));
        if made {
            self.counters.reached(Reached::Connections);
        }
        made
    }

    /// Starts the task of a connection, if there is a place for it.
    fn admit(self: &Arc<Worker>, stream: Stream, peer: Peer, scheme: Scheme, duty: Duty) {
        let places = self.serving.places(duty);
        // The operator's port has few places in all.
        let counted = match peer {
            _ if duty == Duty::Operator => None,
            Peer::Address(address) if !peer.is_trusted(&self.serving.trusted) => Some(address),
            _ => None,
        };
        let count_refused = |reached| {
            self.counters.reached(reached);
            self.serving.refuse(match counted {
                _ if duty == Duty::Operator => Whose::Operator,
                Some(address) if reached == Reached::PerAddress => Whose::Address(subscriber(address)),
                _ => Whose::Everybody,
            });
        };
        let permit = match places.limiter.take(counted, || self.make_room(duty)) {
            Ok(permit) => permit,
            Err(reached) => {
                count_refused(reached);
                return self.refuse(stream, scheme);
            }
        };
        // A proxy brings many players over one connection.
        let most_blocked = if counted.is_some() { BLOCKED_PER_CONNECTION } else { u32::MAX };
        let activity = Arc::new(Activity::new(most_blocked));
        let Some(place) = places.accounts.enter(counted.map(subscriber), activity.clone()) else {
            count_refused(Reached::PerAddress);
            return self.refuse(stream, scheme);
        };
        self.counters.accepted();
        let entered = self.registry.enter(activity.clone(), duty);
        let key = entered.key();
        let connection = Connection {
            worker: self.clone(),
            activity,
            peer,
            duty,
            _held: place.hold(CONNECTION_BYTES),
            place,
            _entered: entered,
            _permit: permit,
        };
        let connection = Arc::new(connection);
        let serving = connection::serve(connection.clone(), stream, scheme);
        let task = tokio::spawn(InTurn::new(connection, serving));
        self.registry.set_task(key, task.abort_handle());
    }
}

impl Worker {
    /// Says why a connection is not let in, where that can be said: TLS would cost us more than the client.
    fn refuse(&self, stream: Stream, scheme: Scheme) {
        if scheme == Scheme::Https {
            return;
        }
        let last_words = last_bytes(StatusCode::SERVICE_UNAVAILABLE, FULL, Some(RETRY_AFTER_S));
        if self.being_refused.load(Relaxed) >= MOST_REFUSED {
            return;
        }
        self.being_refused.fetch_add(1, Relaxed);
        let being_refused = self.being_refused.clone();
        tokio::spawn(async move {
            match stream {
                Stream::Tcp(stream) => lingering_close::send_last(stream, &last_words).await,
                Stream::Unix(stream) => lingering_close::send_last(stream, &last_words).await,
            }
            being_refused.fetch_sub(1, Relaxed);
        });
    }
}

/// Looks at all connections of the thread once a second.
async fn scan_connections(worker: Arc<Worker>) {
    let start = Instant::now();
    let mut ticks = interval(SCAN_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now_s = start.elapsed().as_secs();
        worker.registry.scan(now_s, worker.serving.viewers.limiter.limits(), |why: Reached| {
            worker.counters.reached(why);
        });
        worker.counters.set_now(now_s);
        worker.serving.tell_of_refused();
    }
}
