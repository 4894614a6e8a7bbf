//! Slate form: what a slate has to be like, to stand in the place of a source that is copied. Pure.
//!
//! In: the streams of each client or film, and its packets. Out: size and shape of the pictures, profile and level, and the rate and
//! channels of the sound, as soon as they are known.

use crate::copy::picture_pace::PicturePace;
use crate::copy::picture_sets::{Sets, sets_of};
use crate::copy::{CopiedPacket, CopiedStream};
use crate::encode::short_film::PictureForm;
use crate::source::input::adts::Adts;
use crate::source::input::stream_fields;
use livedir_media::Medium;
use livedir_time::ticks;

/// The shortest picture of a slate: 120 a second.
const SHORTEST_PICTURE_90K: i64 = ticks::of_pictures(1, 120) as i64;

/// Fewer bits a second show no text that can be read, and a slate needs no more than the most.
const BITS_PER_SECOND: std::ops::RangeInclusive<u64> = 200_000..=4_000_000;

/// Sound that has not come beside so many pictures does not come.
const MOST_WAITED: u64 = 100;

/// What the first client or film is like, as the target durations of segments and parts were promised after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlatePace {
    /// How long a picture is shown, in 90 kHz ticks.
    pub picture_90k: i64,
    /// From one keyframe to the next at most.
    pub keyframes_90k: i64,
    /// Bits a second of the source.
    pub bps: u64,
}

/// What a slate is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlateForm {
    /// `None`: of sound alone.
    pub picture: Option<PictureForm>,
    /// `None`: without sound.
    pub sound: Option<Adts>,
}

/// What has been seen of the source.
#[derive(Debug)]
pub(crate) struct Seen {
    pace: SlatePace,
    leading: Option<Medium>,
    size: (u32, u32),
    sets: Option<Sets>,
    sound: Option<Adts>,
    rate: PicturePace,
    /// Pictures for which sound that is announced has been waited for.
    waited: Option<u64>,
}

impl Seen {
    /// Nothing as yet.
    pub(crate) fn new(pace: SlatePace) -> Self {
        Self {
            pace,
            leading: None,
            size: (0, 0),
            sets: None,
            sound: None,
            rate: PicturePace::default(),
            waited: None,
        }
    }

    /// A client or film begins. One without the medium that segments begin with shows nothing.
    pub(crate) fn begin(&mut self, streams: &[CopiedStream]) {
        let picture = streams.iter().find(|stream| stream.medium == Medium::Video);
        let leads = picture.map_or(Medium::Audio, |picture| picture.medium);
        if *self.leading.get_or_insert(leads) != leads {
            return;
        }
        self.size = picture.map_or((0, 0), |picture| stream_fields::stored_size(&picture.parameters));
        self.sets = None;
        self.sound = None;
        self.rate = PicturePace::default();
        self.waited = streams.iter().any(|stream| stream.medium == Medium::Audio).then_some(0);
    }

    /// A packet of it.
    pub(crate) fn note(&mut self, packet: &CopiedPacket) {
        let bytes = packet.packet.data().unwrap_or_default();
        match packet.medium {
            Medium::Audio if self.sound.is_none() => self.sound = Adts::of_header(bytes),
            Medium::Video if packet.is_keyframe => self.note_sets(sets_of(bytes)),
            _ => {}
        }
        if packet.medium == Medium::Video {
            self.rate.note(packet.dts_90k);
            self.waited = self.waited.map(|waited| waited + 1).filter(|&waited| waited < MOST_WAITED);
        }
    }

    /// Each keyframe brings them. The source may go on in another form without a word.
    fn note_sets(&mut self, sets: Option<Sets>) {
        if sets.is_some() && sets != self.sets {
            self.sets = sets;
            self.rate = PicturePace::default();
        }
    }

    /// The form, once it is known. Of a source that `is_lost` nothing more is waited for.
    pub(crate) fn form(&self, is_lost: bool) -> Option<SlateForm> {
        match self.leading? {
            Medium::Audio => {
                let sound = Some(self.sound?);
                Some(SlateForm { picture: None, sound })
            }
            Medium::Video => {
                let picture = Some(self.picture()?);
                let may_come = !is_lost && self.waited.is_some() && self.sound.is_none();
                (!may_come).then_some(SlateForm { picture, sound: self.sound })
            }
        }
    }

