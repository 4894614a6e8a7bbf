//! The demuxer's thread, from opening the input to its end.
//!
//! In: an address, a place to wait at, or a list of films. Out: rounds and their packets, into the queue that
//! [`crate::source::input::demux`] reads. The thread opens, uses and closes libav's context. It ends at the end of the input, at
//! an error, at the stop flag, or when the demuxer is dropped.

use super::entry::Entry;
use super::streams::{self, Chosen, Wanted};
use super::untimed::UntimedClock;
use super::{AT_ONCE, Ending, Origin, Shared};
use crate::source::input::address::InputAddress;
use crate::source::input::error::{InputError, reason};
use crate::source::input::file_list::{self, Listed};
use crate::source::input::pace::timeline::Lane;
use crate::source::input::screen;
use crate::source::input::stream_fields;
use crate::source::input::tracks::TrackSettings;
use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::context::StreamIo;
use ffmpeg_next::{Packet, format};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{debug, warn};

/// A camera that has not answered by then will not; who waits for it wants to know.
const CONNECT: Duration = Duration::from_secs(10);
/// A live stream without a packet for so long is gone, even if its connection still stands.
const SILENCE: Duration = Duration::from_secs(10);
/// So many damaged packets in a row are no damage but the end of what can be used.
const MOST_BAD_PACKETS: u32 = 1000;

/// What the thread works with.
pub(crate) struct DemuxThread {
    pub(crate) address: InputAddress,
    pub(crate) origin: Origin,
    pub(crate) loop_forever: bool,
    /// Frame rate of a source without timestamps whose parameter sets state none.
    pub(crate) untimed_fps: Option<u32>,
    /// The sound alone is played, whatever else there is.
    pub(crate) sound_alone: bool,
    /// The film of a list that is played first.
    pub(crate) first_film: usize,
    /// The tracks that are wanted, and what was said of them.
    pub(crate) tracks: TrackSettings,
    pub(crate) shared: Arc<Shared>,
}

/// Why a round is over, and the packets in it that were of use.
enum Over {
    /// The input is.
    End { packets: u64 },
    /// It had sound alone, and a picture has come with this packet.
    Picture { packets: u64, packet: Packet },
}

/// Whatever ends the thread, those who wait for it learn of it.
struct DoneGuard(Arc<Shared>);

impl Drop for DoneGuard {
    fn drop(&mut self) {
        self.0.change(|queue| {
            queue.ending.get_or_insert(Ending::Over);
            queue.thread_done = true;
        });
    }
}

impl DemuxThread {
    pub(crate) fn run(self) {
        let _done = DoneGuard(self.shared.clone());
        let ending = match self.play() {
            Ok(()) => Ending::Over,
            Err(error) => Ending::Failed(error),
        };
        self.shared.change(|queue| queue.ending = Some(ending));
    }

    fn play(&self) -> Result<(), InputError> {
        let list = file_list::read(&self.address)?;
        let is_list = list.is_some();
        let films = list.unwrap_or_else(|| vec![Listed { film: self.address.clone(), line: 1 }]);
        let several = is_list && films.len() > 1;
        if several {
            for line in file_list::missing(&self.address, &films) {
                self.tracks.told.tell(line, true);
            }
        }
        // The list may have become shorter since.
        let mut first = self.first_film.min(films.len() - 1);
        loop {
            let mut packets = 0;
            let mut failed = None;
            for (nr, listed) in films.iter().enumerate().skip(std::mem::take(&mut first)) {
                // Each round opens the input afresh: that works for all that can be played twice, seekable or not,
                // and leaves nothing of the round before in libav.
                match self.play_once(&listed.film, several.then_some(nr)) {
                    Ok(used) => packets += used,
                    Err(error) if is_list && !self.shared.watchdog.stopped() => {
                        let error = error.in_list(&self.address, listed.line);
                        if several {
                            warn!(%error, "left out");
                        }
                        failed = Some(error);
                    }
                    Err(error) => return Err(error),
                }
                if self.shared.watchdog.stopped() {
                    return Ok(());
                }
            }
            if packets == 0
                && let Some(error) = failed
            {
                return Err(error);
            }
            if !self.loop_forever {
                return Ok(());
            }
            if packets == 0 {
                return Err(InputError::Undecodable(self.address.to_string()));
            }
        }
    }

