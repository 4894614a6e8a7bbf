//! Tests.

mod camera;
