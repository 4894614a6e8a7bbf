//! `just bench-server`: `livedir-server` beside the system's nginx, over the same directory, in turn, in one run: processor
//! time of the server for each request, requests per second, memory of idle connections, and the viewers' mix. nginx has
//! two turns: with `nginx.conf.example`, which sends what livedir-server sends, and as plain and fast as it can be.
//!
//! Linux only: processor time and memory are read from /proc. Nothing is asserted; the table is the result. Figures are
//! medians of `ROUNDS` rounds, livedir-server ÷ each nginx in each round, so that a machine that is busy with something else
//! for a while is busy for both.

#![allow(unreachable_pub)] // one program: what is public is so for its own modules

mod held;
mod idle;
mod load;
mod programs;
mod viewers;

use std::fs;
use std::path::Path;

use load::Load;
use programs::{Program, livedir, nginx, plain_nginx};

const ROUNDS: usize = 5;

/// A large segment: 2 s at 2 Mbit/s.
const SEGMENT_BYTES: usize = 512 * 1024;

/// Of livedir-server, nginx with our configuration, and the plain one.
type Round = [f64; 3];

/// What a figure is to be, livedir-server ÷ nginx with our configuration.
#[derive(Debug, Clone, Copy)]
enum Aim {
    AtMost(f64),
    AtLeast(f64),
}

fn main() {
    // `cargo test --benches` passes other flags; a benchmark is only run when asked for.
    let words: Vec<String> = std::env::args().skip(1).collect();
    if !words.iter().any(|word| word == "--bench") {
        return;
    }
    // A part of a row's name runs that row alone.
    let wanted = words.iter().find(|word| !word.starts_with('-')).cloned().unwrap_or_default();
    let directory = programs::directory();
    let webroot = directory.path().join("webroot");
    make_webroot(&webroot);

    println!("{}\n", programs::about());
    println!(
        "{:<44}{:>12}{:>12}{:>12}{:>9}{:>9}  {:<9}{:>9}  spread",
        "", "livedir", "nginx", "plain nginx", "ratio", "aim", "spread", "to plain"
    );
    let h1 = |path, connections| Load { path, connections, is_h2: false };
    for (name, load, most_cpu, least_throughput) in [
        ("playlist, 64 connections", h1("/stream.m3u8", 64), 0.75, Some(1.2)),
        ("playlist, 1,000 connections", h1("/stream.m3u8", 1000), 0.75, Some(1.2)),
        ("512 KiB segment, 64 connections", h1("/live/seg-00000001.ts", 64), 1.0, Some(1.0)),
        ("playlist, HTTPS HTTP/2", Load { path: "/stream.m3u8", connections: 64, is_h2: true }, 0.9, None),
    ] {
        if !name.contains(&wanted) {
            continue;
        }
        let servers = [livedir, nginx, plain_nginx].map(|start| start(directory.path(), load.is_h2));
        if !load.is_h2 {
            // A player begins with the playlist: what it lists is in memory then.
            for server in &servers {
                server.ask_for("/stream.m3u8");
            }
        }
        let rounds = rounds(&servers, |server| load.run(server));
        let row = |what: &str, unit, figure: fn(&load::Measured) -> f64, aim| {
            let figures: Vec<Round> = rounds.iter().map(|round| round.each_ref().map(figure)).collect();
            print_row(&format!("{name}: {what}"), unit, &figures, aim);
        };
        row("CPU", "µs", |measured| measured.cpu_us, Some(Aim::AtMost(most_cpu)));
        row("requests", "/s", |measured| measured.requests_per_s, least_throughput.map(Aim::AtLeast));
    }
    if "10,000 idle connections".contains(&wanted) {
        // New ones for each round: what a server has allocated before it does not give back.
        let figures: Vec<Round> = (0..ROUNDS)
            .map(|_| {
                [livedir, nginx, plain_nginx].map(|start| idle::memory_mb(&start(directory.path(), false)))
            })
            .collect();
        print_row("10,000 idle connections: memory", "MB", &figures, Some(Aim::AtMost(1.5)));
    }
    for (players, name, most_median_ms) in
        [(100, "100 held requests", 5.0), (10_000, "10,000 held requests", 250.0)]
    {
        if !name.contains(&wanted) {
            continue;
        }
        let measured = held::measure(&livedir(directory.path(), false), &webroot, players);
        let row =
            |what: &str, unit, figure, most| print_figure(&format!("{name}: {what}"), unit, figure, most);
        if players > 1_000 {
            // Of a few, what the server takes once would be taken for theirs.
            row("memory of each silent", "KB", measured.silent_kb, None);
            row("memory of each held", "KB", measured.held_kb, Some(10.0));
            row("CPU", "µs", measured.cpu_us, None);
        }
        row("median answer", "ms", measured.median_ms, Some(most_median_ms));
        row("last answer", "ms", measured.last_ms, Some(250.0));
    }
    if "2,000 viewers".contains(&wanted) {
        let servers = [livedir, nginx, plain_nginx].map(|start| start(directory.path(), false));
        let rounds = rounds(&servers, |server| viewers::watch(server, &webroot));
        let row = |what: &str, unit, figure: fn(&viewers::Measured) -> f64, aim| {
            let figures: Vec<Round> = rounds.iter().map(|round| round.each_ref().map(figure)).collect();
            print_row(&format!("2,000 viewers: {what}"), unit, &figures, aim);
        };
        row("CPU", "µs", |measured| measured.cpu_us, Some(Aim::AtMost(0.9)));
        row("median answer", "ms", |measured| measured.median_ms, None);
        row("99 % of answers within", "ms", |measured| measured.p99_ms, None);
        row("late or failed", "", |measured| measured.failed as f64, None);
    }
}

