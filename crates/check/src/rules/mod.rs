//! The rules of a live stream: what each asks, and what breaks it.
//!
//! In: texts of playlists, what is true of segments, answers of a server; all that has to do with files, sockets and
//! clocks is the caller's. Out: [`Finding`]s, in the order of the text. No thread. No input makes it fail, and work and
//! memory grow with the length of the input.
//!
//! ```text
//!  check_playlist      one playlist, media or multivariant, alone
//!  check_update        two versions of a media playlist, one after the other
//!  check_segments      a media playlist and the bytes of its segments
//!  check_parts         a low-latency playlist and the bytes of its parts
//!  check_delta         a delta update and the whole playlist
//!  check_reload        what a server makes of a blocking reload, and of a request for a hinted part
//!  check_renditions    a multivariant playlist and those that it lists
//!  check_clocks        dates and time stamps of those that a multivariant playlist lists
//!  check_bandwidth     a multivariant playlist and the bit rates of those that it lists
//!  check_missing       what a playlist names and is not there
//!  check_http          an answer of a server
//!  check_removal       a segment that has left the playlist
//! ```
//!
//! Severity is the word of the source; Apple's specification says MUST of more than the RFC does. Four rules ask less than
//! their source, as players cope and much that plays well would be failed: six segments (Apple 8.11), continuity counters that
//! begin again with a segment (RFC 8216 3), the pace of parts (bis-22 6.2.1), and parts of a segment with EXT-X-GAP that have
//! media (bis-22 6.2.1): those that were listed before it was lost have to stay as they are.
//!
//! Left out on purpose:
//! - what a stream of short segments breaks by design: segments of 6 s (Apple 7.5), a window of 15 minutes (Apple 8.12);
//! - what one variant alone breaks by being alone: two bit rates (Apple 9.9), I-frame playlists (Apple 6.1);
//! - a version that comes sooner than half a target duration after the one before (RFC 8216 6.2.1): bis-22 no longer
//!   forbids it, and a writer that catches up after an outage has to;
//! - EXTINF above the target duration by less than rounding in a version below 6: RFC 8216 4.3.3.1 rounds in all;
//! - what only the encoder knows: the same encoded sound in all variants (RFC 8216 6.2.4), a change of frame rate (Apple
//!   8.14) where frames do not come evenly;
//! - that media sequence numbers agree between playlists: RFC 8216 4.3.3.2 has players not rely on it;
//! - Expires on segments (RFC 8216 6.2.2 SHOULD): it is of use to caches only, and a server that has its segments asked
//!   for anew each time does without;
//! - PART-TARGET against the round trip (Apple 14.2), a window of two minutes and more without delta updates (Apple 14.4 SHOULD):
//!   the one is the viewer's network, the other a matter of size.

mod facts;
mod finding;
mod http;
mod low_latency;
mod one_playlist;
mod over_time;
mod playlist;
mod presentation;
mod rule;
mod times;
mod tolerances;

pub use facts::SegmentFacts;
pub use finding::Finding;
pub use http::answer::{HttpAnswer, Removal, Requested, check_http, check_removal};
pub use http::missing::{Named, check_missing};
pub use low_latency::deltas::check_delta;
pub use low_latency::part_segments::check_parts;
pub use low_latency::reloads::{Asked, check_reload};
pub use one_playlist::{check_media_playlist, check_playlist};
pub use over_time::update::{Version, check_edit, check_update};
pub use playlist::segments::check_segments;
pub use presentation::bandwidth::{MeasuredRendition, check_bandwidth};
pub use presentation::clocks::{RenditionClock, check_clocks};
pub use presentation::rendition_text::RenditionText;
pub use presentation::renditions::check_renditions;
pub use rule::{Rule, Severity};

