//! The 90 kHz clock of MPEG: 33 bits wide, so it wraps every 26.5 hours. All arithmetic on timestamps goes through here.

/// One turn of the clock.
pub const WRAP_90K: u64 = 1 << 33;

/// From `from_90k` to `to_90k` by the shorter way round: negative when `to_90k` is the earlier one.
#[must_use]
pub fn distance_90k(from_90k: u64, to_90k: u64) -> i64 {
    let forward = to_90k.wrapping_sub(from_90k) % WRAP_90K;
    if forward < WRAP_90K / 2 { forward as i64 } else { forward as i64 - WRAP_90K as i64 }
}

/// `by_90k` later than `from_90k`.
#[must_use]
pub fn later_90k(from_90k: u64, by_90k: u64) -> u64 {
    from_90k.wrapping_add(by_90k) % WRAP_90K
}

/// `by_90k` earlier than `from_90k`.
#[must_use]
pub fn earlier_90k(from_90k: u64, by_90k: u64) -> u64 {
    from_90k.wrapping_sub(by_90k % WRAP_90K).wrapping_add(WRAP_90K) % WRAP_90K
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_go_the_shorter_way_round() {
        assert_eq!(distance_90k(100, 350), 250);
        assert_eq!(distance_90k(350, 100), -250);
        assert_eq!(distance_90k(WRAP_90K - 100, 150), 250);
        assert_eq!(distance_90k(150, WRAP_90K - 100), -250);
    }

    #[test]
    fn the_clock_wraps_after_33_bits() {
        assert_eq!(later_90k(WRAP_90K - 1, 2), 1);
        assert_eq!(later_90k(5, 7), 12);
    }
}
