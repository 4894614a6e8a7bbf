//! What only the container says of its pictures, and what becomes of that: MPEG-TS has no place for it. Pure.
//!
//! The shape of a pixel and the colours are put into the parameter sets, where every player looks for them. What H.264 has no
//! place for either cannot be copied.

use super::Unfit;
use crate::source::input::annex_b::Storage;
use crate::source::input::decode::StreamSetup;
use crate::source::input::decode::upright::{Orientation, is_shape_of_pixels};
use crate::source::input::stream_fields;
use livedir_media::{Declared, VideoCodec};

/// ITU-T H.273: the number that says nothing.
const UNSPECIFIED: u32 = 2;

/// A container counts whole pixels, so its shape of a pixel may be another by this part of a picture's width and be none.
const ROUNDING: f64 = 0.002;

/// What libav's filter `h264_metadata` is to put into the parameter sets; `None` where they say all that the container says.
pub(crate) fn to_put_into_sets(picture: &StreamSetup) -> Result<Option<String>, Unfit> {
    if picture.orientation != Orientation::Upright {
        return Err(Unfit::Turned);
    }
    if picture.hides_frames {
        return Err(Unfit::HidesFrames);
    }
    let sets = Storage::of_head(stream_fields::head(&picture.parameters));
    let declared = VideoCodec::H264.declared(sets.parameter_sets()).unwrap_or_default();
    let aspect = (picture.sample_aspect.numerator(), picture.sample_aspect.denominator());
    let (colours, is_full_range) = stream_fields::colours(&picture.parameters);
    Ok(options(declared, aspect, colours, is_full_range))
}

fn options(declared: Declared, aspect: (i32, i32), colours: [u32; 3], is_full_range: bool) -> Option<String> {
    let mut options = Vec::new();
    let (width, height) = aspect;
    if is_shape_of_pixels(width, height) {
        let (known_width, known_height) = declared.sample_aspect.unwrap_or((1, 1));
        let by = f64::from(width) * f64::from(known_height) / (f64::from(height) * f64::from(known_width));
        if (by - 1.0).abs() > ROUNDING {
            options.push(format!("sample_aspect_ratio={width}/{height}"));
        }
    }
    if !declared.has_colours {
        // Numbers of one byte (H.264 E.1.1); 0 is the one of RGB as a matrix, and says nothing otherwise.
        let names = ["colour_primaries", "transfer_characteristics", "matrix_coefficients"];
        let said = colours.iter().map(|colour| (1..=254).contains(colour) && *colour != UNSPECIFIED);
        let said = names.iter().zip(colours).zip(said).filter(|(_, is_said)| *is_said);
        options.extend(said.map(|((name, colour), _)| format!("{name}={colour}")));
    }
    if !declared.has_range && is_full_range {
        options.push("video_full_range_flag=1".to_owned());
    }
    (!options.is_empty()).then(|| options.join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Declared =
        Declared { size: None, sample_aspect: None, has_range: false, has_colours: false };

    #[track_caller]
    fn check(
        declared: Declared,
        aspect: (i32, i32),
        colours: [u32; 3],
        is_full_range: bool,
        expected: Option<&str>,
    ) {
        assert_eq!(options(declared, aspect, colours, is_full_range).as_deref(), expected);
    }

    #[test]
    fn what_the_sets_say_already_is_not_put_in() {
        check(NOTHING, (0, 1), [2; 3], false, None);
        check(NOTHING, (1, 1), [0, 0, 2], false, None);
        let pal = Declared { sample_aspect: Some((16, 11)), ..NOTHING };
        // 1048 pixels instead of 1047.27.
        check(pal, (131, 90), [2; 3], false, None);
        let all = Declared { has_range: true, has_colours: true, ..NOTHING };
        check(all, (0, 1), [9, 18, 9], true, None);
    }

    #[test]
    fn what_only_the_container_says_is_put_in() {
        check(NOTHING, (64, 45), [2; 3], false, Some("sample_aspect_ratio=64/45"));
        let pal = Declared { sample_aspect: Some((16, 11)), ..NOTHING };
        check(pal, (1, 1), [2; 3], false, Some("sample_aspect_ratio=1/1"));
        let hlg = "colour_primaries=9:transfer_characteristics=18:matrix_coefficients=9";
        check(NOTHING, (0, 1), [9, 18, 9], false, Some(hlg));
        check(NOTHING, (0, 0), [2, 2, 5], true, Some("matrix_coefficients=5:video_full_range_flag=1"));
    }

    #[test]
    fn broken_numbers_say_nothing() {
        for aspect in [(0, 0), (-4, 3), (4, 0), (i32::MIN, i32::MIN), (10, 1), (1, 10)] {
            check(NOTHING, aspect, [0, 255, u32::MAX], false, None);
        }
    }
}
