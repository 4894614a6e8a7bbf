//! The page in a browser, through `publisher/tests/browser/latency.mjs`, which says how it measures.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::stream::Stream;

/// Of many figures.
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "all are seconds")]
pub struct Spread {
    pub median_s: f64,
    pub p99_s: f64,
    pub max_s: f64,
}

/// Of the same pictures, one figure minus the other.
#[derive(Debug, Deserialize)]
pub struct Apart {
    pub median_s: f64,
    /// The farthest from 0.
    pub max_s: f64,
}

/// What the driver prints.
#[derive(Debug, Deserialize)]
pub struct Figures {
    pub pictures: u64,
    pub dated: Spread,
    pub drawn: Option<Spread>,
    pub apart: Option<Apart>,
    pub page_median_s: f64,
    pub stalls: u64,
    pub recoveries: u64,
    pub longest_still_s: f64,
    pub faster_share: f64,
}

pub fn watch(stream: &Stream, pace: &str, seconds: u32, settle_s: u32) -> Figures {
    let (seconds, settle_s) = (seconds.to_string(), settle_s.to_string());
    let watched = Command::new("node")
        .args(["latency.mjs", &stream.address, "--pace", pace, "--seconds", &seconds, "--settle", &settle_s])
        .current_dir(driver_directory())
        .output()
        .expect("node is installed by `just setup`");
    assert!(watched.status.success(), "{}", String::from_utf8_lossy(&watched.stderr));
    serde_json::from_slice(&watched.stdout).expect("the driver's figures")
}

/// Of Chromium and of hls.js.
pub fn versions() -> (String, String) {
    let chromium = std::env::var_os("CHROMIUM").unwrap_or_else(|| "/usr/bin/chromium".into());
    let chromium = Command::new(chromium)
        .arg("--version")
        .output()
        .expect("Chromium is installed by `just setup-tests`");
    let chromium = String::from_utf8_lossy(&chromium.stdout);
    let chromium: Vec<&str> = chromium.split_whitespace().take(2).collect();
    let package = driver_directory().join("../../../webroot/player/node_modules/hls.js/package.json");
    let package = fs::read_to_string(package).expect("hls.js is installed by `just setup`");
    let package: serde_json::Value = serde_json::from_str(&package).expect("a package.json");
    (chromium.join(" "), package["version"].as_str().unwrap_or_default().to_owned())
}

fn driver_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}
