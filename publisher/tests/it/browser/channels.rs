//! The page of all channels: it comes by itself where there is no stream but channels, and shows a picture of each.

use super::{beside_other_browsers, judged, webroot_with_page};
use crate::support::programs::{PATIENCE, Running, WebServer, publisher, read_playlist};
use crate::support::wait_for;

const FILE: &str = "size = '320x180'\nfps = 15\nsegment-duration = '1s'\n\
    [[channel]]\nname = 'north'\nsource = 'test'\ntitle = 'North gate'\n\
    [[channel]]\nname = 'south'\nsource = 'test'\nlow-latency = true\n";

#[test]
fn the_page_of_all_channels_shows_a_picture_of_each_and_leads_to_its_stream() {
    let _turn = beside_other_browsers();
    let webroot = webroot_with_page();
    let file = webroot.path().join("channels.toml");
    std::fs::write(&file, FILE).unwrap();
    let words = ["live", "--channels", "channels.toml", "--webroot", "."];
    let _channels = Running::start(publisher().current_dir(webroot.path()).args(words));
    for name in ["north", "south"] {
        wait_for(name, PATIENCE, || {
            read_playlist(&webroot.path().join(name)).filter(|it| it.segments.len() >= 3)
        });
    }
    let site = WebServer::start(webroot.path());
    judged(&["channels.mjs", &site.address, "North gate", "south"]);
}
