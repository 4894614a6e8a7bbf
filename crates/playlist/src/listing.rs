//! A lenient reading of any .m3u8 text: media or multivariant, of any version, of any writer.
//!
//! In: any text. Out: a [`Listing`]: every tag with its line, typed where it is understood. It never fails: what cannot
//! be understood is `None` here. No thread.
//! Work and memory grow with the length of the text and with nothing in it.

mod attributes;
mod low_latency;
mod reader;
mod value;

use std::sync::Arc;

use jiff::Timestamp;

pub use attributes::{Attributes, Pairs, attribute};
pub use low_latency::{ListedPart, PreloadHint, RenditionReport, ServerControl};
pub use reader::{extinf_s, is_of_a_multivariant_playlist, read_listing};
pub use value::{Date, byterange, date, decimal, whole_number};

/// What a text is, by its tags.
#[derive(Debug, Clone, PartialEq)]
pub enum Listing {
    /// Lists segments.
    Media(MediaListing),
    /// Lists playlists.
    Multivariant(MultivariantListing),
    /// Has not one tag of a playlist.
    Neither,
}

/// A line `#EXT…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// From 1.
    pub line: usize,
    /// Such as `EXT-X-VERSION`.
    pub name: String,
    /// What stands after the colon.
    pub value: String,
}

/// A media playlist as it stands there, lawful or not. Of a tag that is repeated, the first counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MediaListing {
    /// All tags in order.
    pub tags: Vec<Tag>,
    /// EXT-X-VERSION.
    pub version: Option<u64>,
    /// EXT-X-TARGETDURATION, seconds, at least 1.
    pub target_duration_s: Option<u64>,
    /// EXT-X-MEDIA-SEQUENCE; absent means 0 (RFC 8216 4.3.3.2).
    pub media_sequence: Option<u64>,
    /// EXT-X-DISCONTINUITY-SEQUENCE; absent means 0 (RFC 8216 4.3.3.3).
    pub discontinuity_sequence: Option<u64>,
    /// EXT-X-PLAYLIST-TYPE.
    pub playlist_type: Option<PlaylistType>,
    /// EXT-X-INDEPENDENT-SEGMENTS.
    pub independent_segments: bool,
    /// EXT-X-ENDLIST.
    pub ended: bool,
    /// Oldest first.
    pub segments: Vec<ListedSegment>,
    /// EXT-X-PART behind the last URI: of the segment that is being made.
    pub open_parts: Vec<ListedPart>,
    /// EXT-X-DISCONTINUITY behind the last URI.
    pub open_discontinuity: bool,
    /// EXT-X-PRELOAD-HINT, in order.
    pub hints: Vec<PreloadHint>,
    /// EXT-X-RENDITION-REPORT, in order.
    pub reports: Vec<RenditionReport>,
    /// EXT-X-SERVER-CONTROL.
    pub server_control: Option<ServerControl>,
    /// PART-TARGET of EXT-X-PART-INF, seconds.
    pub part_target_s: Option<f64>,
    /// SKIPPED-SEGMENTS of EXT-X-SKIP: this is a delta update, without so many of the oldest segments.
    pub skipped_segments: u64,
}

/// EXT-X-PLAYLIST-TYPE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaylistType {
    /// Segments are added and never removed.
    Event,
    /// Nothing changes.
    Vod,
}

/// A URI of a media playlist, with the tags that apply to it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListedSegment {
    /// As it stands there.
    pub uri: String,
    /// The line of the URI, from 1.
    pub line: usize,
    /// EXTINF, seconds; `None` when it is absent or no number.
    pub duration_s: Option<f64>,
    /// EXT-X-DISCONTINUITY.
    pub discontinuity: bool,
    /// EXT-X-PROGRAM-DATE-TIME; a date without a zone is taken as UTC.
    pub program_date_time: Option<Timestamp>,
    /// EXT-X-BYTERANGE.
    pub byterange: Option<ByteRange>,
    /// EXT-X-GAP: there is nothing to load.
    pub gap: bool,
    /// EXT-X-MAP in force.
    pub map: Option<Arc<Map>>,
    /// Value of the EXT-X-KEY in force; `None` when not encrypted.
    pub key: Option<Arc<str>>,
    /// EXT-X-PART before it: what it is made of.
    pub parts: Vec<ListedPart>,
}

