//! Demuxer: the thread that reads the file or stream ahead.
//!
//! In: an address. Out: rounds (what the streams are) and their packets, in a bounded queue. libav blocks as long as it
//! likes (a name server, a silent pipe, a dead network disk), therefore it has this thread to itself, and its caller
//! never waits for more than it wants to. What the thread does stands in [`super::demux::thread`]. When the [`Demuxer`] is
//! dropped it waits for the thread, but a thread that is stuck in the system is left behind and ends when the system
//! lets go of it.

pub(crate) mod entry;
mod names;
pub(crate) mod packet_queue;
mod sound;
pub(crate) mod streams;
pub(crate) mod thread;
pub(crate) mod untimed;
pub(crate) mod watched_bytes;

use super::InputSettings;
use super::decode::StreamSetup;
use super::demux::packet_queue::{Extent, PacketQueue};
use super::demux::thread::DemuxThread;
use super::demux::untimed::Rate;
use super::error::InputError;
use super::pace::timeline::{Beside, Lane};
use crate::source::rtmp::Door;
use ffmpeg_next as ffmpeg;
use ffmpeg_next::{Packet, format};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tracing::{debug, warn};

/// The stop flag tells nobody that it was set, so nobody sleeps for longer.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// If libav cannot listen, it says so within this time.
pub(crate) const AT_ONCE: Duration = Duration::from_millis(300);
/// A damaged packet may say anything: so few that say that they are scrambled are damage.
pub(crate) const MOST_STRAY: u64 = 8;
/// How long a dropped demuxer waits for its thread.
const FAREWELL: Duration = Duration::from_secs(1);

/// Where the media comes from, and what it takes to get there.
#[derive(Clone)]
pub(crate) enum Origin {
    /// The address is opened, by name.
    Address,
    /// libav listens at this address, for as long as it takes.
    Listening(String),
    /// Somebody comes through our own door.
    Door(Arc<Door>),
}

/// One passage through the input, as the demuxer found it.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Round {
    pub(crate) picture: Option<StreamSetup>,
    /// There is none, and one may yet come: then another round begins.
    pub(crate) picture_may_come: bool,
    pub(crate) sound: Option<StreamSetup>,
    /// The source sends in real time, as far as can be told: it is no file, and nobody knows how long it is.
    pub(crate) live: bool,
    /// It is live, but comes a whole segment at a time: when something arrives tells nothing about the source's clock.
    pub(crate) in_bursts: bool,
    /// Its frames have no timestamps, and this is their rate.
    pub(crate) untimed: Option<Rate>,
    /// Bits a second as the container says or libav guesses; 0 where neither knows.
    pub(crate) bps: u64,
    /// How long it is, as libav guesses; 0 where it does not know.
    pub(crate) length_s: u64,
    /// A long time between two packets is one, and no jump of the timestamps.
    pub(crate) keeps_holes: bool,
    /// Which film of a list it is, from 0: others follow, with sound or without.
    pub(crate) of_list: Option<usize>,
    /// The sound is none that can be copied, and the track with this number, counted from 1, is.
    pub(crate) sound_to_copy: Option<usize>,
    pub(crate) description: String,
}

/// What stands in a lane.
pub(crate) enum Queued {
    Packet {
        packet: Packet,
        /// When it came; nothing if the source was kept waiting before it.
        arrived: Option<Instant>,
        /// What had been read of the other lane when it came.
        beside: Beside,
    },
    /// What the packets that follow are to be decoded with: the stream's head came late, or another one came.
    Setup(Box<StreamSetup>),
    /// The source was taken to deliver in real time, and delivers faster.
    RunsAhead,
    RoundEnd,
}

/// How the reading ended.
#[derive(Debug, Clone)]
pub(crate) enum Ending {
    Over,
    Failed(InputError),
}

/// What the two threads share, whole between any two statements.
pub(crate) struct Queue {
    pub(crate) rounds: VecDeque<Round>,
    pub(crate) packets: PacketQueue<Queued>,
    pub(crate) ending: Option<Ending>,
    pub(crate) thread_done: bool,
    seen: Seen,
    /// Threads that sleep until something changes: to wake nobody costs as much as to wake somebody.
    sleepers: usize,
    /// Of these, those that no single packet is to wake.
    patient_sleepers: usize,
}

