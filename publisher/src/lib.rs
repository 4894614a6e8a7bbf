//! Publisher.

pub mod devices;
pub mod meters;
pub mod source;
