//! Chunks: RTMP cuts its messages into them, several messages at a time.
//!
//! In: bytes of a stranger, as they come. Out: whole messages. Pure, and bounded: what is kept is at most one message's
//! worth of bytes, over few chunk streams.

/// Chunk streams that one client may use at a time; real ones use three to six.
const MOST_STREAMS: usize = 16;
/// RTMP 5.4.1: the size of a chunk until the client names another.
const FIRST_CHUNK_BYTES: usize = 128;
/// A time that does not fit into three bytes is said by this, and follows in four.
const EXTENDED: u32 = 0x00ff_ffff;

/// A whole message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) stream_id: u32,
    pub(crate) timestamp_ms: u32,
    pub(crate) body: Vec<u8>,
}

/// Why a client cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChunkError {
    #[error("a message of more than {0} bytes")]
    TooLong(usize),
    #[error("more than {MOST_STREAMS} chunk streams")]
    TooMany,
    #[error("a chunk that refers to one that never came")]
    NoneBefore,
    #[error("chunks of {0} bytes")]
    ChunkSize(u32),
}

/// Assembles RTMP messages from chunks.
pub(crate) struct ChunkReader {
    streams: Vec<ChunkStream>,
    unread: Vec<u8>,
    chunk_bytes: usize,
    /// The longest message, and all unfinished ones together.
    pub(crate) most_bytes: usize,
    /// The stream whose chunk is being read, and what of that chunk is still to come.
    within: Option<(usize, usize)>,
}

#[derive(Default)]
struct ChunkStream {
    id: u32,
    header: Header,
    body: Vec<u8>,
    /// Part of the message has been read.
    begun: bool,
}

#[derive(Clone, Copy, Default)]
struct Header {
    /// As it was sent: a time, or the step from the time before.
    time_field: u32,
    extended: bool,
    timestamp_ms: u32,
    length: usize,
    kind: u8,
    stream_id: u32,
}

impl ChunkReader {
    pub(crate) fn new(most_bytes: usize) -> Self {
        ChunkReader {
            streams: Vec::new(),
            unread: Vec::new(),
            chunk_bytes: FIRST_CHUNK_BYTES,
            most_bytes,
            within: None,
        }
    }

    /// Takes what has come; [`ChunkReader::next`] says what it makes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
    }

    /// The next whole message. Those that concern chunks alone are obeyed here.
    pub(crate) fn next(&mut self) -> Result<Option<Message>, ChunkError> {
        let mut position = 0;
        let found = loop {
            match self.step(&mut position) {
                Ok(Step::Message(message)) => match self.obey(&message) {
                    Ok(true) => {}
                    Ok(false) => break Ok(Some(message)),
                    Err(error) => break Err(error),
                },
                Ok(Step::Further) => {}
                Ok(Step::NeedsBytes) => break Ok(None),
                Err(error) => break Err(error),
            }
        };
        self.unread.drain(..position);
        found
    }

    fn step(&mut self, position: &mut usize) -> Result<Step, ChunkError> {
        let Some((index, left)) = self.within else { return self.begin_chunk(position) };
        let held: usize = self.streams.iter().map(|stream| stream.body.len()).sum();
        let stream = &mut self.streams[index];
        let unread = &self.unread[*position..];
        let taken = &unread[..left.min(unread.len())];
        if held + taken.len() > self.most_bytes {
            return Err(ChunkError::TooLong(self.most_bytes));
        }
        stream.body.extend_from_slice(taken);
        *position += taken.len();
        if taken.len() < left {
            self.within = Some((index, left - taken.len()));
            return Ok(Step::NeedsBytes);
        }
        self.within = None;
        if stream.body.len() < stream.header.length {
            return Ok(Step::Further);
        }
        stream.begun = false;
        let Header { kind, stream_id, timestamp_ms, .. } = stream.header;
        Ok(Step::Message(Message { kind, stream_id, timestamp_ms, body: std::mem::take(&mut stream.body) }))
    }

    fn begin_chunk(&mut self, position: &mut usize) -> Result<Step, ChunkError> {
        let mut fields = Fields { bytes: &self.unread[*position..] };
        let Some((format, id)) = fields.basic_header() else { return Ok(Step::NeedsBytes) };
        let index = self.streams.iter().position(|stream| stream.id == id);
        let before = index.map(|index| (self.streams[index].header, self.streams[index].begun));
        if before.is_none() && format > 1 {
            return Err(ChunkError::NoneBefore);
        }
        let (before, begun) = before.unwrap_or_default();
        let Some(header) = fields.message_header(format, before, begun) else {
            return Ok(Step::NeedsBytes);
        };
        if header.length > self.most_bytes {
            return Err(ChunkError::TooLong(self.most_bytes));
        }
        *position = self.unread.len() - fields.bytes.len();
        let index = match index {
            Some(index) => index,
            None if self.streams.len() >= MOST_STREAMS => return Err(ChunkError::TooMany),
            None => {
                self.streams.push(ChunkStream { id, ..Default::default() });
                self.streams.len() - 1
            }
        };
        let stream = &mut self.streams[index];
        if format < 3 {
            stream.body.clear();
        }
        stream.header = header;
        stream.begun = true;
        let left = header.length.saturating_sub(stream.body.len()).min(self.chunk_bytes);
        self.within = Some((index, left));
        Ok(Step::Further)
    }

    /// RTMP 5.4: Set Chunk Size (1) and Abort Message (2); true if it was one of them.
    fn obey(&mut self, message: &Message) -> Result<bool, ChunkError> {
        let argument = message.body.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
        match (message.kind, argument) {
            (1, Some(size @ 1..=0x7fff_ffff)) => self.chunk_bytes = size as usize,
            (1, size) => return Err(ChunkError::ChunkSize(size.unwrap_or(0))),
            (2, Some(id)) => {
                for stream in self.streams.iter_mut().filter(|stream| stream.id == id) {
                    stream.body = Vec::new();
                    stream.begun = false;
                }
            }
            (2, None) => {}
            _ => return Ok(false),
        }
        Ok(true)
    }
}

