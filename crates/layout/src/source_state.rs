//! State: whether pictures come from the source, as everybody may know it.

use serde::Serialize;

/// How the source does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceState {
    /// Nobody has come yet, or somebody is waited for.
    Awaited,
    /// It is open.
    Here,
    /// It was open, and is opened again.
    Lost,
}
