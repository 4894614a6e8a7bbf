//! Segment facts: the bytes of a segment → what the rules ask for.
//!
//! In: URI and bytes. Out: [`SegmentFacts`]. Pure. MPEG-TS is probed; of other containers only kind and size are told.

use crate::rules::SegmentFacts;
use livedir_media::{Container, Facts, Foreign, ProbeError, container, foreign};

/// RFC 8216 3 lists the formats that a segment may have.
const IN_NO_FORMAT: &str = "it is neither MPEG-TS nor fragmented MP4, packed audio or WebVTT";

/// What is true of the segment with these bytes. Those of a part of a file, or of an encrypted one, are not
/// `in_the_clear`: what is in them is not looked at.
#[must_use]
pub(crate) fn segment_facts(uri: &str, bytes: &[u8], in_the_clear: bool) -> SegmentFacts {
    let container = container(bytes);
    let (mut media, mut named): (_, Vec<Foreign>) = (None, Vec::new());
    let problem = if bytes.is_empty() {
        Some(ProbeError::Empty.to_string())
    } else if matches!(container, Container::Ts | Container::M2ts) && in_the_clear {
        match livedir_media::probe(bytes) {
            Ok(facts) => {
                let problem = cut(&facts);
                named = foreign(&facts);
                media = Some(facts);
                problem
            }
            // No sign of damage: each of them has a rule of its own.
            Err(ProbeError::Foreign(it)) => {
                named.push(it);
                None
            }
            Err(error) => Some(error.to_string()),
        }
    } else if container == Container::Other && in_the_clear && !is_audio_or_subtitles(bytes) {
        Some(IN_NO_FORMAT.to_owned())
    } else {
        None
    };
    SegmentFacts { uri: uri.to_owned(), bytes: bytes.len() as u64, container, media, foreign: named, problem }
}

/// What is known of a segment that cannot be read: why.
#[must_use]
pub(crate) fn without_bytes(uri: &str, problem: String) -> SegmentFacts {
    let (container, problem) = (Container::Other, Some(problem));
    SegmentFacts { uri: uri.to_owned(), bytes: 0, container, media: None, foreign: Vec::new(), problem }
}

fn cut(media: &Facts) -> Option<String> {
    let bytes = media.trailing_bytes;
    (bytes > 0).then(|| format!("it ends in the middle of a packet, with {bytes} bytes of it"))
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
    fn packets_of_192_bytes_are_no_damage_and_are_named() {
        let mut packet = vec![0x0e, 0xbf, 0x46, 0x22, 0x47, 0x1f, 0xff, 0x10];
        packet.resize(192, 0xff);
        let facts = segment_facts("a", &packet.repeat(3), true);
        assert_eq!(
            (facts.container, &facts.foreign[..], facts.problem),
            (Container::M2ts, &[Foreign::M2ts][..], None)
        );
        assert_eq!(segment_facts("a", &packet.repeat(3), false).foreign, []);
    }

    #[test]
    fn what_is_encrypted_is_not_looked_into() {
        let facts = segment_facts("a", &[0x47; 188], false);
        assert_eq!((facts.bytes, facts.problem), (188, None));
    }
}
