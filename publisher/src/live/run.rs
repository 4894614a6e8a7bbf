//! Run: one stream from its start to its end. All threads of a stream are started here.
//!
//! In: settings, and a request to stop. Out: files in the webroot, and regular reports for the status line. A thread ends when
//! the channel before it closes: when the source stops, all other threads end after it.

use std::io;
use std::panic::resume_unwind;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::captured::{Shows, SourceFormat};
use crate::cli::settings::{LiveSettings, SoundChoice};
use crate::copy::copier::Copier;
use crate::copy::line::CopyLine;
use crate::copy::slate_maker::SlateMaker;
use crate::encode::{EncodeError, EncodeSettings, trial};
use crate::grid::slate::OwnSlate;
use crate::grid::{self, PictureLines, SoundLine};
use crate::live::copy::{self, Attempt, Beginning, CopyOrder, HandOver};
use crate::live::inputs::{self, filtered, filtered_size, opener};
use crate::live::new_webroot;
use crate::live::plan::Stream;
use crate::live::told;
use crate::package::last_segment::LastSegment;
use crate::package::resume_point::ResumePoint;
use crate::package::segment_writer::SegmentError;
use crate::package::{self, Package};
use crate::packet::Encoded;
use crate::picture::filter::FilterError;
use crate::queue::capture::{self, CaptureSender};
use crate::queue::picture::{self, PictureReceiver, WhenLate};
use crate::queue::slate;
use crate::source::camera;
use crate::source::input::{Doors, Ports};
use crate::source::microphone::MicrophoneError;
use crate::source::slate::SlateFile;
use crate::source::still::Still;
use crate::source::{self, SourceError};
use livedir_layout::directory::Directory;
use livedir_layout::lock::LockError;
use livedir_layout::meters::Meters;
use livedir_layout::source_state::SourceState;
use livedir_time::stop::Stop;
use livedir_watcher::{Wake, WatchError, Watcher, WatcherSettings};

/// Packets that may wait for the segment thread: about 15 s of video and sound at the default settings. When a disk
/// does not respond for longer, encoder and grid thread wait, and the capture queue drops frames.
const PACKETS: usize = 1024;

/// The same for a file that is copied as fast as possible: it comes in batches of some seconds.
const BATCHES: usize = 4;

/// How often the status line is brought up to date.
const STATUS_EVERY: Duration = Duration::from_millis(500);

