//! Muxer: packets become MPEG-TS bytes in memory. One muxer for the whole run, so that continuity counters and
//! timestamps run on over segment boundaries.
//!
//! Its `unsafe` code: three calls of libav, and a field, that ffmpeg-next does not wrap.
#![allow(unsafe_code)]

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use ffmpeg::codec::Parameters;
use ffmpeg::format::context::{Output, StreamIo};
use ffmpeg_next as ffmpeg;

use crate::packet::TICKS;
use livedir_media::{Counter, Medium};

use super::Mux;
use super::running_counters::RunningCounters;

/// Bytes of a transport packet.
const TS_PACKET: usize = 188;

/// The service description table: of use to a television set. Without it PAT and PMT are the first two packets of a
/// segment, as RFC 8216 3.2 would have it.
const SDT_PID: u16 = 0x0011;

/// Tables are written at the start of each segment; once more between is a waste of bytes.
const NEVER_S: &str = "86400";

/// How far the clock reference runs ahead of the video, in microseconds; half of it is how much sound is gathered into
/// one PES packet. Less makes the sound larger by its headers, more makes it later.
const MAX_DELAY_US: &str = "100000";

/// Sound that is announced, and has not come yet. libav asks for a rate that MPEG-TS does not write: each frame says it.
const UNKNOWN_RATE_HZ: i32 = 7_350;

/// An open muxer.
pub(super) struct Muxer {
    output: Output,
    written: Written,
    streams: Vec<Medium>,
    counters: RunningCounters,
}

impl Muxer {
    /// A muxer for one stream of each medium at most, whose continuity counters go on after `counters`.
    pub(super) fn open(
        streams: Vec<(Medium, Parameters)>,
        counters: Vec<Counter>,
    ) -> Result<Self, ffmpeg::Error> {
        let written = Written::default();
        // A multiple of the packet size, so that the sink is always handed whole packets.
        let io = StreamIo::from_write_with_capacity(written.clone(), 64 * TS_PACKET)?;
        let mut output = ffmpeg::format::output_to_stream(io, None, Some("mpegts"))?;
        let media = streams.iter().map(|(medium, _)| *medium).collect();
        for (_, parameters) in streams {
            let mut stream = output.add_stream(ffmpeg::encoder::find(ffmpeg::codec::Id::None))?;
            stream.set_parameters(parameters);
            stream.set_time_base(TICKS);
            // SAFETY: the stream borrows the context mutably, and owns its parameters; the fields are plain numbers.
            unsafe {
                let parameters = &mut *(*stream.as_mut_ptr()).codecpar;
                if parameters.codec_type == ffmpeg::ffi::AVMediaType::AVMEDIA_TYPE_AUDIO {
                    parameters.sample_rate = parameters.sample_rate.max(UNKNOWN_RATE_HZ);
                }
            }
        }
        let mut options = ffmpeg::Dictionary::new();
        options.set("pat_period", NEVER_S);
        options.set("sdt_period", NEVER_S);
        options.set("max_delay", MAX_DELAY_US);
        // Timestamps are written as they are given, and not later by twice that delay.
        options.set("mpegts_copyts", "1");
        output.write_header_with(options)?;
        Ok(Self { output, written, streams: media, counters: RunningCounters::after(counters) })
    }
}

impl Mux for Muxer {
    fn write(&mut self, medium: Medium, mut packet: ffmpeg::Packet) -> Result<(), ffmpeg::Error> {
        let Some(index) = self.streams.iter().position(|announced| *announced == medium) else {
            return Ok(());
        };
        packet.set_stream(index);
        packet.write(&mut self.output).map(|_| ())
    }

    /// Whole packets all; the next packet begins with PAT and PMT.
    fn cut(&mut self) -> Result<Vec<u8>, ffmpeg::Error> {
        let mut bytes = self.take()?;
        self.counters.run_on(&mut bytes);
        Ok(bytes)
    }

    fn discard(&mut self) -> Result<(), ffmpeg::Error> {
        self.take().map(drop)
    }
}

impl Muxer {
    fn take(&mut self) -> Result<Vec<u8>, ffmpeg::Error> {
        // SAFETY: the context is open and owned by `self.output`. A null packet asks the muxer to write out the sound
        // that it has gathered; avio_flush then empties libav's buffer into `self.written`.
        let flushed = unsafe {
            let context = self.output.as_mut_ptr();
            let flushed = ffmpeg::ffi::av_write_frame(context, std::ptr::null_mut());
            ffmpeg::ffi::avio_flush((*context).pb);
            flushed
        };
        if flushed < 0 {
            return Err(ffmpeg::Error::from(flushed));
        }
        // SAFETY: the muxer is mpegts, whose private data is a class with this option; both strings end in NUL and are
        // copied by libav.
        let set = unsafe {
            let private = (*self.output.as_mut_ptr()).priv_data;
            ffmpeg::ffi::av_opt_set(private, c"mpegts_flags".as_ptr(), c"resend_headers".as_ptr(), 0)
        };
        if set < 0 {
            return Err(ffmpeg::Error::from(set));
        }
        Ok(self.written.take())
    }
}

/// Where libav writes to.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn take(&self) -> Vec<u8> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The next segment will be about as large.
        let next = Vec::with_capacity(bytes.len());
        std::mem::replace(&mut bytes, next)
    }
}

impl Write for Written {
    fn write(&mut self, packets: &[u8]) -> std::io::Result<usize> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rest = packets;
        while let Some(tables) = rest.chunks(TS_PACKET).position(is_of_sdt) {
            let (before, after) = rest.split_at(tables * TS_PACKET);
            bytes.extend_from_slice(before);
            rest = after.get(TS_PACKET..).unwrap_or_default();
        }
        bytes.extend_from_slice(rest);
        Ok(packets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn is_of_sdt(packet: &[u8]) -> bool {
    matches!(packet, [_, high, low, ..] if u16::from_be_bytes([high & 0x1f, *low]) == SDT_PID)
}
