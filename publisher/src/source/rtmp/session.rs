//! Session: one client's conversation, from the handshake to its media.
//!
//! In: bytes of a stranger. Out: bytes to answer, the wish to publish, and messages of media. Pure: who
//! may publish, the caller decides. Until then the client may send only so much as asking takes.

use super::amf::{Value, Values, Writer};
use super::chunks::{ChunkError, ChunkReader, Message};
use super::container::{DATA, Media};
use super::tags::{PICTURE, SOUND};

/// RTMP 5.2: each side sends a version and twice this many bytes.
const HANDSHAKE_BYTES: usize = 1536;
/// The only version without encryption.
const VERSION: u8 = 3;
/// The longest command that a client has a reason to send before it may publish.
const MOST_COMMAND_BYTES: usize = 8 << 10;
/// All that a client may send before it may publish.
const MOST_ASKING_BYTES: u64 = 64 << 10;
/// A keyframe of 4K at 100 Mb/s is shorter.
const MOST_MEDIA_BYTES: usize = 8 << 20;
/// How much either side sends before it wants to hear that it came.
const WINDOW_BYTES: u32 = 2_500_000;
/// Clients that want to hear more often than this are answered so often all the same.
const LEAST_WINDOW_BYTES: u32 = 64 << 10;
/// Our chunks: larger than any answer, so that none has to be divided.
const CHUNK_BYTES: u32 = 4096;
/// The one message stream that we hand out.
const STREAM: u32 = 1;

const COMMAND: u8 = 20;
/// A command in AMF3: an empty byte, then AMF0.
const COMMAND_3: u8 = 17;

/// What a client wants.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// To publish under this path (`live/KEY`); answer with [`Session::accept`] or [`Session::refuse`].
    Publish(String),
    /// Sound, a picture or metadata.
    Media(Media),
    /// It is done.
    Over,
}

/// Why a client is not served any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SessionError {
    #[error("it does not speak plain RTMP")]
    NotRtmp,
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    #[error("it sent too much before it asked to publish")]
    TooMuch,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Hello,
    Echo,
    Asking,
    /// It has asked to publish and waits for our answer.
    Asked,
    Publishing,
}

/// The state of one RTMP connection.
pub(crate) struct Session {
    stage: Progress,
    greeting: Vec<u8>,
    chunks: ChunkReader,
    application: String,
    answer: Vec<u8>,
    received: u64,
    acknowledged: u64,
    window_bytes: u32,
}

impl Session {
    pub(crate) fn new() -> Self {
        Session {
            stage: Progress::Hello,
            greeting: Vec::new(),
            chunks: ChunkReader::new(MOST_COMMAND_BYTES),
            application: String::new(),
            answer: Vec::new(),
            received: 0,
            acknowledged: 0,
            window_bytes: WINDOW_BYTES,
        }
    }

