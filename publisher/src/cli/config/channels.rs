//! Channels: a file that names several streams of one program.
//!
//! In: the text. Out: for each channel the settings of `live`, and what is to be compared when the file is read again. What stands
//! above the first channel holds for all; a channel's own keys stand above that. In all values `{name}` is the channel's name.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{CommandFactory, FromArgMatches};
use toml_edit::{Document, Item, Table};

use super::file::{self, Problem, Setting};
use super::{ConfigError, exclude, text_of};
use crate::cli::args::{Command, CommandLine};
use crate::cli::settings::{LiveSettings, SettingsError};

/// Names of directories that the webroot has already, beside those of channels.
const TAKEN: [&str; 2] = ["live", "player"];

/// No file system takes more than 255 bytes, and a page has little room.
const LONGEST_NAME: usize = 64;

/// A stream of several.
#[derive(Debug, Clone)]
pub struct Channel {
    /// Its directory in the webroot.
    pub name: String,
    /// What it is to do.
    pub settings: LiveSettings,
    /// What would have to be typed for it: the same words are the same channel.
    pub words: Vec<OsString>,
}

/// What is wrong with a file of channels.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ChannelProblem {
    /// A line that no configuration has.
    #[error(transparent)]
    Line(#[from] Problem),
    /// There is none.
    #[error(
        "the file has no channel; add one: [[channel]], and below it name = \"stage\" and source = \"test\""
    )]
    None,
    /// A table that means nothing here.
    #[error(
        "'{0}' is no table of this file; a channel begins with [[channel]], keys of encoders stand below [keys]"
    )]
    Table(String),
    /// A channel is called by its name.
    #[error("the channel has no name; add name = \"stage\"")]
    NoName,
    /// It becomes a directory, and a part of addresses.
    #[error(
        "'{0}' cannot name a channel; take up to 64 letters, digits, - and _, beginning with a letter or digit"
    )]
    Name(String),
    /// The webroot has something else there.
    #[error("'{0}' is a directory of the webroot that has something else; take another name")]
    Taken(String),
    /// Some file systems take them for the same.
    #[error("there are two channels '{0}'; take another name for one of them")]
    Twice(String),
    /// All are in one.
    #[error(
        "a channel has the directory of its name; write webroot above the first [[channel]], or leave it out"
    )]
    Webroot,
    /// What encoders say.
    #[error("'{0}' is no key; take letters, digits, - and _, like key = \"s3cret\"")]
    Key(String),
    /// Nobody says it there.
    #[error(
        "'key' is for encoders that push by RTMP; write source = \"rtmp://0.0.0.0:1935/live/{{name}}\", or leave key out"
    )]
    KeyOfNobody,
    /// The channels below it have no source of their own.
    #[error(
        "[keys] needs a source for all; write source = \"rtmp://0.0.0.0:1935/live/{{name}}\" above the first table"
    )]
    KeysWithoutSource,
    /// What the flags of `live` say.
    #[error("channel '{name}': {problem}")]
    Settings {
        /// The channel.
        name: String,
        /// What is wrong with it.
        problem: SettingsError,
    },
    /// Keys that do not go together.
    #[error("channel '{name}': {problem}")]
    Together {
        /// The channel.
        name: String,
        /// In clap's words.
        problem: String,
    },
}

type AtLine<T> = Result<T, (usize, ChannelProblem)>;

/// The channels of a file; their directories are in `webroot`, or where the file says.
pub fn read(path: &Path, webroot: Option<&Path>) -> Result<Vec<Channel>, ConfigError> {
    let text = text_of(path)?;
    channels(&text, webroot).map_err(|(line, problem)| ConfigError::Channel {
        path: path.to_owned(),
        line,
        problem,
    })
}

/// One table of the file, or one line of `[keys]`.
struct Written {
    line: usize,
    name: String,
    key: Option<String>,
    settings: Vec<Setting>,
}

fn channels(text: &str, webroot: Option<&Path>) -> AtLine<Vec<Channel>> {
    let document = Document::parse(text).map_err(|error| file::syntax(text, &error))?;
    let mut program = CommandLine::command();
    program.build();
    let reader = Reader { text, program };
    let general = reader.settings(document.as_table(), &["channel", "keys"])?;
    let mut written = Vec::new();
    for (key, item) in document.as_table() {
        match (key, item) {
            ("channel", Item::ArrayOfTables(tables)) => {
                for table in tables {
                    written.push(reader.channel(table)?);
                }
            }
            ("keys", Item::Table(keys)) => {
                if !general.iter().any(|setting| setting.id == "source") {
                    return Err((reader.line(document.as_table(), key), ChannelProblem::KeysWithoutSource));
                }
                for (name, item) in keys {
                    let key = item.as_str().map(str::to_owned);
                    let line = reader.line(keys, name);
                    let wrong = || ChannelProblem::Key(item.to_string().trim().to_owned());
                    let key = Some(key.ok_or_else(|| (line, wrong()))?);
                    written.push(Written { line, name: name.to_owned(), key, settings: Vec::new() });
                }
            }
            ("channel" | "keys", _) => {
                return Err((reader.line(document.as_table(), key), ChannelProblem::Table(key.to_owned())));
            }
            _ => {}
        }
    }
    if written.is_empty() {
        return Err((1, ChannelProblem::None));
    }
    let mut names = Vec::new();
    let mut made = Vec::new();
    for one in written {
        let line = one.line;
        check_name(&one.name, &mut names).map_err(|problem| (line, problem))?;
        made.push(reader.made(one, &general, webroot).map_err(|problem| (line, problem))?);
    }
    Ok(made)
}