    fn picture(&self) -> Option<PictureForm> {
        let Sets { profile, level, sample_aspect, size } = self.sets?;
        let size = size.unwrap_or(self.size);
        let even = |length: u32| length.next_multiple_of(2).max(2);
        let picture_90k = self.rate.settled(self.pace.picture_90k).unwrap_or(self.pace.picture_90k);
        let picture_90k = picture_90k.max(SHORTEST_PICTURE_90K);
        Some(PictureForm {
            size: (even(size.0), even(size.1)),
            sample_aspect,
            profile,
            level,
            picture_90k,
            group: (self.pace.keyframes_90k / picture_90k).max(1) as u64,
            bps: self.pace.bps.clamp(*BITS_PER_SECOND.start(), *BITS_PER_SECOND.end()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::Hint;
    use ffmpeg_next::{Packet, codec};
    use std::time::Instant;

    fn streams(media: &[Medium]) -> Vec<CopiedStream> {
        let stream = |&medium| CopiedStream { medium, parameters: codec::Parameters::new() };
        media.iter().map(stream).collect()
    }

    fn packet(medium: Medium, bytes: &[u8]) -> CopiedPacket {
        CopiedPacket {
            medium,
            packet: Packet::copy(bytes),
            dts_90k: 0,
            shown_after_90k: 0,
            duration_90k: 3_600,
            is_keyframe: true,
            hint: Hint::None,
            captured_at: Instant::now(),
            stretch: 0.0,
        }
    }

    const PACE: SlatePace = SlatePace { picture_90k: 3_600, keyframes_90k: 180_090, bps: 9_000_000 };
    const SETS: [u8; 9] = [0, 0, 0, 1, 0x67, 77, 0x40, 31, 0x80];
    /// 44.1 kHz, two channels.
    const HEADER: [u8; 7] = [0xff, 0xf1, 0x50, 0x80, 0x01, 0x1f, 0xfc];

    #[test]
    fn a_form_is_known_when_pictures_and_sound_have_come() {
        let mut seen = Seen::new(PACE);
        seen.begin(&streams(&[Medium::Video, Medium::Audio]));
        assert_eq!(seen.form(false), None);
        seen.note(&packet(Medium::Video, &SETS));
        assert_eq!(seen.form(false), None);
        seen.note(&packet(Medium::Audio, &HEADER));
        let SlateForm { picture, sound } = seen.form(false).unwrap();
        let picture = picture.unwrap();
        assert_eq!((picture.profile, picture.level, picture.group, picture.bps), (77, 31, 50, 4_000_000));
        let sound = sound.unwrap();
        assert_eq!((sound.rate_hz(), sound.channels()), (44_100, 2));
    }

    #[test]
    fn sound_alone_has_a_form_and_who_comes_later_with_something_else_changes_nothing() {
        let mut seen = Seen::new(PACE);
        seen.begin(&streams(&[Medium::Audio]));
        assert_eq!(seen.form(false), None);
        seen.note(&packet(Medium::Audio, &HEADER));
        let form = seen.form(false);
        assert!(form.is_some_and(|form| form.picture.is_none() && form.sound.is_some()));
        seen.begin(&streams(&[Medium::Video]));
        assert_eq!(seen.form(false), form);
    }

    #[test]
    fn sound_that_is_announced_and_never_comes_is_not_waited_for_long() {
        let mut seen = Seen::new(PACE);
        seen.begin(&streams(&[Medium::Video, Medium::Audio]));
        for _ in 0..99 {
            seen.note(&packet(Medium::Video, &SETS));
            assert_eq!(seen.form(false), None);
        }
        assert!(seen.form(true).is_some_and(|form| form.sound.is_none()), "whoever has gone sends none");
        seen.note(&packet(Medium::Video, &SETS));
        assert!(seen.form(false).is_some_and(|form| form.sound.is_none()));
    }

    #[test]
    fn whoever_comes_later_is_stood_in_for_at_a_rate_of_their_own() {
        let rate_90k = |picture_90k: i64| {
            let mut seen = Seen::new(PACE);
            seen.begin(&streams(&[Medium::Video]));
            for n in 0..60 {
                seen.note(&CopiedPacket { dts_90k: n * picture_90k, ..packet(Medium::Video, &SETS) });
            }
            seen.form(false).unwrap().picture.unwrap().picture_90k
        };
        assert_eq!((rate_90k(1_800), rate_90k(3_610)), (1_800, 3_600));
    }

    #[test]
    fn any_bytes_are_survived() {
        for bytes in
            [&[][..], &[0, 0, 1, 0x67], &[0, 0, 1, 0x67, 1, 2], &[0xff; 3], &[0xff, 0xf1, 0xff, 0xff]]
        {
            let mut seen = Seen::new(SlatePace { picture_90k: 0, keyframes_90k: -1, bps: 0 });
            seen.begin(&streams(&[Medium::Video, Medium::Audio]));
            seen.note(&packet(Medium::Video, bytes));
            seen.note(&packet(Medium::Audio, bytes));
            assert_eq!(seen.form(false), None);
        }
    }
}
