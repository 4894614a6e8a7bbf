//! Remedy: what helps against a directory that cannot be written to.

use std::io;

/// What helps against a failed write.
#[must_use]
pub fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space there, or lower --window"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "name another directory, or make this one writable for this user"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "there is a file in its place; name a directory, like webroot"
        }
        io::ErrorKind::NotFound => "no directory can be made there; name another directory",
        _ => "name another directory",
    }
}
