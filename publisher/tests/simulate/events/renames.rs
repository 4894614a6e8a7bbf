//! Renames: a file of another encoder gets a new name within `live/`.
//!
//! These kinds have no weight: they are drawn from numbers of their own, so that they change no schedule that has none of them.

use super::{FOREIGN, Kind, fault, hands::listed};
use crate::{disk::Who, encoders, invariants::Renamed, schedule::Plan, stage::Stage, world::held};

/// The segment of a part is known by its name.
const FOREIGN_WITHOUT_PARTS: fn(&Plan) -> bool = |plan| FOREIGN(plan) && plan.part_pictures.is_none();

/// These kinds.
pub(super) static KINDS: &[Kind] = &[
    fault("a listed segment is renamed", 0, FOREIGN, |stage, of, rng| {
        let Some(name) = listed(stage, of, rng) else { return false };
        rename(stage, of, &name).is_some()
    }),
    fault("a segment that waits is renamed", 0, FOREIGN_WITHOUT_PARTS, |stage, of, _| {
        let channel = stage.judge.channel(of);
        let Some(name) = channel.expected.first().map(|it| it.name.clone()) else { return false };
        let Some(new_name) = rename(stage, of, &name) else { return false };
        stage.judge.channel(of).expected.retain(|it| it.name != name);
        encoders::note_rename(stage, of, &new_name);
        true
    }),
];

/// Gives a file of a channel another name. Nobody sees that while the program is down.
fn rename(stage: &mut Stage, of: usize, name: &str) -> Option<String> {
    if stage.life.on_air_us.is_none() || !stage.life.is_up || stage.life.stopped_us.is_some() {
        return None;
    }
    let now_us = stage.now_us();
    let (live, new_name) = (stage.directory(of), format!("renamed-{now_us}.ts"));
    let mut disk = held(&stage.disk);
    let contents = disk.contents(&live.join(name))?;
    disk.rename(&live.join(name), &live.join(&new_name), Who::Encoder).ok()?;
    drop(disk);
    stage.say(|| format!("{name} of {of} is renamed to {new_name}"));
    let name = name.to_owned();
    stage.judge.channel(of).renamed.push(Renamed {
        name,
        new_name: new_name.clone(),
        contents,
        at_us: now_us,
        removed_us: None,
    });
    Some(new_name)
}
