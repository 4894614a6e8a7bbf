//! Publisher.
#![allow(missing_docs)]
pub mod meters;
pub mod source;
pub mod capture_queue;
pub mod frame_clock;
pub mod sound_clock;
pub mod canvas;
pub mod slate;
pub mod scaler;
pub mod encoder;
pub mod interleaver;
pub mod segmenter;
pub mod muxer;
pub mod segment_file;
pub mod stop;
