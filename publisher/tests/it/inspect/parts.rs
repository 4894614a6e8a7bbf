//! Segments in parts under `inspect`: how they are drawn, and parts that others have named.

use std::fmt::Write as _;
use std::fs;

use jiff::SignedDuration;

use livedir_inspect::{
    draw::draw,
    model::inventory::{Inventory, State},
};

use super::{check_pages, files, golden_inventory, inspect, page, write_old};
use crate::watcher_support::segments;

/// The golden inventory in parts: those of the segments near the end are still there, and the next segment grows.
fn in_parts() -> Inventory {
    let mut inventory = golden_inventory();
    let mut growing = inventory.segments[9].clone();
    for row in &mut inventory.segments[4..] {
        row.parts = 10;
    }
    growing.media_sequence = Some(46);
    "live/seg-00000047.ts".clone_into(&mut growing.file);
    (growing.state, growing.parts) = (State::BeingWritten, 3);
    growing.filmed_at = growing.filmed_at.map(|at| at + SignedDuration::from_secs(2));
    (growing.duration_s, growing.frames, growing.bitrate_bps) = (Some(0.6), Some(12), Some(2_400_000));
    growing.bytes = Some(180_000);
    inventory.segments.push(growing);
    (inventory.disk.parts, inventory.disk.part_bytes) = (63, 1_234_567);
    if let Some(playlist) = &mut inventory.playlist {
        playlist.part_target_s = Some(0.2);
    }
    inventory
}

#[test]
fn a_segment_in_parts_is_one_row_with_their_number_and_the_newest_grows() {
    let inventory = in_parts();
    let drawn = draw(&inventory, &page(80, None));
    assert!(drawn == include_str!("../../golden/inspect-parts-80.txt"), "{drawn}");
    let wide = draw(&inventory, &page(120, None));
    assert!(wide.contains("parts") && wide.contains("3…  h264+aac  growing"), "{wide}");
    check_pages(&inventory);
}

#[test]
fn what_was_written_down_before_there_were_parts_can_be_read() {
    let inventory = golden_inventory();
    let parts: u64 = inventory.segments.iter().map(|row| row.parts).sum();
    assert_eq!((parts, inventory.disk.parts), (0, 0));
}

/// A segment in three files, each of whole packets.
fn cut(segment: &[u8]) -> [&[u8]; 3] {
    let third = segment.len() / 188 / 3 * 188;
    [&segment[..third], &segment[third..2 * third], &segment[2 * third..]]
}

#[test]
fn parts_that_others_have_named_belong_to_the_segment_that_lists_them() {
    let directory = tempfile::tempdir().expect("temp dir");
    let at = |name: &str| directory.path().join(name);
    let mut list = "#EXTM3U\n#EXT-X-TARGETDURATION:60\n#EXT-X-PART-INF:PART-TARGET=0.3\n".to_owned();
    for (segment, name) in segments().iter().zip(["film a", "film b"]) {
        for (index, part) in cut(segment).into_iter().enumerate() {
            let part_name = format!("{name}, piece {index}.ts");
            fs::write(at(&part_name), part).expect("written");
            let uri = part_name.replace(' ', "%20");
            writeln!(list, "#EXT-X-PART:DURATION=0.2,URI=\"{uri}\"").expect("a String takes all");
            // The first two of the second segment have come so far.
            if name == "film b" && index == 1 {
                break;
            }
        }
        if name == "film a" {
            write_old(&at("film a.ts"), segment);
            list += "#EXTINF:0.5,\nfilm%20a.ts\n";
        }
    }
    write_old(&at("any.m3u8"), list.as_bytes());

    let inventory = inspect(directory.path(), &[]);
    assert_eq!(
        files(&inventory),
        [("film a.ts", State::Listed), ("film b, piece 0.ts", State::BeingWritten)],
        "{inventory:#?}"
    );
    let rows = &inventory.segments;
    assert_eq!(rows.iter().map(|row| row.parts).collect::<Vec<_>>(), [3, 2]);
    assert_eq!((inventory.disk.segments, inventory.disk.parts), (1, 5));
    let bytes: usize = cut(&segments()[1])[..2].iter().map(|part| part.len()).sum();
    assert_eq!(rows[1].bytes, Some(bytes as u64));
    for row in rows {
        assert_eq!((&row.discontinuity, &row.problem, &row.odd[..]), (&None, &None, &[][..]), "{row:?}");
    }
    assert_eq!(inventory.playlist.as_ref().and_then(|it| it.part_target_s), Some(0.3));
}

#[test]
fn segments_whose_parts_are_gone_are_plain_and_the_newest_rows_are_few_if_few_are_asked_for() {
    let directory = tempfile::tempdir().expect("temp dir");
    let live = directory.path().join("live");
    fs::create_dir(&live).expect("made");
    for (number, segment) in (1..).zip(&segments()[..4]) {
        if number < 4 {
            write_old(&live.join(format!("seg-{number:08}.ts")), segment);
        }
        for (index, part) in cut(segment).into_iter().enumerate().filter(|_| number > 2) {
            fs::write(live.join(format!("seg-{number:08}.p{index:02}.ts")), part).expect("written");
        }
    }
    let mut list = "#EXTM3U\n#EXT-X-TARGETDURATION:60\n#EXT-X-MEDIA-SEQUENCE:1\n".to_owned();
    for number in 1..4 {
        writeln!(list, "#EXTINF:0.5,\nlive/seg-{number:08}.ts").expect("a String takes all");
    }
    write_old(&directory.path().join("stream.m3u8"), list.as_bytes());
    let seen = |words: &[&str]| {
        let inventory = inspect(directory.path(), words);
        let rows: Vec<_> =
            inventory.segments.iter().map(|row| (row.media_sequence, row.parts, row.state)).collect();
        (rows, inventory.older_segments)
    };
    let newest = [(Some(3), 3, State::Listed), (Some(4), 3, State::BeingWritten)];
    let older = [(Some(1), 0, State::Listed), (Some(2), 0, State::Listed)];
    assert_eq!(seen(&[]), ([older, newest].concat(), 0));
    assert_eq!(seen(&["--rows", "2"]), (newest.to_vec(), 2));
    assert_eq!(seen(&["--rows", "1"]), (newest[1..].to_vec(), 3));
}

#[test]
fn a_part_is_taken_apart_like_a_segment() {
    let directory = tempfile::tempdir().expect("temp dir");
    let (segment, live) = (&segments()[0], directory.path().join("live"));
    fs::create_dir(&live).expect("made");
    write_old(&live.join("seg-00000007.ts"), segment);
    for (index, part) in cut(segment).into_iter().enumerate() {
        write_old(&live.join(format!("seg-00000007.p{index:02}.ts")), part);
    }
    let inventory = inspect(&live.join("seg-00000007.p01.ts"), &[]);
    assert_eq!(inventory.segments.len(), 1, "{inventory:#?}");
    assert!(inventory.segments[0].file.ends_with("seg-00000007.ts"), "{inventory:#?}");
    let packets = cut(segment)[1].len() as u64 / 188;
    assert_eq!(inventory.detail.as_ref().map(|detail| detail.packets), Some(packets));
    let drawn = check_pages(&inventory);
    assert!(drawn.contains("what is taken apart is part 1 of it"), "{drawn}");
}
