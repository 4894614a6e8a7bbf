//! Ranges of a segment: which bytes, and which status.

use crate::support::{Server, Webroot, ask, get, segment};

const PATH: &str = "/live/seg-00000001.ts";

/// One that answers from memory, and one that reads the disk.
fn servers(webroot: &Webroot) -> [Server; 2] {
    let servers =
        [&[][..], &["--cache-size", "0"]].map(|arguments| Server::start(&webroot.path(), arguments));
    for server in &servers {
        // Only what a playlist lists is in memory.
        assert_eq!(get(server.address, "/stream.m3u8", &[]).status, 200);
    }
    servers
}

/// `expected`: first and last byte of a 206, or the status.
#[track_caller]
fn check(server: &Server, range: &str, expected: Result<(usize, usize), u16>) {
    let whole = segment();
    let answer = get(server.address, PATH, &[&format!("Range: {range}")]);
    match expected {
        Ok((first, last)) => {
            assert_eq!(answer.status, 206, "{range}");
            assert_eq!(
                answer.header("Content-Range"),
                format!("bytes {first}-{last}/{}", whole.len()),
                "{range}"
            );
            assert!(answer.body == whole[first..=last], "{range}: {} bytes", answer.body.len());
        }
        Err(200) => {
            assert_eq!((answer.status, answer.header("Content-Range")), (200, String::new()), "{range}");
            assert!(answer.body == whole, "{range}: {} bytes", answer.body.len());
        }
        Err(status) => {
            assert_eq!(answer.status, status, "{range}");
            assert_eq!(answer.header("Content-Range"), format!("bytes */{}", whole.len()), "{range}");
        }
    }
}

#[test]
fn a_range_is_those_bytes_and_no_others() {
    let webroot = Webroot::new();
    for server in &servers(&webroot) {
        let last = segment().len() - 1;
        check(server, "bytes=0-0", Ok((0, 0)));
        check(server, "bytes=188-375", Ok((188, 375)));
        check(server, "bytes=65530-131080", Ok((65_530, 131_080)));
        check(server, "bytes=1000-", Ok((1000, last)));
        check(server, "bytes=-188", Ok((last - 187, last)));
        check(server, "bytes=0-99999999", Ok((0, last)));
        check(server, "bytes=-99999999", Ok((0, last)));
        check(server, &format!("bytes={last}-"), Ok((last, last)));
    }
}

#[test]
fn a_range_beyond_the_end_tells_the_length() {
    let webroot = Webroot::new();
    for server in &servers(&webroot) {
        check(server, &format!("bytes={}-", segment().len()), Err(416));
        check(server, "bytes=99999999-", Err(416));
        check(server, "bytes=-0", Err(416));
        check(server, "bytes=18446744073709551616-", Err(416));
        check(server, "bytes=x", Err(416));
    }
}

#[test]
fn what_is_no_byte_range_gets_the_whole() {
    let webroot = Webroot::new();
    for server in &servers(&webroot) {
        check(server, "items=0-1", Err(200));
        check(server, "bytes", Err(200));
        check(server, "bytes=0-1,0-,0-,0-,0-", Err(200));
        let head = ask(server.address, "HEAD", PATH, &["Range: bytes=0-1"]);
        assert_eq!((head.status, head.header("Content-Length")), (200, segment().len().to_string()));
    }
}

#[test]
fn a_range_of_another_version_becomes_the_whole() {
    let webroot = Webroot::new();
    for server in &servers(&webroot) {
        let whole = get(server.address, PATH, &[]);
        let (tag, date) = (whole.header("ETag"), whole.header("Last-Modified"));
        let range = "Range: bytes=4-7";
        for (if_range, status) in [
            (tag.clone(), 206),
            (date, 206),
            (format!("W/{tag}"), 200),
            ("\"other\"".to_owned(), 200),
            ("Thu, 01 Jan 1970 00:00:00 GMT".to_owned(), 200),
        ] {
            let answer = get(server.address, PATH, &[range, &format!("If-Range: {if_range}")]);
            assert_eq!(answer.status, status, "{if_range}");
            let expected = if status == 206 { &whole.body[4..8] } else { &whole.body };
            assert!(answer.body == expected, "{if_range}: {} bytes", answer.body.len());
        }
        let beyond = get(server.address, PATH, &["Range: bytes=900000-", "If-Range: \"other\""]);
        assert_eq!(beyond.status, 200, "the range may well have been right for the other version");
    }
}

#[test]
fn several_ranges_are_several_parts() {
    let webroot = Webroot::new();
    for server in &servers(&webroot) {
        check_several(server);
    }
}

#[track_caller]
fn check_several(server: &Server) {
    let whole = segment();
    let answer = get(server.address, PATH, &["Range: bytes=0-3, -2,188-375, 900000-"]);
    assert_eq!(answer.status, 206);
    assert_eq!(answer.header("Content-Range"), "", "RFC 9110 15.3.7.2: MUST NOT in the head");
    let expected: Vec<_> = [0..4, whole.len() - 2..whole.len(), 188..376]
        .map(|part| {
            let range = format!("bytes {}-{}/{}", part.start, part.end - 1, whole.len());
            (range, whole[part].to_vec())
        })
        .into();
    assert!(
        answer.parts() == expected,
        "{:?}",
        answer.parts().iter().map(|part| &part.0).collect::<Vec<_>>()
    );
    let one_left = get(server.address, PATH, &["Range: bytes=900000-,4-7"]);
    assert_eq!((one_left.status, &one_left.body[..]), (206, &whole[4..8]));
    for too_much in [
        "bytes=0-,0-",
        "bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15,16-16",
    ] {
        assert_eq!(get(server.address, PATH, &[&format!("Range: {too_much}")]).status, 200, "{too_much}");
    }
}
