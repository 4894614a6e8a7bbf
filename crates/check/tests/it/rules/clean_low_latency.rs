//! Nothing is found in what our own writer of low latency lists, nor in its delta updates.

use livedir_check::rules::{Version, check_delta, check_playlist, check_update};
use livedir_playlist::delta_update;
use proptest::prelude::*;

use crate::support::live_edge::{Stream, settings, steps};

/// Findings that say nothing of the writer under test: it does not know yet that a segment will be closed early, and a
/// stream of a few short segments is shorter than a stream should be.
fn is_about_the_writer(id: &str) -> bool {
    !matches!(id, "preload-hint-untrue" | "window-below-three-targets" | "window-below-six-segments")
}

/// Each stream is up to a hundred playlists.
const STREAMS: u32 = 64;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: STREAMS, ..ProptestConfig::default() })]

    #[test]
    fn each_version_is_lawful_and_follows_from_the_one_before(settings in settings(), steps in steps()) {
        let stream = Stream::after(settings, &steps);
        let mut before: Option<(&str, f64)> = None;
        for (text, at_s) in &stream.versions {
            let mut findings = check_playlist("ll.m3u8", text);
            if let Some((old, old_at_s)) = before {
                let version = |text, at_s| Version { text, seen_at_s: at_s, not_before_s: at_s };
                findings.extend(check_update("ll.m3u8", &version(old, old_at_s), &version(text, *at_s)));
            }
            findings.retain(|finding| is_about_the_writer(finding.rule.id));
            prop_assert_eq!(findings, [], "{:?}\n{}", before, text);
            before = Some((text, *at_s));
        }
    }

    #[test]
    fn delta_updates_are_lawful(settings in settings(), steps in steps()) {
        for (text, _) in &Stream::after(settings, &steps).versions {
            let Some(delta) = delta_update(text) else { continue };
            prop_assert_eq!(check_delta("ll.m3u8", text, &delta), [], "{}\n{}", text, delta);
        }
    }
}
