//! Slate reel: a slate in the form of a source that is copied, and what is due of it while it is shown. Pure: the moments are arguments.
//!
//! In: a short film and its sound, or a frame of silence, once. Out: the packets that a source would send, from the moment at which the last one
//! ended, again and again.

use crate::copy::{CopiedPacket, Hint};
use crate::encode::short_film::CodedPicture;
use crate::encode::short_sound::FRAME_SAMPLES;
use ffmpeg_next::Packet;
use livedir_media::Medium;
use livedir_time::ticks::{duration_or_zero, of_position};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Handed out together at most, so that nobody waits long for their turn.
const MOST_AT_ONCE: usize = 256;

/// A showing that is so late, as the machine slept or the disk took nothing, is not caught up with.
const LOST: Duration = Duration::from_secs(5);

/// The film.
#[derive(Debug)]
pub(crate) struct Pictures {
    /// Whole groups of pictures; at least one picture.
    pub coded: Vec<CodedPicture>,
    /// How long a picture is shown, in 90 kHz ticks.
    pub picture_90k: i64,
}

/// What is heard.
#[derive(Debug)]
pub(crate) struct Sound {
    /// Behind their headers: those of the film, or one of silence.
    pub frames: Vec<Vec<u8>>,
    /// Samples a second.
    pub rate_hz: u32,
}

/// A slate.
#[derive(Debug)]
pub(crate) struct Reel {
    pub pictures: Option<Pictures>,
    pub sound: Option<Sound>,
}

impl Reel {
    /// When so many pictures or frames of sound have been shown or heard.
    fn time_90k(&self, medium: Medium, count: u64) -> Option<i64> {
        match medium {
            Medium::Video => self.pictures.as_ref().map(|pictures| pictures.picture_90k * count as i64),
            Medium::Audio => {
                let samples = count as i64 * i64::from(FRAME_SAMPLES);
                self.sound.as_ref().map(|sound| of_position(samples, sound.rate_hz))
            }
        }
    }

    fn bytes(&self, medium: Medium, count: u64) -> Option<(&[u8], bool)> {
        match medium {
            Medium::Video => {
                let coded = &self.pictures.as_ref()?.coded;
                let picture = coded.get((count % coded.len().max(1) as u64) as usize)?;
                Some((&picture.bytes, picture.is_idr))
            }
            Medium::Audio => {
                let frames = &self.sound.as_ref()?.frames;
                Some((frames.get(self.frame_of_film(count, frames.len()))?.as_slice(), true))
            }
        }
    }

    /// Which of the film's frames of sound is heard. Frames of sound do not end where the film does: each time that it begins anew the
    /// nearest one is taken, so that the two do not part.
    fn frame_of_film(&self, count: u64, frames: usize) -> usize {
        let film_90k = self.pictures.as_ref().map(|it| it.picture_90k * it.coded.len() as i64);
        let of_film = || {
            let time_90k =
                self.time_90k(Medium::Audio, count)? % film_90k.filter(|&film_90k| film_90k > 0)?;
            let frame_90k = self.time_90k(Medium::Audio, 1)?.max(1);
            Some(((time_90k + frame_90k / 2) / frame_90k) as usize)
        };
        of_film().unwrap_or(0).min(frames.saturating_sub(1))
    }
}

/// A slate that is shown.
#[derive(Debug)]
pub(crate) struct Showing {
    reel: Arc<Reel>,
    began_at: Instant,
    /// Pictures, and frames of sound, that were handed out.
    counts: [u64; 2],
}

impl Showing {
    /// Of a slate that is seen from `began_at` on.
    pub(crate) fn new(reel: Arc<Reel>, began_at: Instant) -> Self {
        Self { reel, began_at, counts: [0; 2] }
    }

    fn next(&self) -> Option<(Medium, i64)> {
        let time = |medium: Medium| Some((medium, self.reel.time_90k(medium, self.counts[medium as usize])?));
        [Medium::Video, Medium::Audio].into_iter().filter_map(time).min_by_key(|(_, time_90k)| *time_90k)
    }

    fn moment(&self, time_90k: i64) -> Instant {
        self.began_at + duration_or_zero(time_90k)
    }

    /// When the next packet is due.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.next().map(|(_, time_90k)| self.moment(time_90k))
    }

    /// Until when it has been shown.
    pub(crate) fn ends_at(&self) -> Instant {
        let leading = if self.reel.pictures.is_some() { Medium::Video } else { Medium::Audio };
        let shown_90k = self.reel.time_90k(leading, self.counts[leading as usize]);
        self.moment(shown_90k.unwrap_or(0))
    }

    /// Whether it is too late to go on with it.
    pub(crate) fn is_lost(&self, now: Instant) -> bool {
        self.next_at().is_some_and(|next| now.saturating_duration_since(next) > LOST)
    }

    /// What is due at `now`, in order.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<CopiedPacket> {
        let mut packets = Vec::new();
        while packets.len() < MOST_AT_ONCE
            && let Some((medium, dts_90k)) = self.next()
            && self.moment(dts_90k) <= now
        {
            let count = &mut self.counts[medium as usize];
            let Some((bytes, is_keyframe)) = self.reel.bytes(medium, *count) else { break };
            *count += 1;
            let ends_90k = self.reel.time_90k(medium, *count).unwrap_or(dts_90k);
            packets.push(CopiedPacket {
                medium,
                packet: Packet::copy(bytes),
                dts_90k,
                shown_after_90k: 0,
                duration_90k: ends_90k - dts_90k,
                is_keyframe,
                hint: Hint::None,
                captured_at: self.moment(dts_90k),
                stretch: 0.0,
            });
        }
        packets
    }
}

