//! Camera pump: a device that blocks for as long as it likes, behind a wait that always ends.
//!
//! In: a function that opens the device. Out: what the device delivers, newest kept, oldest dropped, through
//! [`Pump::take`]. The device is opened, read and dropped on a thread of its own, which is the one exception to "one
//! page shows all concurrency": a camera that falls silent blocks its reader for ever, so that reader must be a thread
//! that can be left behind. At the end the thread is asked to stop and woken from its wait ([`super::wake`]),
//! so that the device is free again; if it does not stop even then, it is left behind, and counted.

use super::wake;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Frames that wait to be taken; more only makes the stream late. A camera frame is up to some megabytes.
const ROOM: usize = 4;
/// How long the end of a pump waits for its device to be closed before the thread is left behind.
const CLOSE_WAIT: Duration = Duration::from_millis(1500);
/// A device that delivers ends its wait by itself within one frame; only then is it woken, and again after as long.
const WAKE_EVERY: Duration = Duration::from_millis(100);
/// Threads left behind at one time in one process; each holds a device and its buffers.
const MOST_LEFT_BEHIND: usize = 4;

static LEFT_BEHIND: AtomicUsize = AtomicUsize::new(0);

/// Threads of this process that still wait for a device that nobody wants any more.
pub(super) fn threads_left_behind() -> usize {
    LEFT_BEHIND.load(Ordering::Relaxed)
}

/// A device that the pump can run.
pub(super) trait Device {
    /// What it delivers.
    type Piece: Send + 'static;
    /// Waits for the next frame, maybe for ever. After an error it is dropped.
    fn next(&mut self) -> Result<Self::Piece, String>;
}

/// Why a pump has nothing more to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PumpError {
    /// Opening or reading the device failed, in the device's words.
    Device(String),
    /// Opening took longer than it was given.
    OpenTimeout,
    /// Too many threads still wait for devices that do not react.
    TooManyLeftBehind,
}

/// A device with the thread that reads it. Dropping it closes the device.
pub(super) struct Pump<P> {
    shared: Arc<Shared<P>>,
    thread: JoinHandle<()>,
}

struct Shared<P> {
    state: Mutex<State<P>>,
    changed: Condvar,
}

struct State<P> {
    waiting: VecDeque<P>,
    dropped: u64,
    device: DeviceState,
    owner: OwnerState,
    /// Set for good by the first failure, maybe before the device is closed.
    failure: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DeviceState {
    Opening,
    Open,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OwnerState {
    Reading,
    WaitingForTheEnd,
    Gone,
}

impl<P> State<P> {
    fn is_closed(&self) -> bool {
        self.device == DeviceState::Closed
    }
}

impl<P> Shared<P> {
    fn lock(&self) -> MutexGuard<'_, State<P>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State<P>)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// The state once `done` holds, or when the time is over.
    fn wait_until(&self, deadline: Instant, done: impl Fn(&State<P>) -> bool) -> MutexGuard<'_, State<P>> {
        let left = deadline.saturating_duration_since(Instant::now());
        let waited = self.changed.wait_timeout_while(self.lock(), left, |state| !done(state));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl<P: Send + 'static> Pump<P> {
    /// Opens a device on a new thread called `name`; returns when it is open, or has failed, or at `deadline`.
    pub(super) fn start<D, O>(name: &str, deadline: Instant, open: O) -> Result<Self, PumpError>
    where
        D: Device<Piece = P>,
        O: FnOnce() -> Result<D, String> + Send + 'static,
    {
        if threads_left_behind() >= MOST_LEFT_BEHIND {
            return Err(PumpError::TooManyLeftBehind);
        }
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                waiting: VecDeque::with_capacity(ROOM),
                dropped: 0,
                device: DeviceState::Opening,
                owner: OwnerState::Reading,
                failure: None,
            }),
            changed: Condvar::new(),
        });
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || run(open, &shared)
            })
            .map_err(|error| PumpError::Device(error.to_string()))?;
        let pump = Self { shared, thread };
        let (device, failure) = {
            let tried = |state: &State<P>| state.device != DeviceState::Opening || state.failure.is_some();
            let state = pump.shared.wait_until(deadline, tried);
            (state.device, state.failure.clone())
        };
        match failure {
            Some(failure) => Err(PumpError::Device(failure)),
            None if device == DeviceState::Opening => Err(PumpError::OpenTimeout),
            None => Ok(pump),
        }
    }

    /// The oldest frame that waits, or the next that comes until `deadline`; none if none comes.
    pub(super) fn take(&self, deadline: Instant) -> Result<Option<P>, PumpError> {
        let mut state = self.wait(deadline);
        match state.waiting.pop_front() {
            Some(piece) => Ok(Some(piece)),
            None => state.failure.clone().map_or(Ok(None), |failure| Err(PumpError::Device(failure))),
        }
    }

    /// Waits for the first frame, which stays to be taken; an error if the device fails until `deadline`.
    pub(super) fn confirm(&self, deadline: Instant) -> Result<(), PumpError> {
        let failure = self.wait(deadline).failure.clone();
        failure.map_or(Ok(()), |failure| Err(PumpError::Device(failure)))
    }

    /// Frames that were dropped since the start because nobody took them in time.
    pub(super) fn dropped(&self) -> u64 {
        self.shared.lock().dropped
    }

    fn wait(&self, deadline: Instant) -> MutexGuard<'_, State<P>> {
        self.shared.wait_until(deadline, |state| !state.waiting.is_empty() || state.failure.is_some())
    }
}

