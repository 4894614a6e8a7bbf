//! Which of too many open files is to be closed. Pure.
//!
//! A file that is closed can be gone when its next piece is wanted, so whoever has few of them must not lose one to whoever has
//! many. A file counts for each of its readers, and belongs to the one of these that has the fewest.

use std::cmp::Reverse;
use std::collections::HashMap;

/// Of a file with more readers than these, the others are not looked at: each search takes the same time.
pub(super) const MOST_READERS: usize = 16;

/// An open file.
#[derive(Debug, Clone, Default)]
pub(super) struct Candidate {
    /// Who reads it; nobody when the last one is about to leave.
    pub(super) readers: Vec<usize>,
    /// When it was read last; a greater number is later.
    pub(super) used_at: u64,
}

/// Of the files of whoever has the most, the one that nobody has read from for longest.
pub(super) fn least_needed(open: &[Candidate]) -> Option<usize> {
    let mut counts = HashMap::<usize, usize>::new();
    for reader in open.iter().flat_map(|file| &file.readers) {
        *counts.entry(*reader).or_default() += 1;
    }
    let owners = |file: &Candidate| file.readers.iter().map(|reader| counts[reader]).min();
    (0..open.len()).min_by_key(|number| {
        let file = &open[*number];
        (Reverse(owners(file).unwrap_or(usize::MAX)), file.used_at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files, each with its readers, in the order in which they were read from.
    #[track_caller]
    fn check(readers: &[&[usize]], expected: Option<usize>) {
        let file = |(number, readers): (usize, &&[usize])| Candidate {
            readers: readers.to_vec(),
            used_at: number as u64,
        };
        let open: Vec<_> = readers.iter().enumerate().map(file).collect();
        assert_eq!(least_needed(&open), expected, "{readers:?}");
    }

    #[test]
    fn whoever_has_most_loses_the_one_that_was_not_read_for_longest() {
        check(&[], None);
        check(&[&[1], &[2], &[3]], Some(0));
        check(&[&[1], &[2], &[2]], Some(1));
        check(&[&[1], &[1], &[2], &[2], &[2]], Some(2));
        check(&[&[1], &[2], &[2], &[]], Some(3));
    }

    #[test]
    fn a_file_of_several_readers_belongs_to_who_has_fewest() {
        check(&[&[1, 2], &[2], &[2]], Some(1));
        check(&[&[1, 2, 3], &[2, 3], &[2, 3], &[2], &[3]], Some(1));
        check(&[&[1, 2], &[1, 2]], Some(0));
    }
}
