//! What a playlist names and is not there is a broken rule, not something that could not be checked.

use std::fs;

use super::faulty_server::{Fault, serve};
use super::stream;
use crate::support::check::check;

#[test]
fn a_map_a_key_and_a_segment_that_are_missing_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    stream(webroot, 6);
    let playlist = webroot.join("stream.m3u8");
    let lawful = fs::read_to_string(&playlist).unwrap();
    let address = serve(webroot, Fault::Nothing);
    let check_with = |line: &str, version: u8, on_disk: &[&str], over_http: &[&str]| {
        let version = format!("#EXT-X-VERSION:{version}\n");
        let text = lawful.replace("#EXT-X-VERSION:3\n", &version);
        fs::write(&playlist, text.replacen("#EXTINF", &format!("{line}\n#EXTINF"), 1)).unwrap();
        for (subject, rules) in
            [(playlist.to_str().unwrap().to_owned(), on_disk), (format!("{address}/stream.m3u8"), over_http)]
        {
            let checked = check(&[&subject]);
            let status = i32::from(!rules.is_empty());
            assert_eq!((checked.rules(), checked.status), (rules.to_vec(), status), "{line} {checked:#?}");
        }
    };
    check_with("#", 3, &[], &[]);
    check_with("#EXT-X-MAP:URI=\"init.mp4\"", 6, &["map-not-there"], &["status-not-ok"]);
    check_with("#EXT-X-KEY:METHOD=AES-128,URI=\"key.bin\"", 3, &["key-not-there"], &["status-not-ok"]);
    // Not for us to fetch.
    check_with(
        "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://key\",KEYFORMAT=\"com.apple.streamingkeydelivery\"",
        5,
        &[],
        &[],
    );
    fs::write(webroot.join("key.bin"), [0; 16]).unwrap();
    check_with("#EXT-X-KEY:METHOD=AES-128,URI=\"key.bin\"", 3, &[], &[]);
    fs::remove_file(webroot.join("live/seg-00000003.ts")).unwrap();
    check_with("#", 3, &["segment-unreadable"], &["status-not-ok"]);
}
