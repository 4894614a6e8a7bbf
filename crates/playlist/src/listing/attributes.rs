//! Attribute lists: `NAME=value,NAME="value, with a comma"` (RFC 8216 4.2).

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
#[must_use]
pub fn attribute<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    Pairs::of(text).find(|&(it, _)| it == name).map(|(_, value)| value)
}

/// Names and values of an attribute list, in order.
#[derive(Debug, Clone)]
pub struct Pairs<'a> {
    rest: &'a str,
    is_well_formed: bool,
}

impl<'a> Pairs<'a> {
    /// Of a whole list; reading begins with its first.
    #[must_use]
    pub fn of(text: &'a str) -> Pairs<'a> {
        Pairs { rest: text.trim(), is_well_formed: true }
    }

    /// Whether what was read so far is an attribute list.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
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
}
