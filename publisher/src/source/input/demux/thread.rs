//! The demuxer's thread, from opening the input to its end.
//!
//! In: an address, a place to wait at, or a list of films. Out: rounds and their packets, into the queue that
//! [`crate::source::input::demux`] reads. The thread opens, uses and closes libav's context. It ends at the end of the input, at
//! an error, at the stop flag, or when the demuxer is dropped.

use super::entry::Entry;
use super::streams::{self, Chosen, Wanted};
use super::untimed::UntimedClock;
use super::watched_bytes::{PacketWatch, WatchedBytes, transport_stream};
use super::{AT_ONCE, Ending, MOST_STRAY, Origin, Shared};
use crate::source::input::address::InputAddress;
use crate::source::input::error::{InputError, reason};
use crate::source::input::file_list::{self, Listed};
use crate::source::input::pace::timeline::Lane;
use crate::source::input::screen;
use crate::source::input::stream_fields;
use crate::source::input::tracks::TrackSettings;
use ffmpeg_next as ffmpeg;
use ffmpeg_next::codec::packet::Flags;
use ffmpeg_next::format::context::StreamIo;
use ffmpeg_next::{Packet, format};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tracing::debug;

/// A camera that has not answered by then will not; who waits for it wants to know.
const CONNECT: Duration = Duration::from_secs(10);
/// A live stream without a packet for so long is gone, even if its connection still stands.
const SILENCE: Duration = Duration::from_secs(10);
/// So many damaged packets in a row are no damage but the end of what can be used.
const MOST_BAD_PACKETS: u32 = 1000;

/// A live source of which so much has come and nothing could be read has not been silent: tables alone are less.
const LEAST_UNREADABLE_BYTES: u64 = 64 << 10;

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

/// An input that was opened, and what its packets say of themselves, where that is known.
type Opened = (format::context::Input, Option<PacketWatch>);

/// What became of a film.
struct Played {
    /// Packets that were of use.
    packets: u64,
    /// Why it was over before its end.
    cut_short: Option<InputError>,
}

