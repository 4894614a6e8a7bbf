//! Tests.

mod input;
