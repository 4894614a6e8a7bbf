//! How a server answers.

pub(crate) mod answer;
pub(crate) mod missing;
