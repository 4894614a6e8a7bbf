//! Backend: microphones as cpal has them. Nothing of cpal gets out of this file.
//!
//! In: which microphone. Out: a [`Listening`], whose callback, on a thread of cpal's, puts runs of samples into the capture
//! queue until it is dropped or has told a failure.

use std::io;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{BufferSize, ErrorKind, SampleFormat, StreamConfig};
use ffmpeg::format::Sample;
use ffmpeg::format::sample::Type;
use ffmpeg_next as ffmpeg;

use super::offer::{Format, Offer, SampleKind, choose};
use super::run_times::RunTimes;
use super::{MicrophoneDescription, MicrophoneError, MicrophoneSelector};
use crate::captured::CapturedSound;
use crate::queue::capture::SoundSender;

/// Runs of a twentieth of a second: short beside the parts of a stream. A sound card keeps two of them, so the callback
/// may be a tenth late on a busy machine before sound is lost.
const RUNS_PER_SECOND: u32 = 20;

/// The microphones that are attached, the system's own choice first; why there is none where there is none.
pub fn list() -> Result<Vec<MicrophoneDescription>, MicrophoneError> {
    keep_quiet();
    let microphones: Vec<_> = attached().map(|(_, description)| description).collect();
    if microphones.is_empty() { Err(none()) } else { Ok(microphones) }
}

/// Keeps alsa-lib from writing the troubles of this thread to the terminal; they come back as errors anyway. What it has
/// kept until then is let go.
pub(super) fn keep_quiet() {
    #[cfg(target_os = "linux")]
    let _ = alsa::Output::local_error_handler();
}

/// An open microphone.
pub(super) struct Listening {
    /// For people: `Default, stereo at 48000 Hz`.
    pub description: String,
    /// Tells at most once why no more will come.
    pub failure: Receiver<String>,
    newest_at: Arc<Mutex<Instant>>,
    _stream: cpal::Stream,
}

impl Listening {
    /// Opens a microphone whose sound goes to `sound`.
    pub(super) fn open(selector: &MicrophoneSelector, sound: SoundSender) -> Result<Self, MicrophoneError> {
        keep_quiet();
        let mut microphones = Vec::new();
        for found in attached() {
            let is_enough = *selector == MicrophoneSelector::First && found.1.problem.is_none();
            microphones.push(found);
            if is_enough {
                break;
            }
        }
        let descriptions: Vec<_> = microphones.iter().map(|(_, description)| description.clone()).collect();
        let Some(chosen) = selector.select(&descriptions) else {
            let attached: Vec<_> = descriptions.into_iter().map(|it| it.name).collect();
            return Err(match selector {
                MicrophoneSelector::Name(wanted) if std::path::Path::new(wanted).is_file() => {
                    MicrophoneError::File(wanted.clone())
                }
                MicrophoneSelector::Name(_) if !attached.is_empty() => {
                    MicrophoneError::NoSuch { wanted: selector.to_string(), attached: attached.join(", ") }
                }
                _ => none(),
            });
        };
        let (device, MicrophoneDescription { id, name, .. }) = microphones.swap_remove(chosen);
        let format = format_of(&device, &name)?;
        let runs = BufferSize::Fixed(format.rate_hz / RUNS_PER_SECOND);
        Self::open_with(&device, format, runs, sound.clone())
            .or_else(|error| Self::open_with(&card_behind(&id).ok_or(error)?, format, runs, sound.clone()))
            // Some drivers take only the size that they have.
            .or_else(|_| Self::open_with(&device, format, BufferSize::Default, sound))
            .map_err(|error| in_words(&error, &name))
            .map(|listening| Self { description: format!("{name}, {format}"), ..listening })
    }