/// Why a stream could not begin, or ended early. One line with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The webroot cannot be locked.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The source cannot be used at the start.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The microphone cannot be used at the start.
    #[error(transparent)]
    Microphone(#[from] MicrophoneError),
    /// The source has sound alone, and that is not wanted.
    #[error("{0} has no video, and --no-sound leaves its sound out; leave --no-sound out")]
    NothingLeft(String),
    /// The source has sound alone, and several sizes of a picture are wanted.
    #[error(
        "{0} has sound alone, and --ladder makes several sizes of a picture; leave --ladder out, or add --picture FILE"
    )]
    LadderOfSound(String),
    /// The disk has too little free space.
    #[error(
        "the disk of {webroot} has {free} free, this stream needs up to {needed}; \
         free some space there, or lower --window or --bitrate"
    )]
    DiskFull {
        /// The webroot.
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

/// Streams until the source ends or the stop is requested. All threads of a stream are started here, with these
/// exceptions: cameras, inputs and microphones are read by a thread of their own, which can be abandoned when a driver
/// or libav hangs, and RTMP has one thread that accepts connections, and one for each client.
///
/// `on_status` is called twice a second on the caller's thread.
pub fn run(
    settings: &LiveSettings,
    stop: &Stop,
    meters: &Arc<Meters>,
    on_status: impl FnMut(&Stream, &Meters),
) -> Result<(), RunError> {
    let doors = Doors::new(settings.takeover, Ports::default());
    run_behind(settings, &doors, stop, meters, on_status)
}

/// The same, where encoders come in at these doors.
pub(crate) fn run_behind(
    settings: &LiveSettings,
    doors: &Doors,
    stop: &Stop,
    meters: &Arc<Meters>,
    mut on_status: impl FnMut(&Stream, &Meters),
) -> Result<(), RunError> {
    let hand_over = HandOver::default();
    run_once(settings, &Beginning::default(), &hand_over, doors, stop, meters, &mut on_status)?;
    match hand_over.beginning() {
        Some(beginning) if !stop.is_requested() => {
            let encoding = LiveSettings { copy: None, ..settings.clone() };
            run_once(&encoding, &beginning, &HandOver::default(), doors, stop, meters, &mut on_status)
        }
        _ => Ok(()),
    }
}

/// The same, until it has to be gone on with in another way.
fn run_once(
    settings: &LiveSettings,
    beginning: &Beginning,
    hand_over: &HandOver,
    doors: &Doors,
    stop: &Stop,
    meters: &Arc<Meters>,
    on_status: &mut impl FnMut(&Stream, &Meters),
) -> Result<(), RunError> {
    let (directory, mut new_webroot, guard) = new_webroot::take(&settings.webroot)?;
    announce(settings, meters);
    let Some((still, mut slate)) = unless_stopped(inputs::given(settings, stop), stop)? else {
        return Ok(());
    };
    let (mut captured_tx, captured_rx) = capture::channel(meters.clone());
    let (microphone, no_microphone) = inputs::microphone(settings, &mut captured_tx)?;
    let (opened_tx, opened_rx) = mpsc::sync_channel(1);
    let (ended_tx, ended_rx) = mpsc::channel::<()>();

    thread::scope(|scope| {
        let _stop_all = StopOnDrop(stop, hand_over);
        // Belongs to this scope: when the run is given up, this end is dropped, and that wakes the source thread.
        let (copy_order_tx, copy_order_rx) = mpsc::sync_channel(1);
        let reading = spawn(scope, "source", move || {
            match copy::attempt(settings, doors, stop, &opened_tx) {
                Attempt::Copies(source) => source.run(&opened_tx, &copy_order_rx, hand_over, stop, meters),
                Attempt::Encodes => {
                    let source = opener(settings, beginning.first_film, doors, stop);
                    capture_all(source, &opened_tx, &captured_tx, stop, meters)
                }
                Attempt::Fails => Ok(()),
            }
            .map_err(RunError::from)
        })?;
        let Ok(source) = opened_rx.recv() else { return Ok(()) };
        let Some(source) = unless_stopped(source, stop)? else { return Ok(()) };
        let awaits_picture = source.shows == Shows::Pictures;
        let source = streamed(settings, source, microphone.is_some(), still.as_ref(), meters)?;
        let stream = planned(settings, &source, beginning)?;
        new_webroot.keep(settings.is_channel);
        hand_over.note_promise(stream.promise());
        let of_renditions = meters_of(&stream, meters);
        let watcher =
            Watcher::start(&watcher_settings(settings, &stream), &of_renditions)?.guarded(guard.clone());
        let first_number = watcher.next_segment_number();
        let before = last_segments(&*directory, settings, &stream, first_number);
        let resume_point = Arc::new(ResumePoint::after(before.iter().flatten().cloned().collect()));
        let finish = Arc::new(FinishOnDrop(watcher.waker(), hand_over));
        told::tell(settings, &source, &stream, first_number, no_microphone.as_ref());
        let mut packages = Vec::new();
        let mut stages = Vec::new();
        for ((rendition, meters), last) in stream.renditions.iter().zip(&of_renditions).zip(before) {
            let (packets_tx, packets_rx) = mpsc::sync_channel(most_waiting(settings, &stream));
            packages.push(packets_tx);
            let package = Package {
                directory: directory.clone(),
                numbers: watcher.numbers(),
                guard: guard.clone(),
                live_directory: rendition.live_directory(&settings.webroot),
                first_number,
                media: rendition.media.clone(),
                lengths: stream.lengths(rendition),
                video_ahead_90k: stream.video_ahead_90k(),
                in_step: stream.is_ladder(),
                counters: last.map_or_else(Vec::new, |last| last.counters),
                resume_point: resume_point.clone(),
            };
            let (meters, finish) = (meters.clone(), finish.clone());
            stages.push(spawn(scope, "segment", move || {
                let _finish = finish;
                package::run(&packets_rx, &package, &meters).map_err(RunError::from)
            })?);
        }
        drop(finish);
        if let Some(plan) = stream.copied
            && let Some(packets) = packages.pop()
        {
            let copier = Copier::new(packets, plan.lengths, stop, meters).with_parts(stream.part_target_90k);
            let maker = plan.slate.map(|_| SlateMaker::new(settings.slate_settings(), slate.take()));
            copy_by(scope, CopyLine::new(copier, plan.slate, meters), maker, &copy_order_tx)?;
        }
        let sound = sound_line(&stream, packages.last());
        let mut rungs = Vec::new();
        for (encode, packets) in stream.rungs.iter().zip(packages) {
            let name = format!("{}x{}", encode.width, encode.height);
            let when_late = when_late(&stream, encode);
            let (shown_tx, shown_rx) = picture::channel(encode.fps, when_late, &name, meters.clone());
            rungs.push(shown_tx);
            let encode = encode.clone();
            stages.push(spawn(scope, &name, move || rung(&shown_rx, &encode, &packets))?);
        }
        if stream.copied.is_none() {
            let slate = own_slate(scope, settings, &stream, slate, microphone.is_none())?;
            let still = filtered(settings, still)?;
            let pictures = PictureLines { rungs, still, slate, awaits_picture };
            let grid = stream.grid.clone();
            stages.push(spawn(scope, "grid", move || {
                let _stop_source = StopOnDrop(stop, hand_over);
                grid::run(&captured_rx, &grid, pictures, sound, meters).map_err(RunError::from)
            })?);
        }
        stages.push(spawn(scope, "watcher", move || {
            let _stop_source = StopOnDrop(stop, hand_over);
            let _ended = ended_tx;
            watcher.run().map_err(RunError::from)
        })?);

        while let Err(mpsc::RecvTimeoutError::Timeout) = ended_rx.recv_timeout(STATUS_EVERY) {
            on_status(&stream, meters);
        }
        join_all(stages.into_iter().chain([reading]))
    })
}

/// Waits for all, and returns the first error of this list: the stages before it in the pipeline fail because of it. What was left of the
/// source comes last.
fn join_all<'scope>(
    stages: impl Iterator<Item = thread::ScopedJoinHandle<'scope, Result<(), RunError>>>,
) -> Result<(), RunError> {
    let ended = stages.map(|stage| stage.join().unwrap_or_else(|panic| resume_unwind(panic)));
    ended.collect::<Vec<_>>().into_iter().collect()
}

