//! RTMP door: lets the one client in that knows the key, and hands its media on as a file that never ends.
//!
//! In: TCP connections. Out: [`Guest`]s, one after the other. libav's own RTMP server takes any key, one client per
//! opening, and cannot refuse a second one; so the door is ours. Doors of several keys may be at one [`port`]: its thread accepts; each
//! client has a thread that ends with it. All of them end within [`TICK`] when the door is dropped or its stop flag is set.
//!
//! Crates that do the same were looked at in November 2026. `rml_rtmp` 0.8 sets no limit to what a stranger makes it keep, and its last
//! release is of 2023. scuffle-rtmp 0.2 keeps 40 MB for a client that has said no key, and calls itself not stable. rtmp-rs 0.6 keeps 16 MiB
//! for each of any number of chunk streams. The last two need an asynchronous runtime; none can refuse a client with a reason.

mod amf;
mod chunks;
mod clients;
mod container;
mod doors;
mod matroska;
mod port;
mod room;
mod seat;
mod session;
mod tags;
mod visit;

pub use doors::{Doors, Ports};
use port::Port;
use room::Room;
pub use seat::Takeover;
use std::io::{self, PipeReader};
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

/// The stop and the end of the door are noticed within this time.
const TICK: Duration = Duration::from_millis(100);
/// When what a client used to send has not come for this long, another may take its place: a phone that changed its network connects again.
const SEAT_KEPT: Duration = Duration::from_secs(5);

/// Where clients with one key are let in.
pub(crate) struct Door {
    port: Arc<Port>,
    room: Arc<Room>,
}

/// A client that was let in. When it is dropped the client is sent away, but for [`Door::keep_guests`].
pub(crate) struct Guest {
    /// Where it comes from.
    pub(crate) from: SocketAddr,
    /// What it sends, as FLV or Matroska; ends with the client, and when what it sends changes its form.
    pub(crate) media: PipeReader,
}

impl Door {
    /// Lets clients in at `port` that publish under `path`; an error if another door does.
    fn open(port: Arc<Port>, path: &str, takeover: Takeover, stop: Arc<AtomicBool>) -> io::Result<Self> {
        Self::open_with(port, path, takeover, stop, SEAT_KEPT)
    }

    fn open_with(
        port: Arc<Port>,
        path: &str,
        takeover: Takeover,
        stop: Arc<AtomicBool>,
        seat_kept: Duration,
    ) -> io::Result<Self> {
        let room = Arc::new(Room::new(path, takeover, seat_kept, stop));
        port.add(room.clone())?;
        Ok(Door { port, room })
    }

    /// Where it listens; the port is known here even if it was given as 0.
    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address
    }

    /// Whether a client that begins from now on stays when its [`Guest`] is dropped, once, and is a guest again.
    pub(crate) fn keep_guests(&self, keeps_guests: bool) {
        self.room.keep_guests(keeps_guests);
    }

    /// The next client that was let in, or nothing when `give_up` says so.
    pub(crate) fn wait_for_guest(&self, give_up: impl Fn() -> bool) -> Option<Guest> {
        self.wait(give_up)?.guest.take()
    }

    /// Waits until there is one, or `give_up` says so.
    pub(crate) fn wait_until_called(&self, give_up: impl Fn() -> bool) {
        self.wait(give_up);
    }

    fn wait(&self, give_up: impl Fn() -> bool) -> Option<MutexGuard<'_, room::State>> {
        let mut state = self.room.lock();
        while state.guest.is_none() {
            if give_up() || self.room.is_over() {
                return None;
            }
            state = self.room.changed.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(state)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.room.close();
        self.port.remove(&self.room);
    }
}

#[cfg(test)]
mod tests {
    use super::clients::Told;
    use super::container::FLV_HEAD;
    use super::session::tests::{asking, picture, sound};
    use super::*;
    use std::io::{ErrorKind, Read, Write};
    use std::net::TcpStream;
    use std::time::Instant;

    /// Nothing here takes so long unless it hangs.
    const LIMIT: Duration = Duration::from_secs(60);

    fn door(seat_kept: Duration) -> Door {
        door_with(Takeover::Stalled, seat_kept)
    }

