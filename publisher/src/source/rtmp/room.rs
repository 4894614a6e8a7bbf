//! Room: what is behind one key: the client that is on air, and what it brings.
//!
//! In: clients that have said the key. Out: [`Guest`]s. Several threads share it.

use super::Guest;
use super::seat::{Heard, Seat, Takeover};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(super) struct Room {
    /// `live/KEY`: who says so is let in.
    path: String,
    takeover: Takeover,
    /// How long a stalled client keeps its place.
    seat_kept: Duration,
    closed: AtomicBool,
    stop: Arc<AtomicBool>,
    /// Who is let in from now on stays when it is read no more, and is read again from where it is.
    keeps_guests: AtomicBool,
    state: Mutex<State>,
    pub(super) changed: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    seat: Option<Seat>,
    pub(super) guest: Option<Guest>,
}

impl Room {
    pub(super) fn new(path: &str, takeover: Takeover, seat_kept: Duration, stop: Arc<AtomicBool>) -> Self {
        Room {
            path: path.to_owned(),
            takeover,
            seat_kept,
            closed: AtomicBool::new(false),
            stop,
            keeps_guests: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody is let in any more, and who was is sent away.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    pub(super) fn is_over(&self) -> bool {
        self.closed.load(Ordering::Relaxed) || self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn keep_guests(&self, keeps_guests: bool) {
        self.keeps_guests.store(keeps_guests, Ordering::Relaxed);
    }

    pub(super) fn keeps_guests(&self) -> bool {
        self.keeps_guests.load(Ordering::Relaxed)
    }

    /// Compares in constant time, so that the time tells nothing about the key.
    pub(super) fn is_at(&self, path: &str) -> bool {
        let differing = self.path.bytes().zip(path.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
        differing == 0 && self.path.len() == path.len()
    }

    pub(super) fn has_path_of(&self, other: &Room) -> bool {
        self.path == other.path
    }

    /// Gives the client the seat; false where another one keeps it.
    pub(super) fn seat(&self, client: u64, heard: Heard, now: Instant) -> bool {
        let mut state = self.lock();
        let is_free =
            state.seat.as_ref().is_none_or(|it| it.is_free_for_another(self.takeover, now, self.seat_kept));
        if is_free {
            state.seat = Some(Seat { client, heard });
        }
        is_free
    }

    /// Whether nobody has come instead of the client, which was heard so.
    pub(super) fn note_heard(&self, client: u64, heard: Heard) -> bool {
        let mut state = self.lock();
        let seat = state.seat.as_mut().filter(|seat| seat.client == client);
        seat.map(|seat| seat.heard = heard).is_some()
    }

    /// The client has gone.
    pub(super) fn leave(&self, client: u64) {
        self.lock().seat.take_if(|seat| seat.client == client);
    }

    /// What the client brings from now on.
    pub(super) fn welcome(&self, guest: Guest) {
        self.lock().guest = Some(guest);
        self.changed.notify_all();
    }
}
