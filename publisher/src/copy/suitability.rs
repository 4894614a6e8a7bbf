//! Start: what the first seconds of a stream show of it, and whether that can be copied. Pure.

use super::Unfit;
use super::lane::LaneSetup;
use crate::captured::CopiedFormat;
use crate::source::input::pace::timeline::Lane;
use ffmpeg_next::Packet;
use livedir_time::ticks;

/// So much of a file is looked at, to say how far its keyframes are apart. Longer ones fit into no segment.
const LOOK_AHEAD_90K: i64 = ticks::of_seconds(12) as i64;
/// A stream of more bytes than this in that time is looked at no further.
const MOST_LOOKED_AT_BYTES: usize = 64 << 20;
/// A film whose keyframes are regular shows it in so many.
const ENOUGH_INTERVALS: u32 = 4;
/// What `--segment-duration` can be at most.
pub(crate) const LONGEST_SEGMENT_S: u64 = 10;
/// A keyframe may come so much later than a segment is to be long: 2.002 s for 2 s, as with 29.97 frames a second.
const ROOM_PERCENT: i64 = 1;

/// How long a segment may become where `segment_90k` is asked for, in 90 kHz ticks.
#[must_use]
pub fn longest_copied_90k(segment_90k: i64) -> i64 {
    segment_90k + segment_90k * ROOM_PERCENT / 100
}

/// What the start of a stream shows.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Start {
    segment_90k: i64,
    /// The longest that a segment may become.
    limit_90k: i64,
    live: bool,
    /// The lane that segments are cut at.
    leading: Lane,
    bytes: usize,
    /// Packets of the leading lane.
    packets: u64,
    /// Those that hold a frame.
    readable: u64,
    /// Those without any time.
    untimed: u64,
    first_90k: Option<i64>,
    last_90k: i64,
    keyframe_90k: Option<i64>,
    keyframes: u64,
    /// Those that are no IDR frames.
    open_keyframes: u64,
    /// The longest distance of two keyframes of either kind.
    longest_open_90k: i64,
    any_keyframe_90k: Option<i64>,
    intervals: u32,
    longest_90k: i64,
    picture_90k: i64,
    has_b_frames: bool,
    has_untimed_b_frames: bool,
    /// What decoders are set up with has come: in the head of the stream, or with a frame.
    has_parameter_sets: bool,
    is_over: bool,
}

impl Start {
    /// Of a stream, `live` or not, that is to be cut into segments of `segment_90k` where the lane `leading` allows it.
    pub(crate) fn new(segment_90k: i64, live: bool, leading: Lane) -> Self {
        Self {
            segment_90k,
            limit_90k: longest_copied_90k(segment_90k),
            live,
            leading,
            bytes: 0,
            packets: 0,
            readable: 0,
            untimed: 0,
            first_90k: None,
            last_90k: 0,
            keyframe_90k: None,
            keyframes: 0,
            open_keyframes: 0,
            longest_open_90k: 0,
            any_keyframe_90k: None,
            intervals: 0,
            longest_90k: 0,
            picture_90k: 0,
            has_b_frames: false,
            has_untimed_b_frames: false,
            has_parameter_sets: leading == Lane::Sound,
            is_over: false,
        }
    }

    /// The same where no segment may become longer than this.
    pub(crate) fn limited_to(self, promise_90k: i64) -> Self {
        Self { limit_90k: self.limit_90k.min(promise_90k), ..self }
    }

    /// A packet.
    pub(crate) fn see(&mut self, lane: Lane, setup: &LaneSetup, packet: &Packet) {
        self.bytes += packet.size();
        if lane != self.leading {
            return;
        }
        let picture = setup.look(packet);
        self.packets += 1;
        self.has_parameter_sets |= picture.has_parameter_sets || setup.has_parameter_sets();
        self.readable += u64::from(picture.can_be_read());
        let Some(dts) = packet.dts().or(packet.pts()) else {
            self.untimed += u64::from(picture.can_be_read());
            return;
        };
        let dts_90k = setup.ticks(dts);
        self.picture_90k = setup.usual_90k(packet);
        self.has_b_frames |= picture.is_bidirectional;
        self.has_untimed_b_frames |= picture.is_bidirectional && packet.pts().is_none();
        if picture.is_open_keyframe || picture.is_idr {
            self.open_keyframes += u64::from(picture.is_open_keyframe);
            if let Some(before_90k) = self.any_keyframe_90k.replace(dts_90k) {
                self.longest_open_90k = self.longest_open_90k.max(dts_90k.saturating_sub(before_90k));
            }
        }
        self.see_picture(dts_90k, picture.is_idr);
    }

