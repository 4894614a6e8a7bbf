//! Following a playlist: every version of it, as soon as it is there, for as long as somebody waits for one.
//!
//! In: a path. Out: its versions. A task for each playlist that is followed looks when notify tells of a change, and every
//! `TRUST` all the same; it ends when nobody has followed for `IDLE`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::slots::{Found, Slot};
use super::version::Version;
use super::{Hot, Shared, TRUST};
use crate::paths::Target;

/// Players that reload come back at once.
const IDLE: Duration = Duration::from_secs(5);

/// What a playlist is now.
#[derive(Debug, Clone)]
pub(crate) enum Newest {
    /// It has not been looked at.
    Unknown,
    /// It is not there, or cannot be read.
    Missing,
    /// This.
    Version(Arc<Version>),
}

/// The playlists that are followed, by their path.
#[derive(Debug, Default)]
pub(super) struct Followed(Mutex<HashMap<String, watch::Receiver<Newest>>>);

impl Hot {
    /// The versions of a playlist, from now on.
    pub(crate) fn follow(&self, target: &Target) -> watch::Receiver<Newest> {
        let mut followed = self.0.followed.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(versions) = followed.get(&target.path)
            && versions.has_changed().is_ok()
        {
            return versions.clone();
        }
        let (newest, versions) = watch::channel(Newest::Unknown);
        followed.insert(target.path.clone(), versions.clone());
        drop(followed);
        tokio::spawn(run(Arc::downgrade(&self.0), target.clone(), newest));
        versions
    }
}

async fn run(shared: Weak<Shared>, target: Target, newest: watch::Sender<Newest>) {
    let mut followed_at = Instant::now();
    while let Some(hot) = shared.upgrade().map(Hot) {
        let slot = hot.0.looker.slots.get_or_insert(&target);
        let found = hot.look(&slot, hot.0.clock.now_ns()).await.found;
        tell(&newest, found);
        let is_followed = newest.receiver_count() > 1;
        if is_followed {
            followed_at = Instant::now();
        } else if followed_at.elapsed() > IDLE {
            let mut followed = hot.0.followed.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Nobody can come to follow while the lock is held.
            if newest.receiver_count() <= 1 {
                followed.remove(&target.path);
                return;
            }
        }
        wait(&slot).await;
    }
}

async fn wait(slot: &Arc<Slot>) {
    let _ = timeout(TRUST, slot.change.notified()).await;
}

fn tell(newest: &watch::Sender<Newest>, found: Found) {
    newest.send_if_modified(|current| {
        let next = match found {
            Found::Version(version) => {
                if matches!(current, Newest::Version(old) if Arc::ptr_eq(old, &version)) {
                    return false;
                }
                Newest::Version(version)
            }
            // A disk in trouble: whoever waits goes on waiting.
            Found::Failed if !matches!(current, Newest::Unknown) => return false,
            Found::Failed | Found::Missing | Found::NotHot => Newest::Missing,
        };
        let is_news = !matches!((&*current, &next), (Newest::Missing, Newest::Missing));
        *current = next;
        is_news
    });
}
