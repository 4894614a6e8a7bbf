//! Opener: opens an input that is to be copied, as often as it is lost.
//!
//! In: an address. Out: a source whose start was looked at. Where others push, the door stays open between them, and opening
//! waits for somebody for as long as it takes.

use super::source::CopySource;
use super::{Copied, CopyError, CopySettings};
use crate::source::Source;
use crate::source::input::demux::{Demuxer, Ending, Origin, Round, TICK};
use crate::source::input::error::InputError;
use crate::source::input::listen_address;
use crate::source::input::{InputAddress, check_address, first_round};
use crate::source::push;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// Between two clients that cannot be copied.
const PAUSE: Duration = Duration::from_secs(1);

/// Opens a copied source, again and again: where others push, the door stays open between them.
pub struct CopyOpener {
    settings: CopySettings,
    origin: Origin,
    name: String,
}

/// Makes ready for it; a port that is not to be had is told at once.
pub fn open_copy(settings: CopySettings) -> Result<CopyOpener, InputError> {
    let shown = settings.input.address.to_string();
    let place = match &settings.input.address {
        InputAddress::Url(url) => listen_address::place(url, &shown)?,
        _ => None,
    };
    let (origin, name) = match place {
        Some(place) => push::origin(&settings.input, place)?,
        None => (Origin::Address, shown),
    };
    if let Origin::Door(door) = &origin {
        door.keep_guests(settings.falls_back);
    }
    Ok(CopyOpener { settings, origin, name })
}

impl CopyOpener {
    /// Whether what cannot be copied is encoded.
    #[must_use]
    pub fn falls_back(&self) -> bool {
        self.settings.falls_back
    }

    /// Opens it and looks at its start.
    pub fn open(&self) -> Result<Box<dyn Source<Copied>>, CopyError> {
        if matches!(self.origin, Origin::Address) {
            check_address(&self.settings.input)?;
            let demuxer = Demuxer::start(&self.settings.input, Origin::Address)?;
            let round = first_round(&demuxer, &self.settings.input.address)?;
            return Ok(Box::new(self.begin(demuxer, round)?));
        }
        info!(place = self.name, "waiting for an encoder to connect");
        loop {
            let demuxer = Demuxer::start(&self.settings.input, self.origin.clone())?;
            if let Origin::Listening(_) = self.origin {
                push::fails_at_once(&demuxer, &self.name)?;
            }
            let come = self.next_round(&demuxer).map_err(CopyError::from);
            match come.and_then(|round| self.begin(demuxer, round)) {
                Ok(source) => return Ok(Box::new(source)),
                Err(error) if self.settings.input.stop.load(Ordering::Relaxed) => {
                    return Err(error);
                }
                Err(error @ CopyError::Unfit { .. }) if self.settings.falls_back => {
                    return Err(error);
                }
                Err(error) => warn!(%error, "incoming stream rejected"),
            }
            std::thread::park_timeout(PAUSE); // nobody has news to wait for
        }
    }

    fn begin(&self, demuxer: Demuxer, round: Round) -> Result<CopySource, CopyError> {
        let is_pushed = !matches!(self.origin, Origin::Address);
        CopySource::begin(&self.settings, &self.name, is_pushed, demuxer, round)
    }

    /// Waits for a client for as long as it takes.
    fn next_round(&self, demuxer: &Demuxer) -> Result<Round, InputError> {
        loop {
            let seen = demuxer.changes();
            let ending = demuxer.ending();
            match (demuxer.next_round(), ending) {
                (Some(round), _) => return Ok(round),
                (None, Some(Ending::Failed(error))) => return Err(error),
                (None, Some(Ending::Over)) => return Err(InputError::HungUp(self.name.clone())),
                (None, None) if demuxer.stopped() => return Err(InputError::Stopped(self.name.clone())),
                (None, None) => demuxer.wait(seen, Instant::now() + TICK),
            }
        }
    }
}
