//! Microphone: sound for sources that have none.

pub mod run_times;
