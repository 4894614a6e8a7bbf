//! Channel: what is known of one playlist, its files, and its past.

use super::{Verdict, names::Renamed};
use crate::{disk::Disk, media::Contents, schedule::Plan};
use livedir_layout::names::{Home, name_of_uri, number_of_name, part_of_name, uri_of_name};
use livedir_playlist::{ListedPart, MediaListing};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
};

/// A start counts whole targets, and takes windows for up to twice as long: one came for the file that is a window behind, and two
/// are its grace.
fn most_grace_us(target_us: u64, window: usize) -> u64 {
    (target_us + 1_000_000) * (3 * window as u64 + 3) + 4 * target_us
}

/// A file is known so long after it has come, and several are listed so long after that was decided.
const DECIDED_US: u64 = 30_000 + 50_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// `stream.m3u8`.
    Plain,
    /// `ll.m3u8`.
    Low,
}

/// A playlist as it stands on disk.
pub struct Version {
    pub text: String,
    pub listing: MediaListing,
    pub at_us: u64,
}

/// A good file that is to be listed.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a circumstance")]
pub struct Expected {
    pub name: String,
    pub contents: Contents,
    pub came_us: u64,
    /// Whether the file itself says that it is complete.
    pub says_complete: bool,
    /// Whether the program that runs has heard that it is complete.
    pub was_heard: bool,
    /// One behind it was listed already.
    pub is_late: bool,
    /// Its event was lost without a word.
    pub is_unheard: bool,
    /// The number of its segment and its own.
    pub part: Option<(u64, u32)>,
}

impl Expected {
    /// Whether the program that runs can know that it is complete.
    pub fn is_certain(&self) -> bool {
        self.says_complete || self.was_heard
    }
}

/// What was listed, and is no more.
pub struct Left {
    /// It must be there until then.
    pub stays_until_us: u64,
    pub since_us: u64,
    /// So many were listed before it left.
    pub listed_before: usize,
    /// And must be gone by then.
    pub gone_by_us: u64,
    /// The program has begun again since.
    pub is_of_run_before: bool,
    pub contents: Option<Contents>,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Channel {
    pub live: PathBuf,
    pub directory: PathBuf,
    pub is_rendition: bool,
    pub home: Home,
    pub plain: Option<Version>,
    pub low: Option<Version>,
    /// What each number was given to.
    pub given: BTreeMap<u64, (String, Option<Contents>)>,
    pub expected: Vec<Expected>,
    pub left: HashMap<String, Left>,
    pub disturbed_us: u64,
    /// What hands have laid on these names.
    pub touched: HashMap<String, u64>,
    /// What was renamed.
    pub renamed: Vec<Renamed>,
    /// The longest playlist that each listed file was in.
    pub longest_us: HashMap<String, u64>,
    pub lags_since_us: Option<u64>,
    /// The clock was set, or files of others came out of order: dates overlap.
    pub has_odd_dates: bool,
    /// When the clock on the wall was set.
    pub clock_set_us: Option<u64>,
    /// The clock was set, and the program has begun again since.
    pub is_behind_clock: bool,
    /// When the playlist was lost or spoilt.
    pub spoilt_us: Option<u64>,
    /// Until when events were lost without a word.
    pub unheard_until_us: u64,
    /// When the program began.
    pub run_began_us: u64,
    /// The window of the run, and whether one has been smaller than that before it.
    pub window: usize,
    pub has_shrunk: bool,
    /// What the playlist listed when the program began.
    pub listed_in_run_before: HashSet<String>,
    /// When each segment was listed, in order.
    pub listed_us: Vec<u64>,
    /// When the first segment was listed: before that nobody knows the target duration.
    pub began_us: Option<u64>,
    /// When the first part has come in this run.
    pub first_part_us: Option<u64>,
    /// The newest part that has come, and when.
    pub newest_part: Option<((u64, u32), u64)>,
}

/// The parts of one list that another one has not.
pub fn parts_without<'a>(of: Option<&'a MediaListing>, other: Option<&MediaListing>) -> Vec<&'a ListedPart> {
    let mut others = other.into_iter().flat_map(MediaListing::parts).peekable();
    let parts = || of.into_iter().flat_map(MediaListing::parts);
    // Two versions of one list have the same parts in the same order, but for some at the beginning and at the end.
    let first = others.peek().map(|first| &first.uri);
    let begins = parts().position(|part| Some(&part.uri) == first).unwrap_or(0);
    let mut without: Vec<_> = parts().take(begins).collect();
    let behind = parts().skip(begins);
    without.extend(behind.filter(|part| others.next_if(|other| other.uri == part.uri).is_none()));
    let is_there = |part: &ListedPart| {
        other.into_iter().flat_map(MediaListing::parts).any(|other| other.uri == part.uri)
    };
    // These are few.
    without.retain(|part| !is_there(part));
    without
}

