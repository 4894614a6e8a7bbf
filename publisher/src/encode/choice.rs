//! Which encoder is taken: the order in which they are tried, and what becomes of those that do not work. Pure; the trial
//! itself is the caller's.

use livedir_media::VideoCodec;

/// Every encoder of libav for this codec that can be livedir's, hardware first.
#[must_use]
pub fn known(codec: VideoCodec) -> &'static [&'static str] {
    match codec {
        VideoCodec::H264 => &[
            "h264_videotoolbox",
            "h264_nvenc",
            "h264_qsv",
            "h264_amf",
            "h264_vaapi",
            "h264_v4l2m2m",
            "libx264",
            "h264_mf",
            "libopenh264",
        ],
        VideoCodec::Hevc => &[
            "hevc_videotoolbox",
            "hevc_nvenc",
            "hevc_qsv",
            "hevc_amf",
            "hevc_vaapi",
            "hevc_v4l2m2m",
            "libx265",
            "hevc_mf",
        ],
    }
}

/// The one that every machine can have.
#[must_use]
pub fn software(codec: VideoCodec) -> &'static str {
    match codec {
        VideoCodec::H264 => "libx264",
        VideoCodec::Hevc => "libx265",
    }
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum EncoderChoice {
    /// The first that works.
    #[default]
    Auto,
    /// This one or none.
    Named(String),
}

impl EncoderChoice {
    /// From what was typed.
    #[must_use]
    pub fn parse(typed: &str) -> Self {
        if typed == "auto" { Self::Auto } else { Self::Named(typed.to_owned()) }
    }
}

/// What the machine has that could encode.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    /// `linux`, `macos` and so on, as Rust calls them.
    pub os: &'static str,
    /// The driver of an NVIDIA card runs.
    pub has_nvidia: bool,
    /// PCI numbers of the makers of graphics cards, like 0x8086.
    pub graphics_makers: Vec<u32>,
    /// Names that the drivers of video devices give them.
    pub video_devices: Vec<String>,
}

/// PCI number of Intel.
const INTEL: u32 = 0x8086;

/// PCI number of AMD.
const AMD: u32 = 0x1002;

impl Machine {
    /// The encoders that `auto` tries, in order: hardware that is there, then software. A machine whose hardware cannot
    /// be looked at from here is offered all that it might have.
    #[must_use]
    pub fn order(&self, codec: VideoCodec) -> Vec<&'static str> {
        known(codec).iter().copied().filter(|name| self.may_have(name)).collect()
    }

    fn may_have(&self, name: &str) -> bool {
        let made_by = |maker| self.graphics_makers.contains(&maker);
        let (is_apple, is_windows) = (matches!(self.os, "macos" | "ios"), self.os == "windows");
        let looks_itself = !is_apple && !is_windows;
        // Of h264_nvenc what comes behind the codec; software is named otherwise.
        match name.split_once('_').map(|(_, hardware)| hardware) {
            None => true,
            Some("videotoolbox") => is_apple,
            Some("mf") => is_windows,
            Some("nvenc") => is_windows || looks_itself && self.has_nvidia,
            Some("qsv") => is_windows || looks_itself && made_by(INTEL),
            Some("amf") => is_windows || looks_itself && made_by(AMD),
            Some("vaapi") => looks_itself && (made_by(INTEL) || made_by(AMD)),
            Some("v4l2m2m") => looks_itself && self.video_devices.iter().any(|name| is_encoder_chip(name)),
            Some(_) => false,
        }
    }
}

/// The encoder half of a chip calls itself so: bcm2835-codec-encode, mtk-vcodec-enc, rkvenc, Venus video encoder. A
/// camera named Presence does not.
fn is_encoder_chip(name: &str) -> bool {
    name.to_ascii_lowercase()
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .any(|word| word == "enc" || word.ends_with("venc") || word.starts_with("encode"))
}

/// The encoder that is taken.
#[derive(Debug)]
pub struct Opened<'a, T, E> {
    /// Its name.
    pub name: &'a str,
    /// The open encoder.
    pub opened: T,
    /// Those before it, each with why not.
    pub passed_over: Vec<(&'a str, E)>,
}

