//! JSON: a report for programs.
//!
//! In: a report. Out: one JSON object. Pure.

use crate::rules::Severity;
use serde_json::{Value, json};

use crate::report::content::{NotJudged, Noted, Report};

/// The object that `check --json` prints.
#[must_use]
pub fn json(report: &Report) -> Value {
    let findings: Vec<Value> = report.findings.iter().map(finding).collect();
    let not_judged: Vec<Value> = report.not_judged.iter().map(not_judged).collect();
    let looked_at = &report.looked_at;
    json!({
        "subject": report.subject,
        "findings": findings,
        "problems": report.problems,
        "not_judged": not_judged,
        "summary": {
            "playlists": looked_at.playlists,
            "versions": looked_at.versions,
            "segments": looked_at.segments,
            "seconds": looked_at.seconds,
            "must": report.count(Severity::Must),
            "should": report.count(Severity::Should),
            "not_judged": report.times_not_judged(),
        },
    })
}

fn not_judged(NotJudged { rule_id, at, absent_s, count }: &NotJudged) -> Value {
    json!({ "rule": rule_id, "at": at, "machine_absent_s": absent_s, "count": count })
}

fn finding(Noted { finding, count }: &Noted) -> Value {
    json!({
        "rule": finding.rule.id,
        "section": finding.rule.section,
        "severity": finding.rule.severity.to_string(),
        "sentence": finding.rule.sentence,
        "at": finding.at,
        "seen": finding.seen,
        "expected": finding.expected,
        "count": count,
    })
}
