//! What a client may take, and when a connection has had enough. Pure, but for two counts that all threads share.
//!
//! Once a second each thread scans each of its connections (`registry`) and asks `Watch` about it; so no
//! connection needs a timer, and no request pays for one.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::http::client::subscriber;
use crate::operator::metrics::Reached;

/// Less than this within the patience is no progress: acknowledgements of HTTP/2 alone do not keep a connection.
pub(crate) const PROGRESS_BYTES: u64 = 1024;

/// A request head, in bytes; players send a few hundred.
pub(crate) const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Of that, an address; RFC 9110 4.1 wants 8,000 to be taken at least.
pub(crate) const MAX_ADDRESS_BYTES: usize = 8 * 1024;

/// How many answers of one HTTP/2 connection the client may abort before their first byte. More are allowed while they are at most half
/// of its requests. A player aborts a few when it changes the quality.
const ABANDONED: u32 = 100;

/// A player waits for one playlist and one part at a time for each rendition that it plays.
pub(crate) const BLOCKED_PER_CONNECTION: u32 = 8;

/// What a connection takes as such, with what hyper reads and writes ahead: mostly less, at the worst more.
pub(crate) const CONNECTION_BYTES: u64 = 24 * 1024;

/// What TLS takes besides, and HTTP/2.
pub(crate) const TLS_BYTES: u64 = 16 * 1024;
pub(crate) const HTTP2_BYTES: u64 = 16 * 1024;

/// What is read of a client and not yet asked: heads are mostly far below the first, and what is read ahead of the next request, with
/// the buffers that grow by it, takes the second at the most.
pub(crate) const SHORT_HEAD_BYTES: usize = 4 * 1024;
pub(crate) const LONG_HEAD_BYTES: u64 = 48 * 1024;

/// What TLS packs ahead of a kernel that takes no more: two of its records.
pub(crate) const TLS_BACKLOG_BYTES: usize = 32 * 1024;

/// What a stream of HTTP/2 takes, with its request and the head of its answer.
pub(crate) const STREAM_BYTES: u64 = 3 * 1024;

/// What h2 keeps for the next stream in its place.
pub(crate) const STREAM_PLACE_BYTES: u64 = 3 * 1024;

/// Requests that are blocked at a time for each connection that there may be: the list and the part.
const BLOCKED_FOR_EACH: usize = 2;

/// For one address, where nobody says otherwise: enough for a household, and never more than half of all.
const USUAL_PER_ADDRESS: usize = 1000;

/// Connections to the operator's port. They have places of their own: whoever restarts what does not answer must not restart a
/// server because its viewers are many.
pub(crate) const OPERATOR_CONNECTIONS: usize = 32;

/// Files other than those of connections: webroot, log, certificate, epoll, and files on their way out.
const FILES_BESIDES: usize = 512;

/// The limits of one server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) connections: usize,
    pub(crate) connections_per_address: usize,
    pub(crate) idle_s: u64,
    /// The time that a client has for a request head, a TLS handshake or its first byte, for the whole of a playlist, and for each
    /// further `PROGRESS_BYTES` of another answer. A client that needs longer is hostile, or has stopped watching.
    pub(crate) patience_s: u64,
}

/// How many connections `open_files` allow for, when `wanted` are asked for.
pub(crate) fn affordable(wanted: usize, open_files: Option<u64>) -> usize {
    let files = open_files.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
    wanted.min(files.saturating_sub(FILES_BESIDES.min(files / 2))).max(1)
}

/// How many of all `connections` one address may have, when `wanted` are asked for.
pub(crate) fn per_address(wanted: Option<usize>, connections: usize) -> usize {
    wanted.unwrap_or_else(|| USUAL_PER_ADDRESS.min(connections / 2).max(1))
}

/// How many requests may be blocked at a time.
pub(crate) fn most_blocked(limits: &Limits) -> usize {
    limits.connections.saturating_mul(BLOCKED_FOR_EACH)
}

