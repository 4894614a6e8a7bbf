//! HEVC from end to end: what is written is decoded by ffmpeg picture by picture, cut where it should be, and named in the
//! lists as players expect it.

use std::fs;
use std::path::Path;

use livedir_media::{VideoCodec, probe};
use livedir_playlist::{Edge, Listing, Segment, parse, read_listing};

use crate::support::check::assert_clean_but_for_apple;
use crate::support::media::{decode, packets};
use crate::support::programs::{LiveStream, PATIENCE, Running, publisher, read_playlist};
use crate::support::wait_for;

const FPS: usize = 20;

/// The segments of a playlist, each probed, put together in the order of the list.
#[track_caller]
fn joined(directory: &Path, uris: impl Iterator<Item = String>) -> Vec<u8> {
    let mut film = Vec::new();
    for uri in uris {
        let bytes = fs::read(directory.join(&uri)).unwrap();
        let video = probe(&bytes).expect("a segment").video.expect("pictures");
        assert_eq!((video.codec, video.starts_with_keyframe), (VideoCodec::Hevc, true), "{uri}");
        assert_eq!(video.keyframes, 1, "{uri}");
        film.extend(bytes);
    }
    film
}

/// Writes the film down, has ffmpeg decode it, and counts its pictures and keyframes.
#[track_caller]
fn check_film(directory: &Path, film: &[u8], segments: &[Segment]) {
    let path = directory.join("joined.ts");
    fs::write(&path, film).unwrap();
    decode(&path);
    let pictures: Vec<_> = packets(&path).into_iter().filter(|packet| packet.medium == "video").collect();
    // A machine that is too busy leaps, and then a segment is shorter.
    let (mut begins, mut count) = (Vec::new(), 0);
    for segment in segments {
        begins.push(count);
        count += (segment.duration_90k as usize * FPS + 45_000) / 90_000;
    }
    assert_eq!(pictures.len(), count, "{segments:?}");
    let keyframes = pictures.iter().enumerate().filter(|(_, picture)| picture.is_keyframe);
    assert!(keyframes.map(|(n, _)| n).eq(begins), "{pictures:?}");
}

#[test]
fn every_picture_of_an_hevc_stream_is_decoded_and_each_segment_begins_with_its_only_keyframe() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path().join("webroot");
    let words = ["test", "--codec", "hevc", "--size", "322x182", "--segment-duration", "1s", "--low-latency"];
    let mut live = LiveStream::start(&webroot, &words);
    live.wait_for_segment(4);
    let output = live.publisher.output();
    assert!(output.contains("Apple's own players (iPhone, Apple TV) do not"), "{output}");
    // A part of its own for the keyframe, and others without.
    let parts = wait_for("parts of the open segment", PATIENCE, || {
        let edge = Edge::of(&fs::read_to_string(webroot.join("ll.m3u8")).ok()?)?;
        let parts: Vec<_> = (0..2)
            .map(|n| fs::read(webroot.join(format!("live/seg-{:08}.p{n:02}.ts", edge.next_media_sequence))))
            .collect();
        parts.into_iter().collect::<Result<Vec<_>, _>>().ok()
    });
    let keyframes: Vec<_> = parts
        .iter()
        .map(|part| probe(part).expect("a part").video.expect("pictures"))
        .map(|video| (video.codec, video.frames, video.keyframes))
        .collect();
    assert_eq!(keyframes, [(VideoCodec::Hevc, 4, 1), (VideoCodec::Hevc, 4, 0)]);
    assert!(live.publisher.interrupt().success());

    let mut playlist = read_playlist(&webroot).unwrap();
    // The last one ends where the stream did.
    playlist.segments.pop();
    assert!(playlist.segments.len() >= 4, "{playlist:#?}");
    let film = joined(&webroot, playlist.segments.iter().map(|segment| segment.uri.clone()));
    check_film(directory.path(), &film, &playlist.segments);
    assert_clean_but_for_apple(&webroot);
}

#[test]
fn a_ladder_of_hevc_names_its_codecs_and_keeps_its_borders() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path().join("webroot");
    let words = [
        "live",
        "test",
        "--ladder",
        "320x180@300k,160x90@100k",
        "--segment-duration",
        "1s",
        "--codec",
        "hevc",
        // More than come while the encoders, which may be late, end.
        "--window",
        "60",
    ];
    let live = Running::start(publisher().args(words).arg("--webroot").arg(&webroot));
    let playlist = |rung: &str| {
        parse(&fs::read_to_string(webroot.join("live").join(rung).join("stream.m3u8")).ok()?).ok()
    };
    let numbers = |rung| {
        let Some(playlist) = playlist(rung) else { return Vec::new() };
        let numbered = (playlist.media_sequence..).zip(playlist.segments);
        numbered.filter(|(_, segment)| !segment.gap).map(|(number, _)| number).collect()
    };
    // A machine that has no time leaves some out.
    let first = wait_for("four segments in a row that both sizes have", 3 * PATIENCE, || {
        let [large, small]: [Vec<u64>; 2] = ["180p", "90p"].map(numbers);
        let has_four = |first: &u64| (*first..first + 4).all(|it| large.contains(&it) && small.contains(&it));
        large.iter().copied().find(has_four)
    });
    assert!(live.interrupt().success());

    let text = fs::read_to_string(webroot.join("stream.m3u8")).unwrap();
    let Listing::Multivariant(listing) = read_listing(&text) else { panic!("{text}") };
    let of_variant = |name| listing.variants.iter().map(move |it| it.attributes.get(name).unwrap());
    assert!(of_variant("RESOLUTION").eq(["320x180", "160x90"]), "{text}");
    assert!(
        of_variant("CODECS").all(|codecs| codecs.starts_with("hvc1.1.6.L") && codecs.ends_with(",mp4a.40.2"))
    );
    let [large, small] = ["180p", "90p"].map(|rung| {
        let playlist = playlist(rung).unwrap();
        let segments = &playlist.segments[(first - playlist.media_sequence) as usize..];
        let uris = segments[..4].iter().map(|segment| format!("live/{rung}/{}", segment.uri));
        let film = joined(&webroot, uris);
        check_film(directory.path(), &film, &segments[..4]);
        probe(&film).expect("all of it").video.expect("pictures")
    });
    assert_eq!((large.start_90k, large.frames), (small.start_90k, small.frames));
    assert_clean_but_for_apple(&webroot);
}
