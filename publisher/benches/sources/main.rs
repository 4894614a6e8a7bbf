//! `just bench sources`: what becomes of ten typical sources, beside the ffmpeg program doing the same work, in one run.
//!
//! Nothing is asserted; the table is the result. Both programs are judged alike, by the pixels that their segments show, the beeps
//! that are heard in them, and the moments at which their playlists list them.

#![allow(unreachable_pub)] // one program: what is public is so for its own modules

#[path = "../beside/encoder.rs"]
mod encoder;
mod film;
#[path = "../../tests/it/support/flashes.rs"]
mod flashes;
mod judge;
mod kinds;
mod listed;
mod programs;
#[path = "../../tests/it/support/run.rs"]
mod run;
mod send;
mod turn;

use judge::{Amiss, Figures};
use kinds::Kind;
use std::path::Path;
use std::process::Command;

/// What the figures are.
const HEAD: &str = "\
offset     how long after a flash its beep begins, in ms: the median, and the one farthest from 0
repeated   frames that show no picture which was not shown before
dropped    pictures that were sent up to the last one that is shown, and are never shown
           both without what was filmed in the first 6 s, which stands in brackets; \"needed\" is what the two rates need
latency    from the moment the last picture of a segment was handed to the connection until the playlist that lists the
           segment got its name, in ms, without the first 6 s: the median, and the largest
";

fn main() {
    // `cargo test --benches` passes other flags; a benchmark is only run when asked for.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let words: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |kind: &&Kind| words.is_empty() || words.iter().any(|word| kind.name.contains(word));
    ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Quiet);
    let directory = tempfile::tempdir().expect("a temporary directory");
    println!("{}\n{HEAD}", about());
    print_line(["", "offset", "", "repeated/dropped", "", "", "latency", ""]);
    print_line(["", "livedir", "ffmpeg", "livedir", "ffmpeg", "needed", "livedir", "ffmpeg"]);
    for kind in kinds::KINDS.iter().filter(is_wanted) {
        compare(directory.path(), kind);
    }
}

/// Both programs in turn on the same source.
fn compare(directory: &Path, kind: &Kind) {
    let directory = directory.join(kind.name.replace(|it: char| !it.is_ascii_alphanumeric(), "-"));
    std::fs::create_dir_all(&directory).expect("a directory");
    let film = film::make(&directory, kind);
    let [ours, theirs] = ["livedir", "ffmpeg"].map(|program| {
        let webroot = directory.join(program);
        let turn = turn::take(kind, &film, &webroot, program == "livedir");
        judge::judge(kind, &film, &turn)
    });
    print_row(kind.name, &ours, &theirs);
    std::fs::remove_dir_all(directory).expect("it is ours");
}

fn print_row(name: &str, ours: &Figures, theirs: &Figures) {
    let cells = [ours, theirs].map(|figures| {
        let pictures = figures.pictures.as_ref();
        [
            spread(&figures.offsets_ms, true),
            pictures.map_or("-".into(), |it| format!("{} ({})", amiss(&it.later), amiss(&it.start))),
            spread(&figures.latencies_ms, false),
        ]
    });
    let needed = ours.pictures.as_ref().map_or("-".into(), |it| amiss(&it.needed));
    let [[offset, pictures, latency], [their_offset, their_pictures, their_latency]] = &cells;
    print_line([name, offset, their_offset, pictures, their_pictures, &needed, latency, their_latency]);
}

fn amiss(amiss: &Amiss) -> String {
    format!("{}/{}", amiss.repeated, amiss.dropped)
}

/// The median, and the one farthest from 0.
fn spread(values: &[f64], is_signed: bool) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(median) = sorted.get(sorted.len() / 2) else { return "-".to_owned() };
    let farthest = sorted.iter().fold(0.0_f64, |most, it| if it.abs() > most.abs() { *it } else { most });
    // Nothing is written as -0.
    let [median, farthest] = [*median, farthest].map(|value| value.round() + 0.0);
    if is_signed { format!("{median:+}, {farthest:+}") } else { format!("{median}, {farthest}") }
}

fn print_line(cells: [&str; 8]) {
    let [name, cells @ ..] = cells;
    let widths = [12, 12, 18, 18, 9, 12, 12];
    let cells: Vec<_> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:>width$}")).collect();
    println!("{}", format!("{name:<40}{}", cells.concat()).trim_end());
}

fn about() -> String {
    let version = run::run(Command::new("ffmpeg").arg("-version"));
    let version = String::from_utf8_lossy(&version).split(" Copyright").next().unwrap_or_default().to_owned();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    format!(
        "livedir-publisher {} beside {version}; {cores} cores, load before {load}; {} s of each source\n",
        env!("CARGO_PKG_VERSION"),
        film::SECONDS
    )
}
