//! What a check found, each thing once with a count, and how much was looked at.
//!
//! In: findings of the rules, as often as they come. Out: a [`Report`], for `text`, `json` and `junit`. Pure.

use std::collections::HashMap;

use crate::rules::{Finding, Severity};

/// More different findings than anyone reads; those beyond are counted and not kept.
const KEPT_FINDINGS: usize = 10_000;

/// A finding, and how often it came up.
#[derive(Debug, Clone)]
pub(crate) struct Noted {
    /// As it came up first.
    pub(crate) finding: Finding,
    /// At least 1.
    pub(crate) count: u64,
}

/// Findings in the order in which they came up first.
#[derive(Debug, Default)]
pub(crate) struct CountedFindings {
    noted: Vec<Noted>,
    /// What makes two findings the same → place in `noted`.
    places: HashMap<(&'static str, String, String), usize>,
    left_out: [u64; 2],
}

impl CountedFindings {
    /// Takes a finding. It is the same as one before if it is of the same rule and at the same place. Lines of a
    /// playlist move up from version to version: there it is the same one if the same was seen.
    pub(crate) fn add(&mut self, finding: Finding) {
        let key = match without_line(&finding.at) {
            Some(playlist) => (finding.rule.id, playlist.to_owned(), finding.seen.clone()),
            None => (finding.rule.id, finding.at.clone(), String::new()),
        };
        if let Some(&place) = self.places.get(&key) {
            self.noted[place].count += 1;
        } else if self.noted.len() < KEPT_FINDINGS {
            self.places.insert(key, self.noted.len());
            self.noted.push(Noted { finding, count: 1 });
        } else {
            self.left_out[usize::from(finding.rule.severity == Severity::Should)] += 1;
        }
    }
}

/// What a check found.
#[derive(Debug)]
pub struct Report {
    /// As it was typed.
    pub(crate) subject: String,
    /// Those of a MUST first.
    pub(crate) findings: Vec<Noted>,
    /// What could not be looked at, one line each.
    pub problems: Vec<String>,
    /// What could not be judged, in the order in which it came up. It has no part in the exit status.
    pub(crate) not_judged: Vec<NotJudged>,
    /// How much was looked at.
    pub(crate) looked_at: LookedAt,
    left_out: [u64; 2],
}

/// A rule that may be broken. Nobody can tell, as this machine did not look in time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NotJudged {
    /// Such as `part-late`.
    pub(crate) rule_id: &'static str,
    /// As in a finding.
    pub(crate) at: String,
    /// For how long it did not look, the longest time; seconds.
    pub(crate) absent_s: f64,
    /// At least 1.
    pub(crate) count: u64,
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LookedAt {
    /// Media and multivariant.
    pub playlists: u64,
    /// Different texts of media playlists.
    pub versions: u64,
    /// Segments.
    pub segments: u64,
    /// From the first to the last look.
    pub seconds: f64,
}

impl Report {
    /// Puts it in order.
    #[must_use]
    pub(crate) fn new(
        subject: String,
        findings: CountedFindings,
        problems: Vec<String>,
        looked_at: LookedAt,
    ) -> Self {
        let CountedFindings { mut noted, left_out, .. } = findings;
        noted.sort_by_key(|noted| noted.finding.rule.severity == Severity::Should);
        Self { subject, findings: noted, problems, not_judged: Vec::new(), looked_at, left_out }
    }

    /// The same, with what could not be judged.
    #[must_use]
    pub(crate) fn with_not_judged(self, not_judged: Vec<NotJudged>) -> Self {
        Self { not_judged, ..self }
    }

    /// How often something could not be judged.
    #[must_use]
    pub(crate) fn times_not_judged(&self) -> u64 {
        self.not_judged.iter().map(|it| it.count).sum()
    }

    /// Different findings of this severity.
    #[must_use]
    pub(crate) fn count(&self, severity: Severity) -> u64 {
        let kept = self.findings.iter().filter(|noted| noted.finding.rule.severity == severity).count();
        kept as u64 + self.left_out[usize::from(severity == Severity::Should)]
    }

    /// Exit status: 1 when a MUST is broken, 2 when not all could be looked at, 0 when clean.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match (self.count(Severity::Must), self.problems.is_empty()) {
            (0, true) => 0,
            (0, false) => 2,
            _ => 1,
        }
    }
}

/// `stream.m3u8 line 12` → `stream.m3u8`.
fn without_line(at: &str) -> Option<&str> {
    let (place, line) = at.rsplit_once(" line ")?;
    line.bytes().all(|byte| byte.is_ascii_digit()).then_some(place)
}

#[cfg(test)]
mod tests {
    use crate::rules::RULES;

    use super::*;

    fn finding(severity: Severity, at: &str, seen: &str) -> Finding {
        let rule = RULES.iter().find(|rule| rule.severity == severity).unwrap();
        Finding { rule, at: at.into(), seen: seen.into(), expected: "less".into() }
    }

    fn report(findings: CountedFindings, problems: &[&str]) -> Report {
        let problems = problems.iter().map(|&problem| problem.to_owned()).collect();
        Report::new("a".into(), findings, problems, LookedAt::default())
    }

    #[test]
    fn the_same_finding_is_noted_once_with_a_count() {
        let mut findings = CountedFindings::default();
        findings.add(finding(Severity::Must, "a.m3u8 line 12", "4 s"));
        findings.add(finding(Severity::Must, "a.m3u8 line 9", "4 s"));
        findings.add(finding(Severity::Must, "a.m3u8 line 12", "5 s"));
        findings.add(finding(Severity::Must, "live/a.ts", "no IDR"));
        findings.add(finding(Severity::Must, "live/a.ts", "no IDR at all"));
        let counts: Vec<_> = findings.noted.iter().map(|noted| noted.count).collect();
        assert_eq!(counts, [2, 1, 2]);
    }

    #[test]
    fn musts_come_first_and_decide_the_exit_status() {
        let mut findings = CountedFindings::default();
        findings.add(finding(Severity::Should, "a", "b"));
        assert_eq!(report(findings, &[]).exit_code(), 0);
        assert_eq!(report(CountedFindings::default(), &["gone"]).exit_code(), 2);

        let mut findings = CountedFindings::default();
        findings.add(finding(Severity::Should, "a", "b"));
        findings.add(finding(Severity::Must, "a", "b"));
        let report = report(findings, &["gone"]);
        assert_eq!(report.exit_code(), 1);
        assert_eq!(report.findings[0].finding.rule.severity, Severity::Must);
    }

    #[test]
    fn findings_that_are_not_kept_are_counted() {
        let mut findings = CountedFindings::default();
        for n in 0..=KEPT_FINDINGS {
            findings.add(finding(Severity::Must, &format!("live/{n}.ts"), "b"));
        }
        let report = report(findings, &[]);
        assert_eq!(report.findings.len(), KEPT_FINDINGS);
        assert_eq!(report.count(Severity::Must), KEPT_FINDINGS as u64 + 1);
    }
}
