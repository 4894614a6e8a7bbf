//! The probe on segments that the ffmpeg program made, with the ffprobe program as a second opinion; and on damaged ones.

use crate::watcher_support::{
    HALF_SECOND_90K, SLOW_PICTURES, TEST_SOURCES, cut_segments, ffmpeg, hevc_segments, segments,
    slow_segments,
};
use livedir_media::anatomy;
use livedir_media::{
    AudioCodec, Carries, Discontinuity, Facts, Foreign, ProbeError, Unfit, VideoCodec, discontinuity, probe,
    unfit,
};
use proptest::prelude::*;
use std::{fs, process::Command};

const AAC_FRAME_90K: u64 = 1_920;
const WRAP_90K: u64 = 1 << 33;

fn facts_of(segments: &[Vec<u8>]) -> Vec<Facts> {
    segments.iter().map(|bytes| probe(bytes).expect("a segment")).collect()
}

/// Every segment, and every border between two of them.
#[track_caller]
fn check_continuous(segments: &[Vec<u8>]) -> Vec<Facts> {
    let facts = facts_of(segments);
    for (index, pair) in facts.windows(2).enumerate() {
        assert_eq!(discontinuity(&pair[0], &pair[1]), None, "between {index} and the next");
    }
    facts
}

/// The times of all pictures and the number of keyframes, as ffprobe sees them.
fn pictures_by_ffprobe(bytes: &[u8]) -> (Vec<u64>, u64) {
    let directory = tempfile::tempdir().expect("temp dir");
    let path = directory.path().join("segment.ts");
    fs::write(&path, bytes).expect("written");
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v", "-show_entries", "packet=pts,flags", "-of", "csv=p=0"])
        .arg(&path)
        .output()
        .expect("the ffprobe program is installed");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let (mut pts_90k, mut keyframes) = (Vec::new(), 0);
    // Packets with side data are followed by an empty line.
    for (pts, flags) in text.lines().filter_map(|line| line.split_once(',')) {
        pts_90k.push(pts.parse().expect("a number"));
        keyframes += u64::from(flags.starts_with('K'));
    }
    pts_90k.sort_unstable();
    (pts_90k, keyframes)
}

#[test]
fn facts_agree_with_ffprobe() {
    let facts = check_continuous(segments());
    assert_eq!(facts.len(), 24);
    for (bytes, facts) in segments().iter().zip(&facts).step_by(5) {
        let (pts_90k, keyframes) = pictures_by_ffprobe(bytes);
        let video = facts.video.as_ref().expect("video");
        assert_eq!((video.frames, video.keyframes), (pts_90k.len() as u64, keyframes));
        assert_eq!((facts.start_90k, facts.duration_90k), (pts_90k[0], HALF_SECOND_90K));
        assert_eq!(facts.frame_interval_90k, 4_500);
        assert!(video.starts_with_keyframe && facts.tables_first);
        assert_eq!((facts.counter_breaks(), facts.trailing_bytes), (0, 0));
        let picture = video.picture.as_ref().expect("an SPS");
        assert_eq!((picture.width, picture.height), (160, 120));
        assert!(picture.codec.starts_with("avc1.42c0"), "{}: ultrafast is baseline", picture.codec);
    }
}

#[test]
fn audio_goes_on_from_segment_to_segment() {
    let facts = facts_of(segments());
    for pair in facts.windows(2) {
        let [before, after] = [&pair[0], &pair[1]].map(|facts| facts.audio.as_ref().expect("audio"));
        assert_eq!(before.codec, AudioCodec::Aac { sample_rate_hz: 48_000, channels: 2 });
        // ffmpeg rounds each time to a tick.
        assert!(after.start_90k.abs_diff(before.end_90k) <= 1, "{before:?} {after:?}");
        assert!(before.duration_90k() >= HALF_SECOND_90K - 8 * AAC_FRAME_90K);
    }
}

#[test]
fn pictures_out_of_order_are_timed_by_presentation() {
    let with_b = "-f lavfi -i testsrc2=size=322x182:rate=30000/1001 -c:v libx264 -preset veryfast -bf 3 -g 15 \
        -keyint_min 15 -sc_threshold 0 -pix_fmt yuv420p -t 4";
    let segments = cut_segments(with_b);
    let facts = check_continuous(&segments);
    for (bytes, facts) in segments.iter().zip(&facts).step_by(3) {
        let (pts_90k, _) = pictures_by_ffprobe(bytes);
        let video = facts.video.as_ref().expect("video");
        assert_eq!((facts.start_90k, video.frames), (pts_90k[0], pts_90k.len() as u64));
        assert_eq!((facts.frame_interval_90k, facts.duration_90k), (3_003, video.frames * 3_003));
        let picture = video.picture.as_ref().expect("an SPS");
        assert_eq!((picture.width, picture.height), (322, 182), "cropped");
        assert!(picture.codec.starts_with("avc1.6400"), "{}: high profile", picture.codec);
    }
}

