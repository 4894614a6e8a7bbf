//! Nothing is found in what our own window writes, whatever arrives and however often the writer is killed.

use jiff::{SignedDuration, Timestamp};
use livedir_check::rules::{Finding, SegmentFacts, Version, check_playlist, check_segments, check_update};
use livedir_playlist::{Segment, Window, WindowSettings, parse, render};
use livedir_time::ticks::{TICKS_PER_S, exact_seconds, of_seconds};
use proptest::prelude::*;

use crate::media;
use crate::support::golden;
use crate::support::random::{Step, settings, steps};

const NO_FINDINGS: &[Finding] = &[];

#[test]
fn nothing_is_found_in_the_goldens() {
    for (name, text) in golden::all() {
        assert_eq!(check_playlist(&name, &text), NO_FINDINGS, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_found_in_our_own_streams(settings in settings(), steps in steps()) {
        // Apple 8.11 asks for six segments; who sets a smaller window has it found.
        let settings = WindowSettings { segments: settings.segments.max(6), ..settings };
        let mut stream = Stream::new(settings);
        for step in steps {
            stream.take(&step);
        }
    }
}

/// A writer whose segments follow one another in real time, and a viewer who sees each version.
struct Stream {
    settings: WindowSettings,
    window: Window,
    facts: Vec<SegmentFacts>,
    /// Since the beginning, in real time.
    now_90k: u64,
    /// What the clock of the media says at the same moment.
    media_90k: u64,
    seen: Option<(String, f64)>,
}

impl Stream {
    fn new(settings: WindowSettings) -> Stream {
        let window = Window::new(settings, 1);
        Stream {
            settings,
            window,
            facts: Vec::new(),
            now_90k: 0,
            media_90k: (1 << 33) - 1_000_000,
            seen: None,
        }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Segment { duration_permille, discontinuity } => {
                let playlist = self.window.playlist();
                let begins_anew = playlist.ended;
                let target_s =
                    if begins_anew { self.settings.target_duration_s } else { playlist.target_duration_s };
                let longest_90k = of_seconds(target_s) + TICKS_PER_S / 2 - 1;
                self.push((longest_90k * duration_permille / 1000).max(1), discontinuity || begins_anew);
            }
            Step::TooLong { .. } => {}
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

    fn push(&mut self, duration_90k: u64, discontinuity: bool) {
        let media_sequence = self.window.next_media_sequence();
        if discontinuity {
            self.media_90k += 1_000_000;
        }
        let noon: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let uri = format!("live/seg-{media_sequence:08}.ts");
        let since_noon = SignedDuration::from_micros((self.now_90k * 100 / 9) as i64);
        let program_date_time = Some(noon + since_noon);
        let mut facts = media::segment(uri.clone(), self.media_90k, duration_90k, 1_800);
        // Apple 1.13: every two seconds.
        media::video_of(&mut facts).keyframes = 1 + duration_90k / (2 * TICKS_PER_S);
        self.facts.push(facts);
        self.window
            .push(Segment { uri, duration_90k, program_date_time, discontinuity, gap: false })
            .unwrap();
        self.now_90k += duration_90k;
        self.media_90k += duration_90k;
        self.publish();
    }

    fn restart(&mut self) {
        let on_disk = parse(&render(self.window.playlist())).unwrap();
        self.window = Window::resume(self.settings, on_disk).unwrap();
    }

    fn publish(&mut self) {
        let text = render(self.window.playlist());
        let now_s = exact_seconds(self.now_90k);
        assert_eq!(check_playlist("stream.m3u8", &text), NO_FINDINGS, "{text}");
        assert_eq!(check_segments("stream.m3u8", &text, &self.facts), NO_FINDINGS, "{text}");
        if let Some((before, seen_at_s)) = &self.seen {
            let old = Version { text: before, seen_at_s: *seen_at_s, not_before_s: *seen_at_s };
            let new = Version { text: &text, seen_at_s: now_s, not_before_s: now_s };
            assert_eq!(check_update("stream.m3u8", &old, &new), NO_FINDINGS, "{before}\n{text}");
        }
        self.seen = Some((text, now_s));
    }
}
