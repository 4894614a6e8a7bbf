//! Man pages and shell completions, made from clap's description of a program, so that they never differ from `--help`; and words as a
//! shell takes them.
//!
//! In: the description, and a directory like `/usr/local/share`. Out: files where `man` and the shells look for them.

use clap::Command;
use clap_complete::Shell;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Where the shells look for completions, below a directory like `/usr/local/share`.
const COMPLETIONS: [(Shell, &str); 3] = [
    (Shell::Bash, "bash-completion/completions"),
    (Shell::Fish, "fish/vendor_completions.d"),
    (Shell::Zsh, "zsh/site-functions"),
];

/// Besides letters and digits, what no shell takes for something else.
const PLAIN: &str = "_./:@%+=,-";

/// A word in quotes where a shell needs them: as it can be typed.
#[must_use]
pub fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || PLAIN.contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Why there is no manual.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to {}: {source}; name a directory that you may write to", share.display())]
pub struct ManualError {
    /// The directory that was named.
    share: PathBuf,
    /// What the system said.
    source: io::Error,
}

/// Writes the man pages of the program and of its commands, and its completions for bash, fish and zsh. Gives the names of the files,
/// one on each line.
pub fn write(program: &Command, share: &Path) -> Result<String, ManualError> {
    let files = files(program, share).map_err(|source| ManualError { share: share.to_owned(), source })?;
    Ok(files.iter().map(|file| file.display().to_string() + "\n").collect())
}

fn files(program: &Command, share: &Path) -> io::Result<Vec<PathBuf>> {
    let mut program = program.clone().disable_help_subcommand(true);
    program.build();
    let pages = share.join("man/man1");
    fs::create_dir_all(&pages)?;
    clap_mangen::generate_to(program.clone(), &pages)?;
    let shown = program.get_subcommands().filter(|command| !command.is_hide_set());
    let names = std::iter::once(&program)
        .chain(shown)
        .map(|command| command.get_display_name().unwrap_or(command.get_name()));
    let mut files: Vec<_> = names.map(|name| pages.join(format!("{name}.1"))).collect();
    let name = program.get_name().to_owned();
    for (shell, directory) in COMPLETIONS {
        let directory = share.join(directory);
        fs::create_dir_all(&directory)?;
        let file = clap_complete::generate_to(shell, &mut program, &name, directory)?;
        if shell == Shell::Bash {
            // clap_complete 4.6.11 separates the words of a program's name in two ways, and finds no flags of its commands.
            let (wrong, right) = (name.replace('-', "__subcmd__"), name.replace('-', "__"));
            fs::write(&file, fs::read_to_string(&file)?.replace(&wrong, &right))?;
        }
        files.push(file);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Arg;

    #[test]
    fn a_program_and_its_commands_have_pages_and_completions() {
        let share = tempfile::tempdir().expect("temp dir");
        let flag = Arg::new("fps").long("fps").help("Frame rate").help_heading("Picture");
        let live = Command::new("live").about("Stream a camera").arg(flag);
        let hidden = Command::new("secret").hide(true);
        let program =
            Command::new("program").about("Streams").version("1").subcommand(live).subcommand(hidden);
        let files = super::files(&program, share.path()).expect("written");
        let names: Vec<_> = files
            .iter()
            .map(|file| file.strip_prefix(share.path()).expect("below").display().to_string())
            .collect();
        assert_eq!(
            names,
            [
                "man/man1/program.1",
                "man/man1/program-live.1",
                "bash-completion/completions/program.bash",
                "fish/vendor_completions.d/program.fish",
                "zsh/site-functions/_program"
            ]
        );
        let page = fs::read_to_string(&files[1]).expect("a page");
        for part in ["program\\-live", "Stream a camera", "\\-\\-fps", "Frame rate"] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }
}
