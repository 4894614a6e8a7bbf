//! What a multivariant playlist says of bit rates, and what was measured.

use super::Case;
use super::multivariant::{MAIN, VIDEO_ONLY};
use livedir_playlist::BitRate;

/// Of 30 s of a live stream.
fn live(peak_bps: f64, average_bps: f64) -> BitRate {
    BitRate { peak_bps, average_bps, seconds: 30.0, is_complete: false }
}

/// Of a film.
fn complete(peak_bps: f64, average_bps: f64) -> BitRate {
    BitRate { is_complete: true, ..live(peak_bps, average_bps) }
}

/// The variant that says BANDWIDTH=900000 and AVERAGE-BANDWIDTH=800000, alone.
fn alone(bit_rate: BitRate) -> Case {
    Case::Bandwidth { multivariant: VIDEO_ONLY.to_owned(), measured: vec![("low.m3u8", bit_rate)] }
}

/// The same with two languages, of which the second is the larger one.
fn with_sound(picture: BitRate, sound: BitRate) -> Case {
    let smaller = BitRate { peak_bps: 1.0, average_bps: 1.0, ..sound };
    let measured = vec![("low.m3u8", picture), ("en.m3u8", smaller), ("de.m3u8", sound)];
    Case::Bandwidth { multivariant: MAIN.to_owned(), measured }
}

pub(super) fn broken() -> Vec<(&'static str, Case)> {
    let hour = |average_bps| BitRate { seconds: 3600.0, ..live(900_000.0, average_bps) };
    vec![
        ("bandwidth-below-peak", alone(complete(905_000.0, 800_000.0))),
        ("bandwidth-below-peak", with_sound(complete(850_000.0, 750_000.0), complete(60_000.0, 50_000.0))),
        ("peak-over-bandwidth", alone(live(1_125_000.0, 800_000.0))),
        ("peak-over-bandwidth", with_sound(live(1_080_000.0, 750_000.0), live(60_000.0, 50_000.0))),
        ("average-bandwidth-off", alone(complete(900_000.0, 890_000.0))),
        ("average-bandwidth-off", alone(complete(900_000.0, 710_000.0))),
        ("average-bandwidth-off", with_sound(complete(800_000.0, 790_000.0), complete(99_000.0, 95_000.0))),
        ("average-over-bandwidth", alone(hour(885_000.0))),
        ("average-over-bandwidth-so-far", alone(live(900_000.0, 885_000.0))),
    ]
}

#[test]
fn true_bit_rates_are_not_found() {
    alone(complete(900_000.0, 800_000.0)).assert_clean();
    alone(complete(700_000.0, 730_000.0)).assert_clean();
    // A live one may be over by a little, and under by any amount.
    alone(live(1_120_000.0, 879_000.0)).assert_clean();
    alone(live(9_000.0, 8_000.0)).assert_clean();
    with_sound(complete(840_000.0, 750_000.0), complete(60_000.0, 50_000.0)).assert_clean();
    let nothing = Vec::new();
    Case::Bandwidth { multivariant: MAIN.to_owned(), measured: nothing }.assert_clean();
}

#[test]
fn a_variant_of_which_the_sound_was_not_measured_is_not_complete() {
    let picture_only = vec![("low.m3u8", complete(950_000.0, 100_000.0))];
    Case::Bandwidth { multivariant: MAIN.to_owned(), measured: picture_only }.assert_clean();
}
