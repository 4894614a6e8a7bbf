//! One media playlist alone.
