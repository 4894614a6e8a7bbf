//! Every command behind a prompt in README and in the pages of docs/, typed in a checkout of its own for each page.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::checkout::{Checkout, commands, documents, project, section_of};
use super::exceptions::{EXCEPTIONS, reason};
use crate::support::programs::{LiveStream, PATIENCE, Running};
use crate::support::wait_for;

/// What becomes of a command that is typed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Typed {
    /// It ends by itself.
    Returns,
    /// The same, and it streams for as long as its input lasts.
    Streams,
    /// The same, with a server at the address of the page.
    ReturnsBesideServer,
    /// It runs until it is stopped, and prints this first.
    RunsAndPrints(&'static str),
    /// Another test types it.
    Elsewhere,
}

/// The words of a command, without the comment behind it.
fn words(command: &str) -> &str {
    command.split_once(" #").map_or(command, |(words, _comment)| words).trim_end()
}

fn decide(document: &str, command: &str, checkout: &Checkout) -> Typed {
    let command = words(command);
    let has = |word: &str| command.split_whitespace().any(|it| it == word);
    if checkout.commands_of_the_configuration().iter().any(|it| it == command) {
        return Typed::Elsewhere;
    }
    if has("--follow") {
        return Typed::RunsAndPrints("seg-00000001.ts");
    }
    if has("watch") {
        return Typed::RunsAndPrints("watching");
    }
    if command.contains(" | livedir-publisher") || has("--fast") {
        return Typed::Streams;
    }
    if checkout.needs_server(command) && !has("livedir-server") {
        return Typed::ReturnsBesideServer;
    }
    match command.split_whitespace().next() {
        Some("livedir-server") if !has("--manual") => Typed::RunsAndPrints("http://"),
        Some(
            "cargo"
            | "just"
            | "ls"
            | "ldd"
            | "du"
            | "mkdir"
            | "sed"
            | "cp"
            | "ffmpeg"
            | "livedir-publisher"
            | "livedir-server"
            | "target/release/livedir-publisher",
        ) => Typed::Returns,
        _ => panic!("{document} has a command that no test types and that is no exception: {command}"),
    }
}

/// `cargo` and `just` themselves are tried by `just_live`. Here they stand for what `just` makes of its words. A stream is not
/// begun: the publisher reads its flags, all of which have to be there and to fit each other, and prints them.
pub(super) const STAND_INS: &str = "cargo() { :; }; just() { case $1 in
    live) shift; livedir-publisher live \"$@\";;
    *) livedir-publisher \"$@\";;
esac; }; livedir-publisher() { case \" $* \" in
    *' --print-config '*) command livedir-publisher \"$@\";;
    *' live --channels '*) command livedir-publisher \"$@\" --dry-run;;
    ' live '*) command livedir-publisher \"$@\" --print-config;;
    *) command livedir-publisher \"$@\";;
esac; }; ";

/// A camera of the Raspberry Pi, for three seconds.
const CAMERA_MODULE: &str = "rpicam-vid() { ffmpeg -v error -f lavfi -i testsrc2=size=320x240:rate=25 -t 3 -c:v libx264 -pix_fmt yuv420p \
     -bsf:v dump_extra -f h264 -; }; ";

/// A video file as people have them.
pub(super) fn make_movie(path: &Path, fps: &str, seconds: &str) {
    let picture = format!("testsrc2=size=320x240:rate={fps}");
    let inputs = ["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", "sine=sample_rate=48000"];
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error"])
        .args(inputs)
        .args(["-t", seconds, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", fps, "-c:a", "aac"])
        .arg(path)
        .status();
    assert!(made.expect("ffmpeg; run `just setup-tests`").success());
}

#[track_caller]
fn returns(document: &str, command: &str, mut running: Running) {
    let status = running.wait();
    assert!(status.success(), "{document}: {command}: {status}\n{}", running.output());
}

#[track_caller]
fn runs(document: &str, command: &str, mut running: Running, prints: &str) {
    wait_for(&format!("{prints} from {command} of {document}"), PATIENCE, || {
        assert!(running.still_runs(), "{document}: {command}:\n{}", running.output());
        running.output().contains(prints).then_some(())
    });
    let status = running.interrupt();
    assert!(status.success(), "{document}: {command}: {status}");
}

#[track_caller]
fn type_it(document: &str, command: &str, checkout: &Checkout) {
    let scratch = [("LIVEDIR_WEBROOT", "scratch")];
    // A server that is not told where to listen takes any port.
    let any_port = [("LIVEDIR_LISTEN", "127.0.0.1:0")];
    match decide(document, command, checkout) {
        Typed::Elsewhere => {}
        Typed::Returns => {
            returns(document, command, checkout.shell(&format!("{STAND_INS}{command}")));
        }
        Typed::Streams => {
            returns(document, command, checkout.shell_with(&format!("{CAMERA_MODULE}{command}"), &scratch));
        }
        Typed::ReturnsBesideServer => {
            let server = checkout.serve();
            returns(document, command, checkout.shell(&format!("{STAND_INS}{command}")));
            assert!(server.interrupt().success());
        }
        Typed::RunsAndPrints(what) => {
            let command = words(command);
            let of_server = command.starts_with("livedir-server") && !command.contains("--listen");
            let variables = if of_server { &any_port[..] } else { &[] };
            // In the place of the shell: the signal is for the program.
            runs(document, command, checkout.shell_with(&format!("exec {command}"), variables), what);
        }
    }
}

#[test]
fn every_command_of_readme_and_docs_can_be_typed() {
    let recorded = tempfile::tempdir().unwrap();
    let words = ["test", "--size", "160x120", "--segment-duration", "500ms", "--no-sound"];
    let mut stream = LiveStream::start(recorded.path(), &words);
    stream.wait_for_segment(6);
    assert!(stream.publisher.interrupt().success());
    let movie = recorded.path().join("movie.mp4");
    make_movie(&movie, "25", "4");
    let (mut typed, mut excused) = (0, 0);
    for document in documents() {
        let checkout = Checkout::new();
        checkout.put_stream(recorded.path());
        fs::copy(&movie, checkout.path().join("movie.mp4")).unwrap();
        let text = checkout.read(&document);
        // Those for production belong together: `production` types them.
        let production = if document == "README.md" {
            commands(section_of(&text, "## In production"))
        } else {
            Vec::new()
        };
        // As they stand there, and with directories and ports of this test.
        let original = commands(&fs::read_to_string(project().join(&document)).unwrap());
        for (original, command) in original.iter().zip(commands(&text)) {
            if reason(original).is_some() {
                excused += 1;
                continue;
            }
            typed += 1;
            if !production.contains(&command) {
                type_it(&document, &command, &checkout);
            }
        }
    }
    println!("{typed} commands typed, {excused} excused");
    assert!(typed > 70, "only {typed} were found: does this test still read them?");
}

#[test]
fn each_exception_is_one_of_a_command_that_is_there() {
    let text = |document: String| fs::read_to_string(project().join(document)).unwrap();
    let all: Vec<_> = documents().into_iter().flat_map(|document| commands(&text(document))).collect();
    for (begin, why) in EXCEPTIONS {
        assert!(
            all.iter().any(|command| command.starts_with(begin)),
            "nothing begins with '{begin}' ({why})"
        );
    }
}