    fn open_with(
        device: &cpal::Device,
        format: Format,
        buffer_size: BufferSize,
        sound: SoundSender,
    ) -> Result<Self, cpal::Error> {
        let config = StreamConfig { channels: format.channels, sample_rate: format.rate_hz, buffer_size };
        let newest_at = Arc::new(Mutex::new(Instant::now()));
        let times = Arc::new(Mutex::new(RunTimes::default()));
        let (failed, failure) = sync_channel(1);
        let on_data = {
            let (newest_at, times) = (newest_at.clone(), times.clone());
            let mut is_quiet = false;
            move |data: &cpal::Data, info: &cpal::InputCallbackInfo| {
                let now = Instant::now();
                if !is_quiet {
                    is_quiet = true;
                    keep_quiet();
                }
                *newest_at.lock().unwrap_or_else(PoisonError::into_inner) = now;
                let Some(frame) = frame_of(data.bytes(), format) else { return };
                let times_of_call = info.timestamp();
                let waited = times_of_call.callback.duration_since(times_of_call.capture);
                let run_s = frame.samples() as f64 / f64::from(format.rate_hz);
                // Some drivers say less, and yet a run is no younger than it is long.
                let waited = waited.max(Duration::from_secs_f64(run_s));
                let seemingly_at = now.checked_sub(waited).unwrap_or(now);
                let taken = times.lock().unwrap_or_else(PoisonError::into_inner).place(seemingly_at, run_s);
                sound.send(CapturedSound { frame, captured_at: taken.at, stretch: taken.stretch });
            }
        };
        let mut has_complained = false;
        let on_error = move |error: cpal::Error| match error.kind() {
            ErrorKind::Xrun => {
                times.lock().unwrap_or_else(PoisonError::into_inner).interrupt();
                if !has_complained {
                    has_complained = true;
                    tracing::warn!("overload: some sound is lost");
                }
            }
            ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied => {}
            ErrorKind::DeviceNotAvailable => drop(failed.try_send("it is gone".into())),
            // A second failure finds the first one still there, and adds nothing.
            _ => drop(failed.try_send(error.to_string())),
        };
        let stream =
            device.build_input_stream_raw(config, written_as(format.kind), on_data, on_error, None)?;
        stream.play()?;
        Ok(Self { description: String::new(), failure, newest_at, _stream: stream })
    }

