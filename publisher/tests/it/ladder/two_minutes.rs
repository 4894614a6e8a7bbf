//! Segment boundaries over two minutes of a stream, in real time.

use std::fs;
use std::path::Path;
use std::time::Duration;

use livedir_media::{Facts, probe};

use crate::support::check::assert_clean;
use crate::support::programs::{Running, publisher};
use crate::support::wait_for;

/// What the stream lasts.
const LENGTH_S: u64 = 120;

/// One that is busy with everything else may begin late.
const PATIENCE: Duration = Duration::from_secs(LENGTH_S + 60);

/// One frame of AAC, in 90 kHz ticks.
const AAC_FRAME_90K: u64 = 1920;

fn facts(webroot: &Path, rendition: &str, number: u64) -> Option<Facts> {
    let bytes = fs::read(webroot.join(format!("live/{rendition}/seg-{number:08}.ts"))).ok()?;
    Some(probe(&bytes).expect("a segment"))
}

#[test]
fn borders_are_at_the_same_picture_in_all_sizes_over_two_minutes() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    // 12 frames of 1/10 s: no whole number of seconds, nor of frames of sound.
    let live = Running::start(
        publisher()
            .args(["live", "test", "--ladder", "320x180@200k,160x90@100k,128x72@60k", "--fps", "10"])
            .args(["--segment-duration", "1200ms", "--window", "200", "--webroot"])
            .arg(webroot),
    );
    let segments = LENGTH_S * 10 / 12;
    let sizes = ["180p", "90p", "72p"];
    wait_for("two minutes", PATIENCE, || {
        sizes
            .iter()
            .all(|size| webroot.join(format!("live/{size}/seg-{segments:08}.ts")).exists())
            .then_some(())
    });
    assert!(live.interrupt().success());
    let first_90k = |size| Some(facts(webroot, size, 2)?.start_90k - 12 * 9_000);
    let mut expected_90k = sizes.into_iter().find_map(first_90k).expect("one of them");
    let mut compared = 0;
    for number in 1..=segments {
        for size in sizes {
            // A machine that is busy with everything else may leave one out.
            let Some(facts) = facts(webroot, size, number) else { continue };
            compared += 1;
            let video = facts.video.expect("pictures");
            // The timestamps of a transport stream, of its first picture.
            assert_eq!(video.start_90k, expected_90k, "segment {number} of {size}");
            assert!(video.starts_with_keyframe, "segment {number} of {size}");
            assert_eq!(video.frames, 12, "segment {number} of {size}");
        }
        let sound = facts(webroot, "audio", number).expect("its sound");
        let late_90k = sound.start_90k.wrapping_sub(expected_90k);
        assert!(late_90k < AAC_FRAME_90K, "the sound of segment {number} begins {late_90k} ticks late");
        expected_90k += 12 * 9_000;
    }
    assert!(compared >= segments * 3 * 9 / 10, "{compared} of {segments} in three sizes");
    assert_clean(webroot);
}
