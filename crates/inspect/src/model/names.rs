//! Names of segments and parts: relative to the playlist, with slashes. Pure.

use livedir_layout::names::number_of_name;

/// The directory below the playlist's that a listed file lies in; `None` where the name leads elsewhere.
pub(crate) fn directory_of(name: &str) -> Option<&str> {
    let directory = name.rsplit_once('/').map_or("", |(directory, _)| directory);
    let leads_elsewhere = name.starts_with('/')
        || name.contains('\\')
        || directory.split('/').any(|part| part == ".." || part.contains(':'));
    (!leads_elsewhere).then_some(directory)
}

/// The name without its directory.
pub(crate) fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The number in a name of ours.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    number_of_name(file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_told_apart() {
        assert_eq!(directory_of("a.ts"), Some(""));
        assert_eq!(directory_of("live/a.ts"), Some("live"));
        assert_eq!(directory_of("a:b.ts"), Some(""));
        for name in ["../a.ts", "live/../../a.ts", "/etc/a.ts", "http://host/a.ts", "..\\a.ts"] {
            assert_eq!(directory_of(name), None, "{name}");
        }
    }
}
