//! What in a segment players do not play, or few of them: a rule each.

use crate::rules::facts::SegmentFacts;
use crate::rules::finding::Findings;
use crate::rules::rule::{Rule, must};
use livedir_media::Foreign;

pub(crate) static PACKETS_OF_192_BYTES: Rule = must(
    "packets-of-192-bytes",
    "RFC 8216 3.2",
    "A Transport Stream has packets of 188 bytes: M2TS is another format.",
);
pub(crate) static SEVERAL_PROGRAMS: Rule =
    must("several-programs", "RFC 8216 3.2", "A Transport Stream segment holds a single program.");
pub(crate) static SCRAMBLED: Rule = must(
    "scrambled",
    "RFC 8216 4.3.2.4",
    "What is encrypted has EXT-X-KEY before it: players have no key for scrambled packets.",
);
pub(crate) static VIDEO_CODEC: Rule = must("video-codec", "Apple 1.1", "Video in MPEG-TS is H.264 or HEVC.");
pub(crate) static H264_PROFILE: Rule = must(
    "h264-profile",
    "Apple 1.3",
    "H.264 is at most of the High profile: 4:2:0 with 8 bits a sample, which is what players decode.",
);
pub(crate) static OPUS_IN_TS: Rule = must(
    "opus-in-ts",
    "Apple 2",
    "Sound in MPEG-TS is AAC, MP3, AC-3 or E-AC-3: Opus is played in MP4 alone.",
);

/// Names all that is foreign in a segment.
pub(super) fn check_foreign(findings: &mut Findings<'_>, uri: &str, facts: &SegmentFacts) {
    for foreign in &facts.foreign {
        let (rule, expected) = match foreign {
            Foreign::M2ts => (&PACKETS_OF_192_BYTES, "MPEG-TS"),
            // As a segment it is judged by its own rules.
            Foreign::Mp4 => continue,
            Foreign::Scrambled => (&SCRAMBLED, "packets in the clear"),
            Foreign::Video { .. } => (&VIDEO_CODEC, "H.264"),
            Foreign::Opus => (&OPUS_IN_TS, "AAC"),
            Foreign::Programs { .. } => (&SEVERAL_PROGRAMS, "one program"),
            Foreign::Samples(_) => (&H264_PROFILE, "4:2:0 with 8 bits"),
        };
        findings.segment(rule, uri, foreign.what(), expected);
    }
}
