//! One program's turn with one source.

use crate::film::SECONDS;
use crate::kinds::{Kind, Way};
use crate::listed::Listed;
use crate::programs::{self, end, wait};
use crate::send::{self, Camera, Sent};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is under way when the source ends has so long to be taken.
const UNDER_WAY: Duration = Duration::from_millis(500);

pub struct Turn {
    pub webroot: PathBuf,
    pub listed: Listed,
    /// Nothing of films that the program reads by itself.
    pub sent: Option<Sent>,
}

/// Runs the program until the source has ended.
pub fn take(kind: &Kind, film: &Path, webroot: &Path, is_ours: bool) -> Turn {
    std::fs::create_dir_all(webroot).expect("a webroot");
    let listed = Listed::watch(webroot);
    let start = |place: &str| {
        if is_ours { programs::livedir(kind, place, webroot) } else { programs::ffmpeg(kind, place, webroot) }
    };
    let fps = kind.pictures.as_ref().map_or(0.0, super::kinds::Pictures::fps);
    let listener = || TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
    let (mut program, sent) = match kind.way {
        Way::File => {
            let mut program = start(&film.to_string_lossy());
            wait(&mut program, Duration::from_secs(u64::from(SECONDS) * 2));
            (program, None)
        }
        Way::Pipe => {
            let mut program = start("-");
            let sent = send::pipe(film, fps, program.stdin.take().expect("a pipe"));
            (program, Some(sent))
        }
        Way::Push => {
            // Nobody else takes it in the meantime: ports are given out in turn.
            let place = format!("rtmp://127.0.0.1:{}/live/KEY", port(&listener()));
            let program = start(&place);
            (program, Some(send::push(film, fps, &place)))
        }
        Way::HttpPictures | Way::HttpSound => {
            let listener = listener();
            let program = start(&format!("http://127.0.0.1:{}/", port(&listener)));
            (program, Some(send::answer(film, fps, listener, kind.way)))
        }
        Way::Camera => {
            let camera = Camera::start(film);
            let program = start(&camera.address());
            (program, Some(camera.film(fps)))
        }
    };
    wait(&mut program, UNDER_WAY);
    end(&mut program);
    Turn { webroot: webroot.to_owned(), listed, sent }
}