/// EXT-X-BYTERANGE, and the attribute of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// Bytes.
    pub length: u64,
    /// First byte; `None` when it goes on from the range before.
    pub offset: Option<u64>,
}

/// EXT-X-MAP: what a decoder needs before the first segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map {
    /// As it stands there.
    pub uri: String,
    /// If it is not the whole file.
    pub byterange: Option<ByteRange>,
}

/// A multivariant playlist as it stands there, lawful or not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MultivariantListing {
    /// All tags in order.
    pub tags: Vec<Tag>,
    /// EXT-X-VERSION.
    pub version: Option<u64>,
    /// EXT-X-INDEPENDENT-SEGMENTS.
    pub independent_segments: bool,
    /// EXT-X-STREAM-INF with its URI, in order.
    pub variants: Vec<Variant>,
    /// EXT-X-MEDIA, in order.
    pub renditions: Vec<Rendition>,
    /// EXT-X-I-FRAME-STREAM-INF, in order.
    pub i_frame_variants: Vec<Variant>,
}

/// EXT-X-STREAM-INF or EXT-X-I-FRAME-STREAM-INF.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Variant {
    /// The line of the tag, from 1.
    pub line: usize,
    /// Of its media playlist; `None` when there is none.
    pub uri: Option<String>,
    /// Of the tag.
    pub attributes: Attributes,
}

/// EXT-X-MEDIA.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rendition {
    /// The line of the tag, from 1.
    pub line: usize,
    /// Of its media playlist; `None` when it is within the variant's.
    pub uri: Option<String>,
    /// Of the tag.
    pub attributes: Attributes,
}

impl MediaListing {
    /// The tag of this name, the first if there are more.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<&Tag> {
        self.tags.iter().find(|tag| tag.name == name)
    }

    /// Whether segments may still be added.
    #[must_use]
    pub fn is_live(&self) -> bool {
        !self.ended && self.playlist_type != Some(PlaylistType::Vod)
    }

    /// The number of the first segment, or of the first that a delta update skips.
    #[must_use]
    pub fn first_media_sequence(&self) -> u64 {
        self.media_sequence.unwrap_or(0)
    }

    /// The number that the next segment to be added will have.
    #[must_use]
    pub fn next_media_sequence(&self) -> u64 {
        let first = self.first_media_sequence().saturating_add(self.skipped_segments);
        first.saturating_add(self.segments.len() as u64)
    }

    /// Whether parts are listed.
    #[must_use]
    pub fn has_parts(&self) -> bool {
        self.parts().next().is_some()
    }

    /// All parts, oldest first.
    pub fn parts(&self) -> impl Iterator<Item = &ListedPart> {
        self.segments.iter().flat_map(|segment| &segment.parts).chain(&self.open_parts)
    }

    /// The part that comes next, as EXT-X-PRELOAD-HINT has it.
    #[must_use]
    pub fn hinted_part(&self) -> Option<&PreloadHint> {
        self.hints.iter().find(|hint| hint.kind == "PART" && !hint.uri.is_empty())
    }

    /// The sum of all DURATION of the parts of the segment that is being made, seconds.
    #[must_use]
    pub fn open_duration_s(&self) -> f64 {
        self.open_parts.iter().filter_map(|part| part.duration_s).sum()
    }

    /// The sum of all EXTINF, seconds.
    #[must_use]
    pub fn duration_s(&self) -> f64 {
        self.segments.iter().filter_map(|segment| segment.duration_s).sum()
    }
}
