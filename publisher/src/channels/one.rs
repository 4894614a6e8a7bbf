//! One channel: its thread, which begins a stream, and another one when that has failed or when an encoder comes back after a long time.
//!
//! In: its settings. Out: its stream. Where encoders push, nothing runs and nothing is written before the first one has connected.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::cli::config::channels::Channel;
use crate::cli::settings::LiveSettings;
use crate::live::run::{RunError, run_behind};
use crate::source::input::{Doors, Ports};
use crate::source::push;
use livedir_layout::meters::Meters;
use livedir_layout::source_state::SourceState;
use livedir_time::stop::Stop;

/// The pause after a stream that failed, which doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// A camera that comes back is on air within this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// An encoder that has been away for so long will not be back at once: the stream ends, and waiting for the next one costs nothing.
const LONGEST_ABSENCE: Duration = Duration::from_secs(10 * 60);

/// What a channel does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum State {
    /// It is begun, or waits for an encoder.
    #[default]
    Waiting,
    /// There is a stream, and its source is there.
    OnAir,
    /// Its last stream failed.
    Failing,
    /// Its source is over.
    Ended,
}

/// A channel and its thread.
pub(super) struct OneChannel {
    channel: Channel,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// The channel is to end.
    over: Stop,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    state: State,
    /// The stream is to end.
    stop: Stop,
    meters: Arc<Meters>,
}

impl Shared {
    fn now(&self) -> std::sync::MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, state: State) {
        self.now().state = state;
    }

    /// A new stream with counters of its own; `None` where the channel is to end.
    fn begin(&self) -> Option<(Stop, Arc<Meters>)> {
        let mut now = self.now();
        (now.stop, now.meters) = Default::default();
        (!self.over.is_requested()).then(|| (now.stop.clone(), now.meters.clone()))
    }
}

impl OneChannel {
    pub(super) fn new(channel: Channel) -> OneChannel {
        OneChannel { channel, shared: Arc::default(), thread: None }
    }

    pub(super) fn name(&self) -> &str {
        &self.channel.name
    }

    /// Whether it is the one that is wanted.
    pub(super) fn is(&self, channel: &Channel) -> bool {
        self.channel.name == channel.name && self.channel.words == channel.words
    }

    pub(super) fn start(&mut self, ports: &Ports) -> io::Result<()> {
        let (settings, shared, ports) = (self.channel.settings.clone(), self.shared.clone(), ports.clone());
        let span = tracing::info_span!("channel", name = self.name());
        let body = move || span.in_scope(|| keep_on_air(&settings, &ports, &shared));
        self.thread = Some(Builder::new().name(self.channel.name.clone()).spawn(body)?);
        Ok(())
    }

    pub(super) fn state(&self) -> State {
        self.shared.now().state
    }

    pub(super) fn bitrate_bps(&self) -> u64 {
        let now = self.shared.now();
        if now.state == State::OnAir { now.meters.bitrate_bps.get() } else { 0 }
    }

    /// Its source is over, and none will follow.
    pub(super) fn has_ended(&self) -> bool {
        self.state() == State::Ended
    }

    /// Its thread has ended though nobody wanted it to. What happened has been printed.
    pub(super) fn has_panicked(&self) -> bool {
        !self.has_ended() && self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    pub(super) fn request_end(&self) {
        self.shared.over.request();
        self.shared.now().stop.request();
    }

    pub(super) fn wait_for_end(self) {
        if let Some(thread) = self.thread {
            let _ = thread.join(); // a panic there has been printed
        }
    }
}

/// One stream after the other.
fn keep_on_air(settings: &LiveSettings, ports: &Ports, shared: &Shared) {
    let mut pause = FIRST_PAUSE;
    let mut told = None;
    while let Some((stop, meters)) = shared.begin() {
        let began = Instant::now();
        match stream(settings, ports, shared, &stop, &meters) {
            Err(error) => {
                if began.elapsed() > LONGEST_PAUSE {
                    pause = FIRST_PAUSE;
                }
                shared.set(State::Failing);
                let error = error.to_string();
                if told.as_ref() != Some(&error) {
                    tracing::error!(error, "channel failed; it is tried again, after 30 s at the most");
                    told = Some(error);
                }
                shared.over.wait(pause);
                pause = (2 * pause).min(LONGEST_PAUSE);
            }
            Ok(Ended::ByItself) => {
                if !shared.over.is_requested() {
                    tracing::info!("channel ended: its source is over");
                }
                return shared.set(State::Ended);
            }
            Ok(Ended::EncoderAway) => {
                shared.set(State::Waiting);
                (pause, told) = (FIRST_PAUSE, None);
            }
        }
    }
}

/// How a stream ended.
enum Ended {
    ByItself,
    EncoderAway,
}

fn stream(
    settings: &LiveSettings,
    ports: &Ports,
    shared: &Shared,
    stop: &Stop,
    meters: &Arc<Meters>,
) -> Result<Ended, RunError> {
    let doors = Doors::new(settings.takeover, ports.clone());
    let is_door = match settings.input_settings(&doors, stop) {
        Some(input) => {
            push::await_encoder(&input, settings.falls_back()).map_err(crate::source::SourceError::from)?
        }
        None => false,
    };
    if stop.is_requested() {
        return Ok(Ended::EncoderAway);
    }
    let mut here_at = Instant::now();
    let mut has_left = false;
    run_behind(settings, &doors, stop, meters, |_, meters| {
        let is_here = meters.source_state() == Some(SourceState::Here);
        shared.set(if is_here { State::OnAir } else { State::Waiting });
        if is_here {
            here_at = Instant::now();
        } else if is_door && here_at.elapsed() >= LONGEST_ABSENCE && !has_left {
            has_left = true;
            tracing::info!("the encoder has been away for ten minutes: the stream ends until one connects");
            stop.request();
        }
    })?;
    Ok(if is_door { Ended::EncoderAway } else { Ended::ByItself })
}