/// Counts what the thread has done, so that nothing happens unseen between a look and a sleep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    packets: u64,
    /// All else: rounds, ends.
    news: u64,
}

/// The queue, and what wakes and stops those who wait for it.
pub(crate) struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    pub(crate) watchdog: Watchdog,
    /// Packets of MPEG-TS that are scrambled, of what is played, as far as that is known.
    pub(crate) scrambled: AtomicU64,
}

/// Asked by libav, again and again, whether to give up.
pub(crate) struct Watchdog {
    started: Instant,
    /// Milliseconds after `started`; `u64::MAX`: wait for ever.
    deadline_ms: AtomicU64,
    timed_out: AtomicBool,
    closed: AtomicBool,
    stop: Arc<AtomicBool>,
}

impl Watchdog {
    pub(crate) fn arm(&self, patience: Option<Duration>) {
        let deadline_ms =
            patience.map_or(u64::MAX, |span| (self.started.elapsed() + span).as_millis() as u64);
        self.deadline_ms.store(deadline_ms, Ordering::Relaxed);
    }

    pub(crate) fn stopped(&self) -> bool {
        self.closed.load(Ordering::Relaxed) || self.stop.load(Ordering::Relaxed)
    }

    pub(crate) fn timed_out(&self) -> bool {
        self.timed_out.load(Ordering::Relaxed)
    }

    pub(crate) fn barks(&self) -> bool {
        if self.started.elapsed().as_millis() as u64 >= self.deadline_ms.load(Ordering::Relaxed) {
            self.timed_out.store(true, Ordering::Relaxed);
        }
        self.stopped() || self.timed_out()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn change(&self, by: impl FnOnce(&mut Queue)) {
        let mut queue = self.lock();
        by(&mut queue);
        queue.seen.news += 1;
        self.wake(queue);
    }

    /// A packet has been read.
    pub(crate) fn push(&self, lane: Lane, mut queued: Queued, extent: Extent) {
        let mut queue = self.lock();
        if let Queued::Packet { beside: beside @ Beside::Unknown, .. } = &mut queued {
            *beside = queue.packets.beside(lane);
        }
        queue.packets.push(lane, queued, extent);
        queue.seen.packets += 1;
        if queue.sleepers > queue.patient_sleepers || queue.packets.is_plenty() {
            self.wake(queue);
        }
    }

    /// Lets go of the queue and wakes who sleeps.
    fn wake(&self, queue: MutexGuard<'_, Queue>) {
        let is_awaited = queue.sleepers > 0;
        drop(queue);
        if is_awaited {
            self.changed.notify_all();
        }
    }

    /// Sleeps until something changes, but not for longer than `span`.
    fn sleep<'a>(&self, mut queue: MutexGuard<'a, Queue>, span: Duration) -> MutexGuard<'a, Queue> {
        queue.sleepers += 1;
        let mut queue = self.changed.wait_timeout(queue, span).unwrap_or_else(PoisonError::into_inner).0;
        queue.sleepers -= 1;
        queue
    }

    /// Waits until there is room; true if that took time.
    pub(crate) fn wait_for_room(&self) -> bool {
        let mut queue = self.lock();
        let mut waited = false;
        while queue.packets.is_full() && !self.watchdog.stopped() {
            waited = true;
            queue = self.sleep(queue, TICK);
        }
        waited
    }
}

