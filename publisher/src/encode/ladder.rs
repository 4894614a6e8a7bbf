//! Ladder: the same stream in several sizes and rates, so that every viewer gets what their network carries. Pure.
//!
//! In: what was asked for, or the size of the source and the number of cores. Out: the rungs, with their names on disk.

use crate::picture::scaler::fit;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ladder {
    /// As the source and the machine allow.
    Auto,
    /// These.
    Rungs(Vec<Rung>),
}

/// One size and rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    /// Width in pixels, even.
    pub width: u32,
    /// Height in pixels, even.
    pub height: u32,
    /// Bits a second of the video.
    pub video_bps: u64,
}

/// Below this quantiser nobody sees a difference. Without a bound pictures without much in them (a test pattern, a slide) would
/// take whatever rate they are given.
pub const SMALLEST_QUANTISER: u8 = 18;

/// So much more of the quantiser halves the rate, about (H.264 8.5.9: it doubles the step).
const QUANTISERS_PER_OCTAVE: f64 = 6.0;

/// H.264 and H.265 end at 51; beyond this one nothing is left to look at.
const COARSEST_BOUND: u8 = 30;

impl Rung {
    /// The smallest quantiser of this rung. Half the height may take half the bits: scaled down, a drawing has finer edges, and
    /// takes more than in full size with the same quantiser.
    #[must_use]
    pub fn smallest_quantiser(&self, largest: &Self) -> u8 {
        let octaves = (f64::from(largest.height) / f64::from(self.height.max(1))).max(1.0).log2();
        (f64::from(SMALLEST_QUANTISER) + QUANTISERS_PER_OCTAVE * octaves)
            .round()
            .min(f64::from(COARSEST_BOUND)) as u8
    }
}

/// Heights and rates to choose from. Each has about half the rate of the one above it: closer ones are hard to tell
/// apart, and further ones leave viewers between them without their due.
const LADDER: [(u32, u64); 5] =
    [(1080, 5_000_000), (720, 2_500_000), (480, 1_200_000), (360, 700_000), (240, 300_000)];

/// One core encodes about this many pixels a second beside everything else that it has to do.
const PIXELS_PER_CORE: u64 = 20_000_000;

/// More rungs than this help nobody.
const MOST_RUNGS: usize = 4;

/// The largest size that a source is asked for when the ladder is made to fit it.
pub const LARGEST_AUTO: (u32, u32) = (1280, 720);

impl Ladder {
    /// The rungs, the largest first, for a source of this size.
    #[must_use]
    pub fn rungs(&self, source: (u32, u32), fps: u32, cores: usize) -> Vec<Rung> {
        match self {
            Self::Rungs(rungs) => rungs.clone(),
            Self::Auto => auto(source, fps, cores),
        }
    }
}

fn auto(source: (u32, u32), fps: u32, cores: usize) -> Vec<Rung> {
    let shape = (u64::from(source.0), u64::from(source.1));
    let rung = |(height, video_bps): (u32, u64)| {
        let (width, height) = fit(shape, (height * 4, height));
        Rung { width, height, video_bps }
    };
    let budget = PIXELS_PER_CORE * cores.max(1) as u64;
    let pixels = |rung: &Rung| u64::from(rung.width) * u64::from(rung.height) * u64::from(fps);
    let fits_source = |rung: &Rung| rung.height <= source.1.max(2);
    let mut rungs: Vec<Rung> = LADDER.map(rung).into_iter().filter(fits_source).collect();
    while rungs.len() > 1 && rungs.iter().map(pixels).sum::<u64>() > budget {
        rungs.remove(0);
    }
    rungs.truncate(MOST_RUNGS);
    if rungs.is_empty() {
        let (width, height) = fit(shape, source);
        rungs.push(Rung { width, height, video_bps: LADDER[LADDER.len() - 1].1 });
    }
    rungs
}

/// The directory of each rung: `720p`, and where that is taken `720p-800k`.
#[must_use]
pub fn names(rungs: &[Rung]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for rung in rungs {
        let plain = format!("{}p", rung.height);
        let with_rate = format!("{plain}-{}k", rung.video_bps / 1000);
        let mut candidates =
            [plain, with_rate.clone()].into_iter().chain((2..).map(|n| format!("{with_rate}-{n}")));
        names.extend(candidates.find(|name| !names.contains(name)));
    }
    names
}

