//! Sources: a device, a file or a URL becomes captured video frames and sound, each with the moment it was captured.
//!
//! In: what the user named. Out: video frames and runs of samples, [`Captured`]. Every source is opened, read and dropped on one thread,
//! the source thread, which [`run`] drives: it reopens what is lost and ends when the source ends or the stop is set.

pub mod camera;
pub mod clock_rate;
pub mod input;
pub mod microphone;
pub mod open;
pub(crate) mod push;
pub(crate) mod rtmp;
pub(crate) mod slate;
pub(crate) mod sound_alone;
pub(crate) mod still;
pub mod test_pattern;

pub use livedir_layout::source_state::SourceState;

use std::sync::mpsc::SyncSender;
use std::time::Duration;

use crate::captured::{Captured, SourceFormat};
use livedir_layout::meters::Meters;
use livedir_time::stop::Stop;

/// The answer of one [`Source::read`].
pub enum Read<Piece = Captured> {
    /// Something was captured.
    Captured(Piece),
    /// Nothing came within the time-out; the source may still be well.
    Nothing,
    /// Nothing came that can be shown, but the source is well: what comes next is not due yet, or what came is damaged.
    Alive,
    /// What comes from now on, for people: the next film of a list, or somebody that a listening source waited for.
    Here(String),
    /// Who was there is gone, and a listening source waits for the next.
    Away {
        /// Why, for people.
        reason: String,
        /// For whom it waits, for people.
        awaited: String,
    },
    /// A file or pipe is over. Devices never end.
    End,
}

/// An open source of video and sound, or of packets that are copied. It lives and dies on the source thread.
pub trait Source<Piece = Captured> {
    /// What it delivers.
    fn format(&self) -> SourceFormat;

    /// Whether it is open, and somebody has yet to come.
    fn state(&self) -> SourceState {
        SourceState::Here
    }

    /// The next frame, run of samples or packet; returns after about `timeout` at the latest, whatever the device does.
    ///
    /// An error means that this opening of the source is spent: drop it and open it again.
    fn read(&mut self, timeout: Duration) -> Result<Read<Piece>, SourceError>;
}

/// Why a source cannot be opened or has stopped. One line with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It cannot be opened as asked.
    #[error("{0}")]
    Open(String),
    /// It was open and is gone.
    #[error("{0}")]
    Lost(String),
    /// A file or pipe is over, and not all of it could be read.
    #[error("{0}")]
    CutShort(String),
    /// It is there again, and another run goes on with it.
    #[error("{0}")]
    HandedOver(String),
}

/// Opens the source; called again each time that it was lost.
pub type Opener<'a, Piece = Captured> =
    Box<dyn FnMut() -> Result<Box<dyn Source<Piece> + 'a>, SourceError> + 'a>;

/// What is said of a source that is gone, however it was reached.
const LOST: &str = "source lost; waiting for it to come back";

/// How long one read may take; so late is the stop noticed at the latest.
const READ_TIMEOUT: Duration = Duration::from_millis(250);

/// The first wait before a lost source is opened again; each further wait is twice as long,
const FIRST_BACKOFF: Duration = Duration::from_millis(250);

/// up to this: a camera that is plugged in again is back within seconds, and a dead address is not hammered.
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// The source thread. The outcome of the first opening goes to `opened`; a source that is lost later is opened again
/// until the stop, while the grid thread shows the slate. `alive` is called when it brings nothing and is well. Ends at the end of a file or at the stop;
/// with an error where not all of the file could be read.
pub fn run<Piece>(
    mut open: Opener<'_, Piece>,
    opened: &SyncSender<Result<SourceFormat, SourceError>>,
    mut deliver: impl FnMut(Piece),
    mut alive: impl FnMut(),
    stop: &Stop,
    meters: &Meters,
) -> Result<(), SourceError> {
    let mut source = match open() {
        Ok(source) => source,
        Err(error) => {
            // Nobody listens only if the run has been given up already.
            let _ = opened.send(Err(error));
            return Ok(());
        }
    };
    let description = source.format().description;
    meters.set_source(source.state(), description);
    if opened.send(Ok(source.format())).is_err() {
        return Ok(());
    }
    let mut backoff = FIRST_BACKOFF;
    loop {
        let pumped = pump(source.as_mut(), &mut deliver, &mut alive, stop, meters);
        drop(source);
        let error = match pumped.outcome {
            Ok(()) => return Ok(()),
            Err(error @ SourceError::CutShort(_)) => return Err(error),
            Err(error) => error,
        };
        if pumped.delivered {
            backoff = FIRST_BACKOFF;
        }
        meters.source_losses.add(1);
        tracing::warn!(reason = %error, "{LOST}");
        meters.set_source(SourceState::Lost, error.to_string());
        source = loop {
            if stop.wait(backoff) {
                return Ok(());
            }
            backoff = (backoff * 2).min(LONGEST_BACKOFF);
            match open() {
                Ok(source) => break source,
                Err(SourceError::HandedOver(_)) => return Ok(()),
                Err(error) => {
                    tracing::debug!(%error, "source not back yet");
                    meters.set_source(SourceState::Lost, error.to_string());
                }
            }
        };
        let description = source.format().description;
        tracing::warn!(source = description, "source is back");
        meters.set_source(source.state(), description);
    }
}

/// How one opening of a source went.
struct Pumped {
    /// Whether anything came at all.
    delivered: bool,
    /// `Ok`: the source or the run is over.
    outcome: Result<(), SourceError>,
}

