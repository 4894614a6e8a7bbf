//! Listing: what a playlist lists, whoever wrote it. Values alone.

use crate::model::inventory::VariantKind;
use jiff::Timestamp;
use livedir_playlist::Attributes;

/// What a playlist lists.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PlaylistListing {
    /// EXT-X-TARGETDURATION.
    pub target_duration_s: Option<u32>,
    /// EXT-X-MEDIA-SEQUENCE.
    pub media_sequence: u64,
    /// EXT-X-ENDLIST.
    pub ended: bool,
    /// Oldest first.
    pub entries: Vec<Entry>,
    /// How many parts of the segment that is being written are listed as lost: EXT-X-PART with GAP=YES.
    pub open_lost_parts: u64,
    /// The files of the other parts of that segment, in order.
    pub open_parts: Vec<String>,
    /// How long the parts of that segment are, those that are lost too.
    pub open_s: f64,
    /// EXT-X-PART-INF: the longest part, where there are parts.
    pub part_target_s: Option<f64>,
    /// What a multivariant playlist lists instead.
    pub playlists: Vec<ListedPlaylist>,
}

/// One playlist that is listed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ListedPlaylist {
    /// What it is to the stream.
    pub kind: VariantKind,
    /// As it stands there; `None` where it has no playlist of its own.
    pub uri: Option<String>,
    /// The file relative to the playlist, or the URI as it is where it names no file below.
    pub name: Option<String>,
    /// What is said of it.
    pub attributes: Attributes,
}

/// One segment that is listed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// Its number.
    pub media_sequence: u64,
    /// The file relative to the playlist, or the URI as it is where it names no file below.
    pub name: String,
    /// EXTINF.
    pub duration_s: f64,
    /// EXT-X-PROGRAM-DATE-TIME, where the segment has one.
    pub program_date_time: Option<Timestamp>,
    /// EXT-X-DISCONTINUITY.
    pub discontinuity: bool,
    /// EXT-X-GAP: there is no file, and nobody asks for one.
    pub is_gap: bool,
    /// EXT-X-BYTERANGE: it is some of the file's bytes.
    pub is_part_of_file: bool,
    /// How many of its parts are listed as lost: EXT-X-PART with GAP=YES.
    pub lost_parts: u64,
    /// The files of its other parts, in order.
    pub parts: Vec<String>,
}
