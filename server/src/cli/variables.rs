//! Variables of the environment that begin as ours do and mean nothing. Pure.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};

use clap::{Arg, Command};

/// What all of them begin with.
const PREFIX: &str = "LIVEDIR_";

/// Of so many letters one may be wrong.
const LETTERS_FOR_EACH_MISTAKE: usize = 4;

/// Those of livedir-publisher and of the justfile, which may stand in the same environment.
const OTHERS: [&str; 47] = [
    "LIVEDIR_ALL",
    "LIVEDIR_AUDIO_BITRATE",
    "LIVEDIR_AUDIO_TRACK",
    "LIVEDIR_BITRATE",
    "LIVEDIR_CHANNELS",
    "LIVEDIR_CLOCK",
    "LIVEDIR_CODEC",
    "LIVEDIR_CONFIG",
    "LIVEDIR_COPY",
    "LIVEDIR_DEINTERLACE",
    "LIVEDIR_ENCODER",
    "LIVEDIR_END_AFTER",
    "LIVEDIR_FAST",
    "LIVEDIR_FILTER",
    "LIVEDIR_FOLLOW",
    "LIVEDIR_FOR",
    "LIVEDIR_FPS",
    "LIVEDIR_INPUT_FPS",
    "LIVEDIR_JSON",
    "LIVEDIR_JUNIT",
    "LIVEDIR_KEEP",
    "LIVEDIR_LADDER",
    "LIVEDIR_LOOP",
    "LIVEDIR_LOW_LATENCY",
    "LIVEDIR_MIC",
    "LIVEDIR_MIRROR",
    "LIVEDIR_NO_SLATE",
    "LIVEDIR_NO_SOUND",
    "LIVEDIR_NO_VIDEO",
    "LIVEDIR_PART_DURATION",
    "LIVEDIR_PICTURE",
    "LIVEDIR_PORT",
    "LIVEDIR_RESUME_LATER",
    "LIVEDIR_ROTATE",
    "LIVEDIR_ROWS",
    "LIVEDIR_SEGMENT_DURATION",
    "LIVEDIR_SIZE",
    "LIVEDIR_SLATE",
    "LIVEDIR_SLATE_AFTER",
    "LIVEDIR_SLATE_TEXT",
    "LIVEDIR_SOURCE",
    "LIVEDIR_SUBJECT",
    "LIVEDIR_TAKEOVER",
    "LIVEDIR_TARGET_DURATION",
    "LIVEDIR_TEXT",
    "LIVEDIR_TITLE",
    "LIVEDIR_WINDOW",
];

/// Whether livedir-publisher has the flag of this name, which stands without its dashes.
pub(super) fn is_of_publisher(flag: &str) -> bool {
    let variable = format!("{PREFIX}{}", flag.to_uppercase().replace('-', "_"));
    OTHERS.contains(&variable.as_str())
}

/// A line for each variable that has our prefix and means nothing.
#[must_use]
pub fn unknown(names: impl IntoIterator<Item = OsString>, program: &Command) -> Vec<String> {
    let of_flags = program.get_arguments().filter_map(Arg::get_env).filter_map(OsStr::to_str);
    let known: BTreeSet<&str> = of_flags.chain(OTHERS).collect();
    let names: BTreeSet<String> = names.into_iter().filter_map(|name| name.into_string().ok()).collect();
    let unknown = names.iter().filter(|name| name.starts_with(PREFIX) && !known.contains(name.as_str()));
    let line = |name: &String| {
        let remedy = match nearest(name, &known) {
            Some(meant) => format!("did you mean {meant}?"),
            None => "`livedir-server --help` lists them".to_owned(),
        };
        format!("unknown variable {name}; {remedy}")
    };
    unknown.map(line).collect()
}

/// The one that is the fewest mistakes away, if these are few; two letters that have changed places are one.
fn nearest<'a>(typed: &str, known: &BTreeSet<&'a str>) -> Option<&'a str> {
    let typed = &typed[PREFIX.len()..];
    let ranked = known.iter().filter_map(|name| {
        let meant = &name[PREFIX.len()..];
        let mistakes = strsim::osa_distance(typed, meant);
        let length = typed.chars().count().max(meant.len());
        let likeness = (strsim::jaro_winkler(typed, meant) * 1e6) as u32;
        (mistakes <= length.div_ceil(LETTERS_FOR_EACH_MISTAKE)).then_some((
            mistakes,
            Reverse(likeness),
            *name,
        ))
    });
    ranked.min().map(|(_, _, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Args;
    use clap::{ArgAction, CommandFactory};

    #[track_caller]
    fn check(name: &str, expected: Option<&str>) {
        let lines = unknown([OsString::from(name)], &Args::command());
        assert_eq!(lines.len(), usize::from(expected.is_some()), "{lines:?}");
        assert!(expected.is_none_or(|expected| lines[0].contains(expected)), "{lines:?}");
    }

    #[test]
    fn a_misspelt_variable_is_told_with_the_one_that_was_meant() {
        check("LIVEDIR_LISETN", Some("unknown variable LIVEDIR_LISETN; did you mean LIVEDIR_LISTEN?"));
        check("LIVEDIR_FSP", Some("did you mean LIVEDIR_FPS?"));
        check("LIVEDIR_QQQQQQ", Some("`livedir-server --help`"));
        for name in ["LIVEDIR_LISTEN", "LIVEDIR_FPS", "LIVEDIR_PORT", "PATH"] {
            check(name, None);
        }
    }

    #[test]
    fn every_flag_can_be_a_variable_and_every_switch_takes_the_same_words() {
        let command = Args::command();
        // `--manual` is about a single run.
        for arg in command.get_arguments().filter(|arg| arg.get_id() != "manual") {
            let id = arg.get_id().as_str();
            let expected = format!("{PREFIX}{}", id.to_uppercase());
            assert_eq!(arg.get_env().and_then(OsStr::to_str), Some(&*expected), "{id}");
            if !matches!(arg.get_action(), ArgAction::SetTrue) {
                continue;
            }
            for (word, expected) in
                [("1", true), ("Yes", true), ("TRUE", true), ("0", false), ("no", false), ("False", false)]
            {
                let alone = Arg::new("it").long("it").value_parser(arg.get_value_parser().clone());
                let matches =
                    Command::new("one").arg(alone).try_get_matches_from(["one", &format!("--it={word}")]);
                assert_eq!(matches.unwrap().get_one("it"), Some(&expected), "{id}: {word}");
            }
        }
    }
}