impl<P> Drop for Pump<P> {
    fn drop(&mut self) {
        self.shared.change(|state| state.owner = OwnerState::WaitingForTheEnd);
        let give_up = Instant::now() + CLOSE_WAIT;
        while Instant::now() < give_up {
            let deadline = Instant::now() + WAKE_EVERY;
            if self.shared.wait_until(deadline, State::is_closed).is_closed() {
                return;
            }
            wake::wake(&self.thread);
        }
        let mut state = self.shared.lock();
        if !state.is_closed() {
            state.owner = OwnerState::Gone;
            LEFT_BEHIND.fetch_add(1, Ordering::Relaxed);
            let name = self.thread.thread().name().unwrap_or_default();
            tracing::warn!(name, "the device does not respond; its thread is abandoned");
        }
    }
}

/// The life of the pump's thread.
fn run<D: Device>(open: impl FnOnce() -> Result<D, String>, shared: &Shared<D::Piece>) {
    wake::prepare_this_thread();
    // the drivers' wrappers panic on some devices, also while they are dropped
    let outcome = catch_unwind(AssertUnwindSafe(|| pump(open, shared)));
    let failure = match outcome {
        Ok(Ok(())) => "stopped".to_owned(),
        Ok(Err(failure)) => failure,
        Err(_) => "its driver or the camera library failed".to_owned(),
    };
    shared.change(|state| {
        state.failure.get_or_insert(failure);
        state.device = DeviceState::Closed;
        if state.owner == OwnerState::Gone {
            LEFT_BEHIND.fetch_sub(1, Ordering::Relaxed);
        }
    });
}

