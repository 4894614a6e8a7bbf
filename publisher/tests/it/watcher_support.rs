//! A stage for the watcher: a webroot, real segments from the ffmpeg program, and an eye on every playlist.
//!
//! Whatever a test does, each playlist seen is held to the rules against the one before it.

use crate::support::wait_for;
use livedir_layout::meters::Meters;
use livedir_layout::names::segment_path;
use livedir_layout::numbers::Numbers;
use livedir_layout::rendition::Rendition;
use livedir_media::Medium;
use livedir_playlist::{MediaPlaylist, Segment, parse};
use livedir_watcher::{Wake, WatchError, Watcher, WatcherSettings};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, OnceLock, mpsc::Sender},
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime},
};
use tempfile::TempDir;

/// Far longer than anything takes on a loaded machine.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Runs the ffmpeg program.
#[track_caller]
pub fn ffmpeg(directory: &Path, arguments: &str) {
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(arguments.split_whitespace())
        .current_dir(directory)
        .status()
        .expect("the ffmpeg program is installed");
    assert!(status.success(), "ffmpeg {arguments}");
}

/// Segments as `-f hls` of the ffmpeg program cuts them: half a second each, H.264 and AAC.
pub fn cut_segments(input_and_codecs: &str) -> Vec<Vec<u8>> {
    cut_segments_of("0.5", input_and_codecs)
}

/// Segments of so many seconds.
pub fn cut_segments_of(segment_s: &str, input_and_codecs: &str) -> Vec<Vec<u8>> {
    let directory = tempfile::tempdir().expect("temp dir");
    let cut =
        format!("-f hls -hls_time {segment_s} -hls_list_size 0 -hls_segment_filename %03d.ts list.m3u8");
    ffmpeg(directory.path(), &format!("{input_and_codecs} {cut}"));
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory.path()).expect("listed").map(|entry| entry.expect("entry").path()).collect();
    paths.sort();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "ts"));
    paths.iter().map(|path| fs::read(path).expect("read")).collect()
}

/// Pictures and sound of the ffmpeg program's own test sources, with a keyframe every half second.
pub const TEST_SOURCES: &str = "-f lavfi -i testsrc2=size=160x120:rate=20 -f lavfi -i sine=sample_rate=48000 \
    -c:v libx264 -preset ultrafast -g 10 -keyint_min 10 -sc_threshold 0 -pix_fmt yuv420p -c:a aac -ac 2";

/// The same pictures in HEVC, as libx265 makes them when it is told to close its groups of pictures.
pub const HEVC_SOURCE: &str = "-f lavfi -i testsrc2=size=160x120:rate=20 -c:v libx265 -preset ultrafast -g 10 -keyint_min 10 \
    -pix_fmt yuv420p -x265-params scenecut=0:open-gop=0:log-level=none";

/// Streams with few pictures, in segments of 2 s with a keyframe at the beginning of each, 12 s long: what they are, how ffmpeg
/// makes them, and whether their bytes alone tell how long a segment is.
pub const SLOW_PICTURES: [(&str, &str, bool); 6] = [
    ("one a second", "-f lavfi -i testsrc2=size=160x120:rate=1 -g 2", true),
    ("one in two seconds", "-f lavfi -i testsrc2=size=160x120:rate=1/2 -g 1", true),
    (
        "one in two seconds, with sound",
        "-f lavfi -i testsrc2=size=160x120:rate=1/2 -f lavfi -i sine=sample_rate=48000 -g 1 -c:a aac",
        true,
    ),
    (
        "two at odd times, with sound",
        "-f lavfi -i testsrc2=size=160x120:rate=25,select='not(mod(n,50))+eq(mod(n,50),47)' \
         -f lavfi -i sine=sample_rate=48000 -fps_mode vfr -force_key_frames expr:gte(t,n_forced*2) -c:a aac",
        true,
    ),
    (
        "two at odd times",
        "-f lavfi -i testsrc2=size=160x120:rate=25,select='not(mod(n,50))+eq(mod(n,50),47)' \
         -fps_mode vfr -force_key_frames expr:gte(t,n_forced*2)",
        false,
    ),
    (
        "three at odd times, on a clock of milliseconds",
        "-f lavfi -i testsrc2=size=160x120:rate=25,select='not(mod(n,50))+eq(mod(n,50),10)+eq(mod(n,50),47)',settb=1/1000 \
         -fps_mode vfr -enc_time_base -1 -force_key_frames expr:gte(t,n_forced*2)",
        false,
    ),
];

