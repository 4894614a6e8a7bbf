//! Visit: one client at the RTMP door, on a thread of its own.
//!
//! In: its connection. Out: a [`Guest`] for the door once it has said the key, and its media into the guest's pipe. What it
//! means, `session.rs` says; here it is only heard, answered, and sent away when it is silent or not wanted.

use super::clients::Told;
use super::container::{Container, Order};
use super::port::Shared;
use super::room::Room;
use super::seat::Heard;
use super::session::{Event, Session};
use super::tags::{PICTURE, SOUND};
use super::{Guest, TICK};
use std::io::{self, ErrorKind, PipeWriter, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// Who has not asked to publish by then never will.
const ASKING: Duration = Duration::from_secs(10);
/// A client without a byte for so long is gone, even if its connection still stands.
const SILENCE: Duration = Duration::from_secs(10);
/// A client that does not take its answers is not worth a thread.
const ANSWER: Duration = Duration::from_secs(5);

/// One client; its thread owns it.
pub(crate) struct Visit {
    client: u64,
    from: SocketAddr,
    shared: Arc<Shared>,
    /// Where it was let in.
    room: Option<Arc<Room>>,
    heard: Heard,
    container: Container,
    /// It stays when it is read no more.
    is_kept: bool,
    /// The way to the demuxer, once something has come that it can read.
    media: Option<PipeWriter>,
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.shared.lock().clients.leave(self.client);
        if let Some(room) = &self.room {
            room.leave(self.client);
        }
    }
}

impl Visit {
    /// One that has just come in, and counts as such until it is dropped.
    pub(crate) fn new(client: u64, from: SocketAddr, shared: Arc<Shared>) -> Self {
        let heard = Heard::new(Instant::now());
        let container = Container::default();
        Visit { client, from, shared, room: None, heard, container, is_kept: false, media: None }
    }

    /// Takes note of what is to be told once an address; whether it is the first time.
    pub(super) fn note(&self, what: Told) -> bool {
        self.shared.lock().clients.note(self.from.ip(), what)
    }

    /// Talks with the client to its end, or to ours.
    pub(crate) fn serve(&mut self, mut connection: TcpStream) -> io::Result<()> {
        // On some systems a connection inherits this from the listener.
        connection.set_nonblocking(false)?;
        connection.set_read_timeout(Some(TICK))?;
        connection.set_write_timeout(Some(ANSWER))?;
        connection.set_nodelay(true)?;
        let mut session = Session::new();
        let mut buffer = vec![0; 64 << 10];
        let came_at = Instant::now();
        while !self.is_over() {
            match connection.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(length) => {
                    self.heard.at = Instant::now();
                    self.shared.lock().clients.heard(self.client, self.heard.at);
                    session.push(&buffer[..length]);
                    let ended = self.follow(&mut session);
                    connection.write_all(&session.take_answer())?;
                    if ended? {
                        return Ok(());
                    }
                }
                // Two systems, two names for the same.
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if self.room.as_ref().is_some_and(|room| !room.note_heard(self.client, self.heard)) {
                return Err(io::Error::other("another encoder has taken its place"));
            }
            let patience = if self.room.is_some() { self.heard.at + SILENCE } else { came_at + ASKING };
            if Instant::now() >= patience {
                return Err(io::Error::other("it says nothing"));
            }
        }
        Ok(())
    }

    /// Does what the client wants; true at its end.
    fn follow(&mut self, session: &mut Session) -> io::Result<bool> {
        while let Some(event) = session.next().map_err(io::Error::other)? {
            match event {
                Event::Publish(path) => match self.take_seat(&path) {
                    Ok(room) => {
                        self.room = Some(room);
                        session.accept();
                    }
                    Err(why) => {
                        session.refuse(why);
                        return Ok(true);
                    }
                },
                Event::Media(media) => {
                    match media.kind {
                        PICTURE => self.heard.note_picture(Instant::now()),
                        SOUND => self.heard.note_sound(Instant::now()),
                        _ => {}
                    }
                    for order in self.container.push(media) {
                        self.obey(order)?;
                    }
                }
                Event::Over => return Ok(true),
            }
        }
        Ok(false)
    }

    fn obey(&mut self, order: Order) -> io::Result<()> {
        match order {
            Order::Begin => self.media = Some(self.begin_media()?),
            Order::Write(bytes) => {
                // An error says that the demuxer has done with this client.
                if let Some(Err(error)) = self.media.as_mut().map(|media| media.write_all(&bytes)) {
                    if !std::mem::take(&mut self.is_kept) {
                        return Err(error);
                    }
                    self.media = None;
                    self.container.begin_again();
                }
            }
            Order::LeftOut { codec, is_picture: true } => {
                warn!(from = %self.from, codec, "the encoder's video is left out; set it to H.264, HEVC, AV1 or VP9");
            }
            Order::LeftOut { codec, is_picture: false } => {
                warn!(from = %self.from, codec, "the encoder's sound is left out; set it to AAC, MP3, Opus or FLAC");
            }
        }
        Ok(())
    }

    /// A new file for the demuxer; that of before ends here.
    fn begin_media(&mut self) -> io::Result<PipeWriter> {
        let (media, writer) = io::pipe()?;
        if let Some(room) = &self.room {
            self.is_kept = room.keeps_guests();
            room.welcome(Guest { from: self.from, media });
        }
        Ok(writer)
    }

    /// Lets the client in if it knows a key and nobody else is there.
    fn take_seat(&mut self, path: &str) -> Result<Arc<Room>, &'static str> {
        let (from, now) = (self.from, Instant::now());
        if self.room.is_some() {
            return Err("it publishes already");
        }
        let mut state = self.shared.lock();
        let Some(room) = state.room(path).filter(|room| !room.is_over()) else {
            if state.note_wrong_key(now) {
                warn!(%from, "encoder rejected: wrong key");
            }
            return Err("wrong key");
        };
        self.heard.let_in(now);
        if !room.seat(self.client, self.heard, now) {
            warn!(%from, "encoder rejected: another one is connected");
            return Err("another encoder is already connected");
        }
        info!(%from, "encoder connected");
        state.clients.set_on_air(self.client);
        Ok(room)
    }

    fn is_over(&self) -> bool {
        self.shared.is_closed() || self.room.as_ref().is_some_and(|room| room.is_over())
    }
}
