//! Sound alone: songs, radio over HTTP, clients that push sound, with a picture and without. Other programs decode what is made of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use livedir_publisher::captured::Shows;
use livedir_publisher::source::Source;

use crate::input::media::{PICTURES, SOUND, made, moments, open_file, play, sound_s};
use crate::support::check::{Following, assert_clean};
use crate::support::media::{decode, stated, volume_db};
use crate::support::programs::{LiveStream, PATIENCE, Running, WebServer, read_playlist};
use crate::support::wait_for;

/// A song of so many seconds.
pub fn song(name: &str, seconds: &str, more: &[&str]) -> PathBuf {
    made(name, &[&["-f", "lavfi", "-i", SOUND, "-t", seconds][..], more].concat())
}

/// The sound of a playlist, whose segments have nothing else: `aac,48000,2`.
#[track_caller]
fn sound_alone(playlist: &Path) -> String {
    assert_eq!(stated(playlist, "v", "codec_name").trim(), "", "a picture");
    let lines = stated(playlist, "a", "codec_name,sample_rate,channels");
    let mut lines: Vec<_> = lines.lines().filter(|line| !line.is_empty()).collect();
    lines.sort_unstable();
    lines.dedup();
    lines.join(" ")
}

#[test]
fn songs_of_every_codec_are_heard_whole() {
    let songs: [(&str, &[&str]); 9] = [
        ("song.mp3", &[]),
        ("song.m4a", &[]),
        ("song.aac", &[]),
        ("song.flac", &[]),
        ("song.wav", &[]),
        ("vorbis.ogg", &["-c:a", "libvorbis"]),
        ("song.opus", &["-c:a", "libopus"]),
        ("alaw.wav", &["-c:a", "pcm_alaw"]),
        ("mulaw.wav", &["-c:a", "pcm_mulaw"]),
    ];
    for (name, more) in songs {
        let mut input = open_file(&song(name, "1", more)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let format = input.format();
        assert_eq!((format.shows, format.has_sound), (Shows::Nothing, true), "{name}");
        let pieces = play(&mut input);
        assert!(moments(&pieces, true).is_empty(), "{name}: a picture");
        let seconds = sound_s(&pieces);
        assert!((0.95..1.1).contains(&seconds), "{name}: {seconds} s of sound");
    }
}

#[test]
fn a_song_becomes_segments_and_parts_of_sound_and_goes_on_after_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let path = song("song.mp3", "3", &[]);
    let words =
        [path.to_str().unwrap(), "--loop", "--segment-duration", "1s", "--low-latency", "--window", "30"];
    let site = WebServer::start(webroot);
    let mut live = LiveStream::start(webroot, &words);
    live.wait_for_segment(2);
    let followed = Following::start(format!("{}/ll.m3u8", site.address), "6s");
    live.wait_for_segment(4);
    live.publisher.kill();
    let before = read_playlist(webroot).unwrap().next_media_sequence();
    let mut live = LiveStream::start(webroot, &words);
    live.wait_for_segment(before + 3);
    followed.assert_clean_but_for_lateness();
    assert!(live.publisher.interrupt().success());
    assert_clean(webroot);
    assert_clean(webroot.join("ll.m3u8"));
    decode(&webroot.join("stream.m3u8"));
    assert_eq!(sound_alone(&webroot.join("stream.m3u8")), "aac,48000,2");

    let playlist = read_playlist(webroot).unwrap();
    assert_eq!(playlist.segments.iter().filter(|segment| segment.discontinuity).count(), 1);
    let (last, whole) = playlist.segments.split_last().unwrap();
    assert!(last.duration_90k <= 92_000);
    // The last one before the kill was never finished, and has no file: all others are of the length that was asked for.
    for segment in whole {
        assert!((86_000..=92_000).contains(&segment.duration_90k), "{segment:?}");
        let volume = volume_db(&webroot.join(&segment.uri));
        assert!(volume > -40.0, "{}: {volume} dB", segment.uri);
    }
    let status: serde_json::Value =
        serde_json::from_slice(&std::fs::read(webroot.join("status.json")).unwrap()).unwrap();
    assert_eq!((&status["video"], &status["title"]), (&serde_json::Value::Null, &"sound".into()));
    assert_eq!((&status["frames_duplicated"], &status["frames_slate"]), (&0.into(), &0.into()));
}