/// The reading end of the queue; owns the thread.
pub(crate) struct Demuxer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Demuxer {
    /// Starts the thread.
    pub(crate) fn start(settings: &InputSettings, origin: Origin) -> Result<Self, InputError> {
        init_libav();
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue {
                rounds: VecDeque::new(),
                packets: PacketQueue::new(),
                ending: None,
                thread_done: false,
                seen: Seen::default(),
                sleepers: 0,
                patient_sleepers: 0,
            }),
            changed: Condvar::new(),
            watchdog: Watchdog {
                started: Instant::now(),
                deadline_ms: AtomicU64::new(u64::MAX),
                timed_out: AtomicBool::new(false),
                closed: AtomicBool::new(false),
                stop: settings.stop.clone(),
            },
            scrambled: AtomicU64::new(0),
        });
        let reader = DemuxThread {
            address: settings.address.clone(),
            origin,
            first_film: settings.first_film,
            loop_forever: settings.loop_forever,
            untimed_fps: settings.untimed_fps,
            sound_alone: settings.sound_alone,
            tracks: settings.tracks.clone(),
            shared: shared.clone(),
        };
        // What is logged there is of the same stream.
        let span = tracing::Span::current();
        let body = move || span.in_scope(|| reader.run());
        let thread = std::thread::Builder::new().name("demuxer".to_owned()).spawn(body);
        let thread = thread.map_err(|error| InputError::NoThread {
            name: settings.address.to_string(),
            reason: error.to_string(),
        })?;
        Ok(Demuxer { shared, thread: Some(thread) })
    }

    pub(crate) fn stopped(&self) -> bool {
        self.shared.watchdog.stopped()
    }

    /// How many packets of MPEG-TS of what is played were scrambled so far; 0 where that is not known. A few are damage.
    pub(crate) fn scrambled(&self) -> u64 {
        let packets = self.shared.scrambled.load(Ordering::Relaxed);
        if packets > MOST_STRAY { packets } else { 0 }
    }

    pub(crate) fn next_round(&self) -> Option<Round> {
        self.shared.lock().rounds.pop_front()
    }

    pub(crate) fn pop(&self, lane: Lane) -> Option<Queued> {
        let mut queue = self.shared.lock();
        let popped = queue.packets.pop(lane);
        if popped.is_some() {
            self.shared.wake(queue);
        }
        popped
    }

    /// All that a lane holds of this round, at once: cheaper where nothing is decoded between one packet and the next.
    pub(crate) fn take(&self, lane: Lane, taken: &mut VecDeque<Queued>) {
        let mut queue = self.shared.lock();
        let before = taken.len();
        while let Some(queued) = queue.packets.pop(lane) {
            let is_end = matches!(queued, Queued::RoundEnd);
            taken.push_back(queued);
            if is_end {
                break;
            }
        }
        if taken.len() > before {
            self.shared.wake(queue);
        }
    }

    pub(crate) fn ending(&self) -> Option<Ending> {
        self.shared.lock().ending.clone()
    }

    /// Whether nothing more will come before something is taken.
    pub(crate) fn has_read_enough(&self) -> bool {
        let queue = self.shared.lock();
        queue.packets.is_full() || queue.ending.is_some()
    }

    /// How much has happened so far; for [`Demuxer::wait`].
    pub(crate) fn changes(&self) -> Seen {
        self.shared.lock().seen
    }

    /// Sleeps until more has happened than `seen`, until `deadline`, or for one [`TICK`].
    pub(crate) fn wait(&self, seen: Seen, deadline: Instant) {
        let span = deadline.saturating_duration_since(Instant::now()).min(TICK);
        let queue = self.shared.lock();
        if queue.seen != seen {
            return;
        }
        drop(self.shared.sleep(queue, span));
    }

    /// The same, but until there is plenty, or something other than a packet: for whom packets come early enough, and who wants
    /// many at once.
    pub(crate) fn wait_for_plenty(&self, seen: Seen, deadline: Instant) {
        let span = deadline.saturating_duration_since(Instant::now()).min(TICK);
        let mut queue = self.shared.lock();
        if queue.seen.news != seen.news || queue.packets.is_plenty() {
            return;
        }
        queue.patient_sleepers += 1;
        let mut queue = self.shared.sleep(queue, span);
        queue.patient_sleepers -= 1;
    }
}

impl Drop for Demuxer {
    fn drop(&mut self) {
        self.shared.watchdog.closed.store(true, Ordering::Relaxed);
        self.shared.changed.notify_all();
        let deadline = Instant::now() + FAREWELL;
        let mut queue = self.shared.lock();
        while !queue.thread_done && Instant::now() < deadline {
            queue = self.shared.sleep(queue, TICK);
        }
        let done = queue.thread_done;
        drop(queue);
        match self.thread.take() {
            Some(thread) if done => drop(thread.join()),
            _ => debug!("the demuxer is stuck in a system call; its thread is abandoned"),
        }
    }
}

/// Readies libav, once. What it would print goes nowhere: it knows neither our log nor our status line, and its codes
/// come back to us as errors.
pub(crate) fn init_libav() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Err(error) = ffmpeg::init() {
            warn!(%error, "FFmpeg failed to initialise");
        }
        format::network::init();
        ffmpeg::log::set_level(ffmpeg::log::Level::Quiet);
    });
}
