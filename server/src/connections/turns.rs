//! Who works next on a thread. Whoever asks little goes first: connections of an address that has used much of the threads' time
//! lately take turns, one address after the other, and after each round the thread looks who else has something to do.
//!
//! Nothing waits while the thread has nothing to do: of one address alone, as in a load test, all are served as fast as ever.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::yield_now;

/// Of a thread's time, for those who take turns, between two looks at the others.
const ROUND: Duration = Duration::from_micros(250);

/// Those who take turns on one thread.
#[derive(Default)]
pub(super) struct Turns {
    state: Mutex<State>,
    someone_waits: Notify,
}

/// Nothing here looks at a clock.
#[derive(Default)]
struct State {
    /// Each address that has someone waiting; the next one first.
    lanes: VecDeque<Lane>,
    /// What is left of the round.
    left: Duration,
    /// Whose turn it is.
    called: Option<u64>,
    last_number: u64,
}

struct Lane {
    account: usize,
    waiting: VecDeque<(u64, Waker)>,
}

impl State {
    /// Whether whoever has this number may work now. Without a number he may unless somebody waits; if he has to wait, too, he gets one.
    fn try_begin(&mut self, number: &mut Option<u64>, account: usize, waker: &Waker) -> bool {
        if number.is_some() {
            let is_called = self.called == *number;
            if is_called {
                (self.called, *number) = (None, None);
            }
            return is_called;
        }
        if self.called.is_none() && self.lanes.is_empty() && !self.left.is_zero() {
            return true;
        }
        self.last_number += 1;
        *number = Some(self.last_number);
        let waiter = (self.last_number, waker.clone());
        match self.lanes.iter_mut().find(|lane| lane.account == account) {
            Some(lane) => lane.waiting.push_back(waiter),
            None => self.lanes.push_back(Lane { account, waiting: VecDeque::from([waiter]) }),
        }
        false
    }

    /// Someone has worked for so long; the next one, if time is left.
    fn end_turn(&mut self, worked: Duration) -> Option<Waker> {
        self.left = self.left.saturating_sub(worked);
        if self.left.is_zero() || self.called.is_some() {
            return None;
        }
        self.call()
    }

    /// Whether somebody waits; the next one, unless it is somebody's turn already. He may not have heard it yet: who is woken by
    /// another thread comes behind those who are woken by this one.
    fn begin_round(&mut self) -> (bool, Option<Waker>) {
        self.left = ROUND;
        let next = if self.called.is_none() { self.call() } else { None };
        (self.called.is_some(), next)
    }

    /// Nobody waits with this number any more.
    fn forget(&mut self, number: u64) {
        if self.called == Some(number) {
            self.called = None;
            return;
        }
        for (at, lane) in self.lanes.iter_mut().enumerate() {
            if let Ok(place) = lane.waiting.binary_search_by_key(&number, |(number, _)| *number) {
                lane.waiting.remove(place);
                if lane.waiting.is_empty() {
                    self.lanes.remove(at);
                }
                return;
            }
        }
    }

    fn call(&mut self) -> Option<Waker> {
        let mut lane = self.lanes.pop_front()?;
        let next = lane.waiting.pop_front();
        if !lane.waiting.is_empty() {
            self.lanes.push_back(lane);
        }
        let (number, waker) = next?;
        self.called = Some(number);
        Some(waker)
    }
}

impl Turns {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn try_begin(&self, number: &mut Option<u64>, account: usize, waker: &Waker) -> bool {
        let begins = self.state().try_begin(number, account, waker);
        if !begins {
            self.someone_waits.notify_one();
        }
        begins
    }

    pub(super) fn forget(&self, number: &mut Option<u64>) {
        if let Some(number) = number.take() {
            self.state().forget(number);
        }
    }

    pub(super) fn end_turn(&self, worked: Duration) {
        let next = self.state().end_turn(worked);
        if let Some(waker) = next {
            waker.wake();
        }
    }

    /// Begins a round whenever someone waits, each time after the thread has looked who has something to do.
    pub(super) async fn keep_calling(self: Arc<Turns>) {
        loop {
            self.someone_waits.notified().await;
            loop {
                yield_now().await;
                let (someone_waits, next) = self.state().begin_round();
                if let Some(waker) = next {
                    waker.wake();
                }
                if !someone_waits {
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::task::Wake;

    use super::*;

    /// Counts how often it was called.
    #[derive(Default)]
    struct Called(AtomicUsize);

    impl Wake for Called {
        fn wake(self: Arc<Called>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    /// Someone who waits, of this account.
    struct Someone {
        account: usize,
        number: Option<u64>,
        called: Arc<Called>,
    }

    impl Someone {
        fn of(account: usize) -> Someone {
            Someone { account, number: None, called: Arc::default() }
        }

        fn try_begin(&mut self, state: &mut State) -> bool {
            let waker = Waker::from(self.called.clone());
            state.try_begin(&mut self.number, self.account, &waker)
        }
    }

    const HALF: Duration = ROUND.checked_div(2).unwrap();

    fn call(next: Option<Waker>) {
        next.expect("somebody waits").wake();
    }

    #[test]
    fn addresses_take_turns_until_the_round_is_over() {
        let mut state = State::default();
        let mut all = [1, 1, 1, 2].map(Someone::of);
        assert!(all.iter_mut().all(|someone| !someone.try_begin(&mut state)), "no round has begun");
        let mut order = Vec::new();
        for _ in 0..2 {
            let (someone_waits, next) = state.begin_round();
            assert!(someone_waits);
            call(next);
            for is_last in [false, true] {
                let at = all
                    .iter_mut()
                    .position(|someone| someone.number.is_some() && someone.try_begin(&mut state));
                order.push(at.expect("one was called"));
                let next = state.end_turn(HALF);
                assert_eq!(next.is_none(), is_last, "two halves are a round");
                next.into_iter().for_each(Waker::wake);
            }
        }
        assert_eq!(order, [0, 3, 1, 2], "the second address goes before what the first one has besides");
        assert!(all.iter().all(|someone| someone.called.0.load(Relaxed) == 1));
        assert!(matches!(state.begin_round(), (false, None)));
    }

    #[test]
    fn nobody_waits_where_nobody_else_does_and_the_round_lasts() {
        let mut state = State::default();
        state.begin_round();
        assert!(Someone::of(1).try_begin(&mut state));
        assert!(state.end_turn(HALF).is_none());
        assert!(Someone::of(1).try_begin(&mut state));
        state.end_turn(2 * HALF);
        let mut waiting = Someone::of(1);
        assert!(!waiting.try_begin(&mut state));
        call(state.begin_round().1);
        assert!(!Someone::of(2).try_begin(&mut state), "it is another one's turn");
        assert!(matches!(state.begin_round(), (true, None)), "he has not heard it yet");
        assert!(waiting.try_begin(&mut state));
    }

    #[test]
    fn whoever_has_gone_keeps_nobody_waiting() {
        let mut state = State::default();
        let mut all = [1, 1, 2, 2].map(Someone::of);
        assert!(all.iter_mut().all(|someone| !someone.try_begin(&mut state)));
        call(state.begin_round().1);
        // The one who was called, and the first of a lane; later the last of one.
        for at in [0, 2] {
            state.forget(all[at].number.unwrap());
        }
        call(state.begin_round().1);
        assert!(all[3].try_begin(&mut state), "the second address is next");
        state.forget(all[1].number.unwrap());
        assert!(state.lanes.is_empty() && state.end_turn(Duration::ZERO).is_none());
    }
}
