//! Check: holds a stream to the rules of HLS.

#![forbid(unsafe_code)]

pub mod rules;
