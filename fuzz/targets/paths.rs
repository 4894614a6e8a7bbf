//! The server's reading of paths and of what a playlist lists, on random text.

#![no_main]

#[path = "../checks/paths.rs"]
mod check;
/// As the server has it.
#[path = "../../server/src/http"]
mod http {
    pub(crate) mod paths;
}
/// As the server has it.
#[path = "../../server/src/memory"]
mod memory {
    pub(crate) mod listed;
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