    /// One round, from its opening to its end; the number of packets that were of use.
    fn play_once(&self, film: &InputAddress, of_list: Option<usize>) -> Result<u64, InputError> {
        self.shared.wait_for_room();
        let opened_at = Instant::now();
        let mut input = self.open(film)?;
        let is_file = matches!(film, InputAddress::File(_));
        if is_file && of_list.is_none() && !self.loop_forever && streams::is_still_picture(&input) {
            return Err(InputError::StillPicture(film.to_string()));
        }
        let wanted = Wanted {
            is_pushed: self.is_pushed(),
            untimed_fps: self.untimed_fps,
            sound_alone: self.sound_alone,
            of_list,
            tracks: &self.tracks,
        };
        let (mut used, mut first) = (0, None);
        loop {
            let chosen = streams::choose(&mut input, film, wanted);
            let (chosen, round) = chosen.map_err(|error| self.of_this_origin(error))?;
            // A live list of HLS says itself when it is over; other live streams never are.
            let hangs_up = round.live && !round.in_bursts && !self.ends();
            let awaits_picture = round.picture_may_come;
            let untimed = round.untimed.map(|rate| UntimedClock::new(rate, round.live, opened_at));
            let mut entry = Entry::new(&self.shared, round, untimed);
            if let Some((packet, (lane, time_base))) = first
                .take()
                .and_then(|packet: Packet| chosen.lane_of(packet.stream()).map(|lane| (packet, lane)))
            {
                entry.push(lane, packet, time_base, false);
            }
            let read = self.read(&mut input, chosen, awaits_picture, hangs_up, &mut entry);
            entry.finish();
            match read? {
                Over::Picture { packets, packet } => (used, first) = (used + packets, Some(packet)),
                Over::End { .. } if hangs_up && !self.shared.watchdog.stopped() => {
                    return Err(InputError::HungUp(self.address.to_string()));
                }
                Over::End { packets } => return Ok(used + packets),
            }
        }
    }

    /// It may be over some time, and to fail on the way is one way to be over.
    fn ends(&self) -> bool {
        matches!(self.address, InputAddress::File(_) | InputAddress::Stdin)
    }

    /// Somebody sends it to us as it happens, whatever the head of the stream says.
    fn is_pushed(&self) -> bool {
        !matches!(self.origin, Origin::Address)
    }

    /// What is said of a source is not said of an encoder that pushes.
    fn of_this_origin(&self, error: InputError) -> InputError {
        match error {
            InputError::NothingToPlay { name, found } if self.is_pushed() => {
                InputError::Unusable { name, what: format!("has sent neither video nor sound, but: {found}") }
            }
            error => error,
        }
    }

    fn open(&self, film: &InputAddress) -> Result<format::context::Input, InputError> {
        if let InputAddress::File(path) | InputAddress::Session(path) = film {
            match std::fs::metadata(path) {
                Ok(metadata) if metadata.is_dir() => {
                    return Err(InputError::Directory(film.to_string()));
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    return Err(InputError::NoSuchFile(film.to_string()));
                }
                _ => {} // libav will say what else is wrong
            }
        }
        let is_called = matches!(self.origin, Origin::Address) && film.is_sent();
        self.shared.watchdog.arm(is_called.then_some(CONNECT));
        let shared = self.shared.clone();
        let interrupt = move || shared.watchdog.barks();
        let options = film.libav_options();
        if let InputAddress::Screen(which) = film {
            return screen::open(which.as_deref());
        }
        let mut since = Instant::now();
        let opened = match &self.origin {
            Origin::Address => {
                let Some(name) = film.libav_name() else { return self.open_unspeakable(film, interrupt) };
                format::input_with_interrupt_and_dictionary(&name, interrupt, options.into_iter().collect())
            }
            Origin::Listening(url) => {
                // A client that connects and sends nothing; waiting for one has no end.
                let silence_us = CONNECT.as_micros().to_string();
                let silence = matches!(film.scheme().as_deref(), Some("srt" | "tcp"))
                    .then_some(("timeout", &*silence_us));
                let options = options.into_iter().chain(silence).collect();
                format::input_with_interrupt_and_dictionary(url, interrupt, options)
            }
            Origin::Door(door) => match door.wait_for_guest(|| self.shared.watchdog.stopped()) {
                None => Err(ffmpeg::Error::Exit),
                Some(guest) => {
                    debug!(from = %guest.from, "reading the incoming stream");
                    since = Instant::now();
                    StreamIo::from_read(guest.media).and_then(|media| {
                        // Rates are not worth waiting for: the grid has its own.
                        let options = [
                            ("format_whitelist", "flv,matroska"),
                            ("analyzeduration", "1500000"),
                            ("fpsprobesize", "0"),
                        ];
                        let options = Some(options.into_iter().collect());
                        format::input_from_stream_with_interrupt(media, Some("push"), options, interrupt)
                    })
                }
            },
        };
        let timed_out = self.shared.watchdog.timed_out();
        match opened {
            _ if self.shared.watchdog.stopped() => Err(InputError::Stopped(film.to_string())),
            Ok(input) if !timed_out => Ok(input),
            Ok(_) => Err(InputError::from_open(film, ffmpeg::Error::Exit, true)),
            Err(error) => Err(match self.origin {
                Origin::Door(_) => InputError::from_push(film.to_string(), error, Some(since.elapsed())),
                // The time before somebody came is part of it.
                Origin::Listening(_) if since.elapsed() > AT_ONCE => {
                    InputError::from_push(film.to_string(), error, None)
                }
                Origin::Listening(_) | Origin::Address => InputError::from_open(film, error, timed_out),
            }),
        }
    }

