//! What one connection has done, and what it is told to do: the link between its task and the thread's scan.
//!
//! All of it happens on one thread; the atomics only satisfy the compiler, and cost as much as plain numbers.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};

use atomic_waker::AtomicWaker;

use super::frames;
use super::limits::Done;
use crate::accounts::{Holder, ListsHeld, Taken};
use crate::blocking::waiters::Waiter;

/// What a connection is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Command {
    /// Give back what is not needed while nothing is going on.
    Rest = 1,
    /// Finish what runs, and begin nothing.
    Finish = 2,
    /// End at once.
    Cut = 3,
}

/// Two heads as long as may be, and a hundred of a player.
const TURN_BYTES: u32 = 32 * 1024;

/// Counts since the connection came.
#[derive(Debug, Default)]
pub(super) struct Activity {
    pub(super) sent_bytes: AtomicU64,
    /// In the last seconds, the last one most of all.
    recent_bytes: AtomicU64,
    sent_before_bytes: AtomicU64,
    pub(super) requests: AtomicU32,
    pub(super) answering: AtomicU32,
    blocked: AtomicU32,
    /// How many may be.
    most_blocked: u32,
    pub(super) abandoned: AtomicU32,
    pub(super) send_blocked: AtomicBool,
    pub(super) heard: AtomicBool,
    /// A body may be on its way that nobody is going to read.
    pub(super) has_body: AtomicBool,
    /// A request was blocked since hyper took over.
    pub(super) has_waited: AtomicBool,
    /// The last answer of HTTP/1.1 is true for a moment only.
    pub(super) is_for_now: AtomicBool,
    /// HTTP/2 frames are not heads; only requests count there.
    pub(super) is_http2: AtomicBool,
    /// Frames of HTTP/2 that ask for nothing.
    pub(super) idle_frames: AtomicU32,
    /// Of playlists: all that are being answered over HTTP/2, the last one over HTTP/1.1.
    lists_bytes: AtomicU64,
    /// For so many whole seconds some of them were there.
    lists_s: AtomicU32,
    /// Whether some were there when this second began.
    had_lists: AtomicBool,
    /// What may still be read before others are looked at.
    readable_bytes: AtomicU32,
    command: AtomicU8,
    taken: Taken,
    waker: AtomicWaker,
}

/// Adds where nobody else writes; a locked instruction would cost more than the rest together.
pub(super) fn add_u64(number: &AtomicU64, more: u64) {
    number.store(number.load(Relaxed) + more, Relaxed);
}

pub(super) fn add_u32(number: &AtomicU32, more: u32) {
    number.store(number.load(Relaxed).wrapping_add(more), Relaxed);
}

impl Activity {
    pub(super) fn new(most_blocked: u32) -> Activity {
        Activity { most_blocked, ..Activity::default() }
    }

    pub(super) fn done(&self) -> Done {
        Done {
            sent_bytes: self.sent_bytes.load(Relaxed),
            requests: self.requests.load(Relaxed),
            answering: self.answering.load(Relaxed),
            blocked: self.blocked.load(Relaxed),
            is_for_now: self.is_for_now.load(Relaxed),
            send_blocked: self.send_blocked.load(Relaxed),
            heard: self.heard.load(Relaxed) && !self.is_http2.load(Relaxed),
        }
    }

    /// A later command replaces one that is not yet heeded, unless it says less.
    pub(super) fn tell(&self, command: Command) {
        self.command.fetch_max(command as u8, Relaxed);
        self.waker.wake();
    }

    /// The command that has come in the meantime.
    pub(super) fn poll_command(&self, cx: &mut Context<'_>) -> Poll<Command> {
        self.waker.register(cx.waker());
        match self.command.load(Relaxed) {
            1 => {
                self.command.store(0, Relaxed);
                Poll::Ready(Command::Rest)
            }
            2 => {
                // Told once; what is left to say is to cut.
                self.command.store(0, Relaxed);
                Poll::Ready(Command::Finish)
            }
            3 => Poll::Ready(Command::Cut),
            _ => Poll::Pending,
        }
    }

    /// Whether it has been told to end at once.
    pub(super) fn has_to_end(&self) -> bool {
        self.command.load(Relaxed) == Command::Cut as u8
    }

    /// To be called before it works.
    pub(super) fn begin_turn(&self) {
        self.readable_bytes.store(TURN_BYTES, Relaxed);
    }

    /// Whether others have waited long enough for what this one reads.
    pub(super) fn has_read_enough(&self) -> bool {
        self.readable_bytes.load(Relaxed) == 0
    }

