//! Files that the watcher's own tests are about. None of them is on a disk.

use crate::events::finished_file::Finished;
use livedir_layout::directory::stamp::Stamp;
use livedir_media::{ElementaryStream, Facts};
use livedir_time::ticks::of_seconds;
use std::time::{Duration, SystemTime};

/// A file that was written at one time and changed at another, in seconds.
pub(crate) fn stamp(bytes: u64, modified_s: u64, changed_s: u64) -> Stamp {
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    Stamp { bytes, modified_at: at(modified_s), changed_at: at(changed_s), links: 1, inode: 1 }
}

/// A segment of so many seconds of sound, and nothing else.
pub(crate) fn finished(duration_s: u32) -> Finished {
    finished_90k(of_seconds(duration_s))
}

/// The same, in ticks.
pub(crate) fn finished_90k(duration_90k: u64) -> Finished {
    let streams = vec![ElementaryStream { pid: 256, stream_type: 0x0f, format: None }];
    let facts = Facts { duration_90k, streams, tables_first: true, ..Facts::default() };
    Finished { facts, stamp: stamp(188, 0, 0), sample: 0 }
}
