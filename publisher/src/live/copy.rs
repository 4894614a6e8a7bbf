//! Source thread: that of a stream that is copied, from the first opening to the end.
//!
//! In: what to copy from. Out: packets to the packager, by the [`CopyLine`]. The thread opens the source and looks at its start
//! before anything else is known of the stream, and goes on when the packager is there. It ends with the source, or at the stop.

use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, OnceLock};

use crate::captured::SourceFormat;
use crate::cli::args::CopyWhen;
use crate::cli::settings::LiveSettings;
use crate::copy::line::CopyLine;
use crate::copy::{Copied, CopyError, CopyOpener};
use crate::live::plan::Promise;
use crate::source::input::Doors;
use crate::source::{self, Source, SourceError};
use livedir_layout::meters::Meters;
use livedir_time::stop::Stop;

/// Where packets go.
pub(crate) type CopyOrder<'a> = Arc<CopyLine<'a>>;

/// The slate ends with the source.
struct EndOnDrop<'a>(CopyOrder<'a>);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// What follows cannot be copied: this run ends, and one that encodes goes on, without an end of the stream.
#[derive(Debug, Default)]
pub(crate) struct HandOver {
    first_film: OnceLock<usize>,
    promise: OnceLock<Promise>,
}

/// How a run begins.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Beginning {
    /// Of a list, the film that is played first.
    pub(crate) first_film: usize,
    /// What players have been promised by a run that this one goes on for.
    pub(crate) promise: Option<Promise>,
}

impl HandOver {
    fn wish(&self, error: &CopyError, first_film: usize) {
        tracing::warn!(reason = error.without_auto(), "the stream goes on encoded");
        self.first_film.get_or_init(|| first_film);
    }

    pub(crate) fn note_promise(&self, promise: Promise) {
        self.promise.get_or_init(|| promise);
    }

    pub(crate) fn is_wished(&self) -> bool {
        self.first_film.get().is_some()
    }

    /// Where it is wished, how the next run begins.
    pub(crate) fn beginning(&self) -> Option<Beginning> {
        let first_film = self.first_film.get().copied()?;
        Some(Beginning { first_film, promise: self.promise.get().copied() })
    }
}

/// What becomes of a wish to copy.
pub(crate) enum Attempt {
    /// It can be done.
    Copies(CopiedSource),
    /// There is nothing to copy, so it is encoded.
    Encodes,
    /// It cannot be done, as was told, or the stop came first.
    Fails,
}

/// What is copied, and its first opening.
pub(crate) struct CopiedSource {
    opener: CopyOpener,
    first: Box<dyn Source<Copied>>,
}

/// Opens what is to be copied. An error is told to `opened`.
#[must_use]
pub(crate) fn attempt(
    settings: &LiveSettings,
    doors: &Doors,
    stop: &Stop,
    opened: &SyncSender<Result<SourceFormat, SourceError>>,
) -> Attempt {
    let Some(copy) = settings.copy_settings(doors, stop) else { return Attempt::Encodes };
    let source = crate::copy::open_copy(copy).map_err(CopyError::from).and_then(|opener| {
        let first = opener.open()?;
        Ok(CopiedSource { opener, first })
    });
    match source {
        Ok(source) => Attempt::Copies(source),
        Err(_) if stop.is_requested() => Attempt::Fails,
        Err(CopyError::Unfit { name, reason }) if settings.copy == Some(CopyWhen::Auto) => {
            let reason = reason.where_encoded();
            tracing::warn!(name, reason, "source cannot be copied; it is encoded instead");
            Attempt::Encodes
        }
        Err(error) => {
            // Nobody listens only if the run has been given up already.
            let _ = opened.send(Err(error.into()));
            Attempt::Fails
        }
    }
}

impl CopiedSource {
    /// Copies to the end. The order comes when `opened` has been heard; none comes when the run has been given up.
    pub(crate) fn run(
        self,
        opened: &SyncSender<Result<SourceFormat, SourceError>>,
        order: &Receiver<CopyOrder<'_>>,
        hand_over: &HandOver,
        stop: &Stop,
        meters: &Meters,
    ) -> Result<(), SourceError> {
        let Self { opener, first } = self;
        let mut first = Some(first);
        let reopen = || match opener.open() {
            Err(error @ CopyError::Unfit { .. }) if opener.falls_back() => {
                hand_over.wish(&error, 0);
                Err(SourceError::HandedOver(error.to_string()))
            }
            opened => opened.map_err(SourceError::from),
        };
        let open = move || first.take().map_or_else(reopen, Ok);
        let mut line = None;
        let deliver = |piece| {
            if let Copied::Ends { error, film } = &piece {
                return hand_over.wish(error, *film);
            }
            if line.is_none() {
                line = order.recv().ok().map(EndOnDrop);
            }
            match &line {
                Some(line) => line.0.take(piece),
                None => stop.request(),
            }
        };
        // What is sent is sign enough.
        let alive = || {};
        source::run(Box::new(open), opened, deliver, alive, stop, meters)
    }
}
