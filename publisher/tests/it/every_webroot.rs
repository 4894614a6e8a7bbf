//! Every command on every kind of webroot that the programs make. Each webroot is made once, of a short
//! stream; a healthy one is called so by every command.

mod channels;
mod kinds;
mod looks;
mod spoiled;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use kinds::{End, KINDS, Webroot, WebrootKind, copy, film};
use livedir_inspect::model::inventory::{Inventory, State};
use looks::{Look, drawn, inventory, look};

use crate::support::check::check;
use crate::support::programs::{PATIENCE, Running, publisher};
use crate::support::wait_for;

/// What no command says of a healthy stream.
const NEVER_SAID: [&str; 6] =
    ["refused", "unknown size", "cannot be read", "listed, and missing", "without a file", "passed over"];

/// Webroots that are made and looked at side by side: other tests stream beside this one.
const AT_A_TIME: usize = 3;

/// What comes before a remark.
const REMARK: &str = "└";

/// What is said of the last segment after its writer was killed.
const LEFT_UNFINISHED: &str = "its parts are all that is there, and no more of them come";

#[test]
fn every_command_calls_every_healthy_webroot_healthy() {
    let directory = tempfile::tempdir().unwrap();
    let film = film(directory.path());
    let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(kind) = KINDS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = faults_of_kind(*kind, &film);
                    faults.lock().unwrap().extend(found);
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

fn faults_of_kind(kind: WebrootKind, film: &Path) -> Vec<String> {
    let mut webroot = Webroot::start(kind, film);
    webroot.wait();
    let mut faults = try_every_command(&webroot);
    match kind.name {
        "parts, killed" => faults.extend(spoiled::try_all(&webroot)),
        "ended" => faults.extend(channels::try_all(&webroot)),
        _ => {}
    }
    if !faults.is_empty() {
        faults.push(format!("the writer of {} said:\n{}", kind.name, webroot.said()));
    }
    faults
}

/// Gives what is wrong.
fn try_every_command(webroot: &Webroot) -> Vec<String> {
    let kind = webroot.kind;
    let mut faults = Vec::new();
    let mut rows = |command: &str, fault: Option<String>| {
        faults.extend(fault.map(|fault| format!("{}, {command}: {fault}", kind.name)));
    };
    for playlist in webroot.media_playlists() {
        let shown = playlist.strip_prefix(webroot.path()).unwrap().display().to_string();
        for how in [Look::Once, Look::Follow] {
            rows(
                &format!("inspect {shown} --json {how:?}"),
                until_healthy(kind, || fault_of(kind, &look(how, &playlist))),
            );
            rows(&format!("inspect {shown} {how:?}"), fault_of_drawing(&drawn(how, &playlist)));
        }
        rows(&format!("check {shown}"), fault_of_check(kind, &playlist, &[]));
        rows(&format!("check {shown} --for"), fault_of_check(kind, &playlist, &["--for", "1s"]));
        for which in 0..one_of_each(&playlist).len() {
            rows(
                &format!("inspect a file of {shown}"),
                until_healthy(kind, || {
                    fault_of_drawing(&drawn(Look::Once, one_of_each(&playlist).get(which)?))
                }),
            );
        }
    }
    for directory in ["", "live"] {
        let path = webroot.path().join(directory);
        for how in [Look::Once, Look::Follow] {
            rows(&format!("inspect {directory}/ {how:?}"), fault_of_drawing(&drawn(how, &path)));
        }
        rows(
            &format!("inspect {directory}/ --json"),
            until_healthy(kind, || fault_of_variants(kind, &look(Look::Once, &path))),
        );
    }
    rows("check", fault_of_check(kind, webroot.path(), &[]));
    if kind.has_parts {
        let list = webroot.path().join("ll.m3u8");
        rows("inspect ll.m3u8", fault_of_drawing(&drawn(Look::Once, &list)));
        rows("check ll.m3u8", fault_of_check(kind, &list, &[]));
    }
    rows("status", fault_of_status(kind, webroot.path()));
    if kind.end != End::Running {
        rows("watch", fault_of_watch(kind, webroot));
    }
    faults
}

/// Looks again where a stream goes on: its newest segment may just have been complete, and a file be deleted.
fn until_healthy(kind: WebrootKind, look: impl Fn() -> Option<String>) -> Option<String> {
    let looks = if kind.end == End::Running { 20 } else { 1 };
    let mut fault = None;
    for _ in 0..looks {
        fault = look();
        let may_pass = |fault: &String| FOR_A_MOMENT.iter().any(|words| fault.contains(words));
        if !fault.as_ref().is_some_and(may_pass) {
            break;
        }
    }
    fault
}

/// What is wrong with what is said of a directory and the playlists of its ladder.
fn fault_of_variants(kind: WebrootKind, all: &Inventory) -> Option<String> {
    let wants = if kind.playlists.len() == 1 { 0 } else { 3 };
    let of_each = all.variants.iter().filter_map(|variant| {
        let inside = variant.inventory.as_deref().expect("its playlist is there");
        let fault = fault_of(kind, inside).or_else(|| differs("remarks", &variant.odd[..], &[]))?;
        Some(format!("{:?}: {fault}", variant.uri))
    });
    differs("playlists", all.variants.len(), wants).or_else(|| of_each.reduce(|all, next| all + "; " + &next))
}

const NOTHING_GROWS: &str = "the newest segment does not grow";
const FOR_A_MOMENT: [&str; 2] = [NOTHING_GROWS, "No such file or directory"];

/// What is wrong with what is said of a healthy media playlist.
fn fault_of(kind: WebrootKind, seen: &Inventory) -> Option<String> {
    let rows = &seen.segments;
    let Some(playlist) = &seen.playlist else { return Some("no playlist".to_owned()) };
    // A machine that is too busy to film breaks the timeline: then the list says so.
    let is_told = playlist.discontinuities > 0;
    for (index, row) in rows.iter().enumerate() {
        let is_last = kind.end == End::Killed && index + 1 == rows.len();
        let odd = row.odd.iter().any(|odd| !is_last || odd != LEFT_UNFINISHED);
        let is_broken = row.discontinuity.is_some() && row.state == State::Listed && !is_told;
        if row.problem.is_some() || is_broken || odd {
            return Some(format!("{row:?}"));
        }
        if row.state == State::BeingWritten && row.discontinuity.is_some() {
            return Some(NOTHING_GROWS.to_owned());
        }
    }
    let numbers: Vec<_> = rows.iter().filter_map(|row| row.media_sequence).collect();
    let run_on = numbers.len() == rows.len() && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1);
    if !run_on {
        return Some(format!(
            "{:?}",
            rows.iter().map(|row| (&row.file, row.media_sequence)).collect::<Vec<_>>()
        ));
    }
    let listed = rows.iter().filter(|row| row.state == State::Listed).count() as u64;
    let growing = rows.iter().filter(|row| row.state == State::BeingWritten).count();
    let is_ladder = kind.playlists.len() > 1;
    let is_sound = rows.iter().all(|row| row.frames.is_none());
    let pictures =
        seen.media.video.as_ref().is_some_and(|video| video.codec.is_some() && video.width.is_some());
    let parts = rows.iter().map(|row| row.parts).sum::<u64>();
    let last = rows.last().map_or(0, |row| row.parts);
    let first_fault = [
        differs("rows that are listed", listed, playlist.segments),
        differs("segments in the list", playlist.problem.as_deref(), None),
        differs("files missing", playlist.segments_missing, 0),
        differs("whether it has ended", playlist.ended, kind.end == End::Ended),
        differs("pictures that are described", pictures, !is_sound),
        differs("sound", seen.media.audio.is_some(), is_sound || (!is_ladder && kind.name != "no sound")),
        differs("whether there are parts", parts > 0 && seen.disk.parts >= parts, kind.has_parts),
        differs("status", seen.status.as_ref().and_then(|it| it.state.as_deref()), Some(state(kind))),
    ];
    let fault = first_fault.into_iter().flatten().next();
    let grows = kind.end == End::Running && kind.has_parts;
    fault.or_else(|| (grows && !(growing == 1 && last > 0)).then(|| NOTHING_GROWS.to_owned()))
}

