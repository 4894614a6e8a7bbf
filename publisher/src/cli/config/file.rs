//! What a configuration file says, as the words that would have to be typed for it. Pure but for the environment, which
//! clap looks into.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command};
use toml_edit::{Document, Item, Table, Value};

use super::nearest;

/// One key of the file.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// Clap's name of the flag.
    pub id: String,
    /// What would have to be typed.
    pub words: Vec<OsString>,
}

/// What is wrong with a line.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Problem {
    /// The file is not UTF-8.
    #[error("the file is not UTF-8; save it as UTF-8")]
    NotText,
    /// The file is no TOML.
    #[error("not TOML: {0}; write lines like fps = 25 or size = \"640x480\"")]
    Syntax(String),
    /// There is no such flag.
    #[error("unknown key '{key}'; {remedy}")]
    UnknownKey {
        /// What was written.
        key: String,
        /// The key that was meant, or where they are listed.
        remedy: String,
    },
    /// There are no tables.
    #[error("'{0}' is a table; write the keys one below the other, without tables")]
    Table(String),
    /// A flag that is there or not.
    #[error("'{0}' is on or off; write {0} = true or {0} = false")]
    NotABoolean(String),
    /// A flag with a value.
    #[error("'{key}' takes {expected}; write it like {key} = \"{example}\"")]
    NotAValue {
        /// The key.
        key: String,
        /// What it takes.
        expected: &'static str,
        /// What the help calls it.
        example: String,
    },
    /// The command refuses the value.
    #[error("{0}")]
    Refused(String),
}

/// The settings of the file for the subcommand `name` of `program`; the line (from 1) and the problem where one makes no
/// sense.
pub fn settings(text: &str, program: &Command, name: &str) -> Result<Vec<Setting>, (usize, Problem)> {
    let document = Document::parse(text).map_err(|error| syntax(text, &error))?;
    settings_of(document.as_table(), text, program, name, &[])
}

/// The same for one table of the text, but for these keys.
pub(super) fn settings_of(
    table: &Table,
    text: &str,
    program: &Command,
    name: &str,
    but: &[&str],
) -> Result<Vec<Setting>, (usize, Problem)> {
    let mut found = Vec::new();
    for (key, item) in table.iter().filter(|(key, _)| !but.contains(key)) {
        let line = line_of_key(table, key, text);
        found.push((line, setting(key, item, program, name).map_err(|problem| (line, problem))?));
    }
    // What is written first is complained of first, and passed on first.
    found.sort_by_key(|(line, _)| *line);
    Ok(found.into_iter().map(|(_, setting)| setting).collect())
}

/// The line, from 1, and what is wrong there.
pub(super) fn syntax<P: From<Problem>>(text: &str, error: &toml_edit::TomlError) -> (usize, P) {
    let problem = error.message().trim().lines().collect::<Vec<_>>().join(", ");
    let at = error.span().map_or(0, |span| span.start);
    (line_of(text.as_bytes(), at), Problem::Syntax(problem).into())
}

/// The line, from 1, of a key of a table.
pub(super) fn line_of_key(table: &Table, key: &str, text: &str) -> usize {
    let item = || table.get(key).and_then(Item::span);
    let at = table.key(key).and_then(toml_edit::Key::span).or_else(item);
    line_of(text.as_bytes(), at.map_or(0, |span| span.start))
}

/// The keys of a command: its flags without the dashes, but for those about the configuration itself.
pub(super) fn keys(command: &Command) -> impl Iterator<Item = (&str, &Arg)> {
    command
        .get_arguments()
        .filter(|arg| !matches!(arg.get_id().as_str(), "config" | "channels" | "print_config" | "dry_run"))
        .filter(|arg| !matches!(arg.get_action(), ArgAction::Help | ArgAction::Version))
        .map(|arg| (arg.get_long().unwrap_or(arg.get_id().as_str()), arg))
}

/// Whether a flag has no value: it is there or not.
pub(super) fn is_switch(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue | ArgAction::SetFalse)
}

/// What clap has to say, in one line.
pub(super) fn in_one_line(error: &clap::Error) -> String {
    let said = error.to_string();
    let paragraph: Vec<&str> = said.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    let said = paragraph.join(" ");
    said.strip_prefix("error: ").unwrap_or(&said).to_owned()
}

