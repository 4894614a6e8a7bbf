//! `livedir-publisher inspect`, as a table of tests asks it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use livedir_inspect::model::inventory::Inventory;

use crate::support::programs::publisher;

/// How it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Without more.
    Once,
    /// `--follow`, up to the first picture that is complete.
    Follow,
}

/// What `--json` says.
#[track_caller]
pub fn look(how: Look, path: &Path) -> Inventory {
    let text = ask(how, path, &["--json"]).unwrap_or_else(|fault| panic!("{fault}"));
    let first = text.lines().next().expect("a document");
    serde_json::from_str(first).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// What `--json` says at one look.
#[track_caller]
pub fn inventory(path: &Path) -> Inventory {
    look(Look::Once, path)
}

/// What is drawn for people; the error says why nothing is.
pub fn drawn(how: Look, path: &Path) -> Result<String, String> {
    ask(how, path, &[])
}

fn ask(how: Look, path: &Path, words: &[&str]) -> Result<String, String> {
    let mut command = publisher();
    command.arg("inspect").arg(path).args(words);
    if how == Look::Once {
        let ended = command.output().expect("the program under test can be started");
        let complaints = String::from_utf8_lossy(&ended.stderr);
        return if ended.status.success() && complaints.is_empty() {
            Ok(String::from_utf8(ended.stdout).expect("UTF-8"))
        } else {
            Err(format!("{}: {complaints}", ended.status))
        };
    }
    command.arg("--follow").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program under test can be started");
    let text = first_picture(&mut child, words.contains(&"--json"));
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT)
        .unwrap();
    let status = child.wait().expect("it ends");
    let mut complaints = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaints).expect("UTF-8");
    if status.success() && complaints.is_empty() { Ok(text) } else { Err(format!("{status}: {complaints}")) }
}

/// A line of JSON; of a drawing all up to the line of the dates, which nearly ends it.
fn first_picture(child: &mut Child, is_json: bool) -> String {
    let mut out: BufReader<ChildStdout> = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    loop {
        let from = text.len();
        let is_over = out.read_line(&mut text).expect("UTF-8") == 0;
        if is_over || is_json || text[from..].starts_with("dates ") {
            // Nobody waits for a pipe that is full.
            std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
            return text;
        }
    }
}
