//! The readers of playlists on random text.

#![no_main]

#[path = "../checks/playlist.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