    /// Takes what has come; then [`Session::next`] is to be asked until it has nothing more.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.received += bytes.len() as u64;
        match self.stage {
            Progress::Hello | Progress::Echo => self.greeting.extend_from_slice(bytes),
            _ => self.chunks.push(bytes),
        }
        if self.received - self.acknowledged >= u64::from(self.window_bytes) {
            self.acknowledged = self.received;
            // RTMP 5.4.3: the bytes so far, in four bytes.
            self.say(2, 3, 0, &(self.received as u32).to_be_bytes());
        }
    }

    /// Bytes for the client, in their order.
    pub(crate) fn take_answer(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.answer)
    }

    /// What the client wants next.
    pub(crate) fn next(&mut self) -> Result<Option<Event>, SessionError> {
        if self.stage != Progress::Publishing && self.received > MOST_ASKING_BYTES {
            return Err(SessionError::TooMuch);
        }
        self.greet()?;
        while matches!(self.stage, Progress::Asking | Progress::Publishing) {
            let Some(message) = self.chunks.next()? else { break };
            if let Some(event) = self.answer_to(message) {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// It may publish.
    pub(crate) fn accept(&mut self) {
        self.stage = Progress::Publishing;
        self.chunks.most_bytes = MOST_MEDIA_BYTES;
        // RTMP 7.1.7: Stream Begin.
        let stream_begin = [&[0, 0], STREAM.to_be_bytes().as_slice()].concat();
        self.say(2, 4, 0, &stream_begin);
        self.say_status("status", "NetStream.Publish.Start", "go on");
    }

    /// It may not; the connection is to be closed once it knows.
    pub(crate) fn refuse(&mut self, why: &str) {
        self.say_status("error", "NetStream.Publish.BadName", why);
    }

    /// RTMP 5.2: version and 1536 bytes from each side, then each gives the other's bytes back.
    fn greet(&mut self) -> Result<(), SessionError> {
        if self.stage == Progress::Hello {
            if self.greeting.first().is_some_and(|version| *version != VERSION) {
                return Err(SessionError::NotRtmp);
            }
            if let Some((hello, _)) = self.greeting.split_at_checked(1 + HANDSHAKE_BYTES) {
                self.answer.push(VERSION);
                // Time, four empty bytes, and what might be random but need not.
                self.answer.extend([0; 8]);
                self.answer.extend((8..HANDSHAKE_BYTES).map(|byte| (byte * 31) as u8));
                self.answer.extend_from_slice(&hello[1..]);
                self.greeting.drain(..=HANDSHAKE_BYTES);
                self.stage = Progress::Echo;
            }
        }
        if self.stage == Progress::Echo && self.greeting.len() >= HANDSHAKE_BYTES {
            self.chunks.push(&self.greeting[HANDSHAKE_BYTES..]);
            self.greeting = Vec::new();
            self.stage = Progress::Asking;
        }
        Ok(())
    }

    fn answer_to(&mut self, message: Message) -> Option<Event> {
        match message.kind {
            // RTMP 5.4.4: Window Acknowledgement Size.
            5 => {
                if let Some(bytes) = message.body.first_chunk() {
                    self.window_bytes = u32::from_be_bytes(*bytes).max(LEAST_WINDOW_BYTES);
                }
                None
            }
            // RTMP 7.1.7: Ping Request; the answer is the same with another number.
            4 if message.body.starts_with(&[0, 6]) && message.body.len() == 6 => {
                let pong = [&[0, 7], &message.body[2..]].concat();
                self.say(2, 4, 0, &pong);
                None
            }
            SOUND | PICTURE if self.stage == Progress::Publishing && !message.body.is_empty() => {
                let Message { kind, timestamp_ms, body, .. } = message;
                Some(Event::Media(Media { kind, timestamp_ms, body }))
            }
            DATA if self.stage == Progress::Publishing => {
                let body = without_command(&message.body);
                let is_metadata = Values(body).next() == Some(Value::Text(b"onMetaData"));
                let media = || Media { kind: DATA, timestamp_ms: message.timestamp_ms, body: body.to_vec() };
                is_metadata.then(|| Event::Media(media()))
            }
            COMMAND => self.obey(&message.body),
            COMMAND_3 => self.obey(message.body.get(1..)?),
            _ => None,
        }
    }

    fn obey(&mut self, command: &[u8]) -> Option<Event> {
        let mut values = Values(command);
        let name = values.next()?.text()?;
        let Some(Value::Number(transaction)) = values.next() else { return None };
        let object = values.next();
        let asking = self.stage == Progress::Asking;
        match name.as_str() {
            "connect" if asking => {
                self.application = object.and_then(|object| object.text_of("app")).unwrap_or_default();
                self.say(2, 5, 0, &WINDOW_BYTES.to_be_bytes());
                self.say(2, 6, 0, &[WINDOW_BYTES.to_be_bytes().as_slice(), &[2]].concat());
                self.say(2, 1, 0, &CHUNK_BYTES.to_be_bytes());
                let connected = Writer::default()
                    .text("_result")
                    .number(transaction)
                    .object(&[("fmsVer", "FMS/3,0,1,123")])
                    .object(&[
                        ("level", "status"),
                        ("code", "NetConnection.Connect.Success"),
                        ("description", "connected"),
                    ]);
                self.say(3, COMMAND, 0, &connected.0);
                None
            }
            "createStream" if asking => {
                let stream = f64::from(STREAM);
                let created = Writer::default().text("_result").number(transaction).null().number(stream);
                self.say(3, COMMAND, 0, &created.0);
                None
            }
            "releaseStream" | "FCPublish" if asking => {
                self.say(3, COMMAND, 0, &Writer::default().text("_result").number(transaction).null().0);
                None
            }
            "publish" if asking => {
                self.stage = Progress::Asked;
                let key = values.next().and_then(|key| key.text()).unwrap_or_default();
                let path = format!("{}/{key}", self.application.trim_matches('/'));
                Some(Event::Publish(path.trim_matches('/').to_owned()))
            }
            "play" | "play2" => Some(Event::Over),
            "FCUnpublish" | "deleteStream" | "closeStream" if self.stage == Progress::Publishing => {
                Some(Event::Over)
            }
            _ => None,
        }
    }

    fn say_status(&mut self, level: &str, code: &str, description: &str) {
        let status = [("level", level), ("code", code), ("description", description)];
        let status = Writer::default().text("onStatus").number(0.0).null().object(&status);
        self.say(5, COMMAND, STREAM, &status.0);
    }

    /// One message in one chunk: ours are all shorter than 128 bytes, or come after our [`CHUNK_BYTES`].
    fn say(&mut self, chunk_stream: u8, kind: u8, stream: u32, body: &[u8]) {
        self.answer.extend([chunk_stream, 0, 0, 0]);
        self.answer.extend(&(body.len() as u32).to_be_bytes()[1..]);
        self.answer.push(kind);
        self.answer.extend(stream.to_le_bytes());
        self.answer.extend_from_slice(body);
    }
}

/// Without the `@setDataFrame` that is meant for the server.
fn without_command(data: &[u8]) -> &[u8] {
    data.strip_prefix(b"\x02\x00\x0d@setDataFrame").unwrap_or(data)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chunk(kind: u8, timestamp_ms: u32, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![3];
        bytes.extend(&timestamp_ms.to_be_bytes()[1..]);
        bytes.extend(&(body.len() as u32).to_be_bytes()[1..]);
        bytes.push(kind);
        bytes.extend(STREAM.to_le_bytes());
        bytes.extend(body);
        bytes
    }

    fn command(name: &str, transaction: f64) -> Writer {
        Writer::default().text(name).number(transaction)
    }

    /// A frame, as a client sends it.
    pub(crate) fn picture(timestamp_ms: u32) -> Vec<u8> {
        chunk(PICTURE, timestamp_ms, &[0x17, 1, 2])
    }

    /// A frame of sound, as a client sends it.
    pub(crate) fn sound(timestamp_ms: u32) -> Vec<u8> {
        chunk(SOUND, timestamp_ms, &[0xaf, 1, 2])
    }

    /// Handshake, `connect` and `publish`, as a client sends them.
    pub(crate) fn asking(application: &str, key: &str) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend([7; 2 * HANDSHAKE_BYTES]);
        bytes.extend(chunk(COMMAND, 0, &command("connect", 1.0).object(&[("app", application)]).0));
        bytes.extend(chunk(COMMAND, 0, &command("createStream", 2.0).null().0));
        bytes.extend(chunk(COMMAND, 0, &command("publish", 3.0).null().text(key).text("live").0));
        bytes
    }

    fn contains(bytes: &[u8], text: &str) -> bool {
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }

    #[track_caller]
    fn check_path(application: &str, key: &str, expected: &str) {
        let mut session = Session::new();
        session.push(&asking(application, key));
        assert_eq!(session.next(), Ok(Some(Event::Publish(expected.to_owned()))));
    }

    #[test]
    fn the_path_is_the_same_however_a_client_divides_it() {
        check_path("live", "KEY", "live/KEY");
        check_path("live/", "KEY", "live/KEY");
        check_path("live/KEY", "", "live/KEY");
        check_path("", "KEY", "KEY");
        check_path("a/b", "c?d=e", "a/b/c?d=e");
    }

    #[test]
    fn media_of_a_client_that_was_accepted_is_handed_on() {
        let mut session = Session::new();
        session.push(&asking("live", "KEY"));
        session.push(&chunk(PICTURE, 0x0100_0000 - 2, &[0x17, 1, 2]));
        assert!(matches!(session.next(), Ok(Some(Event::Publish(_)))));
        assert_eq!(session.next(), Ok(None), "no media before it was accepted");
        let answer = session.take_answer();
        assert_eq!(answer[1 + HANDSHAKE_BYTES..][..HANDSHAKE_BYTES], [7; HANDSHAKE_BYTES]);
        assert!(contains(&answer, "NetConnection.Connect.Success"));
        session.accept();
        assert!(contains(&session.take_answer(), "NetStream.Publish.Start"));
        let expected = Media { kind: PICTURE, timestamp_ms: 0x0100_0000 - 2, body: vec![0x17, 1, 2] };
        assert_eq!(session.next(), Ok(Some(Event::Media(expected))));
        let data = Writer::default().text("@setDataFrame").text("onMetaData").0;
        session.push(&chunk(DATA, 0, &data));
        let metadata = Media { kind: DATA, timestamp_ms: 0, body: Writer::default().text("onMetaData").0 };
        assert_eq!(session.next(), Ok(Some(Event::Media(metadata))));
        session.push(&chunk(COMMAND, 0, &command("deleteStream", 5.0).null().0));
        assert_eq!(session.next(), Ok(Some(Event::Over)));
    }

    #[test]
    fn a_refused_client_is_told_so() {
        let mut session = Session::new();
        session.push(&asking("live", "WRONG"));
        session.next().expect("a client");
        session.refuse("wrong key");
        assert!(contains(&session.take_answer(), "NetStream.Publish.BadName"));
        assert_eq!(session.next(), Ok(None));
    }

    #[test]
    fn who_does_not_ask_is_cut_off() {
        let mut session = Session::new();
        session.push(b"GET / HTTP/1.1\r\n");
        assert_eq!(session.next(), Err(SessionError::NotRtmp));

        let mut session = Session::new();
        session.push(&[VERSION; 1 + 2 * HANDSHAKE_BYTES]);
        session.push(&vec![0; 70_000]);
        assert_eq!(session.next(), Err(SessionError::TooMuch));

        let mut session = Session::new();
        session.push(&asking("live", "KEY")[..=2 * HANDSHAKE_BYTES]);
        session.push(&chunk(COMMAND, 0, &[0; 9000])[..12]);
        assert_eq!(session.next(), Err(ChunkError::TooLong(MOST_COMMAND_BYTES).into()));
    }

    #[test]
    fn what_came_is_acknowledged() {
        let mut session = Session::new();
        session.push(&asking("live", "KEY"));
        session.next().expect("a client");
        session.accept();
        session.push(&chunk(5, 0, &100_000_u32.to_be_bytes()));
        session.next().expect("a client");
        session.take_answer();
        session.push(&chunk(2, 0, &[0; 4]).repeat(7000));
        assert_eq!(session.take_answer()[..8], [2, 0, 0, 0, 0, 0, 4, 3]);
        assert_eq!(session.next(), Ok(None));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_keep_more_than_it_may(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..40),
            changed in prop::collection::vec((2 * HANDSHAKE_BYTES..2 * HANDSHAKE_BYTES + 300, any::<u8>()), 0..4),
            is_accepted: bool,
        ) {
            let mut session = Session::new();
            let mut asking = asking("live", "KEY");
            for (position, byte) in changed {
                asking.get_mut(position).into_iter().for_each(|place| *place = byte);
            }
            for piece in std::iter::once(&asking).chain(&pieces) {
                session.push(piece);
                while let Ok(Some(event)) = session.next() {
                    if is_accepted && matches!(event, Event::Publish(_)) {
                        session.accept();
                    }
                }
            }
        }
    }
}
