use super::*;
use crate::cli::settings::tests::meant;
use crate::picture::colour_space::ColourSpace;

fn source(width: u32, height: u32) -> SourceFormat {
    let colours = ColourSpace::WEBCAM;
    let shows = Shows::Pictures;
    SourceFormat { description: String::new(), shows, width, height, colours, has_sound: true, copied: None }
}

#[test]
fn the_stream_takes_the_shape_of_the_source_unless_a_size_was_asked_for() {
    let check = |line: &str, source: &SourceFormat, size: (u32, u32), media: &[Medium]| {
        let stream = meant(line).unwrap().stream(source, (source.width, source.height));
        assert_eq!((stream.rungs[0].width, stream.rungs[0].height), size);
        assert_eq!(stream.renditions, [Rendition { name: None, media: media.to_vec() }]);
    };
    check("", &source(1920, 1080), (640, 360), &[Medium::Video, Medium::Audio]);
    check("", &source(320, 180), (320, 180), &[Medium::Video, Medium::Audio]);
    check("", &source(321, 243), (320, 242), &[Medium::Video, Medium::Audio]);
    check("", &source(180, 320), (180, 320), &[Medium::Video, Medium::Audio]);
    check("", &source(360, 640), (360, 640), &[Medium::Video, Medium::Audio]);
    check("", &source(4, 2), (640, 320), &[Medium::Video, Medium::Audio]);
    check("", &source(1080, 1440), (480, 640), &[Medium::Video, Medium::Audio]);
    check("--rotate 90", &source(1080, 1920), (360, 640), &[Medium::Video, Medium::Audio]);
    let silent = SourceFormat { has_sound: false, ..source(1920, 1080) };
    check("--size 800x600", &silent, (800, 600), &[Medium::Video]);
}

#[test]
fn what_a_run_before_has_promised_stays() {
    let picture = CopiedFormat {
        keyframes_90k: 3 * 90_000,
        picture_90k: 3_750,
        bps: 1,
        at_once_s: 0,
        has_b_frames: false,
        is_live: true,
    };
    let copied = SourceFormat { copied: Some(picture), ..source(320, 180) };
    let settings = meant("rtmp://0.0.0.0/live/KEY?listen --copy=auto --low-latency").unwrap();
    let promise = settings.stream(&copied, (320, 180)).promise();
    let mut encoded = settings.stream(&source(320, 180), (320, 180));
    encoded.keep(None);
    assert_ne!(encoded.promise(), promise);
    encoded.keep(Some(promise));
    assert_eq!(encoded.promise(), promise);
    let parts_90k = encoded.lengths(&encoded.renditions[0]).part_90k;
    assert_eq!(parts_90k, promise.part_target_90k.map(|it| it as i64), "and no part is longer");
}

#[test]
fn sound_alone_has_one_rendition_and_parts_of_whole_frames_of_sound() {
    let alone = SourceFormat { shows: Shows::Nothing, ..source(0, 0) };
    let stream = meant("--low-latency").unwrap().stream(&alone, (0, 0));
    assert_eq!(stream.renditions, [Rendition { name: None, media: vec![Medium::Audio] }]);
    assert!(stream.rungs.is_empty() && !stream.is_ladder());
    assert_eq!((stream.part_target_90k, stream.target_duration_s), (Some(17_280), 2));
    let shortest = meant("--low-latency --part-duration 50ms").unwrap().stream(&alone, (0, 0));
    assert_eq!(shortest.part_target_90k, Some(2 * 1920));
}

#[test]
fn a_still_picture_is_sent_as_seldom_as_segments_and_parts_allow() {
    let still = SourceFormat { shows: Shows::Still, ..source(320, 180) };
    for (line, fps, frames) in [
        ("", 1, 2),
        ("--segment-duration 1.5s", 2, 3),
        ("--low-latency", 5, 10),
        ("--segment-duration 500ms --low-latency --part-duration 350ms", 4, 2),
        ("--fps 25", 25, 50),
    ] {
        let grid = meant(line).unwrap().stream(&still, (320, 180)).grid;
        assert_eq!((grid.fps, grid.segment_frames), (fps, frames), "{line}");
    }
}

#[test]
fn a_ladder_has_a_rendition_for_each_rung_and_one_for_the_sound() {
    let settings = meant("--ladder 640x360@800k,1280x720@2.5M").unwrap();
    assert_eq!(settings.wished_size(), (1280, 720));
    let stream = settings.stream(&source(1280, 720), (1280, 720));
    let sizes: Vec<_> = stream.rungs.iter().map(|rung| (rung.width, rung.video_bps)).collect();
    assert_eq!(sizes, [(1280, 2_500_000), (640, 800_000)]);
    let names: Vec<_> = stream.renditions.iter().filter_map(|it| it.name.as_deref()).collect();
    assert_eq!(names, ["720p", "360p", "audio"]);
    let silent = SourceFormat { has_sound: false, ..source(1280, 720) };
    assert_eq!(settings.stream(&silent, (1280, 720)).renditions.len(), 2);
}

#[test]
fn a_machine_is_not_given_more_of_hevc_than_it_can_encode() {
    let rungs = |line: &str| {
        let stream = meant(line).unwrap().stream(&source(1280, 720), (1280, 720));
        stream.rungs.into_iter().map(|rung| (rung.height, rung.video_bps)).collect::<Vec<_>>()
    };
    assert_eq!(rungs("--ladder auto --codec hevc --fps 40"), rungs("--ladder auto --fps 120"));
}

