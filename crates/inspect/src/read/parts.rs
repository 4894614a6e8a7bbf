//! Parts on disk: which files are parts of which segment. Pure.
//!
//! livedir's own are told by their names, `seg-00000042.p03.ts`; those of others by the playlist that lists them.

use crate::model::listing::PlaylistListing;
use crate::model::names::{file_name, number_of};
use crate::model::survey::PartFound;
use livedir_layout::formats::is_media;
use livedir_layout::names::{part_of_name, segment_name};
use std::collections::{BTreeMap, HashMap};

/// What a name says of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PartName {
    /// The segment, relative to the playlist. It may not be there yet.
    pub(crate) segment: String,
    /// Its number; `None` where the name is not livedir's own.
    pub(crate) number: Option<u64>,
    /// Its place among the parts of its segment.
    pub(crate) index: u32,
}

/// Parts on disk, of the newest segments that have some.
#[derive(Debug)]
pub(crate) struct PartsOnDisk {
    most_segments: usize,
    /// Parts under names that say nothing to us, by name.
    listed: HashMap<String, PartName>,
    /// By number and name of the segment, so that the oldest come first; those without a number last.
    by_segment: BTreeMap<(u64, String), Vec<PartFound>>,
}

impl PartsOnDisk {
    /// Keeps those of at most so many segments, and of those that `listing` tells of.
    pub(crate) fn new(listing: Option<&PlaylistListing>, most_segments: usize) -> Self {
        let mut listed = HashMap::new();
        let segments = listing.iter().flat_map(|listing| {
            let open = listing.open_parts.first().map(|first| (first.as_str(), &listing.open_parts));
            let closed = listing.entries.iter().map(|entry| (entry.name.as_str(), &entry.parts));
            closed.chain(open)
        });
        for (segment, parts) in segments {
            for (index, name) in (0..).zip(parts).filter(|(_, name)| is_media(file_name(name))) {
                let part = PartName { segment: segment.to_owned(), number: None, index };
                listed.insert(name.clone(), part);
            }
        }
        Self { most_segments, listed, by_segment: BTreeMap::new() }
    }

    /// Whether the file of this name, relative to the playlist, is a part, and of what.
    pub(crate) fn read(&self, name: &str) -> Option<PartName> {
        part_name(name).or_else(|| self.listed.get(name).cloned())
    }

    /// Takes a part in.
    pub(crate) fn take(&mut self, name: PartName, found: PartFound) {
        self.by_segment.entry((name.number.unwrap_or(u64::MAX), name.segment)).or_default().push(found);
        let is_oldest_ours = |parts: &Self| parts.by_segment.keys().next().is_some_and(|it| it.0 < u64::MAX);
        if self.by_segment.len() > self.most_segments && is_oldest_ours(self) {
            self.by_segment.pop_first();
        }
    }

    /// The parts of this segment, in order.
    pub(crate) fn remove(&mut self, segment: &str) -> Vec<PartFound> {
        let number = number_of(segment);
        let key = |number| (number, segment.to_owned());
        let ours = number.and_then(|number| self.by_segment.remove(&key(number)));
        in_order(ours.or_else(|| self.by_segment.remove(&key(u64::MAX))).unwrap_or_default())
    }

    /// What is left: names of segments with their parts in order, and whether the name is one of livedir's own. Others have that
    /// of their first part.
    pub(crate) fn into_segments(self) -> impl Iterator<Item = (String, bool, Vec<PartFound>)> {
        self.by_segment
            .into_iter()
            .map(|((number, segment), parts)| (segment, number < u64::MAX, in_order(parts)))
    }
}

fn in_order(mut parts: Vec<PartFound>) -> Vec<PartFound> {
    parts.sort_by_key(|part| part.index);
    parts
}

/// What the name of a part of livedir's own says.
pub(crate) fn part_name(name: &str) -> Option<PartName> {
    let file_name = file_name(name);
    let (number, index) = part_of_name(file_name)?;
    let directory = &name[..name.len() - file_name.len()];
    Some(PartName { segment: format!("{directory}{}", segment_name(number)), number: Some(number), index })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::listing::read;
    use std::path::PathBuf;

    fn taken(parts: &mut PartsOnDisk, name: &str) {
        let name = parts.read(name).unwrap_or_else(|| panic!("{name} is a part"));
        let index = name.index;
        parts.take(
            name,
            PartFound { index, path: PathBuf::new(), modified_at: None, came_at: None, bytes: 1 },
        );
    }

    #[track_caller]
    fn check(mut parts: PartsOnDisk, names: &[&str], expected: &[(&str, &[u32])]) {
        for name in names {
            taken(&mut parts, name);
        }
        let found: Vec<_> = parts
            .into_segments()
            .map(|(segment, _, parts)| (segment, parts.iter().map(|part| part.index).collect::<Vec<_>>()))
            .collect();
        let found: Vec<_> = found.iter().map(|(segment, parts)| (segment.as_str(), &parts[..])).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn parts_of_ours_belong_to_the_segment_of_their_number_in_their_directory() {
        check(
            PartsOnDisk::new(None, 9),
            &["live/seg-00000007.p01.ts", "live/seg-00000007.p00.ts", "seg-00000008.p100.ts"],
            &[("live/seg-00000007.ts", &[0, 1]), ("seg-00000008.ts", &[100])],
        );
        let parts = PartsOnDisk::new(None, 9);
        for name in ["live/seg-00000007.ts", "live/seg-00000007.p1.ts", "live/other.p01.ts"] {
            assert_eq!(parts.read(name), None, "{name}");
        }
    }

    #[test]
    fn parts_of_others_belong_where_the_playlist_lists_them() {
        let part = |name: &str| format!("#EXT-X-PART:DURATION=1,URI=\"{name}\"\n");
        let list =
            [part("a-1.ts"), part("a-2.ts"), "#EXTINF:2,\na.ts\n".to_owned(), part("b%20-1.ts")].concat();
        let (listing, _) = read(&format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{list}"));
        check(
            PartsOnDisk::new(Some(&listing), 9),
            &["a-2.ts", "a-1.ts", "b -1.ts"],
            &[("a.ts", &[0, 1]), ("b -1.ts", &[0])],
        );
    }

    #[test]
    fn of_many_segments_the_parts_of_the_newest_are_kept() {
        let names: Vec<String> = (1..=1_000).map(|number| part_file(number * 389 % 1_009)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        check(
            PartsOnDisk::new(None, 2),
            &names,
            &[("live/seg-00001007.ts", &[0]), ("live/seg-00001008.ts", &[0])],
        );
    }

    fn part_file(number: u64) -> String {
        format!("live/{}", livedir_layout::names::part_name(number, 0))
    }
}