/// The whole segments of one of [`SLOW_PICTURES`].
pub fn slow_segments(input: &str) -> Vec<Vec<u8>> {
    let codec = "-t 12 -c:v libx264 -preset ultrafast -pix_fmt yuv420p";
    let mut segments = cut_segments_of("2", &format!("{input} {codec}"));
    // The last one ends with the stream and not with a keyframe.
    segments.pop();
    assert_eq!(segments.len(), 5);
    segments
}

/// Ticks of one of [`segments`].
pub const HALF_SECOND_90K: u64 = 45_000;

/// 24 segments that go on from one another. Made once.
pub fn segments() -> &'static [Vec<u8>] {
    static SEGMENTS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    SEGMENTS.get_or_init(|| cut_segments(&format!("{TEST_SOURCES} -t 12")))
}

/// 8 segments of HEVC that go on from one another. Made once.
pub fn hevc_segments() -> &'static [Vec<u8>] {
    static SEGMENTS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    SEGMENTS.get_or_init(|| cut_segments(&format!("{HEVC_SOURCE} -t 4")))
}

/// A webroot with a watcher, or between two of them.
pub struct WatchedWebroot {
    webroot: TempDir,
    pub settings: WatcherSettings,
    numbers: Numbers,
    seen: Seen,
}

/// A watcher at work.
pub struct Running {
    pub meters: Arc<Meters>,
    /// What it said that the first segment is to be called.
    pub next_segment_number: u64,
    waker: Sender<Wake>,
    thread: JoinHandle<Result<(), WatchError>>,
}

impl Running {
    /// Ends it in good order.
    pub fn finish(self) {
        self.waker.send(Wake::Finish).expect("the watcher listens");
        self.thread.join().expect("no panic").expect("a good end");
    }
}

impl WatchedWebroot {
    pub fn new() -> Self {
        Self::at(tempfile::tempdir().expect("temp dir"))
    }

    pub fn at(webroot: TempDir) -> Self {
        let settings = WatcherSettings {
            webroot: webroot.path().to_owned(),
            renditions: vec![Rendition { name: None, media: vec![Medium::Video, Medium::Audio] }],
            target_duration_s: 1,
            window_segments: 6,
            part_target_90k: None,
            end_list: true,
        };
        Self { webroot, settings, numbers: Numbers::any(), seen: Seen::default() }
    }

    /// Between two runs: the first one has listed the first so many of [`segments`], and was to be gone on with.
    #[track_caller]
    pub fn after_a_run(segments: usize) -> Self {
        let mut stage = Self::new();
        stage.settings.end_list = false;
        let running = stage.start();
        stage.drop_in_all(1, 0..segments);
        stage.wait_for_last(segments as u64);
        running.finish();
        stage
    }

    pub fn webroot(&self) -> &Path {
        self.webroot.path()
    }

    #[track_caller]
    pub fn start(&mut self) -> Running {
        self.try_start().expect("the watcher starts")
    }

    pub fn try_start(&mut self) -> Result<Running, WatchError> {
        let meters = Arc::new(Meters::default());
        let watcher = Watcher::start(&self.settings, std::slice::from_ref(&meters))?;
        self.numbers = watcher.numbers().of(&self.webroot().join("live"));
        self.look();
        let (waker, next_segment_number) = (watcher.waker(), watcher.next_segment_number());
        let thread = std::thread::spawn(move || watcher.run());
        Ok(Running { meters, next_segment_number, waker, thread })
    }

    /// A segment gets this number, as the segmenter says before its file appears.
    pub fn give(&self, number: u64) {
        self.numbers.give(number);
    }

    /// Puts a segment there as the segmenter does: under a dot name, with the capture time of its end, then renamed.
    pub fn drop_in(&self, number: u64, bytes: &[u8]) {
        self.drop_in_at(number, bytes, SystemTime::now());
    }

    /// The same, of a segment that ended then.
    pub fn drop_in_at(&self, number: u64, bytes: &[u8], ended_at: SystemTime) {
        let unfinished = self.webroot().join("live").join(format!(".seg-{number:08}.ts.test"));
        fs::write(&unfinished, bytes).expect("written");
        let file = fs::File::options().write(true).open(&unfinished).expect("opened");
        file.set_modified(ended_at).expect("the time is set");
        drop(file);
        self.give(number);
        fs::rename(&unfinished, segment_path(self.webroot(), number)).expect("renamed");
    }

