//! Encoders of others: each names and lays down its files in its own way.

use super::{How, Way};
use crate::{
    disk::Who,
    media::Stream,
    schedule::{Naming, Plan},
    stage::Stage,
    world::held,
};
use livedir_layout::names::{part_name, segment_name};
use std::time::Duration;

pub(super) struct Foreign {
    pub(super) stream: Stream,
    pub(super) position_90k: u64,
    pub(super) count: u64,
}

fn name(plan: &Plan, count: u64) -> String {
    match plan.naming {
        Naming::Ours => segment_name(count),
        Naming::Counted => format!("cam-{count}.ts"),
        Naming::InTurn(names) => format!("{}.ts", count % u64::from(names)),
        Naming::Wild => format!("Ü 100% #{count}.ts"),
    }
}

/// A segment of another encoder begins. It comes with its end.
pub fn foreign_segment(stage: &mut Stage, of: usize, how: How) -> bool {
    let (plan, now_us) = (stage.plan.clone(), stage.now_us());
    let Some(it) = stage.encoders.foreign.get_mut(of) else { return false };
    let (start_90k, end_90k) = (it.position_90k, it.position_90k + plan.segment_90k());
    let count = it.count;
    it.count += 1;
    it.position_90k = if how.hole { end_90k + plan.segment_90k() } else { end_90k };
    let at_us = now_us + plan.segment_us + how.late_us;
    let Some(part_90k) = plan.part_90k() else {
        let units = it.stream.units(start_90k, end_90k);
        let bytes = it.stream.bytes(units, true);
        if !how.never {
            put(stage, of, name(&plan, count), bytes, how, at_us);
        }
        return true;
    };
    let mut segment = Vec::new();
    let parts = plan.segment_90k().div_ceil(part_90k) as u32;
    let mut last = None;
    for part in 0..parts {
        let it = &mut stage.encoders.foreign[of];
        let start_90k = start_90k + u64::from(part) * part_90k;
        let units = it.stream.units(start_90k, (start_90k + part_90k).min(end_90k));
        let bytes = it.stream.bytes(units, part == 0);
        segment.extend_from_slice(&bytes);
        let comes = how.without_part != Some(part);
        let name = part_name(count, part);
        if comes && part + 1 == parts {
            last = Some((name, bytes));
        } else if comes {
            let at_us = now_us + (u64::from(part) + 1) * part_90k * 100 / 9;
            put(stage, of, name, bytes, How::default(), at_us);
        }
    }
    if !how.never {
        let segment_name = name(&plan, count);
        put(stage, of, segment_name, segment, how, at_us);
        if let Some((name, bytes)) = last {
            put(stage, of, name, bytes, How::default(), at_us + 100);
        }
    }
    true
}

fn put(stage: &mut Stage, of: usize, name: String, bytes: Vec<u8>, how: How, at_us: u64) {
    if how.way == Way::Slowly {
        // The last block comes at the end, the first when the segment begins.
        let chunk = (bytes.len() / 4 / 188 + 1) * 150;
        let blocks: Vec<Vec<u8>> = bytes.chunks(chunk).map(<[u8]>::to_vec).collect();
        let (count, now_us) = (blocks.len() as u64, stage.now_us());
        for (index, block) in blocks.into_iter().enumerate() {
            let name = name.clone();
            let block_us = now_us + (at_us - now_us) * (index as u64 + 1) / count;
            stage.at(block_us, move |stage| {
                let path = stage.directory(of).join(&name);
                let mut disk = held(&stage.disk);
                let _ = if index == 0 { disk.begin(&path, Who::Encoder) } else { Ok(()) }
                    .and_then(|()| disk.append(&path, &block, Who::Encoder));
                if index as u64 + 1 == count {
                    let _ = disk.close(&path);
                    drop(disk);
                    note_arrival(stage, of, &name, false);
                }
            });
        }
        return;
    }
    let again = how.twice.then(|| (name.clone(), bytes.clone()));
    stage.at(at_us, move |stage| put_now(stage, of, &name, &bytes, how.way));
    if let Some((name, bytes)) = again {
        stage.at(at_us + 100_000, move |stage| {
            put_now(stage, of, &name, &bytes, how.way);
            // The file that was listed is gone, and its entry with it.
            let now_us = stage.now_us();
            stage.judge.channel(of).touched.insert(name, now_us);
            stage.judge.note_disturbance(of, now_us);
        });
    }
}

fn put_now(stage: &mut Stage, of: usize, name: &str, bytes: &[u8], way: Way) {
    let live = stage.directory(of);
    let path = live.join(name);
    // It took so long to write it.
    let written_at = stage.time.wall() - Duration::from_millis(stage.chance.u64(15..80));
    let mut first_name = None;
    let mut disk = held(&stage.disk);
    let done = match way {
        Way::Copy | Way::Slowly => {
            let done = disk.begin(&path, Who::Encoder).and_then(|()| disk.append(&path, bytes, Who::Encoder));
            let _ = disk.close(&path);
            done
        }
        Way::Rename => disk
            .write(&live, ".part-", bytes, Some(written_at), Who::Encoder)
            .and_then(|written| disk.rename(&written, &path, Who::Encoder)),
        Way::Link | Way::LinkAndUnlink => {
            disk.write(&live, ".part-", bytes, Some(written_at), Who::Encoder).and_then(|written| {
                let _ = disk.remove(&path, Who::Encoder);
                disk.link(&written, &path, Who::Encoder)?;
                first_name = Some(written);
                Ok(())
            })
        }
    };
    drop(disk);
    if let Some(first_name) = first_name {
        let stays_us = if way == Way::Link { 1_000_000 } else { 0 };
        stage.after(stays_us, move |stage| {
            let _ = held(&stage.disk).remove(&first_name, Who::Encoder);
        });
    }
    if done.is_ok() {
        note_arrival(stage, of, name, way != Way::Copy);
    }
}

/// A file that waited for its turn has come under another name.
pub fn note_rename(stage: &mut Stage, of: usize, name: &str) {
    let path = stage.directory(of).join(name);
    let found = held(&stage.disk).look_up(&path);
    if let Ok(found) = found {
        note_arrival(stage, of, name, found.stamp.was_finished_off());
    }
}

/// `says_complete`: the file itself says that it is complete, also to one who hears nothing.
fn note_arrival(stage: &mut Stage, of: usize, name: &str, says_complete: bool) {
    let live = stage.directory(of);
    let contents = held(&stage.disk).contents(&live.join(name));
    let Some(contents) = contents else { return };
    let now_us = stage.now_us();
    stage.judge.note_arrival(of, name, contents, now_us, says_complete);
}