#[test]
fn each_rendition_is_told_in_a_line() {
    let check = |line: &str, copied: Option<CopiedFormat>, expected: &[&str]| {
        let source = SourceFormat { copied, ..source(1280, 720) };
        assert_eq!(meant(line).unwrap().stream(&source, (1280, 720)).in_words(), expected);
    };
    let one = "1280x720 at 20 fps, H.264 at 1000 kbit/s, AAC at 128 kbit/s, segments of 2 s";
    check("--size 1280x720", None, &[one]);
    let ladder = [
        "720p: 1280x720 at 20 fps, HEVC at 2500 kbit/s, segments of 0.5 s, parts of 0.2 s",
        "360p: 640x360 at 20 fps, HEVC at 800 kbit/s, segments of 0.5 s, parts of 0.2 s",
        "audio: AAC at 128 kbit/s, segments of 0.5 s, parts of 0.2 s",
    ];
    let words = "--ladder 640x360@800k,1280x720@2.5M --codec hevc --low-latency --segment-duration 500ms";
    check(words, None, &ladder);
    let copied = CopiedFormat {
        keyframes_90k: 180_180,
        picture_90k: 3_003,
        bps: 8_000_000,
        at_once_s: 0,
        has_b_frames: false,
        is_live: false,
    };
    check("film.mp4 --copy", Some(copied), &["copied as it comes, segments of up to 3 s"]);
}

#[test]
fn a_copied_stream_has_the_lengths_and_the_rate_of_its_source() {
    let copied = Some(CopiedFormat {
        keyframes_90k: 180_180,
        picture_90k: 3_003,
        bps: 8_000_000,
        at_once_s: 0,
        has_b_frames: false,
        is_live: false,
    });
    let source = SourceFormat { copied, ..source(1920, 1080) };
    let settings = meant("film.mp4 --copy=auto --low-latency --bitrate 500k").unwrap();
    let stream = settings.stream(&source, (1920, 1080));
    assert_eq!((stream.target_duration_s, stream.part_target_90k), (3, Some(15_195)));
    assert!(stream.rungs.is_empty());
    // 30 segments of 3 s at 8.8 Mbit/s.
    assert_eq!(stream.bytes_on_disk(settings.window_segments), 30 * 3 * 1_100_000);
    let fast = copied.map(|copied| CopiedFormat { at_once_s: 3_600, ..copied });
    let fast = settings.stream(&SourceFormat { copied: fast, ..source.clone() }, (1920, 1080));
    assert_eq!(fast.bytes_on_disk(settings.window_segments), 3_600 * 1_100_000);
    let encoded = settings.stream(&SourceFormat { copied: None, ..source }, (1920, 1080));
    assert!(encoded.bytes_on_disk(settings.window_segments) < 30 * 2 * 110_000);
}

#[test]
fn what_is_copied_live_from_a_url_has_a_slate_unless_it_is_left_out() {
    let copied = CopiedFormat {
        keyframes_90k: 180_000,
        picture_90k: 3_600,
        bps: 2_000_000,
        at_once_s: 0,
        has_b_frames: false,
        is_live: true,
    };
    let check = |line: &str, is_live: bool, after: Option<Option<Duration>>| {
        let source = SourceFormat { copied: Some(CopiedFormat { is_live, ..copied }), ..source(1280, 720) };
        let slate = meant(line).unwrap().stream(&source, (1280, 720)).copied.unwrap().slate;
        assert_eq!(slate.map(|slate| slate.after), after, "{line}");
    };
    check("rtmp://0.0.0.0/live/KEY --copy", true, Some(None));
    check("rtsp://camera/1 --copy=auto --slate-after 5s", true, Some(Some(Duration::from_secs(5))));
    check("rtsp://camera/1 --copy --no-slate", true, None);
    check("https://example.org/film.mp4 --copy", false, None);
    check("- --copy", true, None);
}

#[test]
fn parts_of_what_is_copied_live_fit_for_clients_of_other_rates() {
    let copied = CopiedFormat {
        keyframes_90k: 180_000,
        picture_90k: 4_500,
        bps: 2_000_000,
        at_once_s: 0,
        has_b_frames: false,
        is_live: true,
    };
    let live = SourceFormat { copied: Some(copied), ..source(1280, 720) };
    let settings = meant("rtmp://0.0.0.0/live/KEY --copy --low-latency").unwrap();
    let target_90k = settings.stream(&live, (1280, 720)).part_target_90k.unwrap();
    for picture_90k in [4_500, 3_754, 3_750, 3_600, 3_003, 3_000, 1_800, 1_502, 1_500] {
        assert!(part_target::fits(target_90k, picture_90k), "{picture_90k} in {target_90k}");
    }
}

#[test]
fn a_part_is_as_many_whole_pictures_as_the_nearest_tick_holds() {
    let copied = Some(CopiedFormat {
        keyframes_90k: 180_180,
        picture_90k: 3_003,
        bps: 8_000_000,
        at_once_s: 0,
        has_b_frames: false,
        is_live: false,
    });
    let source = SourceFormat { copied, ..source(1920, 1080) };
    // Two frames of 29.97 a second are 66.7333… ms, 6,006 ticks.
    for (part, expected_90k) in [("66.733ms", 2 * 3_003), ("66.73333ms", 2 * 3_003), ("66.72ms", 3_003)] {
        let settings = meant(&format!("film.mp4 --copy=auto --low-latency --part-duration {part}")).unwrap();
        let stream = settings.stream(&source, (1920, 1080));
        assert_eq!(stream.part_target_90k, Some(expected_90k + part_target::COARSE_TICK_90K), "{part}");
    }
}
