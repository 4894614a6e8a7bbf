//! Segment facts: the bytes of a segment → what the rules ask for.
//!
//! In: URI and bytes. Out: [`SegmentFacts`]. Pure. MPEG-TS is probed; of other containers only kind and size are told.

use std::fmt::Write as _;

use crate::rules::{Container, CounterFacts, SegmentFacts};
use mpeg2ts_reader::packet::Packet;

use livedir_media::{self, AudioFacts, Facts, ProbeError, VideoCodec, VideoFacts};

/// RFC 8216 3 lists the formats that a segment may have.
const IN_NO_FORMAT: &str = "it is neither MPEG-TS nor fragmented MP4, packed audio or WebVTT";

const TICKS_PER_S: f64 = 90_000.0;

/// What is true of the segment with these bytes. Those of a part of a file, or of an encrypted one, are not
/// `in_the_clear`: what is in them is not looked at.
#[must_use]
pub(crate) fn segment_facts(uri: &str, bytes: &[u8], in_the_clear: bool) -> SegmentFacts {
    let mut facts = nothing_known(uri);
    facts.bytes = bytes.len() as u64;
    facts.container = container(bytes);
    if bytes.is_empty() {
        facts.problem = Some(ProbeError::Empty.to_string());
    } else if facts.container == Container::Ts && in_the_clear {
        match livedir_media::probe(bytes) {
            Ok(probed) => fill(&mut facts, &probed),
            // Unusual and not for every player, but no sign of damage: there is a rule of its own for it, or none.
            Err(ProbeError::ForeignVideo { stream_type }) => facts.video_stream_type = Some(stream_type),
            Err(error) => facts.problem = Some(error.to_string()),
        }
    } else if facts.container == Container::Other && in_the_clear && !is_audio_or_subtitles(bytes) {
        facts.problem = Some(IN_NO_FORMAT.to_owned());
    }
    facts
}

/// What is known of a segment that cannot be read: why.
#[must_use]
pub(crate) fn without_bytes(uri: &str, problem: String) -> SegmentFacts {
    SegmentFacts { problem: Some(problem), ..nothing_known(uri) }
}

fn nothing_known(uri: &str) -> SegmentFacts {
    SegmentFacts {
        uri: uri.to_owned(),
        bytes: 0,
        container: Container::Other,
        starts_with_pat_pmt: true,
        starts_with_idr: None,
        starts_with_parameter_sets: None,
        video_duration_s: None,
        frame_s: None,
        start_90k: None,
        end_90k: None,
        continuity_ok_inside: true,
        counters: Vec::new(),
        streams_key: String::new(),
        audio_streams: 0,
        keyframes: None,
        video_stream_type: None,
        problem: None,
    }
}

fn fill(facts: &mut SegmentFacts, probed: &Facts) {
    facts.starts_with_pat_pmt = probed.tables_first;
    facts.starts_with_idr = probed.video.as_ref().map(|video| video.starts_with_keyframe);
    if let Some(video) = &probed.video {
        facts.keyframes = Some(video.keyframes);
        facts.starts_with_parameter_sets = Some(video.starts_with_parameter_sets);
        facts.video_stream_type = Some(video.codec.stream_type());
    }
    facts.continuity_ok_inside = probed.counter_breaks() == 0;
    facts.counters = probed
        .counters
        .iter()
        .map(|counter| CounterFacts { pid: counter.pid, first: counter.first, last: counter.last })
        .collect();
    facts.start_90k = Some(probed.start_90k);
    // Pictures of no known length have an end that is not known either.
    if probed.duration_90k > 0 && probed.frame_interval_90k > 0 {
        facts.end_90k = Some(probed.end_90k());
        facts.video_duration_s = Some(probed.duration_90k as f64 / TICKS_PER_S);
        facts.frame_s = Some(probed.frame_interval_90k as f64 / TICKS_PER_S);
    }
    facts.streams_key = streams_key(probed);
    facts.audio_streams = probed.streams.iter().filter(|stream| is_audio(stream.stream_type)).count() as u32;
    if probed.trailing_bytes > 0 {
        facts.problem =
            Some(format!("it ends in the middle of a packet, with {} bytes of it", probed.trailing_bytes));
    }
}

