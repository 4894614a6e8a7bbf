//! Playlists: a hand spoils one while the program is down.

use super::{ALL, Kind, WITH_PARTS, fault, lives::kill};
use crate::{
    disk::{Node, Who},
    stage::Stage,
    world::held,
};
use livedir_layout::names::part_name;

/// These kinds.
pub(super) static KINDS: &[Kind] = &[
    fault("the playlist is cut, and a kill", 4, ALL, |stage, of, rng| {
        let at = rng.usize(..);
        spoil(stage, of, "cut", move |text| text[..at % text.len().max(1)].to_vec())
    }),
    fault("the playlist is garbage, and a kill", 3, ALL, |stage, of, rng| {
        let length = rng.usize(0..300);
        let garbage: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(length).collect();
        spoil(stage, of, "made garbage", |_| garbage)
    }),
    fault("the playlist has extreme numbers, and a kill", 4, ALL, |stage, of, rng| {
        let number =
            [1_u64 << 63, (1 << 63) - 2, u64::MAX, u64::MAX - 3, 999_999_999_999_999][rng.usize(0..5)];
        let tag = ["MEDIA-SEQUENCE", "DISCONTINUITY-SEQUENCE"][rng.usize(0..2)];
        spoil(stage, of, "given extreme numbers", move |text| {
            let text = String::from_utf8_lossy(text);
            let line = |line: &str| match line.split_once(&format!("#EXT-X-{tag}:")) {
                Some(_) => format!("#EXT-X-{tag}:{number}\n"),
                None => format!("{line}\n"),
            };
            text.lines().map(line).collect::<String>().into_bytes()
        })
    }),
    fault("the playlist is that of another stream, and a kill", 3, ALL, |stage, of, rng| {
        let first = rng.u64(1..1_000);
        spoil(stage, of, "made that of another stream", move |_| {
            format!("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:7\n#EXT-X-MEDIA-SEQUENCE:{first}\n#EXTINF:6.5,\nother/a.ts\n#EXTINF:6,\nother/b.ts\n").into_bytes()
        })
    }),
    fault("the list of parts is spoilt, and a kill", 4, WITH_PARTS, |stage, of, rng| {
        let (way, at, number) = (rng.u32(0..3), rng.usize(..), rng.u64(1..1 << 40));
        let words = ["cut", "made garbage", "given a part that is far away"][way as usize];
        spoil_list(stage, of, "ll.m3u8", words, move |text| match way {
            0 => text[..at % text.len().max(1)].to_vec(),
            1 => vec![at as u8; at % 300],
            _ => {
                let mut text = text.to_vec();
                let part = part_name(number, (at % 4) as u32);
                text.extend_from_slice(format!("#EXT-X-PART:DURATION=0.2,URI=\"live/{part}\"\n").as_bytes());
                text.extend_from_slice(format!("#EXT-X-PART:DURATION=0.2,URI=\"{part}\"\n").as_bytes());
                text
            }
        })
    }),
    fault("the playlist is deleted, and a kill", 3, ALL, |stage, of, _| {
        if !kill(stage, 0, 50_000) {
            return false;
        }
        stage.say(|| format!("the playlist of {of} is deleted"));
        stage.after(10_000, move |stage| {
            let path = stage.playlist(of);
            let _ = held(&stage.disk).remove(&path, Who::Hand);
            forget(stage, of);
        });
        true
    }),
    fault("the playlist is a pipe, and a kill", 3, ALL, |stage, of, _| {
        if !kill(stage, 0, 50_000) {
            return false;
        }
        stage.say(|| format!("the playlist of {of} becomes a pipe"));
        stage.after(10_000, move |stage| {
            let path = stage.playlist(of);
            let mut disk = held(&stage.disk);
            let _ = disk.remove(&path, Who::Hand);
            let _ = disk.make_pipe(&path);
            drop(disk);
            forget(stage, of);
        });
        stage.after(3_000_000, move |stage| {
            let path = stage.playlist(of);
            let mut disk = held(&stage.disk);
            if disk.at(&path).is_some_and(|it| matches!(it.node, Node::Pipe)) {
                let _ = disk.remove(&path, Who::Hand);
            }
            drop(disk);
            let now_us = stage.now_us();
            stage.judge.note_disturbance(of, now_us);
        });
        true
    }),
];

/// The playlist of a channel is no more what the program has written.
pub(super) fn forget(stage: &mut Stage, of: usize) {
    let now_us = stage.now_us();
    stage.judge.channel(of).forget(now_us);
}

/// The program is killed, and the playlist is another one when it begins again.
fn spoil(
    stage: &mut Stage,
    of: usize,
    words: &str,
    spoilt: impl FnOnce(&[u8]) -> Vec<u8> + Send + 'static,
) -> bool {
    spoil_list(stage, of, "stream.m3u8", words, spoilt)
}

fn spoil_list(
    stage: &mut Stage,
    of: usize,
    list: &'static str,
    words: &str,
    spoilt: impl FnOnce(&[u8]) -> Vec<u8> + Send + 'static,
) -> bool {
    if !kill(stage, 0, 200_000) {
        return false;
    }
    stage.say(|| format!("{list} of {of} is {words}"));
    stage.after(10_000, move |stage| {
        let path = stage.playlist(of).with_file_name(list);
        let mut disk = held(&stage.disk);
        let _ = disk.bytes(&path).and_then(|before| {
            disk.begin(&path, Who::Hand)?;
            disk.append(&path, &spoilt(&before), Who::Hand)
        });
        drop(disk);
        forget(stage, of);
    });
    true
}
