//! The probe on random bytes.

#![no_main]

#[path = "../checks/probe.rs"]
mod check;
#[expect(dead_code, unused_imports, reason = "the publisher uses the rest of it")]
#[path = "../../publisher/src/probe/mod.rs"]
mod probe;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
