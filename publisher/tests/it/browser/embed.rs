//! The snippets of docs/embed.md, pasted into a page of another origin. The driver is `publisher/tests/browser/embed.mjs`.

use std::fs;
use std::path::Path;

use super::low_latency::{STREAM, free_address, start_server};
use super::{beside_other_browsers, judged, webroot_with_page};
use crate::support::programs::LiveStream;

/// The address in the document.
const ADDRESS: &str = "http://localhost:8080/";

#[test]
fn the_snippets_of_the_page_about_embedding_play_in_a_page_of_another_origin() {
    let _turn = beside_other_browsers();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/embed.md");
    let page = fs::read_to_string(page).unwrap();
    let snippets: Vec<_> =
        page.split("```html\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [frame, video] = snippets.as_slice() else { panic!("{snippets:#?}") };
    let webroot = webroot_with_page();
    let mut live = LiveStream::start(webroot.path(), &STREAM);
    let address = free_address();
    let _server = start_server(webroot.path(), address);
    live.wait_for_segment(4);
    let here = format!("http://{address}/");
    for (kind, snippet) in [("frame", frame), ("video", video)] {
        assert!(snippet.contains(ADDRESS), "{snippet}");
        let pasted = webroot.path().join(".pasted.html");
        fs::write(&pasted, snippet.replace(ADDRESS, &here)).unwrap();
        judged(&["embed.mjs", &here, pasted.to_str().unwrap(), kind]);
    }
}
