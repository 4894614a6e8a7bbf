//! Subject: the playlist that is meant by what was typed.
//!
//! In: an address. Out: that of a playlist. Looks into a directory; thin.

use std::io;
use std::path::{Path, PathBuf};

use crate::fetch::address::Address;
use livedir_address::shown;
use livedir_layout::files::{LOW_LATENCY_PLAYLIST, PLAYLIST};

/// Why there is no playlist. One line with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum SubjectError {
    /// Nothing of that name.
    #[error("{0} does not exist; check its name, or start the stream first")]
    Missing(String),
    /// A URL of another kind.
    #[error("{0} is neither a path nor the URL of a stream; write http:// or https://")]
    Scheme(String),
    /// A directory that cannot be read.
    #[error("cannot read {path}: {error}; make it readable for this user, or name another one")]
    Unreadable {
        /// Which.
        path: String,
        /// What the system says.
        error: io::Error,
    },
    /// A directory without a playlist.
    #[error("{0} has no stream.m3u8 and no other playlist; name one, or start the stream first")]
    None(String),
    /// A directory of directories with playlists, as `watch --channels` keeps them.
    #[error("{directory} has no stream.m3u8 of its own; name one of those below it: {names}")]
    Below {
        /// Which.
        directory: String,
        /// With commas.
        names: String,
    },
    /// A directory with more than one, none of which has the usual name.
    #[error("{directory} has several playlists; name one of them: {names}")]
    Several {
        /// Which.
        directory: String,
        /// With commas.
        names: String,
    },
}

/// The playlist at this address: itself, or the one in the directory.
pub(crate) fn playlist(subject: &Address) -> Result<Address, SubjectError> {
    let Address::File(path) = subject else { return Ok(subject.clone()) };
    let told = || path.display().to_string();
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => in_directory(path).map(Address::File),
        Ok(_) => Ok(subject.clone()),
        Err(error) if error.kind() == io::ErrorKind::NotFound && told().contains("://") => {
            Err(SubjectError::Scheme(shown(&told())))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(SubjectError::Missing(told())),
        Err(error) => Err(SubjectError::Unreadable { path: told(), error }),
    }
}

/// The playlist of a webroot whose page has this URL.
#[must_use]
pub(crate) fn in_webroot(page: &Address) -> Option<Address> {
    match page {
        Address::Url(url) if url.path().ends_with('/') => url.join(PLAYLIST).ok().map(Address::Url),
        _ => None,
    }
}

/// Where the low-latency playlist of a webroot would lie, when not a playlist but a webroot was typed, and this was found
/// in it.
#[must_use]
pub(crate) fn low_latency_beside(typed: &Address, found: &Address) -> Option<Address> {
    if typed == found || name(found) != PLAYLIST {
        return None;
    }
    found.resolve(LOW_LATENCY_PLAYLIST).ok()
}

fn in_directory(directory: &Path) -> Result<PathBuf, SubjectError> {
    let usual = directory.join(PLAYLIST);
    if usual.exists() {
        return Ok(usual);
    }
    let told = || directory.display().to_string();
    let unreadable = |error| SubjectError::Unreadable { path: told(), error };
    let (mut names, mut below) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let name = PathBuf::from(entry.map_err(unreadable)?.file_name());
        let is_work_in_progress = name.as_os_str().as_encoded_bytes().starts_with(b".");
        if name.extension().is_some_and(|extension| extension == "m3u8") && !is_work_in_progress {
            names.push(name);
        } else if !is_work_in_progress && directory.join(&name).join(PLAYLIST).is_file() {
            below.push(name.join(PLAYLIST));
        }
    }
    names.sort();
    below.sort();
    match names.as_slice() {
        [] if below.is_empty() => Err(SubjectError::None(told())),
        [] => Err(SubjectError::Below { directory: told(), names: listed(&below) }),
        [name] => Ok(directory.join(name)),
        names => {
            let names: Vec<_> = names.iter().map(|name| name.display().to_string()).collect();
            Err(SubjectError::Several { directory: told(), names: names.join(", ") })
        }
    }
}

