//! Interleaver: the packets of video and sound, each in order, become one line in order of decode time. Pure.
//!
//! A packet is released when the other stream has reached the same time, so that the audio of a segment is written into that
//! segment and not into the next.

use std::collections::VecDeque;

use livedir_media::Medium;
use livedir_time::ticks::of_seconds;

/// Video may be this far ahead of the audio (5 s in 90 kHz ticks) at the most before it is released all the same: players have to show
/// video even if the audio of a source has stopped.
pub const MOST_VIDEO_AHEAD_90K: i64 = of_seconds(5) as i64;

/// Audio may be this far ahead of the video. That happens after the machine was suspended for up to 5 s (after more, the grid
/// skips): all audio comes at once, while 2 s of video still wait for the encoder. Audio that waits delays nothing,
/// because segments end at video frames only.
const AUDIO_AHEAD_90K: i64 = of_seconds(10) as i64;

/// The time between two packets of a stream counts as at most this much (1 s in 90 kHz ticks). So a gap in the timeline does
/// not make packets after it look as if they had waited long.
const LONGEST_STEP_90K: i64 = of_seconds(1) as i64;

/// Packets of one stream that wait.
#[derive(Debug)]
struct Waiting<T> {
    /// With their decode time, and what lies between them and the one before.
    packets: VecDeque<(i64, i64, T)>,
    last_90k: Option<i64>,
    /// The sum of these steps.
    length_90k: i64,
}

impl<T> Waiting<T> {
    fn new() -> Self {
        Self { packets: VecDeque::new(), last_90k: None, length_90k: 0 }
    }

    fn push(&mut self, dts_90k: i64, packet: T) {
        let step_90k = self.last_90k.map_or(0, |last_90k| (dts_90k - last_90k).clamp(0, LONGEST_STEP_90K));
        self.last_90k = Some(dts_90k);
        self.length_90k += step_90k;
        self.packets.push_back((dts_90k, step_90k, packet));
    }

    fn pop(&mut self) -> Option<T> {
        let (_, step_90k, packet) = self.packets.pop_front()?;
        self.length_90k -= step_90k;
        Some(packet)
    }

    fn first_90k(&self) -> Option<i64> {
        self.packets.front().map(|(dts_90k, ..)| *dts_90k)
    }

    /// Whether more than this lies between the first and the last.
    fn is_longer_than(&self, farthest_90k: i64) -> bool {
        self.packets.front().is_some_and(|(_, step_90k, _)| self.length_90k - step_90k > farthest_90k)
    }
}

/// Packets that wait for the other stream.
#[derive(Debug)]
pub struct Interleaver<T> {
    video: Waiting<T>,
    audio: Waiting<T>,
    has_both: bool,
    /// How far video may be ahead of the audio.
    video_ahead_90k: i64,
    /// Up to where video went without audio, as none came: video waits no more until some does.
    alone_until_90k: Option<i64>,
}

impl<T> Interleaver<T> {
    /// With one stream alone nothing ever waits. Video waits until it is `video_ahead_90k` ahead of the audio.
    #[must_use]
    pub fn new(has_both: bool, video_ahead_90k: i64) -> Self {
        Self {
            video: Waiting::new(),
            audio: Waiting::new(),
            has_both,
            video_ahead_90k,
            alone_until_90k: None,
        }
    }

    /// Takes a packet with its decode time in 90 kHz ticks.
    pub fn push(&mut self, medium: Medium, dts_90k: i64, packet: T) {
        match medium {
            Medium::Video => self.video.push(dts_90k, packet),
            Medium::Audio => {
                if let Some(until_90k) = self.alone_until_90k.take() {
                    // Audio that always comes so late is worth the wait.
                    let late_90k = until_90k.saturating_sub(dts_90k).saturating_mul(2);
                    self.video_ahead_90k = self.video_ahead_90k.max(late_90k).min(MOST_VIDEO_AHEAD_90K);
                }
                self.audio.push(dts_90k, packet);
            }
        }
    }

    /// The next packet in order, if it is settled that it is the next.
    pub fn pop(&mut self) -> Option<T> {
        let Self { video, audio, has_both, video_ahead_90k, alone_until_90k } = self;
        match (video.first_90k(), audio.first_90k()) {
            (Some(of_video), Some(of_audio)) if of_video <= of_audio => video.pop(),
            (Some(_), Some(_)) => audio.pop(),
            (None, Some(_)) if !*has_both || audio.is_longer_than(AUDIO_AHEAD_90K) => audio.pop(),
            (Some(_), None) if !*has_both => video.pop(),
            (Some(until_90k), None)
                if alone_until_90k.is_some() || video.is_longer_than(*video_ahead_90k) =>
            {
                *alone_until_90k = Some(until_90k);
                video.pop()
            }
            _ => None,
        }
    }

