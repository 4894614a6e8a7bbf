//! Blocking reload and delta updates, on random queries and playlists.

#![no_main]

#[path = "../checks/reload.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
