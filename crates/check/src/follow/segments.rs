//! Follows the segments of a media playlist: fetches each new one once, and asks for those that have left it.
//!
//! In: versions of a playlist. Out: findings on its segments. On a thread of its own, beside that of the playlist, so that a
//! slow download does not keep that one from looking. Ends when the versions end and all that they list has been
//! fetched, or with the stop.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use crate::rules::{
    Named, Removal, Requested, SegmentFacts, check_http, check_missing, check_parts, check_removal,
    check_segments,
};
use livedir_playlist::{Attributes, ListedPart, ListedSegment, MediaListing};
use url::Url;

use crate::fetch::address::Address;
use crate::fetch::fetcher::{Fetcher, ReadError};
use crate::follow::bit_rates::PlaylistBitRate;
use crate::follow::playlist::{Seen, Until};
use crate::follow::removed::{Removed, RemovedSegments};
use crate::follow::segment_facts::{segment_facts, without_bytes};
use crate::follow::server_promises::ServerPromises;
use crate::follow::session::{Clock, Session};
use livedir_time::stop::Stop;

/// How often it looks whether a removed segment is to be asked for.
const TICK: Duration = Duration::from_millis(100);

/// Versions of the playlist that may wait for downloads. If more come, the segments of the oldest ones are not checked.
const WAITING_VERSIONS: usize = 32;

/// How many maps and keys are remembered, so that each is requested once.
const NAMED: usize = 10_000;

/// bis-22 6.2.1: parts stay available for so many target durations after they have left the playlist.
const TARGETS_OF_PARTS: f64 = 3.0;

/// How long the last questions may take, all together.
const LAST_QUESTIONS: Duration = Duration::from_secs(10);

/// Fetches and judges the segments of one playlist.
pub(crate) struct SegmentFollower<'a> {
    fetcher: &'a Fetcher,
    name: &'a str,
    address: &'a Address,
    session: &'a Session,
    stop: &'a Stop,
    removed: RemovedSegments,
    /// To be fetched, oldest first.
    wanted: VecDeque<Wanted>,
    /// URIs in `wanted`.
    is_wanted: HashSet<String>,
    facts: HashMap<String, SegmentFacts>,
    /// Maps and keys that have been asked for.
    named: HashSet<(Named, String)>,
    bit_rate: PlaylistBitRate,
    waiting: VecDeque<Box<Seen>>,
    /// Parts that the newest version lists.
    listed_parts: HashSet<String>,
    /// For how long they have to stay after they have left it, seconds.
    parts_must_stay_s: f64,
    /// The start of the last fetch that returned the newest version.
    until: Until,
    server_promises: ServerPromises,
}

struct Wanted {
    uri: String,
    in_the_clear: bool,
    is_part: bool,
}

impl<'a> SegmentFollower<'a> {
    /// Of the playlist of this name at this address.
    #[must_use]
    pub(crate) fn new(
        fetcher: &'a Fetcher,
        name: &'a str,
        address: &'a Address,
        session: &'a Session,
        stop: &'a Stop,
    ) -> Self {
        Self {
            fetcher,
            name,
            address,
            session,
            stop,
            removed: RemovedSegments::default(),
            wanted: VecDeque::new(),
            is_wanted: HashSet::new(),
            facts: HashMap::new(),
            named: HashSet::new(),
            bit_rate: PlaylistBitRate::default(),
            waiting: VecDeque::new(),
            listed_parts: HashSet::new(),
            parts_must_stay_s: 0.0,
            until: Until::default(),
            server_promises: ServerPromises::default(),
        }
    }

    /// Takes what comes until the end.
    pub(crate) fn run(mut self, versions: &Receiver<Box<Seen>>) {
        loop {
            let is_idle = self.wanted.is_empty();
            let more = if is_idle {
                versions.recv_timeout(TICK)
            } else {
                versions.try_recv().map_err(|error| match error {
                    TryRecvError::Empty => RecvTimeoutError::Timeout,
                    TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
                })
            };
            match more {
                Ok(seen) => {
                    self.take(seen);
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) if is_idle => {
                    self.ask_the_server();
                    break;
                }
                Err(_) => {}
            }
            if self.stop.is_requested() {
                break;
            }
            if is_idle {
                self.ask_the_server();
            }
            while let Some(removed) = self.removed.due(self.session.now_s()) {
                self.ask(&removed);
            }
            if let Some(wanted) = self.wanted.pop_front() {
                self.fetch(&wanted);
                self.is_wanted.remove(&wanted.uri);
                self.judge();
            }
        }
        self.is_wanted.clear();
        self.judge();
        let started = Instant::now();
        for removed in self.removed.take_all(self.session.now_s()) {
            if self.stop.is_requested() || started.elapsed() > LAST_QUESTIONS {
                break;
            }
            self.ask(&removed);
        }
    }

