//! Surface: what scripts, dashboards and services of others hold on to, as a line each.
//!
//! In: a program's own description of its flags, documents in JSON, texts. Out: lines, for [`super::compare_lines`]. The tests of
//! both programs share this file.

use std::collections::BTreeSet;

use clap::{Arg, ArgAction, Command};
use serde_json::Value;

/// A line for each flag and each word of each command: what it is called, what it takes, its default, its variable.
pub fn flags(command: &Command, lines: &mut BTreeSet<String>) {
    let mut command = command.clone();
    command.build();
    flags_of(&command, lines);
}

fn flags_of(command: &Command, lines: &mut BTreeSet<String>) {
    let path = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
    lines.extend(command.get_arguments().map(|arg| format!("flag: {path} {}", flag(arg))));
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        lines.insert(format!("command: {path} {}", below.get_name()));
        flags_of(below, lines);
    }
}

fn flag(arg: &Arg) -> String {
    let mut words = Vec::new();
    words.extend(arg.get_short().map(|short| format!("-{short}")));
    words.extend(arg.get_long().map(|long| format!("--{long}")));
    let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    if takes_value {
        let names = arg.get_value_names().unwrap_or_default().iter().map(|name| format!("<{name}>"));
        words.push(names.collect::<Vec<_>>().join(" "));
    }
    if matches!(arg.get_action(), ArgAction::Append) {
        words.push("many".to_owned());
    }
    if takes_value && arg.get_num_args().is_some_and(|count| count.min_values() == 0) {
        words.push("may stand alone".to_owned());
    }
    let possible: Vec<String> = arg
        .get_possible_values()
        .iter()
        .map(|value| value.get_name_and_aliases().collect::<Vec<_>>().join("="))
        .collect();
    if takes_value && !possible.is_empty() {
        words.push(format!("one of {}", possible.join(" ")));
    }
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if takes_value && !defaults.is_empty() {
        words.push(format!("default {}", defaults.join(",")));
    }
    if arg.is_required_set() {
        words.push("required".to_owned());
    }
    words.extend(arg.get_env().map(|variable| format!("variable {}", variable.to_string_lossy())));
    words.join(" ")
}

/// A line for each field of a document, with the path to it and its type. Elements of a list are one.
pub fn fields(name: &str, value: &Value, lines: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "whole number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    lines.insert(format!("field: {name} {kind}"));
    match value {
        Value::Array(elements) => elements.iter().for_each(|it| fields(&format!("{name}[]"), it, lines)),
        Value::Object(members) => {
            members.iter().for_each(|(key, it)| fields(&format!("{name}.{key}"), it, lines));
        }
        _ => {}
    }
}

/// What a text says of exit statuses, from the word to the end of the sentence.
pub fn exit_statuses_in(name: &str, text: &str, lines: &mut BTreeSet<String>) {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let lower = flat.to_ascii_lowercase();
    for word in ["exit status", "exit code", "exits with", "ends with status"] {
        for (at, _) in lower.match_indices(word) {
            let rest = &flat[at..];
            let end = rest.find(". ").or_else(|| rest.find(" |")).unwrap_or(rest.len());
            let said: String = rest[..end].chars().take(160).collect();
            lines.insert(format!("exit status, said in {name}: {said}"));
        }
    }
}
