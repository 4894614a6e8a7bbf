//! Topics: the long stories behind some flags, for `livedir-publisher help TOPIC`. Pure.
//!
//! In: the word behind `help`. Out: a text for people. Each is a file beside this one.

use clap::Command;

use crate::cli::config::nearest;

/// The topics, each with its text.
#[cfg(feature = "capture")]
pub const TOPICS: &[(&str, &str)] = &[
    ("camera", include_str!("camera.txt")),
    ("rtmp", include_str!("rtmp.txt")),
    ("srt", include_str!("srt.txt")),
    ("slate", include_str!("slate.txt")),
    ("ladder", include_str!("ladder.txt")),
    ("channels", include_str!("channels.txt")),
    ("low-latency", include_str!("low-latency.txt")),
];

/// The topics, each with its text.
#[cfg(not(feature = "capture"))]
pub const TOPICS: &[(&str, &str)] = &[("low-latency", include_str!("low-latency.txt"))];

/// The names of the topics in one line: `camera, rtmp, srt`.
#[must_use]
pub fn names() -> String {
    TOPICS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// What `help WORD` prints: the help of a command of `program`, or the text of a topic. The error says what there is.
pub fn help(program: &mut Command, word: Option<&str>) -> Result<String, String> {
    let Some(word) = word else { return Ok(program.render_long_help().to_string()) };
    if let Some((_, text)) = TOPICS.iter().find(|(name, _)| *name == word) {
        return Ok((*text).to_owned());
    }
    program.build();
    if let Some(command) = program.find_subcommand_mut(word).filter(|command| !command.is_hide_set()) {
        return Ok(command.render_long_help().to_string());
    }
    let shown = program.get_subcommands().filter(|command| !command.is_hide_set());
    let commands: Vec<&str> = shown.map(Command::get_name).collect();
    let all = commands.iter().copied().chain(TOPICS.iter().map(|(name, _)| *name));
    let meant = nearest(word, all).map(|meant| format!("; did you mean '{meant}'?")).unwrap_or_default();
    Err(format!("no help for '{word}'{meant} Commands: {}. Topics: {}", commands.join(", "), names()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::CommandLine;
    use clap::CommandFactory as _;

    #[track_caller]
    fn check(word: Option<&str>, expected: &str) {
        let answer = help(&mut CommandLine::command(), word);
        let text = answer.clone().unwrap_or_else(|error| error);
        assert!(text.contains(expected), "{text}");
        assert_eq!(answer.is_err(), expected.starts_with("no help"), "{text}");
    }

    #[test]
    fn commands_and_topics_have_help() {
        check(None, "Usage: livedir-publisher");
        check(Some("check"), "Usage: livedir-publisher check");
        check(Some("low-latency"), "ll.m3u8");
        #[cfg(feature = "capture")]
        check(Some("slate"), "--slate-text");
        check(Some("chekc"), "no help for 'chekc'; did you mean 'check'?");
        check(Some("quantum"), "no help for 'quantum'");
    }

    /// The flags and commands that a topic names are there.
    #[cfg(feature = "capture")]
    #[test]
    fn topics_name_flags_that_there_are() {
        let program = CommandLine::command();
        let flags: Vec<&str> = program
            .get_subcommands()
            .flat_map(Command::get_arguments)
            .filter_map(|arg| arg.get_long())
            .collect();
        for (name, text) in TOPICS {
            let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '-'));
            for flag in words.filter_map(|word| word.strip_prefix("--")) {
                assert!(flags.contains(&flag), "help {name}: --{flag}");
            }
            assert!(
                text.lines().all(|line| line.chars().count() <= 100),
                "help {name}: lines have 100 letters at most"
            );
        }
    }
}
