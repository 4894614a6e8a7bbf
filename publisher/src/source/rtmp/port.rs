//! Port: a listening socket, the clients that are connected to it, and the rooms that they may be let into.
//!
//! In: TCP connections. Out: a thread with a [`Visit`] for each. When too many that are not on air are connected, or too many of one
//! address, the connection of the most silent one is closed.

use super::TICK;
use super::clients::{Clients, Told};
use super::room::Room;
use super::session::SessionError;
use super::visit::Visit;
use std::io::{self, ErrorKind};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tracing::{debug, warn};

/// Wrong keys are told to the log no more often than this: someone may be trying.
const WARN_EVERY: Duration = Duration::from_secs(10);

/// Listens until it is dropped.
pub(super) struct Port {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the threads of a port share.
#[derive(Default)]
pub(super) struct Shared {
    closed: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) clients: Clients<TcpStream>,
    rooms: Vec<Arc<Room>>,
    last_warning: Option<Instant>,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}

impl State {
    /// The room of this path. All are compared, so that the time tells nothing about the keys.
    pub(super) fn room(&self, path: &str) -> Option<Arc<Room>> {
        let mut rooms = self.rooms.iter().filter(|room| room.is_at(path));
        let found = rooms.next().cloned();
        rooms.for_each(drop);
        found
    }

    /// Whether a wrong key is to be told now.
    pub(super) fn note_wrong_key(&mut self, now: Instant) -> bool {
        let is_told = self.last_warning.is_none_or(|told_at| now.duration_since(told_at) >= WARN_EVERY);
        if is_told {
            self.last_warning = Some(now);
        }
        is_told
    }
}

impl Port {
    /// Listens at the first of these addresses that is to be had.
    pub(super) fn open(addresses: &[SocketAddr]) -> io::Result<Self> {
        let listener = TcpListener::bind(addresses)?;
        // The only way to wait for a client and for the end.
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::<Shared>::default();
        let port = shared.clone();
        let thread =
            std::thread::Builder::new().name("rtmp".to_owned()).spawn(move || accept(&listener, &port))?;
        Ok(Port { address, shared, thread: Some(thread) })
    }

    /// Clients may be let into this room, too; an error if another one has its path.
    pub(super) fn add(&self, room: Arc<Room>) -> io::Result<()> {
        let mut state = self.shared.lock();
        if state.rooms.iter().any(|it| it.has_path_of(&room)) {
            return Err(io::Error::new(
                ErrorKind::AlreadyExists,
                "another stream waits there for the same key",
            ));
        }
        state.rooms.push(room);
        Ok(())
    }

    pub(super) fn remove(&self, room: &Arc<Room>) {
        self.shared.lock().rooms.retain(|it| !Arc::ptr_eq(it, room));
    }

    #[cfg(test)]
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.lock()
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join(); // a panic there has been printed
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while !shared.is_closed() {
        match listener.accept() {
            Ok((connection, from)) => greet(connection, from, shared),
            Err(error) => {
                if error.kind() != ErrorKind::WouldBlock {
                    debug!(%error, "RTMP client not accepted: it disconnected, or there are too many");
                }
                std::thread::park_timeout(TICK);
            }
        }
    }
}

/// Starts a client's thread, and ends another one's where there is no place.
fn greet(connection: TcpStream, from: SocketAddr, shared: &Arc<Shared>) {
    let Ok(end) = connection.try_clone() else { return };
    let mut state = shared.lock();
    let entered = state.clients.enter(from.ip(), Instant::now(), end);
    if let Some((address, end)) = entered.instead_of {
        let _ = end.shutdown(Shutdown::Both); // it may have left in the meantime
        if state.clients.note(address, Told::Crowd) {
            warn!(%address, "too many RTMP connections; the most silent one is closed, see that only encoders reach this port");
        }
    }
    drop(state);
    let visit = Visit::new(entered.client, from, shared.clone());
    let started = std::thread::Builder::new().name("rtmp client".to_owned()).spawn(move || {
        let mut visit = visit;
        match visit.serve(connection) {
            Ok(()) => debug!(%from, "RTMP client disconnected"),
            Err(error) => tell(&error, from, &visit),
        }
    });
    if let Err(error) = started {
        warn!(%error, "cannot start a thread for an RTMP client");
    }
}

/// Whoever speaks something else is told to the operator, once an address.
fn tell(error: &io::Error, from: SocketAddr, visit: &Visit) {
    let is_garbage = error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<SessionError>);
    if is_garbage && visit.note(Told::Garbage) {
        warn!(%from, %error, "RTMP client rejected");
    } else {
        debug!(%from, %error, "RTMP client rejected");
    }
}