#[test]
fn facts_of_hevc_agree_with_ffprobe() {
    let facts = check_continuous(hevc_segments());
    assert_eq!(facts.len(), 8);
    for (bytes, facts) in hevc_segments().iter().zip(&facts) {
        let (pts_90k, keyframes) = pictures_by_ffprobe(bytes);
        let video = facts.video.as_ref().expect("video");
        assert_eq!((video.codec, unfit(facts, Some(1))), (VideoCodec::Hevc, None));
        assert_eq!((video.frames, video.keyframes), (pts_90k.len() as u64, keyframes));
        assert_eq!((facts.start_90k, facts.duration_90k), (pts_90k[0], HALF_SECOND_90K));
        assert_eq!(facts.frame_interval_90k, 4_500);
        let picture = video.picture.as_ref().expect("an SPS");
        assert_eq!((picture.width, picture.height), (160, 120));
        assert_eq!(picture.codec, "hvc1.1.6.L30.90");
    }
    let h264 = probe(&segments()[0]).expect("a segment");
    assert_eq!(discontinuity(&h264, &facts[1]), Some(Discontinuity::Streams));
}

/// What x265 makes of pictures of an odd size and rate, with these words of its own.
fn hevc_out_of_order(words: &str) -> Vec<Vec<u8>> {
    cut_segments(&format!(
        "-f lavfi -i testsrc2=size=322x182:rate=30000/1001 -c:v libx265 -preset medium -pix_fmt yuv420p10 -t 3 \
         -x265-params keyint=15:min-keyint=15:scenecut=0:bframes=3:log-level=none:{words}"
    ))
}

#[test]
fn pictures_of_hevc_out_of_order_are_timed_by_presentation() {
    let segments = hevc_out_of_order("open-gop=0");
    let facts = check_continuous(&segments);
    for (bytes, facts) in segments.iter().zip(&facts) {
        let (pts_90k, _) = pictures_by_ffprobe(bytes);
        let video = facts.video.as_ref().expect("video");
        assert!(video.starts_with_keyframe);
        assert_eq!((facts.start_90k, video.frames), (pts_90k[0], pts_90k.len() as u64));
        assert_eq!((facts.frame_interval_90k, facts.duration_90k), (3_003, video.frames * 3_003));
        let picture = video.picture.as_ref().expect("an SPS");
        assert_eq!((picture.width, picture.height), (322, 182), "cropped");
        assert!(picture.codec.starts_with("hvc1.2.4.L"), "{}: Main 10", picture.codec);
    }
}

#[test]
fn segments_that_need_the_one_before_them_are_unfit() {
    let facts = facts_of(&hevc_out_of_order("open-gop=1"));
    assert_eq!(unfit(&facts[0], None), None, "the first has nothing before it");
    assert!(facts.len() > 3);
    for facts in &facts[1..] {
        assert_eq!(unfit(facts, None), Some(Unfit::NoKeyframe), "{facts:?}");
    }
}

#[test]
fn sound_alone_is_timed_by_its_frames() {
    let facts = check_continuous(&cut_segments("-f lavfi -i sine=sample_rate=44100 -c:a aac -ac 1 -t 3"));
    let sum_90k: u64 = facts.iter().map(|facts| facts.duration_90k).sum();
    assert!(sum_90k.abs_diff(6 * HALF_SECOND_90K) < 3 * AAC_FRAME_90K, "{sum_90k}");
    for facts in &facts {
        assert_eq!(facts.video, None);
        let audio = facts.audio.as_ref().expect("audio");
        assert_eq!(audio.codec, AudioCodec::Aac { sample_rate_hz: 44_100, channels: 1 });
        assert_eq!(facts.duration_90k, audio.duration_90k());
    }
}

#[test]
fn a_single_picture_lasts_as_long_as_its_rate_says() {
    let one = "-f lavfi -i testsrc2=size=160x120:rate=25 -c:v libx264 -pix_fmt yuv420p -frames:v 1";
    let facts = facts_of(&cut_segments(one));
    assert_eq!((facts.len(), facts[0].duration_90k), (1, 3_600));
}