    pub(super) fn note_read(&self, bytes: usize) {
        let left = self.readable_bytes.load(Relaxed);
        self.readable_bytes.store(left.saturating_sub(u32::try_from(bytes).unwrap_or(u32::MAX)), Relaxed);
    }

    /// Whether nothing is half done: no answer, no unsent bytes.
    pub(super) fn is_still(&self) -> bool {
        self.answering.load(Relaxed) == 0 && !self.send_blocked.load(Relaxed)
    }
}

impl Activity {
    /// A playlist of so many bytes is being sent.
    pub(super) fn begin_list(&self, bytes: u64) {
        let before = if self.is_http2.load(Relaxed) { self.lists_bytes.load(Relaxed) } else { 0 };
        self.lists_bytes.store(before + bytes, Relaxed);
    }

    /// It has gone as far as we know; over HTTP/1.1 hyper may still have it.
    pub(super) fn end_list(&self, bytes: u64) {
        if self.is_http2.load(Relaxed) {
            let left = self.lists_bytes.load(Relaxed).saturating_sub(bytes);
            self.lists_bytes.store(left, Relaxed);
        }
    }

    fn lists_bytes(&self) -> u64 {
        let may_hold = self.is_http2.load(Relaxed) || self.send_blocked.load(Relaxed);
        if may_hold { self.lists_bytes.load(Relaxed) } else { 0 }
    }

    /// To be called once a second.
    pub(super) fn pass_second(&self) {
        let has_lists = self.lists_bytes() > 0;
        let is_whole = has_lists && self.had_lists.load(Relaxed);
        self.had_lists.store(has_lists, Relaxed);
        self.lists_s.store(if is_whole { self.lists_s.load(Relaxed).saturating_add(1) } else { 0 }, Relaxed);
        let sent_bytes = self.sent_bytes.load(Relaxed);
        let more = self.sent_lately_bytes();
        self.recent_bytes.store(u64::midpoint(self.recent_bytes.load(Relaxed), more), Relaxed);
        self.sent_before_bytes.store(sent_bytes, Relaxed);
        let frames = self.idle_frames.load(Relaxed);
        if frames > 0 {
            self.idle_frames.store(frames.saturating_sub(frames::forgotten(more)), Relaxed);
        }
    }

    /// What was sent since the second began.
    pub(super) fn sent_lately_bytes(&self) -> u64 {
        self.sent_bytes.load(Relaxed) - self.sent_before_bytes.load(Relaxed)
    }
}

impl Holder for Activity {
    fn taken(&self) -> &Taken {
        &self.taken
    }

    fn recent_bytes(&self) -> u64 {
        self.recent_bytes.load(Relaxed) + self.sent_lately_bytes()
    }

    fn lists_held(&self) -> ListsHeld {
        let bytes = self.lists_bytes();
        ListsHeld { byte_seconds: bytes.saturating_mul(u64::from(self.lists_s.load(Relaxed))), bytes }
    }

    fn end(&self) {
        self.tell(Command::Cut);
    }
}

impl Waiter for Activity {
    fn blocked(&self) -> &AtomicU32 {
        &self.blocked
    }

    fn most_blocked(&self) -> u32 {
        self.most_blocked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_seconds_count_in_which_lists_are_held() {
        let activity = Activity::new(0);
        activity.is_http2.store(true, Relaxed);
        let held = |byte_seconds, bytes| ListsHeld { byte_seconds, bytes };
        activity.pass_second();
        activity.begin_list(10);
        assert_eq!(activity.lists_held(), held(0, 10));
        activity.pass_second();
        assert_eq!(activity.lists_held(), held(0, 10), "the second had begun before");
        activity.pass_second();
        activity.begin_list(20);
        activity.pass_second();
        assert_eq!(activity.lists_held(), held(60, 30));
        activity.end_list(30);
        activity.pass_second();
        activity.begin_list(10);
        activity.pass_second();
        assert_eq!(activity.lists_held(), held(0, 10), "the next one begins anew");
    }

    #[test]
    fn over_http1_a_list_is_held_while_the_client_takes_nothing() {
        let activity = Activity::new(0);
        activity.begin_list(10);
        activity.send_blocked.store(true, Relaxed);
        (0..3).for_each(|_| activity.pass_second());
        assert_eq!(activity.lists_held(), ListsHeld { byte_seconds: 20, bytes: 10 });
        activity.send_blocked.store(false, Relaxed);
        activity.pass_second();
        assert_eq!(activity.lists_held(), ListsHeld::default());
    }
}
