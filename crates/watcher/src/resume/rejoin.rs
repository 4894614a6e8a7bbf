//! Rejoin: a segment that could not be written, or that a crash has interrupted, is made of its parts.
//!
//! In: the numbers of its parts. Out: a file, end to end. Runs on the watcher's thread.

use crate::events::refusal::LARGEST_SEGMENT_BYTES;
use crate::resume::parts_on_disk::parts_in;
use crate::timeline::low_latency::MOST_PARTS;
use livedir_layout::directory::Directory;
use livedir_layout::names::{part_name, segment_name};
use std::{
    io::{self, Read as _},
    path::Path,
};
use tracing::{debug, info, warn};

/// Makes a segment of the parts that a crash has left of one: what viewers have seen stays in the stream, under its
/// number. `number`: the last one of ours of which there are parts. Only that can have been interrupted; all before it were
/// completed, or lost on a full disk.
pub(crate) fn rejoin(directory: &dyn Directory, live: &Path, number: u64) {
    let name = segment_name(number);
    if directory.has(&live.join(&name)) {
        return;
    }
    let there = parts_in(directory, live).unwrap_or_default();
    let of_segment = there.range((number, 0)..=(number, MOST_PARTS)).map(|(&(_, part), _)| part);
    let parts: Vec<_> = of_segment.collect();
    // One that has lost a part is a gap.
    if parts.last().is_some_and(|&last| last as usize + 1 != parts.len()) {
        return debug!(name, "parts of the segment that was interrupted are missing");
    }
    match join(directory, live, &name, parts.into_iter().map(|part| part_name(number, part))) {
        Ok(true) => {
            info!(name, "segment was interrupted in the last run; it is assembled from its parts");
        }
        Ok(false) => {}
        Err(error) => {
            warn!(name, %error, "interrupted segment cannot be assembled from its parts; it is lost");
        }
    }
}

/// Writes a segment that is its parts end to end. Says whether there are any.
pub(crate) fn join(
    directory: &dyn Directory,
    live: &Path,
    name: &str,
    parts: impl Iterator<Item = String>,
) -> io::Result<bool> {
    let (mut bytes, mut ended_at) = (Vec::new(), None);
    for part in parts {
        let part = directory.open(&live.join(part))?;
        let room = LARGEST_SEGMENT_BYTES.saturating_sub(bytes.len() as u64);
        part.bytes.take(room).read_to_end(&mut bytes)?;
        ended_at = Some(part.stamp.modified_at);
    }
    let Some(ended_at) = ended_at else { return Ok(false) };
    livedir_layout::write::write(directory, live, name, &bytes, ended_at)?;
    Ok(true)
}