    /// The end of one of its streams.
    pub(crate) fn see_end(&mut self, lane: Lane) {
        self.is_over |= lane == self.leading;
    }

    fn see_picture(&mut self, dts_90k: i64, is_idr: bool) {
        let first_90k = *self.first_90k.get_or_insert(dts_90k);
        // A jump tells nothing.
        if dts_90k < self.last_90k || dts_90k.saturating_sub(self.last_90k) > LOOK_AHEAD_90K {
            self.keyframe_90k = None;
        }
        self.last_90k = dts_90k;
        self.keyframes += u64::from(is_idr);
        if is_idr {
            if let Some(before_90k) = self.keyframe_90k.replace(dts_90k) {
                self.longest_90k = self.longest_90k.max(dts_90k.saturating_sub(before_90k));
                self.intervals += 1;
            }
        } else {
            let since_90k = self.keyframe_90k.unwrap_or(first_90k);
            let so_far_90k = dts_90k.saturating_sub(since_90k).saturating_add(self.picture_90k);
            self.longest_90k = self.longest_90k.max(so_far_90k);
        }
    }

    fn looked_at_90k(&self) -> i64 {
        self.last_90k.saturating_sub(self.first_90k.unwrap_or(self.last_90k))
    }

    /// Whether anything came of the lane that segments are cut at.
    pub(crate) fn has_come(&self) -> bool {
        self.packets > 0
    }

    /// Whether more would tell nothing else, or take too long.
    pub(crate) fn is_enough(&self) -> bool {
        // A live source is not made later for the sake of a better answer.
        let enough = if self.live { 1 } else { ENOUGH_INTERVALS };
        self.is_over
            || self.intervals >= enough
            || self.looked_at_90k() >= LOOK_AHEAD_90K
            || self.bytes >= MOST_LOOKED_AT_BYTES
            || (self.live && self.longest_90k > self.limit_90k)
    }

    /// Bits a second of what was looked at.
    fn bps(&self) -> u64 {
        let length_90k = self.looked_at_90k().saturating_add(self.picture_90k).max(1);
        ticks::bits_per_second_rounded_down(self.bytes as u64, length_90k as u64)
    }

    /// What else than another encoder setting would help, if anything.
    fn longer(&self) -> String {
        let longest_90k = longest_copied_90k(ticks::of_seconds(LONGEST_SEGMENT_S as u32) as i64);
        if self.longest_90k > longest_90k || self.limit_90k >= longest_90k {
            return String::new();
        }
        let whole_s = ticks::seconds_rounded_up(self.longest_90k.max(0) as u64).min(LONGEST_SEGMENT_S);
        if self.intervals > 0 {
            return format!(", or raise --segment-duration to {whole_s}s");
        }
        format!(", or raise --segment-duration, to {LONGEST_SEGMENT_S}s at most")
    }

