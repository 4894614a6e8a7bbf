//! Attribute lists: `NAME=value,NAME="value, with a comma"` (RFC 8216 4.2).

/// The attributes of one tag, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes {
    pairs: Vec<(String, String)>,
    is_well_formed: bool,
}

impl Attributes {
    /// Reads as many as can be read.
    #[must_use]
    pub fn read(text: &str) -> Attributes {
        let mut attributes = Attributes { pairs: Vec::new(), is_well_formed: true };
        let mut rest = text.trim();
        while !rest.is_empty() {
            let Some((name, value_on)) = rest.split_once('=') else {
                attributes.is_well_formed = false;
                break;
            };
            let name = name.trim();
            let (value, after) = match value_on.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap_or_else(|| {
                    attributes.is_well_formed = false;
                    (quoted, "")
                }),
                None => value_on.split_at(value_on.find(',').unwrap_or(value_on.len())),
            };
            attributes.is_well_formed &= is_name(name);
            attributes.pairs.push((name.to_owned(), value.to_owned()));
            let after = after.trim_start();
            rest = after.strip_prefix(',').unwrap_or_else(|| {
                attributes.is_well_formed &= after.is_empty();
                after
            });
        }
        attributes
    }

    /// The value without its quotes; the first if there are more of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|&(it, _)| it == name).map(|(_, value)| value)
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether the whole text is an attribute list.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        self.is_well_formed
    }

    /// A name that stands there more than once.
    pub(crate) fn repeated_name(&self) -> Option<&str> {
        let mut seen = std::collections::HashSet::new();
        self.iter().map(|(name, _)| name).find(|&name| !seen.insert(name))
    }
}

/// RFC 8216 4.2: capital letters, digits and hyphens.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)], is_well_formed: bool) {
        let attributes = Attributes::read(text);
        assert_eq!(attributes.iter().collect::<Vec<_>>(), expected, "{text:?}");
        assert_eq!(attributes.is_well_formed(), is_well_formed, "{text:?}");
    }

    #[test]
    fn lawful_lists_are_read_whole() {
        check("", &[], true);
        check("BANDWIDTH=128000", &[("BANDWIDTH", "128000")], true);
        check(
            r#"CODECS="avc1.42c01e,mp4a.40.2",RESOLUTION=640x480,X-A="a=b""#,
            &[("CODECS", "avc1.42c01e,mp4a.40.2"), ("RESOLUTION", "640x480"), ("X-A", "a=b")],
            true,
        );
        check("A=1, B=2", &[("A", "1"), ("B", "2")], true);
    }

    #[test]
    fn of_others_what_can_be_read_is_read() {
        check("nonsense", &[], false);
        check("a=1", &[("a", "1")], false);
        check(r#"URI="cut"#, &[("URI", "cut")], false);
        check(r#"A="1"B=2"#, &[("A", "1"), ("B", "2")], false);
        check("A=1,=", &[("A", "1"), ("", "")], false);
        check("=\"\"=\"\"", &[("", ""), ("", "")], false);
    }

    #[test]
    fn a_name_that_comes_twice_is_known() {
        assert_eq!(Attributes::read("A=1,B=2,A=1").repeated_name(), Some("A"));
        assert_eq!(Attributes::read("A=1,B=2").repeated_name(), None);
    }
}
