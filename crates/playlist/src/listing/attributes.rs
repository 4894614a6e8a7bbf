//! Attribute lists: `NAME=value,NAME="value, with a comma"` (RFC 8216 4.2).

use std::collections::HashSet;

/// Up to so many names are compared each with each: sooner done than a set is made, and lists of one's own have no more.
const FEW: usize = 16;

/// The attributes of one tag, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes {
    text: String,
}

impl Attributes {
    /// Reads as many as can be read.
    #[must_use]
    pub fn read(text: &str) -> Attributes {
        Attributes { text: text.to_owned() }
    }

    /// The value without its quotes; the first if there are more of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        attribute(&self.text, name)
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        Pairs::of(&self.text)
    }

    /// Whether the whole text is an attribute list.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        let mut pairs = Pairs::of(&self.text);
        pairs.by_ref().for_each(drop);
        pairs.is_well_formed()
    }
}

/// One value of an attribute list, as [`Attributes::get`] has it, without a copy of the list.
pub(crate) fn attribute<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    Pairs::of(text).find(|&(it, _)| it == name).map(|(_, value)| value)
}

/// Names and values of an attribute list, in order.
#[derive(Debug, Clone)]
pub(crate) struct Pairs<'a> {
    rest: &'a str,
    is_well_formed: bool,
}

impl<'a> Pairs<'a> {
    pub(crate) fn of(text: &'a str) -> Pairs<'a> {
        Pairs { rest: text.trim(), is_well_formed: true }
    }

    /// Whether what was read so far is an attribute list.
    pub(crate) fn is_well_formed(&self) -> bool {
        self.is_well_formed
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some((name, value_on)) = self.rest.split_once('=') else {
            self.is_well_formed = false;
            self.rest = "";
            return None;
        };
        let name = name.trim();
        let (value, after) = match value_on.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or_else(|| {
                self.is_well_formed = false;
                (quoted, "")
            }),
            None => value_on.split_at(value_on.find(',').unwrap_or(value_on.len())),
        };
        self.is_well_formed &= is_name(name);
        let after = after.trim_start();
        self.rest = after.strip_prefix(',').unwrap_or_else(|| {
            self.is_well_formed &= after.is_empty();
            after
        });
        Some((name, value))
    }
}

/// A name that stands there more than once.
pub(crate) fn repeated_name<'a>(pairs: &[(&'a str, &'a str)]) -> Option<&'a str> {
    let names = || pairs.iter().map(|&(name, _)| name);
    if pairs.len() <= FEW {
        return names()
            .enumerate()
            .find(|&(at, name)| names().take(at).any(|it| it == name))
            .map(|(_, name)| name);
    }
    let mut seen = HashSet::new();
    names().find(|&name| !seen.insert(name))
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
        #[track_caller]
        fn check(text: &str, expected: Option<&str>) {
            assert_eq!(repeated_name(&Pairs::of(text).collect::<Vec<_>>()), expected, "{text:?}");
        }
        check("A=1,B=2,A=1", Some("A"));
        check("A=1,B=2", None);
        let names: Vec<_> = (0..20).map(|number| format!("A{number}=1")).collect();
        let many = |last: &str| format!("{},{last}", names.join(","));
        check(&many("A3=1"), Some("A3"));
        check(&many("B=1"), None);
    }
}
