//! File times: when a file was written, and when it got its name. Pure.

use jiff::Timestamp;
use livedir_layout::directory::stamp::Stamp;
use std::fs;

/// When it was written, renamed or linked last. Nobody can set that, and livedir sets the other.
pub(crate) fn changed_at(metadata: &fs::Metadata) -> Option<Timestamp> {
    Timestamp::try_from(Stamp::of(metadata).changed_at).ok()
}

/// When it was written last, or what its writer says instead.
pub(crate) fn modified_at(metadata: &fs::Metadata) -> Option<Timestamp> {
    Timestamp::try_from(metadata.modified().ok()?).ok()
}
