//! Segment writer: finished bytes become `.ts` files in the live directory.
//!
//! In: the bytes of segments and parts, and when they ended. Out: files with their final name. A file is written under a
//! dot name and gets its final name by rename. Its modification time is the wall-clock time of its end. Runs on the segment
//! thread.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use ffmpeg_next as ffmpeg;

use livedir_layout::directory::{Directory, Identity};
use livedir_layout::guard::Guard;
use livedir_layout::meters::Meters;
use livedir_layout::names::{part_name, segment_name};
use livedir_layout::numbers::Numbers;
use livedir_layout::remedy::remedy;
use livedir_layout::write::write;

/// If the directory takes no segment for this long, the run ends: a supervisor or an operator has to act.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why segments can no longer be written.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// The muxer failed.
    #[error("writing MPEG-TS failed: {0}")]
    Muxer(#[from] ffmpeg::Error),
    /// The directory does not take files.
    #[error("cannot write {}: {source}; {}", path.display(), remedy(source))]
    Write {
        /// The segment's final path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A segment that is complete, with its last part, which has no file yet.
pub struct ClosedSegment {
    /// Its number.
    pub number: u64,
    /// The whole segment.
    pub bytes: Vec<u8>,
    /// The number and the bytes of its last part; `None` where that has its file already.
    pub last_part: Option<(u32, Vec<u8>)>,
    /// When its last frame ended, by the wall clock.
    pub ended_at: SystemTime,
}

impl ClosedSegment {
    /// Whether it has never been seen in parts: its last one is the first.
    pub(super) fn has_one_part(&self) -> bool {
        self.last_part.as_ref().is_some_and(|(index, _)| *index == 0)
    }
}

/// The files of one run.
pub struct SegmentFiles {
    directory: Arc<dyn Directory>,
    live: PathBuf,
    numbers: Numbers,
    guard: Option<Arc<Guard>>,
    /// The live directory that was written to.
    identity: Option<Identity>,
    meters: Arc<Meters>,
    /// Since when writing has failed, with the file and the error.
    failing: Option<(Instant, PathBuf, io::Error)>,
}

impl SegmentFiles {
    /// Files of this live directory.
    #[must_use]
    pub fn new(directory: Arc<dyn Directory>, live: &Path, numbers: &Numbers, meters: Arc<Meters>) -> Self {
        let numbers = numbers.of(live);
        Self { directory, live: live.to_owned(), numbers, guard: None, identity: None, meters, failing: None }
    }

    /// Writes a finished segment. If the directory refuses it, the segment is lost. Says whether the file is there.
    pub fn put(&mut self, number: u64, bytes: &[u8], ended_at: SystemTime) -> Result<bool, SegmentError> {
        if !self.can_write() {
            return Ok(false);
        }
        let name = segment_name(number);
        self.make_way(&name);
        self.numbers.give(number);
        self.put_file(&name, bytes, ended_at)
    }

    /// Puts a finished part of segment `number` in place.
    pub fn put_part(
        &mut self,
        number: u64,
        part: u32,
        bytes: &[u8],
        ended_at: SystemTime,
    ) -> Result<(), SegmentError> {
        if !self.can_write() {
            return Ok(());
        }
        let name = part_name(number, part);
        self.make_way(&name);
        self.numbers.give_part(number, part);
        self.put_file(&name, bytes, ended_at).map(|_| ())
    }

    /// Writes a finished segment, then its last part: a reader that sees the part can rely on the segment being complete.
    pub fn put_closed(&mut self, closed: &ClosedSegment) -> Result<(), SegmentError> {
        self.put(closed.number, &closed.bytes, closed.ended_at)?;
        let Some((part, bytes)) = &closed.last_part else { return Ok(()) };
        self.put_part(closed.number, *part, bytes, closed.ended_at)
    }

    /// The webroot is guarded: once another publisher owns it, nothing is written.
    #[must_use]
    pub fn guarded(mut self, guard: Arc<Guard>) -> Self {
        self.guard = Some(guard);
        self
    }

    /// Whether the live directory may be written to, also if it was replaced by another directory.
    fn can_write(&mut self) -> bool {
        let Some(guard) = &self.guard else { return true };
        let now = self.directory.identity(&self.live).ok();
        if now.is_none() || now != self.identity {
            self.identity = now;
            return guard.renew().is_ok();
        }
        !guard.is_lost()
    }

    /// Removes a file that already has the name that is to be given now: nobody may take it for one of ours.
    fn make_way(&self, name: &str) {
        let path = self.live.join(name);
        if self.directory.has(&path) {
            let error = self.directory.remove(&path).err().map(tracing::field::display);
            tracing::warn!(
                name,
                error,
                "a file of another program has the name of the next segment; it is replaced"
            );
        }
    }

    /// Says whether the file is in place.
    fn put_file(&mut self, name: &str, bytes: &[u8], ended_at: SystemTime) -> Result<bool, SegmentError> {
        let path = self.live.join(name);
        match write(&*self.directory, &self.live, name, bytes, ended_at) {
            Ok(()) => {
                if self.failing.take().is_some() {
                    tracing::warn!(name, "segments can be written again");
                }
                self.meters.bytes_written.add(bytes.len() as u64);
                Ok(true)
            }
            Err(source) => {
                let since = self.failing.as_ref().map_or_else(Instant::now, |(since, ..)| *since);
                tracing::warn!(name, error = %source, remedy = remedy(&source), "segment lost");
                self.failing = Some((since, path, source));
                if since.elapsed() >= PATIENCE {
                    self.failure()?;
                }
                Ok(false)
            }
        }
    }

    /// At the end: returns an error if the last segments of the run could not be written.
    pub fn finish(mut self) -> Result<(), SegmentError> {
        self.failure()
    }

    fn failure(&mut self) -> Result<(), SegmentError> {
        match self.failing.take() {
            Some((_, path, source)) => Err(SegmentError::Write { path, source }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use livedir_layout::directory::disk::Disk;

    fn disk() -> Arc<dyn Directory> {
        Arc::new(Disk::without_events())
    }

    #[test]
    fn a_finished_segment_has_its_time_and_can_be_read_by_others() {
        let directory = tempfile::tempdir().unwrap();
        let ended_at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_000_000_123);
        let mut files = SegmentFiles::new(disk(), directory.path(), &Numbers::any(), Arc::default());
        assert!(files.put(7, b"first", ended_at).unwrap());
        assert!(files.put(8, b"second", ended_at).unwrap());
        let mut names: Vec<_> =
            std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["seg-00000007.ts", "seg-00000008.ts"]);
        let metadata = std::fs::metadata(directory.path().join("seg-00000007.ts")).unwrap();
        assert_eq!(metadata.modified().unwrap(), ended_at);
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o444, 0o444);
    }

    #[test]
    fn a_lost_segment_is_told_and_so_is_a_bad_end() {
        let directory = tempfile::tempdir().unwrap();
        let blocked = directory.path().join("live");
        std::fs::write(&blocked, "a file where the directory should be").unwrap();
        let mut files = SegmentFiles::new(disk(), &blocked, &Numbers::any(), Arc::default());
        assert!(!files.put(1, b"lost", SystemTime::now()).unwrap());
        std::fs::remove_file(&blocked).unwrap();
        assert!(files.put(1, b"kept", SystemTime::now()).unwrap());
        assert_eq!(std::fs::read(blocked.join("seg-00000001.ts")).unwrap(), b"kept");
        std::fs::remove_dir_all(&blocked).unwrap();
        std::fs::write(&blocked, "again").unwrap();
        assert!(!files.put(2, b"lost", SystemTime::now()).unwrap());
        assert!(files.finish().is_err());
    }
}
