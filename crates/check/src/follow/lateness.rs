//! Lateness: whether a version of a playlist came late, or whether this machine looked late.
//!
//! In: two versions, when they were looked at, and for how long nobody looked in between. Out: findings that hold whatever
//! this machine did, and those that cannot be judged because of it. Pure.

use crate::rules::{Finding, Version, check_update};

/// When a version was found. Monotonic seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(clippy::struct_field_names, reason = "each is a time, in seconds")]
pub(crate) struct FoundAt {
    /// It was there by then: when the look ended that found it first, or when its file was written.
    pub seen_at_s: f64,
    /// It was not there by then, if this machine was there all the time.
    pub not_before_s: f64,
    /// When the last request began that returned it.
    pub until_s: f64,
}

/// What is said of a version.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Judged {
    /// Rules that are broken.
    pub found: Vec<Finding>,
    /// Rules that may be broken: so long was this machine absent that nobody can tell.
    pub not_judged: Vec<Finding>,
}

/// Holds a version to the one before it. `absent_s` is for how long this machine did not look from when the old one was
/// found, for the last time as far as can be told, to the end of the look that found the new one.
#[must_use]
pub(crate) fn judge_update(
    name: &str,
    (before, was): (&str, FoundAt),
    (after, is): (&str, FoundAt),
    absent_s: f64,
) -> Judged {
    let check = |not_before_s: f64| {
        let version = |text, found: FoundAt| Version {
            text,
            seen_at_s: found.seen_at_s,
            not_before_s: found.not_before_s,
        };
        check_update(name, &version(before, was), &Version { not_before_s, ..version(after, is) })
    };
    if absent_s <= 0.0 {
        return Judged { found: check(is.not_before_s), not_judged: Vec::new() };
    }
    // What had come in the absence would have been seen earlier by as much.
    let found = check((is.not_before_s - absent_s).max(was.until_s));
    let is_certain = |it: &Finding| found.iter().any(|found| found.rule == it.rule && found.at == it.at);
    let not_judged = check(is.seen_at_s).into_iter().filter(|it| !is_certain(it)).collect();
    Judged { found, not_judged }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::follow::absences::{Absences, PULSE_S};

    const PART_S: f64 = 0.2;

    /// After so many parts: 5 of them are a segment.
    fn text(parts: u64) -> String {
        let mut text =
            "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:1\n#EXT-X-PART-INF:PART-TARGET=0.2\n"
                .to_owned();
        for part in 0..parts {
            let _ = writeln!(text, "#EXT-X-PART:DURATION=0.2,URI=\"{part}.ts\"");
            if part % 5 == 4 {
                let _ = write!(text, "#EXTINF:1.0,\ns{part}.ts\n");
            }
        }
        text
    }

    /// Looks every 50 ms at a stream whose parts come at these times, but not in the absence. Gives the rules that are broken, and
    /// those that are not judged.
    fn follow(parts_at_s: &[f64], (away_s, back_s): (f64, f64)) -> (Vec<&'static str>, Vec<&'static str>) {
        let mut absences = Absences::default();
        let (mut broken, mut not_judged) = (Vec::new(), Vec::new());
        let mut current: Option<(String, FoundAt)> = None;
        let mut look_s = 0.0;
        while look_s < parts_at_s[parts_at_s.len() - 1] + PULSE_S {
            look_s += PULSE_S;
            if look_s > away_s && look_s < back_s {
                look_s = back_s;
            }
            absences.pulse(look_s);
            let came: Vec<f64> = parts_at_s.iter().copied().filter(|&at_s| at_s <= look_s).collect();
            let Some(&newest_s) = came.last() else { continue };
            let now = text(came.len() as u64);
            if let Some((was, found)) = current.as_mut().filter(|(was, _)| *was == now) {
                (*was, found.until_s) = (now, look_s);
                continue;
            }
            // As the time of a file tells it.
            let mut found = FoundAt { seen_at_s: newest_s, not_before_s: newest_s, until_s: look_s };
            if let Some((was, before)) = &current {
                let is_next = now == text(was.matches("URI").count() as u64 + 1);
                found.not_before_s = if is_next { newest_s } else { before.until_s };
                let absent_s = absences.within_s(before.until_s, look_s, look_s);
                let judged = judge_update("ll.m3u8", (was, *before), (&now, found), absent_s);
                broken.extend(judged.found.iter().map(|it| it.rule.id));
                not_judged.extend(judged.not_judged.iter().map(|it| it.rule.id));
            }
            current = Some((now, found));
        }
        for rules in [&mut broken, &mut not_judged] {
            rules.sort_unstable();
            rules.dedup();
        }
        (broken, not_judged)
    }

    /// A part every 200 ms for 10 s, but none in the pause.
    fn parts_with_pause((from_s, to_s): (f64, f64)) -> Vec<f64> {
        let at_s = |part: u64| part as f64 * PART_S;
        let shifted = |at_s: f64| if at_s >= from_s { at_s + (to_s - from_s) } else { at_s };
        (1..50).map(at_s).map(shifted).collect()
    }

    const NEVER: (f64, f64) = (f64::INFINITY, f64::INFINITY);

    #[track_caller]
    fn check(pause: (f64, f64), absence: (f64, f64), broken: &[&str], not_judged: &[&str]) {
        let seen = follow(&parts_with_pause(pause), absence);
        assert_eq!(seen, (broken.to_vec(), not_judged.to_vec()));
    }

    #[test]
    fn a_stream_in_time_and_looks_in_time_leave_nothing_to_say() {
        check(NEVER, NEVER, &[], &[]);
    }

    #[test]
    fn a_stream_in_time_is_not_blamed_for_the_absence_of_this_machine() {
        check(NEVER, (3.05, 3.3), &[], &[]);
        check(NEVER, (3.0, 4.0), &[], &["part-late"]);
        check(NEVER, (3.0, 8.0), &[], &["part-late", "update-late"]);
    }

    #[test]
    fn a_stream_that_is_late_is_blamed_when_this_machine_looked_in_time() {
        check((3.0, 3.5), NEVER, &["part-late"], &[]);
        check((3.0, 6.0), NEVER, &["part-late", "update-late"], &[]);
    }

    #[test]
    fn a_stream_that_is_late_for_longer_than_this_machine_was_absent_is_blamed() {
        check((3.0, 8.0), (5.0, 5.5), &["part-late", "update-late"], &[]);
        check((3.0, 8.0), (2.0, 3.2), &["part-late", "update-late"], &["part-late"]);
        check((3.0, 8.0), (7.9, 9.5), &["part-late", "update-late"], &[]);
    }

    #[test]
    fn a_stream_that_is_late_while_this_machine_is_absent_is_not_judged() {
        check((3.0, 5.0), (2.9, 5.3), &[], &["part-late", "update-late"]);
    }
}
