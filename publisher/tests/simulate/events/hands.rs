//! Hands: a person deletes, moves and overwrites.

use super::{ALL, Kind, fault};
use crate::{
    disk::{Disk, Who},
    stage::Stage,
    world::held,
};
use fastrand::Rng;
use std::{
    io,
    path::{Path, PathBuf},
};

/// These kinds.
pub(super) static KINDS: &[Kind] = &[
    fault("a listed segment is deleted by hand", 5, ALL, |stage, of, rng| {
        let Some(name) = listed(stage, of, rng) else { return false };
        stage.say(|| format!("a hand deletes {name} of {of}"));
        hand(stage, of, |disk, live| disk.remove(&live.join(&name), Who::Hand));
        touched(stage, of, &name);
        true
    }),
    fault("a listed segment is overwritten by hand", 3, ALL, |stage, of, rng| {
        let Some(name) = listed(stage, of, rng) else { return false };
        stage.say(|| format!("a hand overwrites {name} of {of}"));
        touched(stage, of, &name);
        hand(stage, of, |disk, live| {
            let path = live.join(&name);
            disk.begin(&path, Who::Hand)?;
            disk.append(&path, b"nothing of this is video", Who::Hand)?;
            disk.close(&path)
        });
        true
    }),
    fault("a listed segment is replaced by hand", 3, ALL, |stage, of, rng| {
        let (Some(name), Some(other)) = (listed(stage, of, rng), listed(stage, of, rng)) else {
            return false;
        };
        stage.say(|| format!("a hand puts a copy of {other} in the place of {name} of {of}"));
        touched(stage, of, &name);
        hand(stage, of, |disk, live| {
            let bytes = disk.bytes(&live.join(&other))?;
            let written = disk.write(live, ".hand-", &bytes, None, Who::Hand)?;
            disk.rename(&written, &live.join(&name), Who::Hand)
        });
        true
    }),
    fault("a listed segment is moved away and back", 3, ALL, |stage, of, rng| {
        let Some(name) = listed(stage, of, rng) else { return false };
        let after_us = rng.u64(10_000..3_000_000);
        stage.say(|| format!("a hand moves {name} of {of} away, and back after {} ms", after_us / 1_000));
        touched(stage, of, &name);
        let away = away(stage);
        hand(stage, of, |disk, live| disk.rename(&live.join(&name), &away, Who::Hand));
        stage.after(after_us, move |stage| {
            hand(stage, of, |disk, live| disk.rename(&away, &live.join(&name), Who::Hand));
            touched(stage, of, &name);
        });
        true
    }),
    fault("all segments are deleted by hand", 2, ALL, |stage, of, _| {
        let live = stage.directory(of);
        let names: Vec<_> =
            held(&stage.disk).entries(&live).map(|it| it.keys().cloned().collect()).unwrap_or_default();
        stage.say(|| format!("a hand deletes all segments of {of}"));
        for name in names.iter().filter(|name| name.ends_with(".ts")) {
            touched(stage, of, name);
            hand(stage, of, |disk, live| disk.remove(&live.join(&**name), Who::Hand));
        }
        true
    }),
    fault("live/ is deleted by hand", 2, ALL, |stage, of, _| {
        stage.say(|| format!("a hand deletes the directory {of} with all that is in it"));
        taken_away(stage, of);
        hand(stage, of, |disk, live| disk.remove_directory(live, true, Who::Hand));
        true
    }),
    fault("live/ is moved away and back", 2, ALL, |stage, of, rng| {
        let after_us = rng.u64(10_000..4_000_000);
        stage.say(|| format!("a hand moves the directory {of} away, and back after {} ms", after_us / 1_000));
        taken_away(stage, of);
        let away = away(stage);
        hand(stage, of, |disk, live| disk.rename(live, &away, Who::Hand));
        stage.after(after_us, move |stage| {
            taken_away(stage, of);
            hand(stage, of, |disk, live| {
                let _ = disk.remove_directory(live, true, Who::Hand);
                disk.rename(&away, live, Who::Hand)
            });
            taken_away(stage, of);
        });
        true
    }),
];

/// Where nothing has been moved yet.
fn away(stage: &Stage) -> PathBuf {
    format!("/away-{}", stage.now_us()).into()
}

/// A listed file, by its name.
pub(super) fn listed(stage: &mut Stage, of: usize, rng: &mut Rng) -> Option<String> {
    let channel = stage.judge.channel(of);
    let segments = &channel.plain.as_ref()?.listing.segments;
    let segment = segments.get(rng.usize(..) % segments.len().max(1))?;
    channel.name(&segment.uri).filter(|_| !segment.gap)
}

/// A hand does something in the live directory of a channel.
pub(super) fn hand(stage: &mut Stage, of: usize, deed: impl FnOnce(&mut Disk, &Path) -> io::Result<()>) {
    let live = stage.directory(of);
    let mut disk = held(&stage.disk);
    // What cannot be done is not done.
    let _ = deed(&mut disk, &live);
    drop(disk);
    let now_us = stage.now_us();
    stage.judge.note_disturbance(of, now_us);
}

pub(super) fn touched(stage: &mut Stage, of: usize, name: &str) {
    let now_us = stage.now_us();
    stage.judge.channel(of).touched.insert(name.to_owned(), now_us);
}

/// All files of a channel are no longer where they were.
pub(super) fn taken_away(stage: &mut Stage, of: usize) {
    let live = stage.directory(of);
    let names: Vec<Box<str>> =
        held(&stage.disk).entries(&live).map(|it| it.keys().cloned().collect()).unwrap_or_default();
    for name in names {
        touched(stage, of, &name);
    }
    let now_us = stage.now_us();
    stage.judge.note_disturbance(of, now_us);
    let channel = stage.judge.channel(of);
    channel.left.clear();
    // Those of a ladder have their playlists there.
    if channel.is_rendition {
        channel.forget(now_us);
    }
}
