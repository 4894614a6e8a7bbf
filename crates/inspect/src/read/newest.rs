//! Newest: of any number of files the newest few, in bounded memory. Pure.
//!
//! livedir's own names and foreign ones are kept apart: the former are as new as their number, the latter as their time.

use crate::model::names::number_of;
use crate::model::survey::FileFound;
use crate::read::arrange::compare;

/// The newest files so far.
#[derive(Debug)]
pub(crate) struct Newest {
    most: usize,
    own: Vec<FileFound>,
    foreign: Vec<FileFound>,
}

impl Newest {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, own: Vec::new(), foreign: Vec::new() }
    }

    pub(crate) fn take(&mut self, file: FileFound) {
        let by_number = number_of(&file.name).is_some();
        let kept = if by_number { &mut self.own } else { &mut self.foreign };
        kept.push(file);
        // Sorted out only when as many again have come: the work stays in proportion to the files.
        if kept.len() >= self.most.saturating_mul(2) {
            cut(kept, self.most, by_number);
        }
    }

    /// At most so many of each kind, in no order.
    pub(crate) fn into_files(mut self) -> Vec<FileFound> {
        cut(&mut self.own, self.most, true);
        cut(&mut self.foreign, self.most, false);
        self.own.append(&mut self.foreign);
        self.own
    }
}

fn cut(files: &mut Vec<FileFound>, most: usize, by_number: bool) {
    if files.len() > most {
        files.select_nth_unstable_by(most, |left, right| compare(right, left, by_number));
        files.truncate(most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[track_caller]
    fn check(name: impl Fn(i64) -> String, second: impl Fn(i64) -> i64, expected: &[&str]) {
        let mut newest = Newest::new(3);
        for number in 1..=1_000 {
            // Every number once, in no order.
            let number = number * 389 % 1_009;
            let modified_at = Timestamp::from_second(second(number)).ok();
            let (name, parts) = (name(number), Vec::new());
            let is_parts_only = false;
            newest.take(FileFound { name, path: "".into(), modified_at, bytes: 1, parts, is_parts_only });
            assert!(newest.own.len() + newest.foreign.len() < 6);
        }
        let mut names: Vec<_> = newest.into_files().into_iter().map(|file| file.name).collect();
        names.sort();
        assert_eq!(names, expected);
    }

    #[test]
    fn files_of_ours_are_as_new_as_their_number() {
        check(
            |number| format!("live/seg-{number:08}.ts"),
            |number| -number,
            &["live/seg-00001006.ts", "live/seg-00001007.ts", "live/seg-00001008.ts"],
        );
    }

    #[test]
    fn foreign_files_are_as_new_as_their_time_and_then_their_name() {
        check(|number| format!("{number}.ts"), |number| -number, &["1.ts", "2.ts", "3.ts"]);
        check(|number| format!("{number}.ts"), |_| 0, &["1006.ts", "1007.ts", "1008.ts"]);
    }
}
