//! Lines and their pieces are short: what [`str`] does for texts of any length is done sooner here, a byte at a time.
//!
//! In: a piece of a line. Out: parts of it, the same as those of the method of that name. No thread.

/// [`str::trim`].
pub(super) fn trim(text: &str) -> &str {
    let is_plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    let bytes = text.as_bytes();
    if is_plain(bytes.first()) && is_plain(bytes.last()) { text } else { text.trim() }
}

/// [`str::split_once`] at a character of ASCII.
pub(super) fn split_once(text: &str, at: u8) -> Option<(&str, &str)> {
    let index = find(text, at)?;
    Some((text.get(..index)?, text.get(index + 1..)?))
}

/// [`str::find`] of a character of ASCII.
pub(super) fn find(text: &str, byte: u8) -> Option<usize> {
    text.bytes().position(|it| it == byte)
}

#[cfg(test)]
mod tests {
    #[test]
    fn pieces_are_those_of_str() {
        for text in ["", "a=b", "=", "a", " a = b ", "ü=ö=", "\u{a0}a\u{a0}", "a=\u{2003}"] {
            assert_eq!(super::trim(text), text.trim(), "{text:?}");
            assert_eq!(super::split_once(text, b'='), text.split_once('='), "{text:?}");
            assert_eq!(super::find(text, b'='), text.find('='), "{text:?}");
        }
    }
}