/// The packet with which the source is back, among those that it sent while the slate was shown until `shown_until`: the first that
/// segments can begin with, and that was not filmed while the slate was seen. `overlap`: but for so much.
pub(crate) fn back_at(
    packets: &[CopiedPacket],
    leading: Medium,
    shown_until: Instant,
    overlap: Duration,
) -> Option<usize> {
    packets.iter().position(|packet| {
        let is_late_enough = packet.captured_at + overlap >= shown_until;
        packet.medium == leading && packet.is_keyframe && is_late_enough
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn reel(pictures: usize, rate_hz: Option<u32>) -> Arc<Reel> {
        let coded = (0..pictures).map(|n| CodedPicture { bytes: vec![n as u8], is_idr: n % 2 == 0 });
        let coded = coded.collect();
        Arc::new(Reel {
            pictures: (pictures > 0).then_some(Pictures { coded, picture_90k: 3_600 }),
            sound: rate_hz.map(|rate_hz| Sound { frames: vec![vec![0], vec![1], vec![2]], rate_hz }),
        })
    }

    #[test]
    fn a_film_is_shown_again_and_again_in_real_time_on_one_timeline() {
        let start = Instant::now();
        let mut showing = Showing::new(reel(4, None), start);
        let mut shown = Vec::new();
        for at in [0, 100, 239, 240] {
            let packets = showing.due(start + MS(at));
            shown.push(packets.len());
            assert!(packets.iter().all(|it| it.captured_at == start + duration_or_zero(it.dts_90k)));
        }
        assert_eq!(shown, [1, 2, 3, 1]);
        assert_eq!((showing.ends_at(), showing.next_at()), (start + MS(280), Some(start + MS(280))));
        let again = showing.due(start + MS(320));
        let bytes: Vec<_> = again.iter().map(|it| (it.packet.data().unwrap()[0], it.is_keyframe)).collect();
        assert_eq!(bytes, [(3, false), (0, true)]);
    }

    #[test]
    fn sound_runs_beside_the_pictures_without_drift() {
        let start = Instant::now();
        let mut showing = Showing::new(reel(2, Some(44_100)), start);
        let mut ends_90k = [0; 2];
        for second in 0..60 {
            for packet in showing.due(start + MS(second * 1000)) {
                assert_eq!(packet.dts_90k, ends_90k[packet.medium as usize], "no hole, and no overlap");
                ends_90k[packet.medium as usize] = packet.dts_90k + packet.duration_90k;
            }
        }
        let [video_90k, audio_90k] = ends_90k;
        assert!((video_90k - audio_90k).abs() <= 3_600 && video_90k > 59 * 90_000);
    }

    #[test]
    fn the_sound_of_a_film_begins_anew_with_its_pictures() {
        let start = Instant::now();
        // Four pictures are 160 ms, three frames of sound at 16 kHz 192 ms.
        let mut showing = Showing::new(reel(4, Some(16_000)), start);
        let mut parted = Vec::new();
        let packets: Vec<_> = (0..100).flat_map(|at| showing.due(start + MS(at * 100))).collect();
        for packet in packets.iter().filter(|packet| packet.medium == Medium::Audio) {
            let heard_90k = i64::from(packet.packet.data().unwrap()[0]) * 5_760;
            let seen_90k = packet.dts_90k % (4 * 3_600);
            parted.push((heard_90k - seen_90k).abs());
        }
        assert!(parted.len() > 140 && parted.iter().all(|&by_90k| by_90k <= 2 * 5_760), "{parted:?}");
    }

    #[test]
    fn a_showing_that_is_far_behind_is_lost() {
        let start = Instant::now();
        let showing = Showing::new(reel(2, None), start);
        assert!(!showing.is_lost(start + LOST) && showing.is_lost(start + LOST + MS(1)));
    }

    #[test]
    fn the_source_is_back_with_a_keyframe_that_was_not_filmed_during_the_slate() {
        let start = Instant::now();
        let sent = |medium, at, is_keyframe| CopiedPacket {
            medium,
            packet: Packet::empty(),
            dts_90k: 0,
            shown_after_90k: 0,
            duration_90k: 3_600,
            is_keyframe,
            hint: Hint::None,
            captured_at: start + MS(at),
            stretch: 0.0,
        };
        let packets = [
            sent(Medium::Audio, 900, true),
            sent(Medium::Video, 500, true),
            sent(Medium::Video, 950, false),
            sent(Medium::Video, 900, true),
        ];
        let back = |until| back_at(&packets, Medium::Video, start + MS(until), MS(100));
        assert_eq!((back(600), back(601), back(1000), back(1001)), (Some(1), Some(3), Some(3), None));
        assert_eq!(back_at(&packets, Medium::Audio, start + MS(1000), MS(100)), Some(0));
    }
}
