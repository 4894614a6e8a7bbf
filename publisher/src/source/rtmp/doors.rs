//! Doors: what has been opened to encoders, over all that is made of what they send.
//!
//! A stream that is copied, and then encoded, is read twice. Its door stays open meanwhile, and the encoder that is connected stays.

use super::{Door, Takeover};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

/// The door of one run; all clones are the same.
#[derive(Clone, Default)]
pub struct Doors {
    takeover: Takeover,
    open: Arc<Mutex<Option<Opened>>>,
}

struct Opened {
    addresses: Vec<SocketAddr>,
    path: String,
    door: Arc<Door>,
}

impl Doors {
    /// None is open.
    #[must_use]
    pub fn new(takeover: Takeover) -> Self {
        Self { takeover, open: Arc::default() }
    }

    /// The door at one of these addresses for who publishes under `path`: the one that is open, or a new one.
    pub(crate) fn open(
        &self,
        addresses: Vec<SocketAddr>,
        path: &str,
        stop: Arc<AtomicBool>,
    ) -> io::Result<Arc<Door>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = open.as_ref().filter(|it| it.addresses == addresses && it.path == path) {
            return Ok(opened.door.clone());
        }
        let door = Arc::new(Door::open(&addresses, path, self.takeover, stop)?);
        *open = Some(Opened { addresses, path: path.to_owned(), door: door.clone() });
        Ok(door)
    }
}

impl fmt::Debug for Doors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doors").field("takeover", &self.takeover).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_that_is_open_is_the_same_door() {
        let doors = Doors::default();
        let open = |doors: &Doors, path| {
            let door = doors.open(vec![SocketAddr::from(([127, 0, 0, 1], 0))], path, Arc::default());
            door.expect("a port").address
        };
        let first = open(&doors, "live/KEY");
        assert_eq!(open(&doors.clone(), "live/KEY"), first);
        assert_ne!(open(&doors, "live/OTHER"), first);
    }
}
