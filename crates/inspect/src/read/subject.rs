//! Subject: what a path means, whoever writes there: a directory, a playlist or a segment.
//!
//! In: the path that was typed. Out: a [`Subject`]. Looks at names, and into playlists where there are several to choose from.
//! On the caller's thread.

use livedir_layout::files::PLAYLIST;
use livedir_layout::formats::is_media;
use livedir_layout::names::LIVE;
use livedir_layout::natural_order::natural_order;
use livedir_playlist::{Listing, read_listing};
use std::{
    cmp::Reverse,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    /// What was typed.
    pub named: String,
    /// The playlist's directory, or where it would be.
    pub directory: PathBuf,
    /// The playlist.
    pub playlist: Option<PathBuf>,
    /// Where segments lie, relative to `directory`, beside where the playlist says.
    pub segment_directories: Vec<String>,
    /// Whether files that the playlist does not list have nothing to do with it.
    pub only_listed: bool,
    /// The one segment, or part of one, that was named.
    pub segment: Option<PathBuf>,
    /// Playlists beside it that are not looked at.
    pub others: Vec<String>,
}

/// Why there is nothing to look at.
#[derive(Debug, thiserror::Error)]
pub enum SubjectError {
    /// Nothing of that name.
    #[error("{} does not exist; check its name, or start the stream first", .0.display())]
    Missing(PathBuf),
    /// It is there, but out of reach.
    #[error("cannot read {}: {source}; make it readable for this user, or name another one", path.display())]
    Unreadable {
        /// What was named.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Something else.
    #[error("{} is not a directory, playlist (.m3u8) or segment (.ts); name one of these", .0.display())]
    SomethingElse(PathBuf),
}

/// Directories in which a playlist is looked for where there is none.
const MOST_DIRECTORIES_BELOW: usize = 60;

/// Finds out what a path means.
pub(crate) fn place(path: &Path) -> Result<Subject, SubjectError> {
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => SubjectError::Missing(path.to_owned()),
        _ => SubjectError::Unreadable { path: path.to_owned(), source },
    };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    let named = path.display().to_string();
    if metadata.is_dir() {
        return Ok(Subject { named, ..of_directory(path).map_err(unreadable)? });
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if is_playlist(path) {
        let playlists = vec![(SystemTime::UNIX_EPOCH, path.to_owned())];
        return Ok(Subject { named, ..choose(parent, playlists, vec![String::new(), LIVE.to_owned()]) });
    }
    let is_segment = path.file_name().and_then(|name| name.to_str()).is_some_and(is_media);
    if metadata.is_file() && is_segment {
        // What lists it lies beside it or around it, and not below.
        let (playlists, _) = look(parent).map_err(unreadable)?;
        let around = match webroot_around(parent).filter(|_| playlists.is_empty()) {
            Some(webroot) => of_directory(&webroot).map_err(unreadable)?,
            None => choose(parent, those_that_name(path, playlists), vec![String::new()]),
        };
        return Ok(Subject { named, segment: Some(path.to_owned()), others: Vec::new(), ..around });
    }
    Err(SubjectError::SomethingElse(path.to_owned()))
}

fn of_directory(directory: &Path) -> io::Result<Subject> {
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
        Some(chosen) => {
            let mut place = of_directory(&chosen)?;
            let elsewhere = found.iter().filter(|(_, path)| path.parent() != Some(&chosen));
            let name = |path: &Path| path.strip_prefix(directory).unwrap_or(path).display().to_string();
            place.others.extend(elsewhere.map(|(_, path)| name(path)));
            place.others.sort_by(|left, right| natural_order(left, right));
            Ok(place)
        }
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
        // Files that can be segments or parts are many, and are not asked what they are.
        if is_media(name) {
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

/// Those that list the segment, or all if none does.
fn those_that_name(segment: &Path, playlists: Vec<Dated>) -> Vec<Dated> {
    let Some(name) = segment.file_name().and_then(|name| name.to_str()) else { return playlists };
    let is_listed =
        |(_, path): &&Dated| read_head(path).lines().any(|line| line.trim().rsplit('/').next() == Some(name));
    let naming: Vec<_> = playlists.iter().filter(is_listed).cloned().collect();
    if naming.is_empty() { playlists } else { naming }
}

/// Whether it lists playlists.
fn is_multivariant(path: &Path) -> bool {
    matches!(read_listing(&read_head(path)), Listing::Multivariant(_))
}

/// As much of a playlist as is read before it is chosen: a day of 2 s segments.
const LONGEST_HEAD_BYTES: u64 = 4 << 20;

fn read_head(path: &Path) -> String {
    let mut bytes = Vec::new();
    // What cannot be read says nothing.
    let _ = File::open(path).and_then(|file| file.take(LONGEST_HEAD_BYTES).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// livedir's own playlist, or else one that lists others, or else the one that was written last.
fn choose(directory: &Path, mut playlists: Vec<Dated>, segment_directories: Vec<String>) -> Subject {
    let is_one_of_several = playlists.len() > 1;
    playlists.sort_by_cached_key(|(written_at, path)| {
        let is_above = is_one_of_several && is_multivariant(path);
        (Reverse(path.ends_with(PLAYLIST)), Reverse(is_above), Reverse(*written_at), path.clone())
    });
    let mut playlists = playlists.into_iter().map(|(_, path)| path);
    let playlist = playlists.next();
    let others =
        playlists.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
    Subject {
        named: String::new(),
        directory: directory.to_owned(),
        playlist,
        segment_directories,
        only_listed: false,
        segment: None,
        others,
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
