//! Facts: what is true of one segment, and what follows from that alone. Pure.

use crate::ts::audio::AudioFacts;
use crate::ts::continuity::Counter;
use crate::ts::tables::ElementaryStream;
use crate::ts::video::VideoFacts;
use livedir_time::clock_33_bit::{distance_90k, earlier_90k, later_90k};
use livedir_time::ticks::of_seconds;

/// By so much the sound of a segment may be shorter than its frames, as it comes later.
const SOUND_LATE_90K: u64 = of_seconds(1) / 2;

/// What is true of a segment. Times are 33-bit and wrap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// When it begins: its video, or its audio where there is no video.
    pub start_90k: u64,
    /// How long it lasts, the last frame included as [`LastPicture`](crate::LastPicture) believes; 0 when nothing tells.
    pub duration_90k: u64,
    /// How long one frame of the video (or, without video, one audio frame) lasts; 0 when not known.
    pub frame_interval_90k: u64,
    /// The video, if there is any.
    pub video: Option<VideoFacts>,
    /// The audio, if there is any.
    pub audio: Option<AudioFacts>,
    /// How many programs there are, by the tables that are in the file; the facts are those of the first.
    pub programs: usize,
    /// What the PMT names.
    pub streams: Vec<ElementaryStream>,
    /// The continuity counter of every PID, in order of appearance.
    pub counters: Vec<Counter>,
    /// Whether PAT and PMT come before the first packet of any stream.
    pub tables_first: bool,
    /// Bytes behind the last whole packet: the file was cut.
    pub trailing_bytes: usize,
}

impl Facts {
    /// When it ends: where the next one has to begin.
    #[must_use]
    pub fn end_90k(&self) -> u64 {
        later_90k(self.start_90k, self.duration_90k)
    }

    /// Takes it that it begins so much earlier: what came before it is lost, and packets with it.
    pub fn begin_earlier(&mut self, by_90k: u64) {
        self.start_90k = earlier_90k(self.start_90k, by_90k);
        self.duration_90k = self.duration_90k.saturating_add(by_90k);
        self.counters.clear();
    }

    /// Takes it as a part of a segment: frames that are shown in another order than they are decoded in last as their decoding does.
    /// Others are shown between them.
    #[must_use]
    pub fn in_decoding_order(mut self) -> Self {
        if let Some(video) = &mut self.video
            && let Some(decoding) = video.decoding
        {
            video.last_picture = decoding.last_picture;
            (video.duration_90k, self.duration_90k) = (decoding.duration_90k, decoding.duration_90k);
            (video.frame_interval_90k, self.frame_interval_90k) =
                (decoding.frame_interval_90k, decoding.frame_interval_90k);
        }
        self
    }

    /// What goes on where this one ends, with nothing changed.
    #[must_use]
    pub fn successor(&self) -> Self {
        Self { start_90k: self.end_90k(), counters: Vec::new(), ..self.clone() }
    }

    /// When the last of its frames and its sound ends: nothing in it is later, however long its last frame is.
    #[must_use]
    pub fn latest_end_90k(&self) -> u64 {
        let doubt_90k = self.video.as_ref().map_or(0, |video| {
            video.last_picture.longest_90k.saturating_sub(video.last_picture.believed_90k)
        });
        let end_90k = later_90k(self.end_90k(), doubt_90k);
        let sound = self.audio.as_ref().filter(|sound| distance_90k(end_90k, sound.end_90k) > 0);
        sound.map_or(end_90k, |sound| sound.end_90k)
    }

    /// Takes it that it lasts as long as the segment before it has turned out to last, `before_90k`, where the length of its
    /// last frame is in doubt: encoders cut at even times. Sound that is much shorter tells that it was cut off.
    pub fn last_like(&mut self, before_90k: u64) {
        let is_cut_off =
            self.audio.as_ref().is_some_and(|it| it.duration_90k() + SOUND_LATE_90K < before_90k);
        if !is_cut_off && self.shortest_in_doubt_90k().is_some_and(|shortest_90k| shortest_90k <= before_90k)
        {
            self.set_duration(before_90k);
        }
    }

    /// Takes it that no segment is longer than `limit_90k`, which its encoder has promised: where the length of the last
    /// frame is in doubt, it ends there at the latest, and where nothing tells of it, it ends there.
    pub fn hold_to(&mut self, limit_90k: u64) {
        let is_unknown = self.video.as_ref().is_some_and(|video| video.last_picture.believed_90k == 0);
        if (self.duration_90k > limit_90k || is_unknown)
            && self.shortest_in_doubt_90k().is_some_and(|shortest_90k| shortest_90k <= limit_90k)
        {
            self.set_duration(limit_90k);
        }
    }

    /// The least that it can last; `None` where that is certain.
    fn shortest_in_doubt_90k(&self) -> Option<u64> {
        let video = self.video.as_ref()?;
        let last = video.last_picture;
        last.is_in_doubt().then(|| video.duration_90k.saturating_sub(last.believed_90k) + last.shortest_90k)
    }

    fn set_duration(&mut self, duration_90k: u64) {
        let Some(video) = &mut self.video else { return };
        let last = &mut video.last_picture;
        let before_last_90k = video.duration_90k.saturating_sub(last.believed_90k);
        last.believed_90k = duration_90k.saturating_sub(before_last_90k);
        last.longest_90k = last.longest_90k.max(last.believed_90k);
        (video.duration_90k, self.duration_90k) = (duration_90k, duration_90k);
    }

    /// Times that a continuity counter did not run on inside it.
    #[must_use]
    pub fn counter_breaks(&self) -> u64 {
        self.counters.iter().map(|counter| u64::from(counter.breaks)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ts::audio::AudioCodec;
    use crate::{LastPicture, VideoCodec};

    /// Three frames in 120 ms, of which the last may be longer, with so much sound.
    fn in_doubt(sound_90k: u64) -> Facts {
        let video = VideoFacts {
            codec: VideoCodec::H264,
            start_90k: 0,
            duration_90k: 10_800,
            frame_interval_90k: 3_600,
            last_picture: LastPicture { believed_90k: 3_600, shortest_90k: 1_800, longest_90k: 3_600 },
            decoding: None,
            frames: 3,
            keyframes: 1,
            starts_with_keyframe: true,
            starts_with_parameter_sets: true,
            has_captions: false,
            picture: None,
            changes_to: None,
            sps: Vec::new(),
        };
        let codec = AudioCodec::Aac { sample_rate_hz: 48_000, channels: 2 };
        let audio = AudioFacts { start_90k: 0, end_90k: sound_90k, codec };
        Facts {
            duration_90k: 10_800,
            video: Some(video),
            audio: (sound_90k > 0).then_some(audio),
            ..Facts::default()
        }
    }

    #[test]
    fn a_segment_lasts_as_long_as_the_one_before_unless_its_sound_tells_that_it_was_cut_off() {
        for (sound_90k, expected_90k) in [(0, 90_000), (50_000, 90_000), (9_600, 10_800)] {
            let mut facts = in_doubt(sound_90k);
            facts.last_like(90_000);
            assert_eq!(facts.duration_90k, expected_90k, "sound of {sound_90k} ticks");
        }
    }
}