impl Channel {
    pub fn new(live: PathBuf, is_rendition: bool) -> Self {
        let parent = live.parent().unwrap_or(Path::new("/")).to_owned();
        Self {
            directory: if is_rendition { live.clone() } else { parent },
            live,
            is_rendition,
            home: if is_rendition { Home::Beside } else { Home::Live },
            plain: None,
            low: None,
            given: BTreeMap::new(),
            expected: Vec::new(),
            left: HashMap::new(),
            disturbed_us: 0,
            touched: HashMap::new(),
            renamed: Vec::new(),
            longest_us: HashMap::new(),
            lags_since_us: None,
            has_odd_dates: false,
            clock_set_us: None,
            is_behind_clock: false,
            spoilt_us: None,
            unheard_until_us: 0,
            run_began_us: 0,
            window: 0,
            has_shrunk: false,
            listed_in_run_before: HashSet::new(),
            listed_us: Vec::new(),
            began_us: None,
            first_part_us: None,
            newest_part: None,
        }
    }

    pub fn version(&self, which: Which) -> Option<&Version> {
        match which {
            Which::Plain => self.plain.as_ref(),
            Which::Low => self.low.as_ref(),
        }
    }

    pub fn name(&self, uri: &str) -> Option<String> {
        name_of_uri(self.home, uri)
    }

    /// Whether it names this file.
    pub fn is_named(&self, uri: &str, name: &str) -> bool {
        // To decode each takes longer than all else.
        let may_be = uri.ends_with(name) || uri.contains('%');
        may_be && self.name(uri).as_deref() == Some(name)
    }

    /// A playlist was lost or spoilt: what comes next is another one, of which nothing is known.
    pub fn forget(&mut self, now_us: u64) {
        self.plain = None;
        self.low = None;
        self.given.clear();
        self.expected.clear();
        self.left.clear();
        self.longest_us.clear();
        self.has_odd_dates = true;
        self.began_us = None;
        self.disturbed_us = now_us;
        self.newest_part = None;
        self.spoilt_us = Some(now_us);
    }

    /// Whether a hand has done something to its files within the last 20 s.
    pub fn is_disturbed(&self, now_us: u64) -> bool {
        self.disturbed_us > 0 && now_us < self.disturbed_us + 20_000_000
    }

    /// What an old one that was ended promised does not bind the next.
    pub fn begins(&mut self, disk: &Disk, plan: &Plan, now_us: u64) {
        self.lags_since_us = None;
        self.is_behind_clock |= self.clock_set_us.is_some();
        self.run_began_us = now_us;
        self.has_shrunk |= plan.window < self.window;
        let listed = self.plain.iter().flat_map(|plain| &plain.listing.segments);
        self.listed_in_run_before = listed.filter_map(|it| name_of_uri(self.home, &it.uri)).collect();
        self.window = plan.window;
        // What a longer window would have kept may stay as long.
        let most_us = most_grace_us(plan.target_us(), plan.window);
        for left in self.left.values_mut() {
            left.is_of_run_before = true;
            left.gone_by_us = left.gone_by_us.max(left.since_us.saturating_add(most_us));
        }
        self.lose_renamed(disk, now_us);
        self.expected.retain(|it| it.part.is_none());
        self.expected.iter_mut().for_each(|it| it.was_heard = false);
        (self.first_part_us, self.newest_part) = (None, None);
        for (file, version) in [("stream.m3u8", &mut self.plain), ("ll.m3u8", &mut self.low)] {
            if version.is_some() && disk.at(&self.directory.join(file)).is_none() {
                *version = None;
            }
        }
        // No more are listed than a playlist shows; one of them may be in the making.
        let most = plan.window - 2;
        if !plan.is_ours() && self.expected.len() > most {
            self.expected.sort_by_key(|it| it.came_us);
            self.expected.drain(..self.expected.len() - most);
        }
    }

