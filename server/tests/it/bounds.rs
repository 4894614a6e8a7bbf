//! The bounds of one client: its requests, its streams, its frames, its files, and the memory of playlists.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::abuse::connect_from;
use crate::attacks::{FILES_OF_ONE, LISTED, UNLISTED, webroot};
use crate::blocking::{list, metric, next};
use crate::support::attackers::{
    Dialer, SlowReader, Version, frame, headers, preface, read_frame, window_update,
};
use crate::support::{Connection, DEADLINE, Server, Webroot, get, wait_until};

/// Processor time for each request in microseconds, of many with new names on a connection.
fn cost_us(server: &Server, path: &dyn Fn(usize) -> String, round: usize) -> Option<f64> {
    const REQUESTS: usize = 3000;
    let mut connection = Connection::open(server.address);
    let before = server.cpu_ticks()?;
    for number in 0..REQUESTS {
        assert_eq!(connection.ask("GET", &path(round * REQUESTS + number), &[]).status, 404);
    }
    // What a request leaves behind costs later.
    thread::sleep(Duration::from_secs(1));
    Some((server.cpu_ticks()? - before) as f64 * 1e4 / REQUESTS as f64)
}

#[test]
fn what_is_not_there_costs_no_more_with_a_query_than_without() {
    let webroot = webroot();
    let server = Server::start(&webroot.path(), &["--forwarded-from", "127.0.0.1"]);
    let paths: [&dyn Fn(usize) -> String; 5] = [
        &|number| format!("/live/y{number}/a.ts"),
        &|number| format!("/y{number}.m3u8"),
        &|number| format!("/x{number}.m3u8?_HLS_msn=1"),
        &|number| format!("/live/x{number}.p01.ts"),
        &|number| format!("/live/x{number}/a.p01.ts"),
    ];
    if cost_us(&server, paths[0], 9).is_none() {
        return;
    }
    let before_kib = server.resident_kib().unwrap();
    // The least of some rounds: the machine is not ours alone.
    let mut least_us = [f64::INFINITY; 5];
    for round in 0..3 {
        for (path, least_us) in paths.iter().zip(&mut least_us) {
            *least_us = least_us.min(cost_us(&server, path, round).unwrap());
        }
    }
    let [plain_us, plain_list_us, list_us, part_us, elsewhere_us] = least_us;
    let more_kib = server.resident_kib().unwrap().saturating_sub(before_kib);
    println!(
        "404: {plain_us:.0} us, of a list {plain_list_us:.0}; \
        lists {list_us:.0}, parts {part_us:.0}, elsewhere {elsewhere_us:.0}; {more_kib} KiB more"
    );
    for (us, plain_us) in [(list_us, plain_list_us), (part_us, plain_us), (elsewhere_us, plain_us)] {
        assert!(us <= 1.5 * plain_us, "{us} us instead of {plain_us}");
    }
    assert!(more_kib <= 4096, "{more_kib} KiB");
}

