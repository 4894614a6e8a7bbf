//! What is present in a live directory, whatever events have told.
//!
//! In: a directory. Out: the names of segments and parts in it, in no order but that of their numbers, and of what is neither.

use crate::events::stranger::{Stranger, stranger};
use livedir_layout::directory::{Directory, Entry, EntryKind};
use livedir_layout::files::PLAYLIST;
use livedir_layout::names::{looks_like_segment, number_of_name, part_of_name};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
};

/// What a live directory holds.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Names of segments.
    pub(crate) segments: Vec<String>,
    /// Names of parts, in their order.
    pub(crate) parts: Vec<String>,
    /// What is not listed: one name of each kind.
    pub(crate) strangers: BTreeMap<Stranger, String>,
}

/// The names of regular files. A name that is no text cannot stand in a playlist.
fn regular(directory: &dyn Directory, live: &Path, entries: Vec<Entry>) -> impl Iterator<Item = String> {
    let is_regular = |entry: &Entry| match (entry.kind, &entry.name) {
        (EntryKind::File, _) => true,
        (EntryKind::Directory, _) | (_, None) => false,
        // Where a link leads is not known yet.
        (EntryKind::Other, Some(name)) => {
            looks_like_segment(name)
                && directory.look_up(&live.join(name)).is_ok_and(|it| it.kind == EntryKind::File)
        }
    };
    let entries: Vec<_> = entries.into_iter().filter(is_regular).collect();
    entries.into_iter().filter_map(|entry| entry.name)
}

/// Whether a directory in the live directory has a playlist of its own: somebody lists its files, as with a rendition of ours.
pub(crate) fn has_playlist(directory: &dyn Directory, live: &Path, name: Option<&str>) -> bool {
    name.is_some_and(|name| directory.has(&live.join(name).join(PLAYLIST)))
}

/// All that lies in the live directory.
pub(crate) fn list_all(directory: &dyn Directory, live: &Path) -> io::Result<Listing> {
    let entries = directory.list(live)?;
    let mut strangers = BTreeMap::new();
    for entry in &entries {
        if let Some(kind) = stranger(entry.name.as_deref(), entry.kind)
            && !(kind == Stranger::Directory && has_playlist(directory, live, entry.name.as_deref()))
        {
            let name = || entry.name.clone().unwrap_or_default();
            strangers.entry(kind).or_insert_with(name);
        }
    }
    let (mut parts, mut others) = (Vec::new(), Vec::new());
    for name in regular(directory, live, entries) {
        match part_of_name(&name) {
            Some(part) => parts.push((part, name)),
            None if looks_like_segment(&name) => others.push(name),
            None => {}
        }
    }
    parts.sort();
    let parts = parts.into_iter().map(|(_, name)| name).collect();
    Ok(Listing { segments: others, parts, strangers })
}

/// The names in the live directory that end in .ts.
pub(crate) fn list(directory: &dyn Directory, live: &Path) -> io::Result<Vec<String>> {
    let entries = directory.list(live)?;
    Ok(regular(directory, live, entries).filter(|name| looks_like_segment(name)).collect())
}

/// The numbers in these names, of those that have ours.
pub(crate) fn numbers_of(names: &[String]) -> BTreeSet<u64> {
    names.iter().filter_map(|name| number_of_name(name)).collect()
}