/// The line, from 1, of the byte at `at`.
pub(super) fn line_of(bytes: &[u8], at: usize) -> usize {
    1 + bytes.iter().take(at).filter(|byte| **byte == b'\n').count()
}

fn setting(key: &str, item: &Item, program: &Command, name: &str) -> Result<Setting, Problem> {
    let command = program.find_subcommand(name).unwrap_or(program);
    let Some((_, arg)) = keys(command).find(|(known, _)| *known == key) else {
        let is_table = !matches!(item, Item::Value(value) if !value.is_inline_table());
        return Err(if is_table { Problem::Table(key.into()) } else { unknown(key, program, command) });
    };
    let words = words(key, item, arg)?;
    // Alone, so that the line can be named that is refused.
    let alone = ["".into(), name.into()].into_iter().chain(words.iter().cloned());
    match program.clone().try_get_matches_from(alone) {
        Ok(matches) => {
            let words = with_its_value(arg, &matches).map_or(words, |word| vec![word]);
            Ok(Setting { id: arg.get_id().to_string(), words })
        }
        // A flag that needs or excludes another one is judged when all are together.
        Err(error) if is_about_others(&error) => Ok(Setting { id: arg.get_id().to_string(), words }),
        Err(error) => Err(Problem::Refused(in_one_line(&error))),
    }
}

/// A flag that may stand without its value, with the value that this means: what follows would be taken for one.
fn with_its_value(arg: &Arg, alone: &ArgMatches) -> Option<OsString> {
    if is_switch(arg) || arg.is_require_equals_set() || !may_stand_alone(arg) {
        return None;
    }
    let (_, alone) = alone.subcommand()?;
    let value = alone.get_raw(arg.get_id().as_str())?.next()?;
    let mut word = OsString::from(format!("--{}=", arg.get_long()?));
    word.push(value);
    Some(word)
}

fn may_stand_alone(arg: &Arg) -> bool {
    arg.get_num_args().is_some_and(|count| count.min_values() == 0)
}

fn is_about_others(error: &clap::Error) -> bool {
    use clap::error::ErrorKind::{ArgumentConflict, MissingRequiredArgument};
    matches!(error.kind(), ArgumentConflict | MissingRequiredArgument)
}

fn unknown(key: &str, program: &Command, command: &Command) -> Problem {
    let remedy = match nearest(key, keys(command).map(|(known, _)| known)) {
        Some(known) => format!("did you mean '{known}'?"),
        None => format!(
            "keys are the flags of `{} {} --help` without the dashes",
            program.get_name(),
            command.get_name()
        ),
    };
    Problem::UnknownKey { key: key.into(), remedy }
}

fn words(key: &str, item: &Item, arg: &Arg) -> Result<Vec<OsString>, Problem> {
    let value = item.as_value().ok_or_else(|| Problem::Table(key.into()))?;
    match value.as_bool() {
        Some(true) if is_switch(arg) || may_stand_alone(arg) => return Ok(vec![format!("--{key}").into()]),
        Some(false) if is_switch(arg) || may_stand_alone(arg) => return Ok(Vec::new()),
        _ if is_switch(arg) => return Err(Problem::NotABoolean(key.into())),
        _ => {}
    }
    let takes_many = matches!(arg.get_action(), ArgAction::Append);
    let wrong = || Problem::NotAValue {
        key: key.into(),
        expected: if takes_many { "text, a number or a list of such" } else { "text or a number" },
        example: value_name(arg),
    };
    let values: Vec<String> = match value {
        Value::Array(array) if takes_many => array.iter().map(scalar).collect::<Option<_>>(),
        single => scalar(single).map(|value| vec![value]),
    }
    .ok_or_else(wrong)?;
    values
        .into_iter()
        .map(|value| match arg.get_long() {
            // No flag can be typed with one, and libav takes it for the end.
            _ if value.contains('\0') => {
                Err(Problem::Refused(format!("'{key}' holds a zero byte; leave it out")))
            }
            Some(long) => Ok(format!("--{long}={value}").into()),
            None if value.starts_with('-') && value != "-" => Err(Problem::Refused(format!(
                "'{value}' would be a flag; write ./{value} for a file of that name"
            ))),
            None => Ok(value.into()),
        })
        .collect()
}

