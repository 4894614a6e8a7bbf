//! File detail: everything that is known of the one segment that was named. This is `detail` in what `--json` prints.
//!
//! In: its bytes, as [`anatomy`](livedir_media::anatomy) and the probe took them apart. Out: a [`FileDetail`]. Pure.

use crate::inventory::media_summary::stream_name;
use crate::inventory::profile::profile;
use crate::model::file_detail::{BreakDetail, FileDetail, PidDetail};
use livedir_media::{Anatomy, Carries, Facts, PidAnatomy, Unit};
use livedir_time::clock_33_bit::distance_90k;
use livedir_time::ticks::{bits_per_second, of_milliseconds, seconds};

/// As many slots as a narrow terminal has columns, if each is to hold a few frames.
const MOST_SLOTS: u64 = 60;
/// A slot is no shorter: one frame in each says nothing.
const SHORTEST_SLOT_90K: u64 = of_milliseconds(100);

/// Puts together what is known. `facts` are there if it can be a segment.
pub(crate) fn file_detail(anatomy: &Anatomy, facts: Option<&Facts>) -> FileDetail {
    let start_90k =
        facts.map(|facts| facts.start_90k).or_else(|| anatomy.pids.iter().find_map(|pid| pid.first_90k));
    let Some(start_90k) = start_90k else {
        return FileDetail {
            packets: anatomy.packets,
            pids: anatomy.pids.iter().map(|pid| pid_detail(pid, anatomy, None, 0)).collect(),
            ..FileDetail::default()
        };
    };
    let end_90k = |unit: &Unit| distance_90k(start_90k, unit.pts_90k).max(0) as u64;
    let duration_90k = facts
        .map_or_else(|| anatomy.units.iter().map(end_90k).max().unwrap_or(0), |facts| facts.duration_90k);
    let video = facts.and_then(|facts| facts.video.as_ref());
    let keyframes = anatomy.units.iter().filter(|unit| unit.is_keyframe);
    let (picture_shortest_s, picture_longest_s) = video_intervals_s(anatomy).unzip();
    let (rate_bps, rate_slot_s) =
        rates(anatomy, start_90k, duration_90k, facts.map_or(0, |facts| facts.frame_interval_90k));
    FileDetail {
        start_90k: Some(start_90k),
        end_90k: facts.map(Facts::end_90k),
        packets: anatomy.packets,
        pids: anatomy
            .pids
            .iter()
            .map(|pid| pid_detail(pid, anatomy, Some(start_90k), duration_90k))
            .collect(),
        video_profile: video.and_then(|video| profile(&video.picture.as_ref()?.codec)),
        picture_shortest_s,
        picture_longest_s,
        picture_last_s: video.map(|video| seconds(video.last_picture.believed_90k)),
        picture_last_in_doubt: video.is_some_and(|video| video.last_picture.is_in_doubt()),
        captions: video.is_some_and(|video| video.has_captions),
        keyframes_s: keyframes.map(|unit| from_start_s(start_90k, unit.pts_90k)).collect(),
        rate_bps,
        rate_slot_s,
        breaks: anatomy
            .breaks
            .iter()
            .map(|it| BreakDetail {
                pid: it.pid,
                byte: it.byte,
                at_s: it.pts_90k.map(|pts_90k| from_start_s(start_90k, pts_90k)),
            })
            .collect(),
    }
}

fn from_start_s(start_90k: u64, pts_90k: u64) -> f64 {
    let distance = distance_90k(start_90k, pts_90k);
    seconds(distance.unsigned_abs()) * if distance < 0 { -1.0 } else { 1.0 }
}

