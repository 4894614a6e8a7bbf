//! A simulated world for the clocks: sources that drift, jump, stall and return at random, against the program's own timeline,
//! pacing, frame clock and sound clock.
//!
//! A seed decides all of a world, so that one that fails prints itself and replays exactly:
//! `LIVEDIR_CLOCK_SEED=N cargo test -p livedir-publisher --lib clock_world`. `LIVEDIR_CLOCK_SEEDS=N` plays so many.

mod judge;
mod random;
mod stage;
mod world;

use judge::{Findings, Invariants};
use stage::Rehearsal;
use world::{Event, Plan};

/// Played by `cargo test`; some seconds.
const SEEDS: u64 = 300;

fn play(plan: &Plan, seed: u64) -> Findings {
    Rehearsal::new(plan, seed, Invariants::new(plan)).play().findings
}

#[track_caller]
fn check(plan: &Plan, seed: u64) -> Findings {
    let findings = play(plan, seed);
    assert!(findings.broken.is_empty(), "{:#?}\nin {plan:#?}\n{findings:#?}", findings.broken);
    findings
}

fn of_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|number| number.parse().expect("a whole number"))
}

#[test]
fn whatever_happens_to_a_source_its_pictures_and_sound_flow() {
    let only = of_environment("LIVEDIR_CLOCK_SEED");
    let seeds = of_environment("LIVEDIR_CLOCK_SEEDS").unwrap_or(SEEDS);
    let failed: Vec<(u64, String)> = (only.unwrap_or(0)..only.map_or(seeds, |seed| seed + 1))
        .filter_map(|seed| {
            let plan = Plan::of_seed(seed);
            let findings = play(&plan, seed);
            if only.is_some() {
                eprintln!("{plan:#?}\n{findings:#?}");
            }
            let first = findings.broken.into_iter().next()?;
            Some((seed, first))
        })
        .collect();
    let shown: Vec<_> = failed.iter().take(20).collect();
    assert!(
        failed.is_empty(),
        "{} of {seeds} seeds fail; the first, each replayed by LIVEDIR_CLOCK_SEED: {shown:#?}",
        failed.len()
    );
}

#[test]
fn pictures_stamped_a_hundredth_too_fast_do_not_freeze() {
    check(&Plan { source_fps: 20.2, ..Plan::plain(20.0 / 20.2, 120.0) }, 1);
}

#[test]
fn one_stop_of_0_42_s_freezes_nothing() {
    check(&Plan { events: vec![(20.0, Event::Stop { for_s: 0.42 })], ..Plan::plain(1.0, 60.0) }, 1);
}

#[test]
fn ten_minutes_at_any_rate_within_three_hundredths_stay_in_step() {
    for rate in [0.97, 0.98, 0.99, 0.999, 0.9995, 1.0, 1.0005, 1.001, 1.01, 1.02, 1.03] {
        let findings = check(&Plan::plain(rate, 600.0), 1);
        assert_eq!(findings.seams, 0);
    }
}

#[test]
fn a_day_of_a_clock_that_is_200_ppm_off_stays_in_step() {
    for rate in [0.9998, 1.0002] {
        let plan = Plan { source_fps: 20.0, run_samples: 4800, ..Plan::plain(rate, 86_400.0) };
        let findings = check(&plan, 1);
        assert_eq!(findings.seams, 0);
        assert!(findings.most_stretch < 0.0005, "{findings:?}");
    }
}
