//! Copy: packets of a source become the stream's own, and nothing is encoded.
//!
//! In: [`Copied`] packets, when they are due. Out: [`Encoded`] messages to the packager, on one timeline that only goes forward;
//! keyframes that begin a segment are marked. Used on the source thread, in the place of capture queue, grid and rungs, and on the
//! slate's. What comes after a break goes on behind a hole in the timeline, which tells players so.

use std::sync::mpsc::SyncSender;
use std::time::{Instant, SystemTime};

use crate::copy::dates::{Dates, Keyframe};
use crate::copy::keyframe_cutter::{Cutter, Fit, longest_segment_90k};
use crate::copy::part_target;
use crate::copy::picture_pace::PicturePace;
use crate::copy::picture_sets::{Sets, sets_of};
use crate::copy::{Copied, CopiedPacket, CopiedStream, Hint, longest_copied_90k};
use crate::encode::START_90K;
use crate::packet::{Encoded, EncodedPacket, Shown};
use livedir_layout::meters::Meters;
use livedir_media::Medium;
use livedir_time::stop::Stop;
use livedir_time::ticks;

/// Between what was before and another film or client: more than any pause between two frames, so that everybody sees the
/// break.
const BREAK_90K: i64 = ticks::of_seconds(1) as i64;

/// How long segments are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyLengths {
    /// What was asked for, with its room, in 90 kHz ticks.
    pub aim_90k: i64,
    /// EXT-X-TARGETDURATION.
    pub(crate) promise_s: u32,
    /// The distance of keyframes that was seen at the start.
    pub keyframes_90k: i64,
}

impl CopyLengths {
    /// Of segments that are to be `segment_90k` long, out of keyframes so far apart: the promise holds what was asked for, and
    /// what becomes of it.
    #[must_use]
    pub(crate) fn new(segment_90k: i64, keyframes_90k: i64) -> Self {
        let aim_90k = longest_copied_90k(segment_90k);
        let longest_90k = segment_90k.max(longest_segment_90k(aim_90k, keyframes_90k)).max(1);
        let promise_s = ticks::seconds_rounded_up(longest_90k as u64) as u32;
        Self { aim_90k, promise_s, keyframes_90k }
    }

    /// Of sound alone, which can be cut at each frame.
    #[must_use]
    pub(crate) fn of_sound(segment_90k: i64, frame_90k: i64) -> Self {
        let promise_s = ticks::seconds_rounded_up(segment_90k.max(1) as u64) as u32;
        Self { aim_90k: segment_90k, promise_s, keyframes_90k: frame_90k }
    }

    pub(crate) fn promise_90k(self) -> i64 {
        ticks::of_seconds(self.promise_s) as i64
    }
}

/// Turns packets of the source into packets of the stream.
pub(crate) struct Copier<'a> {
    packets: SyncSender<Encoded>,
    stop: &'a Stop,
    meters: &'a Meters,
    cutter: Cutter,
    promise_90k: i64,
    /// What segments begin with.
    leading: Medium,
    has_begun: bool,
    told: Told,
    /// From the source's timeline to the stream's; `None` until the first packet of a film or client.
    offset_90k: Option<i64>,
    last_dts_90k: [i64; 2],
    end_90k: i64,
    /// When the segment that was begun last begins, by decode time, and when its frames are shown.
    begun_90k: i64,
    shown: Shown,
    dates: Dates,
    /// PART-TARGET in 90 kHz ticks; `None` without parts.
    part_target_90k: Option<u64>,
    /// Of this client or film.
    rate: PicturePace,
    /// Of the newest keyframe.
    sets: Option<Sets>,
    /// What was seen since the newest keyframe that may be why none has followed.
    hint: Hint,
}

/// What was said, and need not be said again.
#[derive(Debug, Default)]
struct Told {
    /// That frames are left out.
    left_out: bool,
    /// That parts do not fit, of this client or film.
    rate: bool,
    /// That sound is left out, of this time without pictures.
    sound_alone: bool,
}

impl<'a> Copier<'a> {
    /// For one run.
    #[must_use]
    pub(crate) fn new(
        packets: SyncSender<Encoded>,
        lengths: CopyLengths,
        stop: &'a Stop,
        meters: &'a Meters,
    ) -> Self {
        let promise_90k = lengths.promise_90k();
        Self {
            packets,
            stop,
            meters,
            cutter: Cutter::new(lengths.aim_90k, promise_90k, lengths.keyframes_90k),
            promise_90k,
            leading: Medium::Video,
            has_begun: false,
            told: Told::default(),
            offset_90k: None,
            last_dts_90k: [0; 2],
            end_90k: START_90K - BREAK_90K,
            begun_90k: 0,
            shown: Shown::default(),
            dates: Dates::default(),
            part_target_90k: None,
            rate: PicturePace::default(),
            sets: None,
            hint: Hint::None,
        }
    }

