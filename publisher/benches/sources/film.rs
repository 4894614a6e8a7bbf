//! Films whose pictures carry their numbers, and how these are read again.
//!
//! The number stands in the upper right quarter: a row of black and white squares, the lowest bit first, and below it the same row with
//! black and white exchanged. What is not such a pair of rows is no picture of the film: the slate has no number.

use crate::flashes::{picture, sound};
use crate::kinds::Kind;
use crate::run::run;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Length of each film.
pub const SECONDS: u32 = 16;

/// Programs look at what comes before they show it, and catch up with it afterwards. What was filmed in so many seconds is told apart.
pub const START_S: f64 = 6.0;

/// Enough for 60 pictures a second.
const BITS: usize = 12;

/// Black and white differ by so much at least, after everything that encoders do.
const CONTRAST: u8 = 60;

/// The distance of the first two beeps of a radio, and how much longer each one is than the one before: a pair of beeps is known by it.
const FIRST_DISTANCE_S: f64 = 0.6;
const LONGER_S: f64 = 0.05;

pub fn make(directory: &Path, kind: &Kind) -> PathBuf {
    let film = directory.join(kind.file);
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-y"]);
    if let Some(pictures) = &kind.pictures {
        let rate = format!("{}/{}", pictures.rate.0, pictures.rate.1);
        let mut graph = picture(pictures.size, &rate, SECONDS) + &number();
        if !pictures.select.is_empty() {
            let _ = write!(graph, ",select='{}'", pictures.select);
        }
        ffmpeg.args(["-f", "lavfi", "-i", &graph]);
    }
    if !kind.sound.is_empty() {
        let beeps = if kind.pictures.is_some() { sound(SECONDS) } else { radio() };
        ffmpeg.args(["-f", "lavfi", "-i", &beeps]);
    }
    if let Some(pictures) = &kind.pictures {
        ffmpeg.args(["-fps_mode", "vfr"]).args(pictures.coding);
    }
    run(ffmpeg.args(kind.sound).arg(&film));
    film
}

/// When the beeps of a radio begin, in seconds.
pub fn radio_beeps() -> impl Iterator<Item = f64> {
    let distances = (0..).map(|nr| FIRST_DISTANCE_S + LONGER_S * f64::from(nr));
    let starts = distances.scan(0.0, |start_s, distance_s| {
        *start_s += distance_s;
        Some(*start_s)
    });
    starts.take_while(|start_s| start_s + 1.0 < f64::from(SECONDS))
}

fn radio() -> String {
    let beeps = radio_beeps().map(|start_s| format!("between(t,{start_s:.3},{:.3})", start_s + 0.1));
    let beeps = beeps.collect::<Vec<_>>().join("+");
    format!("aevalsrc='0.6*sin(2*PI*1000*t)*({beeps})':s=48000:d={SECONDS}")
}

/// Filters that draw a picture's number into it.
fn number() -> String {
    let mut filters = ",drawbox=x=iw/2:w=iw/2:h=ih/4:color=black:t=fill".to_owned();
    for bit in 0..BITS {
        for (row, when) in [("0", "mod"), ("ih/8", "1-mod")] {
            let _ = write!(
                filters,
                ",drawbox=x=iw/2+{bit}*iw/{}:y={row}:w=iw/{}:h=ih/8:color=white:t=fill:enable='{when}(floor(n/{}),2)'",
                BITS * 2,
                BITS * 2,
                1 << bit
            );
        }
    }
    filters
}

/// The numbers of the pictures that a segment shows, frame by frame.
pub fn numbers(segment: &Path) -> Vec<Option<u64>> {
    let rows = format!("crop=iw/2:ih/4:iw/2:0,scale={BITS}:2:flags=area,format=gray");
    let luma = run(Command::new("ffmpeg").args(["-nostdin", "-v", "error", "-i"]).arg(segment).args([
        "-an",
        "-vf",
        &rows,
        "-fps_mode",
        "passthrough",
        "-f",
        "rawvideo",
        "-",
    ]));
    luma.chunks_exact(BITS * 2).map(number_of).collect()
}

fn number_of(luma: &[u8]) -> Option<u64> {
    let (upper, lower) = luma.split_at(BITS);
    let bits = upper.iter().zip(lower).enumerate();
    bits.map(|(bit, (upper, lower))| {
        let is_clear = upper.abs_diff(*lower) > CONTRAST;
        is_clear.then_some(u64::from(upper > lower) << bit)
    })
    .sum()
}
