//! `just bench-latency`: how far a viewer is behind the camera, with parts and without, by the dates in the playlist and
//! by the clock in the shown picture; and how long a picture takes until its part can be read on disk.
//!
//! The page plays in a headless Chromium on loopback, from the programs as people use them: `livedir-publisher live test`
//! and `livedir-server`. Nothing is asserted; the table is the result. Words: `--seconds N` for each row's length, and a
//! part of a row's name for that row alone.

#![allow(unreachable_pub)] // one program: what is public is so for its own modules

mod disk;
mod page;
mod stream;

use std::fmt::Write as _;
use std::fs;

use page::{Figures, Spread};
use stream::Stream;

/// The page has found its distance to the live edge by then: it begins two seconds too far off at most, and makes good
/// a twentieth of a second each second.
const SETTLE_S: u32 = 60;

/// Length of a row.
const SECONDS: u32 = 60;

/// What is watched in the page, and the medians and 99th percentiles in seconds that it is to reach.
struct Watched {
    name: &'static str,
    pace: &'static str,
    words: &'static [&'static str],
    most_median_s: f64,
    most_p99_s: Option<f64>,
}

const WATCHED: [Watched; 4] = [
    Watched {
        name: "200 ms parts",
        pace: "fast",
        words: &["--low-latency", "--part-duration", "200ms"],
        most_median_s: 0.9,
        most_p99_s: Some(1.2),
    },
    Watched {
        name: "100 ms parts",
        pace: "fast",
        words: &["--low-latency", "--part-duration", "100ms"],
        most_median_s: 0.7,
        most_p99_s: None,
    },
    Watched {
        name: "2 s segments, plain list",
        pace: "smooth",
        words: &["--segment-duration", "2s"],
        most_median_s: 6.0,
        most_p99_s: None,
    },
    Watched {
        name: "1 s segments, plain list",
        pace: "smooth",
        words: &["--segment-duration", "1s"],
        most_median_s: 3.5,
        most_p99_s: None,
    },
];

/// The clock in the picture and its date may differ by so much.
const MOST_APART_S: f64 = 0.1;

/// From capture to disk, besides the length of the part itself.
const MOST_TO_DISK_S: f64 = 0.03;

fn main() {
    // `cargo test --benches` passes other flags; a benchmark is only run when asked for.
    let mut words = std::env::args().skip(1);
    let (mut is_wanted, mut seconds, mut wanted) = (false, SECONDS, String::new());
    while let Some(word) = words.next() {
        match word.as_str() {
            "--bench" => is_wanted = true,
            "--seconds" => {
                let number =
                    words.next().and_then(|number| number.parse().ok()).filter(|seconds| *seconds > 0);
                seconds = number.expect("--seconds is followed by a whole number above 0");
            }
            other => other.clone_into(&mut wanted),
        }
    }
    if !is_wanted {
        return;
    }
    println!("{}", about());
    println!(
        "{seconds} s each, from {SETTLE_S} s after the picture began to move; test pattern of 320x240 at 20 fps\n"
    );
    print_line("", "median", "99 %", "largest", "");
    for watched in WATCHED {
        if watched.name.contains(&wanted) {
            let stream = Stream::start(watched.words);
            print_page(&watched, &page::watch(&stream, watched.pace, seconds, SETTLE_S));
        }
    }
    for part_ms in [200, 100] {
        let name = format!("{part_ms} ms parts on disk");
        if name.contains(&wanted) {
            let spread = disk::from_capture(part_ms, seconds);
            let most_s = f64::from(part_ms) / 1000.0 + MOST_TO_DISK_S;
            print_row(&format!("{name}: since their first picture was taken"), &spread, Some(most_s), None);
        }
    }
}

fn print_page(watched: &Watched, figures: &Figures) {
    let name = watched.name;
    let aims = (Some(watched.most_median_s), watched.most_p99_s);
    print_row(&format!("{name}: now − date of the shown picture"), &figures.dated, aims.0, aims.1);
    if let (Some(drawn), Some(apart)) = (&figures.drawn, &figures.apart) {
        print_row(&format!("{name}: now − clock in that picture"), drawn, None, None);
        let is_met = apart.max_s.abs() <= MOST_APART_S;
        let aim = format!("each ≤ {MOST_APART_S}{}", short_unless(is_met));
        let (median, largest) = (format!("{:+.3} s", apart.median_s), format!("{:+.3} s", apart.max_s));
        print_line(&format!("{name}: how far the two differ"), &median, "", &largest, &aim);
    }
    println!(
        "{name}: {} stalls{}, {} repairs, {} pictures, longest still {:.2} s, {:.0} % of the time played faster, the page says {:.2} s\n",
        figures.stalls,
        short_unless(figures.stalls == 0),
        figures.recoveries,
        figures.pictures,
        figures.longest_still_s,
        figures.faster_share * 100.0,
        figures.page_median_s,
    );
}

fn print_row(name: &str, spread: &Spread, most_median_s: Option<f64>, most_p99_s: Option<f64>) {
    let mut aim = String::new();
    if let Some(most_s) = most_median_s {
        let _ = write!(aim, "median ≤ {most_s}{}", short_unless(spread.median_s <= most_s));
    }
    if let Some(most_s) = most_p99_s {
        let _ = write!(aim, ", 99 % ≤ {most_s}{}", short_unless(spread.p99_s <= most_s));
    }
    let [median, p99, largest] =
        [spread.median_s, spread.p99_s, spread.max_s].map(|value| format!("{value:.3} s"));
    print_line(name, &median, &p99, &largest, &aim);
}

fn print_line(name: &str, median: &str, p99: &str, largest: &str, aim: &str) {
    println!("{}", format!("{name:<58}{median:>11}{p99:>11}{largest:>11}  {aim}").trim_end());
}

fn short_unless(is_met: bool) -> &'static str {
    if is_met { "" } else { " (short)" }
}

fn about() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let (chromium, hls_js) = page::versions();
    let version = env!("CARGO_PKG_VERSION");
    format!("livedir-publisher {version}, {chromium}, hls.js {hls_js}; {cores} cores, load before {load}")
}
