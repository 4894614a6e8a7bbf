//! The files of webroot: a relative path in, an open regular file beneath webroot out, or "not found".
//!
//! Symlinks are followed while they stay beneath webroot. Directories, FIFOs, devices and sockets do not exist here.
//! webroot is opened anew for each file, so it may be deleted and recreated under a running server.

use std::fs::{self, Metadata};
use std::future::Future;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tokio::task;
use tower_http::services::fs::{Backend, File};

/// What `ServeDir` opens files through.
#[derive(Debug, Clone)]
pub(crate) struct Webroot {
    directory: Arc<Path>,
}

impl Webroot {
    pub(crate) fn new(directory: &Path) -> Webroot {
        Webroot { directory: directory.into() }
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>;

impl Backend for Webroot {
    type File = OpenFile;
    type Metadata = Metadata;
    type OpenFuture = Boxed<'static, OpenFile>;
    type MetadataFuture = Boxed<'static, Metadata>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        let directory = self.directory.clone();
        Box::pin(async move {
            let file = task::spawn_blocking(move || open_regular(&directory, &path)).await??;
            Ok(OpenFile(tokio::fs::File::from_std(file)))
        })
    }

    // By way of open, so that HEAD and GET agree on a file that must not be read.
    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        let directory = self.directory.clone();
        Box::pin(
            async move { task::spawn_blocking(move || open_regular(&directory, &path)?.metadata()).await? },
        )
    }
}

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

/// A regular file, read off the async threads.
#[derive(Debug)]
pub(crate) struct OpenFile(tokio::fs::File);

impl File for OpenFile {
    type Metadata = Metadata;
    type MetadataFuture<'a> = Boxed<'a, Metadata>;

    fn metadata(&self) -> Self::MetadataFuture<'_> {
        Box::pin(self.0.metadata())
    }
}

impl AsyncRead for OpenFile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncSeek for OpenFile {
    fn start_seek(mut self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        Pin::new(&mut self.0).start_seek(position)
    }

    fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.0).poll_complete(cx)
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
