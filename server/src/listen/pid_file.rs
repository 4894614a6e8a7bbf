//! The pid file: says to scripts that the server listens, and whom to signal. Appears whole, and goes at the end.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process;

use tempfile::Builder;

/// A file with the process id and a newline, for as long as this value lives.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
}

/// The pid file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write pid file {}: {source}; name a writable place with --pid-file", path.display())]
pub struct PidFileError {
    path: PathBuf,
    source: io::Error,
}

impl PidFile {
    /// Puts this process's id at `path`, replacing what a crash may have left there.
    pub fn create(path: PathBuf) -> Result<PidFile, PidFileError> {
        match write(&path) {
            Ok(()) => Ok(PidFile { path }),
            Err(source) => Err(PidFileError { path, source }),
        }
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // A server that took over the path owns the file now.
        if fs::read_to_string(&self.path).is_ok_and(|content| content == content_of(process::id())) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn write(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    // 644: whoever waits for the server may be another user.
    let mut file =
        Builder::new().prefix(".pid-").permissions(Permissions::from_mode(0o644)).tempfile_in(directory)?;
    file.write_all(content_of(process::id()).as_bytes())?;
    file.persist(path)?;
    Ok(())
}

fn content_of(pid: u32) -> String {
    format!("{pid}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pid_file_lives_as_long_as_its_value() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("server.pid");
        fs::write(&path, "left by a crash").unwrap();
        let pid_file = PidFile::create(path.clone()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", process::id()));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else is left beside it");
        drop(pid_file);
        assert!(!path.exists());
    }

    #[test]
    fn a_pid_file_of_a_successor_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("server.pid");
        let pid_file = PidFile::create(path.clone()).unwrap();
        fs::write(&path, "1\n").unwrap();
        drop(pid_file);
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
    }

    #[test]
    fn an_unwritable_place_is_named_with_the_remedy() {
        let error = PidFile::create("/no-such-directory/server.pid".into()).unwrap_err().to_string();
        assert!(error.contains("/no-such-directory/server.pid") && error.contains("--pid-file"), "{error}");
    }
}
