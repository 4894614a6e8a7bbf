//! Microphone: the sound of a source that has none, or other sound than its own.
//!
//! In: which microphone. Out: runs of samples with the moment they were taken, into the capture queue. A thread of its own
//! opens the device, watches it, and drops it: with a system's sound server gone, any of these may take as long as it
//! likes, so that thread is waited for a while and then left behind. The sound card's callback hands the samples over.
//! A microphone that is lost is opened again until the end; meanwhile the sound clock fills in silence.

mod backend;
mod error;
mod offer;
pub mod run_times;

use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SendError, SyncSender, channel, sync_channel};
use std::time::{Duration, Instant};

use crate::queue::capture::SoundSender;
use backend::Listening;
use livedir_time::stop::Stop;

pub use backend::list;
pub use error::MicrophoneError;

/// Opening takes a moment where a sound server has to start; longer than this is for ever.
const OPEN_LIMIT: Duration = Duration::from_secs(5);

/// How long the end of the stream waits for the device to be closed.
const CLOSE_LIMIT: Duration = Duration::from_millis(1500);

/// So late is the end noticed at the latest.
const WATCH_EVERY: Duration = Duration::from_millis(250);

/// Without a sample for this long the microphone counts as lost: sound servers take up to two seconds to wake a device.
const SILENCE_LIMIT: Duration = Duration::from_secs(4);

/// The first wait before a lost microphone is opened again; each further wait is twice as long,
const FIRST_BACKOFF: Duration = Duration::from_millis(250);

/// up to this, so that one that is plugged in again is heard within seconds.
const LONGEST_BACKOFF: Duration = Duration::from_secs(4);

/// Which microphone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MicrophoneSelector {
    /// The one that the system takes for its own; where that cannot be used, the first that can.
    First,
    /// By its name or a part of it, in any case, or by what the system calls it.
    Name(String),
}

impl MicrophoneSelector {
    /// Reads what `--mic` was given; nothing is the first.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text.is_empty() { Self::First } else { Self::Name(text.to_owned()) }
    }

    /// Where it is among the microphones, each by what the system calls it and by its name.
    fn select(&self, microphones: &[MicrophoneDescription]) -> Option<usize> {
        let by = |fits: &dyn Fn(&MicrophoneDescription) -> bool| microphones.iter().position(fits);
        let Self::Name(wanted) = self else {
            return by(&|it| it.problem.is_none()).or((!microphones.is_empty()).then_some(0));
        };
        let lower = wanted.to_lowercase();
        by(&|it| it.id == *wanted)
            .or_else(|| by(&|it| it.name.to_lowercase() == lower))
            .or_else(|| by(&|it| it.name.to_lowercase().contains(&lower)))
    }
}

impl fmt::Display for MicrophoneSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("microphone"),
            Self::Name(name) => write!(f, "microphone called {name:?}"),
        }
    }
}

/// A microphone that is attached, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MicrophoneDescription {
    /// What the system calls it, which `--mic` takes too.
    pub id: String,
    /// What it calls itself.
    pub name: String,
    /// What it would be opened with: `stereo at 48000 Hz`; empty where it cannot be used.
    pub format: String,
    /// Why it cannot be used.
    pub problem: Option<String>,
}

/// An open microphone. Dropping it closes the device.
pub struct Microphone {
    stop: Stop,
    ended: Receiver<()>,
}

impl Microphone {
    /// Opens it on a thread of its own; from then on its sound goes to `sound`. Returns within some seconds. `may_be_late`: one that
    /// has not answered by then is waited for beside the stream, which has silence until it does.
    pub fn start(
        selector: &MicrophoneSelector,
        sound: SoundSender,
        may_be_late: bool,
    ) -> Result<Self, MicrophoneError> {
        let stop = Stop::default();
        let (opened_tx, opened) = sync_channel(1);
        let (ended_tx, ended) = channel();
        let (of_thread, wanted) = (stop.clone(), selector.clone());
        let span = tracing::Span::current();
        let thread = std::thread::Builder::new().name("microphone".into()).spawn(move || {
            let _in_stream = span.entered();
            let _ended = ended_tx;
            keep(&wanted, &sound, &opened_tx, &of_thread);
        });
        thread.map_err(|error| MicrophoneError::Failed {
            microphone: selector.to_string(),
            reason: error.to_string(),
        })?;
        let microphone = Self { stop, ended };
        answer(&opened, OPEN_LIMIT, selector, may_be_late)?;
        Ok(microphone)
    }
}

