//! A multivariant playlist, alone and with those that it lists.

use super::Finding;

/// A media playlist that a multivariant one lists.
#[derive(Debug, Clone, Copy)]
pub struct RenditionText<'a> {
    /// For findings, such as `low/stream.m3u8`.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// Holds a multivariant playlist and those that it lists, read at about the same time, to what they must have in common.
#[must_use]
pub fn check_renditions(_name: &str, _text: &str, _renditions: &[RenditionText<'_>]) -> Vec<Finding> {
    Vec::new()
}
