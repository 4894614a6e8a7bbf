//! Page: what an inventory is drawn on.

use jiff::tz::TimeZone;

/// What is drawn on.
#[derive(Debug, Clone)]
pub struct Page {
    /// Columns.
    pub width: usize,
    /// Lines, where there are only so many: the oldest rows of the table are left out then.
    pub height: Option<usize>,
    /// Whether to use colour.
    pub colour: bool,
    /// Where the reader is.
    pub zone: TimeZone,
}
