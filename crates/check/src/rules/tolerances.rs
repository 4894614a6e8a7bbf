//! How far what a playlist says may be from the truth: by rounding, by a frame, by clocks that drift.

/// EXTINF may be rounded to a millisecond.
pub(crate) const ROUNDING_S: f64 = 0.001;

/// A frame's length where a segment does not tell one: 20 frames a second.
pub(crate) const FALLBACK_FRAME_S: f64 = 0.05;

/// bis-22 6.2.1 allows overlaps below a second, for clocks that drift; the same is granted to gaps.
pub(crate) const DATE_DRIFT_S: f64 = 1.0;
