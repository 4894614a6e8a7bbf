//! Follows a multivariant playlist, and tells which media playlists are followed for it.
//!
//! In: the address of the multivariant playlist, read again and again while a live stream is followed. Out: findings on it
//! and on its playlists together; media playlists that are to be followed, as they come. On a thread of its own, which
//! ends when all those that it had followed have ended, or with the stop.

use std::collections::HashSet;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::rules::{
    MeasuredRendition, RenditionClock, RenditionText, check_bandwidth, check_clocks, check_http,
    check_playlist, check_renditions,
};
use livedir_playlist::{Listing, MultivariantListing, read_listing};

use crate::fetch::address::Address;
use crate::fetch::fetcher::{Fetcher, ReadError, Reading};
use crate::follow::session::{Clock, Session};
use crate::follow::watched::{Held, Watched};
use livedir_time::stop::Stop;

/// More media playlists than a multivariant one needs; each takes two threads.
const MEDIA_PLAYLISTS: usize = 64;

/// How often it looks whether all have ended.
const TICK: Duration = Duration::from_millis(100);

/// How often the playlists are held to one another: as often as each of them is looked at.
const JUDGED_EVERY: Duration = Duration::from_millis(500);

/// How often the multivariant playlist is read. Players read it once; a variant that comes is seen soon enough.
const READ_EVERY: Duration = Duration::from_secs(2);

/// A multivariant playlist that is followed.
pub(crate) struct MultivariantFollower<'a> {
    fetcher: &'a Fetcher,
    session: &'a Session,
    stop: &'a Stop,
    name: String,
    address: Address,
    until: Option<Instant>,
    text: String,
    followed: Vec<Followed>,
}

/// A media playlist of it.
struct Followed {
    /// As the newest version has it; a query may have changed.
    uri: String,
    /// As the first version had it: what findings call it.
    name: Arc<str>,
    stop: Stop,
    /// Gone when its threads have ended.
    is_running: Weak<()>,
}

impl<'a> MultivariantFollower<'a> {
    /// Of the multivariant playlist of this name, which is read no more when the time has come.
    pub(crate) fn new(
        fetcher: &'a Fetcher,
        session: &'a Session,
        stop: &'a Stop,
        name: String,
        address: Address,
        until: Option<Instant>,
    ) -> Self {
        Self { fetcher, session, stop, name, address, until, text: String::new(), followed: Vec::new() }
    }

    /// Has those followed that the first reading lists, and goes on from there.
    pub(crate) fn run(mut self, first: &Reading, started: &Sender<Watched>) -> Self {
        self.take(first, started);
        let (mut read_at, mut judged_at) = (Instant::now(), Instant::now());
        while self.followed.iter().any(|it| it.is_running.strong_count() > 0) {
            if self.stop.wait(TICK) {
                self.followed.iter().for_each(|it| it.stop.request());
                break;
            }
            let is_followed = self.until.is_some_and(|until| Instant::now() < until);
            if is_followed && read_at.elapsed() >= READ_EVERY {
                let began_s = self.session.now_s();
                match self.fetcher.playlist(&self.address) {
                    Ok(reading) => self.take(&reading, started),
                    Err(ReadError::Status { answer, .. }) => self.session.collector.find(check_http(&answer)),
                    Err(error) => self.session.unread(&error, began_s, "status-not-ok", &self.name),
                }
                read_at = Instant::now();
            }
            if is_followed && judged_at.elapsed() >= JUDGED_EVERY {
                self.judge_together();
                judged_at = Instant::now();
            }
        }
        self
    }

    /// When all have ended.
    pub(crate) fn finish(self) {
        self.judge_together();
        let measured: Vec<_> = self
            .followed
            .iter()
            .filter_map(|it| {
                let bit_rate = self.session.bit_rate(&it.name)?;
                Some(MeasuredRendition { uri: &it.uri, bit_rate })
            })
            .collect();
        self.session.collector.find(check_bandwidth(&self.name, &self.text, &measured));
    }