/// All rules; no two have the same id.
pub const RULES: &[&Rule] = &[
    &one_playlist::EXTM3U_FIRST,
    &one_playlist::FORBIDDEN_CHARACTER,
    &playlist::tags::BAD_VALUE,
    &playlist::tags::TAG_REPEATED,
    &playlist::tags::TAGS_MIXED,
    &playlist::tags::ATTRIBUTE_MISSING,
    &playlist::tags::ATTRIBUTE_REPEATED,
    &playlist::version::VERSION_TOO_LOW,
    &playlist::version::VERSION_TOO_HIGH,
    &playlist::media::TARGET_DURATION_MISSING,
    &playlist::media::EXTINF_OVER_TARGET,
    &playlist::media::EXTINF_MISSING,
    &playlist::media::EXTINF_WHOLE_SECONDS,
    &playlist::media::PLAYLIST_CUT,
    &playlist::media::MEDIA_SEQUENCE_LATE,
    &playlist::media::DISCONTINUITY_SEQUENCE_LATE,
    &playlist::media::DISCONTINUITY_SEQUENCE_MISSING,
    &playlist::media::BYTERANGE_NOWHERE,
    &playlist::media::START_AT_THE_LIVE_EDGE,
    &playlist::media::VOD_NOT_ENDED,
    &playlist::dates::DATE_MISSING,
    &playlist::dates::DATE_MISSING_AFTER_DISCONTINUITY,
    &playlist::dates::DATE_IMPRECISE,
    &playlist::dates::DATE_AMBIGUOUS,
    &playlist::dates::DATE_GAP,
    &playlist::date_ranges::DATE_RANGE_WITHOUT_DATES,
    &playlist::date_ranges::DATE_RANGE_CONTRADICTS,
    &playlist::date_ranges::DATE_RANGE_LEFT_EARLY,
    &playlist::date_ranges::DATE_RANGE_ID_REUSED,
    &presentation::multivariant::VARIANT_WITHOUT_URI,
    &presentation::multivariant::URI_WITHOUT_VARIANT,
    &presentation::multivariant::CODECS_MISSING,
    &presentation::multivariant::RESOLUTION_MISSING,
    &presentation::multivariant::FRAME_RATE_MISSING,
    &presentation::multivariant::AVERAGE_BANDWIDTH_MISSING,
    &presentation::multivariant::LANGUAGE_MISSING,
    &presentation::multivariant::GROUP_UNDEFINED,
    &presentation::multivariant::RENDITION_NAME_REPEATED,
    &presentation::multivariant::RENDITION_DEFAULT_REPEATED,
    &presentation::renditions::RENDITIONS_TARGET_DIFFERS,
    &presentation::renditions::RENDITIONS_TYPE_DIFFERS,
    &presentation::renditions::RENDITIONS_DATES_MISSING,
    &presentation::renditions::RENDITIONS_NOT_INDEPENDENT,
    &presentation::renditions::RENDITIONS_APART,
    &presentation::alignment::RENDITIONS_DISCONTINUITIES_DIFFER,
    &presentation::alignment::RENDITIONS_BORDERS_DIFFER,
    &presentation::clocks::RENDITIONS_CLOCKS_DIFFER,
    &presentation::bandwidth::BANDWIDTH_BELOW_PEAK,
    &presentation::bandwidth::PEAK_OVER_BANDWIDTH,
    &presentation::bandwidth::AVERAGE_BANDWIDTH_OFF,
    &presentation::bandwidth::AVERAGE_OVER_BANDWIDTH,
    &presentation::bandwidth::AVERAGE_OVER_BANDWIDTH_SO_FAR,
    &http::missing::PLAYLIST_NOT_THERE,
    &http::missing::MAP_NOT_THERE,
    &http::missing::KEY_NOT_THERE,
    &over_time::update::TARGET_DURATION_CHANGED,
    &over_time::update::HEADER_CHANGED,
    &over_time::update::MEDIA_SEQUENCE_WENT_BACK,
    &over_time::update::MEDIA_SEQUENCE_NOT_COUNTED,
    &over_time::update::SEGMENT_CHANGED,
    &over_time::update::SEGMENT_TAKEN_FROM_THE_END,
    &over_time::update::DISCONTINUITY_SEQUENCE_WENT_BACK,
    &over_time::update::DISCONTINUITY_SEQUENCE_NOT_COUNTED,
    &over_time::update::WINDOW_BELOW_THREE_TARGETS,
    &over_time::update::WINDOW_BELOW_SIX_SEGMENTS,
    &over_time::update::PLAYLIST_TYPE_BROKEN,
    &over_time::update::CHANGED_AFTER_END,
    &over_time::update::UPDATE_LATE,
    &playlist::segments::SEGMENT_UNREADABLE,
    &playlist::segments::MAP_MISSING,
    &playlist::segments::TABLES_NOT_FIRST,
    &playlist::segments::INDEPENDENT_SEGMENTS_UNTRUE,
    &playlist::segments::KEYFRAME_NOT_FIRST,
    &playlist::segments::COUNTER_BREAK_INSIDE,
    &playlist::segments::COUNTER_BREAK_BETWEEN,
    &playlist::segments::TIMELINE_BREAK,
    &playlist::segments::STREAMS_CHANGE,
    &playlist::segments::DISCONTINUITY_NEEDLESS,
    &playlist::segments::SEVERAL_AUDIO_STREAMS,
    &playlist::segments::KEYFRAMES_FAR_APART,
    &playlist::segments::HEVC_IN_TS,
    &playlist::foreign::PACKETS_OF_192_BYTES,
    &playlist::foreign::SEVERAL_PROGRAMS,
    &playlist::foreign::SCRAMBLED,
    &playlist::foreign::VIDEO_CODEC,
    &playlist::foreign::H264_PROFILE,
    &playlist::foreign::OPUS_IN_TS,
    &playlist::segments::EXTINF_OFF,
    &playlist::segments::SOUND_LENGTH_OFF,
    &playlist::segments::SIZE_CHANGE_INSIDE,
    &playlist::continuity::EXTINF_DRIFTS,
    &playlist::continuity::DATE_DRIFTS,
    &low_latency::parts::PART_TARGET_MISSING,
    &low_latency::parts::PART_OVER_TARGET,
    &low_latency::parts::PART_SHORT,
    &low_latency::parts::PARTS_OFF_SEGMENT,
    &low_latency::parts::PART_FAR_FROM_END,
    &low_latency::parts::SEGMENT_TAG_BEHIND_PART,
    &low_latency::parts::GAP_WITHOUT_NEED,
    &low_latency::server_control::PART_HOLD_BACK_MISSING,
    &low_latency::server_control::PART_HOLD_BACK_LOW,
    &low_latency::server_control::PART_HOLD_BACK_BELOW_THREE,
    &low_latency::server_control::HOLD_BACK_LOW,
    &low_latency::server_control::SKIP_UNTIL_LOW,
    &low_latency::server_control::BLOCKING_RELOAD_MISSING,
    &low_latency::server_control::HINT_MISSING,
    &low_latency::server_control::HINT_REPEATED,
    &low_latency::server_control::HINT_AFTER_END,
    &low_latency::server_control::SKIP_UNASKED,
    &low_latency::part_updates::PART_TARGET_CHANGED,
    &low_latency::part_updates::SERVER_CONTROL_CHANGED,
    &low_latency::part_updates::PART_CHANGED,
    &low_latency::part_updates::PART_LEFT_EARLY,
    &low_latency::part_updates::HINT_UNTRUE,
    &low_latency::part_updates::PART_LATE,
    &low_latency::part_segments::PART_UNREADABLE,
    &low_latency::part_segments::INDEPENDENT_UNTRUE,
    &low_latency::part_segments::INDEPENDENT_UNSAID,
    &low_latency::part_segments::PART_WITHOUT_SETUP,
    &low_latency::part_segments::PARTS_NOT_THE_SEGMENT,
    &low_latency::deltas::DELTA_MISSING,
    &low_latency::deltas::DELTA_SKIPS_TOO_MUCH,
    &low_latency::deltas::DELTA_DIFFERS,
    &low_latency::reloads::RELOAD_NOT_HELD,
    &low_latency::reloads::RELOAD_REFUSED,
    &low_latency::reloads::PART_ALONE_ANSWERED,
    &low_latency::reloads::FAR_AHEAD_ANSWERED,
    &low_latency::reloads::HINT_REFUSED,
    &presentation::reports::REPORT_MISSING,
    &presentation::reports::REPORT_OFF,
    &presentation::reports::CONTROL_DIFFERS,
    &http::answer::STATUS,
    &http::answer::REDIRECTED,
    &http::answer::PLAYLIST_UNIDENTIFIED,
    &http::answer::PLAYLIST_TYPE,
    &http::answer::SEGMENT_TYPE,
    &http::answer::PLAYLIST_NOT_GZIP,
    &http::answer::PLAYLIST_STALE_IN_CACHES,
    &http::answer::PLAYLIST_KEPT_LONG,
    &http::answer::CACHING_UNSAID,
    &http::answer::LAST_MODIFIED_STALE,
    &http::answer::CORS_MISSING,
    &http::answer::REMOVED_TOO_EARLY,
];
