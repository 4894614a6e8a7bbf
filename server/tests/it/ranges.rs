//! Ranges of a segment: which bytes, and which status.

use crate::support::{Server, Webroot, ask, get, segment};

const PATH: &str = "/live/seg-00000001.ts";

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
    let server = Server::start(&webroot.path(), &[]);
    let last = segment().len() - 1;
    check(&server, "bytes=0-0", Ok((0, 0)));
    check(&server, "bytes=188-375", Ok((188, 375)));
    check(&server, "bytes=65530-131080", Ok((65_530, 131_080)));
    check(&server, "bytes=1000-", Ok((1000, last)));
    check(&server, "bytes=-188", Ok((last - 187, last)));
    check(&server, "bytes=0-99999999", Ok((0, last)));
    check(&server, "bytes=-99999999", Ok((0, last)));
    check(&server, &format!("bytes={last}-"), Ok((last, last)));
}

#[test]
fn a_range_beyond_the_end_tells_the_length() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    check(&server, &format!("bytes={}-", segment().len()), Err(416));
    check(&server, "bytes=99999999-", Err(416));
    check(&server, "bytes=-0", Err(416));
    check(&server, "bytes=18446744073709551616-", Err(416));
    check(&server, "bytes=x", Err(416));
}

#[test]
fn what_is_not_one_byte_range_gets_the_whole() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
    check(&server, "items=0-1", Err(200));
    check(&server, "bytes", Err(200));
    check(&server, "bytes=0-1,5-6", Err(200));
    check(&server, "bytes=0-1,0-,0-,0-,0-", Err(200));
    let head = ask(server.address, "HEAD", PATH, &["Range: bytes=0-1"]);
    assert_eq!((head.status, head.header("Content-Length")), (200, segment().len().to_string()));
}

#[test]
fn a_range_of_another_version_becomes_the_whole() {
    let webroot = Webroot::new();
    let server = Server::start(&webroot.path(), &[]);
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