    fn take(&mut self, reading: &Reading, started: &Sender<Watched>) {
        self.session.collector.find(reading.answer.iter().flat_map(check_http).collect());
        let text = String::from_utf8_lossy(&reading.bytes).into_owned();
        if text == self.text {
            return;
        }
        self.session.collector.find(check_playlist(&self.name, &text));
        match read_listing(&text) {
            Listing::Multivariant(listing) => {
                let base = reading.moved_to.clone().unwrap_or_else(|| self.address.clone());
                self.follow(&listing, &base, started);
            }
            _ => self
                .session
                .collector
                .problem(format!("{} is no multivariant playlist any more", self.address)),
        }
        self.text = text;
    }

    /// Starts to follow new media playlists, and forgets those that are no longer listed.
    fn follow(&mut self, listing: &MultivariantListing, base: &Address, started: &Sender<Watched>) {
        let uris = uris(listing);
        let listed: HashSet<&str> = uris.iter().copied().collect();
        let known: HashSet<String> = self.followed.iter().map(|it| it.uri.clone()).collect();
        for uri in uris.into_iter().filter(|&uri| !known.contains(uri)) {
            let is_the_same =
                |it: &&mut Followed| !listed.contains(it.uri.as_str()) && path(&it.uri) == path(uri);
            if let Some(followed) = self.followed.iter_mut().find(is_the_same) {
                uri.clone_into(&mut followed.uri);
                continue;
            }
            if self.followed.len() >= MEDIA_PLAYLISTS {
                self.session.collector.problem(format!(
                    "{} lists more than {MEDIA_PLAYLISTS} playlists; not all are looked at",
                    self.address
                ));
                break;
            }
            match base.resolve(uri) {
                Ok(address) => self.start(uri, address, started),
                Err(error) => self.session.collector.problem(error.to_string()),
            }
        }
        let session = self.session;
        self.followed.retain(|it| {
            let is_listed = listed.contains(it.uri.as_str());
            if !is_listed {
                it.stop.request();
                session.forget(&it.name);
            }
            is_listed
        });
    }

    fn start(&mut self, uri: &str, address: Address, started: &Sender<Watched>) {
        let (running, stop, name) = (Arc::new(()), Stop::default(), Arc::<str>::from(uri));
        self.followed.push(Followed {
            uri: uri.to_owned(),
            name: name.clone(),
            stop: stop.clone(),
            is_running: Arc::downgrade(&running),
        });
        self.session.collector.count_playlist();
        let listed_in = Some(self.name.clone());
        // If nobody takes it, all is over.
        let _ = started.send(Watched {
            name,
            address,
            first: None,
            listed_in,
            stop,
            held: Held { _running: running, _may_start: started.clone() },
        });
    }

    fn judge_together(&self) {
        let newest: Vec<_> =
            self.followed.iter().filter_map(|it| Some((&it.name, self.session.newest(&it.name)?))).collect();
        let renditions: Vec<_> = newest
            .iter()
            .map(|(name, newest)| RenditionText {
                name,
                text: &newest.text,
                seen_at_s: newest.seen_at_s,
                looked_at_s: newest.looked_at_s,
            })
            .collect();
        self.session.collector.find(check_renditions(&self.name, &self.text, &renditions));
        let clocks: Vec<_> = self
            .followed
            .iter()
            .filter_map(|it| {
                let Clock { discontinuity_sequence, date, start_90k } = self.session.clock(&it.name)?;
                Some(RenditionClock { name: &it.name, discontinuity_sequence, date, start_90k })
            })
            .collect();
        self.session.collector.find(check_clocks(&self.name, &clocks));
    }
}

/// All media playlists of a multivariant one, each once.
fn uris(listing: &MultivariantListing) -> Vec<&str> {
    let variants = listing.variants.iter().chain(&listing.i_frame_variants);
    let uris = variants
        .filter_map(|variant| variant.uri.as_deref())
        .chain(listing.renditions.iter().filter_map(|rendition| rendition.uri.as_deref()));
    let mut known = HashSet::new();
    uris.filter(|uri| known.insert(*uri)).collect()
}

/// Servers may sign URIs for each request: two URIs that differ only in the query mean the same playlist.
fn path(uri: &str) -> &str {
    uri.split(['?', '#']).next().unwrap_or_default()
}
