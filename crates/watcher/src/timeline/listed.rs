//! Listed: the files that the playlist names, as they were when they were listed, and how they leave it.
//!
//! In: names. Out: entries that leave, and what is known of the files. Pure.

use crate::events::finished_file::Finished;
use crate::timeline::Timeline;
use crate::timeline::target_duration::TargetDuration;
use livedir_layout::directory::stamp::Stamp;
use livedir_layout::names::name_of_uri;
use livedir_playlist::{Evicted, MediaPlaylist, Segment};
use std::collections::BTreeSet;

/// A file that is listed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListedFile {
    pub(crate) stamp: Stamp,
    /// `None` where it was not read.
    pub(crate) held: Option<Held>,
}

/// What a listed file held when it was listed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    /// See [`Finished::contents`].
    pub(crate) contents: u64,
    /// Where it begins on its timeline.
    pub(crate) start_90k: u64,
}

impl Timeline {
    /// The names of all files that are listed.
    pub(crate) fn listed_names(&self) -> impl Iterator<Item = &String> {
        self.listed.keys()
    }

    /// Whether the file of this name is listed.
    pub(crate) fn is_listed(&self, name: &str) -> bool {
        self.listed.contains_key(name)
    }

    /// What the file of this name was when it was listed, if that is known.
    pub(crate) fn listed_as(&self, name: &str) -> Option<Stamp> {
        self.listed.get(name)?.as_ref().map(|listed| listed.stamp)
    }

    /// What the listed file of this name holds, if that is known.
    pub(crate) fn listed_contents(&self, name: &str) -> Option<Held> {
        self.listed.get(name)?.as_ref()?.held
    }

    /// The listed file of this name was looked at: this is what it is.
    pub(crate) fn keep_stamp(&mut self, name: &str, stamp: Stamp) {
        if let Some(listed) = self.listed.get_mut(name) {
            let held = listed.and_then(|listed| listed.held);
            *listed = Some(ListedFile { stamp, held });
        }
    }

    /// The listed file of this name was read: this is what it holds.
    pub(crate) fn keep_read(&mut self, name: &str, finished: &Finished) {
        if let Some(listed) = self.listed.get_mut(name) {
            let held = Held { contents: finished.contents(), start_90k: finished.facts.start_90k };
            *listed = Some(ListedFile { stamp: finished.stamp, held: Some(held) });
        }
    }

    /// The names of the first entries, as long as they are such ones.
    pub(crate) fn first_names(&self, is_such: impl Fn(&str) -> bool) -> BTreeSet<String> {
        let segments = self.window.playlist().segments.iter();
        let names = segments.map_while(|segment| name_of_uri(self.settings.home, &segment.uri));
        names.take_while(|name| is_such(name)).collect()
    }

    /// The playlist names no file that is missing: entries up to the last one whose file is not there leave it. Those of
    /// their files that are still there stay for their grace. Says how many left.
    pub(crate) fn lose(&mut self, is_there: impl Fn(&str) -> bool) -> usize {
        let before = self.window.playlist();
        // RFC 8216 6.2.1: nothing changes after EXT-X-ENDLIST.
        if before.ended {
            return 0;
        }
        let mut rest = before.clone();
        let home = self.settings.home;
        let is_there = |uri: &str| name_of_uri(home, uri).is_some_and(|name| is_there(&name));
        let lost = remove_up_to_last_hole(&mut rest, is_there);
        if lost == 0 {
            return 0;
        }
        let longest_90k = self.window.longest_duration_90k();
        let leaving = self.first_leave(lost);
        let Ok(mut window) = TargetDuration::window(rest, self.settings.window_segments) else { return 0 };
        window.remember_length(longest_90k);
        self.window = window;
        self.forget_listed(&leaving);
        self.changes.left.extend(leaving.into_iter().filter(|it| is_there(&it.segment.uri)));
        self.changes.is_changed = true;
        lost
    }

    /// The first entries, as they leave before their time.
    pub(super) fn first_leave(&self, count: usize) -> Vec<Evicted> {
        let playlist = self.window.playlist();
        let longest_90k = self.window.longest_duration_90k();
        let numbered = (playlist.media_sequence..).zip(playlist.segments.iter().take(count).cloned());
        let leave = |(media_sequence, segment): (u64, Segment)| {
            let grace_90k = segment.duration_90k.saturating_add(longest_90k);
            Evicted { segment, media_sequence, grace_90k }
        };
        numbered.map(leave).collect()
    }

    pub(super) fn let_go(&mut self, evicted: Vec<Evicted>) {
        self.forget_listed(&evicted);
        self.changes.left.extend(evicted);
    }

    fn forget_listed(&mut self, left: &[Evicted]) {
        for evicted in left {
            if let Some(name) = name_of_uri(self.settings.home, &evicted.segment.uri) {
                self.listed.remove(&name);
            }
        }
    }
}

/// Takes the entries up to the last one whose file is not there out of a playlist; says how many.
///
/// RFC 8216 6.2.1: segments are removed from the beginning, in order. So everything up to the last hole goes.
pub(crate) fn remove_up_to_last_hole(playlist: &mut MediaPlaylist, is_there: impl Fn(&str) -> bool) -> usize {
    // RFC 8216 6.2.1: nothing changes after EXT-X-ENDLIST.
    if playlist.ended {
        return 0;
    }
    let hole = playlist.segments.iter().rposition(|segment| !segment.gap && !is_there(&segment.uri));
    let entries_lost = hole.map_or(0, |hole| hole + 1);
    remove_first(playlist, entries_lost);
    entries_lost
}

pub(crate) fn remove_first(playlist: &mut MediaPlaylist, count: usize) {
    let removed = playlist.segments.drain(..count);
    let discontinuities = removed.filter(|segment| segment.discontinuity).count() as u64;
    playlist.media_sequence = playlist.media_sequence.saturating_add(count as u64);
    playlist.discontinuity_sequence = playlist.discontinuity_sequence.saturating_add(discontinuities);
}