/// Tracks, codecs, and the set-up that a decoder of the video needs, byte by byte. Empty where a track is named and
/// nothing of it came: a segment that happens to be short of sound is no change of format.
fn streams_key(probed: &Facts) -> String {
    let names_audio = probed.streams.iter().any(|stream| is_audio(stream.stream_type));
    let is_video = |stream_type| VideoCodec::of_stream_type(stream_type).is_some();
    let names_video = probed.streams.iter().any(|stream| is_video(stream.stream_type));
    if names_audio != probed.audio.is_some() || names_video != probed.video.is_some() {
        return String::new();
    }
    let mut key = String::new();
    for stream in &probed.streams {
        let _ = write!(key, "{}:{:02x} ", stream.pid, stream.stream_type);
    }
    if let Some(VideoFacts { sps, picture, .. }) = &probed.video {
        if let Some(picture) = picture {
            let _ = write!(key, "{} {}x{} ", picture.codec, picture.width, picture.height);
        }
        for byte in sps {
            let _ = write!(key, "{byte:02x}");
        }
    }
    if let Some(AudioFacts { codec, .. }) = &probed.audio {
        let _ = write!(key, " {codec:?}");
    }
    key
}

/// ISO 13818-1 table 2-34: MPEG-1 and MPEG-2 audio, AAC in ADTS and LATM, AC-3, E-AC-3.
fn is_audio(stream_type: u8) -> bool {
    matches!(stream_type, 0x03 | 0x04 | 0x0f | 0x11 | 0x81 | 0x87)
}

/// Told by the first bytes: the name of a file says nothing.
fn container(bytes: &[u8]) -> Container {
    let is_sync = |at: usize| bytes.get(at).is_none_or(|&byte| Packet::is_sync_byte(byte));
    let is_box = bytes.get(4..8).is_some_and(|name| {
        let first: [&[u8]; 9] =
            [b"ftyp", b"styp", b"moof", b"moov", b"sidx", b"emsg", b"prft", b"free", b"mdat"];
        first.contains(&name)
    });
    if is_box {
        Container::Fmp4
    } else if !bytes.is_empty() && is_sync(0) && is_sync(Packet::SIZE) {
        Container::Ts
    } else {
        Container::Other
    }
}

/// Packed audio (RFC 8216 3.4), with or without its ID3 tag, or `WebVTT` (3.5), with or without a byte order mark.
fn is_audio_or_subtitles(bytes: &[u8]) -> bool {
    let is_mpeg_audio = matches!(bytes, [0xff, second, ..] if second & 0xe0 == 0xe0);
    let is_dolby = bytes.starts_with(&[0x0b, 0x77]);
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    is_mpeg_audio || is_dolby || bytes.starts_with(b"ID3") || text.starts_with(b"WEBVTT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], container: Container, has_problem: bool) {
        let facts = segment_facts("a", bytes, true);
        assert_eq!((facts.container, facts.problem.is_some()), (container, has_problem), "{facts:?}");
    }

    #[test]
    fn containers_are_told_by_their_first_bytes() {
        check(b"\0\0\0\x18stypmsdh", Container::Fmp4, false);
        check(b"WEBVTT\n", Container::Other, false);
        check(b"\xef\xbb\xbfWEBVTT\n", Container::Other, false);
        check(b"ID3\x04", Container::Other, false);
        check(b"\xff\xf1\x50\x80", Container::Other, false);
        check(b"\x0b\x77", Container::Other, false);
        check(b"<html>", Container::Other, true);
        check(b"", Container::Other, true);
        check(&[0x47; 188], Container::Ts, true);
        check(&[&[0x47; 188][..], b"<html>"].concat(), Container::Other, true);
    }

    #[test]
    fn what_is_encrypted_is_not_looked_into() {
        let facts = segment_facts("a", &[0x47; 188], false);
        assert_eq!((facts.bytes, facts.problem), (188, None));
    }
}
