//! The server's reading of paths and of what a playlist lists, on random text.

#![no_main]

#[path = "../checks/paths.rs"]
mod check;
/// As the server has it.
#[path = "../../server/src/hot"]
mod hot {
    pub(crate) mod listed;
}
#[path = "../../server/src/paths.rs"]
mod paths;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
