//! Read: what lies on disk, as it is found.
//!
//! ```text
//!  path ─▶ subject ─▶ text, listing ─▶ scan ─▶ arrange ─▶ contents ─▶ survey
//! ```
//!
//! In: the path that was typed. Out: a [`Survey`](crate::model::survey::Survey). On the caller's thread.

pub(crate) mod contents;
pub(crate) mod parts;
pub(crate) mod subject;
pub(crate) mod survey;

mod arrange;
mod file_times;
mod listing;
mod newest;
mod scan;
mod status;
mod text;
