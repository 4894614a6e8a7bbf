//! Handled: the files on disk that have had their turn, so that none has it twice. Pure.
//!
//! In: names, and what the file system says of them. Out: whether a file is one that was handled as it is now.

use livedir_layout::directory::stamp::Stamp;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

/// Listed files that were taken away are remembered, up to this many.
const MOST_DEPARTED: usize = 1_000;

/// What is remembered of a name.
fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// Names that are present in a directory, by what is remembered of them.
pub(crate) struct Present(HashSet<u64>);

impl Present {
    pub(crate) fn of(names: &[String]) -> Self {
        Self(names.iter().map(|name| hash(name)).collect())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains(&hash(name))
    }

    /// This name has come back since they were listed.
    pub(crate) fn add(&mut self, name: &str) {
        self.0.insert(hash(name));
    }
}

/// Files that were handled, by name and contents.
#[derive(Debug, Default)]
pub(crate) struct Handled {
    /// A hash of the name, with one of what the file was then: 16 bytes for each, however many are kept.
    contents: HashMap<u64, u64>,
    /// The last of them that were taken away while they were listed: one that comes back as it was has had its turn.
    departed: VecDeque<(u64, u64)>,
    /// Names of them, where no event tells that they are written again; the next to be looked at first.
    unwatched: VecDeque<String>,
}

impl Handled {
    /// All that lies there when a channel begins.
    pub(crate) fn begin<'a>(files: impl Iterator<Item = (&'a String, &'a Stamp)> + Clone) -> Self {
        Self {
            contents: files.clone().map(|(name, stamp)| (hash(name), stamp.contents())).collect(),
            departed: VecDeque::new(),
            unwatched: files.map(|(name, _)| name.clone()).collect(),
        }
    }

    /// A file has its turn, as it is.
    pub(crate) fn note(&mut self, name: &str, stamp: &Stamp) {
        self.contents.insert(hash(name), stamp.contents());
    }

    /// A file is gone, or is another one: what comes under its name has a turn of its own.
    pub(crate) fn forget(&mut self, name: &str) {
        self.contents.remove(&hash(name));
    }

    /// Whether a file of this name has had its turn.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.contents.contains_key(&hash(name))
    }

    /// Whether a file has had its turn as it is.
    pub(crate) fn has_as(&self, name: &str, stamp: &Stamp) -> bool {
        self.contents.get(&hash(name)) == Some(&stamp.contents())
    }

    /// What the file of this name was when it had its turn: see [`Stamp::contents`].
    pub(crate) fn contents(&self, name: &str) -> Option<u64> {
        self.contents.get(&hash(name)).copied()
    }

    /// Whether a file has had its turn as it is under another name.
    pub(crate) fn has_elsewhere(&self, name: &str, stamp: &Stamp) -> bool {
        let (name, contents) = (hash(name), stamp.contents());
        self.contents.iter().any(|(other, it)| *it == contents && *other != name)
    }

    /// A listed file was taken away.
    pub(crate) fn depart(&mut self, name: &str) {
        let Some(departed) = self.contents.remove_entry(&hash(name)) else { return };
        if self.departed.len() == MOST_DEPARTED {
            self.departed.pop_front();
        }
        self.departed.push_back(departed);
    }

    /// Recognizes a file that was listed, was taken away, and is there again as it was: it has had its turn. Says whether it is one.
    pub(crate) fn recognize(&mut self, name: &str, stamp: &Stamp) -> bool {
        let file = (hash(name), stamp.contents());
        let has_departed = self.departed.contains(&file);
        if has_departed && self.contents.insert(file.0, file.1).is_none() {
            self.unwatched.push_back(name.to_owned());
        }
        has_departed
    }

    /// What is not present any more is forgotten.
    pub(crate) fn retain(&mut self, present: &Present) {
        self.contents.retain(|name, _| present.0.contains(name));
    }

    /// How many there are that no event tells of.
    pub(crate) fn unwatched(&self) -> usize {
        self.unwatched.len()
    }

    /// The next of them to be looked at. Whoever looks puts it back with [`scan_again`](Self::scan_again).
    pub(crate) fn next_unwatched(&mut self) -> Option<String> {
        self.unwatched.pop_front()
    }

    /// A file that no event tells of is looked at again when all others were.
    pub(crate) fn scan_again(&mut self, name: String) {
        self.unwatched.push_back(name);
    }

    /// The directory is listed anew. Gives the file that was to be looked at next, for [`continue_at`](Self::continue_at).
    pub(crate) fn begin_listing(&mut self) -> Option<String> {
        let next = self.unwatched.pop_front();
        self.unwatched.clear();
        next
    }

    /// The file that was to be looked at next is it still.
    pub(crate) fn continue_at(&mut self, next: Option<&String>) {
        let next = self.unwatched.iter().position(|name| Some(name) == next);
        self.unwatched.rotate_left(next.unwrap_or(0));
    }
}