/// Whether a connection of HTTP/2 ends that sends `first`, and then these frames again and again.
fn is_cut_within(server: &Server, first: &[u8], sent: &[u8], time: Duration) -> bool {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(&[&preface(65_535), first].concat()).unwrap();
    stream.set_nonblocking(true).unwrap();
    let start = Instant::now();
    let many = sent.repeat(100);
    let mut rest: &[u8] = &[];
    let mut answers = vec![0; 65_536];
    while start.elapsed() < time {
        if rest.is_empty() {
            rest = &many;
        }
        match stream.write(rest) {
            Ok(count) => rest = &rest[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return true,
        }
        match stream.read(&mut answers) {
            Ok(0) => return true,
            Err(error) if error.kind() != ErrorKind::WouldBlock => return true,
            _ => {}
        }
    }
    false
}

#[test]
fn floods_of_frames_are_cut_within_a_second() {
    let webroot = Webroot::new();
    let log = webroot.outer().join("access.log");
    let words = ["--metrics-listen", "127.0.0.1:0", "--access-log", log.to_str().unwrap()];
    let mut server = Server::start(&webroot.path(), &[&words[..], &["--access-log-format", "json"]].concat());
    let operator = server.next_address();
    let floods = [
        ("PING", vec![], frame(6, 0, 0, &[0; 8])),
        ("SETTINGS", vec![], frame(4, 0, 0, &[])),
        ("PRIORITY", vec![], frame(2, 0, 1, &[0, 0, 0, 3, 1])),
        ("unknown frames", vec![], frame(0xfe, 0, 0, &[0; 100])),
        ("WINDOW_UPDATE", vec![], frame(8, 0, 0, &[0, 0, 0, 1])),
        ("empty DATA", vec![], [headers(1, "/"), frame(0, 0, 1, &[])].concat()),
        ("RST_STREAM of a stream that has ended", headers(1, "/"), frame(3, 0, 1, &[0, 0, 0, 8])),
    ];
    for (name, first, sent) in &floods {
        assert!(is_cut_within(&server, first, sent, Duration::from_secs(1)), "{name}");
    }
    let cut = metric(operator, "livedir_limits_reached_total{limit=\"frames\"}");
    assert!((6..=7).contains(&cut), "{cut} of {}", floods.len());
    wait_until("each has its line", || {
        let lines = fs::read_to_string(&log).unwrap();
        lines.matches("frames of HTTP/2 that ask for nothing").count() as u64 == cut
    });
    assert_eq!(get(server.address, "/stream.m3u8", &[]).status, 200);
}

/// Two streams of a connection; each 100 ms so many bytes more of each may be sent. The one that the server ends, and how many
/// bytes of the other one were sent.
fn first_to_end(server: &Server, streams: [(&str, u32); 2]) -> (u32, usize) {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let [one, three] = streams.map(|(path, _)| path);
    let asked = [preface(0), headers(1, one), headers(3, three), window_update(0, 1 << 24)].concat();
    stream.write_all(&asked).unwrap();
    let mut taken_bytes = [0; 4];
    let start = Instant::now();
    while start.elapsed() < DEADLINE {
        let more = streams.iter().zip([1, 3]).map(|((_, bytes), number)| window_update(number, *bytes));
        stream.write_all(&more.collect::<Vec<_>>().concat()).unwrap();
        thread::sleep(Duration::from_millis(100));
        loop {
            match read_frame(&mut stream) {
                (0, number, content) => {
                    taken_bytes[number as usize] += content.len();
                    if number == 3 {
                        break;
                    }
                }
                // RST_STREAM
                (3, number, _) => return (number, taken_bytes[4 - number as usize]),
                (7, ..) => panic!("the connection ends"),
                _ => {}
            }
        }
    }
    panic!("none ends");
}

#[test]
fn a_stream_that_takes_nothing_ends_and_the_others_go_on() {
    let webroot = webroot();
    let server = Server::start(&webroot.path(), &["--client-timeout", "2s"]);
    // A byte for the first: acknowledgements are no progress.
    let (ended, taken_bytes) = first_to_end(&server, [(UNLISTED, 1), (UNLISTED, 1024)]);
    assert_eq!(ended, 1, "the other one took what it was sent");
    assert!(taken_bytes > 4096, "{taken_bytes}");
}

/// Old playlists that are read for ever would take the memory of new ones.
#[test]
fn a_playlist_has_to_be_taken_in_time_and_a_segment_does_not() {
    let webroot = webroot();
    let large = format!("{}#{}\n", list(1), "x".repeat(7 << 20));
    webroot.write("large.m3u8", large.as_bytes());
    let words = ["--client-timeout", "2s", "--metrics-listen", "127.0.0.1:0"];
    let mut server = Server::start(&webroot.path(), &words);
    let operator = server.next_address();
    let (ended, taken_bytes) = first_to_end(&server, [("/large.m3u8", 1024), (UNLISTED, 1024)]);
    assert_eq!(ended, 1);
    assert!(taken_bytes > 4096, "{taken_bytes}");

    let count_cut = || metric(operator, "livedir_limits_reached_total{limit=\"slow_reader\"}");
    let is_cut_within = |time: Duration, path| {
        let before = count_cut();
        let mut stream = TcpStream::connect(server.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let start = Instant::now();
        while start.elapsed() < time && count_cut() == before {
            // The system lets a server send more only when a third of its buffer is free.
            stream.read_exact(&mut vec![0; 50_000]).unwrap();
            thread::sleep(Duration::from_millis(100));
        }
        count_cut() > before
    };
    assert!(is_cut_within(DEADLINE, "/large.m3u8"));
    assert!(!is_cut_within(Duration::from_secs(6), UNLISTED));
}

/// With 1,024 open files, what is in memory is sent whatever others do.
#[test]
fn few_open_files_are_enough_for_what_is_in_memory() {
    let webroot = webroot();
    let mut command = Command::new("sh");
    let plain = Server::command(&webroot.path(), &[]);
    command
        .arg("-c")
        .arg("ulimit -n 1024; exec \"$0\" \"$@\"")
        .arg(plain.get_program())
        .args(plain.get_args());
    command.env("RUST_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let server = Server::spawn(command);
    for path in ["/stream.m3u8", LISTED] {
        assert_eq!(get(server.address, path, &[]).status, 200);
    }
    let dialer = Dialer { address: server.address, certificate: None };
    // Each another file.
    for number in 0..400 {
        webroot.write(&format!("live/other-{number}.ts"), &vec![9; 100_000]);
    }
    let readers: Vec<_> = (0..400)
        .map(|number| {
            let path = format!("/live/other-{number}.ts");
            let version = if number % 2 == 0 { Version::Http1 } else { Version::Http2 };
            SlowReader::begin(&dialer, Ipv4Addr::new(127, 0, 1, 1), version, &path, 1)
        })
        .collect();
    for _ in 0..50 {
        for path in ["/stream.m3u8", LISTED, UNLISTED] {
            assert_eq!(get(server.address, path, &[]).status, 200, "{path}");
        }
    }
    if let Some(open_files) = server.open_files() {
        assert!(open_files <= FILES_OF_ONE, "{open_files}");
    }
    drop(readers);
}

/// A publisher deletes a segment while somebody still downloads it; only who has its file open can finish.
#[test]
fn a_slow_download_of_what_was_deleted_goes_on_while_others_read_many_files() {
    const FILES: usize = 400;
    const STREAMS: usize = 50;
    // More than sockets take.
    const OLD: &str = "/live/old.ts";
    const OLD_BYTES: u64 = 32 << 20;
    let webroot = webroot();
    fs::File::create(webroot.path().join(&OLD[1..])).unwrap().set_len(OLD_BYTES).unwrap();
    let files = webroot.path().join("many");
    fs::create_dir(&files).unwrap();
    for number in 0..FILES {
        fs::File::create(files.join(number.to_string())).unwrap().set_len(1 << 20).unwrap();
    }
    let server = Server::start(&webroot.path(), &[]);
    let mut viewer = Connection::open(server.address);
    viewer.send("GET", OLD, &[]);
    let mut answer = viewer.read_head();

    // Another address reads the same file, too, and then many others.
    let streams: Vec<_> = (0..FILES / STREAMS)
        .map(|number| {
            let mut stream = connect_from(1, server.address).unwrap();
            stream.write_all(&preface(1000)).unwrap();
            if number == 0 {
                stream.write_all(&headers(1, OLD)).unwrap();
            }
            for other in 0..STREAMS {
                let path = format!("/many/{}", number * STREAMS + other);
                stream.write_all(&headers(3 + 2 * other as u32, &path)).unwrap();
            }
            let mut begun = 0;
            while begun < STREAMS {
                let (kind, id, _) = read_frame(&mut stream);
                begun += usize::from(kind == 0 && id > 1);
            }
            stream
        })
        .collect();
    if let Some(open_files) = server.open_files() {
        assert!(open_files <= FILES_OF_ONE, "{open_files}");
    }
    fs::remove_file(webroot.path().join(&OLD[1..])).unwrap();
    viewer.read_body(&mut answer);
    assert_eq!((answer.status, answer.body.len()), (200, OLD_BYTES as usize));
    drop(streams);
}

/// Low latency goes on with no memory for segments, and with as much of it as slow readers hold.
#[test]
fn lists_are_held_whatever_memory_segments_have() {
    for arguments in [["--cache-size", "0"], ["--cache-size", "4M"]] {
        let webroot = Webroot::in_memory();
        webroot.write("ll.m3u8", list(1).as_bytes());
        for number in 1..=7 {
            webroot.write(&format!("live/seg-{number:08}.ts"), &vec![7; 1 << 20]);
        }
        let server = Server::start(&webroot.path(), &arguments);
        assert_eq!(get(server.address, "/stream.m3u8", &[]).status, 200);
        let dialer = Dialer { address: server.address, certificate: None };
        let readers = (1..=7).map(|number| {
            let path = format!("/live/seg-{number:08}.ts");
            SlowReader::begin(&dialer, Ipv4Addr::new(127, 0, 1, 1), Version::Http2, &path, 1)
        });
        let readers: Vec<_> = readers.collect();
        assert_eq!(get(server.address, "/ll.m3u8?_HLS_msn=99999", &[]).status, 400, "{arguments:?}");
        let mut held = Connection::open(server.address);
        held.send("GET", &next(1), &[]);
        assert!(!held.answers_within(Duration::from_millis(300)), "{arguments:?}: it is not there yet");
        webroot.replace("ll.m3u8", list(2).as_bytes());
        let mut answer = held.read_head();
        held.read_body(&mut answer);
        assert_eq!((answer.status, answer.text()), (200, list(2)), "{arguments:?}");
        drop(readers);
    }
}

/// A list that is too large to be kept cannot be held for, and whoever asks is told to come again.
#[test]
fn without_memory_for_a_list_a_held_request_is_told_to_come_again() {
    let webroot = Webroot::in_memory();
    let large = format!("{}#{}\n", list(1), "x".repeat(9 << 20));
    webroot.write("ll.m3u8", large.as_bytes());
    let server = Server::start(&webroot.path(), &[]);
    assert_eq!(
        get(server.address, "/ll.m3u8", &[]).body.len(),
        large.len(),
        "without a directive it is sent"
    );
    for path in [next(1), "/live/seg-00000012.p01.ts".to_owned()] {
        let answer = get(server.address, &path, &[]);
        assert_eq!((answer.status, answer.header("Retry-After").as_str()), (503, "1"), "{path}");
    }
}

/// Whoever asks for each version and takes none of them ends before others have to wait.
#[test]
fn old_lists_that_somebody_does_not_take_leave_room_for_new_ones() {
    const VERSIONS: usize = 45;
    let webroot = Webroot::in_memory();
    let comment = "x".repeat(2 << 20);
    let mut server = Server::start(&webroot.path(), &["--metrics-listen", "127.0.0.1:0"]);
    let operator = server.next_address();
    let dialer = Dialer { address: server.address, certificate: None };
    let mut readers = Vec::new();
    for number in 1..=VERSIONS {
        webroot.replace("ll.m3u8", format!("{}#{comment}\n", list(number)).as_bytes());
        let answer = get(server.address, &next(number - 1), &[]);
        assert_eq!((answer.status, answer.header("Retry-After").as_str()), (200, ""), "version {number}");
        readers.push(SlowReader::begin(&dialer, Ipv4Addr::new(127, 0, 1, 1), Version::Http2, "/ll.m3u8", 0));
    }
    let ended = metric(operator, "livedir_limits_reached_total{limit=\"memory\"}");
    assert!((1..VERSIONS as u64).contains(&ended), "{ended}");
    drop(readers);
}

/// Whoever asks for each of many lists makes no thread keep memory for itself.
#[test]
fn many_lists_at_once_take_little_memory_on_many_processors() {
    const LISTS: usize = 2000;
    const CONNECTIONS: usize = 32;
    let webroot = Webroot::in_memory();
    for number in 0..LISTS {
        webroot.write(&format!("channel{number}.m3u8"), list(8).as_bytes());
    }
    let server = Server::start(&webroot.path(), &["--threads", "8"]);
    let Some(idle_kib) = server.resident_kib() else { return };
    thread::scope(|scope| {
        for first in 0..CONNECTIONS {
            let server = &server;
            scope.spawn(move || {
                let mut connection = Connection::open(server.address);
                for number in (first..LISTS).step_by(CONNECTIONS) {
                    let asked = connection.ask("GET", &format!("/channel{number}.m3u8"), &[]);
                    assert_eq!(asked.status, 200);
                }
            });
        }
    });
    let more_kib = server.resident_kib().unwrap().saturating_sub(idle_kib);
    println!("{more_kib} KiB for {LISTS} lists");
    assert!(more_kib <= 80 << 10, "{more_kib} KiB");
}
