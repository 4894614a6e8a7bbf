//! The webroot that is asked for: plain and low-latency lists, segments, parts, a ladder, a page. Each byte and each date is the
//! same each time.

use std::fmt::Write;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::support::Webroot;

/// Sun, 02 Feb 2020 02:02:02 GMT.
const MODIFIED_S: u64 = 1_580_608_922;

/// A file for each type that the server knows, and for none.
pub const TYPES: [&str; 34] = [
    "m4s",
    "mp4",
    "aac",
    "vtt",
    "html",
    "htm",
    "css",
    "js",
    "mjs",
    "json",
    "map",
    "webmanifest",
    "txt",
    "md",
    "svg",
    "png",
    "jpg",
    "ico",
    "woff2",
    "xml",
    "wasm",
    "pdf",
    "jpeg",
    "gif",
    "webp",
    "avif",
    "woff",
    "mp3",
    "m4a",
    "m4v",
    "webm",
    "ts",
    "M3U8",
    "unknown",
];

pub fn webroot() -> Webroot {
    let webroot = Webroot::new();
    let playlist = fs::read_to_string(webroot.path().join("stream.m3u8")).unwrap();
    webroot.write("stream.m3u8", playlist.replace("TARGETDURATION:2", "TARGETDURATION:20").as_bytes());
    webroot.write("ll.m3u8", low_latency("live/", 8, 3).as_bytes());
    webroot.write("plain.m3u8", plain("live/", 8, "").as_bytes());
    for part in 0..3_u8 {
        webroot.write(&format!("live/seg-00000009.p{part:02}.ts"), &[part; 188 * 5]);
    }
    webroot.write("live/seg-00000008.ts", &[8; 188 * 40]);
    webroot.write("one/stream.m3u8", plain("live/", 3, "").as_bytes());
    webroot.write("one/ll.m3u8", low_latency("live/", 3, 1).as_bytes());
    webroot.write("one/live/seg-00000003.ts", &[3; 188 * 7]);
    webroot.write("one/live/seg-00000004.p00.ts", &[4; 188]);
    webroot.write("ended/stream.m3u8", plain("live/", 3, "#EXT-X-ENDLIST\n").as_bytes());
    webroot.write("ended/ll.m3u8", (low_latency("live/", 3, 1) + "#EXT-X-ENDLIST\n").as_bytes());
    webroot.write("ladder/stream.m3u8", MULTIVARIANT);
    webroot.write("ladder/live/720p/stream.m3u8", plain("", 3, "").as_bytes());
    webroot.write("ladder/live/720p/ll.m3u8", low_latency("", 3, 2).as_bytes());
    webroot.write("ladder/live/720p/seg-00000004.p01.ts", &[5; 188 * 2]);
    webroot.write("empty.m3u8", b"");
    webroot.write("torn.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PART:DURATION=,URI=\"\n\xff\xfe");
    webroot.write("100%.html", b"100 %");
    webroot.write("a?b#c.txt", b"?#");
    for ending in TYPES {
        webroot.write(&format!("types/file.{ending}"), format!("a file of the type {ending}").as_bytes());
    }
    date(&webroot.path());
    webroot
}

const MULTIVARIANT: &[u8] = b"#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n\
    #EXT-X-STREAM-INF:BANDWIDTH=3000000,RESOLUTION=1280x720\nlive/720p/stream.m3u8\n";

/// The lists have long targets: nobody who waits for a busy machine is given up, and no viewer is forgotten.
fn plain(directory: &str, segments: u64, end: &str) -> String {
    let mut text =
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:20\n#EXT-X-MEDIA-SEQUENCE:1\n".to_owned();
    for number in 1..=segments {
        let _ = write!(text, "#EXTINF:20.000000,\n{directory}seg-{number:08}.ts\n");
    }
    text + end
}

/// So many whole segments, and so many parts of the next one.
fn low_latency(directory: &str, segments: u64, parts: u64) -> String {
    let head = "#EXT-X-VERSION:9\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=50,PART-HOLD-BACK=1.5\n\
        #EXT-X-PART-INF:PART-TARGET=0.5";
    let mut text = plain(directory, segments, "").replace("#EXT-X-VERSION:6", head);
    let open = segments + 1;
    for part in 0..parts {
        let _ = writeln!(text, "#EXT-X-PART:DURATION=0.5,URI=\"{directory}seg-{open:08}.p{part:02}.ts\"");
    }
    let _ = writeln!(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{directory}seg-{open:08}.p{parts:02}.ts\"");
    text
}

/// Gives the same date to all files.
fn date(directory: &Path) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            date(&path);
        } else if kind.is_file() {
            let file = File::options().write(true).open(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(MODIFIED_S)).unwrap();
        }
    }
}