    /// What can be expected of the rest, or why it cannot be copied. `stated_bps`: as the container says, 0 if it does not.
    pub(crate) fn judge(&self, stated_bps: u64) -> Result<CopiedFormat, Unfit> {
        if self.has_untimed_b_frames {
            return Err(Unfit::NoPresentationTimes);
        }
        let seconds =
            |ticks_90k: i64| format!("{}", (ticks::exact_signed_seconds(ticks_90k) * 100.0).round() / 100.0);
        if self.readable == 0 {
            return Err(Unfit::NothingReadable);
        }
        // Before the first keyframe they may be missing.
        if self.keyframes > 0 && !self.has_parameter_sets {
            return Err(Unfit::NoParameterSets);
        }
        // A first time alone says nothing of the others.
        if self.first_90k.is_none() || self.untimed > self.readable / 2 {
            return Err(Unfit::NoTimes);
        }
        let is_over = self.longest_90k > self.limit_90k;
        if self.open_keyframes > 0 && (is_over || self.keyframes == 0) {
            let is_seldom = self.longest_open_90k > self.limit_90k;
            return Err(Unfit::OpenGop {
                open: self.open_keyframes,
                all: self.open_keyframes + self.keyframes,
                as_well: if is_seldom {
                    format!(", and a keyframe each {} s", seconds(self.segment_90k))
                } else {
                    String::new()
                },
            });
        }
        if self.keyframes == 0 && self.longest_90k <= self.limit_90k {
            return Err(Unfit::NoKeyframe(seconds(self.longest_90k)));
        }
        if is_over {
            return Err(Unfit::Keyframes {
                at_least: if self.intervals == 0 { "at least " } else { "" },
                found_s: seconds(self.longest_90k),
                asked_s: seconds(self.segment_90k),
                longer: self.longer(),
            });
        }
        Ok(CopiedFormat {
            keyframes_90k: self.longest_90k.max(1),
            picture_90k: self.picture_90k.max(1),
            bps: stated_bps.max(self.bps()),
            at_once_s: 0,
            has_b_frames: self.has_b_frames,
            is_live: self.live,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME_90K: i64 = 3_600;

    /// A stream of 25 frames a second and 1,000 bytes each, with a keyframe each `gop` of them, looked at until it is enough.
    fn seen(gop: i64, live: bool) -> (i64, Start) {
        let mut start = Start::new(180_000, live, Lane::Picture);
        start.picture_90k = FRAME_90K;
        let mut pictures = 0;
        start.readable = 1;
        start.has_parameter_sets = true;
        while !start.is_enough() {
            start.bytes += 1_000;
            start.see_picture(pictures * FRAME_90K, pictures % gop == 0);
            pictures += 1;
        }
        (pictures, start)
    }

    #[test]
    fn a_file_is_looked_at_for_four_keyframes_and_a_live_stream_for_one() {
        assert_eq!(seen(50, false).0, 201);
        assert_eq!(seen(50, true).0, 51);
        assert_eq!(seen(10_000, false).0, 301, "12 s and no more");
        assert_eq!(seen(10_000, true).0, 51, "as soon as it is over the limit");
    }

    #[test]
    fn the_distance_of_keyframes_and_the_rate_are_told() {
        let format = seen(50, false).1.judge(0).unwrap();
        assert_eq!((format.keyframes_90k, format.picture_90k, format.bps), (180_000, FRAME_90K, 200_000));
        assert_eq!(seen(50, false).1.judge(7_000_000).unwrap().bps, 7_000_000);
    }

    #[test]
    fn keyframes_too_far_apart_are_refused() {
        let refusal = |gop| seen(gop, false).1.judge(0).unwrap_err().to_string();
        assert!(refusal(100).starts_with("its keyframes are 4 s apart, over the 2 s"), "{}", refusal(100));
        assert!(refusal(10_000).starts_with("its keyframes are at least 12"), "{}", refusal(10_000));
        assert!(Start::new(180_000, false, Lane::Picture).judge(0).is_err(), "nothing was seen");
    }

    #[test]
    fn frames_without_parameter_sets_are_refused_for_that() {
        let mut start = seen(50, true).1;
        start.has_parameter_sets = false;
        assert_eq!(start.judge(0).unwrap_err(), Unfit::NoParameterSets);
    }

    #[test]
    fn times_from_any_source_are_survived() {
        let mut start = Start::new(180_000, false, Lane::Picture);
        for dts_90k in [i64::MIN, i64::MAX, 0, -1, i64::MIN, i64::MAX] {
            start.see_picture(dts_90k, true);
            start.see_picture(dts_90k, false);
        }
        start.is_enough();
        let _ = start.judge(u64::MAX);
    }
}
