//! Integration tests of the publisher.

mod keeper;
mod keeper_support;
