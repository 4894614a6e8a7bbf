//! Random streams, watched by a viewer: whatever arrives, and however often the writer is killed.

use livedir_playlist::{MediaPlaylist, PushError, Window, WindowSettings, parse, render};
use proptest::prelude::*;

use crate::support::random::{Step, settings, steps};
use crate::support::segment;
use crate::witness::Witness;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_version_of_a_playlist_follows_lawfully_from_the_one_before(
        settings in settings(),
        first_media_sequence in 1_u64..1_000_000,
        steps in steps(),
    ) {
        let mut stream = Stream::new(settings, first_media_sequence);
        for step in steps {
            stream.take(&step);
        }
    }
}

/// A writer with its file, its viewer, and the names it has given.
struct Stream {
    settings: WindowSettings,
    window: Window,
    witness: Witness,
    pushed: u64,
}

impl Stream {
    fn new(settings: WindowSettings, first_media_sequence: u64) -> Stream {
        Stream {
            settings,
            window: Window::new(settings, first_media_sequence),
            witness: Witness::default(),
            pushed: 0,
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Segment { duration_permille, discontinuity } => {
                let longest_90k = u64::from(self.promised_s()) * 90_000 + 44_999;
                let duration_90k = (longest_90k * duration_permille / 1000).max(1);
                self.push(duration_90k, discontinuity);
            }
            Step::TooLong { excess_90k } => {
                let duration_90k = u64::from(self.promised_s()) * 90_000 + 45_000 + excess_90k;
                let before = self.window.playlist().clone();
                let refused = self.window.push(segment(self.pushed + 1, duration_90k));
                assert!(matches!(refused, Err(PushError::OverTarget { .. })));
                assert_eq!(self.window.playlist(), &before);
            }
            Step::Crash { less_s } => {
                self.settings.target_duration_s =
                    self.settings.target_duration_s.saturating_sub(less_s).max(1);
                self.restart();
            }
            Step::End => {
                self.window.end();
                self.publish();
                self.restart();
            }
        }
    }

    /// What the next segment is held to.
    fn promised_s(&self) -> u32 {
        let playlist = self.window.playlist();
        if playlist.ended { self.settings.target_duration_s } else { playlist.target_duration_s }
    }

    fn push(&mut self, duration_90k: u64, discontinuity: bool) {
        self.pushed += 1;
        let mut next = segment(self.pushed, duration_90k);
        next.discontinuity = discontinuity;
        let number = self.window.next_media_sequence();
        let before = self.window.playlist().clone();

        let evicted = self.window.push(next.clone()).unwrap();

        let now = self.window.playlist().clone();
        let last = now.segments.last().unwrap();
        assert_eq!(last.uri, next.uri);
        assert_eq!(self.window.next_media_sequence(), number + 1);
        assert!(no_more_than_needed(&now, self.settings.segments), "{now:?}");
        self.witness.saw_leave(&before, &now, &evicted);
        self.publish();
    }

    fn publish(&mut self) {
        let published = parse(&render(self.window.playlist())).unwrap();
        self.witness.sees(&published);
    }

    fn restart(&mut self) {
        let on_disk = parse(&render(self.window.playlist())).unwrap();
        assert_eq!(&on_disk, self.window.playlist());
        let number = self.window.next_media_sequence();
        self.window = Window::resume(self.settings, on_disk).unwrap();
        assert_eq!(self.window.next_media_sequence(), number);
        self.publish();
    }
}

/// A window that never lets go would keep all other rules.
fn no_more_than_needed(playlist: &MediaPlaylist, wanted_segments: usize) -> bool {
    let without_first_90k: u64 = playlist.segments[1..].iter().map(|it| it.duration_90k).sum();
    playlist.segments.len() <= wanted_segments.max(3)
        || without_first_90k < 3 * u64::from(playlist.target_duration_s) * 90_000
}
