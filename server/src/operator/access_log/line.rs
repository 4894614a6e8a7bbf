//! Lines of the access log: an answer, or what was no request, in combined log format or in JSON.

use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, Method, Request, StatusCode, Version, header};
use jiff::{Timestamp, Zoned};
use serde::Serialize;

use super::queue::{LogFormat, Sender};

/// In bytes of the request; real paths and agents are shorter, and whoever sends more does not get to fill the disk.
pub(super) const LONGEST_FIELD: usize = 1024;

/// One line of the log; written when dropped, however the answer ended.
#[derive(Debug)]
pub(crate) struct Line {
    sender: Sender,
    viewer: Option<IpAddr>,
    method: Method,
    target: Vec<u8>,
    version: Version,
    referer: Option<Vec<u8>>,
    agent: Option<Vec<u8>>,
    pub(crate) status: StatusCode,
    pub(crate) sent_bytes: u64,
    pub(crate) blocked_for: Duration,
    begun: Instant,
}

impl Drop for Line {
    fn drop(&mut self) {
        let now = Zoned::now();
        let line = match self.sender.format {
            LogFormat::Combined => self.combined(&now),
            LogFormat::Json => self.json(&now, self.begun.elapsed()),
        };
        self.sender.send(line);
    }
}

impl Line {
    pub(super) fn begin<B>(sender: Sender, request: &Request<B>, viewer: Option<IpAddr>) -> Line {
        // HTTP/2 has no line to repeat; its host belongs to another field.
        let target = match request.version() {
            Version::HTTP_2 => request.uri().path_and_query().map_or("*", PathAndQuery::as_str).to_owned(),
            _ => request.uri().to_string(),
        };
        Line {
            sender,
            viewer,
            method: request.method().clone(),
            target: beginning(target.as_bytes()).to_vec(),
            version: request.version(),
            referer: header(request.headers(), &header::REFERER),
            agent: header(request.headers(), &header::USER_AGENT),
            status: StatusCode::OK,
            sent_bytes: 0,
            blocked_for: Duration::ZERO,
            begun: Instant::now(),
        }
    }

    fn combined(&self, now: &Zoned) -> String {
        let optional = |sent: &Option<Vec<u8>>| sent.as_deref().map_or_else(|| "-".to_owned(), field);
        format!(
            "{} - - [{}] \"{} {} {:?}\" {} {} \"{}\" \"{}\"\n",
            name(self.viewer),
            written(now),
            field(self.method.as_str().as_bytes()),
            field(&self.target),
            self.version,
            self.status.as_u16(),
            self.sent_bytes,
            optional(&self.referer),
            optional(&self.agent)
        )
    }

    fn json(&self, now: &Zoned, took: Duration) -> String {
        let rounded_s = |duration: Duration| (duration.as_secs_f64() * 1e6).round() / 1e6;
        let line = JsonLine {
            time: now.timestamp(),
            client: self.viewer,
            method: Some(text(self.method.as_str().as_bytes())),
            target: text(&self.target),
            protocol: Some(format!("{:?}", self.version)),
            status: self.status.as_u16(),
            sent_bytes: self.sent_bytes,
            took_s: rounded_s(took),
            held_s: rounded_s(self.blocked_for),
            referer: self.referer.as_deref().map(text),
            agent: self.agent.as_deref().map(text),
            refused: None,
        };
        line.written()
    }
}

/// What of a field is kept, and written.
fn beginning(sent: &[u8]) -> &[u8] {
    &sent[..sent.len().min(LONGEST_FIELD)]
}

/// What was no request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refused<'a> {
    /// What was sent in place of a request line, as far as there is any of it.
    pub(crate) sent: &'a [u8],
    /// `None`: not answered.
    pub(crate) status: Option<StatusCode>,
    pub(crate) reason: &'a str,
}

impl Refused<'_> {
    /// What is not answered has the status 000, as nginx writes it.
    pub(super) fn combined(&self, viewer: Option<IpAddr>, now: &Zoned) -> String {
        let request = if self.sent.is_empty() { "-".to_owned() } else { field(self.sent) };
        let status = self.status.map_or(0, |status| status.as_u16());
        format!("{} - - [{}] \"{request}\" {status:03} 0 \"-\" \"-\"\n", name(viewer), written(now))
    }

    pub(super) fn json(&self, viewer: Option<IpAddr>, now: &Zoned) -> String {
        let line = JsonLine {
            time: now.timestamp(),
            client: viewer,
            method: None,
            target: text(self.sent),
            protocol: None,
            status: self.status.map_or(0, |status| status.as_u16()),
            sent_bytes: 0,
            took_s: 0.0,
            held_s: 0.0,
            referer: None,
            agent: None,
            refused: Some(text(self.reason.as_bytes())),
        };
        line.written()
    }
}

fn name(viewer: Option<IpAddr>) -> String {
    viewer.map_or_else(|| "-".to_owned(), |viewer| viewer.to_string())
}

fn written(now: &Zoned) -> impl fmt::Display {
    now.strftime("%d/%b/%Y:%H:%M:%S %z").to_string()
}