    pub fn note_arrival(
        &mut self,
        name: &str,
        contents: Contents,
        now_us: u64,
        (says_complete, was_heard): (bool, bool),
        is_ours: bool,
        has_parts: bool,
    ) {
        let part = part_of_name(name);
        if part.is_some() {
            if !has_parts {
                return;
            }
            self.first_part_us.get_or_insert(now_us);
            if self.newest_part.is_none_or(|(newest, _)| part > Some(newest)) {
                self.newest_part = part.map(|part| (part, now_us));
            }
        } else if !contents.is_independent {
            return;
        }
        if now_us > self.disturbed_us + 2_000_000 {
            self.touched.remove(name);
        }
        // Of ours the number tells the order: one that comes behind a later one comes too late.
        let number = number_of_name(name).or(part.map(|(number, _)| number));
        let last = self.plain.as_ref().and_then(|plain| plain.listing.segments.last());
        let last = last.and_then(|last| number_of_name(&self.name(&last.uri)?));
        if is_ours && number.is_some_and(|number| last.is_some_and(|last| number <= last)) && part.is_none() {
            return;
        }
        // A part that comes after its segment is listed comes too late.
        let is_closed = |(number, _): (u64, u32)| {
            let segments = self.low.iter().flat_map(|low| low.listing.segments.iter().rev().take(8));
            segments
                .into_iter()
                .any(|it| self.name(&it.uri).and_then(|name| number_of_name(&name)) == Some(number))
        };
        if is_ours && part.is_some_and(is_closed) {
            return;
        }
        // The same bytes once more are nothing new.
        let is_known = self.plain.as_ref().is_some_and(|plain| {
            (plain.listing.first_media_sequence()..plain.listing.next_media_sequence())
                .any(|number| self.given.get(&number).is_some_and(|(_, listed)| *listed == Some(contents)))
        });
        if part.is_none() && is_known {
            return;
        }
        let is_behind = |(_, listed): &(String, Option<Contents>)| {
            listed.is_some_and(|listed| listed.source == contents.source && listed.first >= contents.end())
        };
        let is_late = part.is_none() && self.given.values().rev().take(16).any(is_behind);
        self.has_odd_dates |= is_late;
        self.expected.retain(|it| it.name != name);
        let is_unheard = now_us < self.unheard_until_us;
        let expected = Expected {
            name: name.to_owned(),
            contents,
            came_us: now_us,
            says_complete,
            was_heard,
            is_late,
            is_unheard,
            part,
        };
        self.expected.push(expected);
    }

