//! Check: holds a stream, on disk or over HTTP, to the rules of HLS.
//!
//! ```text
//!             ┌─▶ follower: every version ──▶ check_playlist, check_update ──┐
//!  PATH|URL ──┤        │ versions                                            ├─▶ tally ─▶ report ─▶ text, JSON, JUnit
//!    reader   └─▶ examiner: every segment once ─▶ probe ─▶ check_segments ───┘
//!                           those that have left ─▶ check_removal, check_http
//! ```
//!
//! The rules are in the playlist crate and know no files, sockets or clocks. Here are those. Two threads for each media
//! playlist, which end with the playlist's end, the time given, or the stop.

pub mod address;
pub mod command;
pub mod report;

mod examiner;
mod follower;
mod graces;
mod json;
mod junit;
mod reader;
mod segment_facts;
mod subject;
mod tally;
mod text;

pub use json::json;
pub use junit::junit;
pub use text::text;

use std::collections::BTreeSet;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use livedir_playlist::{
    Listing, MultivariantListing, RenditionText, check_http, check_playlist, check_renditions, read_listing,
};

use crate::stop::Stop;
use address::Address;
use examiner::Examiner;
use follower::Follower;
use reader::{ReadError, Reader, Reading};
use report::{LookedAt, Report};
use subject::SubjectError;
use tally::Tally;

/// More media playlists than a multivariant one needs; each takes two threads.
const MEDIA_PLAYLISTS: usize = 64;

/// Versions on their way to an examiner that is busy.
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
    #[error("{0} is no playlist: it has not one HLS tag; name the .m3u8 file of a stream")]
    NoPlaylist(Address),
    /// The system has no thread to give.
    #[error("cannot start a thread: {0}; close other programs, or raise the limit of processes")]
    Thread(io::Error),
}

/// A media playlist that is to be followed.
struct Watched {
    /// For findings: the file's name, or the URI in the multivariant playlist.
    name: String,
    address: Address,
    first: Option<Reading>,
}

/// Checks until the end, or until the stop is requested. `on_progress` is called a few times a second on the caller's
/// thread.
pub fn run(
    settings: &CheckSettings,
    stop: &Stop,
    mut on_progress: impl FnMut(&LookedAt),
) -> Result<Report, CheckError> {
    let reader = Reader::new();
    let address = subject::playlist(&settings.subject)?;
    let tally = Tally::start();
    let name = subject::name(&address);
    let reading = reader.playlist(&address)?;
    let root = String::from_utf8_lossy(&reading.bytes).into_owned();
    let (multivariant, watched) = match read_listing(&root) {
        Listing::Neither => return Err(CheckError::NoPlaylist(address)),
        Listing::Media(_) => {
            let address = reading.moved_to.clone().unwrap_or(address);
            (false, vec![Watched { name: name.clone(), address, first: Some(reading) }])
        }
        Listing::Multivariant(listing) => {
            tally.count_playlist();
            tally.find(check_playlist(&name, &root));
            tally.find(reading.answer.iter().flat_map(check_http).collect());
            (true, children(&listing, &reading.moved_to.unwrap_or(address), &tally))
        }
    };
    follow(&watched, settings.follow_for, &reader, &tally, stop, &mut on_progress)?;
    if multivariant {
        let newest = tally.newest();
        let renditions: Vec<_> = newest.iter().map(|(name, text)| RenditionText { name, text }).collect();
        tally.find(check_renditions(&name, &root, &renditions));
    }
    Ok(tally.report(settings.subject.to_string()))
}

/// All media playlists of a multivariant one, each once.
fn children(listing: &MultivariantListing, base: &Address, tally: &Tally) -> Vec<Watched> {
    let variants = listing.variants.iter().chain(&listing.i_frame_variants);
    let uris = variants
        .filter_map(|variant| variant.uri.as_deref())
        .chain(listing.renditions.iter().filter_map(|rendition| rendition.uri.as_deref()));
    let mut known = BTreeSet::new();
    let mut watched = Vec::new();
    for uri in uris.filter(|uri| known.insert(*uri)) {
        match base.resolve(uri) {
            Ok(_) if watched.len() == MEDIA_PLAYLISTS => {
                tally.problem(format!(
                    "{base} lists more than {MEDIA_PLAYLISTS} playlists; not all are looked at"
                ));
                break;
            }
            Ok(address) => watched.push(Watched { name: uri.to_owned(), address, first: None }),
            Err(error) => tally.problem(error.to_string()),
        }
    }
    watched
}

/// All threads of a check are started here and nowhere else.
fn follow(
    watched: &[Watched],
    follow_for: Option<Duration>,
    reader: &Reader,
    tally: &Tally,
    stop: &Stop,
    on_progress: &mut impl FnMut(&LookedAt),
) -> Result<(), CheckError> {
    let (ended_tx, ended_rx) = mpsc::channel::<()>();
    thread::scope(|scope| {
        for Watched { name, address, first } in watched {
            tally.count_playlist();
            let (versions, seen) = mpsc::sync_channel(VERSIONS);
            let follower = Follower { reader, name, address, tally, stop, versions };
            let examiner = Examiner::new(reader, name, address, tally, stop);
            let (follower_ended, examiner_ended) = (ended_tx.clone(), ended_tx.clone());
            let spawned = thread::Builder::new()
                .name("follower".into())
                .spawn_scoped(scope, move || {
                    let _ended = follower_ended;
                    follower.run(first.as_ref(), follow_for);
                })
                .and_then(|_| {
                    thread::Builder::new().name("examiner".into()).spawn_scoped(scope, move || {
                        let _ended = examiner_ended;
                        examiner.run(&seen);
                    })
                });
            if let Err(error) = spawned {
                stop.request();
                return Err(CheckError::Thread(error));
            }
        }
        drop(ended_tx);
        while let Err(RecvTimeoutError::Timeout) = ended_rx.recv_timeout(PROGRESS_EVERY) {
            on_progress(&tally.looked_at());
        }
        Ok(())
    })
}
