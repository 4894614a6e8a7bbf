//! World: the directory and the clock of a simulated program. Time passes with each call and with each wait; what is due then
//! happens, in the middle of whatever the program does.
//!
//! In: calls of the watcher. Out: their results, wakes, and an unwinding where the program is killed or a rule is broken.
//! All of it runs on one thread.

use crate::{
    disk::{Disk, Lock, Who, error},
    sabotage::Sabotage,
    stage::Stage,
    time::Time,
};
use livedir_layout::directory::{Contents, Directory, Entry, Identity, LookedUp, OpenFile};
use livedir_layout::lock::LockError;
use livedir_watcher::Wake;
use livedir_watcher::clock::Clock;
use std::{
    io::{self, Cursor},
    panic::resume_unwind,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant, SystemTime},
};

/// How long a call of the file system takes.
const CALL_US: u64 = 20;

/// More calls than this without a wait are a loop: a look at a directory of 300 files takes 700.
const MOST_CALLS: u32 = 20_000;

/// More waits than this that end at once, with nothing to tell, are a loop.
const MOST_EMPTY_WAITS: u32 = 200;

/// So long after the end of the schedule it must have ended.
const MOST_LATE_US: u64 = 20_000_000;

/// What unwinds a program that was killed, or broke a rule.
pub struct Unwound;

/// What both ends share.
pub struct World {
    pub stage: Mutex<Stage>,
    pub disk: Arc<Mutex<Disk>>,
    pub time: Arc<Time>,
    /// When something happens next.
    due_us: AtomicU64,
    calls: AtomicU32,
    empty_waits: AtomicU32,
    pub sabotage: Sabotage,
}

impl std::fmt::Debug for World {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("simulated")
    }
}

/// Panics unwind through locks, and what is under them is looked at all the same.
pub fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub fn new(stage: Stage, sabotage: Sabotage) -> Arc<Self> {
        Arc::new(Self {
            disk: stage.disk.clone(),
            time: stage.time.clone(),
            stage: Mutex::new(stage),
            due_us: AtomicU64::new(0),
            calls: AtomicU32::new(0),
            empty_waits: AtomicU32::new(0),
            sabotage,
        })
    }

    /// A new program begins: nothing was called yet.
    pub fn begin(&self) {
        self.calls.store(0, Ordering::Relaxed);
        self.empty_waits.store(0, Ordering::Relaxed);
        self.due_us.store(held(&self.stage).next_us(), Ordering::Relaxed);
    }

    /// A call of the program takes its time.
    fn pass(&self) {
        let now_us = self.time.pass(CALL_US + held(&self.disk).slow_us);
        self.count();
        if self.due_us.load(Ordering::Relaxed) <= now_us {
            let mut stage = held(&self.stage);
            stage.happen();
            self.due_us.store(stage.next_us(), Ordering::Relaxed);
            self.check(stage);
        }
    }

    fn count(&self) {
        if self.calls.fetch_add(1, Ordering::Relaxed) == MOST_CALLS {
            self.broken("starvation", "the watcher is busy without end, and hears no wake".to_owned());
        }
    }

    fn check(&self, stage: MutexGuard<'_, Stage>) {
        let has_ended = stage.broken.is_some() || held(&self.disk).is_dead;
        drop(stage);
        if has_ended {
            resume_unwind(Box::new(Unwound));
        }
    }

    fn broken(&self, invariant: &'static str, words: String) {
        let mut stage = held(&self.stage);
        stage.breaks(invariant, words);
        self.check(stage);
    }

    /// What the program did to the disk is looked at, and it may have died of it.
    fn done<T>(&self, done: io::Result<T>) -> io::Result<T> {
        if done.is_err() && held(&self.disk).is_dead {
            resume_unwind(Box::new(Unwound));
        }
        done
    }

    fn look(&self, at: impl FnOnce(&mut Stage)) {
        let mut stage = held(&self.stage);
        at(&mut stage);
        self.check(stage);
    }
}

/// The clock of the program.
#[derive(Debug)]
pub struct ToldClock(pub Arc<World>);

impl Clock for ToldClock {
    fn now(&self) -> Instant {
        self.0.count();
        self.0.time.now()
    }

    fn wall(&self) -> SystemTime {
        self.0.time.wall()
    }

    fn wait(&self, wakes: &Receiver<Wake>, longest: Duration) -> Result<Wake, RecvTimeoutError> {
        let world = &*self.0;
        let was_busy = world.calls.swap(0, Ordering::Relaxed) > 0;
        let began_us = world.time.us();
        let until_us = began_us + world.sabotage.longest(longest).as_nanos().div_ceil(1_000) as u64;
        let mut stage = held(&world.stage);
        let mut is_at_rest = false;
        let heard = loop {
            stage.tell();
            if let Ok(wake) = wakes.try_recv() {
                if world.sabotage.hears(&wake) {
                    break Ok(wake);
                }
                continue;
            }
            if !is_at_rest {
                stage.at_rest(was_busy);
                is_at_rest = true;
            }
            if stage.now_us() > stage.end_us + MOST_LATE_US {
                stage.breaks("stop", "the watcher was told to end, and goes on".to_owned());
            }
            if stage.broken.is_some() || held(&world.disk).is_dead {
                break Err(RecvTimeoutError::Timeout);
            }
            let next_us = stage.next_us();
            world.time.pass_until(next_us.min(until_us));
            if next_us > until_us {
                break Err(RecvTimeoutError::Timeout);
            }
            stage.happen();
        };
        let is_empty = heard.is_err() && until_us == began_us;
        let empty = if is_empty { world.empty_waits.fetch_add(1, Ordering::Relaxed) } else { 0 };
        if !is_empty {
            world.empty_waits.store(0, Ordering::Relaxed);
        } else if empty > MOST_EMPTY_WAITS {
            stage.breaks("starvation", "the watcher waits for what is past, without end".to_owned());
        }
        world.due_us.store(stage.next_us(), Ordering::Relaxed);
        world.check(stage);
        heard
    }
}

