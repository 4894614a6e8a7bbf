//! Whole playlists, as they lie on disk, at the moments that matter.
//!
//! To write them anew after a wanted change, run `LIVEDIR_BLESS=1 cargo test -p livedir-playlist golden`, then read
//! the difference, then run all tests again.

use std::{env, fs};

use livedir_playlist::{Window, parse, render};

use crate::THREE_OF_2_S;
use crate::support::golden::folder;
use crate::support::{TEN_OF_2_S, after_a_break, segment, window_after};

#[track_caller]
fn check(name: &str, window: &Window) {
    let path = folder().join(name);
    let text = render(window.playlist());
    if env::var_os("LIVEDIR_BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{name} differs; see the head of golden.rs");
    assert_eq!(parse(&text).as_ref(), Ok(window.playlist()));
}

/// Four segments, a break, and as many more as are asked for.
fn window_with_a_break(pushes_after: u64) -> Window {
    let mut window = window_after(THREE_OF_2_S, 4);
    window.push(after_a_break(segment(5, 181_234))).unwrap();
    for media_sequence in 6..6 + pushes_after {
        window.push(segment(media_sequence, 180_000)).unwrap();
    }
    window
}

#[test]
fn golden_first_segment() {
    check("first_segment.m3u8", &window_after(TEN_OF_2_S, 1));
}

#[test]
fn golden_full_window() {
    check("full_window.m3u8", &window_after(TEN_OF_2_S, 42));
}

#[test]
fn golden_discontinuity_in_the_window() {
    check("discontinuity_in_the_window.m3u8", &window_with_a_break(1));
}

#[test]
fn golden_discontinuity_at_the_head() {
    check("discontinuity_at_the_head.m3u8", &window_with_a_break(2));
}

#[test]
fn golden_discontinuity_has_left() {
    check("discontinuity_has_left.m3u8", &window_with_a_break(3));
}

#[test]
fn golden_ended() {
    let mut window = window_after(THREE_OF_2_S, 4);
    window.push(segment(5, 45_045)).unwrap();
    window.end();
    check("ended.m3u8", &window);
}

#[test]
fn golden_resumed_after_a_crash() {
    let killed = window_after(THREE_OF_2_S, 7);
    let on_disk = parse(&render(killed.playlist())).unwrap();
    let mut window = Window::resume(THREE_OF_2_S, on_disk).unwrap();
    window.push(after_a_break(segment(8, 180_000))).unwrap();
    check("resumed_after_a_crash.m3u8", &window);
}

#[test]
fn golden_resumed_after_the_end() {
    let mut ended = window_with_a_break(1);
    ended.end();
    let on_disk = parse(&render(ended.playlist())).unwrap();
    let mut window = Window::resume(THREE_OF_2_S, on_disk).unwrap();
    window.push(segment(7, 180_000)).unwrap();
    check("resumed_after_the_end.m3u8", &window);
}
