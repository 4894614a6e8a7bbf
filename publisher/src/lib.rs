//! Publisher.

pub mod meters;
pub mod probe;