    /// A file whose name is no UTF-8: libav is given what is in it.
    fn open_unspeakable(
        &self,
        film: &InputAddress,
        interrupt: impl FnMut() -> bool + Send + 'static,
    ) -> Result<format::context::Input, InputError> {
        let InputAddress::File(path) = film else { return Err(InputError::Unspeakable(film.to_string())) };
        // Only its ending tells the format of some.
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let name = format!("film.{ending}");
        let options = Some(film.libav_options().into_iter().collect());
        let errno = |error: std::io::Error| error.raw_os_error().unwrap_or(ffmpeg::error::EIO);
        let opened = std::fs::File::open(path).map_err(|error| ffmpeg::Error::Other { errno: errno(error) });
        let opened = opened.and_then(StreamIo::from_read_seek).and_then(|bytes| {
            format::input_from_stream_with_interrupt(bytes, Some(&name), options, interrupt)
        });
        match opened {
            _ if self.shared.watchdog.stopped() => Err(InputError::Stopped(film.to_string())),
            opened => opened.map_err(|error| InputError::from_open(film, error, false)),
        }
    }

    /// Reads one round to its end; `awaits_picture`: one that begins with sound alone is over when a picture comes; `hangs_up`: its end is
    /// that of the connection.
    fn read(
        &self,
        input: &mut format::context::Input,
        mut chosen: Chosen,
        awaits_picture: bool,
        hangs_up: bool,
        entry: &mut Entry<'_>,
    ) -> Result<Over, InputError> {
        let watchdog = &self.shared.watchdog;
        let is_sent = self.address.is_sent();
        let (mut packets, mut bad) = (0, 0);
        // Of MPEG-TS the end of a frame is known when the next one begins. The last one before a connection breaks off may be half.
        let may_break_off = hangs_up && input.format().name() == "mpegts";
        let mut last_picture = None;
        loop {
            let waited = self.shared.wait_for_room();
            watchdog.arm(is_sent.then_some(SILENCE));
            let mut packet = Packet::empty();
            let result = packet.read(input);
            if watchdog.stopped() {
                return Ok(Over::End { packets });
            }
            match result {
                Ok(()) => bad = 0,
                Err(ffmpeg::Error::Eof) => return Ok(Over::End { packets }),
                Err(ffmpeg::Error::InvalidData) if bad < MOST_BAD_PACKETS => {
                    bad += 1;
                    continue;
                }
                Err(ffmpeg::Error::Other { errno: ffmpeg::error::EAGAIN }) => {
                    std::thread::park_timeout(Duration::from_millis(5)); // libav has no way to wait for it
                    continue;
                }
                Err(_) if watchdog.timed_out() => {
                    let name = self.address.to_string();
                    return Err(InputError::Silent { name, seconds: SILENCE.as_secs() });
                }
                Err(_) if self.is_pushed() => return Ok(Over::End { packets }),
                Err(error) if !self.ends() => {
                    let name = self.address.to_string();
                    return Err(InputError::Broken { name, reason: reason(error) });
                }
                Err(error) => {
                    warn!(source = %self.address, reason = reason(error), "the rest of the source cannot be read");
                    return Ok(Over::End { packets });
                }
            }
            if let Some((lane, setup)) = chosen.changed(input, &packet) {
                entry.set_up(lane, setup);
            }
            let Some((lane, time_base)) = chosen.lane_of(packet.stream()) else {
                if awaits_picture && streams::has_picture(input) {
                    return Ok(Over::Picture { packets, packet });
                }
                continue;
            };
            packets += 1;
            if may_break_off && lane == Lane::Picture && stream_fields::has_reached_end(input) {
                if let Some(whole) = last_picture.replace(packet) {
                    entry.push(lane, whole, time_base, waited);
                }
                continue;
            }
            entry.push(lane, packet, time_base, waited);
        }
    }
}
