//! Threads that load files: few for the whole server, as an allocator keeps some megabytes for each thread that has made versions.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tracing::warn;

/// More would only queue at the disk.
const THREADS: usize = 4;

type Load = Box<dyn FnOnce() + Send>;

/// They end when it is dropped.
pub(super) struct Threads(Arc<Queue>);

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Load>,
    is_over: bool,
}

impl Threads {
    pub(super) fn start() -> Threads {
        let queue = Arc::<Queue>::default();
        for _ in 0..THREADS {
            let queue = queue.clone();
            let started = thread::Builder::new().name("livedir-load".to_owned()).spawn(move || queue.run());
            if let Err(error) = started {
                warn!(%error, "a thread that reads files for memory did not start; raise the limit of processes");
            }
        }
        Threads(queue)
    }

    /// Runs it on one of them.
    pub(super) fn run(&self, load: impl FnOnce() + Send + 'static) {
        self.0.lock().waiting.push_back(Box::new(load));
        self.0.changed.notify_one();
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.changed.notify_all();
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads").finish_non_exhaustive()
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut state = self.lock();
        loop {
            if let Some(load) = state.waiting.pop_front() {
                drop(state);
                // A fault in one load must not leave the others without a thread; whoever waits for it learns that it has failed.
                let _ = catch_unwind(AssertUnwindSafe(load));
                state = self.lock();
            } else if state.is_over {
                return;
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}