    fn door_with(takeover: Takeover, seat_kept: Duration) -> Door {
        let port = Port::open(&[SocketAddr::from(([127, 0, 0, 1], 0))]).expect("a port");
        Door::open_with(Arc::new(port), "live/KEY", takeover, Arc::default(), seat_kept).expect("a door")
    }

    /// A client that asks to publish under this key.
    fn client(door: &Door, key: &str) -> TcpStream {
        let mut client = TcpStream::connect(door.address()).expect("a door");
        client.set_read_timeout(Some(LIMIT)).expect("a socket");
        client.write_all(&asking("live", key)).expect("a connection");
        client
    }

    /// Reads the answers up to one of these words; the word.
    #[track_caller]
    fn answer(client: &mut TcpStream) -> &'static str {
        let words = ["NetStream.Publish.Start", "wrong key", "another encoder is already connected"];
        let (mut answers, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            let text = String::from_utf8_lossy(&answers);
            if let Some(word) = words.into_iter().find(|word| text.contains(word)) {
                return word;
            }
            let length = client.read(&mut buffer).expect("an answer");
            assert!(length > 0, "it hung up without an answer");
            answers.extend_from_slice(&buffer[..length]);
        }
    }

    #[track_caller]
    fn guest(door: &Door) -> Guest {
        let deadline = Instant::now() + LIMIT;
        door.wait_for_guest(|| Instant::now() >= deadline).expect("a guest")
    }

    #[test]
    fn a_guest_brings_flv_and_its_end_is_an_end() {
        let door = door(LIMIT);
        let mut client = client(&door, "KEY");
        assert_eq!(answer(&mut client), "NetStream.Publish.Start");
        client.write_all(&picture(40)).expect("a connection");
        drop(client);
        let mut media = Vec::new();
        guest(&door).media.read_to_end(&mut media).expect("media");
        assert_eq!(media[..13], FLV_HEAD);
        assert_eq!(media[13..], [9, 0, 0, 3, 0, 0, 40, 0, 0, 0, 0, 0x17, 1, 2, 0, 0, 0, 14]);
    }

    #[test]
    fn a_wrong_key_and_a_second_client_are_refused_and_the_first_goes_on() {
        let door = door(LIMIT);
        assert_eq!(answer(&mut client(&door, "KEX")), "wrong key");
        assert_eq!(answer(&mut client(&door, "KEY2")), "wrong key");
        let mut first = client(&door, "KEY");
        assert_eq!(answer(&mut first), "NetStream.Publish.Start");
        assert_eq!(answer(&mut client(&door, "KEX")), "wrong key");
        assert_eq!(answer(&mut client(&door, "KEY")), "another encoder is already connected");
        first.write_all(&picture(0)).expect("a connection");
        guest(&door).media.read_exact(&mut [0; 13 + 18]).expect("the first's picture");
    }

    #[test]
    fn a_client_that_fell_silent_gives_its_place_to_one_with_the_key() {
        let door = door(Duration::ZERO);
        let mut first = client(&door, "KEY");
        assert_eq!(answer(&mut first), "NetStream.Publish.Start");
        first.write_all(&picture(0)).expect("a connection");
        let mut first_guest = guest(&door);
        assert_eq!(answer(&mut client(&door, "KEX")), "wrong key");
        let mut second = client(&door, "KEY");
        assert_eq!(answer(&mut second), "NetStream.Publish.Start");
        first_guest.media.read_to_end(&mut Vec::new()).expect("an end");
        second.write_all(&picture(0)).expect("a connection");
        guest(&door).media.read_exact(&mut [0; 13 + 18]).expect("the second's picture");
    }

    #[test]
    fn a_client_whose_picture_has_stalled_gives_its_place_though_its_sound_goes_on() {
        let door = door(Duration::from_millis(300));
        let mut first = client(&door, "KEY");
        assert_eq!(answer(&mut first), "NetStream.Publish.Start");
        first.write_all(&picture(0)).expect("a connection");
        first.write_all(&sound(0)).expect("a connection");
        let deadline = Instant::now() + LIMIT;
        while answer(&mut client(&door, "KEY")) != "NetStream.Publish.Start" {
            assert!(Instant::now() < deadline, "its place is not free");
            let _ = first.write_all(&sound(1)); // it may have been sent away
        }
    }

    #[test]
    fn whoever_comes_last_is_on_air_where_that_is_wanted() {
        let door = door_with(Takeover::Always, LIMIT);
        let mut first = client(&door, "KEY");
        assert_eq!(answer(&mut first), "NetStream.Publish.Start");
        first.write_all(&picture(0)).expect("a connection");
        let mut first_guest = guest(&door);
        assert_eq!(answer(&mut client(&door, "KEX")), "wrong key");
        let mut second = client(&door, "KEY");
        assert_eq!(answer(&mut second), "NetStream.Publish.Start");
        first_guest.media.read_to_end(&mut Vec::new()).expect("an end");
        second.write_all(&picture(0)).expect("a connection");
        guest(&door).media.read_exact(&mut [0; 13 + 18]).expect("the second's picture");
    }

    #[test]
    fn a_guest_that_is_not_wanted_is_sent_away_and_the_next_may_come() {
        let door = door(LIMIT);
        let mut first = client(&door, "KEY");
        assert_eq!(answer(&mut first), "NetStream.Publish.Start");
        first.write_all(&picture(0)).expect("a connection");
        drop(guest(&door));
        let deadline = Instant::now() + LIMIT;
        while first.write_all(&picture(0)).is_ok() {
            assert!(Instant::now() < deadline, "it was not sent away");
        }
        let mut next = client(&door, "KEY");
        while answer(&mut next) != "NetStream.Publish.Start" {
            assert!(Instant::now() < deadline, "its place is not free");
            next = client(&door, "KEY");
        }
        next.write_all(&picture(0)).expect("a connection");
        guest(&door);
    }

    #[test]
    fn a_taken_port_is_an_error() {
        let first = door(LIMIT);
        let error = Port::open(&[first.address()]).err().expect("an error");
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
    }

    #[test]
    fn who_speaks_something_else_is_sent_away_and_no_one_is_let_in() {
        let door = door(LIMIT);
        let mut connection = TcpStream::connect(door.address()).expect("a door");
        connection.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").expect("a connection");
        connection.set_read_timeout(Some(LIMIT)).expect("a socket");
        let answer = connection.read(&mut [0; 100]);
        assert!(
            matches!(answer, Ok(0)) || answer.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
        );
        assert!(door.room.lock().guest.is_none());
        let deadline = Instant::now() + LIMIT;
        while door.port.state().clients.len() > 0 {
            assert!(Instant::now() < deadline, "it has gone and counts as there");
            std::thread::yield_now();
        }
        assert!(!door.port.state().clients.note(door.address().ip(), Told::Garbage), "it was told");
    }

    #[test]
    fn those_who_only_sit_there_keep_no_encoder_out() {
        let door = door(LIMIT);
        let sitting: Vec<_> =
            (0..clients::MOST_CLIENTS).map(|_| TcpStream::connect(door.address()).expect("a door")).collect();
        let mut pusher = client(&door, "KEY");
        assert_eq!(answer(&mut pusher), "NetStream.Publish.Start");
        assert!(door.port.state().clients.len() <= clients::MOST_OF_ADDRESS + 1);
        // More of them do not take its place, for it is on air.
        let more: Vec<_> =
            (0..clients::MOST_CLIENTS).map(|_| TcpStream::connect(door.address()).expect("a door")).collect();
        pusher.write_all(&picture(0)).expect("a connection");
        guest(&door).media.read_exact(&mut [0; 13 + 18]).expect("the pusher's picture");
        // The most silent have been sent away, and all of them leave.
        let mut first = &sitting[0];
        first.set_read_timeout(Some(LIMIT)).expect("a socket");
        assert!(!matches!(first.read(&mut [0; 1]), Ok(1..)), "it is closed");
        assert!(!door.port.state().clients.note(door.address().ip(), Told::Crowd), "it was told");
        drop((sitting, more, pusher));
        let deadline = Instant::now() + LIMIT;
        while door.port.state().clients.len() > 0 {
            assert!(Instant::now() < deadline, "they have gone and count as there");
            std::thread::yield_now();
        }
    }

    #[test]
    fn waiting_ends_when_it_is_to_end() {
        assert!(door(LIMIT).wait_for_guest(|| true).is_none());
        let door = door(LIMIT);
        door.room.close();
        assert!(door.wait_for_guest(|| false).is_none());
    }
}