fn state(kind: WebrootKind) -> &'static str {
    if kind.end == End::Ended { "ended" } else { "live" }
}

fn differs<T: Copy + PartialEq + std::fmt::Debug>(what: &str, is: T, wants: T) -> Option<String> {
    (is != wants).then(|| format!("{what}: {is:?}, not {wants:?}"))
}

fn fault_of_drawing(drawn: &Result<String, String>) -> Option<String> {
    match drawn {
        Err(fault) => Some(fault.clone()),
        Ok(text) => {
            let said = NEVER_SAID.iter().find(|words| text.contains(**words)).copied();
            let is_remark = |line: &&str| line.contains(REMARK) && !line.contains(LEFT_UNFINISHED);
            let said = said.or_else(|| text.lines().find(is_remark))?;
            Some(format!("says {said:?}:\n{text}"))
        }
    }
}

/// Of a stream that stands still it may say that it is late, when it is asked to wait.
fn fault_of_check(kind: WebrootKind, subject: &Path, words: &[&str]) -> Option<String> {
    let all: Vec<_> =
        [subject.as_os_str()].into_iter().chain(words.iter().map(std::ffi::OsStr::new)).collect();
    let checked = check(&all);
    let mut rules = checked.rules();
    let is_late = |rule: &&str| ["part-late", "update-late"].contains(rule);
    let late = rules.iter().filter(|rule| is_late(rule)).count();
    rules.retain(|rule| !is_late(rule) && !kind.known.contains(rule));
    let may_be_late = words.is_empty() || kind.end != End::Ended;
    let is_status_right = checked.status == i32::from(late > 0 || !kind.known.is_empty());
    // Of a webroot also its list for low latency, and each of a ladder's.
    let is_webroot = subject.is_dir() && words.is_empty();
    let of_each = if kind.playlists.len() > 1 { kind.playlists.len() as u64 + 1 } else { 1 };
    let lists = if kind.has_parts { 2 * of_each } else { of_each };
    let looked = checked.count("segments") > 0 && (!is_webroot || checked.count("playlists") == lists);
    let is_right = rules.is_empty() && (late == 0 || may_be_late) && is_status_right && looked;
    (!is_right).then(|| format!("{checked:#?}"))
}

