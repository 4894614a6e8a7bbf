//! Strategies: random streams, and random playlists as a window makes them or as nobody would.

use jiff::Timestamp;
use livedir_playlist::{MediaPlaylist, Segment, WindowSettings};
use proptest::collection::vec;
use proptest::prelude::*;

/// Sequence numbers stay exact in JavaScript up to here.
const GREATEST_EXACT_NUMBER: u64 = 1 << 53;

/// What happens next to a stream.
#[derive(Debug, Clone)]
pub enum Step {
    /// A segment is finished. Its duration is in thousandths of the longest that is allowed.
    Segment { duration_permille: u64, discontinuity: bool },
    /// A segment comes that is too long by this much.
    TooLong { excess_90k: u64 },
    /// The writer is killed and started again, asking for a target duration that is this much smaller.
    Crash { less_s: u32 },
    /// The writer ends the stream and is started again.
    End,
}

pub fn settings() -> impl Strategy<Value = WindowSettings> {
    (1_u32..8, 0_usize..16)
        .prop_map(|(target_duration_s, segments)| WindowSettings { target_duration_s, segments })
}

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let segment = |duration_permille: std::ops::RangeInclusive<u64>| {
        (duration_permille, prop::bool::weighted(0.15))
            .prop_map(|(duration_permille, discontinuity)| Step::Segment { duration_permille, discontinuity })
    };
    let step = prop_oneof![
        24 => segment(750..=1000),
        8 => segment(1..=1000),
        1 => (0_u64..1_000_000).prop_map(|excess_90k| Step::TooLong { excess_90k }),
        3 => (0_u32..3).prop_map(|less_s| Step::Crash { less_s }),
        1 => Just(Step::End),
    ];
    vec(step, 0..120)
}

/// Any playlist that can be written: lawful in each line, not in what the lines say together.
pub fn any_playlist() -> impl Strategy<Value = MediaPlaylist> {
    (
        (1_u8.., 1_u32.., any::<bool>(), any::<bool>()),
        (0..u64::MAX - 40, 0..u64::MAX - 40),
        vec(segment(0..=u64::MAX), 0..20),
    )
        .prop_map(|(header, sequences, segments)| playlist(header, sequences, segments))
}

/// A playlist that any strict parser must take, with numbers that all languages can hold.
pub fn lawful_playlist() -> impl Strategy<Value = MediaPlaylist> {
    (1_u32..3600).prop_flat_map(|target_duration_s| {
        let longest_90k = u64::from(target_duration_s) * 90_000;
        (
            (Just(3_u8), Just(target_duration_s), any::<bool>(), any::<bool>()),
            (0..GREATEST_EXACT_NUMBER - 40, 0..GREATEST_EXACT_NUMBER - 40),
            vec(segment(1..=longest_90k), 1..20),
        )
            .prop_map(|(header, sequences, segments)| playlist(header, sequences, segments))
    })
}

fn playlist(
    (version, target_duration_s, independent_segments, ended): (u8, u32, bool, bool),
    (media_sequence, discontinuity_sequence): (u64, u64),
    segments: Vec<Segment>,
) -> MediaPlaylist {
    MediaPlaylist {
        version,
        target_duration_s,
        media_sequence,
        discontinuity_sequence,
        independent_segments,
        segments,
        ended,
    }
}

fn segment(duration_90k: std::ops::RangeInclusive<u64>) -> impl Strategy<Value = Segment> {
    (
        "[a-zA-Z0-9/._~%?=&-][a-zA-Z0-9/._~%?=&#-]{0,30}",
        duration_90k,
        prop::option::of(date()),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(uri, duration_90k, program_date_time, discontinuity)| Segment {
            uri,
            duration_90k,
            program_date_time,
            discontinuity,
            gap: false,
        })
}

/// Dates from 1970 to 2100, to the millisecond.
fn date() -> impl Strategy<Value = Timestamp> {
    (0_i64..4_102_444_800_000).prop_map(|unix_ms| Timestamp::from_millisecond(unix_ms).unwrap())
}
