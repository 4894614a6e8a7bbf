//! Place: what a path means, whoever writes there: a directory, a playlist or a segment.
//!
//! In: the path that was typed. Out: a [`Place`]. Looks at names only, on the caller's thread.

use crate::{
    playlist_file::PLAYLIST,
    segment_name::{LIVE, looks_like_segment},
};
use std::{
    cmp::Reverse,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What was typed.
    pub named: String,
    /// The playlist's directory, or where it would be.
    pub directory: PathBuf,
    /// The playlist.
    pub playlist: Option<PathBuf>,
    /// Where segments lie, relative to `directory`, beside where the playlist says.
    pub segment_directories: Vec<String>,
    /// The one segment that was named.
    pub segment: Option<PathBuf>,
    /// What is to be said of the choice.
    pub notes: Vec<String>,
}

/// Why there is nothing to look at.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Nothing is there, or it is closed.
    #[error("cannot look at {}: {source}; name a directory, a playlist (.m3u8) or a segment (.ts)", path.display())]
    Unreadable {
        /// What was named.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Something else.
    #[error("{} is no directory, playlist (.m3u8) or segment (.ts); name one of these", .0.display())]
    SomethingElse(PathBuf),
}

/// Directories in which a playlist is looked for where there is none.
const MOST_DIRECTORIES_BELOW: usize = 60;

/// Finds out what a path means.
pub fn place(path: &Path) -> Result<Place, PlaceError> {
    let unreadable = |source| PlaceError::Unreadable { path: path.to_owned(), source };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    let named = path.display().to_string();
    if metadata.is_dir() {
        return Ok(Place { named, ..of_directory(path).map_err(unreadable)? });
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if is_playlist(path) {
        let playlists = vec![(SystemTime::UNIX_EPOCH, path.to_owned())];
        return Ok(Place { named, ..choose(parent, playlists, vec![String::new(), LIVE.to_owned()]) });
    }
    let is_segment = path.file_name().and_then(|name| name.to_str()).is_some_and(looks_like_segment);
    if metadata.is_file() && is_segment {
        // What lists it lies beside it or around it, and not below.
        let (playlists, _) = look(parent).map_err(unreadable)?;
        let around = match webroot_around(parent).filter(|_| playlists.is_empty()) {
            Some(webroot) => of_directory(&webroot).map_err(unreadable)?,
            None => choose(parent, playlists, vec![String::new()]),
        };
        return Ok(Place { named, segment: Some(path.to_owned()), notes: Vec::new(), ..around });
    }
    Err(PlaceError::SomethingElse(path.to_owned()))
}

fn of_directory(directory: &Path) -> io::Result<Place> {
    let (playlists, below) = look(directory)?;
    if playlists.is_empty()
        && let Some(webroot) = webroot_around(directory)
    {
        return of_directory(&webroot);
    }
    if !playlists.is_empty() {
        return Ok(choose(directory, playlists, vec![String::new(), LIVE.to_owned()]));
    }
    // Neither a playlist nor segments of livedir's: both may lie one step down.
    let below = below.into_iter().take(MOST_DIRECTORIES_BELOW);
    let (mut found, mut segment_directories) = (Vec::new(), vec![String::new()]);
    for name in below {
        found.extend(look(&directory.join(&name)).map(|(playlists, _)| playlists).unwrap_or_default());
        segment_directories.push(name);
    }
    match found.iter().max().and_then(|(_, newest)| newest.parent()).map(Path::to_owned) {
        Some(directory) => of_directory(&directory),
        None => Ok(choose(directory, Vec::new(), segment_directories)),
    }
}

/// A playlist, and when it was written.
type Dated = (SystemTime, PathBuf);

/// The playlists in a directory with their times, and the directories in it.
fn look(directory: &Path) -> io::Result<(Vec<Dated>, Vec<String>)> {
    let (mut playlists, mut below) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
        // Files that can be segments are many, and are not asked what they are.
        if looks_like_segment(name) {
            continue;
        }
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => below.push(name.to_owned()),
            Ok(metadata) if metadata.is_file() && is_playlist(&path) => {
                playlists.push((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), path));
            }
            _ => {}
        }
    }
    Ok((playlists, below))
}

/// livedir's own playlist, or else the one that was written last.
fn choose(directory: &Path, mut playlists: Vec<Dated>, segment_directories: Vec<String>) -> Place {
    playlists.sort_by_cached_key(|(written_at, path)| {
        (Reverse(path.ends_with(PLAYLIST)), Reverse(*written_at), path.clone())
    });
    let mut playlists = playlists.into_iter().map(|(_, path)| path);
    let playlist = playlists.next();
    let others: Vec<String> =
        playlists.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
    let notes = match &others[..] {
        [] => Vec::new(),
        others => vec![format!("not looked at: {}; name one to see it", others.join(", "))],
    };
    Place {
        named: String::new(),
        directory: directory.to_owned(),
        playlist,
        segment_directories,
        segment: None,
        notes,
    }
}

/// The webroot, where its `live/` was named.
fn webroot_around(directory: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(directory).ok()?;
    let webroot = absolute.parent().filter(|_| absolute.ends_with(LIVE))?;
    webroot.join(PLAYLIST).is_file().then(|| webroot.to_owned())
}

fn is_playlist(path: &Path) -> bool {
    let is_dotted = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    !is_dotted && path.extension().is_some_and(|ending| ending == "m3u8")
}