/// Whether a client breaks off more than it reads.
pub(crate) fn is_flood(requests: u32, abandoned: u32) -> bool {
    abandoned > ABANDONED && abandoned > requests / 2
}

/// What a connection has done so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Done {
    pub(crate) sent_bytes: u64,
    pub(crate) requests: u32,
    /// Answers that are not finished.
    pub(crate) answering: u32,
    /// Of these, requests that are blocked: for them we are the slow one.
    pub(crate) blocked: u32,
    /// What is answered over HTTP/1.1 is true for a moment only: a playlist.
    pub(crate) is_for_now: bool,
    /// Bytes that the kernel does not take at present.
    pub(crate) send_blocked: bool,
    /// Part of a head.
    pub(crate) heard: bool,
}

/// What is to become of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Let it be.
    Fine,
    /// Nothing is going on, and its buffers can go.
    Rest,
    /// Enough.
    Cut(Reached),
}

/// What the scan remembers of a connection; all times in seconds of one clock.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Since when nothing has come forward.
    still_since_s: u64,
    /// Since when the last request is being answered.
    answers_since_s: u64,
    heard_since_s: Option<u64>,
    sent_bytes: u64,
    requests: u32,
    busy: bool,
}

impl Watch {
    pub(crate) fn new(now_s: u64) -> Watch {
        Watch {
            still_since_s: now_s,
            answers_since_s: now_s,
            heard_since_s: None,
            sent_bytes: 0,
            requests: 0,
            busy: false,
        }
    }

    pub(crate) fn judge(&mut self, now_s: u64, done: &Done, limits: &Limits) -> Verdict {
        let busy = done.answering > done.blocked || done.send_blocked;
        if done.blocked > 0 && !busy {
            let (sent_bytes, requests) = (done.sent_bytes, done.requests);
            *self = Watch { sent_bytes, requests, busy: true, ..Watch::new(now_s) };
            return Verdict::Fine;
        }
        if done.requests != self.requests || busy != self.busy {
            self.answers_since_s = now_s;
        }
        let progress = busy && done.sent_bytes - self.sent_bytes >= PROGRESS_BYTES;
        if progress || done.requests != self.requests || busy != self.busy {
            self.still_since_s = now_s;
            self.heard_since_s = None;
            self.sent_bytes = done.sent_bytes;
            self.requests = done.requests;
            self.busy = busy;
        }
        // Seconds that began before what happened in them: only the one more makes sure that all have passed.
        let still_s = now_s - self.still_since_s;
        if busy {
            let answers_s = now_s - self.answers_since_s;
            let is_outdated = done.is_for_now && answers_s > limits.patience_s;
            return if is_outdated || still_s > limits.patience_s {
                Verdict::Cut(Reached::SlowReader)
            } else {
                Verdict::Fine
            };
        }
        if done.requests == 0 && still_s > limits.patience_s {
            return Verdict::Cut(Reached::SlowHead);
        }
        if done.heard {
            let heard_since_s = *self.heard_since_s.get_or_insert(now_s);
            let slow = now_s - heard_since_s > limits.patience_s;
            return if slow { Verdict::Cut(Reached::SlowHead) } else { Verdict::Fine };
        }
        match still_s {
            still_s if still_s > limits.idle_s => Verdict::Cut(Reached::Idle),
            1.. if done.requests > 0 => Verdict::Rest,
            _ => Verdict::Fine,
        }
    }

    /// For how long this connection has not been of use to anybody; `None` while it is.
    pub(crate) fn still_since_s(&self) -> Option<u64> {
        (!self.busy).then_some(self.still_since_s)
    }
}

