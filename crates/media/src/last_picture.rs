//! The last frame of a segment: how long it is shown. No byte of the segment says so; only the first frame of the next
//! segment does, and a playlist cannot wait for that.
//!
//! In: the times of all frames, the pace that the SPS tells, the length of the sound. Out: a [`LastPicture`]. Pure.
//!
//! The first of these that applies decides:
//!
//! 1. Four frames or more at a steady pace: as long as the others. So it is with every usual stream.
//! 2. Few frames, at the very pace that the SPS tells: as long as that. Whether the SPS calls it fixed is not asked: x264
//!    never does, at whatever rate.
//! 3. There is sound: until the sound ends. It is cut where the video is, within an audio frame; where that is next to
//!    the pace of the SPS or of the other frames, it is this pace. Lengths are compared and not ends, as many multiplexers
//!    send the sound some tenths of a second ahead or behind.
//! 4. Otherwise the half of its frames that is shown longer begins here: the median interval. That is a guess: whoever
//!    knows more of the stream can correct it: how long the segment before has turned out to be, see
//!    [`Facts::last_like`](super::Facts::last_like), how long any may be, see [`Facts::hold_to`](super::Facts::hold_to).
//! 5. A single frame without sound: as the SPS says, unless that is so short that it is the tick of a clock and no pace.

use livedir_time::ticks::of_pictures;

/// How long the last frame is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LastPicture {
    /// What is believed; 0 when nothing tells.
    pub believed_90k: u64,
    /// The least that it can be; the same where there is no doubt.
    pub shortest_90k: u64,
    /// The longest that a frame of this segment is shown, the last one as far as that is known.
    pub longest_90k: u64,
}

impl LastPicture {
    /// Whether it may be shorter than is believed, or nothing is.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.shortest_90k < self.believed_90k || self.believed_90k == 0
    }

    fn certain(believed_90k: u64) -> Self {
        Self { believed_90k, shortest_90k: believed_90k, longest_90k: believed_90k }
    }
}

/// Fewer intervals show no pace of their own: they may be alike by chance.
const FEWEST_INTERVALS: usize = 3;
/// More frames a second than this are no pace but the clock by which an encoder counts.
const SHORTEST_PACE_90K: u64 = of_pictures(1, 120);
/// Two frames of AAC at 44.1 kHz: as exactly as sound tells where the video ends.
const SOUND_GRAIN_90K: u64 = 4_180;

/// `intervals_90k` lie between the frames as they are shown, none of them 0; `told_90k` is the pace of the SPS; the sound
/// lasts `sound_90k`.
pub(super) fn last_picture(
    intervals_90k: &[u64],
    told_90k: Option<u64>,
    sound_90k: Option<u64>,
) -> LastPicture {
    let told_90k = told_90k.filter(|told_90k| *told_90k >= SHORTEST_PACE_90K);
    let Some(median_90k) = median(intervals_90k) else {
        return single_picture(told_90k, sound_90k);
    };
    let alike = intervals_90k.iter().filter(|interval_90k| is_alike(**interval_90k, median_90k)).count();
    if intervals_90k.len() >= FEWEST_INTERVALS && alike * 4 >= intervals_90k.len() * 3 {
        return LastPicture::certain(median_90k);
    }
    if alike == intervals_90k.len() && told_90k.is_some_and(|told_90k| is_alike(told_90k, median_90k)) {
        return LastPicture::certain(median_90k);
    }
    let longest_90k = intervals_90k.iter().copied().fold(median_90k, u64::max);
    let span_90k: u64 = intervals_90k.iter().sum();
    if let Some(rest_90k) = sound_90k.and_then(|it| it.checked_sub(span_90k)).filter(|rest_90k| *rest_90k > 0)
    {
        let believed_90k = snap(rest_90k, [told_90k, Some(median_90k)]);
        return LastPicture {
            believed_90k,
            shortest_90k: believed_90k,
            longest_90k: longest_90k.max(believed_90k),
        };
    }
    // Who shows frames as they come may show one as short as its clock allows.
    let shortest_90k = intervals_90k.iter().copied().fold(told_90k.unwrap_or(SHORTEST_PACE_90K), u64::min);
    LastPicture { believed_90k: median_90k, shortest_90k, longest_90k }
}

