//! Presentations of several playlists: each is followed, as long as it is listed, and all are held to one another.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use livedir_playlist::parse;

use super::faulty_server::{Fault, serve};
use super::stream;
use crate::support::check::{Following, assert_clean, check};
use crate::support::programs::LiveStream;

/// A multivariant playlist of variants that have these bit rates.
pub(super) fn main_playlist(uris: &[&str], bandwidth: u64, average: u64) -> String {
    let variant = |uri: &&str| {
        format!(
            "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},AVERAGE-BANDWIDTH={average},\
             CODECS=\"avc1.64000c,mp4a.40.2\",RESOLUTION=160x120,FRAME-RATE=20.000\n{uri}\n"
        )
    };
    let variants: String = uris.iter().map(variant).collect();
    format!("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-INDEPENDENT-SEGMENTS\n{variants}")
}

/// Of the stream that lies in a directory: the largest of a segment, which is no less than the peak, and the average.
fn bit_rates(directory: &Path) -> (u64, u64) {
    let playlist = parse(&fs::read_to_string(directory.join("stream.m3u8")).unwrap()).unwrap();
    let (mut largest_bps, mut bits, mut seconds) = (0.0_f64, 0.0, 0.0);
    for segment in &playlist.segments {
        let segment_bits = fs::metadata(directory.join(&segment.uri)).unwrap().len() as f64 * 8.0;
        let segment_s = segment.duration_90k as f64 / 90_000.0;
        largest_bps = largest_bps.max(segment_bits / segment_s);
        (bits, seconds) = (bits + segment_bits, seconds + segment_s);
    }
    (largest_bps.ceil() as u64, (bits / seconds) as u64)
}

#[test]
fn all_playlists_are_looked_at_and_their_bit_rates_measured() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    stream(&webroot.join("low"), 6);
    symlink("low", webroot.join("high")).unwrap();
    let (largest_bps, average_bps) = bit_rates(&webroot.join("low"));
    let main = webroot.join("stream.m3u8");
    let both = ["low/stream.m3u8", "high/stream.m3u8"];
    fs::write(&main, main_playlist(&both, largest_bps, average_bps)).unwrap();
    let checked = check(&[webroot]);
    assert_eq!((checked.count("playlists"), checked.count("versions")), (3, 2), "{checked:#?}");
    assert!(checked.count("segments") >= 12, "{checked:#?}");
    assert_clean(webroot);

    fs::write(&main, main_playlist(&both, average_bps / 2, average_bps)).unwrap();
    let checked = check(&[webroot]);
    assert_eq!((checked.rules(), checked.status), (vec!["bandwidth-below-peak"], 1), "{checked:#?}");
    fs::write(&main, main_playlist(&both, largest_bps, average_bps * 5 / 4)).unwrap();
    let checked = check(&[webroot]);
    assert_eq!((checked.rules(), checked.status), (vec!["average-bandwidth-off"], 1), "{checked:#?}");

    let one_is_gone = ["low/stream.m3u8", "gone/stream.m3u8"];
    fs::write(&main, main_playlist(&one_is_gone, largest_bps, average_bps)).unwrap();
    let checked = check(&[webroot]);
    assert_eq!((checked.rules(), checked.status), (vec!["playlist-not-there"], 1), "{checked:#?}");
}

#[test]
fn variants_of_a_live_stream_come_and_go_and_are_held_to_one_another_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let words = ["test", "--size", "160x120", "--segment-duration", "500ms", "--window", "60"];
    let mut live = LiveStream::start(webroot, &words);
    live.wait_for_segment(7);
    symlink(".", webroot.join("same")).unwrap();
    // One that is no longer written, of which only the second to fourth looks at the multivariant playlist know.
    fs::copy(webroot.join("stream.m3u8"), webroot.join("silent.m3u8")).unwrap();
    for look in 0..100 {
        let mut uris = vec!["stream.m3u8", "same/stream.m3u8"];
        if (1..4).contains(&look) {
            uris.push("silent.m3u8");
        }
        let text = main_playlist(&uris, 9_000_000, 8_000_000);
        fs::write(webroot.join(format!("main-{look}.m3u8")), text).unwrap();
    }
    let address = serve(webroot, Fault::NewMain);
    let checked = Following::start(format!("{address}/main.m3u8"), "12s").report();
    assert_eq!(checked.count("playlists"), 4, "{checked:#?}");
    let findings = checked.report["findings"].as_array().unwrap();
    let apart = |finding: &&serde_json::Value| finding["rule"] == "renditions-apart";
    assert_eq!(findings.iter().filter(apart).map(|it| &it["at"]).collect::<Vec<_>>(), ["silent.m3u8"]);
    assert_eq!(checked.rules().iter().filter(|&&rule| rule != "update-late").count(), 1, "{checked:#?}");
    assert!(checked.count("versions") >= 8, "{checked:#?}");
}
