//! Error: why nothing can be shown. All of it is fatal.

use crate::read::subject::SubjectError;
use std::io;
use std::path::PathBuf;

/// Why nothing can be shown.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// What was named.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// The disk.
    #[error("cannot look at {}: {source}; make it readable for this user", path.display())]
    Read {
        /// What was named.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Standard output.
    #[error("cannot write to standard output: {0}")]
    Output(#[source] io::Error),
    /// Ctrl-C.
    #[error("cannot listen for Ctrl-C: {0}; leave --follow out")]
    Signal(#[source] ctrlc::Error),
}