/// Hands what comes to the grid, until the source ends.
fn capture_all(
    source: source::Opener<'_>,
    outcome: &mpsc::SyncSender<Result<SourceFormat, SourceError>>,
    captured: &CaptureSender,
    stop: &Stop,
    meters: &Meters,
) -> Result<(), SourceError> {
    source::run(source, outcome, |piece| captured.send(piece), || captured.note_alive(), stop, meters)
}

/// What is made of the source, if this machine can make it.
fn planned(
    settings: &LiveSettings,
    source: &SourceFormat,
    beginning: &Beginning,
) -> Result<Stream, RunError> {
    let mut stream = settings.stream(source, filtered_size(settings, source)?);
    stream.keep(beginning.promise);
    stream.rungs.iter().try_for_each(trial::check)?;
    room_for(settings, &stream)?;
    Ok(stream)
}

/// One rendition of several must not hold up the others.
fn when_late(stream: &Stream, encode: &EncodeSettings) -> WhenLate {
    if stream.is_ladder() {
        WhenLate::LeaveOut { segment_frames: encode.segment_frames }
    } else {
        WhenLate::Wait
    }
}

/// How many messages of packets may wait for the segment thread.
fn most_waiting(settings: &LiveSettings, stream: &Stream) -> usize {
    if settings.fast && stream.copied.is_some() { BATCHES } else { PACKETS }
}

/// What viewers may know before the source is open.
fn announce(settings: &LiveSettings, meters: &Meters) {
    meters.set_title(settings.shown_title(camera::is_any));
    meters.set_source(SourceState::Awaited, "the source is being opened");
}

/// The error of a rendition is logged at once: the other renditions continue.
fn rung(
    shown: &PictureReceiver,
    settings: &EncodeSettings,
    packets: &mpsc::SyncSender<Encoded>,
) -> Result<(), RunError> {
    crate::encode::rung::run(shown, settings, packets).map_err(|error| {
        tracing::error!(%error, width = settings.width, height = settings.height, "rendition stopped");
        error.into()
    })
}

/// What was being opened when the stop came is no error.
fn unless_stopped<T>(opened: Result<T, SourceError>, stop: &Stop) -> Result<Option<T>, SourceError> {
    match opened {
        Err(_) if stop.is_requested() => Ok(None),
        opened => opened.map(Some),
    }
}

/// The last segment of each rendition, as earlier runs left it.
fn last_segments(
    disk: &dyn Directory,
    settings: &LiveSettings,
    stream: &Stream,
    next_number: u64,
) -> Vec<Option<LastSegment>> {
    let find = |rendition| LastSegment::find(disk, &settings.webroot, rendition, next_number);
    stream.renditions.iter().map(find).collect()
}

/// Without a ladder, sound goes into the segments of the only rendition; with a ladder, into segments of its own.
fn sound_line(stream: &Stream, last: Option<&mpsc::SyncSender<Encoded>>) -> Option<SoundLine> {
    let (audio_bps, packets) = stream.audio_bps.zip(last.cloned())?;
    Some(SoundLine { audio_bps, is_alone: stream.is_ladder() || stream.rungs.is_empty(), packets })
}

/// What is copied goes this way to the packager; a slate that stands in for it has two threads, which end with the source: one makes it,
/// the other shows it.
fn copy_by<'scope, 'env>(
    scope: &'scope thread::Scope<'scope, 'env>,
    line: CopyLine<'env>,
    maker: Option<SlateMaker>,
    order: &mpsc::SyncSender<CopyOrder<'env>>,
) -> Result<(), RunError> {
    let line = Arc::new(line);
    if let Some(mut maker) = maker {
        let (showing, making) = (line.clone(), line.clone());
        spawn(scope, "slate", move || showing.stand_in())?;
        spawn(scope, "slate maker", move || making.make_slates(&mut maker))?;
    }
    // This fails if the source thread has ended. Then there are no packets to send.
    order.send(line).unwrap_or_else(|mpsc::SendError(line)| line.end());
    Ok(())
}