/// How the opening went, as far as that is known within `limit`.
fn answer(
    opened: &Receiver<Result<(), MicrophoneError>>,
    limit: Duration,
    selector: &MicrophoneSelector,
    may_be_late: bool,
) -> Result<(), MicrophoneError> {
    match opened.recv_timeout(limit) {
        Ok(outcome) => outcome,
        Err(_) if may_be_late => {
            tracing::warn!("the {selector} does not respond yet; the stream is silent until it does");
            Ok(())
        }
        Err(_) => Err(MicrophoneError::Stuck { microphone: selector.to_string() }),
    }
}

impl Drop for Microphone {
    fn drop(&mut self) {
        self.stop.request();
        if self.ended.recv_timeout(CLOSE_LIMIT) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the microphone does not respond; its thread is abandoned");
        }
    }
}

/// The microphone's thread. The outcome of the first opening goes to `opened`.
fn keep(
    selector: &MicrophoneSelector,
    sound: &SoundSender,
    opened: &SyncSender<Result<(), MicrophoneError>>,
    stop: &Stop,
) {
    let open = || Listening::open(selector, sound.clone());
    let mut listening = match open() {
        Ok(listening) => listening,
        Err(error) => {
            // It was waited for no longer.
            if let Err(SendError(Err(error))) = opened.send(Err(error)) {
                tracing::warn!(%error, "the microphone responded late and cannot be used; the stream is silent");
            }
            return;
        }
    };
    tracing::info!(microphone = listening.description, "microphone open");
    // Whoever has given it up has asked this thread to stop; whoever has not hears it from now on.
    let _ = opened.send(Ok(()));
    let mut backoff = FIRST_BACKOFF;
    loop {
        let (opened_at, reason) = (Instant::now(), watch(&listening, stop));
        drop(listening);
        let Some(reason) = reason else { return };
        if opened_at.elapsed() > 2 * LONGEST_BACKOFF {
            backoff = FIRST_BACKOFF;
        }
        tracing::warn!(reason, "microphone lost; silence until it comes back");
        listening = loop {
            if stop.wait(backoff) {
                return;
            }
            backoff = (backoff * 2).min(LONGEST_BACKOFF);
            match open() {
                Ok(listening) => break listening,
                Err(error) => tracing::debug!(%error, "microphone not back yet"),
            }
        };
        tracing::warn!(microphone = listening.description, "microphone is back");
    }
}

/// Waits until the microphone is lost, and why; none at the end of the run.
fn watch(listening: &Listening, stop: &Stop) -> Option<String> {
    while !stop.is_requested() {
        match listening.failure.recv_timeout(WATCH_EVERY) {
            Ok(reason) => return Some(reason),
            Err(_) if listening.silent_for() > SILENCE_LIMIT => {
                return Some(format!("it has sent nothing for {} s", SILENCE_LIMIT.as_secs()));
            }
            Err(_) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wanted: &str, expected: Option<usize>) {
        let microphones = [("busy", "Default"), ("plughw:CARD=Webcam,DEV=0", "USB Webcam"), ("usb", "USB")];
        let microphones = microphones.map(|(id, name)| MicrophoneDescription {
            id: id.into(),
            name: name.into(),
            format: String::new(),
            problem: (id == "busy").then(|| "it is in use".into()),
        });
        assert_eq!(MicrophoneSelector::parse(wanted).select(&microphones), expected, "{wanted}");
    }

    #[test]
    fn one_that_was_asked_for_has_to_answer_and_one_that_fits_is_waited_for() {
        let first = MicrophoneSelector::First;
        let (answers, opened) = sync_channel(1);
        let stuck = answer(&opened, Duration::ZERO, &first, false);
        assert!(matches!(stuck, Err(MicrophoneError::Stuck { .. })), "{stuck:?}");
        assert!(answer(&opened, Duration::ZERO, &first, true).is_ok());
        let refused = MicrophoneError::Stuck { microphone: "any".into() };
        answers.send(Err(refused)).unwrap();
        assert!(answer(&opened, Duration::ZERO, &first, true).is_err(), "it has answered that it cannot");
    }

    #[test]
    fn a_microphone_is_found_by_id_by_name_or_by_a_part_of_it() {
        check("", Some(1));
        check("default", Some(0));
        check("plughw:CARD=Webcam,DEV=0", Some(1));
        check("usb", Some(2));
        check("webcam", Some(1));
        check("line in", None);
        assert_eq!(MicrophoneSelector::First.select(&[]), None);
    }
}
