//! File list: an `.m3u` that names films of this machine, played one after the other.
//!
//! In: the text of the list and where it lies. Out: the addresses of its films. Pure but for [`read`]. A list of HLS, which
//! looks much the same, is left to libav.

use super::address::InputAddress;
use super::error::InputError;
use std::io::Read;
use std::path::Path;

/// Some ten thousand films: more is no list.
const MOST_BYTES: u64 = 1 << 20;

/// The films of a list; nothing if the address is something else.
pub(crate) fn read(address: &InputAddress) -> Result<Option<Vec<InputAddress>>, InputError> {
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

/// A list has one path to a line, relative to where it lies; lines with `#` are remarks.
fn films(text: &str, directory: &Path) -> Result<Vec<InputAddress>, (String, &'static str)> {
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let films = lines.map(|line| {
        let path = line.strip_prefix("file://").unwrap_or(line);
        // As in a local HLS playlist: who opens a file that came by mail does not expect it to call anybody.
        if path.contains("://") {
            let named = InputAddress::Url(path.to_owned());
            return Err((format!("it names {named}"), "a list can name files of this machine only"));
        }
        Ok(InputAddress::File(directory.join(path)))
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
    fn check(text: &str, expected: &[&str]) {
        let expected: Vec<_> = expected.iter().map(|path| InputAddress::File(path.into())).collect();
        assert_eq!(films(text, Path::new("/films")), Ok(expected));
    }

    #[test]
    fn a_list_has_one_path_to_a_line() {
        check("a.mp4\r\nb c.mkv\n\n", &["/films/a.mp4", "/films/b c.mkv"]);
        check("\u{feff}#EXTM3U\n#EXTINF:12,A film\nsub/a.mp4\n/b.mp4", &["/films/sub/a.mp4", "/b.mp4"]);
        check("file:///b.mp4", &["/b.mp4"]);
    }

    #[test]
    fn a_list_calls_nobody_and_is_not_empty() {
        assert!(films("a.mp4\nhttp://host/b.mp4", Path::new("")).is_err());
        assert!(films("#EXTM3U\n", Path::new("")).is_err());
    }
}
