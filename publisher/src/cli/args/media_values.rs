//! Sizes, rates and codecs, as people write them. What is wrong is answered with what to type. Pure.

use super::values::parse_whole;
use livedir_media::VideoCodec;

/// The smallest and the largest bit rate in bits a second.
const BIT_RATES: std::ops::RangeInclusive<f64> = 16e3..=200e6;

/// How people write "bits a second" behind the unit.
const BITS_A_SECOND: [&str; 6] = ["bits/s", "bit/s", "b/s", "bits", "bit", "bps"];

/// The highest `--fps`.
const HIGHEST_FPS: u32 = 120;

/// The highest `--input-fps`.
const HIGHEST_INPUT_FPS: u32 = 240;

/// `--fps`.
pub(super) fn parse_fps(text: &str) -> Result<u32, String> {
    parse_frame_rate(text, HIGHEST_FPS, "--fps", 25)
}

/// `--input-fps`.
pub(super) fn parse_input_fps(text: &str) -> Result<u32, String> {
    parse_frame_rate(text, HIGHEST_INPUT_FPS, "--input-fps", 30)
}

/// A whole number. One with a fraction, like 29.97 or 30000/1001, is answered with the whole rate next to it.
fn parse_frame_rate(text: &str, highest: u32, flag: &str, usual: u32) -> Result<u32, String> {
    let near = fraction(text).map(f64::round).filter(|rate| (1.0..=f64::from(highest)).contains(rate));
    let example = near.map_or(usual, |rate| rate as u32);
    parse_whole(text, "a whole frame rate", &(1..=highest), &format!("{flag} {example}"))
}

/// A number with a fraction, or the quotient of two.
fn fraction(text: &str) -> Option<f64> {
    match text.split_once('/') {
        Some((above, below)) => Some(above.parse::<f64>().ok()? / below.parse::<f64>().ok()?),
        None => text.parse().ok(),
    }
}

/// A width and a height in pixels: `1280x720`, or the name of a size of 16:9, such as `720p` or `4k`.
pub(super) fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let (width, height) = named_size(text).or_else(|| typed_size(text)).ok_or_else(|| {
        format!("'{text}' is not a size; write width x height in pixels, like 640x480, or 720p")
    })?;
    if width % 2 != 0 || height % 2 != 0 {
        return Err(format!("width and height must be even; try {}x{}", width & !1, height & !1));
    }
    if !(16..=7680).contains(&width) || !(16..=4320).contains(&height) {
        return Err(format!("'{text}' must be between 16x16 and 7680x4320, like 640x480"));
    }
    Ok((width, height))
}

fn typed_size(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once(['x', 'X', '×', '*'])?;
    Some((width.trim().parse().ok()?, height.trim().parse().ok()?))
}

/// The name of a size says its height; the width is that of 16:9, to the nearest even number.
fn named_size(text: &str) -> Option<(u32, u32)> {
    let lower = text.to_ascii_lowercase();
    let height: u32 = match lower.as_str() {
        "4k" | "uhd" => 2160,
        "8k" => 4320,
        _ => lower.strip_suffix('p')?.parse().ok()?,
    };
    Some((height.checked_mul(16)?.checked_add(9)? / 18 * 2, height))
}

/// Bits a second: `800k`, `2.5M`, `2500kbit/s`.
pub(super) fn parse_rate(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is not a bit rate; write bits a second, like 800k or 2.5M");
    let lower = text.trim().to_ascii_lowercase();
    let bits = BITS_A_SECOND.iter().find_map(|unit| lower.strip_suffix(unit)).unwrap_or(&lower).trim_end();
    let (number, unit) = match bits.strip_suffix('k') {
        Some(number) => (number, Some(1e3)),
        None => bits.strip_suffix('m').map_or((bits, None), |number| (number, Some(1e6))),
    };
    let number = number.trim_end();
    let count = number.parse::<f64>().map_err(|_| wrong())?;
    let bps = count * unit.unwrap_or(1.0);
    if BIT_RATES.contains(&bps) {
        return Ok(bps as u64);
    }
    // 2500 is 2500 bits a second, and meant are 2500k.
    let forgotten =
        [("k", 1e3), ("M", 1e6)].into_iter().find(|(_, unit)| BIT_RATES.contains(&(count * unit)));
    Err(match forgotten {
        Some((letter, _)) if unit.is_none() => {
            format!(
                "'{text}' must be between 16k and 200M, like {number}{letter}; without a unit it is bits a second"
            )
        }
        _ => format!("'{text}' must be between 16k and 200M, like 800k"),
    })
}

