//! The way to production: README's lines one after the other, and what a viewer then finds through nginx.

use std::fs;
use std::path::{Path, PathBuf};

use livedir_playlist::{Edge, parse};

use super::checkout::{Checkout, commands, section_of};
use crate::support::programs::{PATIENCE, Running};
use crate::support::wait_for;

/// It has built the programs of this test.
const BUILD: &str = "cargo build --release";

/// A camera is not everywhere; its words are the only ones that are others here.
const CAMERA: (&str, &str) = ("live camera ", "live test ");

/// nginx in the background, until the test is done with it.
struct Background {
    pid_file: PathBuf,
}

impl Background {
    fn pid(&self) -> Option<rustix::process::Pid> {
        rustix::process::Pid::from_raw(fs::read_to_string(&self.pid_file).ok()?.trim().parse().ok()?)
    }

    #[track_caller]
    fn wait_for_end(&self) {
        wait_for("nginx to end", PATIENCE, || (!self.pid_file.exists()).then_some(()));
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(pid) = self.pid() {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
    }
}

struct Answer {
    status: u16,
    content_type: String,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn ask(url: &str) -> Option<Answer> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut response = agent.get(url).call().ok()?;
    let content_type = response.headers().get("content-type").map(|it| it.to_str().unwrap().to_owned());
    Some(Answer {
        status: response.status().as_u16(),
        content_type: content_type.unwrap_or_default(),
        body: response.body_mut().read_to_vec().ok()?,
    })
}

#[track_caller]
fn found(url: &str) -> Answer {
    let answer = ask(url).unwrap_or_else(|| panic!("no answer for {url}"));
    assert_eq!(answer.status, 200, "{url}: {}", answer.text());
    answer
}

/// All files below a directory, by their way from it.
fn files_below(directory: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_below(&entry.path()).into_iter().map(|it| format!("{name}/{it}")));
        } else {
            files.push(name);
        }
    }
    files
}

/// nginx has written a log below `prefix`, and gives out nothing that it has written.
#[track_caller]
fn assert_log_is_not_published(address: &str, prefix: &Path, webroot: &Path) {
    let holds_a_log =
        |path: &Path| fs::read(path).is_ok_and(|it| String::from_utf8_lossy(&it).contains("\"GET /"));
    let own: Vec<String> = files_below(prefix)
        .into_iter()
        .filter(|it| it.split('/').any(|part| part.contains("nginx")))
        .collect();
    let logs: Vec<_> = own.iter().filter(|it| holds_a_log(&prefix.join(it))).collect();
    assert_eq!(logs.len(), 1, "one of these is the access log: {own:?}");
    for path in &own {
        let name = path.rsplit('/').next().unwrap();
        for asked in [path.as_str(), name, name.trim_start_matches('.')] {
            let answer = ask(&format!("{address}/{asked}")).unwrap();
            assert_eq!(answer.status, 404, "/{asked} is published");
        }
    }
    // And not under any other name.
    for path in files_below(webroot) {
        if let Some(answer) = ask(&format!("{address}/{path}")).filter(|it| it.status == 200) {
            assert!(!answer.text().contains("\"GET /"), "/{path} is the log");
        }
    }
}

