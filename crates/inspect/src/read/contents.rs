//! Contents: what the bytes of a segment's file say.
//!
//! In: a [`FileFound`]. Out: [`Contents`]. Reads the file, or its parts, on the caller's thread.

use crate::model::survey::{Contents, FileFound};
use livedir_layout::names::looks_like_segment;
use livedir_media::probe;
use livedir_time::ticks::of_seconds;
use std::fs::File;
use std::io::{self, Read as _};
use std::sync::Arc;

/// As the watcher does: a minute at 35 Mbit/s.
pub(crate) const LARGEST_SEGMENT_BYTES: u64 = 256 << 20;
/// How every packet of MPEG-TS begins.
const SYNC_BYTE: u8 = 0x47;

/// What its bytes say; `None` where it has gone.
pub(crate) fn contents_of(
    file: &FileFound,
    target_duration_s: Option<u32>,
    buffer: &mut Vec<u8>,
) -> Option<Contents> {
    if file.bytes > LARGEST_SEGMENT_BYTES {
        let bytes = file.bytes;
        let problem = format!("it has {bytes} bytes, over the {LARGEST_SEGMENT_BYTES} that are read");
        return Some(Contents::Nothing(problem));
    }
    buffer.clear();
    match read(file, buffer) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => return Some(Contents::Nothing(format!("it cannot be read: {error}"))),
        Ok(()) => {}
    }
    if !looks_like_segment(&file.name) && buffer.first() != Some(&SYNC_BYTE) {
        return Some(Contents::Nothing("it is not MPEG-TS, and is not looked into".to_owned()));
    }
    Some(match probe(buffer) {
        Ok(mut facts) => {
            if let Some(target_duration_s) = target_duration_s {
                facts.hold_to(of_seconds(target_duration_s));
            }
            Contents::Segment(Arc::new(facts))
        }
        Err(error) => Contents::Nothing(error.to_string()),
    })
}

/// Its bytes; those of its parts, end to end, are what there is so far of one that is not there yet.
fn read(file: &FileFound, buffer: &mut Vec<u8>) -> io::Result<()> {
    if !file.is_parts_only {
        File::open(&file.path)?.take(LARGEST_SEGMENT_BYTES).read_to_end(buffer)?;
        return Ok(());
    }
    for part in &file.parts {
        let left = LARGEST_SEGMENT_BYTES.saturating_sub(buffer.len() as u64);
        File::open(&part.path)?.take(left).read_to_end(buffer)?;
    }
    Ok(())
}
