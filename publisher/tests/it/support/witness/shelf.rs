//! Shelf: the segments that a reader may ask for, and until when. Pure: files and times are arguments.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use super::transport_stream::fault;

/// Files that are listed, or were until lately.
#[derive(Debug, Default)]
pub struct Shelf {
    files: BTreeMap<String, Kept>,
    /// Whose turn it was to be read again.
    turn: String,
}

#[derive(Debug)]
struct Kept {
    /// When the reading of the last playlist that listed it began. It left the playlist no earlier than that.
    last_listed_at: Instant,
    grace: Duration,
    /// Bytes and their hash, once it has been read.
    contents: Option<(usize, u64)>,
    is_told_missing: bool,
}

impl Shelf {
    /// A playlist read at `read_at` lists this file, and it may be asked for `grace` longer. Says whether it is new.
    pub fn note_listed(&mut self, uri: &str, read_at: Instant, grace: Duration) -> bool {
        if let Some(kept) = self.files.get_mut(uri) {
            (kept.last_listed_at, kept.grace) = (read_at, grace);
            return false;
        }
        self.files.insert(
            uri.to_owned(),
            Kept { last_listed_at: read_at, grace, contents: None, is_told_missing: false },
        );
        true
    }

    /// The file was read. Gives the rules that it breaks.
    pub fn note_read(&mut self, uri: &str, bytes: &[u8]) -> Vec<String> {
        let mut broken = Vec::new();
        let Some(kept) = self.files.get_mut(uri) else { return broken };
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let contents = (bytes.len(), hasher.finish());
        match kept.contents.replace(contents) {
            None => broken.extend(fault(bytes).map(|fault| format!("{uri} is not complete: {fault}"))),
            Some(first) if first != contents => {
                broken.push(format!("{uri} has changed, from {} bytes to {}", first.0, contents.0));
            }
            Some(_) => {}
        }
        broken
    }

    /// The file was looked for in vain. Gives the rules that this breaks.
    pub fn note_missing(&mut self, uri: &str, now: Instant) -> Vec<String> {
        let Some(kept) = self.files.get_mut(uri) else { return Vec::new() };
        // RFC 8216 6.2.2: MUST remain available for its duration and that of the longest playlist that contained it.
        let since_listed = now.saturating_duration_since(kept.last_listed_at);
        if since_listed >= kept.grace || std::mem::replace(&mut kept.is_told_missing, true) {
            return Vec::new();
        }
        vec![format!(
            "{uri} is missing {since_listed:.3?} after it was listed, within its grace of {:.3?}",
            kept.grace
        )]
    }

    /// The file whose turn it is. Forgets those that may go.
    pub fn next_to_look_at(&mut self, now: Instant) -> Option<String> {
        self.files.retain(|_, kept| now.saturating_duration_since(kept.last_listed_at) < kept.grace);
        let after = self.files.keys().find(|uri| **uri > self.turn).or_else(|| self.files.keys().next());
        self.turn = after?.clone();
        Some(self.turn.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::transport_stream::tests::segment;
    use super::*;

    const GRACE: Duration = Duration::from_secs(4);

    fn shelf(read_at: Instant) -> Shelf {
        let mut shelf = Shelf::default();
        for uri in ["a.ts", "b.ts"] {
            assert!(shelf.note_listed(uri, read_at, GRACE));
            assert_eq!(shelf.note_read(uri, &segment(4)), [""; 0]);
        }
        shelf
    }

    #[track_caller]
    fn check(broken: &[String], expected: &str) {
        assert!(broken.len() == 1 && broken[0].contains(expected), "{broken:?} does not tell {expected:?}");
    }

    #[test]
    fn files_take_turns_and_are_forgotten_after_their_grace() {
        let start = Instant::now();
        let mut shelf = shelf(start);
        let mut turn = |after| shelf.next_to_look_at(start + after);
        assert_eq!(turn(Duration::ZERO).unwrap(), "a.ts");
        assert_eq!(turn(Duration::ZERO).unwrap(), "b.ts");
        assert_eq!(turn(GRACE / 2).unwrap(), "a.ts");
        assert_eq!(turn(GRACE), None);
    }

    #[test]
    fn a_file_deleted_within_its_grace_is_told() {
        let start = Instant::now();
        let mut shelf = shelf(start);
        assert_eq!(shelf.note_missing("a.ts", start + GRACE), [""; 0]);
        check(&shelf.note_missing("a.ts", start + GRACE / 2), "a.ts is missing 2.000s after it was listed");
        assert_eq!(shelf.note_missing("a.ts", start + GRACE / 2), [""; 0], "once is enough");
        shelf.note_listed("b.ts", start + GRACE, GRACE);
        check(&shelf.note_missing("b.ts", start + GRACE), "b.ts is missing 0.000ns");
    }

    #[test]
    fn a_file_that_changes_is_told() {
        let mut shelf = shelf(Instant::now());
        assert_eq!(shelf.note_read("a.ts", &segment(4)), [""; 0]);
        check(&shelf.note_read("a.ts", &segment(5)), "a.ts has changed, from 752 bytes to 940");
        let mut other = segment(4);
        other[700] = 1;
        check(&shelf.note_read("b.ts", &other), "b.ts has changed");
    }

    #[test]
    fn a_file_that_is_cut_is_told() {
        let mut shelf = Shelf::default();
        shelf.note_listed("a.ts", Instant::now(), GRACE);
        check(&shelf.note_read("a.ts", &segment(4)[..700]), "a.ts is not complete");
    }
}
