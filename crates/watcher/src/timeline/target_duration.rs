//! The target duration, which never changes while the stream lives (RFC 8216 6.2.1), and where it comes from:
//! what the user said, else the playlist that is gone on with, else the first files. Pure.

use crate::events::refusal::TooLongForTarget;
use livedir_playlist::{MediaPlaylist, ResumeError, Window, WindowSettings};
use livedir_time::ticks::seconds_rounded_up;

/// Longer first files make no target duration of themselves: a film that lies among segments would make players wait for
/// minutes, for ever.
const LONGEST_GUESS_S: u64 = 30;

/// Whether the target duration is fixed.
#[derive(Debug)]
pub(crate) enum TargetDuration {
    /// It is.
    Fixed,
    /// The first segment makes it, of the playlist that goes on from this.
    Open { previous: Option<MediaPlaylist>, window_segments: usize },
}

impl TargetDuration {
    /// The window to begin with, after `previous`. `target_duration_s` is what the user said.
    pub(crate) fn new(
        target_duration_s: Option<u32>,
        window_segments: usize,
        previous: Option<MediaPlaylist>,
    ) -> Result<(Self, Window), ResumeError> {
        let lives = previous.as_ref().filter(|previous| !previous.ended && previous.target_duration_s > 0);
        if let Some(target_duration_s) = target_duration_s.or(lives.map(|lives| lives.target_duration_s)) {
            let settings = WindowSettings { target_duration_s, segments: window_segments };
            let window = match previous {
                // One that told no target is one that was lost: its numbers go on, under the new target duration.
                Some(previous) if previous.target_duration_s == 0 => {
                    Window::resume(settings, MediaPlaylist { target_duration_s, ..previous })?
                }
                Some(previous) => Window::resume(settings, previous)?,
                None => Window::new(settings, 1),
            };
            return Ok((Self::Fixed, window));
        }
        let settings = WindowSettings { target_duration_s: 1, segments: window_segments };
        let window = match &previous {
            Some(previous) if previous.ended => Window::resume(settings, previous.clone())?,
            Some(previous) => Window::new(settings, previous.media_sequence),
            None => Window::new(settings, 1),
        };
        Ok((Self::Open { previous, window_segments }, window))
    }

    /// Whether the playlist has a target duration that never changes any more.
    pub(crate) fn is_fixed(&self) -> bool {
        matches!(self, Self::Fixed)
    }

    /// A window that goes on with a playlist and its target duration.
    pub(crate) fn window(playlist: MediaPlaylist, window_segments: usize) -> Result<Window, ResumeError> {
        let target_duration_s = playlist.target_duration_s;
        Window::resume(WindowSettings { target_duration_s, segments: window_segments }, playlist)
    }

    /// Fixes the target duration, if it is open, for a file of `first_90k` and those that came with it: the longest of them, rounded
    /// up. Gives the window that has it.
    pub(crate) fn fix(
        &mut self,
        window: &Window,
        first_90k: u64,
        others_90k: impl Iterator<Item = u64>,
    ) -> Result<Option<Window>, TooLongForTarget> {
        let Self::Open { previous, window_segments } = self else { return Ok(None) };
        let first_s = seconds_rounded_up(first_90k);
        if first_s > LONGEST_GUESS_S {
            return Err(TooLongForTarget { duration_s: first_s });
        }
        let others_s = others_90k.map(seconds_rounded_up);
        let target_duration_s =
            others_s.filter(|&seconds| seconds <= LONGEST_GUESS_S).fold(first_s, u64::max).max(1) as u32;
        let settings = WindowSettings { target_duration_s, segments: *window_segments };
        let made = match previous.take() {
            Some(previous) if previous.ended => Window::resume(settings, previous),
            Some(previous) => Window::resume(settings, MediaPlaylist { target_duration_s, ..previous }),
            None => Ok(Window::new(settings, window.next_media_sequence())),
        };
        *self = Self::Fixed;
        Ok(made.ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn playlist(ended: bool) -> MediaPlaylist {
        let end = if ended { "#EXT-X-ENDLIST\n" } else { "" };
        let text = format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:4,\nlive/a.ts\n{end}"
        );
        livedir_playlist::parse(&text).expect("a playlist")
    }

    /// The target duration after first files of so many ticks.
    #[track_caller]
    fn check(said_s: Option<u32>, previous: Option<MediaPlaylist>, files_90k: &[u64], expected_s: u32) {
        let (mut target, mut window) = TargetDuration::new(said_s, 6, previous).expect("a window");
        let others = files_90k[1..].iter().copied();
        if let Some(made) = target.fix(&window, files_90k[0], others).expect("a promise") {
            window = made;
        }
        window
            .push(livedir_playlist::Segment {
                uri: "live/b.ts".to_owned(),
                duration_90k: 90_000,
                program_date_time: None,
                discontinuity: false,
                gap: false,
            })
            .expect("listed");
        assert_eq!(window.playlist().target_duration_s, expected_s);
        assert!(matches!(target, TargetDuration::Fixed));
    }

    #[test]
    fn the_user_is_asked_first() {
        check(Some(6), None, &[180_000], 6);
        check(Some(2), Some(playlist(false)), &[180_000], 4);
        check(Some(2), Some(playlist(true)), &[180_000], 2);
    }

    #[test]
    fn then_a_playlist_that_lives() {
        check(None, Some(playlist(false)), &[540_000], 4);
    }

    #[test]
    fn then_the_first_files() {
        check(None, None, &[180_000], 2);
        check(None, None, &[180_001, 90_000, 350_000], 4);
        check(None, Some(playlist(true)), &[540_000], 6);
        check(None, None, &[180_000, 3_600 * 90_000], 2);
    }

    #[test]
    fn a_film_promises_nothing() {
        let (mut target, window) = TargetDuration::new(None, 6, None).expect("a window");
        let error = target.fix(&window, 3_600 * 90_000, std::iter::empty()).expect_err("too long");
        assert!(error.to_string().contains("--target-duration 3600"), "{error}");
        assert!(target.fix(&window, 180_000, std::iter::empty()).expect("a promise").is_some());
    }

    #[test]
    fn numbers_go_on_after_an_end_and_after_a_loss() {
        let (mut target, window) = TargetDuration::new(None, 6, Some(playlist(true))).expect("a window");
        assert_eq!(window.next_media_sequence(), 8);
        let window = target.fix(&window, 180_000, std::iter::empty()).expect("a promise").expect("made");
        assert_eq!(window.next_media_sequence(), 8);
        let lost = MediaPlaylist { target_duration_s: 0, segments: Vec::new(), ..playlist(false) };
        let (mut target, window) = TargetDuration::new(None, 6, Some(lost)).expect("a window");
        let window = target.fix(&window, 180_000, std::iter::empty()).expect("a promise").expect("made");
        assert_eq!((window.next_media_sequence(), window.playlist().target_duration_s), (7, 2));
    }
}
