//! Inventory: what is on disk and what the playlist says of it, put together. This is what `--json` prints: its names and
//! units are a promise to programs. Values alone.

use crate::model::file_detail::FileDetail;
use crate::model::media_summary::MediaSummary;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    /// What was named.
    pub place: String,
    /// When it was looked at.
    pub looked_at: Timestamp,
    /// The playlist, if there is one.
    pub playlist: Option<PlaylistSummary>,
    /// Video and audio of the newest segment that could be read, and the bit rates of all segments that were read.
    pub media: MediaSummary,
    /// All segments, also those that are not looked into.
    pub disk: DiskUse,
    /// What `status.json` says, if there is one.
    pub status: Option<StatusSummary>,
    /// How many segments on disk or in the playlist are older than the first row.
    pub older_segments: u64,
    /// The segments, oldest first.
    pub segments: Vec<Row>,
    /// What a multivariant playlist lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<VariantSummary>,
    /// All that is known of the one segment that was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<FileDetail>,
    /// Remarks on the whole stream.
    pub notes: Vec<String>,
}

/// The playlist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlaylistSummary {
    /// The file.
    pub file: String,
    /// Why it cannot be read; the rest then says nothing.
    pub problem: Option<String>,
    /// Whether it is complete: EXT-X-ENDLIST.
    pub ended: bool,
    /// EXT-X-TARGETDURATION.
    pub target_duration_s: Option<u32>,
    /// EXT-X-PART-INF: the longest part, where it lists parts.
    #[serde(default)]
    pub part_target_s: Option<f64>,
    /// Number of the first segment listed.
    pub media_sequence_first: u64,
    /// Segments listed.
    pub segments: u64,
    /// Segments listed whose files are not there.
    pub segments_missing: u64,
    /// EXT-X-DISCONTINUITY tags listed.
    pub discontinuities: u64,
    /// How much it lists.
    pub window_s: f64,
    /// When it was last replaced.
    pub written_at: Option<Timestamp>,
    /// From the end of the newest segment or part to the time of this look. A player is at least this far behind.
    pub behind_now_s: Option<f64>,
}

/// All segments on disk.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DiskUse {
    /// Files.
    pub segments: u64,
    /// Their sizes.
    pub segment_bytes: u64,
    /// Files that are parts of segments.
    #[serde(default)]
    pub parts: u64,
    /// Their sizes.
    #[serde(default)]
    pub part_bytes: u64,
    /// Files under a dot name: being written, or left over from a crash.
    pub unfinished: u64,
    /// When the oldest file was last changed.
    pub oldest_modified_at: Option<Timestamp>,
    /// When the newest file was last changed.
    pub newest_modified_at: Option<Timestamp>,
}

/// What `status.json` says; absent what it does not say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StatusSummary {
    /// `live` or `ended`.
    pub state: Option<String>,
    /// What the stream is called.
    pub title: Option<String>,
    /// How the source does.
    pub source: Option<String>,
    /// When it was written.
    pub updated_at: Option<Timestamp>,
    /// Since when nothing came.
    pub silent_since: Option<Timestamp>,
    /// Files that could not be listed.
    pub segments_refused: Option<u64>,
    /// Grid times that repeated the previous frame.
    pub frames_duplicated: Option<u64>,
    /// Captured frames that were not used.
    pub pictures_dropped: Option<u64>,
    /// From a finished segment to the playlist that lists it.
    pub publish_lag_ms: Option<f64>,
}

/// One segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its number in the playlist, where that is known.
    pub media_sequence: Option<u64>,
    /// The file, relative to the playlist.
    pub file: String,
    /// Where it stands.
    pub state: State,
    /// What keeps it out of the playlist.
    pub problem: Option<String>,
    /// When its first frame was captured.
    pub filmed_at: Option<Timestamp>,
    /// Who says so.
    pub filmed_at_from: Option<DateSource>,
    /// How long it lasts, by its bytes.
    pub duration_s: Option<f64>,
    /// EXTINF.
    pub listed_duration_s: Option<f64>,
    /// Size.
    pub bytes: Option<u64>,
    /// Of the whole file.
    pub bitrate_bps: Option<u64>,
    /// Its parts that are there, each a file of its own. Of one that is being written, these are all that is there.
    #[serde(default)]
    pub parts: u64,
    /// Frames.
    pub frames: Option<u64>,
    /// Frames that are IDR.
    pub keyframes: Option<u64>,
    /// What the PMT names: `h264`, `aac`, …
    pub streams: Vec<String>,
    /// Why it does not go on from the segment before it.
    pub discontinuity: Option<String>,
    /// Time between the two of which nothing was captured.
    pub gap_before_s: Option<f64>,
    /// Anything else that should not be.
    pub odd: Vec<String>,
}

/// Where a segment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// In the playlist.
    Listed,
    /// It has left the playlist, and livedir will delete it when its grace is over.
    WaitingForDeletion,
    /// It is newer than the playlist.
    WaitingToBeListed,
    /// It is still being written.
    BeingWritten,
    /// It cannot be listed; `problem` says why.
    Refused,
    /// It is older than something listed, and is not listed.
    PassedOver,
    /// No program will list it or delete it.
    Unlisted,
    /// It is listed, and there is no file.
    Missing,
    /// It is listed as absent: EXT-X-GAP.
    Gap,
    /// It is listed, and lies where it cannot be looked at: behind a URL, or outside of the playlist's directory.
    Elsewhere,
}

/// Who says when a segment was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateSource {
    /// EXT-X-PROGRAM-DATE-TIME.
    Playlist,
    /// The time of the file, which for livedir's own is when its last frame was captured, less its duration.
    File,
}

/// One playlist that a multivariant playlist lists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VariantSummary {
    /// Its playlist, as it stands there.
    pub uri: Option<String>,
    /// What it is to the stream.
    pub kind: VariantKind,
    /// Whether its playlist is there.
    pub state: VariantState,
    /// BANDWIDTH: the peak that is promised.
    pub bandwidth_bps: Option<u64>,
    /// AVERAGE-BANDWIDTH.
    pub average_bandwidth_bps: Option<u64>,
    /// CODECS.
    pub codecs: Option<String>,
    /// RESOLUTION.
    pub resolution: Option<String>,
    /// FRAME-RATE.
    pub frame_rate: Option<f64>,
    /// NAME, and LANGUAGE of a rendition.
    pub name: Option<String>,
    /// What does not agree with what lies there.
    pub odd: Vec<String>,
    /// What lies there.
    pub inventory: Option<Box<Inventory>>,
}

/// What a playlist is to the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariantKind {
    /// EXT-X-STREAM-INF.
    Variant,
    /// EXT-X-MEDIA.
    Rendition,
    /// EXT-X-I-FRAME-STREAM-INF.
    IFrames,
}

/// Whether a playlist is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariantState {
    /// It is.
    There,
    /// It is not.
    Missing,
    /// It lies behind a URL, or outside of the directory.
    Elsewhere,
    /// It has none of its own: it is in the variants.
    Within,
}
