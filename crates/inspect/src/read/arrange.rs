//! Arrange: files and entries of the playlist, in one line from old to new. Pure.
//!
//! Listed segments keep the order of the playlist. Others find their place among them by their number where all names are
//! livedir's own, by the time of the file (and natural order) otherwise.

use crate::model::listing::Entry;
use crate::model::names::number_of;
use crate::model::survey::{FileFound, Slot, Standing};
use livedir_layout::natural_order::natural_order;
use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
};

/// Lines up `entries` and `files`.
pub(crate) fn arrange(entries: &[Entry], files: Vec<FileFound>) -> Vec<Slot> {
    let by_number = files.iter().all(|file| number_of(&file.name).is_some());
    let names: HashSet<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    let (listed, mut others): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| names.contains(file.name.as_str()));
    let listed: HashMap<&str, &FileFound> = listed.iter().map(|file| (file.name.as_str(), file)).collect();
    others.sort_by(|left, right| compare(left, right, by_number));

    // How many of the others stand before each entry, from the last one back; the rest stands behind them all.
    let mut stand_before = vec![0; entries.len()];
    let mut older = others.len();
    for (index, entry) in entries.iter().enumerate().rev() {
        older = match (number_of(&entry.name), listed.get(entry.name.as_str())) {
            (Some(of_entry), _) if by_number => {
                others[..older].partition_point(|other| number_of(&other.name) < Some(of_entry))
            }
            (_, Some(file)) => {
                others[..older].partition_point(|other| compare(other, file, by_number) == Ordering::Less)
            }
            (_, None) => older,
        };
        stand_before[index] = older;
    }

    let mut slots = Vec::with_capacity(entries.len() + others.len());
    let mut others = others.into_iter().enumerate().peekable();
    for (index, (entry, stand_before)) in entries.iter().zip(stand_before).enumerate() {
        let standing = if index == 0 { Standing::Before } else { Standing::Between };
        while let Some((_, file)) = others.next_if(|(at, _)| *at < stand_before) {
            slots.push(Slot { entry: None, file: Some(file), contents: None, standing });
        }
        let file = listed.get(entry.name.as_str()).map(|file| FileFound::clone(file));
        slots.push(Slot { entry: Some(entry.clone()), file, contents: None, standing: Standing::Listed });
    }
    let standing = if entries.is_empty() { Standing::Alone } else { Standing::After };
    slots.extend(others.map(|(_, file)| Slot { entry: None, file: Some(file), contents: None, standing }));
    slots
}

/// Older first. Files of livedir's own come by number, which no clock can set back.
pub(crate) fn compare(left: &FileFound, right: &FileFound, by_number: bool) -> Ordering {
    if by_number {
        return number_of(&left.name).cmp(&number_of(&right.name)).then_with(|| left.name.cmp(&right.name));
    }
    left.modified_at.cmp(&right.modified_at).then_with(|| natural_order(&left.name, &right.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn entries(names: &[&str]) -> Vec<Entry> {
        (7..)
            .zip(names)
            .map(|(media_sequence, name)| Entry {
                media_sequence,
                name: (*name).to_owned(),
                duration_s: 2.0,
                program_date_time: None,
                discontinuity: false,
                is_gap: false,
                is_part_of_file: false,
                lost_parts: 0,
                parts: Vec::new(),
            })
            .collect()
    }

    fn files(files: &[(&str, i64)]) -> Vec<FileFound> {
        files
            .iter()
            .map(|(name, second)| FileFound {
                name: (*name).to_owned(),
                path: (*name).into(),
                modified_at: Timestamp::from_second(*second).ok(),
                bytes: 1,
                parts: Vec::new(),
                is_parts_only: false,
            })
            .collect()
    }

    #[track_caller]
    fn check(listed: &[&str], on_disk: &[(&str, i64)], expected: &[(&str, Standing)]) {
        let slots = arrange(&entries(listed), files(on_disk));
        let found: Vec<_> = slots.iter().map(|slot| (slot.name(), slot.standing)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn files_of_ours_stand_by_number_whatever_their_time() {
        check(
            &["live/seg-00000003.ts", "live/seg-00000005.ts"],
            &[
                ("live/seg-00000006.ts", 1),
                ("live/seg-00000005.ts", 5),
                ("live/seg-00000004.ts", 9),
                ("live/seg-00000002.ts", 9),
            ],
            &[
                ("live/seg-00000002.ts", Standing::Before),
                ("live/seg-00000003.ts", Standing::Listed),
                ("live/seg-00000004.ts", Standing::Between),
                ("live/seg-00000005.ts", Standing::Listed),
                ("live/seg-00000006.ts", Standing::After),
            ],
        );
    }

    #[test]
    fn foreign_files_stand_by_time_and_then_by_natural_order() {
        check(
            &["b.ts", "a.ts"],
            &[("a.ts", 5), ("b.ts", 3), ("x10.ts", 5), ("x9.ts", 5), ("old.ts", 1), ("mid.ts", 4)],
            &[
                ("old.ts", Standing::Before),
                ("b.ts", Standing::Listed),
                ("mid.ts", Standing::Between),
                ("a.ts", Standing::Listed),
                ("x9.ts", Standing::After),
                ("x10.ts", Standing::After),
            ],
        );
    }

    #[test]
    fn without_a_playlist_every_file_stands_alone() {
        check(&[], &[("b.ts", 2), ("a.ts", 1)], &[("a.ts", Standing::Alone), ("b.ts", Standing::Alone)]);
    }

    #[test]
    fn a_file_that_is_listed_twice_stands_twice() {
        check(
            &["a.ts", "b.ts", "a.ts"],
            &[("a.ts", 1), ("b.ts", 2)],
            &[("a.ts", Standing::Listed), ("b.ts", Standing::Listed), ("a.ts", Standing::Listed)],
        );
    }
}
