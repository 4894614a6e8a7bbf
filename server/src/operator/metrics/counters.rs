//! One thread's numbers. Written by that thread alone, read by whoever asks.

use livedir_layout::formats::media_types;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::{Method, StatusCode};

use super::viewers::Viewers;

/// What was asked for, by the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestKind {
    Playlist,
    Segment,
    Page,
    /// No GET or HEAD.
    Other,
}

impl RequestKind {
    pub(super) const ALL: [(RequestKind, &str); 4] = [
        (RequestKind::Playlist, "playlist"),
        (RequestKind::Segment, "segment"),
        (RequestKind::Page, "page"),
        (RequestKind::Other, "other"),
    ];
}

/// Sorts a request without a look at the disk.
pub(crate) fn kind_of(method: &Method, path: &str) -> RequestKind {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return RequestKind::Other;
    }
    match path.rsplit_once('.') {
        Some((_, "m3u8")) => RequestKind::Playlist,
        Some((_, ending)) if media_types(ending).is_some() => RequestKind::Segment,
        _ => RequestKind::Page,
    }
}

/// Which limit a client ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    Connections,
    PerAddress,
    Idle,
    SlowHead,
    SlowReader,
    Resets,
    Body,
    Frames,
}

impl Reached {
    pub(crate) const ALL: [(Reached, &str); 8] = [
        (Reached::Connections, "connections"),
        (Reached::PerAddress, "connections_per_address"),
        (Reached::Idle, "idle"),
        (Reached::SlowHead, "slow_head"),
        (Reached::SlowReader, "slow_reader"),
        (Reached::Resets, "resets"),
        (Reached::Body, "body"),
        (Reached::Frames, "frames"),
    ];
}

/// What was not well-formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// No head of HTTP/1, or one that is too long.
    Head,
    /// None, two, or one that is no name.
    Host,
    /// Too long.
    Address,
    /// Frames that RFC 9113 forbids.
    Http2,
    Tls,
    /// HTTP on a port that speaks TLS.
    PlainHttp,
}

impl Malformed {
    pub(crate) const ALL: [(Malformed, &str); 6] = [
        (Malformed::Head, "head"),
        (Malformed::Host, "host"),
        (Malformed::Address, "address"),
        (Malformed::Http2, "http2"),
        (Malformed::Tls, "tls"),
        (Malformed::PlainHttp, "plain_http"),
    ];
}

/// Upper ends of the classes of the histogram, in microseconds: from memory, from a disk's cache, from a disk, late.
pub(super) const TOOK_US: [u64; 11] =
    [25, 50, 100, 250, 500, 1_000, 2_500, 10_000, 50_000, 250_000, 1_000_000];

/// 1xx to 5xx.
pub(super) const CLASSES: usize = 5;

/// A finished decision.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) kind: RequestKind,
    pub(crate) status: StatusCode,
    /// From the end of the request's head to the beginning of the answer's.
    pub(crate) took: Duration,
}

/// Numbers since the start.
#[derive(Debug, Default)]
// Aligned so that two threads' numbers are never in one line of the cache.
#[repr(align(128))]
pub(crate) struct Counters {
    pub(super) requests: [[AtomicU64; CLASSES]; RequestKind::ALL.len()],
    pub(super) took: [AtomicU64; TOOK_US.len() + 1],
    pub(super) took_ns: AtomicU64,
    pub(super) sent_bytes: AtomicU64,
    pub(super) connections: AtomicU64,
    pub(super) reached: [AtomicU64; Reached::ALL.len()],
    pub(super) malformed: [AtomicU64; Malformed::ALL.len()],
    now_s: AtomicU64,
    viewers: Mutex<Viewers>,
}

/// Adds where nobody else writes; a locked instruction would cost more than the rest together.
fn add(number: &AtomicU64, more: u64) {
    number.store(number.load(Relaxed) + more, Relaxed);
}

impl Counters {
    pub(crate) fn answered(&self, asked: &Asked, viewer: Option<u64>) {
        let class = usize::from(asked.status.as_u16() / 100).clamp(1, CLASSES) - 1;
        add(&self.requests[asked.kind as usize][class], 1);
        let took_us = asked.took.as_micros() as u64;
        let bucket = TOOK_US.iter().position(|&end_us| took_us <= end_us).unwrap_or(TOOK_US.len());
        add(&self.took[bucket], 1);
        add(&self.took_ns, asked.took.as_nanos() as u64);
        if let Some(viewer) = viewer
            && asked.status == StatusCode::OK
        {
            self.viewers().saw(viewer, self.now_s.load(Relaxed));
        }
    }

    pub(crate) fn sent(&self, bytes: u64) {
        add(&self.sent_bytes, bytes);
    }

    pub(crate) fn accepted(&self) {
        add(&self.connections, 1);
    }

    pub(crate) fn reached(&self, reached: Reached) {
        add(&self.reached[reached as usize], 1);
    }

    pub(crate) fn malformed(&self, malformed: Malformed) {
        add(&self.malformed[malformed as usize], 1);
    }

    /// Moves the clock of the viewers on.
    pub(crate) fn set_now(&self, now_s: u64) {
        self.now_s.store(now_s, Relaxed);
    }

    /// Whoever has been here within `within_s`.
    pub(super) fn lately(&self, within_s: u64) -> Vec<u64> {
        self.viewers().lately(self.now_s.load(Relaxed), within_s)
    }

    fn viewers(&self) -> MutexGuard<'_, Viewers> {
        self.viewers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &Method, path: &str, expected: RequestKind) {
        assert_eq!(kind_of(method, path), expected, "{path}");
    }

    #[test]
    fn requests_are_sorted_by_their_path() {
        check(&Method::GET, "/stream.m3u8", RequestKind::Playlist);
        check(&Method::HEAD, "/live/seg-00000001.ts", RequestKind::Segment);
        check(&Method::GET, "/", RequestKind::Page);
        check(&Method::GET, "/player/main.js", RequestKind::Page);
        check(&Method::POST, "/stream.m3u8", RequestKind::Other);
    }

    #[test]
    fn names_stand_in_the_order_of_the_numbers() {
        for (index, (kind, _)) in RequestKind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, index);
        }
        for (index, (reached, _)) in Reached::ALL.iter().enumerate() {
            assert_eq!(*reached as usize, index);
        }
        for (index, (malformed, _)) in Malformed::ALL.iter().enumerate() {
            assert_eq!(*malformed as usize, index);
        }
    }
}
