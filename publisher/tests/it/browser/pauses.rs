//! A pause of the browser is mended, and a pause of the viewer is kept. The driver is `publisher/tests/browser/pauses.mjs`.

use super::{STREAM, beside_other_browsers, judged, webroot_with_page};
use crate::support::programs::{LiveStream, WebServer};

#[test]
fn the_page_goes_on_when_the_browser_pauses_and_stands_when_the_viewer_does() {
    let _turn = beside_other_browsers();
    let webroot = webroot_with_page();
    let site = WebServer::start(webroot.path());
    let mut live = LiveStream::start(webroot.path(), &STREAM);
    live.wait_for_segment(3);
    judged(&["pauses.mjs", &site.address]);
}
