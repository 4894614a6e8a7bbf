//! Waking a thread that waits for a camera: on Linux a signal ends the wait, elsewhere nothing can.
//!
//! In: the thread. Out: its system call returns `EINTR`. V4L2 offers no other way: the wait of nokhwa's `frame()` has
//! no time-out, and its device cannot be closed from outside. Without this a camera that has fallen silent would stay
//! open, and so busy, until it is unplugged. Owns no thread.

use std::thread::JoinHandle;

/// Makes ready to be woken. Called at the start of the thread that will wait.
pub(super) fn prepare_this_thread() {
    #[cfg(target_os = "linux")]
    linux::prepare_this_thread();
}

/// Ends the wait that the thread is in. A thread that is not waiting notices nothing: so wake it until it has ended.
pub(super) fn wake(thread: &JoinHandle<()>) {
    #[cfg(target_os = "linux")]
    linux::wake(thread);
    #[cfg(not(target_os = "linux"))]
    let _ = thread;
}

#[cfg(target_os = "linux")]
mod linux {
    use nix::sys::pthread::pthread_kill;
    use nix::sys::signal::{SigSet, Signal};
    use std::os::unix::thread::JoinHandleExt;
    use std::sync::atomic::AtomicBool;
    use std::sync::{Arc, Once};
    use std::thread::JoinHandle;

    /// Ignored by every program that does not ask for it, so a stray one does no harm.
    const WAKE: Signal = Signal::SIGURG;

    pub(super) fn prepare_this_thread() {
        static HANDLER: Once = Once::new();
        HANDLER.call_once(|| {
            // an ignored signal ends no wait, a handled one does; the flag is what the handler has to have
            let flag = Arc::new(AtomicBool::new(false));
            if let Err(error) = signal_hook::flag::register(WAKE as i32, flag) {
                tracing::warn!(%error, "a silent camera will stay busy until it is unplugged");
            }
        });
        // signals meant for the program must not end this thread's wait: the camera would be lost to every Ctrl-C
        let mut others = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGCHLD, Signal::SIGWINCH] {
            others.add(signal);
        }
        let _ = others.thread_block();
    }

    pub(super) fn wake(thread: &JoinHandle<()>) {
        // the handle keeps the thread's id from being used again; a thread that has ended is no one to wake
        let _ = pthread_kill(thread.as_pthread_t(), WAKE);
    }
}
