//! Threads that load files: few for the whole server, as an allocator keeps some megabytes for each thread that has made versions.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tracing::warn;

/// More would only queue at the disk.
const THREADS: usize = 4;

type Load = Box<dyn FnOnce() + Send>;

/// They end when it is dropped.
#[derive(Debug)]
pub(super) struct Threads(Sender<Load>);

impl Threads {
    pub(super) fn start() -> Threads {
        let (sender, receiver) = mpsc::channel();
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..THREADS {
            let receiver = receiver.clone();
            let started =
                thread::Builder::new().name("livedir-load".to_owned()).spawn(move || run(&receiver));
            if let Err(error) = started {
                warn!(%error, "a thread that reads files for memory did not start; raise the limit of processes");
            }
        }
        Threads(sender)
    }

    /// Runs it on one of them; drops it when there is none.
    pub(super) fn run(&self, load: impl FnOnce() + Send + 'static) {
        let _ = self.0.send(Box::new(load));
    }
}

fn run(loads: &Mutex<Receiver<Load>>) {
    loop {
        let next = loads.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(load) = next else { return };
        load();
    }
}
