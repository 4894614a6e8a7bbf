//! Writing: a file of the live directory appears under its name at once, whole.
//!
//! In: a name and bytes. Out: the file.

use crate::directory::{Contents, Directory};
use std::{io, path::Path, time::SystemTime};

/// Writes a file of the live directory, which appears under its name at once, with the time of its end.
pub fn write(
    directory: &dyn Directory,
    live: &Path,
    name: &str,
    bytes: &[u8],
    ended_at: SystemTime,
) -> io::Result<()> {
    // Temporary files are for their owner alone by default; this one becomes a web server's to read.
    let contents = Contents { bytes, modified_at: Some(ended_at), mode: 0o666 };
    match directory.put(live, name, &contents) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // Somebody removed the live directory under us.
            directory.make(live)?;
            directory.put(live, name, &contents)
        }
        other => other,
    }
    // No fsync: a killed process loses nothing by it, and waiting for the disk would hold up the stream. A file
    // cut short by a power failure is refused by the probe at the next start.
}
