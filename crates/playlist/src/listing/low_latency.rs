//! The tags of low latency (bis-22 4.4.3.7, 4.4.3.8, 4.4.4.9, 4.4.5.3, 4.4.5.4) as they stand there, lawful or not.
//!
//! In: the attributes of one tag. Out: what they say. No thread.

use super::ByteRange;
use super::attributes::{Pairs, attribute};
use super::value::{byterange, decimal, whole_number};

/// EXT-X-PART.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ListedPart {
    /// The line of the tag, from 1.
    pub line: usize,
    /// As it stands there; empty when there is none.
    pub uri: String,
    /// DURATION, seconds; `None` when it is absent or no number.
    pub duration_s: Option<f64>,
    /// INDEPENDENT=YES.
    pub independent: bool,
    /// GAP=YES: there is nothing to load.
    pub gap: bool,
    /// BYTERANGE.
    pub byterange: Option<ByteRange>,
}

/// EXT-X-PRELOAD-HINT.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PreloadHint {
    /// The line of the tag, from 1.
    pub line: usize,
    /// TYPE: PART or MAP, or anything else.
    pub kind: String,
    /// As it stands there; empty when there is none.
    pub uri: String,
    /// BYTERANGE-START.
    pub first_byte: Option<u64>,
}

/// EXT-X-RENDITION-REPORT.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RenditionReport {
    /// The line of the tag, from 1.
    pub line: usize,
    /// As it stands there; empty when there is none.
    pub uri: String,
    /// LAST-MSN.
    pub last_media_sequence: Option<u64>,
    /// LAST-PART.
    pub last_part: Option<u64>,
}

/// EXT-X-SERVER-CONTROL. What is absent or no number is `None`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ServerControl {
    /// The line of the tag, from 1.
    pub line: usize,
    /// CAN-BLOCK-RELOAD=YES.
    pub can_block_reload: bool,
    /// CAN-SKIP-UNTIL, seconds.
    pub can_skip_until_s: Option<f64>,
    /// HOLD-BACK, seconds.
    pub hold_back_s: Option<f64>,
    /// PART-HOLD-BACK, seconds.
    pub part_hold_back_s: Option<f64>,
}

pub(super) fn part(line: usize, attributes: &str) -> ListedPart {
    let (mut uri, mut duration, mut independent, mut gap, mut range) = (None, None, None, None, None);
    for (name, value) in Pairs::of(attributes) {
        let said = match name {
            "URI" => &mut uri,
            "DURATION" => &mut duration,
            "INDEPENDENT" => &mut independent,
            "GAP" => &mut gap,
            "BYTERANGE" => &mut range,
            _ => continue,
        };
        said.get_or_insert(value);
    }
    ListedPart {
        line,
        uri: uri.unwrap_or_default().to_owned(),
        duration_s: duration.and_then(decimal),
        independent: independent == Some("YES"),
        gap: gap == Some("YES"),
        byterange: range.and_then(byterange),
    }
}

pub(super) fn hint(line: usize, attributes: &str) -> PreloadHint {
    PreloadHint {
        line,
        kind: attribute(attributes, "TYPE").unwrap_or_default().to_owned(),
        uri: uri(attributes),
        first_byte: attribute(attributes, "BYTERANGE-START").and_then(whole_number),
    }
}

pub(super) fn report(line: usize, attributes: &str) -> RenditionReport {
    RenditionReport {
        line,
        uri: uri(attributes),
        last_media_sequence: attribute(attributes, "LAST-MSN").and_then(whole_number),
        last_part: attribute(attributes, "LAST-PART").and_then(whole_number),
    }
}

pub(super) fn server_control(line: usize, attributes: &str) -> ServerControl {
    let seconds = |name: &str| attribute(attributes, name).and_then(decimal);
    ServerControl {
        line,
        can_block_reload: attribute(attributes, "CAN-BLOCK-RELOAD") == Some("YES"),
        can_skip_until_s: seconds("CAN-SKIP-UNTIL"),
        hold_back_s: seconds("HOLD-BACK"),
        part_hold_back_s: seconds("PART-HOLD-BACK"),
    }
}

fn uri(attributes: &str) -> String {
    attribute(attributes, "URI").unwrap_or_default().to_owned()
}
