//! Errors of inputs: libav's codes become one line with the remedy, without passwords.

use super::super::SourceError;
use super::address::{InputAddress, SCHEMES};
use super::listen_address::{self, CannotListen};
use ffmpeg_next as ffmpeg;
use livedir_address::{ENCODING, may_need_encoding};
use std::time::Duration;

/// Why an input cannot be opened, or has stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// The path leads nowhere.
    #[error("no such file: {0}; check its name, or name another source: camera, screen, test, a URL, or -")]
    NoSuchFile(String),
    /// The path leads to a directory.
    #[error("{0} is a directory; name a file in it")]
    Directory(String),
    /// The file is not ours to read.
    #[error("{0} cannot be read by this user; change its permissions, or run as its owner")]
    PermissionDenied(String),
    /// libav has no way to say the name.
    #[error("FFmpeg cannot open {0}: there is a zero byte in it; write the address again")]
    Unspeakable(String),
    /// The file opens, but is no media.
    #[error(
        "{name} is not a media file that FFmpeg can read ({reason}); give a whole .mp4, .mkv, .ts or the like"
    )]
    NotMedia {
        /// The address.
        name: String,
        /// libav's words.
        reason: String,
    },
    /// It would be over at once.
    #[error("{0} is a still picture, which would end at once; to stream it until Ctrl-C, add --loop")]
    StillPicture(String),
    /// There is nothing to see or to hear in it.
    #[error("{name} has neither video nor sound; it holds: {found}; give a source with one of them")]
    NothingToPlay {
        /// The address.
        name: String,
        /// Its streams.
        found: String,
    },
    /// There is nothing to hear in it.
    #[error("{name} has no sound; it holds: {found}; leave --no-video out, or give a source with sound")]
    NoSound {
        /// The address.
        name: String,
        /// Its streams.
        found: String,
    },
    /// The sound track that was asked for is not there.
    #[error(
        "{name} has {wanted} that can be played; {}",
        if has.is_empty() { "it has no sound; leave --audio-track out".to_owned() } else { format!("it has {has}; name one of them, or leave --audio-track out") }
    )]
    NoSoundTrack {
        /// The address.
        name: String,
        /// What was asked for, and is not there.
        wanted: String,
        /// Its sound tracks.
        has: String,
    },
    /// It is to be a picture, and is none.
    #[error("{0} has no picture; give --picture an image, such as a .png or .jpg file")]
    NoStill(String),
    /// The codec is unknown here.
    #[error("{name} holds {codec}, which this FFmpeg cannot decode; convert it to H.264 and AAC")]
    NoDecoder {
        /// The address.
        name: String,
        /// The codec's name, and what is coded in it.
        codec: String,
    },
    /// Packets came, frames did not.
    #[error("no picture of {0} could be decoded; is the file damaged?")]
    Undecodable(String),
    /// Packets came from who sends live, frames did not.
    #[error(
        "no picture of {0} could be decoded; does its encoder send parameter sets (SPS and PPS), at best with each keyframe?"
    )]
    UndecodableLive(String),
    /// Packets came, samples did not.
    #[error("no sound of {0} could be decoded; is the file damaged?")]
    UndecodableSound(String),
    /// Nothing answers there, or not as it should.
    #[error("cannot reach {name}: {reason}; {remedy}")]
    Unreachable {
        /// The address.
        name: String,
        /// What happened.
        reason: String,
        /// What to try.
        remedy: String,
    },
    /// Who pushes to it has left before anything could be played, or sends what cannot be.
    #[error("the encoder at {name} {what}; does it send H.264 and AAC, and what does its log say?")]
    Unusable {
        /// The address that it connected to.
        name: String,
        /// What it did.
        what: String,
    },
    /// Nobody can push to it.
    #[error(transparent)]
    Listen(#[from] CannotListen),
    /// A list of films that is none.
    #[error("{name} is not a playable list: {reason}; {remedy}")]
    List {
        /// The list.
        name: String,
        /// What is the matter.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A film of a list.
    #[error("{list}:{line}: {reason}")]
    Listed {
        /// The list.
        list: String,
        /// The line that names the film, from 1.
        line: usize,
        /// What is the matter with it, and what to do.
        reason: String,
    },
    /// There is no screen to film.
    #[error("cannot capture the screen {name}: {reason}; {remedy}")]
    NoScreen {
        /// As the system calls it.
        name: String,
        /// libav's words.
        reason: String,
        /// What to try.
        remedy: &'static str,
    },
    /// The scheme is not one of ours, or libav was built without it.
    #[error("{name}: {scheme} is not supported; use one of {}", SCHEMES.join(", "))]
    Protocol {
        /// The address.
        name: String,
        /// Its scheme.
        scheme: String,
    },
    /// The source is connected and says nothing.
    #[error("{name} has sent nothing for {seconds} s; is it still on?")]
    Silent {
        /// The address.
        name: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// Much has come, and no frame of it could be read.
    #[error(
        "no frame could be read of what {name} has sent for {seconds} s, as in a scrambled broadcast; descramble it before it comes here"
    )]
    Unreadable {
        /// The address.
        name: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// It is scrambled from its start.
    #[error("{0} is scrambled, as pay television is; descramble it before it comes here")]
    Scrambled(String),
    /// A file or pipe was over before its end.
    #[error("not all of {name} was streamed: {reason}")]
    CutShort {
        /// The address.
        name: String,
        /// What is the matter with the rest, and what to do.
        reason: String,
    },
    /// A live source has hung up.
    #[error("{0} has ended the stream")]
    HungUp(String),
    /// Reading failed on the way.
    #[error("{name} cannot be read any further: {reason}")]
    Broken {
        /// The address.
        name: String,
        /// libav's words.
        reason: String,
    },
    /// A pipe cannot be played twice.
    #[error("standard input cannot be played again from its start; leave out --loop, or give a file")]
    LoopedPipe,
    /// The stop flag was set while it opened.
    #[error("stopped while {0} was being opened")]
    Stopped(String),
    /// The system has no thread to give.
    #[error("no thread for reading {name}: {reason}")]
    NoThread {
        /// The address.
        name: String,
        /// The system's words.
        reason: String,
    },
}

impl From<InputError> for SourceError {
    fn from(error: InputError) -> Self {
        let line = error.to_string();
        match error {
            InputError::Silent { .. }
            | InputError::Unreadable { .. }
            | InputError::HungUp(_)
            | InputError::Broken { .. } => SourceError::Lost(line),
            InputError::CutShort { .. } => SourceError::CutShort(line),
            _ => SourceError::Open(line),
        }
    }
}

impl InputError {
    /// The same of a film that a list names in this line, from 1.
    pub(crate) fn in_list(self, list: &InputAddress, line: usize) -> Self {
        let reason = match self {
            InputError::NoSuchFile(name) => {
                format!("no such file: {name}; put it there, or take out the line")
            }
            InputError::Directory(name) => format!("{name} is a directory; name the files in it"),
            error => error.to_string(),
        };
        InputError::Listed { list: list.to_string(), line, reason }
    }

    /// Why the system does not let us listen at `bind`.
    pub(crate) fn no_port(name: &str, bind: &str, error: &std::io::Error) -> Self {
        let port = bind.rsplit_once(':').map_or(bind, |(_, port)| port);
        let (reason, remedy) = match error.kind() {
            std::io::ErrorKind::AddrInUse => (
                format!("port {port} is in use by another program"),
                "stop it, or use another port".to_owned(),
            ),
            std::io::ErrorKind::PermissionDenied => {
                (format!("this user may not use port {port}"), "use one above 1023".to_owned())
            }
            std::io::ErrorKind::AddrNotAvailable => (
                "this machine has no such address".to_owned(),
                format!("listen on all that it has: 0.0.0.0:{port}"),
            ),
            _ => (error.to_string().to_lowercase(), format!("write it like 0.0.0.0:{port}")),
        };
        CannotListen { name: name.to_owned(), reason, remedy }.into()
    }

    /// Why nothing of who pushes to `name` could be opened; `sent_for`: how long it was connected, where that is known.
    pub(crate) fn from_push(name: String, error: ffmpeg::Error, sent_for: Option<Duration>) -> Self {
        let time = sent_for.map(|time| format!(" after {:.1} s", time.as_secs_f64())).unwrap_or_default();
        let what = match error {
            ffmpeg::Error::InvalidData => {
                format!("sends a stream that FFmpeg cannot read ({})", reason(error))
            }
            ffmpeg::Error::Other { errno: ffmpeg::error::ETIMEDOUT } => "has sent nothing".to_owned(),
            _ => format!("has left{time} without a stream that can be played"),
        };
        InputError::Unusable { name, what }
    }

    /// What was announced at `address` never came.
    pub(crate) fn nothing_came(address: &InputAddress, is_pushed: bool) -> Self {
        let name = address.to_string();
        if is_pushed {
            return InputError::Unusable { name, what: "has sent nothing that can be played".to_owned() };
        }
        let remedy = remedy_where_nobody_answers(address);
        InputError::Unreachable { name, reason: "nothing has come".to_owned(), remedy }
    }

    /// Why libav did not open `address`; `timed_out` if it was we who lost patience.
    pub(crate) fn from_open(address: &InputAddress, error: ffmpeg::Error, timed_out: bool) -> Self {
        let name = address.to_string();
        let scheme = address.scheme().unwrap_or_default();
        let unreachable = |reason: String, remedy: &str| InputError::Unreachable {
            name: name.clone(),
            reason,
            remedy: remedy.to_owned(),
        };
        let nobody_there = |reason: String| unreachable(reason, &remedy_where_nobody_answers(address));
        if timed_out {
            return nobody_there("no usable data within 10 s".to_owned());
        }
        match (address, error) {
            (_, ffmpeg::Error::ProtocolNotFound) => InputError::Protocol { name, scheme },
            (InputAddress::File(_), ffmpeg::Error::Other { errno: ffmpeg::error::ENOENT }) => {
                InputError::NoSuchFile(name)
            }
            (
                InputAddress::File(_) | InputAddress::Session(_),
                ffmpeg::Error::Other { errno: ffmpeg::error::EACCES },
            ) => InputError::PermissionDenied(name),
            (InputAddress::Session(_), error @ ffmpeg::Error::InvalidData) => {
                let reason = format!("no session description that FFmpeg can read ({})", reason(error));
                unreachable(
                    reason,
                    "write in it where RTP comes to, and what: v=0, c=, m= and a=rtpmap lines",
                )
            }
            (InputAddress::File(_) | InputAddress::Stdin, error)
            | (_, error @ ffmpeg::Error::InvalidData) => InputError::NotMedia { name, reason: reason(error) },
            (InputAddress::Url(url), ffmpeg::Error::HttpUnauthorized) if names_user(url) => unreachable(
                "it refuses this user or password (401)".to_owned(),
                &format!("are they right? {}", capital(ENCODING)),
            ),
            (_, ffmpeg::Error::HttpUnauthorized) => unreachable(
                "it asks for a password (401)".to_owned(),
                &format!("write it into the address: scheme://user:password@host/…; {ENCODING}"),
            ),
            (_, ffmpeg::Error::HttpForbidden) => unreachable(
                "it refuses (403)".to_owned(),
                &format!("are the user and the password right? {}", capital(ENCODING)),
            ),
            (_, ffmpeg::Error::HttpNotFound) => {
                unreachable("path not found (404)".to_owned(), "is the path right?")
            }
            (_, ffmpeg::Error::Other { errno: ffmpeg::error::EPROTONOSUPPORT })
                if scheme.starts_with("rtsp") =>
            {
                unreachable(
                    "this transport is not supported".to_owned(),
                    "leave out ?transport=, or name another",
                )
            }
            // libav says "input/output error" for an unknown host name and for a handshake without an answer.
            (_, ffmpeg::Error::Other { errno: ffmpeg::error::EIO }) => nobody_there("no response".to_owned()),
            (_, error) => nobody_there(reason(error)),
        }
    }
}

/// What to try where nobody answers. An address of this machine may be one to wait at.
pub(crate) fn remedy_where_nobody_answers(address: &InputAddress) -> String {
    let url = match address {
        InputAddress::Url(url) => url,
        InputAddress::Session(_) => return SESSION_REMEDY.to_owned(),
        _ => return ADDRESS_REMEDY.to_owned(),
    };
    if may_need_encoding(url) {
        return format!("is that the host? There is an @ after it: {ENCODING}");
    }
    match listen_address::turned_round(url) {
        Some(typed) => {
            format!("is the server there running? To wait for an encoder instead, name the source '{typed}'")
        }
        None => ADDRESS_REMEDY.to_owned(),
    }
}

/// Whether the address says who asks.
fn names_user(url: &str) -> bool {
    let authority = url.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    authority.is_some_and(|authority| authority.contains('@'))
}

const SESSION_REMEDY: &str = "does somebody send to the addresses and ports in it?";
const ADDRESS_REMEDY: &str = "is the camera on, and is the address right?";

/// The same as the beginning of a sentence.
fn capital(words: &str) -> String {
    words.get(..1).map_or_else(String::new, |first| first.to_uppercase() + &words[1..])
}

/// libav's words for an error, in the case of ours.
pub(crate) fn reason(error: ffmpeg::Error) -> String {
    let words = error.to_string();
    let mut letters = words.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(words.chars().skip(1)).collect()
        }
        _ => words,
    }
}

#[cfg(test)]
mod tests;