/// More names than this are not read.
const MOST_NAMES: usize = 8;

/// `a/stream.m3u8, b/stream.m3u8 and 990 more`
fn listed(names: &[PathBuf]) -> String {
    let told: Vec<_> = names.iter().take(MOST_NAMES).map(|name| name.display().to_string()).collect();
    let more = names.len() - told.len();
    if more > 0 { format!("{} and {more} more", told.join(", ")) } else { told.join(", ") }
}

/// What findings call it: the last part of its path.
#[must_use]
pub(crate) fn name(playlist: &Address) -> String {
    let name = match playlist {
        Address::File(path) => path.file_name().map(|name| name.to_string_lossy().into_owned()),
        Address::Url(url) => url.path_segments().and_then(Iterator::last).map(str::to_owned),
    };
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| playlist.to_string())
}

#[cfg(test)]
mod tests {
    use std::fs::write;

    use super::*;

    #[track_caller]
    fn check(files: &[&str], expected: Result<&str, &str>) {
        let directory = tempfile::tempdir().unwrap();
        for file in files {
            write(directory.path().join(file), "").unwrap();
        }
        match (playlist(&Address::File(directory.path().to_owned())), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(name(&found), expected),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_directory_means_its_stream_or_its_only_playlist() {
        check(&["a.m3u8", "stream.m3u8"], Ok("stream.m3u8"));
        check(&["a.m3u8", ".b.m3u8", "a.ts"], Ok("a.m3u8"));
        check(&["a.m3u8", "b.m3u8"], Err("a.m3u8, b.m3u8"));
        check(&["a.ts"], Err("has no stream.m3u8"));
    }

    #[test]
    fn of_a_directory_of_channels_those_are_told_that_can_be_named() {
        let directory = tempfile::tempdir().unwrap();
        for channel in ["b", "a", "c"] {
            std::fs::create_dir(directory.path().join(channel)).unwrap();
            write(directory.path().join(channel).join(PLAYLIST), "").unwrap();
        }
        let error = playlist(&Address::File(directory.path().to_owned())).unwrap_err().to_string();
        assert!(
            error.ends_with("name one of those below it: a/stream.m3u8, b/stream.m3u8, c/stream.m3u8"),
            "{error}"
        );
        let many: Vec<_> = (0..20).map(|n| PathBuf::from(format!("{n}"))).collect();
        assert_eq!(listed(&many), "0, 1, 2, 3, 4, 5, 6, 7 and 12 more");
    }

    #[test]
    fn a_webroot_has_a_low_latency_playlist_beside_the_usual_one() {
        #[track_caller]
        fn check(typed: &str, found: &str, expected: Option<&str>) {
            let address = |text: &str| Address::typed(std::ffi::OsStr::new(text)).unwrap();
            let beside = low_latency_beside(&address(typed), &address(found));
            assert_eq!(beside.map(|it| it.to_string()).as_deref(), expected);
        }
        check("webroot", "webroot/stream.m3u8", Some("webroot/ll.m3u8"));
        check("webroot", "webroot/other.m3u8", None);
        check("webroot/stream.m3u8", "webroot/stream.m3u8", None);
        check("http://a.example/", "http://a.example/stream.m3u8", Some("http://a.example/ll.m3u8"));
    }

    #[test]
    fn a_url_is_called_by_the_end_of_its_path() {
        let address = |text: &str| Address::typed(std::ffi::OsStr::new(text)).unwrap();
        assert_eq!(name(&address("http://example.com/a/b.m3u8?token=1")), "b.m3u8");
        assert_eq!(name(&address("http://example.com")), "http://example.com/");
    }

    #[test]
    fn what_is_not_there_is_told_with_what_to_write_instead() {
        #[track_caller]
        fn check(typed: &str, expected: &str) {
            let error = playlist(&Address::typed(std::ffi::OsStr::new(typed)).unwrap()).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
        check("nothing/here", "nothing/here does not exist; check its name, or start the stream first");
        check("rtsp://example.com/stream", "write http:// or https://");
    }
}