/// In turn, and the last one first in every other round.
fn rounds<T>(servers: &[Program; 3], mut run: impl FnMut(&Program) -> T) -> Vec<[T; 3]> {
    // Once for nothing: caches fill, pages are allocated.
    for server in servers {
        run(server);
    }
    (0..ROUNDS)
        .map(|round| {
            if round % 2 == 0 {
                servers.each_ref().map(&mut run)
            } else {
                let [livedir, nginx, plain] = servers;
                let [plain, nginx, livedir] = [plain, nginx, livedir].map(&mut run);
                [livedir, nginx, plain]
            }
        })
        .collect()
}

/// The middle one, the least and the largest.
fn spread(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[0], values[values.len() - 1])
}

fn print_row(name: &str, unit: &str, rounds: &[Round], aim: Option<Aim>) {
    let figure = |server: usize| match spread(rounds.iter().map(|round| round[server])).0 {
        value if value >= 1000.0 => format!("{value:.0} {unit}"),
        value => format!("{value:.2} {unit}"),
    };
    // Of two zeros there is no ratio.
    let ratio_to = |server: usize| {
        let (ratio, least, most) = spread(rounds.iter().map(|round| round[0] / round[server]));
        let shown = (format!("{ratio:.2}"), format!("{least:.2}–{most:.2}"));
        (ratio, if ratio.is_finite() { shown } else { Default::default() })
    };
    let (ratio, (shown, range)) = ratio_to(1);
    let (_, (to_plain, plain_range)) = ratio_to(2);
    let (aim, is_met) = match aim {
        Some(Aim::AtMost(most)) => (format!("≤ {most}"), ratio <= most),
        Some(Aim::AtLeast(least)) => (format!("≥ {least}"), ratio >= least),
        None => (String::new(), true),
    };
    println!(
        "{name:<44}{:>12}{:>12}{:>12}{shown:>9}{aim:>9}  {range:<9}{to_plain:>9}  {plain_range}{}",
        figure(0),
        figure(1),
        figure(2),
        if is_met { "" } else { "  short" }
    );
}

/// A figure that nginx has none for.
fn print_figure(name: &str, unit: &str, figure: f64, most: Option<f64>) {
    let aim = most.map(|most| format!("≤ {most}")).unwrap_or_default();
    let is_met = most.is_none_or(|most| figure <= most);
    let figure = format!("{figure:.2} {unit}");
    println!("{name:<44}{figure:>12}{:>12}{:>9}{aim:>9}{}", "", "", if is_met { "" } else { "  short" });
}

fn make_webroot(webroot: &Path) {
    fs::create_dir_all(webroot.join("live")).expect("a webroot");
    fs::write(webroot.join("live/seg-00000001.ts"), vec![0x47; SEGMENT_BYTES]).expect("a segment");
    viewers::publish(webroot, 1);
}
