//! The configuration file that says what was typed: each key with the help of its flag. Pure.

use std::fmt::Write as _;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::file::{is_switch, keys, value_name};
use super::{exclude, is_given};

/// Comments are broken here.
const WIDTH: usize = 100;

/// The file for these matches of `command`: all keys, those that have no value as a comment.
#[must_use]
pub fn print(command: &Command, matches: &ArgMatches) -> String {
    let mut text = format!(
        "# livedir-publisher {} --config FILE: what is typed wins over this file\n",
        command.get_name()
    );
    for (key, arg) in keys(command) {
        let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
        text.push('\n');
        for (index, paragraph) in help.split("\n\n").enumerate() {
            text.push_str(if index > 0 { "#\n" } else { "" });
            for line in broken(paragraph) {
                let _ = writeln!(text, "# {line}");
            }
        }
        // A default beside a flag that excludes it would not be taken back.
        let is_excluded = matches.value_source(arg.get_id().as_str()) == Some(ValueSource::DefaultValue)
            && command.get_arguments().any(|other| is_given(matches, other) && exclude(command, arg, other));
        let _ = match value(arg, matches) {
            Some(value) if is_excluded => writeln!(text, "# {key} = {value}"),
            Some(value) => writeln!(text, "{key} = {value}"),
            None => writeln!(text, "# {key} = \"{}\"", value_name(arg)),
        };
    }
    text
}

fn value(arg: &Arg, matches: &ArgMatches) -> Option<String> {
    let id = arg.get_id().as_str();
    if is_switch(arg) {
        return Some(matches.get_flag(id).to_string());
    }
    // A path that is not UTF-8 cannot stand in TOML: it has to be typed again.
    let values = matches.get_raw(id)?.map(|value| value.to_str().map(toml)).collect::<Option<Vec<_>>>()?;
    match &values[..] {
        // Given without a value, as only such can be that need none.
        [] => Some("true".into()),
        [single] => Some(single.clone()),
        many => Some(format!("[{}]", many.join(", "))),
    }
}

/// A whole number that reads back as it stands, or a string.
fn toml(value: &str) -> String {
    match value.parse::<i64>() {
        Ok(number) if number.to_string() == value => value.to_owned(),
        _ => toml_edit::Value::from(value).to_string(),
    }
}

/// Text in lines of at most [`WIDTH`] letters, broken at spaces; longer words stay whole.
fn broken(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_back_as_they_were_typed() {
        for text in
            ["20", "-1", "007", "+5", "2.5M", "", "a\"b\\c", "line\nline", "'", "9223372036854775808", "Ü"]
        {
            let line = format!("key = {}", toml(text));
            let document = toml_edit::Document::parse(line.as_str()).unwrap();
            let value = document.as_table()["key"].as_value().unwrap();
            let read =
                value.as_str().map(str::to_owned).or(value.as_integer().map(|number| number.to_string()));
            assert_eq!(read.as_deref(), Some(text), "{line}");
        }
    }

    #[test]
    fn help_is_broken_into_lines() {
        let words = "seven letters ".repeat(20);
        let lines = broken(&words);
        assert!(lines.len() > 2 && lines.iter().all(|line| line.len() <= WIDTH), "{lines:?}");
        assert_eq!(lines.join(" "), words.trim());
    }
}
