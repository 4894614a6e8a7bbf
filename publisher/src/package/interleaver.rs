//! Interleaver: the packets of picture and sound, each in order, become one line in order of decode time. Pure.
//!
//! A packet is let go when the other stream has reached its time too, so that a segment's sound is written into that
//! segment and not into the next.

use std::collections::VecDeque;

use livedir_media::Medium;

/// Pictures may be this far ahead of the sound (5 s in 90 kHz ticks) before they are let go all the same: players are to see
/// them, also if the sound of a source has stopped.
const VIDEO_AHEAD_90K: i64 = 5 * 90_000;

/// Sound may be this far ahead of the pictures. It is where the machine stood still: of up to 5 s, after which the grid
/// leaps, all sound comes at once, and 2 s of pictures wait for their encoder besides. Sound that waits keeps nobody
/// waiting, as segments end at pictures only.
const AUDIO_AHEAD_90K: i64 = 10 * 90_000;

/// Packets that wait for the other stream.
#[derive(Debug)]
pub struct Interleaver<T> {
    video: VecDeque<(i64, T)>,
    audio: VecDeque<(i64, T)>,
    has_both: bool,
}

impl<T> Interleaver<T> {
    /// With one stream alone nothing ever waits.
    #[must_use]
    pub fn new(has_both: bool) -> Self {
        Self { video: VecDeque::new(), audio: VecDeque::new(), has_both }
    }

    /// Takes a packet with its decode time in 90 kHz ticks.
    pub fn push(&mut self, medium: Medium, dts_90k: i64, packet: T) {
        match medium {
            Medium::Video => self.video.push_back((dts_90k, packet)),
            Medium::Audio => self.audio.push_back((dts_90k, packet)),
        }
    }

    /// The next packet in order, if it is settled that it is the next.
    pub fn pop(&mut self) -> Option<T> {
        let first = match (self.video.front(), self.audio.front()) {
            (Some((video, _)), Some((audio, _))) if video <= audio => &mut self.video,
            (_, Some(_))
                if !self.has_both || !self.video.is_empty() || is_far(&self.audio, AUDIO_AHEAD_90K) =>
            {
                &mut self.audio
            }
            (Some(_), None) if !self.has_both || is_far(&self.video, VIDEO_AHEAD_90K) => &mut self.video,
            _ => return None,
        };
        first.pop_front().map(|(_, packet)| packet)
    }

    /// The next packet at the end of the stream, when nothing more will come.
    pub fn pop_rest(&mut self) -> Option<T> {
        let first = match (self.video.front(), self.audio.front()) {
            (Some((video, _)), Some((audio, _))) if video > audio => &mut self.audio,
            (Some(_), _) => &mut self.video,
            (None, _) => &mut self.audio,
        };
        first.pop_front().map(|(_, packet)| packet)
    }
}

fn is_far<T>(waiting: &VecDeque<(i64, T)>, farthest_90k: i64) -> bool {
    let (Some((first, _)), Some((last, _))) = (waiting.front(), waiting.back()) else { return false };
    last - first > farthest_90k
}

#[cfg(test)]
mod tests {
    use super::*;
    use Medium::{Audio, Video};

    #[test]
    fn packets_leave_in_order_of_time_and_only_when_that_is_settled() {
        let mut line = Interleaver::new(true);
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
            let mut line = Interleaver::new(false);
            line.push(medium, 10, "first");
            assert_eq!((line.pop(), line.pop()), (Some("first"), None));
        }
    }

    #[test]
    fn a_stream_that_stopped_does_not_hold_the_other_for_ever() {
        let mut line = Interleaver::new(true);
        for n in 0..1000 {
            line.push(Video, n * 4500, n);
        }
        let let_go = std::iter::from_fn(|| line.pop()).count();
        assert_eq!(let_go, 1000 - 101);
    }

    #[test]
    fn sound_that_comes_at_once_after_a_standstill_waits_for_its_pictures() {
        let mut line = Interleaver::new(true);
        for n in 0..350 {
            line.push(Audio, n * 1920, "sound");
        }
        assert_eq!(line.pop(), None, "7 s of it");
        line.push(Video, 0, "picture");
        assert_eq!(line.pop(), Some("picture"));
    }
}