/// The connections of all threads that have one duty.
#[derive(Debug)]
pub(crate) struct ConnectionLimiter {
    limits: Limits,
    taken: AtomicUsize,
    by_subscriber: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection's place; given back when dropped.
#[derive(Debug)]
pub(crate) struct ConnectionPermit {
    limiter: Arc<ConnectionLimiter>,
    subscriber: Option<IpAddr>,
}

impl ConnectionLimiter {
    pub(crate) fn new(limits: Limits) -> Arc<ConnectionLimiter> {
        Arc::new(ConnectionLimiter { limits, taken: AtomicUsize::new(0), by_subscriber: Mutex::default() })
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Takes a place for a connection from `address`, `None` being one that is not counted there. When all are taken,
    /// `make_room` may end another connection.
    pub(crate) fn take(
        self: &Arc<ConnectionLimiter>,
        address: Option<IpAddr>,
        make_room: impl FnOnce() -> bool,
    ) -> Result<ConnectionPermit, Reached> {
        let subscriber = address.map(subscriber);
        if let Some(subscriber) = subscriber {
            let mut by_subscriber = self.by_subscriber.lock().unwrap_or_else(PoisonError::into_inner);
            let count = by_subscriber.entry(subscriber).or_default();
            if *count >= self.limits.connections_per_address {
                return Err(Reached::PerAddress);
            }
            *count += 1;
        }
        self.taken.fetch_add(1, Ordering::Relaxed);
        let permit = ConnectionPermit { limiter: self.clone(), subscriber };
        if self.taken() > self.limits.connections && !make_room() {
            return Err(Reached::Connections);
        }
        Ok(permit)
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.limiter.taken.fetch_sub(1, Ordering::Relaxed);
        let Some(subscriber) = self.subscriber else { return };
        let mut by_subscriber = self.limiter.by_subscriber.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_subscriber.get_mut(&subscriber) {
            *count -= 1;
            if *count == 0 {
                by_subscriber.remove(&subscriber);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { connections: 3, connections_per_address: 2, idle_s: 60, patience_s: 30 };

    /// Looks once a second at what `done` says; the second in which it is cut, and why.
    fn cut_at_s(mut done: impl FnMut(u64) -> Done) -> Option<(u64, Reached)> {
        let mut watch = Watch::new(0);
        (0..200).find_map(|now_s| match watch.judge(now_s, &done(now_s), &LIMITS) {
            Verdict::Cut(reached) => Some((now_s, reached)),
            _ => None,
        })
    }

    #[track_caller]
    fn check(done: impl FnMut(u64) -> Done, expected: Option<(u64, Reached)>) {
        assert_eq!(cut_at_s(done), expected);
    }

    #[test]
    fn a_head_has_thirty_seconds_however_it_trickles() {
        check(|_| Done::default(), Some((31, Reached::SlowHead)));
        check(|_| Done { heard: true, ..Done::default() }, Some((31, Reached::SlowHead)));
        // A second head that begins at 10 s and never ends.
        check(
            |now_s| Done { requests: 1, heard: now_s >= 10, ..Done::default() },
            Some((41, Reached::SlowHead)),
        );
        check(|now_s| Done { requests: now_s as u32 / 20, heard: true, ..Done::default() }, None);
    }

    #[test]
    fn a_connection_without_requests_is_idle_and_one_with_requests_is_not() {
        check(|_| Done { requests: 1, ..Done::default() }, Some((61, Reached::Idle)));
        check(|now_s| Done { requests: 1 + now_s as u32 / 50, ..Done::default() }, None);
    }

    #[test]
    fn an_answer_has_to_move() {
        let answer = Done { requests: 1, answering: 1, ..Done::default() };
        check(|_| answer, Some((31, Reached::SlowReader)));
        check(|_| Done { send_blocked: true, answering: 0, ..answer }, Some((31, Reached::SlowReader)));
        check(|now_s| Done { sent_bytes: now_s * 17, ..answer }, Some((31, Reached::SlowReader)));
        check(|now_s| Done { sent_bytes: now_s * 100, ..answer }, None);
        let playlist = Done { is_for_now: true, ..answer };
        check(|now_s| Done { sent_bytes: now_s * 100, ..playlist }, Some((31, Reached::SlowReader)));
        let next = |now_s: u64| now_s as u32 / 20;
        check(|now_s| Done { sent_bytes: now_s * 100, requests: next(now_s), ..playlist }, None);
    }

    #[test]
    fn whoever_is_blocked_is_not_slow_and_whoever_does_not_take_what_came_of_it_is() {
        let blocked = Done { requests: 1, answering: 1, blocked: 1, ..Done::default() };
        check(|_| blocked, None);
        check(
            |now_s| if now_s < 50 { blocked } else { Done { blocked: 0, ..blocked } },
            Some((80, Reached::SlowReader)),
        );
        check(|_| Done { send_blocked: true, ..blocked }, Some((31, Reached::SlowReader)));
        check(|_| Done { answering: 2, ..blocked }, Some((31, Reached::SlowReader)));
        let mut watch = Watch::new(0);
        assert_eq!(watch.judge(1, &blocked, &LIMITS), Verdict::Fine);
        assert_eq!(watch.still_since_s(), None, "its place is not free for others");
    }

    #[test]
    fn the_clock_of_idleness_begins_after_the_answer() {
        let answering = |now_s: u64| u32::from(now_s < 100);
        check(
            |now_s| Done {
                requests: 1,
                answering: answering(now_s),
                sent_bytes: now_s * 1000,
                ..Done::default()
            },
            Some((161, Reached::Idle)),
        );
    }

    #[test]
    fn only_a_connection_with_nothing_going_on_rests() {
        let judge = |done: Done| {
            let mut watch = Watch::new(0);
            watch.judge(0, &done, &LIMITS);
            watch.judge(1, &done, &LIMITS)
        };
        assert_eq!(judge(Done { requests: 1, ..Done::default() }), Verdict::Rest);
        assert_eq!(judge(Done { requests: 1, answering: 1, ..Done::default() }), Verdict::Fine);
        assert_eq!(judge(Done { requests: 1, send_blocked: true, ..Done::default() }), Verdict::Fine);
        assert_eq!(judge(Done { requests: 1, heard: true, ..Done::default() }), Verdict::Fine);
        assert_eq!(judge(Done::default()), Verdict::Fine);
    }

    #[test]
    fn places_are_counted_in_all_and_for_each_subscriber() {
        let limiter = ConnectionLimiter::new(LIMITS);
        let [one, two] = ["192.0.2.1", "192.0.2.2"].map(|text| Some(text.parse().unwrap()));
        let first = limiter.take(one, || false).unwrap();
        let _second = limiter.take(one, || false).unwrap();
        assert_eq!(limiter.take(one, || true).unwrap_err(), Reached::PerAddress);
        let _third = limiter.take(two, || false).unwrap();
        assert_eq!(limiter.take(None, || false).unwrap_err(), Reached::Connections);
        assert_eq!(limiter.taken(), 3, "what is refused takes no place");
        let _room = limiter.take(None, || true).unwrap();
        drop(first);
        assert_eq!(limiter.taken(), 3);
        assert_eq!(limiter.take(one, || false).unwrap_err(), Reached::Connections);
        assert_eq!(
            limiter.by_subscriber.lock().unwrap().len(),
            2,
            "addresses without connections are forgotten"
        );
    }

    #[test]
    fn connections_leave_files_for_the_rest() {
        assert_eq!(affordable(10_000, Some(1_048_576)), 10_000);
        assert_eq!(affordable(10_000, Some(1024)), 512);
        assert_eq!(affordable(10_000, Some(100)), 50);
        assert_eq!(affordable(10_000, None), 10_000);
        assert_eq!(affordable(10_000, Some(0)), 1);
    }

    #[test]
    fn an_address_has_at_most_half_of_all_places_unless_the_operator_says_otherwise() {
        for (connections, expected) in [(10_000, 1000), (2000, 1000), (512, 256), (200, 100), (3, 1), (1, 1)]
        {
            assert_eq!(per_address(None, connections), expected, "of {connections}");
        }
        assert_eq!(per_address(Some(5000), 200), 5000);
    }

    #[test]
    fn a_flood_is_many_broken_off_and_few_read() {
        assert!(!is_flood(100, 100));
        assert!(is_flood(101, 101));
        assert!(!is_flood(1000, 400), "a player that changes the quality now and then");
    }
}