fn pump<Piece>(
    source: &mut dyn Source<Piece>,
    deliver: &mut impl FnMut(Piece),
    alive: &mut impl FnMut(),
    stop: &Stop,
    meters: &Meters,
) -> Pumped {
    let mut delivered = false;
    while !stop.is_requested() {
        match source.read(READ_TIMEOUT) {
            Ok(Read::Captured(piece)) => {
                delivered = true;
                deliver(piece);
            }
            Ok(Read::Nothing) => {}
            Ok(Read::Alive) => alive(),
            Ok(Read::Here(description)) => {
                tracing::info!(source = description, "source connected");
                meters.set_source(SourceState::Here, description);
            }
            Ok(Read::Away { reason, awaited }) => {
                meters.source_losses.add(1);
                tracing::warn!(reason, "{LOST}");
                meters.set_source(SourceState::Awaited, awaited);
            }
            Ok(Read::End) => break,
            Err(error) => return Pumped { delivered, outcome: Err(error) },
        }
    }
    Pumped { delivered, outcome: Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::captions::carried::Captions;
    use crate::captured::{CapturedPicture, Shows};
    use crate::picture::colour_space::ColourSpace;
    use crate::queue::capture;
    use ffmpeg_next as ffmpeg;
    use std::collections::VecDeque;
    use std::sync::{Arc, mpsc};
    use std::time::Instant;

    /// Plays back what a device might answer.
    struct Script(VecDeque<Result<Read, SourceError>>);

    impl Source for Script {
        fn format(&self) -> SourceFormat {
            let colours = ColourSpace::WEBCAM;
            SourceFormat {
                description: "a script".into(),
                shows: Shows::Pictures,
                width: 16,
                height: 16,
                colours,
                has_sound: false,
                copied: None,
            }
        }

        fn read(&mut self, _timeout: Duration) -> Result<Read, SourceError> {
            self.0.pop_front().unwrap_or(Ok(Read::End))
        }
    }

    fn picture() -> Read {
        let frame = ffmpeg::frame::Video::empty();
        Read::Captured(Captured::Picture(CapturedPicture {
            frame: frame.into(),
            captured_at: Instant::now(),
            captions: Captions::default(),
        }))
    }

    /// Runs a source whose openings answer as scripted; returns what was captured, and the first outcome.
    fn play(
        openings: Vec<Result<Vec<Result<Read, SourceError>>, SourceError>>,
    ) -> (usize, Result<SourceFormat, SourceError>, u64) {
        let meters = Arc::new(Meters::default());
        let (sender, receiver) = capture::channel(meters.clone());
        let (opened, first) = mpsc::sync_channel(1);
        let mut openings = VecDeque::from(openings);
        let open: Opener = Box::new(move || {
            let reads = openings.pop_front().unwrap_or_else(|| Ok(Vec::new()))?;
            Ok(Box::new(Script(reads.into())) as Box<dyn Source>)
        });
        let ended =
            run(open, &opened, |piece| sender.send(piece), || sender.note_alive(), &Stop::default(), &meters);
        assert!(ended.is_ok());
        drop(sender);
        let mut pieces = 0;
        while let capture::Next::Captured(_) = receiver.next(Instant::now()) {
            pieces += 1;
        }
        (pieces, first.recv().unwrap(), meters.source_losses.get())
    }

    fn lost() -> SourceError {
        SourceError::Lost("unplugged".into())
    }

    #[test]
    fn a_file_ends_the_run_and_a_lost_device_is_opened_again() {
        let (pieces, first, losses) = play(vec![
            Ok(vec![Ok(picture()), Ok(Read::Nothing), Ok(picture()), Err(lost())]),
            Err(SourceError::Open("still away".into())),
            Ok(vec![Ok(picture()), Ok(Read::End)]),
        ]);
        assert_eq!((pieces, losses), (3, 1));
        assert_eq!(first.unwrap().description, "a script");
    }

    #[test]
    fn a_file_that_is_cut_short_ends_the_run_with_an_error_and_is_not_opened_again() {
        let meters = Meters::default();
        let (opened, _first) = mpsc::sync_channel(1);
        let mut openings = 0;
        let open: Opener = Box::new(|| {
            openings += 1;
            let reads = [Ok(picture()), Err(SourceError::CutShort("the rest is scrambled".into()))];
            Ok(Box::new(Script(reads.into())) as Box<dyn Source>)
        });
        let ended = run(open, &opened, |_| {}, || {}, &Stop::default(), &meters);
        assert_eq!(ended.unwrap_err().to_string(), "the rest is scrambled");
        assert_eq!((openings, meters.source_losses.get()), (1, 0));
    }

    #[test]
    fn a_source_that_waits_counts_its_losses_and_is_not_opened_again() {
        let (pieces, first, losses) = play(vec![Ok(vec![
            Ok(Read::Here("a phone".into())),
            Ok(picture()),
            Ok(Read::Away { reason: "gone".into(), awaited: "a phone".into() }),
            Ok(Read::Here("a phone".into())),
            Ok(picture()),
            Ok(Read::End),
        ])]);
        assert_eq!((pieces, losses), (2, 1));
        assert_eq!(first.unwrap().description, "a script");
    }

    #[test]
    fn a_source_that_cannot_be_opened_at_first_is_not_tried_again() {
        let (pieces, first, losses) = play(vec![Err(SourceError::Open("no such camera".into()))]);
        assert_eq!((pieces, losses), (0, 0));
        assert_eq!(first.unwrap_err().to_string(), "no such camera");
    }
}
