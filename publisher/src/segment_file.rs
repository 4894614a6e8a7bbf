//! Segment files: packets become finished `.ts` files in the live directory.
//!
//! In: [`Encoded`] messages. Out: files with their final name. The segment thread owns interleaver, segmenter and muxer.
//! A segment being written is bytes in memory; it gets a file when it is complete, under a dot name, and its final name
//! by rename. Its modification time is the wall-clock time of its end. At the end of the packets the last segment is
//! closed properly.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant, SystemTime};

use ffmpeg_next as ffmpeg;

use crate::encoder::{Encoded, EncodedPacket, Medium};
use crate::interleaver::Interleaver;
use crate::meters::Meters;
use crate::muxer::Muxer;
use crate::segment_name::segment_name;
use crate::segmenter::{Cut, Segmenter};

/// A directory that takes no segment for this long ends the run: a supervisor or a person has to look at it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why segments can no longer be written.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// The muxer failed.
    #[error("packing the stream into MPEG-TS failed: {0}")]
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

/// What helps against a failed write.
pub(crate) fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space there, or lower --window or --bitrate"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "choose another --webroot, or make this one writable for this user"
        }
        _ => "look at the directory, or choose another --webroot",
    }
}

/// The segment thread: from the first packet to the last.
pub fn run(
    encoded: &Receiver<Encoded>,
    live_directory: &Path,
    first_number: u64,
    segment_duration_90k: i64,
    meters: &Arc<Meters>,
) -> Result<(), SegmentError> {
    let Ok(Encoded::Start { video, audio }) = encoded.recv() else { return Ok(()) };
    let mut interleaver = Interleaver::new(audio.is_some());
    let mut line = Line {
        muxer: Muxer::open(video, audio)?,
        segmenter: Segmenter::new(segment_duration_90k),
        filmed_at: SystemTime::UNIX_EPOCH,
        files: SegmentFiles::new(live_directory, first_number, meters.clone()),
    };
    for message in encoded {
        let Encoded::Packet(packet) = message else { continue };
        interleaver.push(packet.medium, packet.dts_90k, packet);
        while let Some(packet) = interleaver.pop() {
            line.write(packet)?;
        }
    }
    while let Some(packet) = interleaver.pop_rest() {
        line.write(packet)?;
    }
    line.finish()
}

struct Line {
    muxer: Muxer,
    segmenter: Segmenter,
    /// When the first picture of the segment being written was taken.
    filmed_at: SystemTime,
    files: SegmentFiles,
}

impl Line {
    fn write(&mut self, packet: EncodedPacket) -> Result<(), SegmentError> {
        let cut = match packet.medium {
            Medium::Video => {
                let is_keyframe = packet.keyframe_filmed_at.is_some();
                self.segmenter.push_video(packet.dts_90k, packet.duration_90k, is_keyframe)
            }
            Medium::Audio => self.segmenter.push_audio(),
        };
        match cut {
            Cut::Unusable => return Ok(()),
            Cut::Within => {}
            Cut::Before(ended) => {
                // Also before the first segment: what the muxer wrote with its header is not part of one.
                let bytes = self.muxer.cut()?;
                if let Some(duration_90k) = ended {
                    self.files.put(&bytes, self.filmed_at + ticks(duration_90k))?;
                }
                self.filmed_at = packet.keyframe_filmed_at.unwrap_or(self.filmed_at);
            }
        }
        Ok(self.muxer.write(packet.medium, packet.packet)?)
    }

    fn finish(mut self) -> Result<(), SegmentError> {
        let bytes = self.muxer.cut()?;
        match self.segmenter.finish() {
            Some(duration_90k) => {
                self.files.put(&bytes, self.filmed_at + ticks(duration_90k))?;
                self.files.finish()
            }
            None => Ok(()),
        }
    }
}

fn ticks(duration_90k: i64) -> Duration {
    Duration::from_nanos(duration_90k.max(0) as u64 * 100_000 / 9)
}

/// The files of one run, numbered on from the first.
struct SegmentFiles {
    directory: PathBuf,
    next_number: u64,
    meters: Arc<Meters>,
    /// Since when, and at which file with which error, writing has failed.
    failing: Option<(Instant, PathBuf, io::Error)>,
}

impl SegmentFiles {
    fn new(directory: &Path, next_number: u64, meters: Arc<Meters>) -> Self {
        Self { directory: directory.to_owned(), next_number, meters, failing: None }
    }

    /// Puts a finished segment in place. A directory that refuses it loses this segment; its number goes to the next.
    fn put(&mut self, bytes: &[u8], ended_at: SystemTime) -> Result<(), SegmentError> {
        let name = segment_name(self.next_number);
        let path = self.directory.join(&name);
        match self.write(&name, &path, bytes, ended_at) {
            Ok(()) => {
                if self.failing.take().is_some() {
                    tracing::warn!(name, "segments can be written again");
                }
                self.next_number += 1;
                self.meters.bytes_written.add(bytes.len() as u64);
                Ok(())
            }
            Err(source) => {
                let since = self.failing.as_ref().map_or_else(Instant::now, |(since, ..)| *since);
                tracing::warn!(name, error = %source, remedy = remedy(&source), "segment lost");
                self.failing = Some((since, path, source));
                if since.elapsed() < PATIENCE { Ok(()) } else { self.failure() }
            }
        }
    }

    /// At the end: a run whose last segments were lost did not go well.
    fn finish(mut self) -> Result<(), SegmentError> {
        self.failure()
    }

    fn failure(&mut self) -> Result<(), SegmentError> {
        match self.failing.take() {
            Some((_, path, source)) => Err(SegmentError::Write { path, source }),
            None => Ok(()),
        }
    }

    fn write(&self, name: &str, path: &Path, bytes: &[u8], ended_at: SystemTime) -> io::Result<()> {
        let mut builder = tempfile::Builder::new();
        let prefix = format!(".{name}.");
        builder.prefix(&prefix).suffix("");
        // A temporary file is for its owner alone by default; this one becomes a web server's to read.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = match builder.tempfile_in(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Somebody removed the live directory under us.
                std::fs::create_dir_all(&self.directory)?;
                builder.tempfile_in(&self.directory)?
            }
            other => other?,
        };
        file.write_all(bytes)?;
        file.as_file().set_modified(ended_at)?;
        // No fsync: a killed process loses nothing by it, and waiting for the disk would hold up the stream. A file
        // cut short by a power failure is refused by the probe at the next start.
        file.persist(path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finished_segment_has_its_time_and_can_be_read_by_others() {
        let directory = tempfile::tempdir().unwrap();
        let ended_at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_000_000_123);
        let mut files = SegmentFiles::new(directory.path(), 7, Arc::default());
        files.put(b"first", ended_at).unwrap();
        files.put(b"second", ended_at).unwrap();
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
    fn a_lost_segment_leaves_no_hole_in_the_numbers_and_a_bad_end_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let blocked = directory.path().join("live");
        std::fs::write(&blocked, "a file where the directory should be").unwrap();
        let mut files = SegmentFiles::new(&blocked, 1, Arc::default());
        files.put(b"lost", SystemTime::now()).unwrap();
        std::fs::remove_file(&blocked).unwrap();
        files.put(b"kept", SystemTime::now()).unwrap();
        assert_eq!(std::fs::read(blocked.join("seg-00000001.ts")).unwrap(), b"kept");
        std::fs::remove_dir_all(&blocked).unwrap();
        std::fs::write(&blocked, "again").unwrap();
        files.put(b"lost", SystemTime::now()).unwrap();
        assert!(files.finish().is_err());
    }
}
