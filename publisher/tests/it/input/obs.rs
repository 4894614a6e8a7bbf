//! OBS Studio, the real one, on an X server without a monitor: what a person who streams with it would have set.

use super::pushed::{Listening, free_udp_port};
use super::screen::x_server;
use crate::colours;
use crate::support::check::assert_clean;
use crate::support::programs::Running;
use std::process::Command;
use tempfile::TempDir;

/// What the scene is filled with: opaque, then blue, green and red.
const COLOUR: u32 = 0xff_20_c0_40;

/// An OBS that was set up to push to one place.
struct Studio {
    home: TempDir,
    display: String,
    _screen: Running,
}

impl Studio {
    #[track_caller]
    fn furnish(server: &str, key: &str) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| {
            let file = home.path().join(".config/obs-studio").join(name);
            std::fs::create_dir_all(file.parent().expect("a directory")).expect("room");
            std::fs::write(file, text).expect("room");
        };
        // FirstRun and LastVersion: it has been used before, and asks nothing.
        write(
            "global.ini",
            "[General]\nFirstRun=true\nLastVersion=4294967295\nEnableAutoUpdates=false\nInfoIncrement=99\n\
             [Basic]\nProfile=test\nProfileDir=test\nSceneCollection=test\nSceneCollectionFile=test\n",
        );
        write(
            "basic/profiles/test/basic.ini",
            "[General]\nName=test\n[Video]\nBaseCX=320\nBaseCY=240\nOutputCX=320\nOutputCY=240\nFPSType=1\nFPSInt=20\n\
             [Output]\nMode=Simple\n[SimpleOutput]\nVBitrate=400\nABitrate=96\nStreamEncoder=x264\nPreset=ultrafast\n",
        );
        let place = serde_json::json!({ "server": server, "key": key });
        let service = serde_json::json!({ "type": "rtmp_custom", "settings": place });
        write("basic/profiles/test/service.json", &service.to_string());
        let fill = serde_json::json!({ "color": COLOUR, "width": 320, "height": 240 });
        let items = serde_json::json!([{ "name": "Fill", "id": 1, "visible": true }]);
        let scenes = serde_json::json!({
            "name": "test", "current_scene": "Scene", "current_program_scene": "Scene",
            "scene_order": [{ "name": "Scene" }],
            "sources": [
                { "id": "color_source", "versioned_id": "color_source_v3", "name": "Fill", "settings": fill },
                { "id": "scene", "name": "Scene", "settings": { "items": items, "id_counter": 1 } },
            ],
        });
        write("basic/scenes/test.json", &scenes.to_string());
        let (screen, number) = x_server(home.path());
        Self { home, display: format!(":{number}"), _screen: screen }
    }

    /// Presses "Start Streaming".
    #[track_caller]
    fn go_live(&self) -> Running {
        Running::start(
            Command::new("obs")
                .args(["--startstreaming", "--multi", "--disable-updater", "--disable-missing-files-check"])
                .env("HOME", self.home.path())
                .env("XDG_RUNTIME_DIR", self.home.path())
                .env_remove("XDG_CONFIG_HOME")
                .env("DISPLAY", &self.display)
                .env("LIBGL_ALWAYS_SOFTWARE", "1"),
        )
    }
}

#[track_caller]
fn check(address: &str, server: impl Fn(&str) -> (String, String)) {
    let webroot = tempfile::tempdir().expect("a directory");
    let mut listening = Listening::start(webroot.path(), address);
    let (server, key) = server(&listening.address);
    let studio = Studio::furnish(&server, &key);
    for losses in [1, 2] {
        let obs = studio.go_live();
        listening.wait_for_pictures();
        listening.wait_for_pictures();
        let newest = listening.live.playlist().expect("a playlist").segments.pop().expect("a segment");
        let found = colours::seen(&webroot.path().join(&newest.uri));
        let [_, blue, green, red] = COLOUR.to_be_bytes();
        assert!(colours::is_near(found, [red, green, blue]), "{found:?}, {}", obs.output());
        obs.kill();
        listening.wait_for_loss(losses);
    }
    assert!(listening.live.publisher.interrupt().success());
    assert_clean(webroot.path());
}

#[test]
fn obs_streams_by_rtmp_and_again_after_it_crashed() {
    check("rtmp://127.0.0.1:0/live/KEY?listen=1", |place| {
        (place.trim_end_matches("/***").to_owned(), "KEY".to_owned())
    });
}

#[test]
fn obs_streams_by_srt_and_again_after_it_crashed() {
    let port = free_udp_port();
    let place = format!("srt://127.0.0.1:{port}");
    check(&format!("{place}?mode=listener"), |_| (place.clone(), String::new()));
}
