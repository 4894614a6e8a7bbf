//! Scan: a walk through the directories of a stream: the segments that are there, and the parts of those that are being made.
//!
//! In: a [`Subject`] and what its playlist lists. Out: a [`Scan`]. Looks at names and sizes and reads nothing. On the caller's
//! thread. Memory grows with the rows asked for and the playlist, not with the files.

use crate::model::inventory::DiskUse;
use crate::model::listing::PlaylistListing;
use crate::model::names::{directory_of, number_of};
use crate::model::survey::{FileFound, PartFound};
use crate::read::file_times::{changed_at, modified_at};
use crate::read::newest::Newest;
use crate::read::parts::{PartName, PartsOnDisk};
use crate::read::subject::Subject;
use livedir_layout::formats::is_unfinished_media;
use livedir_layout::names::looks_like_segment;
use std::{
    collections::{BTreeSet, HashSet},
    fs, io,
    path::Path,
};

/// What a walk found.
pub(crate) struct Scan {
    /// All files.
    pub(crate) disk: DiskUse,
    /// Names that are listed and there.
    pub(crate) listed: HashSet<String>,
    /// The files of those.
    pub(crate) listed_files: Vec<FileFound>,
    /// The newest files that are not listed, and more of them.
    pub(crate) other_files: Vec<FileFound>,
    /// Segments of which nothing but parts is there.
    pub(crate) parts_only: Vec<FileFound>,
}

/// A directory a day for two months. More than that is left out.
const MOST_DIRECTORIES: usize = 64;

/// Walks. With `only_listed`, files that have nothing to do with the playlist are left out. The newest `rows` files are
/// kept.
pub(crate) fn scan(
    place: &Subject,
    listing: Option<&PlaylistListing>,
    only_listed: bool,
    rows: usize,
) -> io::Result<Scan> {
    let entries = listing.map(|listing| &listing.entries[..]).unwrap_or_default();
    let mut walk = Walk {
        place,
        only_listed,
        listed_names: entries.iter().map(|entry| entry.name.as_str()).collect(),
        last_name: entries.last().map(|entry| entry.name.as_str()),
        disk: DiskUse::default(),
        listed_files: Vec::new(),
        newest: Newest::new(rows),
        newest_number: None,
        parts: PartsOnDisk::new(listing, rows),
    };
    let mut directories: BTreeSet<String> = place.segment_directories.iter().cloned().collect();
    directories.extend(
        entries
            .iter()
            .rev()
            .filter_map(|entry| directory_of(&entry.name))
            .map(str::to_owned)
            .take(MOST_DIRECTORIES),
    );
    for directory in directories.iter().take(MOST_DIRECTORIES) {
        walk.through(directory)?;
    }
    Ok(walk.end())
}

struct Walk<'a> {
    place: &'a Subject,
    only_listed: bool,
    listed_names: HashSet<&'a str>,
    last_name: Option<&'a str>,
    disk: DiskUse,
    listed_files: Vec<FileFound>,
    newest: Newest,
    /// Of all files under names of livedir's own.
    newest_number: Option<u64>,
    parts: PartsOnDisk,
}

impl Walk<'_> {
    fn through(&mut self, directory: &str) -> io::Result<()> {
        let listing = match fs::read_dir(self.place.directory.join(directory)) {
            Ok(listing) => listing,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in listing {
            let entry = entry?;
            let file_name = entry.file_name().to_string_lossy().into_owned();
            if is_unfinished_media(&file_name) {
                self.disk.unfinished += 1;
                continue;
            }
            let is_named_so = looks_like_segment(&file_name);
            let name = if directory.is_empty() { file_name } else { format!("{directory}/{file_name}") };
            if self.listed_names.contains(name.as_str()) {
                self.take(name, &entry.path());
            } else if let Some(part) = self.parts.read(&name) {
                self.take_part(part, &entry.path());
            } else if is_named_so && !self.only_listed {
                self.take(name, &entry.path());
            }
        }
        Ok(())
    }

    fn take(&mut self, name: String, path: &Path) {
        // What vanishes meanwhile is gone.
        let Some(file) = found(name, path) else { return };
        self.disk.segments += 1;
        self.disk.segment_bytes += file.bytes;
        self.date(&file);
        self.newest_number = self.newest_number.max(number_of(&file.name));
        if self.listed_names.contains(file.name.as_str()) {
            self.listed_files.push(file);
        } else {
            self.newest.take(file);
        }
    }

    fn take_part(&mut self, name: PartName, path: &Path) {
        if self.only_listed && !self.belongs(&name) {
            return;
        }
        let Some(file) = found(String::new(), path) else { return };
        let came_at = fs::metadata(path).ok().as_ref().and_then(changed_at);
        self.disk.parts += 1;
        self.disk.part_bytes += file.bytes;
        self.date(&file);
        let FileFound { path, modified_at, bytes, .. } = file;
        let part = PartFound { index: name.index, path, modified_at, came_at, bytes };
        self.parts.take(name, part);
    }

    /// Whether its segment is listed, or is newer than the last one listed and lies beside it.
    fn belongs(&self, part: &PartName) -> bool {
        let (Some(of_part), Some(last)) = (part.number, self.last_name) else { return part.number.is_none() };
        let is_beside = directory_of(&part.segment) == directory_of(last);
        let is_newer = is_beside && number_of(last).is_some_and(|of_last| of_part > of_last);
        is_newer || self.listed_names.contains(part.segment.as_str())
    }

    fn date(&mut self, file: &FileFound) {
        let oldest = [self.disk.oldest_modified_at, file.modified_at];
        self.disk.oldest_modified_at = oldest.into_iter().flatten().min();
        self.disk.newest_modified_at = self.disk.newest_modified_at.max(file.modified_at);
    }

    fn end(self) -> Scan {
        let Self { mut disk, mut listed_files, newest, newest_number, mut parts, .. } = self;
        let mut other_files = newest.into_files();
        for file in listed_files.iter_mut().chain(&mut other_files) {
            file.parts = parts.remove(&file.name);
        }
        let mut parts_only = Vec::new();
        for (segment, is_ours, parts) in parts.into_segments() {
            let path = self.place.directory.join(&segment);
            // Older files than are kept have parts too; one that is newer than all has come since the walk.
            match found(segment.clone(), &path).filter(|_| is_ours) {
                Some(file) if number_of(&segment) > newest_number => {
                    disk.segments += 1;
                    disk.segment_bytes += file.bytes;
                    other_files.push(FileFound { parts, ..file });
                }
                Some(_) => {}
                None => parts_only.push(together(segment, &path, parts)),
            }
        }
        let listed = listed_files.iter().map(|file| file.name.clone()).collect();
        Scan { disk, listed, listed_files, other_files, parts_only }
    }
}

fn found(name: String, path: &Path) -> Option<FileFound> {
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some(FileFound {
        name,
        path: path.to_owned(),
        modified_at: modified_at(&metadata),
        bytes: metadata.len(),
        parts: Vec::new(),
        is_parts_only: false,
    })
}

/// A segment of which nothing but parts is there.
fn together(name: String, path: &Path, parts: Vec<PartFound>) -> FileFound {
    FileFound {
        name,
        path: path.to_owned(),
        modified_at: parts.iter().filter_map(|part| part.modified_at).max(),
        bytes: parts.iter().map(|part| part.bytes).sum(),
        parts,
        is_parts_only: true,
    }
}
