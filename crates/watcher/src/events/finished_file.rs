//! One finished file: read once, and judged from its bytes.
//!
//! In: a path. Out: a [`Finished`] segment, or a [`Refusal`] that says why the file cannot be listed and what to do about it.

use crate::events::refusal::{LARGEST_SEGMENT_BYTES, Refusal};
use livedir_layout::directory::Directory;
use livedir_layout::directory::stamp::Stamp;
use livedir_media::{Facts, Probing, Unfit, unfit};
use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{self, Read as _},
    path::Path,
};

/// A segment that can be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finished {
    pub(crate) facts: Facts,
    pub(crate) stamp: Stamp,
    /// A number of bytes from all over the file.
    pub(crate) sample: u64,
}

impl Finished {
    /// A number that two files share which hold the same segment.
    pub(crate) fn contents(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.stamp.bytes, self.sample, self.facts.start_90k, self.facts.duration_90k).hash(&mut hasher);
        for counter in &self.facts.counters {
            (counter.pid, counter.first, counter.last).hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// A piece of the file that is being read. All channels share one.
#[derive(Debug, Default)]
pub(crate) struct ReadBuffer(Vec<u8>);

/// A file is read in such pieces: small enough to stay in the inner caches of the processor until they are judged.
const PIECE_BYTES: usize = 48 * 1024;

/// So much of each piece tells one segment from another: no two pictures are encoded to the same bytes.
const SAMPLE_BYTES: usize = 4 * 1024;

/// Reads and judges a file. `buffer` is used again for every segment.
pub(crate) fn read(
    directory: &dyn Directory,
    path: &Path,
    buffer: &mut ReadBuffer,
) -> Result<Finished, Refusal> {
    let finished = read_part(directory, path, buffer)?;
    match unfit(&finished.facts, None) {
        Some(reason) => Err(reason.into()),
        None => Ok(finished),
    }
}

/// The same for a part of a segment, which may begin with any frame.
pub(crate) fn read_part(
    directory: &dyn Directory,
    path: &Path,
    buffer: &mut ReadBuffer,
) -> Result<Finished, Refusal> {
    let of_io = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Refusal::Vanished,
        io::ErrorKind::InvalidInput => Refusal::NoFile,
        _ => Refusal::Unreadable(error),
    };
    let file = directory.open(path).map_err(of_io)?;
    let stamp = file.stamp;
    let bytes = stamp.bytes;
    if bytes > LARGEST_SEGMENT_BYTES {
        return Err(Refusal::TooLarge { bytes });
    }
    let buffer = &mut buffer.0;
    buffer.resize(PIECE_BYTES, 0);
    let mut file = file.bytes.take(LARGEST_SEGMENT_BYTES);
    let (mut probing, mut sample) = (Probing::new(), DefaultHasher::new());
    loop {
        match file.read(buffer) {
            Ok(0) => break,
            Ok(read) => {
                sample.write(&buffer[..read.min(SAMPLE_BYTES)]);
                probing.push(&buffer[..read])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(of_io(error)),
        }
    }
    let facts = probing.finish()?;
    if facts.trailing_bytes > 0 {
        return Err(Unfit::Cut { trailing_bytes: facts.trailing_bytes }.into());
    }
    Ok(Finished { facts, stamp, sample: sample.finish() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use livedir_layout::directory::disk::Disk;

    #[track_caller]
    fn check_refused(contents: Option<&[u8]>, expected: &str) {
        let directory = tempfile::tempdir().expect("temp dir");
        let path = directory.path().join("a.ts");
        if let Some(contents) = contents {
            std::fs::write(&path, contents).expect("written");
        }
        let refusal = read(&Disk::without_events(), &path, &mut ReadBuffer::default())
            .expect_err("refused")
            .to_string();
        assert!(refusal.starts_with(expected), "{refusal}");
    }

    #[test]
    fn files_that_cannot_be_listed_are_refused_with_the_remedy() {
        check_refused(None, "it was deleted");
        check_refused(Some(b""), "it is empty");
        check_refused(Some(b"<html>"), "it is not MPEG-TS");
    }

    #[test]
    fn a_directory_is_refused() {
        let directory = tempfile::tempdir().expect("temp dir");
        assert!(matches!(
            read(&Disk::without_events(), directory.path(), &mut ReadBuffer::default()),
            Err(Refusal::NoFile)
        ));
    }
}