    fn take(&mut self, seen: Box<Seen>) {
        let segments = &seen.listing.segments;
        self.removed.update(segments, seen.before_until_s);
        for segment in segments {
            self.want(segment);
        }
        let in_the_clear = seen.listing.tag("EXT-X-KEY").is_none();
        for part in seen.listing.parts() {
            self.want_part(part, in_the_clear);
        }
        self.listed_parts = seen.listing.parts().map(|part| part.uri.clone()).collect();
        self.parts_must_stay_s = TARGETS_OF_PARTS * seen.listing.target_duration_s.unwrap_or(0) as f64;
        self.until = seen.until.clone();
        self.server_promises.take(&seen.listing);
        self.waiting.push_back(seen);
        if self.waiting.len() > WAITING_VERSIONS {
            self.waiting.pop_front();
        }
        self.judge();
    }

    fn want(&mut self, segment: &ListedSegment) {
        if let Some(map) = &segment.map {
            self.want_named(Named::Map, &map.uri);
        }
        if let Some(uri) = segment.key.as_deref().and_then(uri_of_plain_key) {
            self.want_named(Named::Key, &uri);
        }
        let uri = &segment.uri;
        if segment.gap || self.facts.contains_key(uri) || !self.is_wanted.insert(uri.clone()) {
            return;
        }
        let in_the_clear = segment.key.is_none() && segment.byterange.is_none();
        self.wanted.push_back(Wanted { uri: uri.clone(), in_the_clear, is_part: false });
    }

    /// A part that is a file of its own.
    fn want_part(&mut self, part: &ListedPart, in_the_clear: bool) {
        let ListedPart { uri, gap, byterange, .. } = part;
        if *gap || uri.is_empty() || byterange.is_some() || self.facts.contains_key(uri) {
            return;
        }
        if self.is_wanted.insert(uri.clone()) {
            self.wanted.push_back(Wanted { uri: uri.clone(), in_the_clear, is_part: true });
        }
    }

    fn ask_the_server(&mut self) {
        if !self.stop.is_requested() {
            self.server_promises.ask(self.fetcher, self.name, self.address, self.session);
        }
    }

    fn fetch(&mut self, Wanted { uri, in_the_clear, is_part }: &Wanted) {
        let began_s = self.session.now_s();
        let read = match self.address.resolve(uri) {
            Ok(address) => self.fetcher.segment(&address),
            Err(error) => return self.know(without_bytes(uri, error.to_string())),
        };
        match read {
            Ok(reading) => {
                self.session.collector.find(reading.answer.iter().flat_map(check_http).collect());
                self.know(segment_facts(uri, &reading.bytes, *in_the_clear));
                if !is_part {
                    self.session.collector.count_segment();
                }
            }
            // Fetched too late to blame the stream.
            Err(ReadError::Missing(_) | ReadError::Status { .. }) if self.may_be_gone(uri, *is_part) => {}
            Err(ReadError::Missing(_) | ReadError::Status { .. }) if self.came_too_late(uri, *is_part) => {
                let absent_s = self.session.absent_since_s(self.until.s());
                if absent_s > 0.0 {
                    self.session.collector.not_judged(unreadable(*is_part), self.name, absent_s);
                }
            }
            Err(ReadError::Status { answer, .. }) => self.session.collector.find(check_http(&answer)),
            Err(ReadError::Missing(_)) => self.know(without_bytes(uri, "it does not exist".to_owned())),
            Err(error) => self.session.unread(&error, began_s, unreadable(*is_part), self.name),
        }
    }

    /// Whether it may have left the playlist since the last look at that, and its grace be over by now.
    fn came_too_late(&self, uri: &str, is_part: bool) -> bool {
        let must_stay_s = if is_part { Some(self.parts_must_stay_s) } else { self.removed.must_stay_s(uri) };
        must_stay_s.is_some_and(|must_stay_s| self.session.now_s() - self.until.s() >= must_stay_s)
    }

    /// What EXT-X-MAP and EXT-X-KEY name has to be there; what is in it is not looked at.
    fn want_named(&mut self, named: Named, uri: &str) {
        if self.named.len() >= NAMED {
            self.named.clear();
        }
        if !self.named.insert((named, uri.to_owned())) {
            return;
        }
        let missing =
            |problem: &str| self.session.collector.find(check_missing(self.name, named, uri, problem));
        let address = match self.address.resolve(uri) {
            Ok(address) => address,
            // A key may come by any way that the player knows.
            Err(_) if named == Named::Key => return,
            Err(error) => return missing(&error.to_string()),
        };
        let began_s = self.session.now_s();
        match self.fetcher.segment(&address) {
            Ok(reading) => self.session.collector.find(reading.answer.iter().flat_map(check_http).collect()),
            // Not everybody is to have it.
            Err(ReadError::Status { status: 401 | 403, .. }) if named == Named::Key => {}
            Err(ReadError::Status { answer, .. }) => self.session.collector.find(check_http(&answer)),
            Err(ReadError::Missing(_)) => missing("it does not exist"),
            Err(error) => self.session.unread(&error, began_s, "status-not-ok", self.name),
        }
    }