fn fault_of_status(kind: WebrootKind, webroot: &Path) -> Option<String> {
    let text = std::fs::read_to_string(webroot.join("status.json")).unwrap_or_default();
    let status: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    differs("state", status["state"].as_str(), Some(state(kind)))
        .or_else(|| differs("refused", status["segments_refused"].as_u64(), Some(0)))
}

/// `watch` takes over a copy and leaves it healthy.
fn fault_of_watch(kind: WebrootKind, webroot: &Webroot) -> Option<String> {
    let directory = tempfile::tempdir().unwrap();
    copy(webroot.path(), directory.path());
    let mut command = publisher();
    command.arg("watch").arg(directory.path());
    if kind.has_parts {
        command.arg("--low-latency");
    }
    let mut watch = Running::start(&mut command);
    wait_for("watch", PATIENCE, || {
        (watch.output().contains("watching") || !watch.still_runs()).then_some(())
    });
    if !watch.still_runs() {
        return Some(format!("it has ended:\n{}", watch.output()));
    }
    let output = watch.output();
    assert!(watch.interrupt().success());
    // That nothing comes is true, and so is that a segment whose writer was killed is not there.
    let told = if kind.end == End::Killed {
        &["no segment has come", "is missing; listed as a gap"][..]
    } else {
        &["no segment has come"]
    };
    let is_bad = |line: &&str| {
        ["refused", "WARN", "ERROR"].iter().any(|words| line.contains(words))
            && !told.iter().any(|words| line.contains(words))
    };
    let says = output.lines().find(is_bad);
    let says = says.map(|words| format!("says {words:?}:\n{output}"));
    let found = check(&[directory.path()]);
    // It marks where another writer ended, also where the timeline goes on: a SHOULD.
    let is_known = |rule: &&str| kind.known.contains(rule) || *rule == "discontinuity-needless";
    let rules: Vec<_> = found.rules().into_iter().filter(|rule| !is_known(rule)).collect();
    says.or_else(|| differs("rules broken", &rules[..], &[]))
}

/// The newest segment that is listed, and the newest part, if there is one.
fn one_of_each(playlist: &Path) -> Vec<std::path::PathBuf> {
    let seen = inventory(playlist);
    let directory = playlist.parent().unwrap();
    let listed = seen.segments.iter().rfind(|row| row.state == State::Listed);
    let mut files: Vec<_> = listed.map(|row| directory.join(&row.file)).into_iter().collect();
    let parts = listed.filter(|row| row.parts > 0).map(|row| row.file.replace(".ts", ".p00.ts"));
    files.extend(parts.map(|part| directory.join(part)));
    files
}
