//! Arguments: what the command line asks for. `cargo test` hands its own arguments on, and they are passed over.

use std::time::Duration;

/// How long a run lasts where nobody says it: in CI two minutes, and a moment elsewhere.
const CI_S: u64 = 120;
const USUAL_S: u64 = 10;

#[derive(Debug, Clone)]
pub struct Arguments {
    /// Only this one, told in full.
    pub seed: Option<u64>,
    pub first_seed: u64,
    pub schedules: u64,
    pub duration: Duration,
    /// Whether each invariant is to be proved by a fault.
    pub faults: bool,
    /// Broken schedules of each invariant that are told in full.
    pub told: usize,
    /// Kinds of events that are left out, by a word of their name: faults that are known and not mended yet.
    pub without: Vec<String>,
    /// Where to keep what the program did.
    pub record: Option<String>,
}

impl Arguments {
    /// `None`: nothing of this is asked for.
    pub fn read(words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
        let mut arguments = Self {
            seed: None,
            first_seed: 0,
            schedules: u64::MAX,
            duration: Duration::from_secs(if is_ci { CI_S } else { USUAL_S }),
            faults: false,
            told: 1,
            without: Vec::new(),
            record: None,
        };
        let mut words = words.peekable();
        while let Some(word) = words.next() {
            let mut number = || -> Result<f64, String> {
                let value = words.next().unwrap_or_default();
                value.parse().map_err(|_| format!("{word} needs a number, and not {value:?}"))
            };
            match word.as_str() {
                "--seed" => arguments.seed = Some(number()? as u64),
                "--from" => arguments.first_seed = number()? as u64,
                "--minutes" => arguments.duration = Duration::from_secs_f64(number()? * 60.0),
                "--schedules" => {
                    arguments.schedules = number()? as u64;
                    arguments.duration = Duration::from_secs(86_400);
                }
                "--told" => arguments.told = number()? as usize,
                "--without" => arguments.without.extend(words.next()),
                "--record" => arguments.record = words.next(),
                "--faults" => arguments.faults = true,
                "--list" => return Ok(None),
                "--skip" | "--test-threads" | "--format" | "--color" => drop(words.next()),
                _ if word.starts_with('-') => {}
                // The name of a test, as cargo hands it to all.
                _ if !"simulate".contains(&*word) => return Ok(None),
                _ => {}
            }
        }
        Ok(Some(arguments))
    }
}
