//! The text of a media playlist of a presentation, and when it was seen.

/// A media playlist that a multivariant one lists.
#[derive(Debug, Clone, Copy)]
pub struct RenditionText<'a> {
    /// For findings, such as `low/stream.m3u8`.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
    /// When the look ended that found this text first; monotonic seconds.
    pub seen_at_s: f64,
    /// When the last look began that found this text.
    pub looked_at_s: f64,
}