fn pid_detail(pid: &PidAnatomy, anatomy: &Anatomy, start_90k: Option<u64>, duration_90k: u64) -> PidDetail {
    let time_s = |pts_90k: Option<u64>| Some(from_start_s(start_90k?, pts_90k?));
    PidDetail {
        pid: pid.pid,
        carries: match pid.carries {
            Carries::Stream(stream_type) => stream_name(stream_type),
            Carries::Pat => "PAT".to_owned(),
            Carries::Pmt => "PMT".to_owned(),
            Carries::Sdt => "SDT".to_owned(),
            Carries::Stuffing => "stuffing".to_owned(),
            Carries::Unknown => "unknown".to_owned(),
        },
        packets: pid.packets,
        bitrate_bps: bits_per_second(pid.bytes(), duration_90k),
        units: pid.units,
        first_s: time_s(pid.first_90k),
        last_s: time_s(pid.last_90k),
        breaks: anatomy.breaks.iter().filter(|it| it.pid == pid.pid).count() as u64,
    }
}

/// The shortest and the longest time between two frames.
fn video_intervals_s(anatomy: &Anatomy) -> Option<(f64, f64)> {
    let pid = anatomy.units.iter().find(|unit| unit.is_keyframe)?.pid;
    let pictures = || anatomy.units.iter().filter(|unit| unit.pid == pid);
    let reference_90k = pictures().next()?.pts_90k;
    let mut shown_90k: Vec<i64> = pictures().map(|unit| distance_90k(reference_90k, unit.pts_90k)).collect();
    shown_90k.sort_unstable();
    let intervals = shown_90k.windows(2).map(|pair| (pair[1] - pair[0]) as u64);
    let (shortest, longest) = (intervals.clone().min()?, intervals.max()?);
    Some((seconds(shortest), seconds(longest)))
}

/// The rate in each slot, and how long a slot is; the last one may be shorter. What is presented before the start or behind
/// the end counts to the first or the last slot, so that all bytes count.
fn rates(anatomy: &Anatomy, start_90k: u64, duration_90k: u64, interval_90k: u64) -> (Vec<u64>, f64) {
    if duration_90k == 0 || anatomy.units.is_empty() {
        return (Vec::new(), 0.0);
    }
    // As many frames in each: otherwise the bars would tell how many these are.
    let interval_90k = interval_90k.clamp(1, duration_90k);
    let shortest_90k = SHORTEST_SLOT_90K.max(duration_90k.div_ceil(MOST_SLOTS));
    let slot_90k = shortest_90k.div_ceil(interval_90k).saturating_mul(interval_90k).min(duration_90k);
    let slots = duration_90k.div_ceil(slot_90k);
    let mut bytes = vec![0_u64; slots as usize];
    for unit in &anatomy.units {
        let at_90k = distance_90k(start_90k, unit.pts_90k).max(0) as u64;
        bytes[(at_90k / slot_90k).min(slots - 1) as usize] += unit.bytes;
    }
    let rates = (0..).zip(bytes).map(|(slot, bytes)| {
        let length_90k = slot_90k.min(duration_90k - slot * slot_90k);
        bits_per_second(bytes, length_90k).unwrap_or(0)
    });
    (rates.collect(), seconds(slot_90k))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bytes_count_to_some_slot_over_the_wrap() {
        let wrap = 1 << 33;
        let unit = |pts_90k, bytes| Unit { pid: 256, pts_90k, bytes, is_keyframe: false };
        let units =
            vec![unit(wrap - 45_000, 100), unit(44_999, 200), unit(90_000, 50), unit(wrap - 50_000, 25)];
        let anatomy = Anatomy { units, ..Anatomy::default() };
        let (rates, slot_s) = rates(&anatomy, wrap - 45_000, 90_000, 0);
        assert_eq!((rates.len(), slot_s), (10, 0.1));
        assert_eq!((rates[0], rates[9]), (125 * 80, 250 * 80));
        assert!(rates[1..9].iter().all(|rate| *rate == 0));
    }

    #[test]
    fn a_slot_holds_whole_pictures() {
        let unit = |n: u64| Unit { pid: 256, pts_90k: n * 3_600, bytes: 188, is_keyframe: false };
        let anatomy = Anatomy { units: (0..50).map(unit).collect(), ..Anatomy::default() };
        let (rates, slot_s) = rates(&anatomy, 0, 180_000, 3_600);
        assert_eq!((rates.len(), slot_s), (17, 0.12));
        assert!(rates.iter().all(|rate| *rate == 37_600), "{rates:?}");
    }
}
