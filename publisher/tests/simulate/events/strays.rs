//! Strays: files that no encoder of this stream has made.

use super::{
    ALL, Kind, fault,
    hands::{hand, listed, touched},
    lives::kill,
};
use crate::{
    disk::{Disk, Who},
    stage::Stage,
    world::held,
};
use livedir_layout::names::{number_of_name, segment_name};
use std::{io, path::Path};

/// These kinds.
pub(super) static KINDS: &[Kind] = &[
    fault("a copy under a higher number", 5, ALL, |stage, of, rng| {
        let Some(name) = listed(stage, of, rng) else { return false };
        let far = rng.u64(3..200);
        let number = stage.encoders.next_count(of) + far;
        stray(stage, of, &segment_name(number), |disk, live| {
            disk.bytes(&live.join(&name)).map(|it| it.to_vec())
        })
    }),
    fault("an empty file of a huge number", 4, ALL, |stage, of, _| {
        stray(stage, of, "seg-999999999999999.ts", |_, _| Ok(Vec::new()))
    }),
    fault("a copy of a huge number, and a kill", 3, ALL, |stage, of, rng| {
        let Some(name) = listed(stage, of, rng) else { return false };
        let done = stray(stage, of, "seg-999999999999999.ts", |disk, live| {
            disk.bytes(&live.join(&name)).map(|it| it.to_vec())
        });
        kill(stage, 0, 50_000);
        done
    }),
    fault("a copy of a part under a higher number", 3, ALL, |stage, of, rng| {
        let Some(name) = listed(stage, of, rng) else { return false };
        let number = stage.encoders.next_count(of) + rng.u64(2..50);
        let part = livedir_layout::names::part_name(number, rng.u32(0..3));
        stray(stage, of, &part, |disk, live| disk.bytes(&live.join(&name)).map(|it| it.to_vec()))
    }),
    fault("a stray file", 4, ALL, |stage, of, rng| {
        let names = [
            "notes.txt",
            "holiday.ts",
            ".seg-00000001.ts.x",
            "seg-1.ts",
            "seg-00000000.ts",
            "seg-00000001.p.ts",
            "\u{202e}.ts",
            "a b%2F..ts",
            "#EXT-X-ENDLIST.ts",
            "-rf.TS",
        ];
        stray(stage, of, names[rng.usize(0..names.len())], |_, _| Ok(b"G".repeat(188)))
    }),
    fault("a pipe in the place of a segment", 3, ALL, |stage, of, rng| {
        let name = segment_name(stage.encoders.next_count(of) + rng.u64(0..3));
        pipe(stage, of, &name)
    }),
    fault("a pipe in the place of a part", 3, ALL, |stage, of, rng| {
        let number = stage.encoders.next_count(of) + rng.u64(0..3);
        pipe(stage, of, &livedir_layout::names::part_name(number, rng.u32(0..4)))
    }),
    fault("a directory in the place of a segment", 2, ALL, |stage, of, rng| {
        let name = segment_name(stage.encoders.next_count(of) + rng.u64(0..3));
        stage.say(|| format!("a directory in the place of {name}"));
        touched(stage, of, &name);
        hand(stage, of, |disk, live| disk.make_all(&live.join(&name), Who::Hand));
        true
    }),
];

/// A file that no encoder has made.
fn stray(
    stage: &mut Stage,
    of: usize,
    name: &str,
    bytes: impl FnOnce(&mut Disk, &Path) -> io::Result<Vec<u8>>,
) -> bool {
    stage.say(|| format!("a stray {name} in {of}"));
    touched(stage, of, name);
    // Where the stream comes to its number it is listed, with the date of its file.
    stage.judge.channel(of).has_odd_dates |= number_of_name(name).is_some();
    let live = stage.directory(of);
    let mut disk = held(&stage.disk);
    let done = bytes(&mut disk, &live).and_then(|bytes| {
        let path = live.join(name);
        disk.begin(&path, Who::Hand)?;
        disk.append(&path, &bytes, Who::Hand)?;
        disk.close(&path)
    });
    done.is_ok()
}

fn pipe(stage: &mut Stage, of: usize, name: &str) -> bool {
    stage.say(|| format!("a pipe in the place of {name} in {of}"));
    touched(stage, of, name);
    hand(stage, of, |disk, live| disk.make_pipe(&live.join(name)));
    true
}
