//! The access log: finished answers in, one line each in combined log format out, on a thread of its own.
//!
//! Answering never waits for the log. Lines queue up to `QUEUE_LINES`; when the disk or the reader of stdout is slower
//! than that, lines are dropped, counted and reported once the writer is free again. The thread ends when the last
//! connection has dropped its sender.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::iter;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderName, Method, Request, StatusCode, header};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use jiff::Zoned;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::warn;

use crate::connections::Peer;
use crate::settings::AccessLog;

/// Some seconds of a busy server; with `LONGEST_FIELD` the queue stays under 64 MiB.
const QUEUE_LINES: usize = 4096;

/// In bytes of the request; real paths and agents are shorter, and whoever sends more does not get to fill the disk.
const LONGEST_FIELD: usize = 1024;

/// At the end, for a disk to take the queue or for a reader of stdout that has gone away.
const FINISH_GRACE: Duration = Duration::from_secs(1);

/// The log file cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot write access log {}: {source}; name a writable file with --access-log, or off", path.display())]
pub struct AccessLogError {
    path: PathBuf,
    source: io::Error,
}

/// Takes lines; `None` when the log is off.
#[derive(Debug, Clone)]
pub struct Log(Option<Sender>);

#[derive(Debug, Clone)]
struct Sender {
    lines: SyncSender<String>,
    dropped: Arc<AtomicU64>,
}

/// The writing end, for a clean finish.
#[derive(Debug)]
pub struct LogWriter(Option<oneshot::Receiver<()>>);

/// Opens the log and starts its thread.
pub fn open(setting: &AccessLog) -> Result<(Log, LogWriter), AccessLogError> {
    let out: Box<dyn Write + Send> = match setting {
        AccessLog::Off => return Ok((Log(None), LogWriter(None))),
        AccessLog::Stdout => Box::new(io::stdout()),
        AccessLog::File(path) => {
            let opened = OpenOptions::new().append(true).create(true).open(path);
            Box::new(opened.map_err(|source| AccessLogError { path: path.clone(), source })?)
        }
    };
    let (lines, queue) = sync_channel(QUEUE_LINES);
    let dropped = Arc::new(AtomicU64::new(0));
    let (finished, finish) = oneshot::channel();
    let sender = Sender { lines, dropped: dropped.clone() };
    thread::spawn(move || {
        write_lines(&queue, &dropped, BufWriter::new(out));
        let _ = finished.send(());
    });
    Ok((Log(Some(sender)), LogWriter(Some(finish))))
}

fn write_lines(queue: &Receiver<String>, dropped: &AtomicU64, mut out: impl Write) {
    let mut failed = false;
    while let Ok(first) = queue.recv() {
        let mut lines = iter::once(first).chain(queue.try_iter()).take(QUEUE_LINES);
        let written = lines.try_for_each(|line| out.write_all(line.as_bytes())).and_then(|()| out.flush());
        match written {
            Ok(()) => failed = false,
            Err(error) if !failed => {
                failed = true;
                warn!(%error, "access log not written");
            }
            Err(_) => {}
        }
        let dropped = dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            warn!(dropped, "access log too slow, lines dropped");
        }
    }
}

impl LogWriter {
    /// Waits until all lines are written, when every `Log` is gone; not for ever.
    pub(crate) async fn finish(self) {
        if let Some(finish) = self.0
            && timeout(FINISH_GRACE, finish).await.is_err()
        {
            warn!("access log not finished");
        }
    }
}

