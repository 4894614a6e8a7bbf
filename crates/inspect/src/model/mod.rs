//! Model: what was read, and what is said of it. Values alone, and the names of files.
//!
//! A `Survey` is all that was read; an [`Inventory`](inventory::Inventory) is what people and programs are told.

pub mod inventory;

pub(crate) mod file_detail;
pub(crate) mod listing;
pub(crate) mod media_summary;
pub(crate) mod names;
pub(crate) mod survey;