/// The picture or film that the user gave; a film plays on a thread of its own, which ends with the grid. `has_room`: its sound takes
/// the place of nothing else that is heard.
fn own_slate<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    settings: &LiveSettings,
    stream: &Stream,
    given: Option<SlateFile>,
    has_room: bool,
) -> Result<Option<OwnSlate>, RunError> {
    let Some(SlateFile { picture, film }) = given else { return Ok(None) };
    let film = film.map(|mut film| {
        film.is_heard = has_room && settings.sound != SoundChoice::Silent;
        let (sender, receiver) = slate::channel(stream.grid.fps);
        spawn(scope, "slate", move || film.run(&sender)).map(|_| receiver)
    });
    Ok(Some(OwnSlate { picture: Arc::new(picture), film: film.transpose()? }))
}

/// What is streamed of the source: with the sound of a microphone, with the picture that the user gave where it has none, or with
/// neither. What was asked for may need a picture, or sound.
fn streamed(
    settings: &LiveSettings,
    source: SourceFormat,
    has_microphone: bool,
    still: Option<&Still>,
    meters: &Meters,
) -> Result<SourceFormat, RunError> {
    let has_sound = settings.sound != SoundChoice::Silent && (has_microphone || source.has_sound);
    let source = SourceFormat { has_sound, ..source };
    let source = match still {
        Some(Still { format, .. }) if source.shows == Shows::Nothing => SourceFormat {
            shows: format.shows,
            width: format.width,
            height: format.height,
            colours: format.colours,
            ..source
        },
        _ => source,
    };
    match source.shows {
        Shows::Nothing if !has_sound => Err(RunError::NothingLeft(source.description)),
        Shows::Nothing if settings.ladder.is_some() => Err(RunError::LadderOfSound(source.description)),
        Shows::Nothing => {
            meters.set_title(settings.shown_title_of_sound());
            Ok(source)
        }
        Shows::Pictures | Shows::Still => Ok(source),
    }
}

/// The first rendition uses the stream's own counters; each other rendition has counters of its own.
fn meters_of(stream: &Stream, meters: &Arc<Meters>) -> Vec<Arc<Meters>> {
    let others = std::iter::repeat_with(Arc::<Meters>::default);
    std::iter::once(meters.clone()).chain(others).take(stream.renditions.len()).collect()
}

/// The last packager that ends tells the watcher to finish. If the watcher has ended, it has reported its error itself.
struct FinishOnDrop<'a>(mpsc::Sender<Wake>, &'a HandOver);

impl Drop for FinishOnDrop<'_> {
    fn drop(&mut self) {
        let _ = self.0.send(if self.1.is_wished() { Wake::HandOver } else { Wake::Finish });
    }
}

/// A stage that ends, with or without an error, stops the source; the stages after it end when their channels close. Where another run
/// goes on, the source has ended by itself.
struct StopOnDrop<'a>(&'a Stop, &'a HandOver);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        if !self.1.is_wished() {
            self.0.request();
        }
    }
}

fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    stage: &str,
    body: impl FnOnce() -> T + Send + 'scope,
) -> Result<thread::ScopedJoinHandle<'scope, T>, RunError> {
    // What is logged there is of the same stream.
    let span = tracing::Span::current();
    let body = move || span.in_scope(body);
    thread::Builder::new().name(stage.to_owned()).spawn_scoped(scope, body).map_err(RunError::Thread)
}

fn watcher_settings(settings: &LiveSettings, stream: &Stream) -> WatcherSettings {
    WatcherSettings {
        webroot: settings.webroot.clone(),
        renditions: stream.renditions.clone(),
        target_duration_s: stream.target_duration_s,
        window_segments: settings.window_segments,
        part_target_90k: stream.part_target_90k,
        end_list: settings.end_list,
    }
}

/// A disk that is too small for the stream is reported before anything is written.
fn room_for(settings: &LiveSettings, stream: &Stream) -> Result<(), RunError> {
    let needed = stream.bytes_on_disk(settings.window_segments);
    match fs4::available_space(&settings.webroot) {
        Ok(free) if free < needed => Err(RunError::DiskFull {
            webroot: settings.webroot.display().to_string(),
            free: indicatif::HumanBytes(free).to_string(),
            needed: indicatif::HumanBytes(needed).to_string(),
        }),
        Ok(_) => Ok(()),
        Err(error) => {
            tracing::warn!(%error, "free space on the disk of the webroot is unknown");
            Ok(())
        }
    }
}
