//! The files of webroot: a relative path in, an open regular file beneath webroot out, or "not found".
//!
//! Symlinks are followed while they stay beneath webroot. Directories, FIFOs, devices and sockets do not exist here.
//! webroot is opened anew for each file, so it may be deleted and recreated under a running server.

pub(crate) mod identity;
pub(crate) mod open_files;

use std::fs;
use std::io;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};

/// Waits for the disk: not for the threads of connections.
pub(crate) fn open_regular(directory: &Path, path: &Path) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    // Opening a FIFO must not wait for its writer, nor may a terminal become ours.
    options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = Dir::open_ambient_dir(directory, ambient_authority())
        .and_then(|webroot| webroot.open_with(path, &options))
        .map_err(not_found_unless_trouble)?
        .into_std();
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// Whatever is wrong with a name is the client's 404; a machine in trouble is the server's 500.
fn not_found_unless_trouble(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::EIO) => error,
        _ => io::ErrorKind::NotFound.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[track_caller]
    fn check(directory: &Path, path: &str, expected: Option<&str>) {
        let actual = open_regular(directory, Path::new(path)).map(|mut file| {
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            text
        });
        match expected {
            Some(expected) => assert_eq!(actual.unwrap(), expected, "{path}"),
            None => assert_eq!(actual.unwrap_err().kind(), io::ErrorKind::NotFound, "{path}"),
        }
    }

    #[test]
    fn only_regular_files_beneath_webroot_exist() {
        let outer = tempfile::tempdir().unwrap();
        let webroot = outer.path().join("webroot");
        fs::create_dir_all(webroot.join("live")).unwrap();
        fs::write(outer.path().join("secret"), "secret").unwrap();
        fs::write(webroot.join("page"), "page").unwrap();
        symlink("../page", webroot.join("live/inside")).unwrap();
        symlink("../../secret", webroot.join("live/outside")).unwrap();
        symlink(outer.path().join("secret"), webroot.join("absolute")).unwrap();
        symlink("..", webroot.join("up")).unwrap();
        symlink("loop", webroot.join("loop")).unwrap();
        symlink("/dev/zero", webroot.join("zero")).unwrap();
        let _socket = UnixListener::bind(webroot.join("socket")).unwrap();

        check(&webroot, "page", Some("page"));
        check(&webroot, "live/inside", Some("page"));
        for path in [
            "live",
            "nothing",
            "page/below",
            "live/outside",
            "absolute",
            "up/secret",
            "up/webroot/page",
            "loop",
            "zero",
            "socket",
            "../secret",
            "/etc/passwd",
            "a\0b",
        ] {
            check(&webroot, path, None);
        }
        check(&webroot, &"n".repeat(300), None);
        check(&outer.path().join("gone"), "page", None);
    }
}
