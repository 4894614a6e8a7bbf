//! `livedir-publisher check`, run on what a test streams.

use std::ffi::OsStr;
use std::process::Command;

use serde_json::Value;

use super::programs::{Running, publisher};

/// The rules that depend on how busy the machine is.
const LATE: [&str; 2] = ["update-late", "part-late"];

/// What a check said.
#[derive(Debug)]
pub struct Checked {
    /// Exit status.
    pub status: i32,
    /// What `--json` printed; null when it could not check.
    pub report: Value,
    /// Standard error.
    pub complaints: String,
}

/// Runs `livedir-publisher check --json` with these words to its end.
#[track_caller]
pub fn check<Word: AsRef<OsStr>>(words: &[Word]) -> Checked {
    let ended = command(words).output().expect("the program under test can be started");
    Checked {
        status: ended.status.code().expect("it ends by itself"),
        report: serde_json::from_slice(&ended.stdout).unwrap_or(Value::Null),
        complaints: String::from_utf8_lossy(&ended.stderr).into_owned(),
    }
}

/// Holds what lies in a webroot, or at a URL, to the rules: fails on any finding, of a SHOULD too.
#[track_caller]
pub fn assert_clean(subject: impl AsRef<OsStr>) {
    assert_nothing_found(&check(&[subject]));
}

/// The same for HEVC: no finding but the one that Apple's players do not take it in MPEG-TS.
#[track_caller]
pub fn assert_clean_but_for_apple(subject: impl AsRef<OsStr>) {
    let checked = check(&[subject]);
    assert_eq!(checked.rules(), ["hevc-in-ts"], "{checked:#?}");
    assert!(checked.count("segments") > 0, "nothing was looked at: {checked:#?}");
}

/// A check that follows a stream beside the test.
pub struct Following(Running);

impl Following {
    /// Follows it for so long, like `20s`, or until it ends.
    #[track_caller]
    pub fn start(subject: impl AsRef<OsStr>, time: &str) -> Self {
        Self(Running::start(&mut command(&[subject.as_ref(), OsStr::new("--for"), OsStr::new(time)])))
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        self.0.signal(signal);
    }

    /// Waits for its end.
    #[track_caller]
    pub fn report(self) -> Checked {
        let (status, output) = self.0.wait_and_read();
        // What it complains of comes before or after the object.
        let (start, end) = (output.find('{').unwrap_or(0), output.rfind('}').map_or(0, |end| end + 1));
        Checked {
            status: status.code().expect("it ends by itself"),
            report: serde_json::from_str(output.get(start..end).unwrap_or_default()).unwrap_or(Value::Null),
            complaints: [&output[..start], &output[end.max(start)..]].concat(),
        }
    }

    /// Waits for its end; fails on any finding but that a segment or part came late: on a machine that is busy with everything else
    /// it may, and `check` is right to say so.
    #[track_caller]
    pub fn assert_clean_but_for_lateness(self) -> Checked {
        let checked = self.report();
        let rules = checked.rules();
        assert!(rules.iter().all(|rule| LATE.contains(rule)), "{checked:#?}");
        assert_eq!(checked.status, i32::from(!rules.is_empty()), "{checked:#?}");
        assert!(checked.count("segments") > 0, "nothing was looked at: {checked:#?}");
        checked
    }
}

impl Checked {
    /// The ids of the rules that are broken, each once, in order.
    pub fn rules(&self) -> Vec<&str> {
        let findings = self.report["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut rules: Vec<_> = findings.iter().filter_map(|finding| finding["rule"].as_str()).collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// A count of the summary.
    pub fn count(&self, of: &str) -> u64 {
        self.report["summary"][of].as_u64().unwrap_or_default()
    }
}

#[track_caller]
fn assert_nothing_found(checked: &Checked) {
    let found = checked.report["findings"].as_array();
    assert!(found.is_some_and(Vec::is_empty) && checked.status == 0, "{checked:#?}");
    assert!(checked.count("segments") > 0, "nothing was looked at: {checked:#?}");
}

fn command<Word: AsRef<OsStr>>(words: &[Word]) -> Command {
    let mut command = publisher();
    command.args(["check", "--json"]).args(words);
    command
}
