//! A webroot as a publisher leaves it, with everything in and around it that must not be served.

use std::fmt::Write;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// `webroot/` in a directory of its own, beside a file named `secret`.
pub struct Webroot(TempDir);

impl Webroot {
    pub fn new() -> Webroot {
        Webroot::fill(Webroot::outer_builder().tempdir().unwrap())
    }

    /// Where there is such a place: no disk that is busy with something else holds a change up.
    pub fn in_memory() -> Webroot {
        let builder = Webroot::outer_builder();
        Webroot::fill(builder.tempdir_in("/dev/shm").or_else(|_| builder.tempdir()).unwrap())
    }

    fn outer_builder() -> tempfile::Builder<'static, 'static> {
        let mut builder = tempfile::Builder::new();
        // 755: a server that gives up root must still get in.
        builder.permissions(Permissions::from_mode(0o755));
        builder
    }

    fn fill(outer: TempDir) -> Webroot {
        let webroot = Webroot(outer);
        fs::write(webroot.outer().join("secret"), "secret").unwrap();
        webroot.write("index.html", b"<!doctype html><title>livedir</title>");
        webroot.write("stream.m3u8", playlist().as_bytes());
        webroot.write("status.json", b"{\"on_air_s\":4}");
        webroot.write("live/seg-00000001.ts", &segment());
        webroot.write("live/empty.ts", b"");
        webroot.write("player/player.js", b"export {};");
        webroot.write("player/style.css", b"body {}");
        webroot.write("player/icon.svg", b"<svg/>");
        webroot.write("player/sub/index.html", b"sub");
        webroot.write("player/node_modules/hls.js/dist/hls.min.js", b"var Hls;");
        webroot.write("player/no-extension", b"?");
        webroot.write("caf\u{e9} 1.html", b"caf\xc3\xa9");
        webroot.write("live/.seg-00000002.ts.a1b2", b"secret: half a segment");
        webroot.write(".git/config", b"secret: a token");
        symlink("../secret", webroot.path().join("leaving")).unwrap();
        symlink(webroot.outer(), webroot.path().join("up")).unwrap();
        symlink("/dev/zero", webroot.path().join("zero")).unwrap();
        symlink("stream.m3u8", webroot.path().join("staying.m3u8")).unwrap();
        let fifo = webroot.path().join("live/fifo.ts");
        assert!(Command::new("mkfifo").arg(fifo).status().unwrap().success());
        webroot
    }

    pub fn outer(&self) -> &Path {
        self.0.path()
    }

    pub fn path(&self) -> PathBuf {
        self.outer().join("webroot")
    }

    pub fn write(&self, name: &str, content: &[u8]) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Puts `content` in the place of a file as a publisher does: whole, by rename.
    pub fn replace(&self, name: &str, content: &[u8]) {
        let temporary = self.path().join(format!(".{name}.new"));
        fs::write(&temporary, content).unwrap();
        fs::rename(temporary, self.path().join(name)).unwrap();
    }
}

fn playlist() -> String {
    let mut text = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1\n".to_owned();
    for number in 1..=10 {
        let _ = write!(text, "#EXTINF:2.000000,\nlive/seg-{number:08}.ts\n");
    }
    // What a publisher of somebody else may do.
    text.push_str("#EXTINF:0,\nlive/empty.ts\n#EXTINF:2,\nlive/fifo.ts\n#EXTINF:2,\n../secret\n");
    text
}

/// Bytes that no two ranges of have in common.
pub fn segment() -> Vec<u8> {
    (0..50_000_u32).flat_map(u32::to_be_bytes).collect()
}
