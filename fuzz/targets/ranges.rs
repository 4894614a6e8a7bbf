//! The server's reading of ranges and conditions, on random bytes.

#![no_main]

#[path = "../checks/ranges.rs"]
mod check;
/// As the server has it.
#[path = "../../server/src/http"]
mod http {
    pub(crate) mod conditions;
    #[expect(dead_code, reason = "the server uses the rest of it")]
    pub(crate) mod paths;
    pub(crate) mod ranges;
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
