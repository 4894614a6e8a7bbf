//! Status: what `status.json` says, as far as it can be understood.
//!
//! In: the directory of a playlist. Out: a [`StatusSummary`]. On the caller's thread.

use crate::model::inventory::StatusSummary;
use crate::read::text::read_text;
use livedir_layout::files::STATUS;
use livedir_layout::names::LIVE;
use std::path::Path;

/// Beside the playlist, or, where that is of one of several sizes, beside the one that lists them all.
pub(crate) fn status_of(directory: &Path) -> Option<StatusSummary> {
    let text = |directory: &Path| read_text(&directory.join(STATUS)).ok().flatten();
    let webroot = || {
        let absolute = std::path::absolute(directory).ok()?;
        absolute.parent()?.ends_with(LIVE).then(|| absolute.ancestors().nth(2).map(Path::to_owned))?
    };
    let (text, _) = text(directory).or_else(|| text(&webroot()?))?;
    Some(read_status(&text))
}

/// Each value on its own: a status that another version wrote says less, and nothing wrong.
fn read_status(json: &str) -> StatusSummary {
    let value: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    let text = |name: &str| value[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let time = |name: &str| value[name].as_str().and_then(|time| time.parse().ok());
    StatusSummary {
        state: text("state"),
        title: text("title"),
        source: text("source"),
        updated_at: time("updated_at"),
        silent_since: time("silent_since"),
        segments_refused: value["segments_refused"].as_u64(),
        frames_duplicated: value["frames_duplicated"].as_u64(),
        pictures_dropped: value["pictures_dropped"].as_u64(),
        publish_lag_ms: value["publish_lag_ms"].as_f64(),
    }
}