fn pump<D: Device>(
    open: impl FnOnce() -> Result<D, String>,
    shared: &Shared<D::Piece>,
) -> Result<(), String> {
    let mut device = open()?;
    shared.change(|state| state.device = DeviceState::Open);
    while shared.lock().owner == OwnerState::Reading {
        match device.next() {
            Ok(piece) => shared.change(|state| {
                if state.waiting.len() == ROOM {
                    state.waiting.pop_front();
                    state.dropped += 1;
                }
                state.waiting.push_back(piece);
            }),
            Err(failure) => {
                // told before the device is dropped, which may take its time
                shared.change(|state| state.failure = Some(failure));
                break;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    const SOON: Duration = Duration::from_secs(20);

    fn by(wait: Duration) -> Instant {
        Instant::now() + wait
    }

    /// Delivers what it is sent; fails when the sender is gone; tells when it is dropped.
    struct Script {
        pieces: Receiver<u32>,
        dropped: Arc<AtomicUsize>,
    }

    impl Device for Script {
        type Piece = u32;
        fn next(&mut self) -> Result<u32, String> {
            self.pieces.recv().map_err(|_| "unplugged".to_owned())
        }
    }

    impl Drop for Script {
        fn drop(&mut self) {
            self.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn script() -> (Sender<u32>, Arc<AtomicUsize>, impl FnOnce() -> Result<Script, String>) {
        let (sender, pieces) = channel();
        let dropped = Arc::new(AtomicUsize::new(0));
        let device = Script { pieces, dropped: Arc::clone(&dropped) };
        (sender, dropped, move || Ok(device))
    }

    #[test]
    fn pieces_arrive_in_order_and_nothing_is_nothing() {
        let (sender, _, open) = script();
        let pump = Pump::start("test", by(SOON), open).unwrap();
        assert_eq!(pump.take(by(Duration::from_millis(5))), Ok(None));
        sender.send(1).unwrap();
        sender.send(2).unwrap();
        assert_eq!(pump.take(by(SOON)), Ok(Some(1)));
        assert_eq!(pump.take(by(SOON)), Ok(Some(2)));
    }

    #[test]
    fn the_oldest_pieces_are_dropped_and_counted() {
        let (sender, _, open) = script();
        let pump = Pump::start("test", by(SOON), open).unwrap();
        for n in 0..10 {
            sender.send(n).unwrap();
        }
        drop(sender); // then the failure tells that all ten are through
        assert!(!pump.shared.wait_until(by(SOON), State::is_closed).waiting.is_empty());
        let taken: Vec<_> = std::iter::from_fn(|| pump.take(by(SOON)).ok().flatten()).collect();
        assert_eq!(taken, [6, 7, 8, 9]);
        assert_eq!(pump.dropped(), 6);
    }

    #[test]
    fn a_loss_is_told_after_the_pieces_before_it() {
        let (sender, dropped, open) = script();
        let pump = Pump::start("test", by(SOON), open).unwrap();
        sender.send(1).unwrap();
        drop(sender);
        assert_eq!(pump.take(by(SOON)), Ok(Some(1)));
        assert_eq!(pump.take(by(SOON)), Err(PumpError::Device("unplugged".into())));
        assert_eq!(pump.take(by(SOON)), Err(PumpError::Device("unplugged".into())));
        drop(pump);
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_failed_opening_is_the_error_of_start() {
        let failed = Pump::start("test", by(SOON), || Err::<Script, _>("busy".to_owned())).err();
        assert_eq!(failed, Some(PumpError::Device("busy".into())));
    }

    #[test]
    fn a_panic_of_the_device_is_a_failure() {
        struct Stumbling;
        impl Device for Stumbling {
            type Piece = u32;
            fn next(&mut self) -> Result<u32, String> {
                panic!("on purpose, by a test")
            }
        }
        // It may have stumbled before anybody looks.
        let taken = Pump::start("test", by(SOON), || Ok(Stumbling)).and_then(|pump| pump.take(by(SOON)));
        assert!(matches!(taken, Err(PumpError::Device(_))), "{taken:?}");
    }

    #[test]
    fn the_device_is_dropped_when_the_pump_is() {
        let (sender, dropped, open) = script();
        let pump = Pump::start("test", by(SOON), open).unwrap();
        let feed = std::thread::spawn(move || {
            while sender.send(0).is_ok() {
                std::thread::yield_now();
            }
        });
        assert_eq!(pump.confirm(by(SOON)), Ok(()));
        drop(pump);
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
        feed.join().unwrap();
    }

    #[test]
    fn a_device_that_never_opens_is_left_behind() {
        let (opening, opened) = channel::<()>();
        let never_opens = move || {
            let _ = opened.recv();
            Err::<Script, _>("too late".to_owned())
        };
        let timed_out = Pump::start("test", by(Duration::from_millis(20)), never_opens).err();
        assert_eq!(timed_out, Some(PumpError::OpenTimeout));
        drop(opening);
    }

    #[test]
    fn a_device_that_never_answers_is_left_behind_and_dropped_when_it_does() {
        struct Deaf {
            asked: Sender<()>,
            answer: Receiver<()>,
        }
        impl Device for Deaf {
            type Piece = ();
            fn next(&mut self) -> Result<(), String> {
                self.asked.send(()).unwrap();
                self.answer.recv().map_err(|_| "unplugged".to_owned())
            }
        }
        let (asked, was_asked) = channel();
        let (device, answer) = channel();
        let pump = Pump::start("test", by(SOON), move || Ok(Deaf { asked, answer })).unwrap();
        was_asked.recv_timeout(SOON).unwrap();
        let shared = Arc::clone(&pump.shared);
        drop(pump);
        assert_eq!(shared.lock().owner, OwnerState::Gone);
        assert!(!shared.lock().is_closed());
        assert!(threads_left_behind() >= 1);
        drop(device);
        assert!(shared.wait_until(by(SOON), State::is_closed).is_closed());
        assert!(was_asked.recv_timeout(SOON).is_err(), "the device lives on");
    }
}