    /// Takes note of a version that has passed.
    pub fn note_listed(
        &mut self,
        which: Which,
        version: Version,
        target_us: u64,
        window: usize,
        disk: &Disk,
    ) {
        let now_us = version.at_us;
        let names_of = |version: &Version| -> Vec<(String, u64)> {
            let us = |seconds: Option<f64>| (seconds.unwrap_or(0.0) * 1e6) as u64;
            let segments =
                version.listing.segments.iter().filter(|it| !it.gap).map(|it| (&it.uri, us(it.duration_s)));
            segments.filter_map(|(uri, us)| Some((name_of_uri(self.home, uri)?, us))).collect()
        };
        if which == Which::Plain {
            let names: Vec<Option<String>> =
                version.listing.segments.iter().map(|it| self.name(&it.uri)).collect();
            let sum_us = (version.listing.duration_s() * 1e6) as u64;
            let now_listed = names_of(&version);
            for (name, duration_us) in self.plain.as_ref().map(names_of).unwrap_or_default() {
                if now_listed.iter().any(|(listed, _)| *listed == name) {
                    continue;
                }
                let stays_us = duration_us + self.longest_us.remove(&name).unwrap_or(0);
                // A start does not know how long they lasted, nor how long the playlist was.
                // A window may have been up to twice as long, and each start counts whole targets.
                let most_us = most_grace_us(target_us, window);
                let contents = disk.contents(&self.live.join(&name));
                let left = Left {
                    stays_until_us: now_us + stays_us,
                    since_us: now_us,
                    listed_before: self.listed_us.len(),
                    gone_by_us: now_us + most_us.max(stays_us),
                    is_of_run_before: false,
                    contents,
                };
                self.left.insert(name, left);
            }
            for (name, _) in &now_listed {
                self.left.remove(name);
            }
            for (name, _) in now_listed {
                let longest_us = self.longest_us.entry(name).or_default();
                *longest_us = sum_us.max(*longest_us);
            }
            let before: HashSet<&str> =
                self.plain.iter().flat_map(|it| &it.listing.segments).map(|it| &*it.uri).collect();
            let new = version.listing.segments.iter().filter(|it| !it.gap && !before.contains(&*it.uri));
            self.listed_us.extend(new.map(|_| now_us));
            self.began_us.get_or_insert(now_us);
            let first = version.listing.first_media_sequence();
            for (number, (segment, name)) in (first..).zip(version.listing.segments.iter().zip(&names)) {
                if self.given.contains_key(&number) {
                    continue;
                }
                let name = name.as_ref().filter(|_| !segment.gap);
                let contents = name.and_then(|name| disk.contents(&self.live.join(name)));
                if let Some(contents) = contents {
                    self.passes(contents, now_us);
                    if self.renamed.iter().any(|it| it.contents == contents) {
                        self.expected.retain(|it| it.contents != contents);
                    }
                }
                self.given.insert(number, (segment.uri.clone(), contents));
            }
            self.expected
                .retain(|it| it.part.is_some() || !names.iter().flatten().any(|name| *name == it.name));
            self.plain = Some(version);
        } else {
            let before = self.low.as_ref().map(|before| &before.listing);
            for part in parts_without(before, Some(&version.listing)).into_iter().filter(|part| !part.gap) {
                let Some(name) = name_of_uri(self.home, &part.uri) else { continue };
                let contents = disk.contents(&self.live.join(&name));
                self.left.entry(name).or_insert(Left {
                    stays_until_us: now_us + 3 * target_us,
                    since_us: now_us,
                    listed_before: self.listed_us.len(),
                    gone_by_us: now_us + 4 * target_us + most_grace_us(target_us, window),
                    is_of_run_before: false,
                    contents,
                });
            }
            for part in parts_without(Some(&version.listing), before) {
                if let Some(name) = name_of_uri(self.home, &part.uri) {
                    self.left.remove(&name);
                }
            }
            if self.expected.iter().any(|it| it.part.is_some()) {
                let segments = &version.listing.segments;
                let numbers: Vec<u64> =
                    segments.iter().filter_map(|it| number_of_name(&self.name(&it.uri)?)).collect();
                // Of sizes the number tells what has left the list already.
                let first = if self.is_rendition { version.listing.first_media_sequence() } else { 0 };
                self.expected.retain(|it| {
                    it.part.is_none_or(|(number, _)| {
                        let uri = uri_of_name(self.home, &it.name);
                        number >= first
                            && !version.listing.parts().any(|part| part.uri == uri)
                            && !numbers.contains(&number)
                    })
                });
            }
            self.low = Some(version);
        }
    }

    /// What was renamed while the program did not see it is lost to it, as what is deleted is.
    fn lose_renamed(&mut self, disk: &Disk, now_us: u64) {
        let live = &self.live;
        let is_lost = |it: &&Renamed| it.removed_us.is_none() && disk.at(&live.join(&it.name)).is_none();
        for renamed in self.renamed.iter().filter(is_lost) {
            self.touched.insert(renamed.name.clone(), now_us);
            self.touched.insert(renamed.new_name.clone(), now_us);
            self.disturbed_us = now_us;
            self.has_odd_dates = true;
        }
    }

    /// This is listed, as it was decided a moment ago: what comes before it and has come since then is late.
    fn passes(&mut self, listed: Contents, now_us: u64) {
        for it in self.expected.iter_mut().filter(|it| it.part.is_none()) {
            let is_before = it.contents.source == listed.source && it.contents.end() <= listed.first;
            it.is_late |= is_before && now_us < it.came_us + DECIDED_US;
        }
    }

    /// EXT-X-TARGETDURATION: that of a playlist which is gone on with stays, whatever the settings say (RFC 8216 6.2.1).
    pub fn target_us(&self, of_plan_us: u64) -> u64 {
        let told_s = self.plain.as_ref().and_then(|plain| plain.listing.target_duration_s);
        told_s.map_or(of_plan_us, |told_s| of_plan_us.max(told_s * 1_000_000))
    }

    /// For messages.
    pub fn broken(&self, invariant: &'static str, words: &str) -> Verdict {
        Err((invariant, format!("{}: {words}", self.directory.display())))
    }
}
