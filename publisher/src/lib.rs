//! Publisher.

pub mod meters;
