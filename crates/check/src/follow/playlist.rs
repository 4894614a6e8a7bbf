//! Follows a media playlist: reads it as often as it takes to see every version of it.
//!
//! In: an address. Out: findings on each version and on each update; the versions, to the follower of its segments. On a
//! thread of its own, which ends with the playlist's end, with the time that it was given, or with the stop. A playlist that
//! can be waited for is waited for, as players do (bis-22 6.2.5.2): the server holds the request until there is a new version.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SendError, SyncSender, TrySendError};
use std::time::{Duration, Instant, SystemTime};

use crate::rules::{Asked, Named, Requested, check_http, check_missing, check_playlist, check_reload};
use livedir_playlist::{Directives, Listing, MediaListing, read_listing};
use url::Url;

use crate::fetch::address::Address;
use crate::fetch::fetcher::{Fetcher, ReadError, Reading};
use crate::follow::lateness::{FoundAt, Judged, judge_update};
use crate::follow::server_promises::with_directives;
use crate::follow::session::Session;
use livedir_time::stop::Stop;

/// The longest pause between two looks; a quarter of a target duration where that is shorter.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// On a disk parts come and go; a pause is a quarter of one, and this at least.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// A request is held for no longer than this, so that a stop is heard: then it is asked again.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// An answer that was held arrives within this time; a slower network is too slow for low latency.
const ON_ITS_WAY_S: f64 = 0.25;

/// A version of a playlist, on its way to the follower of its segments.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Its text.
    pub text: String,
    /// The same, read.
    pub listing: MediaListing,
    /// When the look began that found the version before it for the last time.
    pub before_until_s: f64,
    /// When the look began that found this one for the last time; later looks move it on.
    pub until: Until,
}

/// A time that one thread moves on and another reads; monotonic seconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Until(Arc<AtomicU64>);

impl Until {
    fn at(time_s: f64) -> Self {
        let until = Self::default();
        until.set(time_s);
        until
    }

    fn set(&self, time_s: f64) {
        self.0.store(time_s.to_bits(), Ordering::Relaxed);
    }

    #[must_use]
    pub(crate) fn s(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// Follows one playlist.
pub(crate) struct PlaylistFollower<'a> {
    /// Brings it here.
    pub fetcher: &'a Fetcher,
    /// For findings.
    pub name: &'a str,
    /// Where it lies.
    pub address: &'a Address,
    /// Takes the findings.
    pub session: &'a Session,
    /// Ends it early.
    pub stop: &'a Stop,
    /// The multivariant playlist that lists it.
    pub listed_in: Option<&'a str>,
    /// Takes the versions.
    pub versions: SyncSender<Box<Seen>>,
}

/// The version that was found last.
struct Current {
    text: String,
    listing: MediaListing,
    seen_at_s: f64,
    not_before_s: f64,
    /// When the last fetch began that returned it.
    until: Until,
}

/// What is remembered from look to look.
struct Progress {
    current: Option<Current>,
    /// While versions wait to be sent: when the one that the follower of the segments has was last seen.
    sent_until_s: Option<f64>,
    pause: Duration,
    /// How many there were.
    versions: u64,
    /// What to wait for at the server.
    next: Option<Directives>,
}

/// When it was looked.
#[derive(Debug, Clone, Copy)]
struct Look {
    began_s: f64,
    /// The server held the request, and so nothing was there before.
    held_until_s: Option<f64>,
}

impl PlaylistFollower<'_> {
    /// Looks until the end. `first` is what has been read of it already; without a time it is looked at once.
    pub(crate) fn run(self, mut first: Option<&Reading>, until: Option<Instant>) {
        let mut progress =
            Progress { current: None, sent_until_s: None, pause: LONGEST_PAUSE, versions: 0, next: None };
        loop {
            let (began, began_s) = (Instant::now(), self.session.now_s());
            let look = Look { began_s, held_until_s: None };
            let before = progress.versions;
            let taken = match (first.take(), progress.next.take(), self.address) {
                (Some(reading), ..) => self.take(&mut progress, reading, look),
                (None, Some(next), Address::Url(url)) => self.wait(&mut progress, url, next, until),
                _ => match self.fetcher.playlist(self.address) {
                    Ok(reading) => self.take(&mut progress, &reading, look),
                    Err(error) => self.failed(&error, began_s),
                },
            };
            if taken.is_break() {
                return;
            }
            let looked_s = self.session.now_s();
            // A held request needs no pause. A server that does not hold requests must not be asked without a pause.
            let has_come = progress.next.is_some() && progress.versions > before;
            let pause = if has_come { Duration::ZERO } else { progress.pause };
            let is_over = until.is_none_or(|until| Instant::now() >= until);
            if is_over || self.stop.wait(pause.saturating_sub(began.elapsed())) {
                break;
            }
            // The time of a disk read counts as time of this machine; the time of a server does not.
            let is_file = matches!(self.address, Address::File(_));
            let planned_s = began_s + pause.as_secs_f64();
            self.session.woke(if is_file { planned_s } else { planned_s.max(looked_s) });
        }
        if let (Some(current), Some(_)) = (&progress.current, until) {
            self.judge_silence(current);
        }
    }

