//! Profiles: what a codec string of RFC 6381 says, in the words of the specifications. Pure.

/// `avc1.64001e` → `High, level 3.0`, `hvc1.1.6.L93.90` → `Main, level 3.1`.
pub(crate) fn profile(codec: &str) -> Option<String> {
    codec.strip_prefix("avc1.").and_then(h264).or_else(|| codec.strip_prefix("hvc1.").and_then(hevc))
}

/// ITU-T H.264 table A-1 and annex A.2.
fn h264(codec: &str) -> Option<String> {
    let bytes = u32::from_str_radix(codec, 16).ok()?;
    let (profile, constraints, level) = (bytes >> 16, bytes >> 8 & 0xff, bytes & 0xff);
    let name = match profile {
        66 if constraints & 0x40 != 0 => "Constrained Baseline",
        66 => "Baseline",
        77 => "Main",
        88 => "Extended",
        100 if constraints & 0x0c == 0x0c => "Constrained High",
        100 => "High",
        110 => "High 10",
        122 => "High 4:2:2",
        244 => "High 4:4:4 Predictive",
        _ => return Some(format!("profile {profile}, level {}.{}", level / 10, level % 10)),
    };
    // A.3.1: level 1b of these profiles is level 11 with a constraint set.
    let is_1b = level == 11 && constraints & 0x10 != 0 && profile < 100;
    let level = if is_1b { "1b".to_owned() } else { format!("{}.{}", level / 10, level % 10) };
    Some(format!("{name}, level {level}"))
}

/// ITU-T H.265 annex A: the level is thirty times what it is called.
fn hevc(codec: &str) -> Option<String> {
    let mut fields = codec.split('.');
    let profile = fields.next()?;
    let (tier, level) = fields.nth(1)?.split_at_checked(1)?;
    let level: u32 = level.parse().ok()?;
    let name = match profile {
        "1" => "Main".to_owned(),
        "2" => "Main 10".to_owned(),
        "3" => "Main Still Picture".to_owned(),
        "4" => "Range Extensions".to_owned(),
        "9" => "Screen Content Coding".to_owned(),
        _ => format!("profile {profile}"),
    };
    let tier = if tier == "H" { ", High tier" } else { "" };
    Some(format!("{name}, level {}.{}{tier}", level / 30, level % 30 / 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_have_names() {
        #[track_caller]
        fn check(codec: &str, expected: &str) {
            assert_eq!(profile(codec).as_deref(), Some(expected));
        }
        check("avc1.64001e", "High, level 3.0");
        check("avc1.42c01f", "Constrained Baseline, level 3.1");
        check("avc1.42d00b", "Constrained Baseline, level 1b");
        check("avc1.2c0028", "profile 44, level 4.0");
        check("hvc1.1.6.L93.90", "Main, level 3.1");
        check("hvc1.2.4.H150.B0", "Main 10, level 5.0, High tier");
        check("hvc1.A7.0.L60", "profile A7, level 2.0");
    }

    #[test]
    fn what_is_no_codec_has_no_profile() {
        for codec in ["hvc1", "hvc1.", "hvc1.1.6", "hvc1.1.6.", "hvc1.1.6.\u{dc}1", "vp09.00", "avc1.x"] {
            assert_eq!(profile(codec), None, "{codec}");
        }
    }
}