/// The disk as the program sees it.
#[derive(Debug)]
pub struct ProgramDirectory(pub Arc<World>);

impl Directory for ProgramDirectory {
    fn list(&self, directory: &Path) -> io::Result<Vec<Entry>> {
        self.0.pass();
        held(&self.0.disk).list(directory)
    }

    fn look_up(&self, path: &Path) -> io::Result<LookedUp> {
        self.0.pass();
        self.0.sabotage.looks_up();
        held(&self.0.disk).look_up(path)
    }

    fn open(&self, path: &Path) -> io::Result<OpenFile> {
        self.0.pass();
        let disk = held(&self.0.disk);
        let bytes = disk.bytes(path)?;
        Ok(OpenFile { stamp: disk.stamp(disk.find(path)?), bytes: Box::new(Cursor::new(bytes)) })
    }

    fn make(&self, directory: &Path) -> io::Result<()> {
        self.0.pass();
        self.0.sabotage.makes()?;
        let made = held(&self.0.disk).make_all(directory, Who::Program);
        self.0.done(made)
    }

    fn write(&self, directory: &Path, prefix: &str, contents: &Contents<'_>) -> io::Result<PathBuf> {
        self.0.pass();
        self.0.sabotage.writes_in(directory);
        let bytes = self.0.sabotage.written(prefix, contents.bytes);
        let written = held(&self.0.disk).write(directory, prefix, &bytes, contents.modified_at, Who::Program);
        self.0.done(written)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.pass();
        for path in self.0.sabotage.removes_before(&self.0, from, to) {
            self.remove(&path)?;
        }
        if self.0.sabotage.withholds(&self.0, from, to) {
            return held(&self.0.disk).remove(from, Who::Program);
        }
        let renamed = held(&self.0.disk).rename(from, to, Who::Program);
        self.0.done(renamed)?;
        if to.extension().is_some_and(|extension| extension == "m3u8") {
            self.0.look(|stage| stage.note_written(to));
        }
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.pass();
        if self.0.sabotage.only_says_that_it_links() {
            return Ok(());
        }
        let linked = held(&self.0.disk).link(from, to, Who::Program);
        self.0.done(linked)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.pass();
        if self.0.sabotage.forgets(path) {
            return Ok(());
        }
        let removed = held(&self.0.disk).remove(path, Who::Program);
        self.0.done(removed)?;
        self.0.look(|stage| stage.note_removed(path));
        Ok(())
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        self.0.pass();
        let removed = held(&self.0.disk).remove_directory(path, false, Who::Program);
        self.0.done(removed)
    }

    fn lock(&self, webroot: &Path) -> Result<Box<dyn Send>, LockError> {
        self.0.pass();
        lock(&self.0.disk, webroot).map(|lock| Box::new(lock) as Box<dyn Send>)
    }

    fn watch(&self, directory: &Path) -> Result<Identity, String> {
        self.0.pass();
        held(&self.0.disk).watch(directory)
    }

    fn unwatch(&self, directory: &Path) {
        self.0.pass();
        held(&self.0.disk).unwatch(directory);
    }
}

/// As [`livedir_layout::lock::WebrootLock`] does it.
pub fn lock(disk: &Mutex<Disk>, webroot: &Path) -> Result<Lock, LockError> {
    let unusable = |source| LockError::Unusable { path: webroot.to_owned(), source };
    let mut disk = held(disk);
    disk.make_all(webroot, Who::Program).map_err(unusable)?;
    let lock = disk.lock(webroot).map_err(unusable)?.ok_or_else(|| LockError::Taken(webroot.to_owned()))?;
    let probe = disk.write(webroot, ".livedir-", b"", None, Who::Program).map_err(unusable)?;
    disk.remove(&probe, Who::Program).map_err(unusable)?;
    Ok(lock)
}

/// The disk as the thread of the publisher that writes segments sees it.
#[derive(Debug)]
pub struct WriterDirectory(pub Arc<Mutex<Disk>>);

impl Directory for WriterDirectory {
    fn list(&self, directory: &Path) -> io::Result<Vec<Entry>> {
        held(&self.0).list(directory)
    }

    fn look_up(&self, path: &Path) -> io::Result<LookedUp> {
        held(&self.0).look_up(path)
    }

    fn open(&self, _: &Path) -> io::Result<OpenFile> {
        error(io::ErrorKind::Unsupported)
    }

    fn make(&self, directory: &Path) -> io::Result<()> {
        held(&self.0).make_all(directory, Who::Program)
    }

    fn write(&self, directory: &Path, prefix: &str, contents: &Contents<'_>) -> io::Result<PathBuf> {
        held(&self.0).write(directory, prefix, contents.bytes, contents.modified_at, Who::Program)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        held(&self.0).rename(from, to, Who::Program)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        held(&self.0).link(from, to, Who::Program)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        held(&self.0).remove(path, Who::Program)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        held(&self.0).remove_directory(path, false, Who::Program)
    }

    fn lock(&self, webroot: &Path) -> Result<Box<dyn Send>, LockError> {
        lock(&self.0, webroot).map(|lock| Box::new(lock) as Box<dyn Send>)
    }

    fn watch(&self, _: &Path) -> Result<Identity, String> {
        Err(String::new())
    }

    fn unwatch(&self, _: &Path) {}
}
