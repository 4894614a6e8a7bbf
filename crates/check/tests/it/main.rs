//! One binary for all integration tests of the check crate.

#![allow(unreachable_pub)] // one program: what is public is so for its own modules

mod fuzz_corpus;
mod media;
mod rules;
#[path = "../../../playlist/tests/it/support/mod.rs"]
mod support;
