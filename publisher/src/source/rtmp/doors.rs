//! Doors: what has been opened to encoders, over all that is made of what they send.
//!
//! A stream that is copied, and then encoded, is read twice. Its door stays open meanwhile, and the encoder that is connected stays.
//! Streams of one program may have their doors at one port.

use super::port::Port;
use super::{Door, Takeover};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

/// The ports that are open; all clones are the same.
#[derive(Clone, Default)]
pub struct Ports(Arc<Mutex<Vec<OpenPort>>>);

struct OpenPort {
    addresses: Vec<SocketAddr>,
    port: Arc<Port>,
}

impl Ports {
    /// The port at one of these addresses: the one that is open, or a new one. Ports that have no door any more are closed.
    fn open(&self, addresses: &[SocketAddr]) -> io::Result<Arc<Port>> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|it| it.addresses == addresses || Arc::strong_count(&it.port) > 1);
        if let Some(found) = open.iter().find(|it| it.addresses == addresses) {
            return Ok(found.port.clone());
        }
        let port = Arc::new(Port::open(addresses)?);
        open.push(OpenPort { addresses: addresses.to_vec(), port: port.clone() });
        Ok(port)
    }
}

/// The door of one stream; all clones are the same.
#[derive(Clone, Default)]
pub struct Doors {
    takeover: Takeover,
    ports: Ports,
    open: Arc<Mutex<Option<Opened>>>,
}

struct Opened {
    addresses: Vec<SocketAddr>,
    path: String,
    door: Arc<Door>,
}

impl Doors {
    /// None is open. It will be at one of these ports, or at one that is added to them.
    #[must_use]
    pub fn new(takeover: Takeover, ports: Ports) -> Self {
        Self { takeover, ports, open: Arc::default() }
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
        let door = Arc::new(Door::open(self.ports.open(&addresses)?, path, self.takeover, stop)?);
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

    const ANY: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

    fn open(doors: &Doors, path: &str) -> io::Result<Arc<Door>> {
        doors.open(vec![SocketAddr::from(ANY)], path, Arc::default())
    }

    #[test]
    fn a_door_that_is_open_is_the_same_door() {
        let doors = Doors::default();
        let first = open(&doors, "live/KEY").expect("a port");
        assert!(Arc::ptr_eq(&open(&doors.clone(), "live/KEY").expect("a port"), &first));
        assert!(!Arc::ptr_eq(&open(&doors, "live/OTHER").expect("a port"), &first));
    }

    #[test]
    fn streams_share_a_port_but_no_key_and_the_last_one_closes_it() {
        let ports = Ports::default();
        let stream = || Doors::new(Takeover::Stalled, ports.clone());
        let (first, second, third) = (stream(), stream(), stream());
        let address = open(&first, "live/ONE").expect("a port").address();
        assert_eq!(open(&second, "live/TWO").expect("a port").address(), address);
        let refused = open(&third, "live/TWO").err().expect("an error");
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        drop(second);
        assert_eq!(open(&third, "live/TWO").expect("a port").address(), address);
        drop((first, third));
        let elsewhere = SocketAddr::from(([127, 0, 0, 2], 0));
        stream().open(vec![elsewhere], "live/ONE", Arc::default()).expect("a port");
        std::net::TcpListener::bind(address).expect("it is free again");
    }
}