#[test]
fn few_pictures_last_until_the_next_segment_begins() {
    for (what, input, is_told) in SLOW_PICTURES {
        let segments = slow_segments(input);
        for facts in check_continuous(&segments) {
            let last = facts.video.as_ref().expect("video").last_picture;
            assert_eq!(last.is_in_doubt(), !is_told, "{what}: {last:?}");
            if is_told {
                assert!(facts.duration_90k.abs_diff(180_000) <= 2 * AAC_FRAME_90K, "{what}: {facts:?}");
            }
        }
        let mut held = facts_of(&segments);
        for facts in &mut held {
            let mut like = facts.clone();
            like.last_like(180_000);
            facts.hold_to(180_000);
            assert_eq!(like, *facts, "{what}");
            assert!(facts.duration_90k.abs_diff(180_000) <= 2 * AAC_FRAME_90K, "{what}: {facts:?}");
        }
        for pair in held.windows(2) {
            assert_eq!(discontinuity(&pair[0], &pair[1]), None, "{what}");
        }
    }
}

#[test]
fn a_length_that_is_certain_is_held_to_nothing() {
    let mut facts = probe(&segments()[0]).expect("a segment");
    facts.hold_to(HALF_SECOND_90K / 2);
    facts.last_like(HALF_SECOND_90K * 2);
    assert_eq!(facts.duration_90k, HALF_SECOND_90K);
}

#[test]
fn the_clock_may_wrap_inside_a_segment() {
    let wraps_at_s = WRAP_90K as f64 / 90_000.0;
    let segments =
        cut_segments(&format!("{TEST_SOURCES} -t 3 -muxdelay 0 -output_ts_offset {}", wraps_at_s - 1.7));
    let facts = check_continuous(&segments);
    assert!(facts.iter().all(|facts| facts.duration_90k == HALF_SECOND_90K));
    assert!(facts.iter().any(|facts| facts.end_90k() < facts.start_90k), "one wraps inside");
}

#[test]
fn video_that_players_do_not_take_is_named() {
    let directory = tempfile::tempdir().expect("temp dir");
    ffmpeg(directory.path(), "-f lavfi -i testsrc2=size=160x120:rate=25 -c:v mpeg2video -t 1 out.ts");
    let bytes = fs::read(directory.path().join("out.ts")).expect("read");
    assert_eq!(probe(&bytes), Err(ProbeError::Foreign(Foreign::Video { stream_type: 2 })));
}

#[test]
fn what_does_not_go_on_is_told_apart() {
    let facts = facts_of(&segments()[..3]);
    let skipped = discontinuity(&facts[0], &facts[2]);
    assert_eq!(skipped, Some(Discontinuity::Timeline { jump_90k: HALF_SECOND_90K as i64 }));
    let again = discontinuity(&facts[1], &facts[0]);
    assert_eq!(again, Some(Discontinuity::Timeline { jump_90k: -2 * HALF_SECOND_90K as i64 }));

    let other =
        |arguments: &str| facts_of(&cut_segments(&format!("{TEST_SOURCES} {arguments}"))).swap_remove(1);
    assert_eq!(discontinuity(&facts[0], &other("-t 1 -s 96x96")), Some(Discontinuity::Video));
    assert_eq!(discontinuity(&facts[0], &other("-t 1 -ar 32000")), Some(Discontinuity::Audio));
    assert_eq!(discontinuity(&facts[0], &other("-t 1 -an")), Some(Discontinuity::Streams));
}

#[test]
fn lost_packets_are_counted_inside_and_between_segments() {
    let whole = &segments()[0];
    let without_one = [&whole[..100 * 188], &whole[101 * 188..]].concat();
    assert_eq!(probe(&without_one).expect("a segment").counter_breaks(), 1);
    let without_last = &whole[..whole.len() - 188];
    let [cut, next] = [probe(without_last), probe(&segments()[1])].map(|facts| facts.expect("a segment"));
    assert!(matches!(discontinuity(&cut, &next), Some(Discontinuity::Counter { .. })));
}

#[test]
fn a_file_is_taken_apart_as_ffprobe_does() {
    let of_both = segments().iter().step_by(7).map(|bytes| (bytes, VideoCodec::H264));
    for (bytes, codec) in of_both.chain(hevc_segments()[..2].iter().map(|bytes| (bytes, VideoCodec::Hevc))) {
        let (pts_90k, keyframes) = pictures_by_ffprobe(bytes);
        let parts = anatomy(bytes);
        assert_eq!((parts.packets, parts.breaks.len()), (bytes.len() as u64 / 188, 0));
        let carries = Carries::Stream(codec.stream_type());
        let video = parts.pids.iter().find(|pid| pid.carries == carries).expect("video");
        assert_eq!((video.first_90k, video.last_90k), (pts_90k.first().copied(), pts_90k.last().copied()));
        let mut shown: Vec<_> = parts.units.iter().filter(|unit| unit.pid == video.pid).collect();
        shown.sort_by_key(|unit| unit.pts_90k);
        assert_eq!(shown.iter().map(|unit| unit.pts_90k).collect::<Vec<_>>(), pts_90k);
        assert_eq!(shown.iter().filter(|unit| unit.is_keyframe).count() as u64, keyframes);
        assert_eq!(shown.iter().map(|unit| unit.bytes).sum::<u64>(), video.packets * 188);
    }
}

