//! Random low-latency streams: what is written is read back, tells its edge, and can be sent in parts.

use livedir_playlist::{Edge, delta_update};
use proptest::prelude::*;

use crate::support::live_edge::{Stream, media, settings, steps};

/// Each stream is up to a hundred playlists.
const STREAMS: u32 = 64;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: STREAMS, ..ProptestConfig::default() })]

    #[test]
    fn a_delta_update_and_what_a_viewer_has_are_the_whole(settings in settings(), steps in steps()) {
        let stream = Stream::after(settings, &steps);
        for (text, _) in &stream.versions {
            let Some(delta) = delta_update(text) else { continue };
            let (whole, shorter) = (media(text), media(&delta));
            let skipped = usize::try_from(shorter.skipped_segments).unwrap();
            prop_assert!(skipped > 0 && delta.len() < text.len(), "{}", delta);
            prop_assert_eq!(whole.next_media_sequence(), shorter.next_media_sequence());
            let uris = |segments: &[livedir_playlist::ListedSegment]| -> Vec<String> {
                segments.iter().map(|segment| segment.uri.clone()).collect()
            };
            let put_together = [uris(&whole.segments[..skipped]), uris(&shorter.segments)].concat();
            prop_assert_eq!(put_together, uris(&whole.segments));
            // The edge is the same, and so players ask for the same next.
            let edge = |text: &str| Edge::of(text).unwrap();
            prop_assert_eq!(edge(text).next_media_sequence, edge(&delta).next_media_sequence);
            prop_assert_eq!(edge(text).open_parts, edge(&delta).open_parts);
        }
    }
}
