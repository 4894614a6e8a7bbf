//! Looker: one look at what was named, of as many as there are to be.
//!
//! In: a path, each time. Out: an [`Inventory`] of all that is there now. Thin, on the caller's thread. What has not changed
//! since the look before is not read again.

use crate::error::InspectError;
use crate::inventory::file_detail::file_detail;
use crate::inventory::inventory;
use crate::inventory::variants::Variants;
use crate::model::inventory::{DiskUse, Inventory};
use crate::read::contents::LARGEST_SEGMENT_BYTES;
use crate::read::parts::part_name;
use crate::read::subject::{Subject, place};
use crate::read::survey::Surveyor;
use crate::settings::InspectSettings;
use jiff::Timestamp;
use livedir_media::anatomy;
use livedir_media::probe;
use livedir_time::ticks::of_seconds;
use std::{
    fs::File,
    io::{self, Read as _},
};

/// Looks, and remembers.
#[derive(Debug, Default)]
pub(crate) struct Looker {
    surveyor: Surveyor,
    variants: Variants,
}

impl Looker {
    /// Looks at what was named. `on_progress` is told how many of how many segments are read.
    pub(crate) fn look(
        &mut self,
        settings: &InspectSettings,
        on_progress: impl FnMut(usize, usize),
    ) -> Result<Inventory, InspectError> {
        let place = place(&settings.path)?;
        let read_error = |source| InspectError::Read { path: settings.path.clone(), source };
        let looked_at = Timestamp::now();
        let rows = if settings.all || place.segment.is_some() { usize::MAX } else { settings.rows };
        let survey = self.surveyor.survey(&place, rows, looked_at, on_progress).map_err(read_error)?;
        let listed =
            survey.playlist.as_ref().map(|found| found.listing.playlists.clone()).unwrap_or_default();
        let mut inventory = inventory(survey);
        if place.segment.is_some() {
            if !listed.is_empty() {
                // It says nothing of segments.
                inventory.playlist = None;
            }
            add_detail(&mut inventory, &place).map_err(read_error)?;
        } else {
            inventory.variants = self.variants.look(&place.directory, &listed, rows, looked_at);
            let disks =
                inventory.variants.iter().filter_map(|variant| Some(&variant.inventory.as_ref()?.disk));
            inventory.disk = disks.fold(inventory.disk, |sum, disk| together(&sum, disk));
        }
        Ok(inventory)
    }
}

/// Takes the segment that was named apart.
fn add_detail(inventory: &mut Inventory, place: &Subject) -> io::Result<()> {
    let Some(path) = &place.segment else { return Ok(()) };
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST_SEGMENT_BYTES).read_to_end(&mut bytes)?;
    let mut facts = probe(&bytes).ok();
    let target_duration_s = inventory.playlist.as_ref().and_then(|playlist| playlist.target_duration_s);
    if let Some((facts, target_duration_s)) = facts.as_mut().zip(target_duration_s) {
        facts.hold_to(of_seconds(target_duration_s));
    }
    if let Some(part) = path.file_name().and_then(|name| name.to_str()).and_then(part_name) {
        inventory.notes.push(format!("what is taken apart is part {} of it, {}", part.index, path.display()));
    }
    inventory.detail = Some(file_detail(&anatomy(&bytes), facts.as_ref()));
    Ok(())
}

fn together(sum: &DiskUse, more: &DiskUse) -> DiskUse {
    let times = [sum.oldest_modified_at, more.oldest_modified_at];
    DiskUse {
        segments: sum.segments + more.segments,
        segment_bytes: sum.segment_bytes + more.segment_bytes,
        parts: sum.parts + more.parts,
        part_bytes: sum.part_bytes + more.part_bytes,
        unfinished: sum.unfinished + more.unfinished,
        oldest_modified_at: times.into_iter().flatten().min(),
        newest_modified_at: sum.newest_modified_at.max(more.newest_modified_at),
    }
}
