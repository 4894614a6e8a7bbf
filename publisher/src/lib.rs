//! Publisher.

pub mod meters;
pub mod source;
