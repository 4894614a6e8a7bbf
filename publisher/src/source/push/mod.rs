//! Waiting: a source that is open from the start, and delivers whenever somebody pushes to it.
//!
//! In: a place to listen at. Out: video and sound of one client after the other; between them the news that there is
//! none. What will come is not known in advance: frames are promised in the shape that nearly all have today (unless
//! sound alone is wanted), and sound, which is silence while there is none. The caller's thread does it all; the [`Demuxer`] has its own. A client whose
//! stream does not name its size holds the caller up until its first frame, or for ten seconds, three where it sends sound.

use super::input::demux::{AT_ONCE, Demuxer, Ending, Origin, TICK};
use super::input::error::InputError;
use super::input::listen_address::{self, ListenAt};
use super::input::{CannotListen, Input, InputAddress, InputSettings, LIKELY_SIZE};
use crate::captured::{Shows, SourceFormat};
use crate::picture::colour_space::ColourSpace;
use crate::source::{Read, Source, SourceError};
use livedir_layout::source_state::SourceState;
use std::fmt::Display;
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// The pause after a client that sent nothing usable, or after the port was not free.
const PAUSE: Duration = Duration::from_secs(1);

/// Said of an address with a single word behind the host.
const NO_KEY: &str = "the address has no word for the key: in the encoder leave the stream key empty, or enter the word after the host \
                      as the key and the host alone as the server; where it asks for both, name both: rtmp://0.0.0.0:1935/live/KEY";

/// A source that waits for an encoder to connect.
pub(crate) struct Waiting {
    settings: InputSettings,
    origin: Origin,
    /// Where it waits, for people.
    name: String,
    state: State,
}

enum State {
    /// For somebody.
    Listening(Demuxer),
    OnAir(Box<Input>),
    Pausing(Instant),
}

impl Waiting {
    /// Begins to listen. A port that is not free is an error at once.
    pub(crate) fn open(settings: &InputSettings, place: ListenAt) -> Result<Self, InputError> {
        let (origin, name) = origin(settings, place)?;
        if let Origin::Door(door) = &origin {
            // Who sends what cannot be read is sent away.
            door.keep_guests(false);
        }
        let demuxer = Demuxer::start(settings, origin.clone())?;
        if let Origin::Listening(_) = origin {
            fails_at_once(&demuxer, &name)?;
        }
        info!(place = name, "waiting for an encoder to connect");
        Ok(Waiting { settings: settings.clone(), origin, name, state: State::Listening(demuxer) })
    }

    fn wish(&self) -> String {
        format!("waiting for an encoder to connect to {}", self.name)
    }

    /// The client's format is known, or it was no client.
    fn listen(&mut self, deadline: Instant) -> Option<Read> {
        let State::Listening(demuxer) = &self.state else { return None };
        let seen = demuxer.changes();
        let round = demuxer.next_round();
        let ending = demuxer.ending();
        let failed = match (round, ending) {
            (Some(round), _) => {
                let pausing = State::Pausing(Instant::now() + PAUSE);
                let State::Listening(demuxer) = std::mem::replace(&mut self.state, pausing) else {
                    return None;
                };
                match Input::begin(self.name.clone(), demuxer, round, &self.settings) {
                    Ok(input) => {
                        let description = input.format().description;
                        self.state = State::OnAir(Box::new(input));
                        return Some(Read::Here(description));
                    }
                    Err(error) => Some(error),
                }
            }
            (None, Some(Ending::Failed(error))) => Some(error),
            (None, Some(Ending::Over)) => None,
            (None, None) => {
                demuxer.wait(seen, deadline);
                return None;
            }
        };
        if let Some(error) = failed.filter(|error| !matches!(error, InputError::Stopped(_))) {
            warn!(%error, "incoming stream rejected");
        }
        self.state = State::Pausing(Instant::now() + PAUSE);
        None
    }

    fn lost(&mut self, error: &dyn Display) -> Read {
        // Whoever comes next is expected at once.
        self.state = State::Pausing(Instant::now());
        Read::Away { reason: error.to_string(), awaited: self.wish() }
    }

    fn start_again(&mut self) {
        match Demuxer::start(&self.settings, self.origin.clone()) {
            Ok(demuxer) => self.state = State::Listening(demuxer),
            Err(error) => {
                warn!(%error, "cannot listen now");
                self.state = State::Pausing(Instant::now() + PAUSE);
            }
        }
    }
}