#[test]
fn a_lost_packet_is_found_where_it_was() {
    let whole = &segments()[0];
    let without_one = [&whole[..100 * 188], &whole[101 * 188..]].concat();
    let breaks = anatomy(&without_one).breaks;
    assert_eq!(breaks.len(), 1, "{breaks:?}");
    let pid = u16::from(whole[100 * 188 + 1] & 0x1f) << 8 | u16::from(whole[100 * 188 + 2]);
    assert_eq!(breaks[0].pid, pid);
    let next_of_pid = anatomy(&without_one[100 * 188..]).pids.iter().any(|it| it.pid == pid);
    assert!(next_of_pid && breaks[0].byte >= 100 * 188 && breaks[0].byte.is_multiple_of(188));
}

#[test]
fn a_segment_cut_at_any_byte_is_read_without_panic() {
    for segment in segments()[..2].iter().chain(&hevc_segments()[..1]) {
        let whole = probe(segment).expect("a segment");
        for bytes in (0..segment.len()).step_by(997) {
            if let Ok(facts) = probe(&segment[..bytes]) {
                assert_eq!(facts.trailing_bytes, bytes % 188);
                assert!(facts.duration_90k <= whole.duration_90k);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_damaged_segment_is_read_without_panic(
        which in 0..4_usize,
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..60),
        moved in any::<(prop::sample::Index, prop::sample::Index)>(),
    ) {
        let mut bytes = if which == 3 { hevc_segments()[1].clone() } else { segments()[which].clone() };
        for (place, value) in damages {
            // The heads of packets and tables are where damage does most; sync bytes would only end the reading.
            let place = place.index(bytes.len());
            let place = if value % 3 == 0 { place } else { place / 188 * 188 + 1 + usize::from(value) % 40 };
            if place % 188 != 0 && place < bytes.len() {
                bytes[place] ^= value | 1;
            }
        }
        let (from, to) = (moved.0.index(bytes.len() / 188), moved.1.index(bytes.len() / 188));
        let packet: Vec<u8> = bytes[from * 188..][..188].to_vec();
        bytes[to * 188..][..188].copy_from_slice(&packet);
        let parts = anatomy(&bytes);
        prop_assert_eq!(parts.pids.iter().map(|pid| pid.packets).sum::<u64>(), parts.packets);
        prop_assert_eq!(parts.pids.iter().map(|pid| pid.units).sum::<u64>(), parts.units.len() as u64);
        if let Ok(facts) = probe(&bytes) {
            prop_assert!(facts.start_90k < WRAP_90K);
            prop_assert!(facts.duration_90k <= 2 * WRAP_90K);
            let _ = discontinuity(&facts, &probe(&segments()[0]).expect("whole"));
        }
    }

    #[test]
    fn arbitrary_packets_are_read_without_panic(packets in prop::collection::vec(any::<[u8; 32]>(), 0..200)) {
        let mut bytes = Vec::new();
        for packet in packets {
            bytes.push(0x47);
            bytes.extend((0..187).map(|place| packet[place % 32]));
        }
        let _ = probe(&bytes);
        let _ = anatomy(&bytes);
    }

    /// Most damage ends in a wrong CRC or an unknown PID; this goes straight to the parser of parameter sets.
    #[test]
    fn an_arbitrary_sps_is_read_without_panic(sps in prop::collection::vec(any::<u8>(), 0..80)) {
        let of_hevc = [0, 0, 1, 0x42, 1];
        for (segment, header) in [(&segments()[0], [0, 0, 0, 1, 0x67]), (&hevc_segments()[0], of_hevc)] {
            let mut bytes = segment.clone();
            let start = bytes.windows(5).position(|five| five == header).expect("an SPS") + 5;
            let room = (188 - start % 188).min(sps.len());
            bytes[start..start + room].copy_from_slice(&sps[..room]);
            if let Ok(facts) = probe(&bytes) {
                prop_assert!(facts.video.is_some());
            }
        }
    }
}