#[test]
fn aac_alone_is_copied() {
    for name in ["song.aac", "song.m4a"] {
        let directory = tempfile::tempdir().unwrap();
        let webroot = directory.path();
        let path = song(name, "7", &["-ar", "44100", "-ac", "1"]);
        let words = [path.to_str().unwrap(), "--copy", "--fast", "--segment-duration", "2s", "--low-latency"];
        let mut live = LiveStream::start(webroot, &words);
        assert!(live.publisher.wait().success(), "{name}");
        assert_clean(webroot);
        assert_eq!(sound_alone(&webroot.join("stream.m3u8")), "aac,44100,1", "{name}");
        let playlist = read_playlist(webroot).unwrap();
        assert_eq!((playlist.target_duration_s, playlist.segments.len()), (2, 4), "{name}: {playlist:?}");
        decode(&webroot.join("stream.m3u8"));
    }
}

#[test]
fn the_last_picture_of_a_film_stands_during_the_song_that_follows_in_a_list() {
    let film = crate::input::media::film("film.mp4", &[]);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("list.m3u");
    std::fs::write(&path, format!("{}\n{}\n", film.display(), song("after.mp3", "5", &[]).display()))
        .unwrap();
    let webroot = directory.path().join("webroot");
    let words = [path.to_str().unwrap(), "--segment-duration", "1s", "--size", "160x120", "--window", "60"];
    let mut live = LiveStream::start(&webroot, &words);
    assert!(live.publisher.wait().success(), "{}", live.publisher.output());
    assert_clean(&webroot);
    assert_eq!(live.count("frames_slate"), 0, "{}", live.publisher.output());
    let segments = read_playlist(&webroot).unwrap().segments;
    assert!((6..=7).contains(&segments.len()), "{segments:?}");
    assert!(volume_db(&webroot.join(&segments[4].uri)) > -25.0);
}

/// How a list of films and songs is copied: what is said of jumps of the timeline and of what is left out, and how long the segments are.
#[track_caller]
fn copied(list: &[&Path]) -> (Vec<String>, Vec<u64>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("list.m3u");
    let lines: Vec<_> = list.iter().map(|path| format!("{}\n", path.display())).collect();
    std::fs::write(&path, lines.concat()).unwrap();
    let webroot = directory.path().join("webroot");
    let words = [path.to_str().unwrap(), "--copy", "--fast", "--segment-duration", "1s", "--window", "100"];
    let (status, said) = LiveStream::start(&webroot, &words).publisher.wait_and_read();
    assert!(status.success(), "{said}");
    assert_clean(&webroot);
    let segments = read_playlist(&webroot).unwrap().segments;
    let told = ["the timeline jumps by", "left out: it has no picture"];
    let told = said.lines().filter_map(|line| told.iter().find_map(|it| line.find(it).map(|at| &line[at..])));
    (told.map(str::to_owned).collect(), segments.iter().map(|segment| segment.duration_90k).collect())
}

/// Segments are cut at pictures: a song between films would be heard by nobody, and its time would be missing.
#[test]
fn a_song_between_films_that_are_copied_is_left_out_and_named() {
    let film = crate::input::media::film("film.mp4", &["-t", "4", "-bf", "0"]);
    let song = song("between.m4a", "5", &[]);
    let (jumps, segments) = copied(&[&film, &film]);
    assert_eq!(segments.len(), 8);
    let (told, with_song) = copied(&[&film, &song, &film]);
    assert_eq!(with_song, segments);
    let (left_out, other): (Vec<_>, Vec<_>) = told.into_iter().partition(|it| it.starts_with("left out"));
    assert_eq!(other, jumps, "its time is not missing");
    assert!(left_out.len() == 1 && left_out[0].contains("between.m4a"), "{left_out:?}");
}

/// A radio station: each client hears what is played now, with titles of songs in between where it asks for them (ICY).
fn station(kind: &'static str, format: &'static [&'static str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/radio", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || broadcast(client, kind, format));
        }
    });
    address
}

/// Bytes of sound between two titles.
const TITLE_EVERY: usize = 4096;

