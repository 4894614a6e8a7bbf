//! One finished file: read once, and judged from its bytes.
//!
//! In: a number. Out: a [`Finished`] segment, or a [`Refusal`] that says why the file cannot be listed and what to do about it.

use crate::{
    probe::{Facts, ProbeError, probe},
    segment_name::segment_path,
};
use jiff::{SignedDuration, Timestamp, Unit};
use livedir_playlist::PushError;
use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
    time::SystemTime,
};

/// A segment that can be listed.
pub(super) struct Finished {
    pub(super) facts: Facts,
    pub(super) bytes: u64,
    /// Set by the segmenter: the capture time of its end.
    pub(super) modified_at: Option<SystemTime>,
    /// When it got its name, to the tick of the kernel's clock.
    pub(super) renamed_at: Option<SystemTime>,
}

/// Why a file cannot be listed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("it vanished before it could be listed; leave files in live/ to livedir")]
    Vanished,
    #[error("it cannot be read: {0}; let the publisher's user read it")]
    Unreadable(io::Error),
    #[error(
        "it has {bytes} bytes, over the {LARGEST_SEGMENT_BYTES} that are read into memory; cut shorter segments"
    )]
    TooLarge { bytes: u64 },
    #[error("{0}")]
    NoSegment(#[from] ProbeError),
    #[error(
        "it was cut: {trailing_bytes} bytes follow the last whole packet; write it under a dot name and rename it when it is complete"
    )]
    Cut { trailing_bytes: usize },
    #[error("it does not begin with a keyframe and its parameter sets; let the encoder cut at IDR pictures")]
    NoKeyframe,
    #[error("{0}")]
    NotListed(#[from] PushError),
}

/// A minute at 35 Mbit/s.
const LARGEST_SEGMENT_BYTES: u64 = 256 << 20;

/// Reads and judges a file. `buffer` is used again for every segment.
pub(super) fn read(webroot: &Path, number: u64, buffer: &mut Vec<u8>) -> Result<Finished, Refusal> {
    let of_io = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Refusal::Vanished,
        _ => Refusal::Unreadable(error),
    };
    let file = File::open(segment_path(webroot, number)).map_err(of_io)?;
    let metadata = file.metadata().map_err(of_io)?;
    let bytes = metadata.len();
    if bytes > LARGEST_SEGMENT_BYTES {
        return Err(Refusal::TooLarge { bytes });
    }
    buffer.clear();
    buffer.reserve(bytes as usize);
    file.take(LARGEST_SEGMENT_BYTES).read_to_end(buffer).map_err(of_io)?;
    let facts = probe(buffer)?;
    judge(&facts)?;
    Ok(Finished { facts, bytes, modified_at: metadata.modified().ok(), renamed_at: changed_at(&metadata) })
}

/// What the playlist promises of every segment, beside its length.
fn judge(facts: &Facts) -> Result<(), Refusal> {
    if facts.trailing_bytes > 0 {
        return Err(Refusal::Cut { trailing_bytes: facts.trailing_bytes });
    }
    // EXT-X-INDEPENDENT-SEGMENTS, RFC 8216 4.3.5.1: decoded without information from other segments.
    if facts.video.as_ref().is_some_and(|video| !video.starts_with_keyframe) {
        return Err(Refusal::NoKeyframe);
    }
    Ok(())
}

/// A rename changes the inode, and with it this time.
#[cfg(unix)]
fn changed_at(metadata: &std::fs::Metadata) -> Option<SystemTime> {
    use std::{os::unix::fs::MetadataExt as _, time::Duration};
    let since_epoch =
        Duration::new(metadata.ctime().try_into().ok()?, metadata.ctime_nsec().try_into().ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since_epoch)
}

#[cfg(not(unix))]
fn changed_at(_: &std::fs::Metadata) -> Option<SystemTime> {
    None
}

impl Finished {
    /// When its first picture was captured, to the millisecond: the playlist tells no more.
    pub(super) fn filmed_at(&self) -> Option<Timestamp> {
        let end = Timestamp::try_from(self.modified_at?).ok()?;
        let duration = SignedDuration::from_nanos((i128::from(self.facts.duration_90k) * 100_000 / 9) as i64);
        end.checked_sub(duration).ok()?.round(Unit::Millisecond).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{probe::ElementaryStream, segment_name::LIVE};
    use std::time::Duration;

    fn facts(duration_90k: u64) -> Facts {
        Facts {
            start_90k: 0,
            duration_90k,
            frame_interval_90k: 0,
            video: None,
            audio: None,
            streams: vec![ElementaryStream { pid: 256, stream_type: 0x0f }],
            counters: Vec::new(),
            tables_first: true,
            trailing_bytes: 0,
        }
    }

    #[test]
    fn a_segment_was_filmed_its_duration_before_its_mtime() {
        let modified_at = Some(SystemTime::UNIX_EPOCH + Duration::from_millis(12_345));
        let finished = Finished { facts: facts(180_045), bytes: 1, modified_at, renamed_at: None };
        // 2.0005 s before: halves round away from zero.
        assert_eq!(finished.filmed_at(), Timestamp::from_millisecond(10_345).ok());
    }

    #[test]
    fn an_mtime_before_all_calendars_gives_no_date() {
        let modified_at = SystemTime::UNIX_EPOCH.checked_sub(Duration::from_secs(1 << 40));
        let finished = Finished { facts: facts(180_000), bytes: 1, modified_at, renamed_at: None };
        assert_eq!(finished.filmed_at(), None);
    }

    #[track_caller]
    fn check_refused(contents: Option<&[u8]>, expected: &str) {
        let webroot = tempfile::tempdir().expect("temp dir");
        std::fs::create_dir(webroot.path().join(LIVE)).expect("live");
        if let Some(contents) = contents {
            std::fs::write(segment_path(webroot.path(), 1), contents).expect("written");
        }
        let refusal = read(webroot.path(), 1, &mut Vec::new()).err().expect("refused").to_string();
        assert!(refusal.starts_with(expected), "{refusal}");
    }

    #[test]
    fn files_that_cannot_be_listed_are_refused_with_the_remedy() {
        check_refused(None, "it vanished");
        check_refused(Some(b""), "it is empty");
        check_refused(Some(b"<html>"), "it is no MPEG-TS");
    }

    #[test]
    fn cut_files_are_refused() {
        let cut = Facts { trailing_bytes: 5, ..facts(1) };
        assert!(matches!(judge(&cut), Err(Refusal::Cut { trailing_bytes: 5 })));
        assert!(judge(&facts(1)).is_ok());
    }
}
