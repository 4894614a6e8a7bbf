//! Films with a flash and a beep in each second, and where both are in what became of them. The benchmark of sources uses it too.

use super::run::run;
use std::path::Path;
use std::process::Command;

/// Within the quarter of the picture that flashes, also where bars stand above it.
pub const SQUARE: &str = "iw/4:ih/4:iw/16:ih/6";

/// Pictures of so many seconds in a size and at a rate: one quarter is black, and white for the first tenth of each second.
pub fn picture(size: &str, rate: &str, seconds: u32) -> String {
    format!(
        "testsrc2=size={size}:rate={rate}:duration={seconds},drawbox=w=iw/2:h=ih/2:color=black:t=fill,\
         drawbox=w=iw/2:h=ih/2:color=white:t=fill:enable='lt(mod(t,1),0.1)'"
    )
}

/// A beep of 1000 Hz at the start of each second.
pub fn sound(seconds: u32) -> String {
    format!("aevalsrc='0.6*sin(2*PI*1000*t)*lt(mod(t,1),0.1)':s=48000:d={seconds}")
}

/// Times in seconds, on the file's own clock, at which a flash begins (the given square of the picture turns white).
#[track_caller]
pub fn flashes(file: &Path, square: &str) -> Vec<f64> {
    let path = file.display();
    let graph = format!("movie={path},crop={square},signalstats");
    let lines = run(Command::new("ffprobe").args(["-v", "error", "-f", "lavfi", &graph]).args([
        "-of",
        "csv=p=0",
        "-show_entries",
        "frame=pts_time:frame_tags=lavfi.signalstats.YAVG",
    ]));
    let mut was_white = true;
    let mut starts = Vec::new();
    for line in String::from_utf8(lines).unwrap().lines() {
        let mut fields = line.split(',').map(|field| field.parse::<f64>().unwrap_or(f64::NAN));
        let (time_s, luma) = (fields.next().unwrap_or(f64::NAN), fields.next().unwrap_or(f64::NAN));
        let is_white = luma > 150.0;
        if is_white && !was_white {
            starts.push(time_s);
        }
        was_white = is_white;
    }
    starts
}

/// Times in seconds, on the file's own clock, at which a beep begins.
#[track_caller]
pub fn beeps(file: &Path) -> Vec<f64> {
    let ended = Command::new("ffmpeg")
        .args(["-v", "info", "-copyts", "-i"])
        .arg(file)
        .args(["-vn", "-af", "silencedetect=noise=0.02:d=0.3", "-f", "null", "-"])
        .output()
        .expect("ffmpeg is installed by `just setup-tests`");
    String::from_utf8_lossy(&ended.stderr)
        .lines()
        .filter_map(|line| line.split_once("silence_end: "))
        .map(|(_, rest)| rest.split_whitespace().next().unwrap().parse().unwrap())
        .collect()
}

/// For each flash how long after it, in seconds, the nearest beep begins.
pub fn nearest_beeps(flashes: &[f64], beeps: &[f64]) -> Vec<f64> {
    let nearest =
        |flash: &f64| beeps.iter().map(|beep| beep - flash).min_by(|a, b| a.abs().total_cmp(&b.abs()));
    flashes.iter().filter_map(nearest).collect()
}

/// The same in milliseconds, of those flashes that have a beep within half a second.
pub fn offsets_ms(flashes: &[f64], beeps: &[f64]) -> Vec<f64> {
    let offsets_ms = nearest_beeps(flashes, beeps).into_iter().map(|offset_s| offset_s * 1000.0);
    offsets_ms.filter(|offset_ms| offset_ms.abs() < 500.0).collect()
}