fn broadcast(mut client: TcpStream, kind: &str, format: &[&str]) -> std::io::Result<()> {
    let mut wants_titles = false;
    for line in BufReader::new(client.try_clone()?).lines().map_while(Result::ok) {
        wants_titles |= line.eq_ignore_ascii_case("icy-metadata: 1");
        if line.is_empty() {
            break;
        }
    }
    let mut encoder = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i", SOUND])
        .args(format)
        .args(["-flush_packets", "1", "pipe:1"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut sound = encoder.stdout.take().expect("a pipe");
    let titles = if wants_titles { format!("icy-metaint: {TITLE_EVERY}\r\n") } else { String::new() };
    let sent = write!(client, "HTTP/1.0 200 OK\r\nContent-Type: {kind}\r\nicy-name: Test\r\n{titles}\r\n")
        .and_then(|()| {
            loop {
                let mut bytes = vec![0; TITLE_EVERY];
                sound.read_exact(&mut bytes)?;
                client.write_all(&bytes)?;
                if wants_titles {
                    let title = b"\x02StreamTitle='A song';";
                    client.write_all(&[title.as_slice(), &[0; 32][..33 - title.len()]].concat())?;
                }
            }
        });
    let _ = encoder.kill();
    encoder.wait()?;
    sent
}

#[test]
fn radio_over_http_is_heard_with_titles_of_songs_in_between() {
    for (kind, format) in
        [("audio/mpeg", &["-f", "mp3"] as &[&str]), ("audio/aac", &["-c:a", "aac", "-f", "adts"])]
    {
        let directory = tempfile::tempdir().unwrap();
        let webroot = directory.path();
        let address = station(kind, format);
        let mut live = LiveStream::start(webroot, &[&address, "--segment-duration", "1s"]);
        live.wait_for_segment(7);
        assert!(live.publisher.interrupt().success());
        assert_clean(webroot);
        assert_eq!(sound_alone(&webroot.join("stream.m3u8")), "aac,48000,2");
        decode(&webroot.join("stream.m3u8"));
        for segment in &read_playlist(webroot).unwrap().segments[1..6] {
            let volume = volume_db(&webroot.join(&segment.uri));
            assert!(volume > -25.0, "{kind}, {}: {volume} dB", segment.uri);
        }
    }
}

/// A publisher that waits for a client by RTMP, and where.
fn door(webroot: &Path, more: &[&str]) -> (LiveStream, String) {
    let words = ["rtmp://127.0.0.1:0/live/KEY?listen=1", "--segment-duration", "1s", "--window", "60"];
    let mut live = LiveStream::start(webroot, &[&words, more].concat());
    live.wait_for_segment(1);
    let output = live.publisher.output();
    let place = output.split("place=\"").nth(1).and_then(|rest| rest.split(['?', '"']).next());
    let address = place.expect("a place in the log").replace("/***", "/live/KEY");
    (live, address)
}

fn push(inputs: &[&str], to: &str) -> Running {
    Running::start(
        Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error"])
            .args(inputs)
            .args(["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25"])
            .args(["-pix_fmt", "yuv420p", "-c:a", "aac", "-flush_packets", "1", "-f", "flv", to]),
    )
}

#[track_caller]
fn wait_until_newest_is(live: &mut LiveStream, what: &str, is_so: impl Fn(&Path) -> bool) {
    wait_for(what, PATIENCE, || {
        assert!(live.publisher.still_runs(), "it has ended:\n{}", live.publisher.output());
        let newest = live.playlist()?.segments.last()?.uri.clone();
        is_so(&live.webroot.join(newest)).then_some(())
    });
}

#[test]
fn a_client_that_pushes_sound_alone_is_heard_and_silence_takes_its_place_when_it_goes() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let (mut live, address) = door(webroot, &["--no-video"]);
    wait_until_newest_is(&mut live, "silence", |newest| volume_db(newest) < -60.0);
    for _ in 0..2 {
        let client = push(&["-re", "-f", "lavfi", "-i", SOUND], &address);
        wait_until_newest_is(&mut live, "the client", |newest| volume_db(newest) > -25.0);
        client.kill();
        wait_until_newest_is(&mut live, "silence again", |newest| volume_db(newest) < -60.0);
    }
    // The sound of one that has pictures, too.
    let both = ["-re", "-f", "lavfi", "-i", PICTURES, "-re", "-f", "lavfi", "-i", SOUND];
    let _client = push(&both, &address);
    wait_until_newest_is(&mut live, "the sound of a film", |newest| volume_db(newest) > -25.0);
    assert!(live.publisher.interrupt().success());
    let playlist = read_playlist(webroot).unwrap();
    assert!(playlist.segments.iter().all(|segment| !segment.discontinuity), "{playlist:?}");
    assert_clean(webroot);
    assert_eq!(sound_alone(&webroot.join("stream.m3u8")), "aac,48000,2");
}

#[test]
fn pictures_that_come_later_than_the_sound_take_the_place_of_the_slate() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let (mut live, address) = door(webroot, &["--size", "160x120"]);
    let later = ["-re", "-f", "lavfi", "-i", SOUND, "-itsoffset", "12", "-re", "-f", "lavfi", "-i", PICTURES];
    let _client = push(&[&later[..], &["-max_interleave_delta", "100000"]].concat(), &address);
    wait_until_newest_is(&mut live, "the sound", |newest| volume_db(newest) > -25.0);
    assert_eq!(live.count("pictures_captured"), 0, "no picture is there yet");
    wait_for("pictures", PATIENCE, || (live.count("pictures_captured") > 40).then_some(()));
    wait_until_newest_is(&mut live, "still the sound", |newest| volume_db(newest) > -25.0);
    assert!(live.publisher.interrupt().success());
    assert_clean(webroot);
}

