//! EXT-X-SERVER-CONTROL, EXT-X-PRELOAD-HINT and EXT-X-SKIP: what a low-latency playlist promises to players.

use std::collections::HashMap;

use crate::rules::finding::{Findings, excerpt};
use crate::rules::rule::{Rule, must, should};
use crate::rules::tolerances::ROUNDING_S;
use livedir_playlist::{MediaListing, ServerControl};

pub(crate) static PART_HOLD_BACK_MISSING: Rule = must(
    "part-hold-back-missing",
    "bis-22 4.4.3.8",
    "A playlist with EXT-X-PART-INF says how far from its end to play: PART-HOLD-BACK.",
);
pub(crate) static PART_HOLD_BACK_LOW: Rule =
    must("part-hold-back-low", "bis-22 4.4.3.8", "PART-HOLD-BACK is at least twice PART-TARGET.");
pub(crate) static PART_HOLD_BACK_BELOW_THREE: Rule =
    must("part-hold-back-below-three", "Apple 14.3", "PART-HOLD-BACK is at least three times PART-TARGET.");
pub(crate) static HOLD_BACK_LOW: Rule =
    must("hold-back-low", "bis-22 4.4.3.8", "HOLD-BACK is at least three target durations.");
pub(crate) static SKIP_UNTIL_LOW: Rule =
    must("skip-until-low", "bis-22 4.4.3.8", "CAN-SKIP-UNTIL is at least six target durations.");
pub(crate) static BLOCKING_RELOAD_MISSING: Rule = must(
    "blocking-reload-missing",
    "bis-22 B.1",
    "A playlist with parts can be waited for: without CAN-BLOCK-RELOAD players come once a target duration.",
);
pub(crate) static HINT_MISSING: Rule = should(
    "preload-hint-missing",
    "bis-22 B.1",
    "A live playlist with parts hints at the next one; without it some players reload without end.",
);
pub(crate) static HINT_REPEATED: Rule =
    must("preload-hint-repeated", "bis-22 4.4.5.3", "A playlist has one EXT-X-PRELOAD-HINT of each type.");
pub(crate) static HINT_AFTER_END: Rule = must(
    "preload-hint-after-end",
    "bis-22 4.4.5.3",
    "With EXT-X-ENDLIST nothing comes that could be hinted at.",
);
pub(crate) static SKIP_UNASKED: Rule = must(
    "skip-unasked",
    "bis-22 6.2.5.1",
    "Only who asks for a delta update, and so has the whole playlist already, gets one.",
);

/// bis-22 4.4.3.8.
const LEAST_PART_TARGETS: f64 = 2.0;

/// Apple 14.3; bis-22 4.4.3.8 says SHOULD.
const PART_TARGETS: f64 = 3.0;

/// bis-22 4.4.3.8.
const TARGETS_HELD_BACK: f64 = 3.0;

/// bis-22 4.4.3.8.
const TARGETS_NOT_SKIPPED: f64 = 6.0;

pub(crate) fn check(findings: &mut Findings<'_>, listing: &MediaListing) {
    let control = listing.server_control.as_ref();
    if let Some(control) = control {
        check_seconds(findings, listing, control);
    }
    let part_hold_back_s = control.and_then(|control| control.part_hold_back_s);
    if listing.part_target_s.is_some() && part_hold_back_s.is_none() {
        let seen = "EXT-X-PART-INF and no PART-HOLD-BACK";
        findings.whole(&PART_HOLD_BACK_MISSING, seen, "EXT-X-SERVER-CONTROL with it");
    }
    if listing.has_parts() && listing.is_live() && !control.is_some_and(|control| control.can_block_reload) {
        let seen = "EXT-X-PART and no CAN-BLOCK-RELOAD=YES";
        findings.whole(&BLOCKING_RELOAD_MISSING, seen, "EXT-X-SERVER-CONTROL with it");
    }
    check_hints(findings, listing);
    if let Some(tag) = listing.tag("EXT-X-SKIP") {
        let seen = format!("EXT-X-SKIP:{} in a playlist that was asked for as a whole", excerpt(&tag.value));
        findings.line(&SKIP_UNASKED, tag.line, seen, "all segments");
    }
}

fn check_seconds(findings: &mut Findings<'_>, listing: &MediaListing, control: &ServerControl) {
    let mut at_least = |rule, name: &str, seconds: Option<f64>, least_s: f64| {
        let low_s = seconds.filter(|seconds| seconds + ROUNDING_S < least_s);
        if let Some(seconds) = low_s {
            let expected = format!("at least {least_s:.3} s");
            findings.line(rule, control.line, format!("{name} of {seconds:.3} s"), expected);
        }
        low_s.is_some()
    };
    if let Some(part_target_s) = listing.part_target_s {
        let (name, seconds) = ("PART-HOLD-BACK", control.part_hold_back_s);
        let is_low = at_least(&PART_HOLD_BACK_LOW, name, seconds, LEAST_PART_TARGETS * part_target_s);
        if !is_low {
            at_least(&PART_HOLD_BACK_BELOW_THREE, name, seconds, PART_TARGETS * part_target_s);
        }
    }
    if let Some(target_s) = listing.target_duration_s {
        let target_s = target_s as f64;
        at_least(&HOLD_BACK_LOW, "HOLD-BACK", control.hold_back_s, TARGETS_HELD_BACK * target_s);
        let can_skip_until_s = control.can_skip_until_s;
        at_least(&SKIP_UNTIL_LOW, "CAN-SKIP-UNTIL", can_skip_until_s, TARGETS_NOT_SKIPPED * target_s);
    }
}

fn check_hints(findings: &mut Findings<'_>, listing: &MediaListing) {
    let mut first_lines = HashMap::new();
    for hint in &listing.hints {
        let first_line = *first_lines.entry(hint.kind.as_str()).or_insert(hint.line);
        if first_line != hint.line {
            let seen = format!("a hint of type {} again, after line {first_line}", excerpt(&hint.kind));
            findings.line(&HINT_REPEATED, hint.line, seen, "one");
        }
    }
    match listing.hints.first() {
        Some(hint) if listing.ended => {
            let seen = format!("EXT-X-PRELOAD-HINT for {}", excerpt(&hint.uri));
            findings.line(&HINT_AFTER_END, hint.line, seen, "none with EXT-X-ENDLIST");
        }
        _ if listing.has_parts() && listing.is_live() && listing.hinted_part().is_none() => {
            let seen = "EXT-X-PART and no EXT-X-PRELOAD-HINT";
            findings.whole(&HINT_MISSING, seen, "one of TYPE=PART at the end");
        }
        _ => {}
    }
}