    /// Since when no samples have come.
    pub(super) fn silent_for(&self) -> Duration {
        self.newest_at.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

/// The microphones, the system's own choice first. Each is opened for a moment when it is asked for and not before.
fn attached() -> impl Iterator<Item = (cpal::Device, MicrophoneDescription)> {
    let host = cpal::default_host();
    let first = host.default_input_device();
    let first_id = first.as_ref().and_then(id_of);
    let others = host.input_devices().into_iter().flatten().filter(move |device| {
        let id = id_of(device);
        id != first_id && id.is_some_and(|id| is_a_device(&id))
    });
    first.into_iter().chain(others).filter_map(|device| {
        let id = id_of(&device)?;
        let name = device.description().map_or_else(|_| id.clone(), |it| it.name().to_owned());
        let (format, problem) = match format_of(&device, &name) {
            Ok(format) => (format.to_string(), None),
            Err(error @ (MicrophoneError::Busy { .. } | MicrophoneError::Denied { .. })) => {
                (String::new(), Some(error.to_string()))
            }
            // ALSA names a default on machines without any sound card, and loudspeakers as if they could listen.
            Err(_) => return None,
        };
        Some((device, MicrophoneDescription { id, name, format, problem }))
    })
}

/// Why none was found: ALSA does not see sound cards that it must not open.
fn none() -> MicrophoneError {
    let nodes = std::fs::read_dir("/dev/snd").into_iter().flatten().flatten();
    let denied = nodes.map(|node| node.path()).find(|path| {
        // Unlike those of its inputs, the control node of a card opens at once also while it is in use.
        path.to_string_lossy().contains("/controlC")
            && std::fs::File::open(path).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    });
    denied.map_or(MicrophoneError::None, |path| MicrophoneError::Denied {
        microphone: format!("the sound card ({})", path.display()),
    })
}

/// What cpal says, with the remedy.
fn in_words(error: &cpal::Error, microphone: &str) -> MicrophoneError {
    let microphone = microphone.to_owned();
    match error.kind() {
        ErrorKind::PermissionDenied => MicrophoneError::Denied { microphone },
        ErrorKind::DeviceBusy => MicrophoneError::Busy { microphone },
        _ => MicrophoneError::Failed { microphone, reason: error.to_string() },
    }
}

/// The sound card that ALSA's name for sharing it stands for: shared it keeps two runs of 21 ms, whatever is asked for, and
/// a machine that encodes loses many.
#[cfg(target_os = "linux")]
fn card_behind(id: &str) -> Option<cpal::Device> {
    let shared = alsa::PCM::new(id, alsa::Direction::Capture, true).ok()?;
    let info = shared.info().ok()?;
    let card = u32::try_from(info.get_card()).ok()?;
    let id = cpal::DeviceId::new(cpal::HostId::Alsa, format!("plughw:CARD={card},DEV={}", info.get_device()));
    drop(shared);
    cpal::default_host().device_by_id(&id)
}

#[cfg(not(target_os = "linux"))]
fn card_behind(_: &str) -> Option<cpal::Device> {
    None
}

fn id_of(device: &cpal::Device) -> Option<String> {
    device.id().ok().map(|id| id.id().to_owned())
}

/// Each sound card of ALSA's has a dozen names: kept is the one of each of its inputs that converts what has to be.
fn is_a_device(id: &str) -> bool {
    !cfg!(target_os = "linux")
        || id
            .strip_prefix("plughw:CARD=")
            .is_some_and(|card| !card.starts_with(|first: char| first.is_ascii_digit()))
}

fn format_of(device: &cpal::Device, name: &str) -> Result<Format, MicrophoneError> {
    let offered = device.supported_input_configs().map_err(|error| in_words(&error, name))?;
    let offers: Vec<_> = offered
        .filter_map(|range| {
            Some(Offer {
                channels: range.channels(),
                least_hz: range.min_sample_rate(),
                most_hz: range.max_sample_rate(),
                kind: kind_of(range.sample_format())?,
            })
        })
        .collect();
    choose(&offers).ok_or_else(|| MicrophoneError::Failed {
        microphone: name.to_owned(),
        reason: "it offers no samples that livedir can read".to_owned(),
    })
}

fn kind_of(format: SampleFormat) -> Option<SampleKind> {
    Some(match format {
        SampleFormat::F32 => SampleKind::F32,
        SampleFormat::I16 => SampleKind::I16,
        SampleFormat::I32 => SampleKind::I32,
        SampleFormat::U8 => SampleKind::U8,
        _ => return None,
    })
}

fn written_as(kind: SampleKind) -> SampleFormat {
    match kind {
        SampleKind::F32 => SampleFormat::F32,
        SampleKind::I16 => SampleFormat::I16,
        SampleKind::I32 => SampleFormat::I32,
        SampleKind::U8 => SampleFormat::U8,
    }
}

/// A run of samples as libav has it; none of an empty one.
fn frame_of(bytes: &[u8], format: Format) -> Option<ffmpeg::frame::Audio> {
    let (kind, sample_bytes) = match format.kind {
        SampleKind::F32 => (Sample::F32(Type::Packed), 4),
        SampleKind::I16 => (Sample::I16(Type::Packed), 2),
        SampleKind::I32 => (Sample::I32(Type::Packed), 4),
        SampleKind::U8 => (Sample::U8(Type::Packed), 1),
    };
    let samples = bytes.len() / (sample_bytes * usize::from(format.channels));
    let layout = ffmpeg::ChannelLayout::default(i32::from(format.channels));
    if samples == 0 || layout.is_empty() {
        return None;
    }
    let mut frame = ffmpeg::frame::Audio::new(kind, samples, layout);
    frame.set_rate(format.rate_hz);
    let length = samples * sample_bytes * usize::from(format.channels);
    frame.data_mut(0).get_mut(..length)?.copy_from_slice(&bytes[..length]);
    Some(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: ErrorKind, expected: &str) {
        let error = in_words(&kind.into(), "USB Webcam").to_string();
        assert!(error.starts_with(expected), "{error}");
    }

    #[test]
    fn who_keeps_a_microphone_from_being_heard_is_told_with_the_remedy() {
        check(ErrorKind::DeviceBusy, "USB Webcam is in use by another program; close it");
        check(ErrorKind::PermissionDenied, "no permission to open USB Webcam; ");
        check(ErrorKind::UnsupportedConfig, "USB Webcam cannot be used: ");
    }
}
