//! From a camera to a live playlist on disk. The modules stand in the order of the data:
//!
//! ```text
//!  camera ─┐                                                        webroot/live/seg-00000042.ts
//!  file  ──┼─▶ source ─▶ capture queue ─▶ frame clock ─▶ encoder ─▶ interleaver ─▶ segmenter ─┘  │ notify
//!  URL   ──┤             newest wins      sound clock    H.264,     picture and    muxer         ▼
//!  test  ──┘                              steady grid    AAC        sound in line           watcher ─▶ probe ─▶ window
//!                                                                                              │         from bytes
//!  ─ source thread ─┘└──────── encode thread ─────────┘└─ segment thread ─┘                    ▼
//!                                                        └─ watcher thread: webroot/stream.m3u8, retention, status.json
//! ```
//!
//! Nothing but files passes from the segment thread to the watcher thread: any other encoder could stand there.

pub mod args;
pub mod config;
pub mod settings;

pub mod lock;
pub mod meters;
pub mod stop;

pub mod source;

pub mod capture_queue;

pub mod frame_clock;
pub mod sound_clock;

pub mod canvas;
pub mod filter;
pub mod overlay;
pub mod scaler;
pub mod slate;

pub mod encoder;

pub mod interleaver;
pub mod part_cutter;
pub mod segmenter;

pub mod muxer;
mod natural;
pub mod packager;
pub mod segment_file;
pub mod segment_name;

pub mod watch;
pub mod watcher;

pub mod probe;

pub mod playlist_file;
pub mod retention;
pub mod status;

pub mod check;
pub mod devices;
pub mod inspect;
pub mod terminal;

use std::io;
use std::panic::resume_unwind;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use encoder::{EncodeError, EncodeSettings};
use filter::FilterError;
use lock::{LockError, WebrootLock};
use meters::Meters;
use segment_file::SegmentError;
use settings::{LiveSettings, SourceChoice};
use source::camera::{self, CameraSelector, CameraWish};
use source::input::{self, InputSettings};
use source::test_pattern::TestPattern;
use source::{Opener, Source, SourceError};
use stop::Stop;
use watcher::{Wake, WatchError, Watcher, WatcherSettings};

/// Packets that may wait for the segment thread: about 15 s of picture and sound at the default settings. When a disk
/// hangs for longer, the encode thread waits, and the capture queue drops.
const PACKETS: usize = 1024;

/// How often the status line is brought up to date.
const STATUS_EVERY: Duration = Duration::from_millis(500);

/// Why a stream could not begin, or ended early. One line with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The webroot.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The source, at the start.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The disk.
    #[error(
        "the disk of {webroot} has {free} free, this stream needs up to {needed}; \
         free some space there, or lower --window or --bitrate"
    )]
    DiskFull {
        /// Where it was to go.
        webroot: String,
        /// Bytes that are free, for people.
        free: String,
        /// Bytes that are needed, for people.
        needed: String,
    },
    /// The filters.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// The encoders.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The segment files.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// The watcher.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// The system has no thread to give.
    #[error("cannot start a thread: {0}; close other programs, or raise the limit of processes")]
    Thread(io::Error),
}