/// Waits at our own door until an encoder has connected to it, or the stop came; false at once where the address is no such door. It stays
/// connected, and is read by who opens the address next.
pub(crate) fn await_encoder(settings: &InputSettings, keeps_guests: bool) -> Result<bool, InputError> {
    let InputAddress::Url(url) = &settings.address else { return Ok(false) };
    let Some(place) = listen_address::place(url, &settings.address.to_string())? else { return Ok(false) };
    if !matches!(place, ListenAt::Rtmp { .. }) {
        return Ok(false);
    }
    let (Origin::Door(door), name) = origin(settings, place)? else { return Ok(false) };
    door.keep_guests(keeps_guests);
    info!(place = name, "waiting for an encoder to connect");
    door.wait_until_called(|| settings.stop.load(Ordering::Relaxed));
    Ok(true)
}

/// Where clients come in, and what people are to call it.
pub(crate) fn origin(settings: &InputSettings, place: ListenAt) -> Result<(Origin, String), InputError> {
    let shown = settings.address.to_string();
    let no_port = |bind: &str, error: &std::io::Error| InputError::no_port(&shown, bind, error);
    Ok(match place {
        ListenAt::Rtmp { bind, path } => {
            if !path.contains('/') {
                // A line each time that it is opened would be too many.
                settings.tracks.told.tell(NO_KEY.to_owned(), true);
            }
            let addresses = resolve(&bind).map_err(|error| no_port(&bind, &error))?;
            let door = settings.doors.open(addresses, &path, settings.stop.clone());
            let door = door.map_err(|error| no_port(&bind, &error))?;
            // The port may have been left to the system.
            let name = shown.replacen(&bind, &door.address().to_string(), 1);
            (Origin::Door(door), name)
        }
        ListenAt::Libav { url, bind, open_to_all } => {
            if let Some(bind) = bind {
                // libav opens the port later, on a thread of its own, and does not say what is the matter with it.
                let free = resolve(&bind).and_then(|addresses| UdpSocket::bind(&*addresses));
                free.map_err(|error| no_port(&bind, &error))?;
            }
            if open_to_all {
                warn!(
                    address = shown,
                    "anyone who reaches this port can send a stream; use srt with ?passphrase=… to keep others out"
                );
            }
            (Origin::Listening(url), shown)
        }
    })
}

/// A port that is taken, an option or a protocol that this libav does not know: told at the start, and not on the slate.
pub(crate) fn fails_at_once(demuxer: &Demuxer, name: &str) -> Result<(), InputError> {
    let deadline = Instant::now() + AT_ONCE;
    while Instant::now() < deadline && !demuxer.stopped() {
        let seen = demuxer.changes();
        match demuxer.ending() {
            Some(Ending::Failed(InputError::Unreachable { reason, .. })) => {
                let remedy = "is the port free, and is the address right?".to_owned();
                return Err(CannotListen { name: name.to_owned(), reason, remedy }.into());
            }
            Some(Ending::Failed(error)) => return Err(error),
            _ => demuxer.wait(seen, deadline),
        }
    }
    Ok(())
}

fn resolve(bind: &str) -> std::io::Result<Vec<SocketAddr>> {
    Ok(bind.to_socket_addrs()?.collect())
}

impl Source for Waiting {
    fn format(&self) -> SourceFormat {
        let (width, height) = LIKELY_SIZE;
        let colours = ColourSpace::HIGH_DEFINITION;
        let shows = if self.settings.sound_alone { Shows::Nothing } else { Shows::Pictures };
        SourceFormat {
            description: self.wish(),
            shows,
            width,
            height,
            colours,
            has_sound: true,
            copied: None,
        }
    }

    fn state(&self) -> SourceState {
        if matches!(self.state, State::OnAir(_)) { SourceState::Here } else { SourceState::Awaited }
    }

    fn read(&mut self, timeout: Duration) -> Result<Read, SourceError> {
        let deadline = Instant::now() + timeout;
        loop {
            match &mut self.state {
                State::OnAir(input) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    match input.read(left) {
                        Ok(Read::End) => return Ok(self.lost(&InputError::HungUp(self.name.clone()))),
                        Err(error) => return Ok(self.lost(&error)),
                        read => return read,
                    }
                }
                State::Listening(_) => {
                    if let Some(read) = self.listen(deadline) {
                        return Ok(read);
                    }
                }
                State::Pausing(until) if Instant::now() >= *until => self.start_again(),
                State::Pausing(until) => {
                    let left = deadline.min(*until).saturating_duration_since(Instant::now());
                    std::thread::park_timeout(left.min(TICK)); // nobody has news to wait for
                }
            }
            if Instant::now() >= deadline || self.settings.stop.load(Ordering::Relaxed) {
                return Ok(Read::Nothing);
            }
        }
    }
}