    fn may_be_gone(&self, uri: &str, is_part: bool) -> bool {
        if is_part { !self.listed_parts.contains(uri) } else { self.removed.may_be_gone(uri) }
    }

    fn know(&mut self, facts: SegmentFacts) {
        self.facts.insert(facts.uri.clone(), facts);
    }

    /// Holds those versions to their segments of which all are here, then forgets what no version lists any more.
    fn judge(&mut self) {
        let is_here = |seen: &Seen| !uris(&seen.listing).any(|uri| self.is_wanted.contains(uri));
        let here = self.waiting.iter().take_while(|seen| is_here(seen)).count();
        if here == 0 {
            return;
        }
        for seen in self.waiting.drain(..here) {
            let facts: Vec<_> = uris(&seen.listing).filter_map(|uri| self.facts.get(uri)).cloned().collect();
            self.session.collector.find(check_segments(self.name, &seen.text, &facts));
            self.session.collector.find(check_parts(self.name, &seen.text, &facts));
            if let Some(clock) = newest_clock(&seen.listing, &self.facts) {
                self.session.told_the_time(self.name, clock);
            }
            let bytes_of = |uri: &str| self.facts.get(uri).map(|facts| facts.bytes);
            if let Some(bit_rate) = self.bit_rate.take(&seen.listing, bytes_of) {
                self.session.measured(self.name, bit_rate);
            }
        }
        let waiting: HashSet<&str> = self.waiting.iter().flat_map(|seen| uris(&seen.listing)).collect();
        self.facts.retain(|uri, _| {
            self.removed.is_listed(uri) || self.listed_parts.contains(uri) || waiting.contains(uri.as_str())
        });
    }

    fn ask(&mut self, removed: &Removed) {
        let is_gone = match self.address.resolve(&removed.uri) {
            Ok(Address::File(path)) => self.look_for(removed, &path),
            Ok(Address::Url(url)) => self.ask_for(removed, &url),
            Err(_) => true,
        };
        if is_gone {
            self.removed.forget(&removed.uri);
        }
    }

    fn look_for(&self, removed: &Removed, path: &Path) -> bool {
        let is_available = path.exists();
        self.session.collector.find(check_removal(&Removal {
            at: format!("{}: {}", self.name, removed.uri),
            // The clock is read after the look: at least so much has passed.
            since_removed_s: removed.since_removed_s(self.session.now_s()),
            must_stay_s: removed.must_stay_s,
            is_available,
        }));
        !is_available
    }

    fn ask_for(&self, removed: &Removed, url: &Url) -> bool {
        let began_s = self.session.now_s();
        let answer = self.fetcher.ask(url, || Requested::Removed {
            since_removed_s: removed.since_removed_s(self.session.now_s()),
            must_stay_s: removed.must_stay_s,
        });
        match answer {
            Ok(answer) => {
                self.session.collector.find(check_http(&answer));
                !(200..300).contains(&answer.status)
            }
            Err(error) => {
                self.session.unread(&error, began_s, "removed-too-early", self.name);
                false
            }
        }
    }
}

/// The rule that asks that it can be read.
fn unreadable(is_part: bool) -> &'static str {
    if is_part { "part-unreadable" } else { "segment-unreadable" }
}

/// Of all segments and parts.
fn uris(listing: &MediaListing) -> impl Iterator<Item = &str> {
    let parts = listing.parts().map(|part| part.uri.as_str());
    listing.segments.iter().map(|segment| segment.uri.as_str()).chain(parts)
}

/// Of the newest segment that has both a date and a time stamp.
fn newest_clock(listing: &MediaListing, facts: &HashMap<String, SegmentFacts>) -> Option<Clock> {
    let mut discontinuity_sequence = listing.discontinuity_sequence.unwrap_or(0);
    let mut newest = None;
    for segment in &listing.segments {
        discontinuity_sequence = discontinuity_sequence.saturating_add(u64::from(segment.discontinuity));
        let start_90k = facts.get(&segment.uri).and_then(SegmentFacts::start_90k);
        if let (Some(date), Some(start_90k)) = (segment.program_date_time, start_90k) {
            newest = Some(Clock { discontinuity_sequence, date, start_90k });
        }
    }
    newest
}

/// Where the key itself lies; that of a rights management system is its own concern (RFC 8216 4.3.2.4).
fn uri_of_plain_key(key: &str) -> Option<String> {
    let attributes = Attributes::read(key);
    let is_plain = attributes.get("KEYFORMAT").is_none_or(|format| format == "identity");
    attributes.get("URI").filter(|_| is_plain).map(str::to_owned)
}