/// Reads tables of one text.
struct Reader<'a> {
    text: &'a str,
    program: clap::Command,
}

impl Reader<'_> {
    fn settings(&self, table: &Table, but: &[&str]) -> AtLine<Vec<Setting>> {
        file::settings_of(table, self.text, &self.program, "live", but)
            .map_err(|(line, problem)| (line, ChannelProblem::from(problem)))
    }

    fn line(&self, table: &Table, key: &str) -> usize {
        file::line_of_key(table, key, self.text)
    }

    fn channel(&self, table: &Table) -> AtLine<Written> {
        let line = file::line_of(self.text.as_bytes(), table.span().map_or(0, |span| span.start));
        let text_of = |key: &str| -> AtLine<Option<String>> {
            let Some(item) = table.get(key) else { return Ok(None) };
            let wrong = || (self.line(table, key), ChannelProblem::Name(item.to_string().trim().to_owned()));
            item.as_str().map(|text| Some(text.to_owned())).ok_or_else(wrong)
        };
        let name = text_of("name")?.ok_or((line, ChannelProblem::NoName))?;
        let key = text_of("key")?;
        if table.contains_key("webroot") {
            return Err((self.line(table, "webroot"), ChannelProblem::Webroot));
        }
        Ok(Written { line, name, key, settings: self.settings(table, &["name", "key"])? })
    }

    /// The channel, with what holds for all.
    fn made(
        &self,
        written: Written,
        general: &[Setting],
        webroot: Option<&Path>,
    ) -> Result<Channel, ChannelProblem> {
        let Written { name, key, settings: own, .. } = written;
        let live = self.program.find_subcommand("live").unwrap_or(&self.program);
        let argument = |setting: &Setting| live.get_arguments().find(|arg| arg.get_id() == &setting.id);
        let is_overruled = |setting: &Setting| {
            own.iter().any(|own| {
                let both = argument(own).zip(argument(setting));
                own.id == setting.id || both.is_some_and(|(own, setting)| exclude(live, own, setting))
            })
        };
        let all = general.iter().filter(|setting| !is_overruled(setting)).chain(&own);
        let mut words: Vec<OsString> = vec!["livedir-publisher".into(), "live".into()];
        for setting in all {
            let named = setting.words.iter().map(|word| with_name(word, &name));
            match &key {
                Some(key) if setting.id == "source" => {
                    words.extend(named.map(|word| with_key(&word, key)).collect::<Result<Vec<_>, _>>()?);
                }
                _ => words.extend(named),
            }
        }
        if key.is_some() && !general.iter().chain(&own).any(|setting| setting.id == "source") {
            return Err(ChannelProblem::KeyOfNobody);
        }
        let together = |error: &clap::Error| ChannelProblem::Together {
            name: name.clone(),
            problem: file::in_one_line(error),
        };
        let matches = self.program.clone().try_get_matches_from(&words).map_err(|error| together(&error))?;
        let command = CommandLine::from_arg_matches(&matches).map_err(|error| together(&error))?.command;
        let Command::Live(mut args) = command else { return Err(ChannelProblem::None) };
        args.webroot = webroot.map_or(args.webroot, PathBuf::from).join(&name);
        if args.title.is_none() {
            args.title = Some(name.clone());
        }
        let settings = LiveSettings::try_from(*args)
            .map_err(|problem| ChannelProblem::Settings { name: name.clone(), problem })?;
        Ok(Channel { name, settings: LiveSettings { is_channel: true, ..settings }, words })
    }
}

fn check_name(name: &str, names: &mut Vec<String>) -> Result<(), ChannelProblem> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let begins_well = name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric());
    if !begins_well || name.len() > LONGEST_NAME || !name.bytes().all(is_plain) {
        return Err(ChannelProblem::Name(name.to_owned()));
    }
    let alike = name.to_ascii_lowercase();
    if TAKEN.contains(&&*alike) {
        return Err(ChannelProblem::Taken(name.to_owned()));
    }
    if names.contains(&alike) {
        return Err(ChannelProblem::Twice(name.to_owned()));
    }
    names.push(alike);
    Ok(())
}

/// What is not UTF-8 names no channel.
fn with_name(word: &OsString, name: &str) -> OsString {
    word.to_str().map_or_else(|| word.clone(), |text| text.replace("{name}", name).into())
}

