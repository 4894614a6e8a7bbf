//! File list: an `.m3u` that names films of this machine, played one after the other.
//!
//! In: the text of the list and where it lies. Out: the addresses of its films, and what is the matter with those that are not there.
//! Pure but for [`read`] and [`missing`]. A list of HLS, which looks much the same, is left to libav.

use super::address::InputAddress;
use super::error::InputError;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Some ten thousand films: more is no list.
const MOST_BYTES: u64 = 1 << 20;

/// So many films that are not there are told one by one.
const MOST_MISSING_TOLD: usize = 10;

/// A film of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Where it is.
    pub(crate) film: InputAddress,
    /// The line of the list that names it, from 1.
    pub(crate) line: usize,
}

/// The films of a list; nothing if the address is something else.
pub(crate) fn read(address: &InputAddress) -> Result<Option<Vec<Listed>>, InputError> {
    let InputAddress::File(path) = address else { return Ok(None) };
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    if extension != "m3u" && extension != "m3u8" {
        return Ok(None);
    }
    let mut text = Vec::new();
    // libav says why a file cannot be opened.
    let Ok(file) = std::fs::File::open(path) else { return Ok(None) };
    let Ok(_) = file.take(MOST_BYTES).read_to_end(&mut text) else { return Ok(None) };
    let text = String::from_utf8_lossy(&text);
    if text.contains("#EXT-X-") {
        return Ok(None);
    }
    films(&text, path.parent().unwrap_or(Path::new("")))
        .map(Some)
        .map_err(|(reason, remedy)| InputError::List { name: address.to_string(), reason, remedy })
}

/// What is said of a film of a list that cannot be played: the same at the start and when its turn comes, so that it is told once.
pub(crate) fn left_out(error: &InputError) -> String {
    format!("{error}; it is left out unless that changes")
}

/// A line for each film of `list` that cannot be opened now. It may be there when its turn comes.
pub(crate) fn missing(list: &InputAddress, films: &[Listed]) -> Vec<String> {
    let errors = films.iter().filter_map(|listed| Some((listed, why_missing(&listed.film)?)));
    let mut lines: Vec<String> =
        errors.map(|(listed, error)| left_out(&error.in_list(list, listed.line))).collect();
    if lines.len() > MOST_MISSING_TOLD {
        let more = lines.len() - MOST_MISSING_TOLD;
        lines.truncate(MOST_MISSING_TOLD);
        lines.push(format!("{list}: {more} more of its films cannot be opened"));
    }
    lines
}

/// Why a film cannot be opened now. What is no file is not tried: a pipe would wait for its other end.
fn why_missing(film: &InputAddress) -> Option<InputError> {
    let InputAddress::File(path) = film else { return None };
    let opened = match path.metadata() {
        Ok(metadata) if metadata.is_dir() => return Some(InputError::Directory(film.to_string())),
        Ok(metadata) if !metadata.is_file() => return None,
        Ok(_) => std::fs::File::open(path).map(|_| ()),
        Err(error) => Err(error),
    };
    match opened.err()?.kind() {
        ErrorKind::PermissionDenied => Some(InputError::PermissionDenied(film.to_string())),
        _ => Some(InputError::NoSuchFile(film.to_string())),
    }
}

/// A list has one path to a line, relative to where it lies; lines with `#` are remarks.
fn films(text: &str, directory: &Path) -> Result<Vec<Listed>, (String, &'static str)> {
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let films = lines.map(|(nr, line)| {
        let path = line.strip_prefix("file://").unwrap_or(line);
        // As in a local HLS playlist: who opens a file that came by mail does not expect it to call anybody.
        if path.contains("://") {
            let named = InputAddress::Url(path.to_owned());
            return Err((
                format!("line {} names {named}", nr + 1),
                "a list can name files of this machine only",
            ));
        }
        Ok(Listed { film: InputAddress::File(directory.join(path)), line: nr + 1 })
    });
    let films = films.collect::<Result<Vec<_>, _>>()?;
    if films.is_empty() {
        return Err(("it names no file".to_owned(), "write one path to a line"));
    }
    Ok(films)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(usize, &str)]) {
        let listed = |&(line, path): &(usize, &str)| Listed { film: InputAddress::File(path.into()), line };
        assert_eq!(films(text, Path::new("/films")), Ok(expected.iter().map(listed).collect()));
    }

    #[test]
    fn a_list_has_one_path_to_a_line() {
        check("a.mp4\r\nb c.mkv\n\n", &[(1, "/films/a.mp4"), (2, "/films/b c.mkv")]);
        check(
            "\u{feff}#EXTM3U\n#EXTINF:12,A film\nsub/a.mp4\n\n/b.mp4",
            &[(3, "/films/sub/a.mp4"), (5, "/b.mp4")],
        );
        check("file:///b.mp4", &[(1, "/b.mp4")]);
    }

    #[test]
    fn a_list_calls_nobody_and_is_not_empty() {
        let (reason, _) = films("a.mp4\nhttp://host/b.mp4", Path::new("")).unwrap_err();
        assert_eq!(reason, "line 2 names http://host/b.mp4");
        assert!(films("#EXTM3U\n", Path::new("")).is_err());
    }

    #[test]
    fn many_films_that_are_missing_are_counted() {
        let text = "missing.mp4\n".repeat(25);
        let list = InputAddress::File("/nowhere/list.m3u".into());
        let lines = missing(&list, &films(&text, Path::new("/nowhere")).unwrap());
        assert_eq!(lines.len(), MOST_MISSING_TOLD + 1);
        assert!(lines[1].starts_with("/nowhere/list.m3u:2: no such file: /nowhere/missing.mp4"), "{lines:?}");
        assert_eq!(lines[10], "/nowhere/list.m3u: 15 more of its films cannot be opened");
    }
}