/// Reads `1280x720@2.5M,640x360@800k`.
pub fn parse(
    text: &str,
    size: impl Fn(&str) -> Result<(u32, u32), String>,
    rate: impl Fn(&str) -> Result<u64, String>,
) -> Result<Ladder, String> {
    if text == "auto" {
        return Ok(Ladder::Auto);
    }
    let rung = |rung: &str| {
        let (pixels, bits) = rung.split_once('@').ok_or_else(|| {
            format!("'{rung}' is not a rendition; write WIDTHxHEIGHT@RATE, like 640x360@800k")
        })?;
        let (width, height) = size(pixels.trim())?;
        Ok(Rung { width, height, video_bps: rate(bits.trim())? })
    };
    let mut rungs = text.split(',').map(|it| rung(it.trim())).collect::<Result<Vec<_>, String>>()?;
    if rungs.len() > LARGEST_LADDER {
        return Err(format!("{} renditions are too many; name at most {LARGEST_LADDER}", rungs.len()));
    }
    rungs.sort_by_key(|rung| std::cmp::Reverse((rung.width * rung.height, rung.video_bps)));
    if let Some(twice) = rungs.windows(2).find(|pair| pair[0] == pair[1]) {
        let Rung { width, height, video_bps } = twice[0];
        return Err(format!("{width}x{height}@{video_bps} is listed twice; leave one out"));
    }
    let pixels = |rung: &Rung| rung.width * rung.height;
    if let Some([larger, smaller]) = rungs
        .windows(2)
        .filter_map(|pair| pair.first_chunk::<2>())
        .find(|[larger, smaller]| pixels(smaller) < pixels(larger) && smaller.video_bps > larger.video_bps)
    {
        return Err(format!(
            "{}x{} has a higher bit rate than {}x{}, which is larger, so players would choose the smaller one; swap their bit rates, {} and {}",
            smaller.width, smaller.height, larger.width, larger.height, smaller.video_bps, larger.video_bps
        ));
    }
    Ok(Ladder::Rungs(rungs))
}

/// Each rung is an encoder and a thread.
const LARGEST_LADDER: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use livedir_layout::rendition::{AUDIO, is_name_of_rendition};

    fn rung(width: u32, height: u32, video_bps: u64) -> Rung {
        Rung { width, height, video_bps }
    }

    #[track_caller]
    fn check(source: (u32, u32), fps: u32, cores: usize, expected: &str) {
        let rungs = Ladder::Auto.rungs(source, fps, cores);
        let words = rungs.iter().map(|it| format!("{}x{}@{}k", it.width, it.height, it.video_bps / 1000));
        assert_eq!(words.collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn our_names_are_known_again_and_those_of_others_are_not() {
        let rung = Rung { width: 1280, height: 720, video_bps: 800_000 };
        for name in names(&[rung; 4]).iter().map(String::as_str).chain([AUDIO]) {
            assert!(is_name_of_rendition(name), "{name}");
        }
        for name in ["", "p", "holiday", "720", "720p-", "720p-k", "720p-800k-", "720p-800k-2-3", "720px"] {
            assert!(!is_name_of_rendition(name), "{name}");
        }
    }

    #[test]
    fn rungs_have_the_shape_of_the_source_and_are_no_larger() {
        check((1280, 720), 20, 2, "1280x720@2500k 854x480@1200k 640x360@700k 426x240@300k");
        check((640, 480), 20, 2, "640x480@1200k 480x360@700k 320x240@300k");
        check((1080, 1920), 20, 16, "608x1080@5000k 406x720@2500k 270x480@1200k 202x360@700k");
        check((176, 144), 20, 2, "176x144@300k");
    }

    #[test]
    fn a_small_machine_gets_fewer_rungs() {
        check((1920, 1080), 30, 2, "854x480@1200k 640x360@700k 426x240@300k");
        check((1920, 1080), 30, 1, "640x360@700k 426x240@300k");
        check((1920, 1080), 120, 1, "426x240@300k");
    }

    #[test]
    fn a_picture_of_half_the_height_is_quantised_for_half_the_bits() {
        let bounds = [720, 480, 360, 240, 90, 1440]
            .map(|height| rung(2, height, 1).smallest_quantiser(&rung(2, 720, 1)));
        assert_eq!(bounds, [18, 22, 24, 28, 30, 18]);
    }

    #[test]
    fn names_are_heights_and_none_is_used_twice() {
        let rungs = [rung(1280, 720, 3_000_000), rung(1280, 720, 800_000), rung(960, 720, 800_000)];
        assert_eq!(names(&rungs), ["720p", "720p-800k", "720p-800k-2"]);
    }

    #[track_caller]
    fn parsed(text: &str) -> Result<Ladder, String> {
        let size = |text: &str| {
            let (width, height) = text.split_once('x').ok_or("no size")?;
            Ok((width.parse().map_err(|_| "no width")?, height.parse().map_err(|_| "no height")?))
        };
        parse(text, size, |rate| rate.strip_suffix('k').and_then(|k| k.parse().ok()).ok_or("no rate".into()))
    }

    #[test]
    fn what_was_typed_is_sorted_from_the_largest() {
        let sorted = Ladder::Rungs(vec![rung(640, 360, 800), rung(640, 360, 400), rung(320, 180, 200)]);
        assert_eq!(parsed("320x180@200k, 640x360@400k,640x360@800k"), Ok(sorted));
        assert_eq!(parsed("auto"), Ok(Ladder::Auto));
    }

    #[test]
    fn what_is_no_ladder_is_refused_with_the_remedy() {
        assert!(parsed("640x360").unwrap_err().contains("like 640x360@800k"));
        assert!(parsed("640x360@800k,").unwrap_err().contains("is not a rendition"));
        assert!(parsed("640x360@800k,640x360@800k").unwrap_err().contains("twice"));
        assert!(
            parsed("640x360@800k,320x180@900k")
                .unwrap_err()
                .contains("320x180 has a higher bit rate than 640x360")
        );
        assert!(
            parsed("640x360@800k,640x360@400k,320x180@800k")
                .unwrap_err()
                .contains("swap their bit rates, 800 and 400")
        );
        assert!(parsed(&["2x2@1k"; 9].join(",")).unwrap_err().contains("at most 8"));
    }
}