/// Why a round is over, and the packets in it that were of use.
enum Over {
    /// The input is; or what follows cannot be read, for this reason.
    End { packets: u64, unread: Option<String> },
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
            let mut cut_short = None;
            for (nr, listed) in films.iter().enumerate().skip(std::mem::take(&mut first)) {
                // Each round opens the input afresh: that works for all that can be played twice, seekable or not,
                // and leaves nothing of the round before in libav.
                match self.play_once(&listed.film, several.then_some(nr)) {
                    Ok(played) => {
                        packets += played.packets;
                        if let Some(error) = played.cut_short {
                            if several || self.loop_forever {
                                self.tracks.told.tell(error.to_string(), true);
                            }
                            cut_short = Some(error);
                        }
                    }
                    Err(error) if is_list && !self.shared.watchdog.stopped() => {
                        let error = error.in_list(&self.address, listed.line);
                        if several {
                            self.tracks.told.tell(file_list::left_out(&error), true);
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
                return cut_short.map_or(Ok(()), Err);
            }
            if packets == 0 {
                return Err(InputError::Undecodable(self.address.to_string()));
            }
        }
    }

    /// One round, from its opening to its end.
    fn play_once(&self, film: &InputAddress, of_list: Option<usize>) -> Result<Played, InputError> {
        self.shared.wait_for_room();
        let opened_at = Instant::now();
        let (mut input, watch) = self.open(film)?;
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
            let losses = Losses { watch: watch.as_ref(), shared: &self.shared, known_scrambled: [0; 2] };
            let read = self.read(&mut input, chosen, awaits_picture, hangs_up, (&mut entry, losses));
            entry.finish();
            match read? {
                Over::Picture { packets, packet } => (used, first) = (used + packets, Some(packet)),
                Over::End { .. } if hangs_up && !self.shared.watchdog.stopped() => {
                    return Err(InputError::HungUp(self.address.to_string()));
                }
                Over::End { packets, unread } => {
                    let packets = used + packets;
                    // Of what holds nothing that is of use that is told.
                    let unread = unread.filter(|_| packets > 0);
                    let name = film.to_string();
                    let cut_short = unread.map(|reason| InputError::CutShort { name, reason });
                    return Ok(Played { packets, cut_short });
                }
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

    fn open(&self, film: &InputAddress) -> Result<Opened, InputError> {
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
            return Ok((screen::open(which.as_deref())?, None));
        }
        let mut since = Instant::now();
        let mut watch = None;
        let opened = match &self.origin {
            Origin::Address => match (film, film.libav_name()) {
                (InputAddress::Stdin, Some(name)) => {
                    let (bytes, seen) = WatchedBytes::new(std::io::stdin());
                    watch = Some(seen);
                    let options = Some(options.into_iter().collect());
                    StreamIo::from_read(bytes).and_then(|bytes| {
                        format::input_from_stream_with_interrupt(bytes, Some(&name), options, interrupt)
                    })
                }
                (InputAddress::File(path), name) => match (transport_stream(path), name) {
                    (None, Some(name)) => {
                        let options = options.into_iter().collect();
                        format::input_with_interrupt_and_dictionary(&name, interrupt, options)
                    }
                    (Some(bytes), _) => {
                        let (bytes, seen) = WatchedBytes::new(bytes);
                        watch = Some(seen);
                        open_bytes(film, path, StreamIo::from_read_seek(bytes), interrupt)
                    }
                    // A file whose name is no UTF-8: libav is given what is in it.
                    (None, None) => {
                        let errno =
                            |error: std::io::Error| error.raw_os_error().unwrap_or(ffmpeg::error::EIO);
                        let opened = std::fs::File::open(path);
                        let opened = opened.map_err(|error| ffmpeg::Error::Other { errno: errno(error) });
                        open_bytes(film, path, opened.and_then(StreamIo::from_read_seek), interrupt)
                    }
                },
                (_, None) => return Err(InputError::Unspeakable(film.to_string())),
                (_, Some(name)) => {
                    let options = options.into_iter().collect();
                    format::input_with_interrupt_and_dictionary(&name, interrupt, options)
                }
            },
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
            Ok(input) if !timed_out => Ok((input, watch)),
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

    /// Reads one round to its end; `awaits_picture`: one that begins with sound alone is over when a picture comes; `hangs_up`: its end is
    /// that of the connection.
    fn read(
        &self,
        input: &mut format::context::Input,
        mut chosen: Chosen,
        awaits_picture: bool,
        hangs_up: bool,
        (entry, mut losses): (&mut Entry<'_>, Losses<'_>),
    ) -> Result<Over, InputError> {
        let watchdog = &self.shared.watchdog;
        let is_sent = self.address.is_sent();
        let (mut packets, mut bad) = (0, 0);
        // Of MPEG-TS the end of a frame is known when the next one begins. The last one before a connection breaks off may be half.
        let may_break_off = hangs_up && input.format().name() == "mpegts";
        let mut last_picture = None;
        let mut bytes_read = 0;
        let whole = |packets| Over::End { packets, unread: None };
        loop {
            let waited = self.shared.wait_for_room();
            watchdog.arm(is_sent.then_some(SILENCE));
            let mut packet = Packet::empty();
            let result = packet.read(input);
            if watchdog.stopped() {
                return Ok(whole(packets));
            }
            match result {
                Ok(()) => bad = 0,
                Err(ffmpeg::Error::Eof) => {
                    let unread = losses.rest(&chosen, input);
                    return Ok(Over::End { packets, unread });
                }
                Err(ffmpeg::Error::InvalidData) if bad < MOST_BAD_PACKETS => {
                    bad += 1;
                    continue;
                }
                Err(ffmpeg::Error::Other { errno: ffmpeg::error::EAGAIN }) => {
                    std::thread::park_timeout(Duration::from_millis(5)); // libav has no way to wait for it
                    continue;
                }
                Err(_) if watchdog.timed_out() => {
                    let (name, seconds) = (self.address.to_string(), SILENCE.as_secs());
                    let has_come =
                        stream_fields::Reader::of(input).bytes > bytes_read + LEAST_UNREADABLE_BYTES;
                    return Err(if has_come {
                        InputError::Unreadable { name, seconds }
                    } else {
                        InputError::Silent { name, seconds }
                    });
                }
                Err(_) if self.is_pushed() => return Ok(whole(packets)),
                Err(error) if !self.ends() => {
                    let name = self.address.to_string();
                    return Err(InputError::Broken { name, reason: reason(error) });
                }
                Err(error) => {
                    let unread = Some(format!("the rest cannot be read ({})", reason(error)));
                    return Ok(Over::End { packets, unread });
                }
            }
            let reader = stream_fields::Reader::of(input);
            // What libav still held comes when it has given up.
            if !watchdog.timed_out() {
                bytes_read = reader.bytes;
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
            if losses.came_before(lane, pid(input, packet.stream()), packet.position()) {
                packet.set_flags(packet.flags() | Flags::CORRUPT);
            }
            if may_break_off && lane == Lane::Picture && reader.has_reached_end {
                if let Some(whole) = last_picture.replace(packet) {
                    entry.push(lane, whole, time_base, waited);
                }
                continue;
            }
            entry.push(lane, packet, time_base, waited);
        }
    }
}

/// What is lost of a Transport Stream, as its packets say.
struct Losses<'a> {
    /// `None` where libav alone has seen them.
    watch: Option<&'a PacketWatch>,
    shared: &'a Shared,
    /// Of each lane, how many packets are known to be scrambled.
    known_scrambled: [u64; 2],
}

impl Losses<'_> {
    /// Whether something was lost between the packet of this lane before and the one at `position`. libav reads far ahead, so the bytes tell.
    fn came_before(&mut self, lane: Lane, pid: u16, position: isize) -> bool {
        let Some(watch) = self.watch else { return false };
        self.note_scrambled(watch, lane, pid);
        u64::try_from(position).is_ok_and(|position| watch.take_losses(pid, position) > 0)
    }

    fn note_scrambled(&mut self, watch: &PacketWatch, lane: Lane, pid: u16) {
        let scrambled = watch.of(pid).scrambled;
        let known = std::mem::replace(&mut self.known_scrambled[lane as usize], scrambled);
        self.shared.scrambled.fetch_add(scrambled.saturating_sub(known), Ordering::Relaxed);
    }

    /// At the end: why what came last could not be read, if that is so.
    fn rest(&mut self, chosen: &Chosen, input: &format::context::Input) -> Option<String> {
        let watch = self.watch?;
        let of = |lane| chosen.stream_of(lane).map(|index| pid(input, index));
        let lanes = Lane::ALL.map(|lane| of(lane).map(|pid| (lane, pid)));
        let is_scrambled = lanes.map(|it| {
            it.map(|(lane, pid)| {
                self.note_scrambled(watch, lane, pid);
                watch.of(pid).scrambled_since_clear > MOST_STRAY
            })
        });
        let of_it = match is_scrambled {
            [Some(true), Some(true) | None] | [None, Some(true)] => "",
            [Some(true), Some(false)] => " of its video",
            [Some(false), Some(true)] => " of its sound",
            [Some(false) | None, Some(false) | None] => return None,
        };
        Some(format!(
            "the rest{of_it} is scrambled, as pay television is; descramble it before it comes here"
        ))
    }
}

/// That of a stream of MPEG-TS.
fn pid(input: &format::context::Input, stream: usize) -> u16 {
    input.stream(stream).and_then(|stream| u16::try_from(stream.id()).ok()).unwrap_or_default()
}

/// Opens what is in a file. Its name may not be UTF-8; only its end tells the format of some.
fn open_bytes(
    film: &InputAddress,
    path: &Path,
    bytes: Result<StreamIo, ffmpeg::Error>,
    interrupt: impl FnMut() -> bool + Send + 'static,
) -> Result<format::context::Input, ffmpeg::Error> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let name = format!("film.{ending}");
    let options = Some(film.libav_options().into_iter().collect());
    format::input_from_stream_with_interrupt(bytes?, Some(&name), options, interrupt)
}
