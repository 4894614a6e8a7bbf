//! Retyped: words as a person would type them again, for a remedy that works as it stands. Pure.

use std::ffi::OsString;

use livedir_address::shown;
use livedir_manual::quoted;

/// `livedir-publisher` with these words behind it; `None` where one of them holds a secret, or is no text.
pub(super) fn retyped<'a>(words: impl IntoIterator<Item = &'a OsString>) -> Option<String> {
    let mut line = "livedir-publisher".to_owned();
    for word in words {
        let word = word.to_str().filter(|word| shown(word) == *word)?;
        line.push(' ');
        line.push_str(&quoted(word));
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &[&str], expected: Option<&str>) {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        assert_eq!(retyped(&words).as_deref(), expected);
    }

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        check(&["live", "movie.mp4", "--loop"], Some("livedir-publisher live movie.mp4 --loop"));
        check(&["live", "my film.mp4"], Some("livedir-publisher live 'my film.mp4'"));
        check(&["live", "it's", ""], Some(r"livedir-publisher live 'it'\''s' ''"));
        check(&["udp://a:1?x=1&y=2"], None);
        check(&["tcp://127.0.0.1:9?listen"], Some("livedir-publisher 'tcp://127.0.0.1:9?listen'"));
    }

    #[test]
    fn secrets_are_not_typed_again() {
        check(&["live", "rtsp://user:secret@camera/1", "--loop"], None);
        check(&["live", "rtmp://0.0.0.0/live/KEY"], None);
    }
}
