//! A part of a file as the body of an answer: read in pieces, each when the client lets us send it and the one before has gone.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::accounts::{Piece, Share};
use crate::webroot::open_files::Reader;

pub(super) struct FileBody {
    file: Arc<Reader>,
    share: Arc<Share>,
    left: Range<u64>,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl FileBody {
    pub(super) fn new(file: Arc<Reader>, share: Arc<Share>, part: Range<u64>) -> FileBody {
        FileBody { file, share, left: part, reading: None }
    }

    fn left_bytes(&self) -> u64 {
        self.left.end - self.left.start
    }

    fn read(&self, mut piece: Piece) -> JoinHandle<io::Result<Bytes>> {
        let (file, share, offset) = (self.file.clone(), self.share.clone(), self.left.start);
        spawn_blocking(move || {
            let read_bytes = file.read(offset, &mut piece.content)?;
            piece.content.truncate(read_bytes);
            Ok(share.keep(piece))
        })
    }
}

impl HttpBody for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        if this.left.is_empty() {
            return Poll::Ready(None);
        }
        if this.reading.is_none() {
            let piece = ready!(this.share.poll_piece(cx, this.left_bytes()));
            this.reading = Some(this.read(piece));
        }
        let Some(reading) = &mut this.reading else { return Poll::Ready(None) };
        let read = ready!(Pin::new(reading).poll(cx));
        this.reading = None;
        Poll::Ready(Some(match read.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(bytes) if bytes.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(bytes) => {
                this.left.start += bytes.len() as u64;
                Ok(Frame::data(bytes))
            }
            Err(error) => Err(error),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left_bytes())
    }
}
