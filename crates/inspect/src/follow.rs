//! Follow: the picture kept up to date, in place on a terminal; elsewhere printed again whenever something has changed.
//!
//! In: notify's events, which only say that a look is worth while; a look is taken anyway about once a second. Runs on the
//! caller's thread until Ctrl-C.

use crate::draw::draw;
use crate::draw::output::text;
use crate::draw::screen::{self, Screen, print};
use crate::error::InspectError;
use crate::looker::Looker;
use crate::model::inventory::Inventory;
use crate::settings::InspectSettings;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use std::{
    path::Path,
    sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    time::{Duration, Instant},
};

/// Why the follower looks up.
enum Wake {
    /// Something has changed.
    Change,
    /// Ctrl-C.
    Stop,
}

/// Looks are taken this often when nothing is heard: clocks go on, and some file systems tell nothing.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A look waits for what comes along with a change: a segment, its playlist and the status.
const SETTLE: Duration = Duration::from_millis(100);
/// Changes that wait to be looked at. More of them say no more.
const WAKES: usize = 16;
/// Looking takes at most about one part in so many of the time, however large the directory is.
const REST: u32 = 10;

pub(crate) fn run(settings: &InspectSettings) -> Result<(), InspectError> {
    let (wakes_tx, wakes) = mpsc::sync_channel(WAKES);
    let on_signal = wakes_tx.clone();
    ctrlc::set_handler(move || {
        // A follower that has ended needs no stop.
        let _ = on_signal.send(Wake::Stop);
    })
    .map_err(InspectError::Signal)?;
    let watch = watch(&settings.path, wakes_tx);
    let mut looks = Looker::default();
    // What cannot be looked at now is told at once; what goes away later may come back.
    let mut started = Instant::now();
    let mut looked = Ok(looks.look(settings, |_, _| {})?);
    let is_drawn = !settings.json && screen::is_terminal();
    let screen = is_drawn.then(Screen::enter).transpose().map_err(InspectError::Output)?;
    let mut printed = None;
    loop {
        let shown = match (&screen, &looked) {
            (Some(screen), Ok(inventory)) => screen.show(&draw(inventory, &screen.page())),
            (Some(screen), Err(error)) => screen.show(&format!("{error}\n")),
            (None, Ok(inventory)) => print_change(inventory, settings, &mut printed),
            (None, Err(_)) => Ok(()),
        };
        shown.map_err(InspectError::Output)?;
        let rest = SETTLE.max(started.elapsed() * REST);
        // Where nothing can be heard, the interval is all there is.
        let patience = if watch.is_some() { LOOK_EVERY } else { LOOK_EVERY / 4 };
        match wait(&wakes, rest, patience) {
            Wake::Stop => return Ok(()),
            Wake::Change => {}
        }
        started = Instant::now();
        looked = looks.look(settings, |_, _| {});
    }
}

/// Prints what differs from what was printed before in more than its age.
fn print_change(
    inventory: &Inventory,
    settings: &InspectSettings,
    printed: &mut Option<Inventory>,
) -> std::io::Result<()> {
    let ageless = without_age(inventory);
    if printed.as_ref() == Some(&ageless) {
        return Ok(());
    }
    let gap = if printed.is_none() || settings.json { "" } else { "\n" };
    *printed = Some(ageless);
    print(&format!("{gap}{}", text(inventory, settings.json)))
}

fn without_age(inventory: &Inventory) -> Inventory {
    let mut ageless = inventory.clone();
    ageless.looked_at = jiff::Timestamp::UNIX_EPOCH;
    if let Some(playlist) = &mut ageless.playlist {
        playlist.behind_now_s = None;
    }
    for variant in ageless.variants.iter_mut().filter_map(|variant| variant.inventory.as_mut()) {
        **variant = without_age(variant);
    }
    ageless
}

/// Waits for a change, at least for `rest`, and for no more than `patience` beyond it.
fn wait(wakes: &Receiver<Wake>, rest: Duration, patience: Duration) -> Wake {
    let started = Instant::now();
    let mut deadline = started + rest.max(patience);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match wakes.recv_timeout(left) {
            Ok(Wake::Stop) | Err(RecvTimeoutError::Disconnected) => return Wake::Stop,
            Err(RecvTimeoutError::Timeout) => return Wake::Change,
            // Those that follow within the rest are seen in the same look.
            Ok(Wake::Change) => deadline = deadline.min(started + rest),
        }
        if deadline <= Instant::now() {
            let is_stopped = wakes.try_iter().take(WAKES).any(|wake| matches!(wake, Wake::Stop));
            return if is_stopped { Wake::Stop } else { Wake::Change };
        }
    }
}

/// Hears of changes in and below what was named, or beside it where it is a file.
fn watch(path: &Path, wakes: SyncSender<Wake>) -> Option<RecommendedWatcher> {
    let parent = || path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let directory = if path.is_dir() { path } else { parent() };
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Looking opens and closes files: that is no change.
        let is_change = event.is_ok_and(|event| !event.kind.is_access());
        if is_change {
            // Others wait already, or the follower has ended.
            let _ = wakes.try_send(Wake::Change);
        }
    })
    .ok()?;
    watcher.watch(directory, RecursiveMode::NonRecursive).ok()?;
    for below in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if below.file_type().is_ok_and(|kind| kind.is_dir()) {
            // The looks that are taken anyway make up for one that cannot be watched.
            let _ = watcher.watch(&below.path(), RecursiveMode::NonRecursive);
        }
    }
    Some(watcher)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_changes_is_one_look() {
        let (wakes_tx, wakes) = mpsc::sync_channel(WAKES);
        for _ in 0..WAKES {
            wakes_tx.send(Wake::Change).expect("received");
        }
        assert!(matches!(wait(&wakes, Duration::ZERO, Duration::from_secs(3_600)), Wake::Change));
        assert_eq!(wakes.try_iter().count(), 0);
    }

    #[test]
    fn ctrl_c_waits_for_nothing() {
        let (wakes_tx, wakes) = mpsc::sync_channel(WAKES);
        wakes_tx.send(Wake::Stop).expect("received");
        let long = Duration::from_secs(3_600);
        assert!(matches!(wait(&wakes, long, long), Wake::Stop));
    }
}