impl Sender {
    fn send(&self, line: String) {
        if self.lines.try_send(line).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Around `answer`: remembers the request, and writes the line when the last byte of the answer has gone.
pub(crate) async fn record<B, F: Future<Output = Response>>(
    log: Log,
    request: Request<B>,
    answer: impl FnOnce(Request<B>) -> F,
) -> Response {
    let Some(sender) = log.0 else {
        return answer(request).await;
    };
    let mut line = Line {
        sender,
        peer: request
            .extensions()
            .get::<Peer>()
            .map_or_else(|| "-".to_owned(), |peer| peer.0.ip().to_string()),
        request: format!(
            "{} {} {:?}",
            field(request.method().as_str().as_bytes()),
            field(request.uri().to_string().as_bytes()),
            request.version()
        ),
        referer: header_field(request.headers(), &header::REFERER),
        agent: header_field(request.headers(), &header::USER_AGENT),
        status: StatusCode::OK,
        sent_bytes: 0,
    };
    let is_head = request.method() == Method::HEAD;
    let response = answer(request).await;
    line.status = response.status();
    if is_head {
        return response; // the line is written here: no byte of a body follows
    }
    response.map(|body| Body::new(Counted { body, line }))
}

/// One line of the log; written when dropped, however the answer ended.
#[derive(Debug)]
struct Line {
    sender: Sender,
    peer: String,
    request: String,
    referer: String,
    agent: String,
    status: StatusCode,
    sent_bytes: u64,
}

impl Drop for Line {
    fn drop(&mut self) {
        let line = self.render(&Zoned::now());
        self.sender.send(line);
    }
}

impl Line {
    fn render(&self, now: &Zoned) -> String {
        format!(
            "{} - - [{}] \"{}\" {} {} \"{}\" \"{}\"\n",
            self.peer,
            now.strftime("%d/%b/%Y:%H:%M:%S %z"),
            self.request,
            self.status.as_u16(),
            self.sent_bytes,
            self.referer,
            self.agent
        )
    }
}

fn header_field(headers: &HeaderMap, name: &HeaderName) -> String {
    headers.get(name).map_or_else(|| "-".to_owned(), |value| field(value.as_bytes()))
}

/// As a client sent it, but unable to end its field or line, or to speak to a terminal.
fn field(sent: &[u8]) -> String {
    let mut text = String::with_capacity(sent.len().min(LONGEST_FIELD));
    for &byte in &sent[..sent.len().min(LONGEST_FIELD)] {
        match byte {
            b'"' | b'\\' | 0..=0x1f | 0x7f.. => {
                let _ = write!(text, "\\x{byte:02X}");
            }
            _ => text.push(char::from(byte)),
        }
    }
    text
}

/// A body that counts what leaves.
struct Counted {
    body: Body,
    line: Line,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(bytes) = frame.data_ref()
        {
            self.line.sent_bytes += bytes.len() as u64;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(lines: SyncSender<String>) -> Line {
        Line {
            sender: Sender { lines, dropped: Arc::default() },
            peer: "192.168.1.20".to_owned(),
            request: "GET /stream.m3u8 HTTP/1.1".to_owned(),
            referer: "-".to_owned(),
            agent: field(b"Player/1.0 \"x\"\n\x1b[2J\xff"),
            status: StatusCode::OK,
            sent_bytes: 512,
        }
    }

    #[test]
    fn a_line_is_in_combined_log_format_and_stays_one_line() {
        let (lines, queue) = sync_channel(1);
        let now: Zoned = "2026-11-22T14:39:16+01:00[+01:00]".parse().unwrap();
        assert_eq!(
            line(lines).render(&now),
            "192.168.1.20 - - [22/Nov/2026:14:39:16 +0100] \"GET /stream.m3u8 HTTP/1.1\" 200 512 \"-\" \
             \"Player/1.0 \\x22x\\x22\\x0A\\x1B[2J\\xFF\"\n"
        );
        assert_eq!(queue.try_iter().count(), 1, "dropping the answer writes its line");
    }

    #[test]
    fn a_full_queue_drops_lines_and_counts_them() {
        let (lines, queue) = sync_channel(1);
        let sender = Sender { lines, dropped: Arc::default() };
        for number in 0..4 {
            sender.send(format!("{number}\n"));
        }
        let dropped = sender.dropped.clone();
        assert_eq!(dropped.load(Ordering::Relaxed), 3);
        drop(sender);
        let mut out = Vec::new();
        write_lines(&queue, &dropped, &mut out);
        assert_eq!(out, b"0\n");
        assert_eq!(dropped.load(Ordering::Relaxed), 0, "reported once");
    }

    #[test]
    fn a_giant_field_is_cut() {
        assert_eq!(field(&vec![b'a'; 100_000]).len(), LONGEST_FIELD);
    }

    #[test]
    fn a_log_that_cannot_be_opened_is_named_with_the_remedy() {
        let error = open(&AccessLog::File("/no-such-directory/a.log".into())).unwrap_err().to_string();
        assert!(error.contains("/no-such-directory/a.log") && error.contains("--access-log"), "{error}");
    }
}
