//! Check: holds a stream, on disk or over HTTP, to the rules of HLS.
//!
//! ```text
//!               multivariant: has playlists followed ──▶ check_renditions, check_bandwidth
//!                │ playlists                                                   │
//!                ├─▶ playlist: every version ──▶ check_playlist, check_update ─┤
//!  PATH|URL ─────┤        │ versions                                           ├──▶ collector ─▶ report ─▶ text, JSON, JUnit
//!    fetcher     └─▶ segments: each of them and each part once ─▶ probe ───────┘
//!                     ─▶ check_segments, check_parts; what has left ─▶ check_removal, check_http;
//!                     what a server of low latency promises ─▶ check_reload, check_delta
//! ```
//!
//! The rules are pure and know no files, sockets or clocks; `fetch` and `follow` do. Two threads for each media
//! playlist, which end with the playlist's end, the time given, or the stop; one for a multivariant playlist; and one for the
//! pulse, by which this program knows when it did not run: what came late to it then is not the stream's fault.

#![forbid(unsafe_code)]

mod fetch;
mod follow;
pub mod report;
pub mod rules;

pub use fetch::address::{Address, AddressError};
pub use fetch::fetcher::ReadError;
pub use fetch::subject::SubjectError;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use livedir_playlist::{Listing, read_listing};

use crate::fetch::fetcher::{Fetcher, Reading};
use crate::fetch::subject;
use crate::follow::multivariant::MultivariantFollower;
use crate::follow::playlist::PlaylistFollower;
use crate::follow::segments::SegmentFollower;
use crate::follow::session::Session;
use crate::follow::watched::{Held, Watched};
use crate::report::{LookedAt, Report};
use livedir_time::stop::Stop;

/// Versions on their way to a follower of segments that is busy.
const VERSIONS: usize = 16;

/// How often the status line is brought up to date.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// What is to be checked.
#[derive(Debug, Clone)]
pub struct CheckSettings {
    /// A playlist, or a directory with one.
    pub subject: Address,
    /// How long to follow a live stream; `None`: one look.
    pub follow_for: Option<Duration>,
}

/// Why there is nothing to report. One line.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Nothing there that could be a playlist.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is something else.
    #[error("{0} is not a playlist: it has no HLS tag; name the .m3u8 file of a stream")]
    NoPlaylist(Address),
    /// The system has no thread to give.
    #[error("cannot start a thread: {0}; close other programs, or raise the limit of processes")]
    Thread(io::Error),
}

/// Checks until the end, or until the stop is requested. `on_progress` is called a few times a second on the caller's
/// thread.
pub fn run(
    settings: &CheckSettings,
    stop: &Stop,
    mut on_progress: impl FnMut(&LookedAt),
) -> Result<Report, CheckError> {
    let fetcher = Fetcher::new();
    let session = Session::start();
    let until = settings.follow_for.map(|time| Instant::now() + time);
    let found = first_look(&fetcher, &settings.subject)?;
    let beside = low_latency_beside(&fetcher, &settings.subject, &found.address);
    let (started, watched) = mpsc::channel();
    thread::scope(|scope| {
        let _beats = start_pulse(scope, &session).map_err(CheckError::Thread)?;
        let mut multivariant = Vec::new();
        for FirstLook { address, reading, listing } in [Some(found), beside].into_iter().flatten() {
            session.collector.count_playlist();
            let (name, started) = (subject::name(&address), started.clone());
            if let Listing::Multivariant(_) = listing {
                let follower = MultivariantFollower::new(&fetcher, &session, stop, name, address, until);
                let thread = thread::Builder::new().name("follow-variants".into());
                let thread = thread.spawn_scoped(scope, move || follower.run(&reading, &started));
                multivariant.push(thread.map_err(CheckError::Thread)?);
            } else {
                let address = reading.moved_to.clone().unwrap_or(address);
                let (first, stop, listed_in) = (Some(reading), stop.clone(), None);
                let held = Held { _running: Arc::new(()), _may_start: started.clone() };
                // Taken below.
                let _ = started.send(Watched { name: name.into(), address, first, listed_in, stop, held });
            }
        }
        drop(started);
        loop {
            match watched.recv_timeout(PROGRESS_EVERY) {
                Ok(watched) => {
                    if let Err(error) = follow(scope, watched, until, &fetcher, &session) {
                        stop.request();
                        return Err(CheckError::Thread(error));
                    }
                }
                Err(RecvTimeoutError::Timeout) => on_progress(&session.looked_at()),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        for follower in multivariant.into_iter().filter_map(|thread| thread.join().ok()) {
            follower.finish();
        }
        Ok(())
    })?;
    Ok(session.report(settings.subject.to_string()))
}

/// A playlist of either kind, read for the first time.
struct FirstLook {
    address: Address,
    reading: Reading,
    listing: Listing,
}

/// The playlist that is meant, and what is in it. The URL of a page means the playlist of its webroot.
fn first_look(fetcher: &Fetcher, subject: &Address) -> Result<FirstLook, CheckError> {
    let look = |address: Address| {
        let reading = fetcher.playlist(&address)?;
        match read_listing(&String::from_utf8_lossy(&reading.bytes)) {
            Listing::Neither => Err(CheckError::NoPlaylist(address)),
            listing => Ok(FirstLook { address, reading, listing }),
        }
    };
    let typed = subject::playlist(subject)?;
    let in_webroot = subject::in_webroot(&typed);
    look(typed).or_else(|error| in_webroot.and_then(|address| look(address).ok()).ok_or(error))
}

/// Where a whole webroot is meant, its low-latency playlist, if it has one.
fn low_latency_beside(fetcher: &Fetcher, subject: &Address, found: &Address) -> Option<FirstLook> {
    let address = subject::low_latency_beside(subject, found)?;
    let reading = fetcher.playlist(&address).ok()?;
    let listing = read_listing(&String::from_utf8_lossy(&reading.bytes));
    let is_playlist = !matches!(listing, Listing::Neither);
    is_playlist.then_some(FirstLook { address, reading, listing })
}

/// The pulse beats until what is returned is dropped.
fn start_pulse<'scope>(scope: &'scope Scope<'scope, '_>, session: &'scope Session) -> io::Result<Sender<()>> {
    let (beats, is_over) = mpsc::channel();
    let pulse = Duration::from_secs_f64(crate::follow::absences::PULSE_S);
    thread::Builder::new().name("pulse".into()).spawn_scoped(scope, move || {
        session.pulse();
        while is_over.recv_timeout(pulse) == Err(RecvTimeoutError::Timeout) {
            session.pulse();
        }
    })?;
    Ok(beats)
}

/// The threads of a media playlist are started here and nowhere else.
fn follow<'scope>(
    scope: &'scope Scope<'scope, '_>,
    watched: Watched,
    until: Option<Instant>,
    fetcher: &'scope Fetcher,
    session: &'scope Session,
) -> io::Result<()> {
    let (versions, seen) = mpsc::sync_channel(VERSIONS);
    let watched = Arc::new(watched);
    let of_segments = watched.clone();
    thread::Builder::new().name("follow-playlist".into()).spawn_scoped(scope, move || {
        let Watched { name, address, listed_in, stop, first, .. } = &*watched;
        let listed_in = listed_in.as_deref();
        PlaylistFollower { fetcher, name, address, session, stop, listed_in, versions }
            .run(first.as_ref(), until);
    })?;
    thread::Builder::new().name("follow-segments".into()).spawn_scoped(scope, move || {
        let Watched { name, address, stop, .. } = &*of_segments;
        SegmentFollower::new(fetcher, name, address, session, stop).run(&seen);
    })?;
    Ok(())
}
