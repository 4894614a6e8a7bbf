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

/// Radio is silent for so long at first: its first beep is known by that.
const SILENT_S: u32 = 2;

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
        let mut beeps = sound(SECONDS);
        if kind.pictures.is_none() {
            let _ = write!(beeps, ",volume=0:enable='lt(t,{SILENT_S})'");
        }
        ffmpeg.args(["-f", "lavfi", "-i", &beeps]);
    }
    if let Some(pictures) = &kind.pictures {
        ffmpeg.args(["-fps_mode", "vfr"]).args(pictures.coding);
    }
    run(ffmpeg.args(kind.sound).arg(&film));
    film
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