/// A video codec by one of its names.
pub(super) fn parse_codec(text: &str) -> Result<VideoCodec, String> {
    let lower = text.to_ascii_lowercase().replace('.', "");
    let name = match lower.as_str() {
        "avc" | "x264" => "h264",
        "h265" | "x265" => "hevc",
        name => name,
    };
    let named = VideoCodec::ALL.into_iter().find(|codec| codec.typed() == name);
    named.ok_or_else(|| "must be h264 or hevc, like --codec h264".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (typed, expected) in [
            ("1280x720", (1280, 720)),
            ("1280 x 720", (1280, 720)),
            ("1280×720", (1280, 720)),
            ("1280X720", (1280, 720)),
            ("720p", (1280, 720)),
            ("1080P", (1920, 1080)),
            ("480p", (854, 480)),
            ("360p", (640, 360)),
            ("240p", (426, 240)),
            ("144p", (256, 144)),
            ("4k", (3840, 2160)),
            ("8K", (7680, 4320)),
        ] {
            assert_eq!(parse_size(typed), Ok(expected), "{typed}");
        }
    }

    #[test]
    fn rates_are_read_as_people_write_them() {
        for (typed, expected) in [
            ("2.5M", 2_500_000),
            ("800k", 800_000),
            ("800K", 800_000),
            ("96000", 96_000),
            ("2500kbps", 2_500_000),
            ("2500 kbit/s", 2_500_000),
            ("2.5Mbit/s", 2_500_000),
            ("3 M", 3_000_000),
        ] {
            assert_eq!(parse_rate(typed), Ok(expected), "{typed}");
        }
    }

    #[test]
    fn codecs_are_known_by_all_their_names() {
        for (typed, expected) in [
            ("h264", VideoCodec::H264),
            ("H.264", VideoCodec::H264),
            ("AVC", VideoCodec::H264),
            ("hevc", VideoCodec::Hevc),
            ("h265", VideoCodec::Hevc),
            ("H.265", VideoCodec::Hevc),
        ] {
            assert_eq!(parse_codec(typed), Ok(expected), "{typed}");
        }
    }

    #[test]
    fn values_that_make_no_sense_are_refused_with_the_remedy() {
        for (error, remedy) in [
            (parse_size("640").unwrap_err(), "like 640x480"),
            (parse_size("p").unwrap_err(), "like 640x480"),
            (parse_size("4294967295p").unwrap_err(), "like 640x480"),
            (parse_size("641x481").unwrap_err(), "640x480"),
            (parse_size("719p").unwrap_err(), "try 1278x718"),
            (parse_size("0x0").unwrap_err(), "between 16x16"),
            (parse_size("0p").unwrap_err(), "between 16x16"),
            (parse_rate("fast").unwrap_err(), "like 800k"),
            (parse_rate("NaN").unwrap_err(), "between 16k"),
            (parse_rate("-1M").unwrap_err(), "between 16k"),
            (parse_rate("1k").unwrap_err(), "between 16k"),
            (parse_rate("0").unwrap_err(), "between 16k"),
            (parse_rate("").unwrap_err(), "like 800k"),
            (parse_rate("2500").unwrap_err(), "between 16k and 200M, like 2500k; without a unit"),
            (parse_rate("128").unwrap_err(), "like 128k"),
            (parse_rate("2.5").unwrap_err(), "like 2.5M"),
            (parse_codec("av1").unwrap_err(), "h264 or hevc"),
            (parse_fps("29.97").unwrap_err(), "must be a whole frame rate between 1 and 120, like --fps 30"),
            (parse_fps("30000/1001").unwrap_err(), "like --fps 30"),
            (parse_fps("23.976").unwrap_err(), "like --fps 24"),
            (parse_fps("59.94").unwrap_err(), "like --fps 60"),
            (parse_fps("24.0").unwrap_err(), "like --fps 24"),
            (parse_fps("1/0").unwrap_err(), "like --fps 25"),
            (parse_fps("0").unwrap_err(), "like --fps 25"),
            (parse_input_fps("0").unwrap_err(), "between 1 and 240"),
            (parse_input_fps("119.88").unwrap_err(), "like --input-fps 120"),
        ] {
            assert!(error.contains(remedy), "{error}");
        }
    }
}
