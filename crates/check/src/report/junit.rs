//! `JUnit`: a report for build servers, one test case a rule.
//!
//! In: a report. Out: XML. A MUST that is broken is a failure; a SHOULD passes, with what was found in its output, as
//! the exit status has it; a rule that could not be judged is skipped. Pure.

use std::io;

use crate::rules::{RULES, Rule, Severity};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::report::content::{Noted, Report};

/// The file that `check --junit` writes.
pub fn junit(report: &Report) -> io::Result<Vec<u8>> {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let failures = RULES
        .iter()
        .filter(|rule| rule.severity == Severity::Must && found(report, rule).next().is_some())
        .count();
    let errors = usize::from(!report.problems.is_empty());
    let tests = (RULES.len() + errors).to_string();
    let (failures, errors) = (failures.to_string(), errors.to_string());
    let seconds = format!("{:.3}", report.looked_at.seconds);
    let totals = [
        ("name", "livedir-publisher check"),
        ("tests", tests.as_str()),
        ("failures", failures.as_str()),
        ("errors", errors.as_str()),
        ("time", seconds.as_str()),
    ];
    xml.create_element("testsuites").with_attributes(totals).write_inner_content(|xml| {
        let subject = legal(&report.subject);
        let suite = [("name", subject.as_str())].into_iter().chain(totals.into_iter().skip(1));
        xml.create_element("testsuite").with_attributes(suite).write_inner_content(|xml| {
            for rule in RULES {
                test_case(xml, report, rule)?;
            }
            unread(xml, report)
        })?;
        Ok(())
    })?;
    let mut bytes = xml.into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

fn test_case(xml: &mut Writer<Vec<u8>>, report: &Report, rule: &Rule) -> io::Result<()> {
    let lines: Vec<String> = found(report, rule).map(line).collect();
    let case = xml.create_element("testcase").with_attributes([
        ("classname", rule.section),
        ("name", rule.id),
        ("time", "0"),
    ]);
    if lines.is_empty() {
        match report.not_judged.iter().find(|it| it.rule_id == rule.id) {
            None => case.write_empty()?,
            Some(it) => {
                let message = legal(&format!("{}: this machine was too busy to look", it.at));
                case.write_inner_content(|xml| {
                    let skipped = xml.create_element("skipped");
                    skipped.with_attributes([("message", message.as_str())]).write_empty()?;
                    Ok(())
                })?
            }
        };
        return Ok(());
    }
    let lines = legal(&lines.join("\n"));
    case.write_inner_content(|xml| {
        let outcome = match rule.severity {
            Severity::Must => {
                xml.create_element("failure").with_attributes([("message", rule.sentence), ("type", "MUST")])
            }
            Severity::Should => xml.create_element("system-out"),
        };
        outcome.write_text_content(BytesText::new(&lines))?;
        Ok(())
    })?;
    Ok(())
}

fn unread(xml: &mut Writer<Vec<u8>>, report: &Report) -> io::Result<()> {
    if report.problems.is_empty() {
        return Ok(());
    }
    let problems = legal(&report.problems.join("\n"));
    let case = [("classname", "check"), ("name", "everything-could-be-read"), ("time", "0")];
    xml.create_element("testcase").with_attributes(case).write_inner_content(|xml| {
        let error = xml.create_element("error").with_attributes([("message", "not all could be read")]);
        error.write_text_content(BytesText::new(&problems))?;
        Ok(())
    })?;
    Ok(())
}

fn found<'a>(report: &'a Report, rule: &'a Rule) -> impl Iterator<Item = &'a Noted> {
    report.findings.iter().filter(|noted| noted.finding.rule.id == rule.id)
}

fn line(Noted { finding, count }: &Noted) -> String {
    let times = if *count > 1 { format!(" ({count} times)") } else { String::new() };
    format!("{}: {}; expected {}{times}", finding.at, finding.seen, finding.expected)
}

/// XML has no way to write most control characters (XML 1.0 2.2).
fn legal(text: &str) -> String {
    let is_legal = |letter: char| matches!(letter, '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|letter| if is_legal(letter) { letter } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::content::{CountedFindings, LookedAt, NotJudged};
    use crate::rules::Finding;

    fn rule(id: &str) -> &'static Rule {
        RULES.iter().find(|rule| rule.id == id).unwrap()
    }

    #[track_caller]
    fn check(xml: &str, expected: &str) {
        assert!(xml.contains(expected), "{expected}\nis not in\n{xml}");
    }

    #[test]
    fn the_file_is_the_same_to_the_byte() {
        let mut findings = CountedFindings::default();
        for id in ["extinf-over-target", "extinf-over-target", "hevc-in-ts", "window-below-six-segments"] {
            let (at, seen, expected) = ("a.m3u8: <1>".into(), "\u{7}4 s".into(), "\"2\" s".into());
            findings.add(Finding { rule: rule(id), at, seen, expected });
        }
        let looked_at = LookedAt { playlists: 1, versions: 2, segments: 3, seconds: 4.5 };
        let problems = vec!["a & b".to_owned(), "c".to_owned()];
        let late = NotJudged { rule_id: "part-late", at: "ll.m3u8".into(), absent_s: 4.24, count: 2 };
        let report = Report::new("http://a.example/?a&b".into(), findings, problems, looked_at)
            .with_not_judged(vec![late]);
        let xml = String::from_utf8(junit(&report).unwrap()).unwrap();
        let tests = RULES.len() + 1;
        let begin = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <testsuites name=\"livedir-publisher check\" tests=\"{tests}\" failures=\"2\" errors=\"1\" time=\"4.500\">\n  \
               <testsuite name=\"http://a.example/?a&amp;b\" tests=\"{tests}\" failures=\"2\" errors=\"1\" time=\"4.500\">\n    \
                 <testcase classname=\"RFC 8216 4.3.1.1\" name=\"extm3u-first\" time=\"0\"/>\n"
        );
        assert!(xml.starts_with(&begin), "{xml}");
        check(
            &xml,
            "    <testcase classname=\"RFC 8216 4.3.3.1\" name=\"extinf-over-target\" time=\"0\">\n      \
               <failure message=\"",
        );
        check(
            &xml,
            "\" type=\"MUST\">a.m3u8: &lt;1&gt;: \u{fffd}4 s; expected &quot;2&quot; s (2 times)</failure>\n    </testcase>\n",
        );
        check(
            &xml,
            "name=\"window-below-six-segments\" time=\"0\">\n      <system-out>a.m3u8: &lt;1&gt;: \u{fffd}4 s; ",
        );
        check(
            &xml,
            "name=\"part-late\" time=\"0\">\n      \
               <skipped message=\"ll.m3u8: this machine was too busy to look\"/>\n    </testcase>\n",
        );
        let end = "    <testcase classname=\"check\" name=\"everything-could-be-read\" time=\"0\">\n      \
                     <error message=\"not all could be read\">a &amp; b\nc</error>\n    </testcase>\n  \
                   </testsuite>\n</testsuites>\n";
        assert!(xml.ends_with(end), "{xml}");
    }
}
