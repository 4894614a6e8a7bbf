//! Text: a playlist or a status as a whole.
//!
//! In: a path. Out: its text, and when it was written. On the caller's thread.

use crate::read::file_times::modified_at;
use jiff::Timestamp;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// A day of 1 s segments takes 10 MB.
const LONGEST_TEXT_BYTES: u64 = 64 << 20;

/// Reads it; `None` where it is not there.
pub(crate) fn read_text(path: &Path) -> io::Result<Option<(String, Option<Timestamp>)>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let written_at = modified_at(&file.metadata()?);
    let mut bytes = Vec::new();
    file.take(LONGEST_TEXT_BYTES).read_to_end(&mut bytes)?;
    Ok(Some((String::from_utf8_lossy(&bytes).into_owned(), written_at)))
}