    /// Takes in what was read; breaks when there is no more to come.
    fn take(&self, progress: &mut Progress, reading: &Reading, look: Look) -> ControlFlow<()> {
        let began_s = look.began_s;
        let Some((text, listing)) = self.look(reading, look) else { return ControlFlow::Continue(()) };
        progress.pause = self.pause(&listing);
        progress.next = next(&listing);
        if let Some(current) = &mut progress.current
            && current.text == text
        {
            current.until.set(began_s);
            self.session.same_version(self.name, began_s);
            return ControlFlow::Continue(());
        }
        let before = progress.current.take();
        let before_until_s = before.as_ref().map_or(began_s, |before| before.until.s());
        let (seen_at_s, not_before_s) = self.came_at(reading, before.as_ref(), &listing, look);
        let until = Until::at(began_s);
        let is_live = listing.is_live();
        let current = Current {
            text: text.clone(),
            listing: listing.clone(),
            seen_at_s,
            not_before_s,
            until: until.clone(),
        };
        self.judge(before.as_ref(), &current);
        progress.current = Some(current);
        progress.versions += 1;

        let before_until_s = *progress.sent_until_s.get_or_insert(before_until_s);
        let seen = Box::new(Seen { text, listing, before_until_s, until });
        // The last one waits until it is taken, the others do not: the next look is due.
        let sent = if is_live {
            self.versions.try_send(seen)
        } else {
            self.versions.send(seen).map_err(|SendError(seen)| TrySendError::Disconnected(seen))
        };
        match sent {
            Ok(()) => progress.sent_until_s = None,
            // The follower of the segments is late and misses this version: `sent_until_s` tells it since when.
            Err(TrySendError::Full(_)) => {}
            Err(TrySendError::Disconnected(_)) => return ControlFlow::Break(()),
        }
        if is_live { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    /// Has the server hold a request until the next version is there, and takes that in.
    fn wait(
        &self,
        progress: &mut Progress,
        url: &Url,
        next: Directives,
        until: Option<Instant>,
    ) -> ControlFlow<()> {
        let began_s = self.session.now_s();
        let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
        let patience = LONGEST_WAIT.min(left).max(SHORTEST_PAUSE);
        let read = self.fetcher.held_playlist(&with_directives(url, next), patience);
        let asked = Asked::Next(next);
        match read {
            Ok(reading) => {
                let text = String::from_utf8_lossy(&reading.bytes);
                self.session.collector.find(check_reload(self.name, &asked, Some(200), &text));
                let held_until_s = Some(self.session.now_s());
                self.take(progress, &reading, Look { began_s, held_until_s })
            }
            // There is no new version so far; a server says so with this status after three target durations.
            Err(ReadError::Silent { .. } | ReadError::Status { status: 503, .. }) => {
                self.nothing_came(progress, began_s)
            }
            // The next look goes without waiting.
            Err(ReadError::Status { status: 400, .. }) => {
                self.session.collector.find(check_reload(self.name, &asked, Some(400), ""));
                ControlFlow::Continue(())
            }
            Err(error) => self.failed(&error, began_s),
        }
    }

    fn nothing_came(&self, progress: &mut Progress, began_s: f64) -> ControlFlow<()> {
        // An answer may have come while this program did not run.
        let is_certain = self.session.absent_since_s(began_s) <= 0.0;
        let until_s = if is_certain { began_s.max(self.session.now_s() - ON_ITS_WAY_S) } else { began_s };
        if let Some(current) = &mut progress.current {
            current.until.set(until_s);
            self.session.same_version(self.name, until_s);
        }
        ControlFlow::Continue(())
    }

    /// Until the next look, where nobody holds it.
    fn pause(&self, listing: &MediaListing) -> Duration {
        let target_s = listing.target_duration_s.map_or(60, |target_s| target_s.clamp(1, 60));
        let pause = LONGEST_PAUSE.min(Duration::from_secs(target_s) / 4);
        match (self.address, listing.part_target_s) {
            (Address::File(_), Some(part_target_s)) => {
                pause.min(Duration::from_secs_f64(part_target_s.clamp(0.0, 60.0) / 4.0)).max(SHORTEST_PAUSE)
            }
            _ => pause,
        }
    }

    fn look(&self, reading: &Reading, look: Look) -> Option<(String, MediaListing)> {
        let text = String::from_utf8_lossy(&reading.bytes).into_owned();
        let listing = read_listing(&text);
        if let Some(answer) = &reading.answer {
            // A held answer may be cached (bis-22 B.1): only clients that are late ask for it again.
            let live_target_duration_s = match &listing {
                Listing::Media(listing) if listing.is_live() && look.held_until_s.is_none() => {
                    listing.target_duration_s
                }
                _ => None,
            };
            let mut answer = answer.clone();
            // Findings are about the playlist, whatever was waited for.
            answer.url = self.address.to_string();
            answer.kind = Requested::Playlist { live_target_duration_s };
            self.session.collector.find(check_http(&answer));
        }
        let Listing::Media(listing) = listing else {
            self.session.collector.find(check_playlist(self.name, &text));
            self.not_there("it is no media playlist", || format!("{} is no media playlist", self.address));
            return None;
        };
        Some((text, listing))
    }

    /// When a version came: seen at, and not before. A file tells it to the millisecond, of the newest version.
    fn came_at(
        &self,
        reading: &Reading,
        before: Option<&Current>,
        listing: &MediaListing,
        look: Look,
    ) -> (f64, f64) {
        let began_s = look.began_s;
        let not_before_s = before.map_or(began_s, |before| before.until.s());
        if let Some(held_until_s) = look.held_until_s {
            return (held_until_s, not_before_s.max(held_until_s - ON_ITS_WAY_S));
        }
        let age = reading.changed_at.and_then(|changed_at| SystemTime::now().duration_since(changed_at).ok());
        let changed_s = age.map(|age| self.session.now_s() - age.as_secs_f64());
        match changed_s {
            Some(changed_s) if before.is_none() => (changed_s.min(began_s), changed_s.min(began_s)),
            Some(changed_s) if (not_before_s..=began_s).contains(&changed_s) => {
                let is_next = before.is_some_and(|before| new_parts(&before.listing, listing) <= 1);
                (changed_s, if is_next { changed_s } else { not_before_s })
            }
            _ => (self.session.now_s(), not_before_s),
        }
    }

    fn judge(&self, before: Option<&Current>, after: &Current) {
        self.session.count_version(self.name, &after.text, after.until.s());
        self.session.collector.find(check_playlist(self.name, &after.text));
        if let Some(before) = before {
            let absent_s = self.session.absent_since_s(before.until.s().max(before.seen_at_s));
            let (was, is) = ((&*before.text, before.found()), (&*after.text, after.found()));
            let Judged { found, not_judged } = judge_update(self.name, was, is, absent_s);
            self.session.collector.find(found);
            for finding in not_judged {
                self.session.collector.not_judged(finding.rule.id, &finding.at, absent_s);
            }
        }
    }

    /// A stream that has stopped without saying so has no next version: the last look stands for it.
    fn judge_silence(&self, current: &Current) {
        let until_s = current.until.s();
        let last_look = FoundAt { seen_at_s: until_s, not_before_s: until_s, until_s };
        let (was, is) = ((&*current.text, current.found()), (&*current.text, last_look));
        self.session.collector.find(judge_update(self.name, was, is, 0.0).found);
    }

    fn failed(&self, error: &ReadError, began_s: f64) -> ControlFlow<()> {
        if let ReadError::Status { answer, .. } = error {
            let found = check_http(answer);
            if !found.is_empty() {
                self.session.collector.find(found);
                return ControlFlow::Continue(());
            }
        }
        match error {
            ReadError::Missing(_) => self.not_there("it does not exist", || error.to_string()),
            _ => self.session.unread(error, began_s, "update-late", self.name),
        }
        ControlFlow::Continue(())
    }

    /// If another playlist lists it, that breaks a rule; otherwise there is nothing to check.
    fn not_there(&self, seen: &str, problem: impl FnOnce() -> String) {
        match self.listed_in {
            Some(multivariant) => {
                self.session.collector.find(check_missing(multivariant, Named::Playlist, self.name, seen));
            }
            None => self.session.collector.problem(problem()),
        }
    }
}

/// What comes next, if the server holds requests for it.
fn next(listing: &MediaListing) -> Option<Directives> {
    listing.server_control.as_ref().filter(|it| it.can_block_reload && listing.is_live())?;
    // Players ask for parts only where there are some.
    let part = listing.has_parts().then_some(listing.open_parts.len() as u64);
    Some(Directives { media_sequence: Some(listing.next_media_sequence()), part, skip: false })
}

/// How many parts, or segments where there are no parts, have come from one version to the next.
fn new_parts(before: &MediaListing, after: &MediaListing) -> u64 {
    if !after.has_parts() {
        return after.next_media_sequence().saturating_sub(before.next_media_sequence());
    }
    let known: HashSet<&str> = before.parts().map(|part| part.uri.as_str()).collect();
    after.parts().filter(|part| !known.contains(part.uri.as_str())).count() as u64
}

impl Current {
    fn found(&self) -> FoundAt {
        let (seen_at_s, not_before_s) = (self.seen_at_s, self.not_before_s);
        FoundAt { seen_at_s, not_before_s, until_s: self.until.s() }
    }
}
