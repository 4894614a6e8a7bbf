//! Other people's programs, run to their end.

use std::process::Command;

/// Runs a program to its end; gives what it printed on standard output.
#[track_caller]
pub fn run(command: &mut Command) -> Vec<u8> {
    let name = command.get_program().to_string_lossy().into_owned();
    let ended = command
        .output()
        .unwrap_or_else(|error| panic!("cannot start {name}: {error}; run `just setup-tests`"));
    assert!(ended.status.success(), "{name} failed:\n{}", String::from_utf8_lossy(&ended.stderr));
    ended.stdout
}
