//! Read: what lies on disk, as it is found.
//!
//! ```text
//!  path ─▶ subject ─▶ scan ─▶ arrange ─▶ survey
//! ```
//!
//! In: the path that was typed. Out: a [`Survey`](survey::Survey). On the caller's thread.

pub(crate) mod arrange;
pub(crate) mod listing;
pub(crate) mod parts;
pub(crate) mod subject;
pub(crate) mod survey;

mod newest;
mod scan;