/// Tries `names` in order and takes the first that opens; all names with why not if none does.
pub fn first_that_opens<'a, T, E>(
    names: &[&'a str],
    mut open: impl FnMut(&str) -> Result<T, E>,
) -> Result<Opened<'a, T, E>, Vec<(&'a str, E)>> {
    let mut passed_over = Vec::new();
    for name in names {
        match open(name) {
            Ok(opened) => return Ok(Opened { name, opened, passed_over }),
            Err(error) => passed_over.push((*name, error)),
        }
    }
    Err(passed_over)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected names are of one codec, which they tell.
    #[track_caller]
    fn check_order(machine: &Machine, expected: &[&str]) {
        let codec = VideoCodec::ALL.into_iter().find(|codec| known(*codec).contains(&expected[0]));
        assert_eq!(machine.order(codec.expect("the first is known")), expected);
    }

    #[test]
    fn hardware_that_is_there_comes_before_software() {
        let linux = Machine { os: "linux", ..Machine::default() };
        check_order(&linux, &["libx264", "libopenh264"]);
        check_order(&linux, &["libx265"]);
        let two_cards = Machine { has_nvidia: true, graphics_makers: vec![INTEL, 0x10de], ..linux.clone() };
        check_order(&two_cards, &["h264_nvenc", "h264_qsv", "h264_vaapi", "libx264", "libopenh264"]);
        check_order(&two_cards, &["hevc_nvenc", "hevc_qsv", "hevc_vaapi", "libx265"]);
        let amd = Machine { graphics_makers: vec![AMD], ..linux.clone() };
        check_order(&amd, &["h264_amf", "h264_vaapi", "libx264", "libopenh264"]);
        check_order(&amd, &["hevc_amf", "hevc_vaapi", "libx265"]);
        for (name, is_chip) in [
            ("bcm2835-isp", false),
            ("bcm2835-codec-encode", true),
            ("mtk-vcodec-enc", true),
            ("rkvenc", true),
            ("Qualcomm Venus video encoder", true),
            ("Presence 4K Camera", false),
            ("", false),
        ] {
            let machine = Machine { video_devices: vec![name.into()], ..linux.clone() };
            for codec in VideoCodec::ALL {
                let has_it = machine.order(codec).iter().any(|name| name.ends_with("v4l2m2m"));
                assert_eq!(has_it, is_chip, "{name}");
            }
        }
        let mac = Machine { os: "macos", ..Machine::default() };
        check_order(&mac, &["h264_videotoolbox", "libx264", "libopenh264"]);
        check_order(&mac, &["hevc_videotoolbox", "libx265"]);
        let windows = Machine { os: "windows", ..Machine::default() };
        check_order(&windows, &["h264_nvenc", "h264_qsv", "h264_amf", "libx264", "h264_mf", "libopenh264"]);
        check_order(&windows, &["hevc_nvenc", "hevc_qsv", "hevc_amf", "libx265", "hevc_mf"]);
    }

    #[track_caller]
    fn check_fall_through(works: &[&str], taken: Option<&str>, refused: &[&str], tried: usize) {
        let mut opened = 0;
        let found = first_that_opens(&["a", "b", "c"], |name| {
            opened += 1;
            if works.contains(&name) { Ok(()) } else { Err(format!("no {name}")) }
        });
        let (name, passed_over) = match found {
            Ok(found) => (Some(found.name), found.passed_over),
            Err(refused) => (None, refused),
        };
        assert_eq!(name, taken);
        assert_eq!(passed_over.iter().map(|(name, _)| *name).collect::<Vec<_>>(), refused);
        assert!(passed_over.iter().all(|(name, why)| *why == format!("no {name}")));
        assert_eq!(opened, tried, "none is opened that is not needed");
    }

    #[test]
    fn a_failed_opening_falls_through_to_the_next_and_is_remembered_with_why() {
        check_fall_through(&["a", "c"], Some("a"), &[], 1);
        check_fall_through(&["b", "c"], Some("b"), &["a"], 2);
        check_fall_through(&["c"], Some("c"), &["a", "b"], 3);
        check_fall_through(&[], None, &["a", "b", "c"], 3);
    }

    #[test]
    fn auto_is_a_word_and_all_else_a_name() {
        assert_eq!(EncoderChoice::parse("auto"), EncoderChoice::Auto);
        assert_eq!(EncoderChoice::parse("libx264"), EncoderChoice::Named("libx264".into()));
    }
}