    /// The next packet at the end of the stream, when nothing more will come.
    pub fn pop_rest(&mut self) -> Option<T> {
        match (self.video.first_90k(), self.audio.first_90k()) {
            (Some(of_video), Some(of_audio)) if of_video > of_audio => self.audio.pop(),
            (Some(_), _) => self.video.pop(),
            (None, _) => self.audio.pop(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Medium::{Audio, Video};

    #[test]
    fn packets_leave_in_order_of_time_and_only_when_that_is_settled() {
        let mut line = Interleaver::new(true, MOST_VIDEO_AHEAD_90K);
        line.push(Video, 10, "v10");
        assert_eq!(line.pop(), None, "sound before it may still come");
        line.push(Audio, 5, "a5");
        assert_eq!(line.pop(), Some("a5"));
        assert_eq!(line.pop(), None);
        line.push(Audio, 10, "a10");
        assert_eq!(line.pop(), Some("v10"), "the picture first: a segment begins with it");
        assert_eq!(line.pop(), None);
        line.push(Video, 20, "v20");
        assert_eq!((line.pop(), line.pop()), (Some("a10"), None));
        assert_eq!((line.pop_rest(), line.pop_rest()), (Some("v20"), None));
    }

    #[test]
    fn one_stream_alone_waits_for_nothing() {
        for medium in [Video, Audio] {
            let mut line = Interleaver::new(false, MOST_VIDEO_AHEAD_90K);
            line.push(medium, 10, "first");
            assert_eq!((line.pop(), line.pop()), (Some("first"), None));
        }
    }

    #[test]
    fn a_stream_that_stopped_does_not_hold_the_other_for_ever() {
        let mut line = Interleaver::new(true, MOST_VIDEO_AHEAD_90K);
        for n in 0..1000 {
            line.push(Video, n * 4500, n);
        }
        let let_go = std::iter::from_fn(|| line.pop()).count();
        assert_eq!(let_go, 1000, "once it is known that none comes, nothing waits");
    }

    #[test]
    fn what_waited_for_audio_that_stopped_is_not_late_for_ever() {
        let mut line = Interleaver::new(true, 90_000);
        line.push(Audio, 0, ("sound", 0));
        let mut waiting = 0;
        let mut most = 0;
        for n in 0..100 {
            line.push(Video, n * 4500, ("picture", n));
            waiting += 1;
            waiting -= std::iter::from_fn(|| line.pop()).filter(|(what, _)| *what == "picture").count();
            most = most.max(waiting);
        }
        assert_eq!((most, waiting), (21, 0), "a second of them, and the one that is longer");
        // It is back: again each waits for the other.
        line.push(Audio, 100 * 4500, ("sound", 1));
        line.push(Video, 101 * 4500, ("picture", 101));
        assert_eq!((line.pop(), line.pop()), (Some(("sound", 1)), None));
    }

    #[test]
    fn audio_that_always_comes_late_is_waited_for_when_that_is_known() {
        let mut line = Interleaver::new(true, 45_000);
        let (mut left, mut last_90k) = (0, 0);
        for n in 0..400 {
            let now_90k = n * 4500;
            line.push(Video, now_90k, now_90k);
            // Two seconds behind.
            if now_90k >= 180_000 {
                line.push(Audio, now_90k - 180_000, now_90k - 180_000);
            }
            while let Some(dts_90k) = line.pop() {
                left += usize::from(dts_90k < last_90k);
                last_90k = dts_90k;
            }
        }
        assert!(left <= 2, "{left} steps back: one when it comes, and one until it has caught up");
    }

    #[test]
    fn sound_that_comes_at_once_after_a_standstill_waits_for_its_pictures() {
        let mut line = Interleaver::new(true, MOST_VIDEO_AHEAD_90K);
        for n in 0..350 {
            line.push(Audio, n * 1920, "sound");
        }
        assert_eq!(line.pop(), None, "7 s of it");
        line.push(Video, 0, "picture");
        assert_eq!(line.pop(), Some("picture"));
    }

    #[test]
    fn what_stands_before_a_hole_in_the_timeline_waits_for_the_other_stream_too() {
        let mut line = Interleaver::new(true, MOST_VIDEO_AHEAD_90K);
        for n in [0, 1920, 3840, 3_600_000] {
            line.push(Audio, n, "sound");
        }
        assert_eq!(line.pop(), None, "the pictures of 40 s ago are being encoded");
        line.push(Video, 0, "picture");
        assert_eq!((line.pop(), line.pop()), (Some("picture"), None));
    }
}