fn text(sent: &[u8]) -> String {
    String::from_utf8_lossy(beginning(sent)).into_owned()
}

/// A request in JSON. What is not known is null.
#[derive(Debug, Serialize)]
struct JsonLine {
    /// Of the end of the answer.
    time: Timestamp,
    client: Option<IpAddr>,
    /// Null, as the protocol, where what came was no request; then the target is what came instead.
    method: Option<String>,
    target: String,
    protocol: Option<String>,
    /// 0: not answered.
    status: u16,
    /// Of the body.
    sent_bytes: u64,
    /// From the end of the request's head to the last byte of the answer.
    took_s: f64,
    /// Of that, for what was not there yet.
    held_s: f64,
    referer: Option<String>,
    agent: Option<String>,
    /// Why what came was no request.
    refused: Option<String>,
}

impl JsonLine {
    fn written(&self) -> String {
        // Of plain values nothing can fail.
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }
}

fn header(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<u8>> {
    Some(beginning(headers.get(name)?.as_bytes()).to_vec())
}

/// As a client sent it, but unable to end its field or line, or to speak to a terminal.
fn field(sent: &[u8]) -> String {
    let sent = beginning(sent);
    let mut text = String::with_capacity(sent.len());
    for &byte in sent {
        match byte {
            b'"' | b'\\' | 0..=0x1f | 0x7f.. => {
                let _ = write!(text, "\\x{byte:02X}");
            }
            _ => text.push(char::from(byte)),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::{SyncSender, sync_channel};

    use super::*;

    fn line(lines: SyncSender<String>) -> Line {
        Line {
            sender: Sender {
                lines,
                format: LogFormat::Combined,
                dropped: Arc::default(),
                is_moved: Arc::default(),
            },
            viewer: Some("192.168.1.20".parse().unwrap()),
            method: Method::GET,
            target: b"/stream.m3u8".to_vec(),
            version: Version::HTTP_11,
            referer: None,
            agent: Some(b"Player/1.0 \"x\"\n\x1b[2J\xff".to_vec()),
            status: StatusCode::OK,
            sent_bytes: 512,
            blocked_for: Duration::from_micros(1200),
            begun: Instant::now(),
        }
    }

    #[test]
    fn a_line_is_in_combined_log_format_and_stays_one_line() {
        let (lines, queue) = sync_channel(1);
        let now: Zoned = "2026-11-22T14:39:16+01:00[+01:00]".parse().unwrap();
        assert_eq!(
            line(lines).combined(&now),
            "192.168.1.20 - - [22/Nov/2026:14:39:16 +0100] \"GET /stream.m3u8 HTTP/1.1\" 200 512 \"-\" \
             \"Player/1.0 \\x22x\\x22\\x0A\\x1B[2J\\xFF\"\n"
        );
        assert_eq!(queue.try_iter().count(), 1, "dropping the answer writes its line");
    }

    #[test]
    fn a_line_of_json_is_one_object_whatever_the_client_sent() {
        let now: Zoned = "2026-11-22T14:39:16+01:00[+01:00]".parse().unwrap();
        let text = line(sync_channel(1).0).json(&now, Duration::from_micros(1500));
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["time"], "2026-11-22T13:39:16Z");
        assert_eq!(value["client"], "192.168.1.20");
        assert_eq!(value["target"], "/stream.m3u8");
        assert_eq!(value["status"], 200);
        assert_eq!(value["took_s"], 0.0015);
        assert_eq!(value["held_s"], 0.0012);
        assert_eq!(value["referer"], serde_json::Value::Null);
        assert_eq!(value["agent"], "Player/1.0 \"x\"\n\u{1b}[2J\u{fffd}");
    }

    #[test]
    fn what_was_no_request_is_one_line_too() {
        let now: Zoned = "2026-11-22T14:39:16+01:00[+01:00]".parse().unwrap();
        let viewer = Some("192.168.1.20".parse().unwrap());
        let head =
            Refused { sent: b"\x16\x03 \"x", status: Some(StatusCode::BAD_REQUEST), reason: "no HTTP" };
        assert_eq!(
            head.combined(viewer, &now),
            "192.168.1.20 - - [22/Nov/2026:14:39:16 +0100] \"\\x16\\x03 \\x22x\" 400 0 \"-\" \"-\"\n"
        );
        let tls = Refused { sent: b"", status: None, reason: "no TLS" };
        assert_eq!(tls.combined(None, &now), "- - - [22/Nov/2026:14:39:16 +0100] \"-\" 000 0 \"-\" \"-\"\n");
        let value: serde_json::Value = serde_json::from_str(&tls.json(viewer, &now)).unwrap();
        assert_eq!((&value["status"], &value["refused"]), (&0.into(), &"no TLS".into()));
        assert_eq!(value["method"], serde_json::Value::Null);
    }

    #[test]
    fn a_giant_field_is_cut() {
        assert_eq!(field(&vec![b'a'; 100_000]).len(), LONGEST_FIELD);
    }
}
