//! Remarks: what a webroot lacks at the start, so that viewers would get nothing, or less than they could, and places that one
//! address could take. A directory and numbers in, lines for the log out. The server serves on: what is missing may come later.

use std::fs;
use std::path::{Path, PathBuf};

/// The page, and the playlist that a publisher writes.
const SERVED: [&str; 2] = ["index.html", "stream.m3u8"];

/// The script of the player page, and that of hls.js, which npm installs.
const PAGE_SCRIPT: &str = "player/main.js";
const HLS_JS: &str = "player/node_modules/hls.js/dist/hls.min.js";

/// A line for each thing that is missing, with the remedy.
#[must_use]
pub fn remarks(webroot: &Path) -> Vec<String> {
    let below = directories_in(webroot);
    let streams = || std::iter::once(webroot).chain(below.iter().map(PathBuf::as_path));
    let is_empty = !streams().any(|stream| SERVED.iter().any(|name| stream.join(name).exists()));
    let nothing = is_empty.then(|| {
        let webroot = webroot.display();
        format!(
            "no index.html and no stream.m3u8 in {webroot}: viewers get \"not found\"; start the publisher with \
             --webroot {webroot}, copy the player page (webroot/index.html and webroot/player) there, or name another \
             directory with --webroot"
        )
    });
    let without_hls_js = streams()
        .filter(|stream| stream.join(PAGE_SCRIPT).exists() && !stream.join(HLS_JS).exists())
        .map(|stream| {
            let player = stream.join("player");
            let player = player.display();
            format!(
                "hls.js is not installed in {player}: the player page has no low latency, and plays only in browsers that \
                 play HLS themselves; type: cd {player} && npm ci"
            )
        });
    nothing.into_iter().chain(without_hls_js).collect()
}

/// A line where one address may take the places of all others, which nobody has by default.
#[must_use]
pub fn remark_on_places(connections: usize, per_address: Option<usize>) -> Option<String> {
    let per_address = per_address.filter(|per_address| *per_address >= connections)?;
    Some(format!(
        "one address can take all places: --connections-per-address {per_address} leaves nothing of --connections {connections} to \
         others; give it half as many at the most, or leave it out"
    ))
}

/// One for each camera, where there are several; those of hidden names are not served.
fn directories_in(webroot: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(webroot).into_iter().flatten().flatten();
    let is_hidden = |entry: &fs::DirEntry| entry.file_name().as_encoded_bytes().starts_with(b".");
    let mut directories: Vec<_> = entries
        .filter(|entry| !is_hidden(entry))
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    directories.sort();
    directories
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A webroot with these files has a remark for each of these beginnings, and no others.
    #[track_caller]
    fn check(files: &[&str], expected: &[&str]) {
        let webroot = tempfile::tempdir().unwrap();
        for file in files {
            let path = webroot.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let root = format!("{}/", webroot.path().display());
        let remarks: Vec<_> = remarks(webroot.path()).iter().map(|line| line.replace(&root, "")).collect();
        assert_eq!(remarks.len(), expected.len(), "{files:?}: {remarks:?}");
        for (remark, beginning) in remarks.iter().zip(expected) {
            assert!(remark.starts_with(beginning), "{files:?}: {remark}");
        }
    }

    #[test]
    fn a_webroot_with_nothing_for_viewers_is_remarked() {
        check(&[], &["no index.html and no stream.m3u8"]);
        check(&["live/seg-00000001.ts", ".hidden/index.html"], &["no index.html and no stream.m3u8"]);
        check(&["stream.m3u8"], &[]);
        check(&["index.html"], &[]);
        check(&["north/stream.m3u8", "south/live/seg-00000001.ts"], &[]);
    }

    #[test]
    fn an_address_that_can_take_all_places_is_remarked() {
        assert_eq!(remark_on_places(200, None), None);
        assert_eq!(remark_on_places(200, Some(199)), None);
        assert!(remark_on_places(200, Some(200)).unwrap().contains("--connections-per-address 200"));
        assert!(remark_on_places(200, Some(1000)).unwrap().contains("--connections 200 "));
    }

    #[test]
    fn a_player_page_without_hls_js_is_remarked_with_the_command_that_installs_it() {
        check(&["index.html", PAGE_SCRIPT, HLS_JS], &[]);
        check(&["index.html", PAGE_SCRIPT], &["hls.js is not installed in player: "]);
        check(
            &["north/index.html", "north/player/main.js", "south/index.html", "south/player/main.js"],
            &["hls.js is not installed in north/player", "hls.js is not installed in south/player"],
        );
        let webroot = tempfile::tempdir().unwrap();
        fs::create_dir(webroot.path().join("player")).unwrap();
        for name in ["index.html", PAGE_SCRIPT] {
            fs::write(webroot.path().join(name), "").unwrap();
        }
        let command = format!("type: cd {}/player && npm ci", webroot.path().display());
        assert!(remarks(webroot.path())[0].ends_with(&command));
    }
}
