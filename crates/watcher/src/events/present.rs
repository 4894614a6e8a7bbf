//! What is present in a live directory, whatever events have told.
//!
//! In: a directory. Out: the names of segments and parts in it, in no order but that of their numbers.

use livedir_layout::directory::{Directory, Entry, EntryKind};
use livedir_layout::names::{looks_like_segment, number_of_name, part_of_name};
use std::{collections::BTreeSet, io, path::Path};

/// The names of regular files. A name that is no text cannot stand in a playlist.
fn regular(directory: &dyn Directory, live: &Path) -> io::Result<impl Iterator<Item = String>> {
    let is_regular = |entry: &Entry| match (entry.kind, &entry.name) {
        (EntryKind::File, _) => true,
        (EntryKind::Directory, _) | (_, None) => false,
        // Where a link leads is not known yet.
        (EntryKind::Other, Some(name)) => {
            looks_like_segment(name)
                && directory.look_up(&live.join(name)).is_ok_and(|it| it.kind == EntryKind::File)
        }
    };
    let entries: Vec<_> = directory.list(live)?.into_iter().filter(is_regular).collect();
    Ok(entries.into_iter().filter_map(|entry| entry.name))
}

/// The names in the live directory that end in .ts, and those of parts, in their order.
pub(crate) fn list_all(directory: &dyn Directory, live: &Path) -> io::Result<(Vec<String>, Vec<String>)> {
    let names = regular(directory, live)?;
    let (mut parts, mut others) = (Vec::new(), Vec::new());
    for name in names {
        match part_of_name(&name) {
            Some(part) => parts.push((part, name)),
            None if looks_like_segment(&name) => others.push(name),
            None => {}
        }
    }
    parts.sort();
    Ok((others, parts.into_iter().map(|(_, name)| name).collect()))
}

/// The names in the live directory that end in .ts.
pub(crate) fn list(directory: &dyn Directory, live: &Path) -> io::Result<Vec<String>> {
    Ok(regular(directory, live)?.filter(|name| looks_like_segment(name)).collect())
}

/// The numbers in these names, of those that have ours.
pub(crate) fn numbers_of(names: &[String]) -> BTreeSet<u64> {
    names.iter().filter_map(|name| number_of_name(name)).collect()
}
