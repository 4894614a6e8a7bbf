//! The server's reading of ranges and conditions, on random bytes.

#![no_main]

#[path = "../checks/ranges.rs"]
mod check;
#[path = "../../server/src/conditions.rs"]
mod conditions;
#[expect(dead_code, reason = "the server uses the rest of it")]
#[path = "../../server/src/paths.rs"]
mod paths;
#[expect(dead_code, reason = "the server uses the rest of it")]
#[path = "../../server/src/ranges.rs"]
mod ranges;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