    /// With parts that are no longer than PART-TARGET, in 90 kHz ticks; `None` without parts.
    #[must_use]
    pub(crate) fn with_parts(self, part_target_90k: Option<u64>) -> Self {
        Self { part_target_90k, ..self }
    }

    /// Takes the next packet.
    pub(crate) fn take(&mut self, piece: Copied) {
        match piece {
            Copied::Begins(streams) => self.begin(streams),
            Copied::Packets(packets) => {
                self.count(&packets);
                self.stand_in(packets);
            }
            // Nothing follows.
            Copied::Ends { .. } => {}
        }
    }

    /// Takes packets that are not those of the source.
    pub(crate) fn stand_in(&mut self, packets: Vec<CopiedPacket>) {
        let packets: Vec<_> = packets.into_iter().filter_map(|packet| self.packet(packet)).collect();
        if !packets.is_empty() {
            self.send(Encoded::Packets(packets));
        }
    }

    /// Counts packets of the source that are not shown.
    pub(crate) fn leave_out(&self, packets: &[CopiedPacket]) {
        self.meters.pictures_dropped.add(self.count(packets));
    }

    fn count(&self, packets: &[CopiedPacket]) -> u64 {
        let pictures = packets.iter().filter(|packet| packet.medium == Medium::Video).count() as u64;
        self.meters.pictures_captured.add(pictures);
        pictures
    }

    /// What segments begin with.
    pub(crate) fn leading(&self) -> Medium {
        self.leading
    }

    /// When what was sent is over, by the dates of the stream; at the latest now, and no longer ago than a segment.
    pub(crate) fn ended_at(&self, now: Instant) -> Instant {
        let ended_at = self.dates.ended_at(self.shown_until_90k());
        let ago = ended_at.and_then(|ended_at| SystemTime::now().duration_since(ended_at).ok());
        let longest_segment = ticks::duration_or_zero(self.promise_90k);
        now.checked_sub(ago.unwrap_or_default().min(longest_segment)).unwrap_or(now)
    }

    /// What comes next does not follow what was before.
    pub(crate) fn break_off(&mut self) {
        self.offset_90k = None;
        self.cutter.break_off();
        self.dates.break_off(self.shown_until_90k());
    }

    /// When what was sent is over, as if frames were decoded when they are shown.
    fn shown_until_90k(&self) -> i64 {
        self.begun_90k + self.shown.lasts_90k()
    }

    fn begin(&mut self, streams: Vec<CopiedStream>) {
        self.break_off();
        (self.rate, self.told.rate) = (PicturePace::default(), false);
        // The muxer is set up once; what other films have of their own is in their packets.
        if !std::mem::replace(&mut self.has_begun, true) {
            let has_picture = streams.iter().any(|stream| stream.medium == Medium::Video);
            self.leading = if has_picture { Medium::Video } else { Medium::Audio };
            for CopiedStream { medium, parameters } in streams {
                self.send(Encoded::Stream { medium, parameters });
            }
        }
    }

