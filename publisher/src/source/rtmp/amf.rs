//! AMF0: the values in RTMP's commands, as far as a server has to know them.
//!
//! In: bytes of a stranger. Out: values that borrow from them; and the other way for answers. Pure.

/// Objects in objects are read no deeper than this; nobody has a reason to go further.
const DEEPEST: usize = 8;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    Number(f64),
    Text(&'a [u8]),
    /// An object or an associative array: its fields in their order.
    Object(Vec<(&'a [u8], Value<'a>)>),
    /// All that a server need not understand: null, dates, lists.
    Other,
}

impl Value<'_> {
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Value::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        }
    }

    /// The text in a field of an object.
    pub(crate) fn text_of(&self, field: &str) -> Option<String> {
        let Value::Object(fields) = self else { return None };
        fields.iter().find(|(key, _)| *key == field.as_bytes()).and_then(|(_, value)| value.text())
    }
}

impl Value<'_> {
    /// The number in a field of an object.
    pub(crate) fn number_of(&self, field: &str) -> Option<f64> {
        let Value::Object(fields) = self else { return None };
        match fields.iter().find(|(key, _)| *key == field.as_bytes()) {
            Some((_, Value::Number(number))) => Some(*number),
            _ => None,
        }
    }
}

/// Reads one value after the other; nothing at the end, and from where the bytes make no sense.
pub(crate) struct Values<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Values<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.value(0)
    }
}

impl<'a> Values<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    /// A big-endian number of `width` bytes.
    fn count(&mut self, width: usize) -> Option<usize> {
        Some(self.bytes(width)?.iter().fold(0, |count, byte| count << 8 | usize::from(*byte)))
    }

    fn value(&mut self, depth: usize) -> Option<Value<'a>> {
        if depth > DEEPEST {
            return None;
        }
        Some(match self.count(1)? {
            0 => Value::Number(f64::from_be_bytes(self.bytes(8)?.try_into().ok()?)),
            1 => self.skip(1)?,
            2 => {
                let length = self.count(2)?;
                Value::Text(self.bytes(length)?)
            }
            3 => self.fields(depth)?,
            5 | 6 | 13 => Value::Other,
            7 => self.skip(2)?,
            8 => {
                self.skip(4)?; // a hint at how many follow; the end mark decides
                self.fields(depth)?
            }
            10 => {
                for _ in 0..self.count(4)? {
                    self.value(depth + 1)?;
                }
                Value::Other
            }
            11 => self.skip(10)?,
            12 => {
                let length = self.count(4)?;
                Value::Text(self.bytes(length)?)
            }
            _ => return None,
        })
    }

    fn skip(&mut self, count: usize) -> Option<Value<'a>> {
        self.bytes(count).map(|_| Value::Other)
    }

    fn fields(&mut self, depth: usize) -> Option<Value<'a>> {
        let mut fields = Vec::new();
        loop {
            let length = self.count(2)?;
            let key = self.bytes(length)?;
            if key.is_empty() && self.0.first() == Some(&9) {
                self.skip(1)?;
                return Some(Value::Object(fields));
            }
            fields.push((key, self.value(depth + 1)?));
        }
    }
}

/// Writes values one after the other.
#[derive(Default)]
pub(crate) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(crate) fn number(mut self, number: f64) -> Self {
        self.0.push(0);
        self.0.extend(number.to_be_bytes());
        self
    }

    /// `text` is one of ours: shorter than 64 KiB.
    pub(crate) fn text(mut self, text: &str) -> Self {
        self.0.push(2);
        self.key(text);
        self
    }

    pub(crate) fn null(mut self) -> Self {
        self.0.push(5);
        self
    }

    /// An object whose fields are texts.
    pub(crate) fn object(mut self, fields: &[(&str, &str)]) -> Self {
        self.0.push(3);
        for (key, text) in fields {
            self.key(key);
            self = self.text(text);
        }
        self.0.extend([0, 0, 9]);
        self
    }

    fn key(&mut self, text: &str) {
        self.0.extend((text.len() as u16).to_be_bytes());
        self.0.extend(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_as_it_was_written() {
        let bytes = Writer::default()
            .text("connect")
            .number(1.0)
            .object(&[("app", "live"), ("tcUrl", "rtmp://host/live")])
            .null()
            .0;
        let values: Vec<Value> = Values(&bytes).collect();
        assert_eq!(values[0].text().as_deref(), Some("connect"));
        assert_eq!(values[1], Value::Number(1.0));
        assert_eq!(values[2].text_of("app").as_deref(), Some("live"));
        assert_eq!(values[2].text_of("swfUrl"), None);
        assert_eq!(values[3..], [Value::Other]);
    }

    #[test]
    fn what_is_not_understood_is_passed_over() {
        let mut bytes = vec![1, 1, 10, 0, 0, 0, 2, 5, 6, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 1];
        bytes.extend([8, 0, 0, 0, 9, 0, 1, b'a', 5, 0, 0, 9]);
        bytes.extend([12, 0, 0, 0, 2, b'o', b'k']);
        let values: Vec<Value> = Values(&bytes).collect();
        assert_eq!(values.len(), 6);
        assert_eq!(values[5], Value::Text(b"ok"));
    }

    #[test]
    fn no_bytes_make_it_fail_or_go_deep() {
        let nested = [3, 0, 1, b'a'].repeat(10_000);
        assert_eq!(Values(&nested).next(), None);
        for length in 0..200 {
            for first in 0..16 {
                let mut bytes: Vec<u8> = (0..length).map(|byte| (byte * 37 + first) as u8).collect();
                bytes.insert(0, first as u8);
                Values(&bytes).take(1000).for_each(drop);
                bytes.iter_mut().skip(1).for_each(|byte| *byte = 0xff);
                Values(&bytes).take(1000).for_each(drop);
            }
        }
    }
}
