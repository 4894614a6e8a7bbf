//! The probe on random bytes.

#![no_main]

#[path = "../checks/probe.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
