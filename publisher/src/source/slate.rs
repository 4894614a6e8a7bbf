//! Slate: the picture or film that a user gives for the time in which the source is away.
//!
//! In: the path of an image or a film. Out: its first picture; and of a film, as long as the slate is shown, pictures and sound in real
//! time, again and again. The film is decoded anew each time: it takes no memory while the source is there.

use super::input::tracks::{Told, TrackSettings, WantedSound};
use super::input::{self, Doors, InputAddress, InputError, InputSettings};
use super::still::first_picture;
use super::{Read, Source, SourceError};
use crate::captured::Captured;
use crate::picture::deinterlacer::Deinterlace;
use crate::picture::shared::SharedPicture;
use crate::queue::slate::SlateSender;
use livedir_time::stop::Stop;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// So late is it noticed at the latest that the source is back.
const READ_TIMEOUT: Duration = Duration::from_millis(100);
/// Before a film that cannot be played any more is tried again.
const PAUSE: Duration = Duration::from_secs(5);

/// What the user gave.
pub(crate) struct SlateFile {
    /// Its first picture.
    pub(crate) picture: SharedPicture,
    /// It moves.
    pub(crate) film: Option<SlateFilm>,
}

/// A film that can be played.
pub(crate) struct SlateFilm {
    input: InputSettings,
    /// Whether its sound is heard.
    pub(crate) is_heard: bool,
}

impl SlateFile {
    /// Looks at the file. An error is one line, and names the flag.
    pub(crate) fn read(path: &Path, stop: &Stop) -> Result<Self, SourceError> {
        let shown = path.display();
        if path.metadata().is_ok_and(|it| !it.is_file() && !it.is_dir()) {
            return Err(SourceError::Open(format!("--slate takes a file, and {shown} is none; name a file")));
        }
        let input = InputSettings {
            address: InputAddress::File(path.to_owned()),
            first_film: 0,
            loop_forever: false,
            untimed_fps: None,
            sound_alone: false,
            deinterlace: Deinterlace::Auto,
            tracks: TrackSettings { sound: WantedSound::Unheard, told: Told::default() },
            doors: Doors::default(),
            stop: stop.flag(),
        };
        let looped = InputSettings { loop_forever: true, ..input.clone() };
        let is_still = match input::open(&input) {
            Ok(_) => false,
            Err(InputError::StillPicture(_)) => true,
            Err(error) => return Err(refusal(error)),
        };
        let mut opened = input::open(&looped).map_err(refusal)?;
        let first = first_picture(&mut opened, stop)?;
        let (picture, _) = first.ok_or_else(|| refusal(InputError::NoStill(shown.to_string())))?;
        let film = (!is_still).then_some(SlateFilm { input: looped, is_heard: true });
        Ok(Self { picture, film })
    }
}

/// The errors of sources name sources in their remedies.
fn refusal(error: InputError) -> SourceError {
    let remedy = "give --slate a picture, such as a .png or .jpg file, or a short film";
    SourceError::Open(match error {
        InputError::NoSuchFile(name) => format!("no such file: {name}; check the name behind --slate"),
        InputError::NotMedia { name, reason } => {
            format!("{name} is neither a picture nor a film that FFmpeg can read ({reason}); {remedy}")
        }
        InputError::NoStill(name) | InputError::NothingToPlay { name, .. } => {
            format!("{name} has no picture; {remedy}")
        }
        InputError::Undecodable(name) => format!("no picture of {name} could be decoded; {remedy}"),
        InputError::NoDecoder { name, codec } => {
            format!("{name} holds {codec}, which this FFmpeg cannot decode; {remedy}")
        }
        other => format!("--slate: {other}"),
    })
}

impl SlateFilm {
    /// The player's thread: plays while the slate is shown, and ends when the grid does.
    pub(crate) fn run(&self, sender: &SlateSender) {
        let mut is_told = false;
        while let Some(showing) = sender.wait_for_showing() {
            let Err(error) = self.play(sender, showing) else { continue };
            if !std::mem::replace(&mut is_told, true) {
                tracing::warn!(%error, "the film of the slate cannot be played; its first picture stands");
            }
            sender.wait_during(showing, PAUSE);
        }
    }

    /// Hands on its pictures and sound once, each with its time since the first, as fast as they can be decoded; stops when it is told
    /// so.
    pub(crate) fn read(
        &self,
        mut take: impl FnMut(Captured, Duration) -> ControlFlow<()>,
    ) -> Result<(), SourceError> {
        let mut film = input::open(&InputSettings { loop_forever: false, ..self.input.clone() })?;
        let mut first = None;
        while !self.input.stop.load(Ordering::Relaxed) {
            match film.read_ahead_of_time(READ_TIMEOUT)? {
                Read::Captured(captured) => {
                    let at = match &captured {
                        Captured::Picture(picture) => picture.captured_at,
                        Captured::Sound(sound) => sound.captured_at,
                    };
                    let since = at.saturating_duration_since(*first.get_or_insert(at));
                    if take(captured, since).is_break() {
                        break;
                    }
                }
                Read::End => break,
                _ => {}
            }
        }
        Ok(())
    }

    /// As long as the showing lasts.
    fn play(&self, sender: &SlateSender, showing: u64) -> Result<(), SourceError> {
        let mut film = input::open(&self.input)?;
        loop {
            let captured = match film.read(READ_TIMEOUT)? {
                Read::Captured(Captured::Sound(_)) if !self.is_heard => None,
                Read::Captured(captured) => Some(captured),
                Read::End => return Ok(()),
                Read::Nothing | Read::Alive | Read::Here(_) | Read::Away { .. } => None,
            };
            if !sender.send(showing, captured) {
                return Ok(());
            }
            if self.input.stop.load(Ordering::Relaxed) {
                // The grid ends soon.
                sender.wait_during(showing, PAUSE);
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_taken_and_what_is_none_is_refused_in_one_line() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str, bytes: &[u8]| {
            let path = directory.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let slate = at("slate.ppm", &[b"P6 4 2 255\n".as_slice(), &[200; 24]].concat());
        let slate = SlateFile::read(&slate, &Stop::default()).unwrap();
        assert_eq!((slate.picture.width(), slate.picture.height(), slate.film.is_none()), (4, 2, true));
        let image = [b"P6 4 2 255\n".as_slice(), &[200; 24]].concat();
        for name in ["50%.ppm", "%d.ppm", "%03d%%.ppm", "*?[a].ppm"] {
            let read = SlateFile::read(&at(name, &image), &Stop::default());
            assert!(read.is_ok_and(|slate| slate.film.is_none()), "{name}");
        }
        for (path, expected) in [
            (directory.path().join("none.png"), "check the name behind --slate"),
            (directory.path().to_owned(), "is a directory; name a file in it"),
            (at("empty.png", b""), "give --slate a picture"),
            (at("text.png", b"no picture at all, but some text"), "give --slate a picture"),
            (at("cut.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "give --slate a picture"),
        ] {
            let error = SlateFile::read(&path, &Stop::default()).err().expect("an error").to_string();
            assert!(error.contains(expected) && error.lines().count() == 1, "{}: {error}", path.display());
        }
    }
}
