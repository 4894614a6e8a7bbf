//! Queues between threads, each with an end: what happens when one is full is decided here.
//!
//! In: video frames and sound. Out: the same, or what is left of them when those who come next are too slow.

pub mod capture;
pub mod picture;
pub mod slate;
