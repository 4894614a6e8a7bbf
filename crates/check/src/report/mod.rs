//! Report: what a check found, for people, for programs and for build servers.
//!
//! In: findings, from any thread. Out: text, JSON, `JUnit`.

pub(crate) mod collector;
mod content;
mod json;
mod junit;
mod text;

pub use content::{LookedAt, Report};
pub use json::json;
pub use junit::junit;
pub use text::text;