fn single_picture(told_90k: Option<u64>, sound_90k: Option<u64>) -> LastPicture {
    match sound_90k.filter(|sound_90k| *sound_90k > 0) {
        Some(sound_90k) => LastPicture::certain(snap(sound_90k, [told_90k, None])),
        None => LastPicture::certain(told_90k.unwrap_or(0)),
    }
}

/// The interval between frames that divides them in half: steady against a frame that is late or lost.
pub(super) fn median(intervals_90k: &[u64]) -> Option<u64> {
    let mut intervals_90k = intervals_90k.to_vec();
    let middle = intervals_90k.len() / 2;
    (!intervals_90k.is_empty()).then(|| *intervals_90k.select_nth_unstable(middle).1)
}

/// The first pace that sound cannot tell from `by_sound_90k`, or else this itself.
fn snap(by_sound_90k: u64, paces_90k: [Option<u64>; 2]) -> u64 {
    let is_near = |pace_90k: &u64| pace_90k.abs_diff(by_sound_90k) <= SOUND_GRAIN_90K;
    paces_90k.into_iter().flatten().find(is_near).unwrap_or(by_sound_90k)
}

/// Within a quarter.
fn is_alike(interval_90k: u64, other_90k: u64) -> bool {
    interval_90k.abs_diff(other_90k) <= other_90k / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Intervals, what the SPS tells and how long the sound lasts, and how long the last frame is shown, all in
    /// milliseconds; whether that is in doubt.
    #[track_caller]
    fn check(intervals_ms: &[u64], told_ms: u64, sound_ms: u64, expected_ms: u64, is_in_doubt: bool) {
        let intervals_90k: Vec<_> = intervals_ms.iter().map(|it| it * 90).collect();
        let some = |time_ms: u64| (time_ms > 0).then_some(time_ms * 90);
        let last = last_picture(&intervals_90k, some(told_ms), some(sound_ms));
        assert_eq!((last.believed_90k / 90, last.is_in_doubt()), (expected_ms, is_in_doubt), "{last:?}");
        assert!(last.shortest_90k <= last.believed_90k && last.believed_90k <= last.longest_90k);
    }

    #[test]
    fn a_steady_pace_goes_on_whatever_else_is_told() {
        check(&[40; 49], 40, 2_000, 40, false);
        check(&[80; 24], 40, 3_000, 80, false);
        check(&[40, 40, 40, 40, 1_000, 40, 40], 0, 0, 40, false);
    }

    #[test]
    fn few_pictures_at_the_pace_of_the_sps_go_on_at_it() {
        check(&[1_000], 1_000, 0, 1_000, false);
        check(&[1_000, 1_000], 1_000, 2_400, 1_000, false);
        check(&[], 2_000, 0, 2_000, false);
    }

    #[test]
    fn sound_tells_where_pictures_end_that_come_as_they_like() {
        check(&[1_880], 40, 2_000, 120, false);
        check(&[400, 1_480], 1, 2_000, 120, false);
        check(&[1_000], 40, 2_010, 1_000, false);
        check(&[1_880], 40, 1_950, 40, false);
        check(&[], 40, 1_990, 1_990, false);
        check(&[], 2_000, 1_980, 2_000, false);
    }

    #[test]
    fn without_sound_the_median_is_believed_and_in_doubt() {
        check(&[1_880], 40, 0, 1_880, true);
        check(&[400, 1_480], 1, 0, 1_480, true);
        check(&[1_000], 40, 0, 1_000, true);
        check(&[1_880], 0, 1_500, 1_880, true);
    }

    #[test]
    fn a_single_picture_of_which_nothing_tells_has_no_length() {
        check(&[], 0, 0, 0, true);
        check(&[], 1, 0, 0, true);
    }
}
