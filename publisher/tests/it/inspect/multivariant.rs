//! Multivariant playlists under `inspect`: those of the ffmpeg program, and those that name what is not there.

use super::{check_pages, files, inspect, rows_in, write_old};
use crate::watcher_support::segments;
use livedir_inspect::model::inventory::{State, VariantKind, VariantState};
use std::{fs, process::Command};

/// Two variants in directories of their own, with the sound in both.
const TWO_VARIANTS: &str = "-f lavfi -i testsrc2=size=320x240:rate=20 -f lavfi -i sine=sample_rate=48000 -t 6 \
    -filter_complex [0:v]split=2[a][b];[b]scale=160:120[c] -map [a] -map [c] -map 1:a -map 1:a -c:v libx264 \
    -preset ultrafast -pix_fmt yuv420p -g 20 -keyint_min 20 -sc_threshold 0 -c:a aac -f hls -hls_time 1 -hls_list_size 3";

#[test]
fn the_playlists_of_a_multivariant_one_are_followed() {
    let webroot = tempfile::tempdir().expect("temp dir");
    let ended = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error"])
        .args(TWO_VARIANTS.split_whitespace())
        .args(["-master_pl_name", "stream.m3u8", "-var_stream_map", "v:0,a:0,name:high v:1,a:1,name:low"])
        .args(["-hls_segment_filename", "%v/%03d.ts", "%v/list.m3u8"])
        .current_dir(webroot.path())
        .output()
        .expect("ffmpeg");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));

    let inventory = inspect(webroot.path(), &[]);
    let seen: Vec<_> = inventory
        .variants
        .iter()
        .map(|it| (it.uri.as_deref(), it.kind, it.state, it.resolution.as_deref()))
        .collect();
    let there = (VariantKind::Variant, VariantState::There);
    assert_eq!(
        seen,
        [
            (Some("high/list.m3u8"), there.0, there.1, Some("320x240")),
            (Some("low/list.m3u8"), there.0, there.1, Some("160x120")),
        ]
    );
    for variant in &inventory.variants {
        let inside = variant.inventory.as_ref().expect("an inventory");
        let video = inside.media.video.as_ref().expect("pictures");
        assert_eq!(variant.resolution, video.width.zip(video.height).map(|(w, h)| format!("{w}x{h}")));
        let codecs = variant.codecs.as_ref().expect("codecs");
        assert!(codecs.contains(video.codec.as_ref().expect("a codec").as_str()), "{codecs}");
        assert_eq!((rows_in(inside, State::Listed), inside.segments.len()), (3, 3));
        assert!(variant.bandwidth_bps.is_some_and(|bps| bps > 10_000));
    }
    assert_eq!((inventory.segments.len(), inventory.disk.segments, &inventory.notes[..]), (0, 6, &[][..]));
    let drawn = check_pages(&inventory);
    assert!(
        drawn.contains("low/list.m3u8 · variant") && drawn.contains("multivariant · 2 variants"),
        "{drawn}"
    );

    // One of them is gone, one tells of pictures that it has not, and a segment is missing.
    fs::remove_file(webroot.path().join("low/list.m3u8")).unwrap();
    fs::remove_file(webroot.path().join("high/004.ts")).unwrap();
    let master = webroot.path().join("stream.m3u8");
    let text = fs::read_to_string(&master).unwrap();
    let more = "#EXT-X-STREAM-INF:BANDWIDTH=1000\nhttp://host/a.m3u8\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\"\n";
    write_old(&master, format!("{}{more}", text.replace("320x240", "640x480")).as_bytes());
    let inventory = inspect(&master, &[]);
    let states: Vec<_> = inventory.variants.iter().map(|it| it.state).collect();
    assert_eq!(
        states,
        [VariantState::There, VariantState::Missing, VariantState::Elsewhere, VariantState::Within]
    );
    let odd = inventory.variants[0].odd.join("; ");
    assert!(odd.contains("RESOLUTION says 640x480, its pictures have 320x240"), "{odd}");
    let inside = inventory.variants[0].inventory.as_ref().expect("an inventory");
    assert_eq!(inside.playlist.as_ref().map(|playlist| playlist.segments_missing), Some(1));
    let drawn = check_pages(&inventory);
    for expected in
        ["its playlist is missing", "elsewhere, not looked at", "within the variants", "without a file"]
    {
        assert!(drawn.contains(expected), "{expected} in\n{drawn}");
    }
}

#[test]
fn of_playlists_in_one_directory_the_one_that_lists_others_is_shown_and_a_segment_is_shown_by_its_own() {
    let directory = tempfile::tempdir().expect("temp dir");
    let write = |name: &str, text: &str| write_old(&directory.path().join(name), text.as_bytes());
    write(
        "all.m3u8",
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nb.m3u8\n",
    );
    write("a.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.5,\na0.ts\n#EXT-X-ENDLIST\n");
    write("b.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:9\n#EXTINF:0.5,\nb0.ts\n");
    write_old(&directory.path().join("a0.ts"), &segments()[0]);
    write_old(&directory.path().join("b0.ts"), &segments()[1]);
    let inventory = inspect(directory.path(), &[]);
    let inside: Vec<_> =
        inventory.variants.iter().map(|it| files(it.inventory.as_ref().expect("an inventory"))).collect();
    assert_eq!(inside, [[("a0.ts", State::Listed)], [("b0.ts", State::Listed)]]);
    let one = inspect(&directory.path().join("b0.ts"), &[]);
    assert_eq!((files(&one), one.segments[0].media_sequence), (vec![("b0.ts", State::Listed)], Some(9)));
    // A file that none of them lists.
    for name in ["a.m3u8", "b.m3u8"] {
        fs::remove_file(directory.path().join(name)).unwrap();
    }
    let alone = inspect(&directory.path().join("b0.ts"), &[]);
    assert_eq!((files(&alone), &alone.playlist), (vec![("b0.ts", State::Unlisted)], &None));
}
