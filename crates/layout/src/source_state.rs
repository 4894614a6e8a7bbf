//! Source state: whether frames come from the source. Viewers and monitors can see it.

use serde::Serialize;

/// How the source does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceState {
    /// No source has connected yet, or the publisher waits for an encoder to connect.
    Awaited,
    /// It is open.
    Here,
    /// It was open, and is opened again.
    Lost,
}