enum Step {
    Message(Message),
    Further,
    NeedsBytes,
}

/// Reads the fields of a chunk's header; nothing when bytes are missing.
struct Fields<'a> {
    bytes: &'a [u8],
}

impl Fields<'_> {
    fn number(&mut self, width: usize) -> Option<u32> {
        let (field, rest) = self.bytes.split_at_checked(width)?;
        self.bytes = rest;
        Some(field.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    /// RTMP 5.3.1.1: format and number of the chunk stream.
    fn basic_header(&mut self) -> Option<(u8, u32)> {
        let first = self.number(1)?;
        let id = match first & 0x3f {
            0 => 64 + self.number(1)?,
            1 => 64 + self.number(1)? + 256 * self.number(1)?,
            id => id,
        };
        Some(((first >> 6) as u8, id))
    }

    /// RTMP 5.3.1.2 and 5.3.1.3: what is not said is as in the chunk before.
    fn message_header(&mut self, format: u8, before: Header, begun: bool) -> Option<Header> {
        let mut header = before;
        if format < 3 {
            header.time_field = self.number(3)?;
        }
        if format < 2 {
            header.length = self.number(3)? as usize;
            header.kind = self.number(1)? as u8;
        }
        if format == 0 {
            header.stream_id = self.number(4)?.swap_bytes();
        }
        if format < 3 {
            header.extended = header.time_field == EXTENDED;
            if header.extended {
                header.time_field = self.number(4)?;
            }
        } else if header.extended
            && self.bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))? == header.time_field
        {
            // It is to be repeated in every chunk, but not all clients do so.
            self.number(4)?;
        }
        match format {
            0 => header.timestamp_ms = header.time_field,
            3 if begun => {}
            _ => header.timestamp_ms = before.timestamp_ms.wrapping_add(header.time_field),
        }
        Some(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 1000;

    fn message(kind: u8, timestamp_ms: u32, body: &[u8]) -> Message {
        Message { kind, stream_id: 1, timestamp_ms, body: body.to_vec() }
    }

    /// A chunk of format 0 on stream `id`.
    fn whole(id: u8, kind: u8, time: u32, length: usize, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![id];
        bytes.extend(&time.min(EXTENDED).to_be_bytes()[1..]);
        bytes.extend(&(length as u32).to_be_bytes()[1..]);
        bytes.push(kind);
        bytes.extend(1_u32.to_le_bytes());
        if time >= EXTENDED {
            bytes.extend(time.to_be_bytes());
        }
        bytes.extend(body);
        bytes
    }

    /// The same whether it comes at once or byte by byte.
    #[track_caller]
    fn check(bytes: &[u8], expected: &Result<Vec<Message>, ChunkError>) {
        for step in [1, 7, bytes.len()] {
            let mut reader = ChunkReader::new(MOST);
            let mut read = || {
                let mut messages = Vec::new();
                for piece in bytes.chunks(step) {
                    reader.push(piece);
                    while let Some(message) = reader.next()? {
                        messages.push(message);
                    }
                }
                Ok(messages)
            };
            assert_eq!(&read(), expected, "{step} bytes at a time");
        }
    }

    #[test]
    fn messages_on_two_streams_may_be_interleaved() {
        let mut bytes = whole(4, 9, 40, 200, &[1; 128]);
        bytes.extend(whole(5, 8, 41, 3, &[7; 3]));
        bytes.push(0xc4);
        bytes.extend([2; 72]);
        let long: Vec<u8> = [[1; 128].as_slice(), &[2; 72]].concat();
        check(&bytes, &Ok(vec![message(8, 41, &[7; 3]), message(9, 40, &long)]));
    }

    #[test]
    fn what_a_header_leaves_out_is_as_before() {
        let mut bytes = whole(4, 8, 1000, 2, b"ab");
        bytes.extend([0x44, 0, 0, 20, 0, 0, 1, 9, b'c']);
        bytes.extend([0x84, 0, 0, 30, b'd']);
        bytes.extend([0xc4, b'e']);
        check(
            &bytes,
            &Ok(vec![
                message(8, 1000, b"ab"),
                message(9, 1020, b"c"),
                message(9, 1050, b"d"),
                message(9, 1080, b"e"),
            ]),
        );
    }

    #[test]
    fn after_four_and_a_half_hours_times_take_four_bytes_more() {
        let hours = 20_000_000;
        let begin = whole(4, 9, hours, 130, &[3; 128]);
        for repeated in [true, false] {
            let mut bytes = begin.clone();
            bytes.push(0xc4);
            if repeated {
                bytes.extend(u32::to_be_bytes(hours));
            }
            bytes.extend([3; 2]);
            bytes.extend(whole(5, 8, 1, 1, &[9]));
            check(&bytes, &Ok(vec![message(9, hours, &[3; 130]), message(8, 1, &[9])]));
        }
    }

    #[test]
    fn larger_chunks_and_an_abort_are_obeyed() {
        let mut bytes = whole(4, 9, 1, 500, &[1; 128]);
        bytes.extend(whole(2, 2, 0, 4, &[0, 0, 0, 4]));
        bytes.extend(whole(2, 1, 0, 4, &[0, 0, 1, 0xf4]));
        bytes.extend(whole(4, 9, 2, 500, &[2; 500]));
        check(&bytes, &Ok(vec![message(9, 2, &[2; 500])]));
    }

    #[test]
    fn nobody_makes_us_keep_more_than_we_want() {
        check(&whole(4, 9, 0, MOST + 1, &[]), &Err(ChunkError::TooLong(MOST)));
        let unfinished = |id| whole(id, 9, 0, MOST, &[0; 128]);
        check(&(2..20).flat_map(unfinished).collect::<Vec<_>>(), &Err(ChunkError::TooLong(MOST)));
        let short = |id| whole(id, 9, 0, 100, &[0; 100]);
        let mut many: Vec<u8> = (3..19).flat_map(short).collect();
        assert_eq!(MOST_STREAMS, 16);
        many.extend(short(20));
        let mut reader = ChunkReader::new(MOST);
        reader.push(&many);
        let ended = std::iter::from_fn(|| reader.next().transpose()).find_map(Result::err);
        assert_eq!(ended, Some(ChunkError::TooMany));
        check(&[0xc4, 0], &Err(ChunkError::NoneBefore));
        check(&whole(2, 1, 0, 4, &[0; 4]), &Err(ChunkError::ChunkSize(0)));
    }

    #[test]
    fn an_empty_message_is_a_message() {
        check(&whole(4, 9, 5, 0, &[]), &Ok(vec![message(9, 5, &[])]));
    }
}
