//! What holds of the probe whatever the bytes are. The fuzzer runs it, and a plain test over the seeds.

use livedir_media::{discontinuity, probe};

/// Times of MPEG-TS have so many values.
const WRAP_90K: u64 = 1 << 33;

pub fn check(bytes: &[u8]) {
    let whole = probe(bytes);
    assert_eq!(probe(bytes), whole, "the same bytes, the same facts");
    let Ok(facts) = whole else { return };
    assert!(facts.start_90k < WRAP_90K && facts.end_90k() < WRAP_90K);
    // Times lie at most half a turn of the clock before and behind the first one, and the last picture as long again.
    assert!(facts.duration_90k <= 2 * WRAP_90K);
    assert!(facts.trailing_bytes < 188 && facts.counters.len() <= bytes.len() / 188);
    if let Some(video) = &facts.video {
        assert!(video.keyframes <= video.frames && video.frames as usize <= bytes.len() / 188);
        assert!(!video.starts_with_keyframe || video.keyframes > 0);
        assert!(video.sps.len() <= bytes.len());
    }
    // Against its own second half: other streams, other times, another start.
    if let Ok(half) = probe(&bytes[bytes.len() / 376 * 188..]) {
        let _ = discontinuity(&facts, &half).map(|reason| reason.to_string());
    }
    let _ = discontinuity(&facts, &facts).map(|reason| reason.to_string());
}