#[test]
fn the_production_commands_are_all_that_is_needed_and_publish_no_log() {
    let checkout = Checkout::new();
    let readme = checkout.read("README.md");
    let typed = commands(section_of(&readme, "## In production"));
    assert_eq!(typed.first().map(String::as_str), Some(BUILD));
    let prefix = checkout.production();
    let _nginx = Background { pid_file: prefix.join(".nginx.pid") };
    let mut running: Vec<(String, Running)> = Vec::new();
    for line in &typed[1..] {
        let line = line.replace(CAMERA.0, CAMERA.1);
        let mut command = checkout.shell(&line);
        if line.contains("livedir-") {
            running.push((line, command));
        } else {
            let status = command.wait();
            assert!(status.success(), "{line}: {status}\n{}", command.output());
        }
    }
    assert_eq!(running.len(), 2, "a publisher and a server: {typed:#?}");
    let address = checkout.address();
    let playlist = wait_for("a stream through nginx", PATIENCE, || {
        for (line, command) in &mut running {
            assert!(command.still_runs(), "{line} has ended:\n{}", command.output());
        }
        let answer = ask(&format!("{address}/stream.m3u8")).filter(|it| it.status == 200)?;
        assert_eq!(answer.content_type, "application/vnd.apple.mpegurl");
        Some(parse(&answer.text()).unwrap()).filter(|playlist| !playlist.segments.is_empty())
    });
    let page = found(&format!("{address}/"));
    assert!(page.text().contains("<title>"), "{}", page.text());
    assert!(page.content_type.starts_with("text/html"), "{}", page.content_type);
    assert!(found(&format!("{address}/player/main.js")).content_type.starts_with("text/javascript"));
    let segment = found(&format!("{address}/{}", playlist.segments[0].uri));
    assert_eq!((segment.content_type.as_str(), segment.body[0]), ("video/mp2t", 0x47));
    // It is written after the playlist.
    let status = wait_for("status.json", PATIENCE, || {
        ask(&format!("{address}/status.json")).filter(|it| it.status == 200)
    });
    assert!(status.text().contains("\"state\""));
    let list = found(&format!("{address}/ll.m3u8")).text();
    let edge = Edge::of(&list).expect("a low-latency playlist");
    assert!(edge.can_block_reload, "{list}");
    // Nobody but the server can answer these.
    let hint = edge.hint.expect("a hint");
    let (number, part) = (edge.next_media_sequence, edge.open_parts);
    let waited = found(&format!("{address}/ll.m3u8?_HLS_msn={number}&_HLS_part={part}")).text();
    assert!(waited.contains(&format!("URI=\"{hint}\"")), "{hint} is not in\n{waited}");
    let next = Edge::of(&waited).and_then(|edge| edge.hint).expect("a hint");
    assert_eq!(found(&format!("{address}/{next}")).body[0], 0x47);
    assert_log_is_not_published(&address, &prefix, &prefix.join("webroot"));
    for (line, command) in running {
        let status = command.interrupt();
        assert!(status.success(), "{line}: {status}");
    }
}

#[test]
fn the_comments_of_the_configuration_start_and_stop_a_site_in_the_checkout() {
    let checkout = Checkout::new();
    let typed = checkout.commands_of_the_configuration();
    let [start, stop, serve] = typed.as_slice() else { panic!("{typed:#?}") };
    let nginx = Background { pid_file: checkout.path().join(".nginx.pid") };
    let mut server = checkout.shell(serve);
    // nginx would log that it asked in vain, and its log of errors would look like the one of requests.
    wait_for("the server", PATIENCE, || {
        assert!(server.still_runs(), "{serve}:\n{}", server.output());
        server.output().contains("http://").then_some(())
    });
    let mut started = checkout.shell(start);
    assert!(started.wait().success(), "{start}:\n{}", started.output());
    assert!(found(&checkout.address()).text().contains("<title>"));
    fs::write(checkout.webroot().join("ll.m3u8"), "#EXTM3U\n#EXT-X-TARGETDURATION:2\n").unwrap();
    wait_for("the server behind nginx", PATIENCE, || {
        let answer = ask(&format!("{}/ll.m3u8?_HLS_msn=1", checkout.address()))?;
        (answer.status == 200).then_some(())
    });
    assert_log_is_not_published(&checkout.address(), checkout.path(), &checkout.webroot());
    let mut stopped = checkout.shell(stop);
    assert!(stopped.wait().success(), "{stop}:\n{}", stopped.output());
    nginx.wait_for_end();
    assert!(server.interrupt().success());
}

#[test]
fn a_webroot_that_is_the_prefix_itself_publishes_no_log_either() {
    let checkout = Checkout::new();
    let webroot = checkout.webroot();
    let config = checkout.read("nginx.conf.example");
    let root = "root   webroot;";
    assert_eq!(config.matches(root).count(), 1);
    let config = config.replace(root, &format!("root {};", webroot.display()));
    fs::write(checkout.path().join("nginx.conf.example"), config).unwrap();
    let _nginx = Background { pid_file: webroot.join(".nginx.pid") };
    let mut started = checkout.shell("nginx -c \"$PWD/nginx.conf.example\" -p \"$PWD/webroot\"");
    assert!(started.wait().success(), "{}", started.output());
    assert!(found(&checkout.address()).text().contains("<title>"));
    assert_log_is_not_published(&checkout.address(), &webroot, &webroot);
}