    /// [`WatchedWebroot::drop_in`] of some of [`segments`], numbered from `first_number`.
    pub fn drop_in_all(&self, first_number: u64, range: std::ops::Range<usize>) {
        for (number, bytes) in (first_number..).zip(&segments()[range]) {
            self.drop_in(number, bytes);
        }
    }

    /// The playlist on disk, which has been held to the rules.
    #[track_caller]
    pub fn look(&mut self) -> Option<MediaPlaylist> {
        let text = fs::read_to_string(self.webroot().join("stream.m3u8")).ok()?;
        let playlist = parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        for segment in &playlist.segments {
            let is_there = segment.gap || self.webroot().join(&segment.uri).is_file();
            assert!(is_there, "{} is listed and missing", segment.uri);
        }
        self.seen.hold_to_rules(&playlist);
        Some(playlist)
    }

    /// Waits for a playlist.
    #[track_caller]
    pub fn wait_for(&mut self, what: &str, is_there: impl Fn(&MediaPlaylist) -> bool) -> MediaPlaylist {
        // More often than others wait: each version that is seen is held to the rules.
        let deadline = Instant::now() + DEADLINE;
        loop {
            let playlist = self.look();
            if let Some(playlist) = playlist.as_ref().filter(|playlist| is_there(playlist)) {
                return playlist.clone();
            }
            assert!(Instant::now() < deadline, "{what} did not come; the last was {playlist:#?}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until the last segment listed is the file with this number.
    #[track_caller]
    pub fn wait_for_last(&mut self, number: u64) -> MediaPlaylist {
        let uri = format!("live/seg-{number:08}.ts");
        self.wait_for(&uri, |playlist| playlist.segments.last().is_some_and(|last| last.uri == uri))
    }

    /// Makes a file look as if it was written long ago.
    pub fn age(&self, name: &str, by: Duration) {
        let file = fs::File::options().append(true).open(self.webroot().join(name)).expect("opened");
        file.set_modified(SystemTime::now() - by).expect("aged");
    }

    pub fn has(&self, number: u64) -> bool {
        segment_path(self.webroot(), number).exists()
    }

    pub fn status(&self) -> serde_json::Value {
        let json = fs::read(self.webroot().join("status.json")).expect("status.json");
        serde_json::from_slice(&json).expect("JSON")
    }
}

/// Waits for something that is no playlist.
#[track_caller]
pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    wait_for(what, DEADLINE, || is_so().then_some(()));
}

/// The numbers of the files that a playlist names.
pub fn numbers(playlist: &MediaPlaylist) -> Vec<u64> {
    let number = |segment: &Segment| livedir_layout::names::number_of_uri(&segment.uri);
    playlist.segments.iter().map(|segment| number(segment).expect("a name of ours")).collect()
}

/// What all playlists so far have promised.
#[derive(Default)]
struct Seen {
    last: Option<MediaPlaylist>,
    /// Media sequence → segment, and its discontinuity sequence.
    by_sequence: BTreeMap<u64, (Segment, u64)>,
}

impl Seen {
    #[track_caller]
    fn hold_to_rules(&mut self, playlist: &MediaPlaylist) {
        if self.last.as_ref() == Some(playlist) {
            return;
        }
        if let Some(last) = &self.last {
            // RFC 8216 6.2.2: neither number may decrease; 6.2.1: the target duration may not change.
            assert!(playlist.media_sequence >= last.media_sequence, "{last:#?}\n{playlist:#?}");
            assert!(playlist.next_media_sequence() >= last.next_media_sequence(), "{last:#?}\n{playlist:#?}");
            assert!(
                playlist.discontinuity_sequence >= last.discontinuity_sequence,
                "{last:#?}\n{playlist:#?}"
            );
            assert!(last.ended || playlist.target_duration_s == last.target_duration_s);
        }
        let mut discontinuity_sequence = playlist.discontinuity_sequence;
        for (media_sequence, segment) in (playlist.media_sequence..).zip(&playlist.segments) {
            discontinuity_sequence += u64::from(segment.discontinuity);
            let seen = (segment.clone(), discontinuity_sequence);
            let before = self.by_sequence.entry(media_sequence).or_insert_with(|| seen.clone());
            assert_eq!(*before, seen, "number {media_sequence} is for ever the same segment");
        }
        self.last = Some(playlist.clone());
    }
}