    /// The packet on the stream's timeline, if it belongs into a segment.
    fn packet(&mut self, copied: CopiedPacket) -> Option<EncodedPacket> {
        let CopiedPacket { medium, mut packet, duration_90k, is_keyframe, captured_at, stretch, .. } = copied;
        let next_90k = self.end_90k + BREAK_90K;
        let offset_90k = *self.offset_90k.get_or_insert(next_90k - copied.dts_90k);
        let last_90k = &mut self.last_dts_90k[medium as usize];
        // Muxers take only decode times that grow; sources with careless clocks have others.
        let stated_90k = copied.dts_90k + offset_90k;
        let dts_90k = stated_90k.max(*last_90k + 1);
        *last_90k = dts_90k;
        self.end_90k = self.end_90k.max(dts_90k + duration_90k);
        if medium == Medium::Video && is_keyframe {
            self.note_sets(packet.data().unwrap_or_default());
        }
        if medium == Medium::Video && (is_keyframe || copied.hint != Hint::None) {
            self.hint = if is_keyframe { Hint::None } else { copied.hint };
        }
        let mut begins = false;
        let is_left_out = if medium == self.leading {
            let place = self.cutter.picture(dts_90k, duration_90k, is_keyframe);
            begins = place == Fit::Begins;
            place == Fit::LeftOut
        } else if self.cutter.is_sound_alone(dts_90k) {
            self.tell_sound_alone();
            true
        } else {
            self.cutter.leaves_out_sound(dts_90k)
        };
        if is_left_out {
            if medium == Medium::Video {
                self.tell(dts_90k);
            }
            return None;
        }
        let pts_90k = dts_90k.max(stated_90k + copied.shown_after_90k);
        if begins {
            (self.begun_90k, self.shown) = (dts_90k, Shown::default());
        }
        if medium == self.leading {
            self.shown.note(pts_90k, duration_90k);
        }
        if medium == Medium::Video {
            self.told.sound_alone = false;
            self.note_rate(dts_90k, duration_90k);
        }
        packet.set_dts(Some(dts_90k));
        packet.set_pts(Some(pts_90k));
        packet.set_duration(duration_90k);
        let keyframe = Keyframe { dts_90k, picture_90k: duration_90k, stretch, filmed_at: date(captured_at) };
        let keyframe_filmed_at = begins.then(|| self.dates.of(keyframe));
        Some(EncodedPacket { medium, dts_90k, duration_90k, keyframe_filmed_at, boundary: None, packet })
    }

    /// Pictures of another size or shape are not for the same segment: RFC 8216 4.3.2.3 wants EXT-X-DISCONTINUITY before them.
    fn note_sets(&mut self, keyframe: &[u8]) {
        let Some(sets) = sets_of(keyframe) else { return };
        if self.sets.replace(sets).is_some_and(|before| before != sets) {
            self.cutter.end_segment();
        }
    }

    /// Says once for each time without pictures what becomes of the sound.
    fn tell_sound_alone(&mut self) {
        if !std::mem::replace(&mut self.told.sound_alone, true) {
            tracing::warn!(
                "sound comes without pictures, and a copied segment ends with a picture: sound is left out until pictures come again; \
                 leave --copy out to hear it with the last picture"
            );
        }
    }

    /// Says once for each client or film that its parts are shorter than players may expect.
    fn note_rate(&mut self, dts_90k: i64, duration_90k: i64) {
        self.rate.note(dts_90k);
        let Some(target_90k) = self.part_target_90k.filter(|_| !self.told.rate) else { return };
        let picture_90k = self.rate.settled(duration_90k).and_then(|it| u64::try_from(it).ok());
        if let Some(picture_90k) = picture_90k.filter(|it| !part_target::fits(target_90k, *it)) {
            self.told.rate = true;
            tracing::warn!(
                frame_s = ticks::seconds(picture_90k),
                part_target_s = ticks::seconds(target_90k),
                "no whole number of frames of this rate is 85 to 100 % of a part, which players were promised; set another frame rate in the encoder, or restart"
            );
        }
    }

    /// Says what is left out: once, and then by the count of dropped frames.
    fn tell(&mut self, dts_90k: i64) {
        self.meters.pictures_dropped.add(1);
        let is_late = dts_90k > START_90K + self.promise_90k && self.meters.pictures_captured.get() > 1;
        if !is_late || std::mem::replace(&mut self.told.left_out, true) {
            return;
        }
        match self.hint {
            Hint::None => tracing::warn!(
                "keyframes are further apart than the target duration, so frames up to the next keyframe are dropped; set the keyframe interval of the encoder to {} s, or restart with a longer --segment-duration or --copy=auto",
                ticks::seconds_rounded_up(self.promise_90k as u64)
            ),
            Hint::Loss => tracing::warn!(
                "a keyframe was lost in what is damaged, missing or scrambled in the source, so frames up to the next keyframe are dropped"
            ),
            Hint::OpenKeyframe => tracing::warn!(
                "the source goes on with open groups of pictures, so frames up to the next IDR frame are dropped; let its encoder close them (x264: open-gop=0; ffmpeg: -flags +cgop), or restart with --copy=auto"
            ),
        }
    }

    fn send(&self, message: Encoded) {
        // A packager that is gone has told why itself.
        if self.packets.send(message).is_err() {
            self.stop.request();
        }
    }
}

/// The wall-clock time of a moment, past or to come.
fn date(moment: Instant) -> SystemTime {
    let (now, date) = (Instant::now(), SystemTime::now());
    match moment.checked_duration_since(now) {
        Some(after) => date + after,
        None => date - (now - moment),
    }
}