/// Streams until the source ends or the stop is requested. All threads of a stream are started here and nowhere else,
/// but for two: cameras and inputs are read by a thread of their own that can be abandoned when a driver or libav hangs.
///
/// `on_status` is called twice a second on the caller's thread.
pub fn run(
    settings: &LiveSettings,
    stop: &Stop,
    meters: &Arc<Meters>,
    mut on_status: impl FnMut(&EncodeSettings, &Meters),
) -> Result<(), RunError> {
    let _lock = WebrootLock::take(&settings.webroot)?;
    let (captured_tx, captured_rx) = capture_queue::channel(meters.clone());
    let (opened_tx, opened_rx) = mpsc::sync_channel(1);
    let (encoded_tx, encoded_rx) = mpsc::sync_channel(PACKETS);
    let (ended_tx, ended_rx) = mpsc::channel::<()>();

    thread::scope(|scope| {
        let _stop_all = StopOnDrop(stop);
        spawn(scope, "source", move || {
            source::run(opener(settings, stop), &opened_tx, &captured_tx, stop, meters);
        })?;
        let Ok(source) = opened_rx.recv() else { return Ok(()) };
        let source = source?;
        let filtered = filter::try_out(&settings.filter, (source.width, source.height), settings.fps)?;
        let stream = settings.encode_settings(&source, filtered);
        encoder::trial::check(&stream)?;
        room_for(settings)?;
        let watcher = Watcher::start(watcher_settings(settings), meters.clone())?;
        let first_number = watcher.next_segment_number();
        let finish_watcher = watcher.waker();
        tracing::info!(?settings, ?stream, first_number, "on air");

        let encode = spawn(scope, "encode", {
            let stream = stream.clone();
            move || {
                let _stop_source = StopOnDrop(stop);
                encoder::run(&captured_rx, &stream, &encoded_tx, meters)
            }
        })?;
        let segment = spawn(scope, "segment", move || {
            let live = settings.webroot.join("live");
            let ended = packager::run(&encoded_rx, &live, first_number, settings.lengths(), meters);
            // A watcher that is gone has told why itself.
            let _ = finish_watcher.send(Wake::Finish);
            ended
        })?;
        let watch = spawn(scope, "watcher", move || {
            let _stop_source = StopOnDrop(stop);
            let _ended = ended_tx;
            watcher.run()
        })?;

        while let Err(mpsc::RecvTimeoutError::Timeout) = ended_rx.recv_timeout(STATUS_EVERY) {
            on_status(&stream, meters);
        }
        encode.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        segment.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        watch.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        Ok(())
    })
}

/// A stage that ends, well or not, stops the source; the stages after it end as their channels close.
struct StopOnDrop<'a>(&'a Stop);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.request();
    }
}

fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    stage: &str,
    body: impl FnOnce() -> T + Send + 'scope,
) -> Result<thread::ScopedJoinHandle<'scope, T>, RunError> {
    thread::Builder::new().name(stage.to_owned()).spawn_scoped(scope, body).map_err(RunError::Thread)
}

fn watcher_settings(settings: &LiveSettings) -> WatcherSettings {
    WatcherSettings {
        webroot: settings.webroot.clone(),
        target_duration_s: settings.target_duration_s(),
        window_segments: settings.window_segments,
        part_target_90k: settings.part_target_90k(),
        end_list: settings.end_list,
    }
}

/// A disk that cannot hold the stream is told before anything is written.
fn room_for(settings: &LiveSettings) -> Result<(), RunError> {
    let needed = settings.bytes_on_disk();
    match fs4::available_space(&settings.webroot) {
        Ok(free) if free < needed => Err(RunError::DiskFull {
            webroot: settings.webroot.display().to_string(),
            free: indicatif::HumanBytes(free).to_string(),
            needed: indicatif::HumanBytes(needed).to_string(),
        }),
        Ok(_) => Ok(()),
        Err(error) => {
            tracing::warn!(%error, "cannot tell how much room the disk of the webroot has");
            Ok(())
        }
    }
}

fn opener<'a>(settings: &'a LiveSettings, stop: &'a Stop) -> Opener<'a> {
    let (width, height) = settings.wished_size();
    let fps = settings.fps;
    let test = move || Ok(Box::new(TestPattern::new(width, height, fps)) as Box<dyn Source>);
    let wish = CameraWish { width, height, fps, exact: settings.size.is_some() };
    let open_camera = move |selector: &CameraSelector| {
        camera::open(selector, &wish)
            .map(|camera| Box::new(camera) as Box<dyn Source>)
            .map_err(SourceError::from)
    };
    match &settings.source {
        SourceChoice::FirstCameraOrTest if !camera::is_any() => {
            tracing::warn!("no camera found; streaming the test pattern");
            Box::new(test)
        }
        SourceChoice::FirstCameraOrTest => Box::new(move || open_camera(&CameraSelector::First)),
        SourceChoice::Camera(selector) => Box::new(move || open_camera(selector)),
        SourceChoice::Test => Box::new(test),
        SourceChoice::Input(address) => {
            let input = InputSettings {
                address: address.clone(),
                loop_forever: settings.loop_forever,
                stop: stop.flag(),
            };
            Box::new(move || Ok(Box::new(input::open(&input)?) as Box<dyn Source>))
        }
    }
}