/// A value as it would be typed.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.value().clone()),
        Value::Integer(number) => Some(number.value().to_string()),
        Value::Float(number) => Some(number.value().to_string()),
        _ => None,
    }
}

/// What the help calls the value of a flag.
pub(super) fn value_name(arg: &Arg) -> String {
    arg.get_value_names().and_then(|names| names.first()).map_or_else(|| "VALUE".into(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program() -> Command {
        let mut program = Command::new("program").subcommand(
            Command::new("go")
                .arg(Arg::new("from"))
                .arg(Arg::new("many").long("many-words").action(ArgAction::Append))
                .arg(Arg::new("count").long("count").value_parser(clap::value_parser!(u8)).value_name("N"))
                .arg(Arg::new("copy").long("copy").num_args(0..=1).require_equals(true))
                .arg(Arg::new("ear").long("ear").num_args(0..=1).default_missing_value("left"))
                .arg(Arg::new("fast").long("fast").action(ArgAction::SetTrue))
                .arg(Arg::new("config").long("config")),
        );
        program.build();
        program
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found =
            settings(text, &program(), "go").unwrap_or_else(|(line, problem)| panic!("{line}: {problem}"));
        assert_eq!(found.iter().flat_map(|setting| &setting.words).collect::<Vec<_>>(), expected);
    }

    #[track_caller]
    fn check_refused(text: &str, expected_line: usize, expected: &str) {
        let (line, problem) = settings(text, &program(), "go").unwrap_err();
        assert!(problem.to_string().contains(expected), "{problem}");
        assert!(!problem.to_string().contains('\n'), "{problem}");
        assert_eq!(line, expected_line, "{problem}");
    }

    #[test]
    fn keys_become_the_words_that_would_be_typed() {
        check("", &[]);
        check("# nothing\nfrom = 'camera:0'", &["camera:0"]);
        check("count = 7\nfast = true", &["--count=7", "--fast"]);
        check("fast = false\ncount = '7'", &["--count=7"]);
        check("many-words = ['a b', 2, 2.5]", &["--many-words=a b", "--many-words=2", "--many-words=2.5"]);
        check("many-words = \"--fast\"", &["--many-words=--fast"]);
        check("copy = true\nfrom = '-'", &["--copy", "-"]);
        check("copy = 'auto'", &["--copy=auto"]);
        check("copy = false", &[]);
        check("ear = true", &["--ear=left"]);
        check("ear = 'right'", &["--ear=right"]);
    }

    #[test]
    fn a_line_that_makes_no_sense_is_named_with_the_remedy() {
        check_refused("\n\ncuont = 7", 3, "unknown key 'cuont'; did you mean 'count'?");
        check_refused("fats = true", 1, "did you mean 'fast'?");
        check_refused("fast = true\nmany_words = 'x'", 2, "did you mean 'many-words'?");
        check_refused("zzz = 1", 1, "keys are the flags of `program go --help`");
        check_refused("config = 'other.toml'", 1, "unknown key 'config'");
        check_refused("[go]\ncount = 7", 1, "'go' is a table");
        check_refused("a.count = 7", 1, "'a' is a table");
        check_refused("count.a = 7", 1, "'count' is a table");
        check_refused("count = { a = 7 }", 1, "like count = \"N\"");
        check_refused("fast = 1", 1, "fast = true or fast = false");
        check_refused("count = [7]", 1, "'count' takes text or a number");
        check_refused("count = true", 1, "'count' takes text or a number");
        check_refused("count = 1979-05-27", 1, "'count' takes text or a number");
        check_refused("\ncount = 300", 2, "300 is not in 0..=255");
        check_refused("count = 1\ncount = 2", 2, "not TOML: duplicate key");
        check_refused("count = \nfast = true", 1, "not TOML");
        check_refused("many-words = \"a\\u0000b\"", 1, "zero byte");
        check_refused("from = \"a\\u0000b\"", 1, "zero byte");
        check_refused("from = '--fast'", 1, "write ./--fast");
    }

    #[test]
    fn the_first_bad_line_is_the_one_that_is_named() {
        check_refused("fast = 1\n\ncount = 300", 1, "fast = true");
    }
}
