//! A future of a connection that works when it is its turn, and how long that took.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::context::Connection;

/// A connection tells its account what it has used when it is so much: an account is shared with other threads.
const TOLD: Duration = Duration::from_micros(100);

/// What a connection does, when it is its turn.
pub(super) struct InTurn<F> {
    work: F,
    connection: Arc<Connection>,
    /// It waits with this one.
    number: Option<u64>,
    untold: Duration,
}

impl<F> InTurn<F> {
    pub(super) fn new(connection: Arc<Connection>, work: F) -> InTurn<F> {
        InTurn { work, connection, number: None, untold: Duration::ZERO }
    }
}

impl<F: Future + Unpin> Future for InTurn<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let InTurn { work, connection, number, untold } = &mut *self;
        let now_s = connection.worker.registry.now_s();
        let place = &connection.place;
        let takes_turns = number.is_some() || place.has_worked_much(now_s);
        let turns = &connection.worker.turns;
        if takes_turns && connection.activity.has_to_end() {
            // It gives back what others wait for.
            turns.forget(number);
        } else if takes_turns && !turns.try_begin(number, place.account_number(), cx.waker()) {
            return Poll::Pending;
        }
        connection.activity.begin_turn();
        let begin = Instant::now();
        let polled = Pin::new(work).poll(cx);
        let worked = begin.elapsed();
        *untold += worked;
        if *untold >= TOLD || polled.is_ready() {
            place.add_work(std::mem::take(untold), now_s);
        }
        if takes_turns {
            turns.end_turn(worked);
        }
        polled
    }
}

impl<F> Drop for InTurn<F> {
    fn drop(&mut self) {
        self.connection.worker.turns.forget(&mut self.number);
    }
}