/// The address that encoders with this key push to: wherever it is, we wait there.
fn with_key(address: &OsStr, key: &str) -> Result<OsString, ChannelProblem> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if key.is_empty() || !key.bytes().all(is_plain) {
        return Err(ChannelProblem::Key(key.to_owned()));
    }
    let text = address.to_str().filter(|text| text.starts_with("rtmp://"));
    let Some(text) = text else { return Err(ChannelProblem::KeyOfNobody) };
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let mark = if query.is_empty() { "" } else { "&" };
    let waits = query.split('&').any(|setting| setting.starts_with("listen="));
    let listen = if waits { String::new() } else { format!("{mark}listen=1") };
    Ok(format!("{}/{key}?{query}{listen}", path.trim_end_matches('/')).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &[&str])]) {
        let made = channels(text, None).unwrap_or_else(|(line, problem)| panic!("{line}: {problem}"));
        let made: Vec<_> = made.iter().map(|it| (it.name.as_str(), it.words[2..].to_vec())).collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(name, words)| (*name, words.iter().map(OsString::from).collect()))
            .collect();
        assert_eq!(made, expected);
    }

    #[track_caller]
    fn check_refused(text: &str, expected_line: usize, expected: &str) {
        let (line, problem) = channels(text, None).expect_err("it is refused");
        assert!(problem.to_string().contains(expected), "{problem}");
        assert!(!problem.to_string().contains('\n'), "{problem}");
        assert_eq!(line, expected_line, "{problem}");
    }

    #[test]
    fn a_channel_has_its_own_keys_and_those_of_all() {
        check(
            "low-latency = true\nfps = 25\n[[channel]]\nname = 'a'\nsource = 'test'\n[[channel]]\nname = 'b'\nsource = 'x.mp4'\nfps = 30\ncopy = 'auto'",
            &[
                ("a", &["--low-latency", "--fps=25", "test"]),
                ("b", &["--low-latency", "x.mp4", "--fps=30", "--copy=auto"]),
            ],
        );
    }

    #[test]
    fn an_encoder_is_one_line_with_its_key() {
        check(
            "source = 'rtmp://0.0.0.0:1935/live/{name}'\ntitle = 'Hall {name}'\n[keys]\none = 'k1'\ntwo = 'k2'",
            &[
                ("one", &["rtmp://0.0.0.0:1935/live/one/k1?listen=1", "--title=Hall one"]),
                ("two", &["rtmp://0.0.0.0:1935/live/two/k2?listen=1", "--title=Hall two"]),
            ],
        );
        check(
            "[[channel]]\nname = 'a'\nkey = 'k'\nsource = 'rtmp://127.0.0.1:1935/{name}?listen=1'",
            &[("a", &["rtmp://127.0.0.1:1935/a/k?listen=1"])],
        );
    }

    #[test]
    fn each_has_a_directory_of_its_name() {
        let text = "webroot = 'w'\n[[channel]]\nname = 'a'\nsource = 'test'";
        let made = |webroot: Option<&Path>| channels(text, webroot).expect("a channel")[0].settings.clone();
        assert_eq!(made(None).webroot, Path::new("w/a"));
        assert_eq!(made(Some(Path::new("typed"))).webroot, Path::new("typed/a"));
        assert_eq!(made(None).title.as_deref(), Some("a"));
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_line_and_the_remedy() {
        check_refused("", 1, "add one: [[channel]]");
        check_refused("fps = 25", 1, "add one: [[channel]]");
        check_refused("\nfsp = 25\n[[channel]]\nname = 'a'", 2, "did you mean 'fps'?");
        check_refused("[[channel]]\nname = 'a'\nfsp = 25", 3, "did you mean 'fps'?");
        check_refused("[[channel]]\nsource = 'test'", 1, "add name =");
        check_refused("[channel]\nname = 'a'", 1, "begins with [[channel]]");
        check_refused("[chanel]\nname = 'a'", 1, "'chanel' is a table");
        check_refused("[[channel]]\nname = 'a b'\nsource = 'test'", 1, "take up to 64 letters");
        check_refused("[[channel]]\nname = '../a'\nsource = 'test'", 1, "take up to 64 letters");
        check_refused("[[channel]]\nname = 7\nsource = 'test'", 2, "take up to 64 letters");
        check_refused("[[channel]]\nname = 'Live'\nsource = 'test'", 1, "take another name");
        check_refused(
            "[[channel]]\nname = 'a'\nsource = 'test'\n[[channel]]\nname = 'A'\nsource = 'test'",
            4,
            "two channels 'A'",
        );
        check_refused("[[channel]]\nname = 'a'\nwebroot = 'x'", 3, "directory of its name");
        check_refused("[[channel]]\nname = 'a'\nkey = 'k'\nsource = 'test'", 1, "leave key out");
        check_refused("[[channel]]\nname = 'a'\nkey = 'k'", 1, "leave key out");
        check_refused("[[channel]]\nname = 'a'\nkey = 'a/b'\nsource = 'rtmp://0.0.0.0/x'", 1, "like key = ");
        check_refused("[keys]\na = 'k'", 1, "[keys] needs a source");
        check_refused("source = 'rtmp://0.0.0.0/{name}'\n[keys]\na = 7", 3, "'7' is no key");
        check_refused("[[channel]]\nname = 'a'\nsource = 'test'\nloop = true", 1, "channel 'a': --loop");
    }
}
