//! Nobody who reads a stream, from its files or over HTTP, at any moment, ever sees half of anything.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::check::Following;
use crate::support::programs::{LiveStream, PATIENCE, WebServer};
use crate::support::wait_for;
use crate::support::witness::Witness;
use crate::support::witness::history::uri;
use crate::support::witness::reader::{Files, Http, PlaylistReader};
use crate::support::witness::transport_stream;

const FPS: u32 = 20;
const WORDS: [&str; 9] =
    ["test", "--size", "160x120", "--fps", "20", "--segment-duration", "500ms", "--window", "6"];

/// Segments of half a second: what the test stays on air for.
const SEGMENTS: u64 = 30;

const VIEWERS: usize = 4;
const READS_A_VIEWER: usize = 100;

#[test]
fn readers_of_files_and_over_http_never_see_half_of_anything() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let server = WebServer::start(webroot);
    let on_disk = Witness::start(Files::of(webroot), FPS);
    let over_http = Witness::start(Http::from(&server.address, webroot), FPS);
    let on_air = AtomicBool::new(true);
    let mut stream = LiveStream::start(webroot, &WORDS);
    let listings = std::thread::scope(|scope| {
        let listings = scope.spawn(|| list_while(&on_air, webroot));
        let _off_air = OffAirOnDrop(&on_air);
        stream.wait_for_segment(6);
        let checks = [
            Following::start(webroot, "1000s"),
            Following::start(format!("{}/stream.m3u8", server.address), "1000s"),
        ];
        let viewers: Vec<_> =
            (0..VIEWERS).map(|_| scope.spawn(|| view(&mut Http::from(&server.address, webroot)))).collect();
        for viewer in viewers {
            viewer.join().unwrap();
        }
        // The first has left the playlist at the seventh, and may go 3.5 s later.
        wait_for("the first segment to be deleted", PATIENCE, || {
            (!webroot.join(uri(1)).exists()).then_some(())
        });
        stream.wait_for_segment(SEGMENTS);
        let interrupted_at = Instant::now();
        assert!(stream.publisher.interrupt().success());
        println!("ended {:?} after the interrupt", interrupted_at.elapsed());
        on_air.store(false, Ordering::Release);
        for following in checks {
            following.assert_clean_but_for_lateness();
        }
        listings.join().unwrap()
    });
    for witness in [on_disk, over_http] {
        witness
            .wait_until("the end of the playlist", |history| history.last().filter(|it| it.ended).map(drop));
        let testimony = witness.testify();
        let last = testimony.history.last().unwrap();
        let newest_file = names(&webroot.join("live")).last().cloned().unwrap();
        assert_eq!(
            last.segments.last().unwrap().uri,
            format!("live/{newest_file}"),
            "the last segment is listed"
        );
        let (reads, versions) = (testimony.reads, testimony.versions);
        println!("{reads} reads of {versions} playlists, {} of segments", testimony.segment_reads);
        assert!(versions >= SEGMENTS / 2, "only {versions} versions were seen");
    }
    println!("{listings} listings");
    assert!(listings > SEGMENTS, "only {listings} listings");
    assert_eq!(names(webroot), ["live", "status.json", "stream.m3u8"], "nothing is left over");
    assert!(names(&webroot.join("live")).iter().all(|name| is_segment(name)), "nothing is left over");
}

/// Reads the playlist and its newest segment, over and over.
fn view(http: &mut Http) {
    for _ in 0..READS_A_VIEWER {
        let text = String::from_utf8(http.read("stream.m3u8").unwrap().unwrap()).unwrap();
        let playlist = livedir_playlist::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let newest = &playlist.segments.last().unwrap().uri;
        let bytes = http.read(newest).unwrap().unwrap_or_else(|| panic!("{newest} is missing\n{text}"));
        assert_eq!(transport_stream::fault(&bytes), None, "{newest}");
    }
}

/// Lists the directories over and over: what has a final name is complete, all else has a dot name. Gives how often.
fn list_while(on_air: &AtomicBool, webroot: &Path) -> u64 {
    let mut listings = 0;
    let mut newest = String::new();
    let started = Instant::now();
    while on_air.load(Ordering::Acquire) {
        for name in names(webroot) {
            let expected =
                ["live", "status.json", "stream.m3u8"].contains(&name.as_str()) || name.starts_with('.');
            assert!(expected, "{name} lies in webroot");
        }
        for name in names(&webroot.join("live")) {
            assert!(is_segment(&name) || name.starts_with(".seg-"), "{name} lies in live");
            if is_segment(&name) && name > newest {
                let bytes = std::fs::read(webroot.join("live").join(&name)).unwrap();
                assert_eq!(
                    transport_stream::fault(&bytes),
                    None,
                    "{name} got its name before it was complete"
                );
                newest = name;
            }
        }
        if let Ok(status) = std::fs::read(webroot.join("status.json")) {
            serde_json::from_slice::<serde_json::Value>(&status).expect("status.json is whole");
        }
        listings += 1;
        assert!(started.elapsed() < 3 * PATIENCE, "the stream does not end");
        // Leaves the processor to those who are watched.
        std::thread::sleep(Duration::from_millis(1));
    }
    listings
}

/// Names in a directory, in order; none when there is no directory.
fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let names: BTreeSet<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().expect("names are plain")).collect();
    names.into_iter().collect()
}

fn is_segment(name: &str) -> bool {
    let number = name.strip_prefix("seg-").and_then(|rest| rest.strip_suffix(".ts"));
    number.is_some_and(|number| number.len() >= 8 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

struct OffAirOnDrop<'a>(&'a AtomicBool);

impl Drop for OffAirOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
