//! Several ranges in one answer. Pure: a representation's headers and the ranges in, the pieces of the body out; RFC 9110 14.6.

use std::ops::Range;

use axum::http::header::HeaderValue;
use bytes::Bytes;

/// A body in parts.
#[derive(Debug)]
pub(crate) struct Multipart {
    pub(crate) content_type: HeaderValue,
    pub(crate) pieces: Vec<Piece>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(Bytes),
    /// These bytes of the representation.
    Part(Range<u64>),
}

/// What a part says of itself; `length` is that of the whole.
pub(crate) fn content_range(part: &Range<u64>, length: u64) -> String {
    format!("bytes {}-{}/{length}", part.start, part.end - 1)
}

/// `tag` and `content_type` are those of the whole. `None` where they cannot stand in a head.
pub(crate) fn multipart(
    tag: &[u8],
    content_type: &str,
    length: u64,
    parts: &[Range<u64>],
) -> Option<Multipart> {
    // RFC 2046 5.1.1: a line that is in none of the parts, as the tag of the whole is not.
    let boundary: String =
        tag.iter().copied().map(char::from).filter(|it| it.is_ascii_alphanumeric() || *it == '-').collect();
    let mut pieces = Vec::with_capacity(2 * parts.len() + 1);
    for part in parts {
        let range = content_range(part, length);
        let head =
            format!("\r\n--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: {range}\r\n\r\n");
        pieces.push(Piece::Text(head.into()));
        pieces.push(Piece::Part(part.clone()));
    }
    let end = format!("\r\n--{boundary}--\r\n");
    pieces.push(Piece::Text(end.into()));
    let content_type = HeaderValue::try_from(format!("multipart/byteranges; boundary={boundary}")).ok()?;
    Some(Multipart { content_type, pieces })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_between_lines() {
        let made = multipart(b"\"1a-f0\"", "video/mp2t", 9, &[0..2, 5..9]).unwrap();
        assert_eq!(made.content_type, "multipart/byteranges; boundary=1a-f0");
        let text = |text: &str| Piece::Text(Bytes::copy_from_slice(text.as_bytes()));
        let head = |range: &str| {
            text(&format!(
                "\r\n--1a-f0\r\nContent-Type: video/mp2t\r\nContent-Range: bytes {range}/9\r\n\r\n"
            ))
        };
        let expected =
            [head("0-1"), Piece::Part(0..2), head("5-8"), Piece::Part(5..9), text("\r\n--1a-f0--\r\n")];
        assert_eq!(made.pieces, expected);
    }
}
