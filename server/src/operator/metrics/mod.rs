//! What the server has done, in numbers: counted by each thread for itself, summed up when somebody asks.
//!
//! | file | |
//! |---|---|
//! | `counters`, `threads` | one thread's numbers, and those of all |
//! | `viewers` | who has fetched a playlist lately |
//! | `text` | all of it in Prometheus's words |

mod counters;
mod text;
mod threads;
mod viewers;

pub(crate) use counters::{Asked, Counters, Malformed, Reached, RequestKind, kind_of};
pub(crate) use text::{CONTENT_TYPE, render};
pub(crate) use threads::Metrics;