#[test]
fn a_picture_is_shown_beside_sound_that_has_none() {
    let logo = made("logo.png", &["-f", "lavfi", "-i", "color=red:size=320x180:rate=1", "-frames:v", "1"]);
    let path = song("song.mp3", "3", &[]);
    for (more, fps) in [(&[] as &[&str], "1/1"), (&["--low-latency"], "5/1")] {
        let directory = tempfile::tempdir().unwrap();
        let webroot = directory.path();
        let words = [path.to_str().unwrap(), "--loop", "--picture", logo.to_str().unwrap()];
        let mut live = LiveStream::start(webroot, &[&words, more].concat());
        live.wait_for_segment(4);
        assert!(live.publisher.interrupt().success());
        assert_clean(webroot);
        let segment = webroot.join(&read_playlist(webroot).unwrap().segments[2].uri);
        assert!(volume_db(&segment) > -25.0);
        let said = stated(&segment, "v", "width,height,r_frame_rate");
        assert!(said.starts_with(&format!("320,180,{fps}")), "{said}");
        let pixel = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-i"])
            .arg(&segment)
            .args(["-frames:v", "1", "-vf", "scale=1:1", "-pix_fmt", "rgb24", "-f", "rawvideo", "pipe:1"])
            .output()
            .expect("ffmpeg");
        assert!(matches!(pixel.stdout[..], [200..=255, 0..=60, 0..=60]), "{:?} is not red", pixel.stdout);
    }
}

#[test]
fn the_sound_of_a_film_alone_is_streamed_when_no_video_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let mut live = LiveStream::start(webroot, &["test", "--no-video", "--segment-duration", "1s"]);
    live.wait_for_segment(3);
    assert!(live.publisher.interrupt().success());
    assert_clean(webroot);
    assert_eq!(sound_alone(&webroot.join("stream.m3u8")), "aac,48000,2");
    assert!(live_beeps(webroot), "the beep of the test pattern");
}

fn live_beeps(webroot: &Path) -> bool {
    volume_db(&webroot.join(&read_playlist(webroot).unwrap().segments[1].uri)) > -45.0
}

#[test]
fn watch_lists_segments_of_sound_that_ffmpeg_writes() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    std::fs::create_dir(webroot.join("live")).unwrap();
    let mut watch = Running::start(crate::support::programs::publisher().arg("watch").arg(webroot));
    let mut encoder = Running::start(
        Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i", SOUND, "-t", "9", "-c:a", "aac"])
            .args(["-f", "hls", "-hls_time", "2", "-hls_flags", "temp_file", "-hls_segment_filename"])
            .arg(webroot.join("live/seg-%08d.ts"))
            .arg(directory.path().join("of-ffmpeg.m3u8")),
    );
    assert!(encoder.wait().success());
    wait_for("four segments", PATIENCE, || {
        assert!(watch.still_runs(), "{}", watch.output());
        (read_playlist(webroot)?.segments.len() >= 4).then_some(())
    });
    assert!(watch.interrupt().success());
    assert_clean(webroot.join("stream.m3u8"));
    // The list is left open for an encoder that goes on: a player would wait for more.
    let playlist = read_playlist(webroot).unwrap();
    let segments = playlist.segments.iter().map(|segment| std::fs::read(webroot.join(&segment.uri)).unwrap());
    let joined = directory.path().join("joined.ts");
    std::fs::write(&joined, segments.collect::<Vec<_>>().concat()).unwrap();
    decode(&joined);
}

/// In their own time, for six seconds.
#[test]
fn other_players_play_sound_alone() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    let path = song("song.mp3", "3", &[]);
    let site = WebServer::start(webroot);
    let mut live =
        LiveStream::start(webroot, &[path.to_str().unwrap(), "--loop", "--segment-duration", "1s"]);
    live.wait_for_segment(4);
    let address = format!("{}/stream.m3u8", site.address);
    let mut mpv = Running::start(Command::new("mpv").args([
        "--no-config",
        "--vo=null",
        "--ao=null",
        "--length=6",
        &address,
    ]));
    let mut ear = Command::new("gst-launch-1.0");
    ear.args(["-v", "playbin", &format!("uri={address}"), "audio-sink=fakesink sync=true silent=false"]);
    let mut gstreamer = Running::start(&mut ear);
    let status = mpv.wait();
    assert!(status.success() && mpv.output().contains("Exiting... (End of file)"), "{}", mpv.output());
    // Six seconds of frames of AAC, in their time.
    wait_for("six seconds in GStreamer", PATIENCE, || {
        assert!(gstreamer.still_runs(), "{}", gstreamer.output());
        (gstreamer.output().matches("chain ").count() >= 281).then_some(())
    });
}
