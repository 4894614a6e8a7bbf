//! Text: a report for people, one line a finding and a summary.
//!
//! In: a report. Out: lines. Pure.

use std::fmt::Write as _;

use crate::rules::Severity;

use crate::report::content::{NotJudged, Noted, Report};

const RED: &str = "\x1b[1;31m";
const YELLOW: &str = "\x1b[33m";
const GREEN: &str = "\x1b[32m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

/// The lines that `check` prints.
#[must_use]
pub fn text(report: &Report, colour: bool) -> String {
    let paint = |code: &str, words: &str| {
        if colour { format!("{code}{words}{PLAIN}") } else { words.to_owned() }
    };
    let mut text = String::new();
    for Noted { finding, count } in &report.findings {
        let severity = finding.rule.severity;
        let severity = paint(if severity == Severity::Must { RED } else { YELLOW }, &format!("{severity:6}"));
        let section = paint(DIM, &format!("({})", finding.rule.section));
        let at = one_line(&finding.at);
        let (seen, expected) = (one_line(&finding.seen), one_line(&finding.expected));
        let _ = write!(text, "{severity} {} {section} {at}: {seen}; expected {expected}", finding.rule.id);
        let _ = writeln!(text, "{}", times(*count));
    }
    for NotJudged { rule_id, at, absent_s, count } in &report.not_judged {
        let (note, at) = (paint(DIM, &format!("{:6}", "note")), one_line(at));
        let why = format!("not judged: this machine was too busy to look for {absent_s:.1} s");
        let _ = writeln!(text, "{note} {rule_id} {at}: {why}{}", times(*count));
    }
    let (must, should) = (report.count(Severity::Must), report.count(Severity::Should));
    let result = format!("MUST {must}, SHOULD {should}");
    let result = if must > 0 {
        paint(RED, &result)
    } else if report.problems.is_empty() {
        paint(GREEN, &result)
    } else {
        result
    };
    let not_judged = match report.times_not_judged() {
        0 => String::new(),
        count => format!(", not judged {count}"),
    };
    let looked_at = &report.looked_at;
    let _ = writeln!(
        text,
        "{}, {}, {}, {:.1} s: {result}{not_judged}",
        counted(looked_at.playlists, "playlist"),
        counted(looked_at.versions, "version"),
        counted(looked_at.segments, "segment"),
        looked_at.seconds,
    );
    text
}

/// What a stream says of itself must not write elsewhere on the terminal.
fn one_line(words: &str) -> String {
    words.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

fn times(count: u64) -> String {
    if count > 1 { format!(" ({count} times)") } else { String::new() }
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use crate::rules::{Finding, RULES};

    use super::*;
    use crate::report::content::{CountedFindings, LookedAt};

    fn report(seen: &str) -> Report {
        let rule = RULES.iter().find(|rule| rule.severity == Severity::Must).unwrap();
        let mut findings = CountedFindings::default();
        for _ in 0..3 {
            let (at, expected) = ("stream.m3u8 line 3".into(), "2 s".into());
            findings.add(Finding { rule, at, seen: seen.into(), expected });
        }
        let looked_at = LookedAt { playlists: 1, versions: 12, segments: 22, seconds: 30.04 };
        Report::new("webroot".into(), findings, Vec::new(), looked_at)
    }

    #[test]
    fn one_line_a_finding_and_a_summary() {
        let report = report("4 s");
        let rule = report.findings[0].finding.rule;
        let expected = format!(
            "MUST   {} ({}) stream.m3u8 line 3: 4 s; expected 2 s (3 times)\n\
             1 playlist, 12 versions, 22 segments, 30.0 s: MUST 1, SHOULD 0\n",
            rule.id, rule.section
        );
        assert_eq!(text(&report, false), expected);
        assert!(text(&report, true).starts_with(RED));
    }

    #[test]
    fn what_could_not_be_judged_is_told_with_its_reason_and_counted() {
        let late = NotJudged { rule_id: "part-late", at: "ll.m3u8".into(), absent_s: 4.24, count: 2 };
        let looked_at = LookedAt { playlists: 1, versions: 12, segments: 22, seconds: 30.04 };
        let report = Report::new("webroot".into(), CountedFindings::default(), Vec::new(), looked_at);
        let expected = "note   part-late ll.m3u8: not judged: this machine was too busy to look for 4.2 s (2 times)\n\
             1 playlist, 12 versions, 22 segments, 30.0 s: MUST 0, SHOULD 0, not judged 2\n";
        assert_eq!(text(&report.with_not_judged(vec![late]), false), expected);
    }

    #[test]
    fn a_stream_cannot_write_to_the_terminal_as_it_likes() {
        let text = text(&report("\x1b[2J\n\u{7}"), false);
        assert_eq!(text.lines().count(), 2);
        assert!(!text.contains('\x1b') && !text.contains('\u{7}'), "{text:?}");
    }
}
