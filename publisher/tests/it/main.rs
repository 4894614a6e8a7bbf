//! Integration tests of the publisher.

mod keeper;
mod keeper_probe;
mod keeper_support;
