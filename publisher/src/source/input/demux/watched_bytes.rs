//! Watched bytes: a Transport Stream on its way into libav, which does not tell what it passes over in silence.
//!
//! In: a file or a pipe. Out: the same bytes, and what their packets say of themselves: scrambled, or behind a loss. Each byte is looked
//! at once, in its order: what libav reads ahead at the end of a file, to learn how long it is, does not count until it gets there.

use livedir_media::{PacketStates, PidState};
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// ISO 13818-1 2.4.3.2.
const PACKET_BYTES: usize = 188;
const SYNC_BYTE: u8 = 0x47;
/// Before a pipe that has nothing at the moment is asked again.
const PAUSE: Duration = Duration::from_millis(5);

/// What was seen so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct PacketWatch(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    states: PacketStates,
    /// From the start to here.
    bytes: u64,
}

impl PacketWatch {
    /// What the packets of this PID have said so far.
    pub(crate) fn of(&self, pid: u16) -> PidState {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).states.of(pid)
    }

    /// How many places there are before this byte where something of this PID is lost; each is given once.
    pub(crate) fn take_losses(&self, pid: u16, before: u64) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).states.take_losses(pid, before)
    }

    fn see(&self, at: u64, bytes: &[u8]) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = seen.bytes.checked_sub(at).and_then(|known| usize::try_from(known).ok());
        if let Some(news) = known.and_then(|known| bytes.get(known..)).filter(|news| !news.is_empty()) {
            seen.states.push(news);
            seen.bytes += news.len() as u64;
        }
    }
}

/// What libav reads from.
pub(crate) struct WatchedBytes<R> {
    from: R,
    at: u64,
    watch: PacketWatch,
}

impl<R> WatchedBytes<R> {
    /// From its start.
    pub(crate) fn new(from: R) -> (Self, PacketWatch) {
        let watch = PacketWatch::default();
        (Self { from, at: 0, watch: watch.clone() }, watch)
    }
}

impl<R: Read> Read for WatchedBytes<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match self.from.read(into) {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::park_timeout(PAUSE); // a pipe that does not block has no news for us
                return Err(ErrorKind::Interrupted.into());
            }
            Err(error) => return Err(error),
        };
        self.watch.see(self.at, &into[..read]);
        self.at += read as u64;
        Ok(read)
    }
}

impl<R: Seek> Seek for WatchedBytes<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.from.seek(to)?;
        Ok(self.at)
    }
}

/// The file, if it is a Transport Stream.
pub(crate) fn transport_stream(path: &Path) -> Option<File> {
    let mut file = File::open(path).ok().filter(|file| file.metadata().is_ok_and(|it| it.is_file()))?;
    let mut head = [0; 2 * PACKET_BYTES + 1];
    file.read_exact(&mut head).ok()?;
    file.rewind().ok()?;
    let is_packets = head.iter().step_by(PACKET_BYTES).all(|&byte| byte == SYNC_BYTE);
    is_packets.then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn each_packet_is_counted_once_and_in_its_order() {
        let packet = |control: u8| {
            let mut packet = [0; PACKET_BYTES];
            packet[..4].copy_from_slice(&[SYNC_BYTE, 1, 0, control]);
            packet
        };
        let file = [0x10, 0x11, 0x92, 0x93].map(packet).concat();
        let (mut bytes, watch) = WatchedBytes::new(Cursor::new(file));
        let mut into = [0; PACKET_BYTES];
        let states = |watch: &PacketWatch| (watch.of(256).clear, watch.of(256).scrambled_since_clear);
        bytes.read_exact(&mut into).expect("a packet");
        // The end is looked at first.
        bytes.seek(SeekFrom::End(-188)).expect("a place");
        bytes.read_exact(&mut into).expect("a packet");
        assert_eq!(states(&watch), (1, 0));
        bytes.seek(SeekFrom::Start(0)).expect("a place");
        io::copy(&mut bytes, &mut io::sink()).expect("the rest");
        assert_eq!(states(&watch), (2, 2));
    }

    #[test]
    fn what_is_no_transport_stream_is_left_to_libav() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("film");
        for (bytes, expected) in [(&b"no film"[..], false), (&[0x47; 376], false), (&[0x47; 377], true)] {
            std::fs::write(&path, bytes).expect("room");
            assert_eq!(transport_stream(&path).is_some(), expected);
        }
        assert!(transport_stream(directory.path()).is_none());
    }
}
