//! Titles: what viewers see of the streams that `watch` keeps. Pure.

use std::collections::BTreeMap;

/// Of a stream of which nothing else is known.
const UNTITLED: &str = "stream";

/// What was typed for one stream or for many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Titles {
    of_all: Option<String>,
    of_channels: BTreeMap<String, String>,
}

impl Titles {
    /// Of words like `Harbour`; where there are channels also `north=Harbour`, for the channel `north` alone.
    #[must_use]
    pub fn new(typed: Vec<String>, has_channels: bool) -> Self {
        let mut titles = Self::default();
        for title in typed.into_iter().filter(|title| !title.trim().is_empty()) {
            match title.split_once('=').filter(|_| has_channels) {
                Some((channel, title)) => {
                    titles.of_channels.insert(channel.to_owned(), title.to_owned());
                }
                None => titles.of_all = Some(title),
            }
        }
        titles
    }

    /// Of the one stream.
    #[must_use]
    pub fn of_stream(&self) -> String {
        self.of_all.clone().unwrap_or_else(|| UNTITLED.to_owned())
    }

    /// Of a channel; its name, which stands in its address, where nothing was said of it.
    #[must_use]
    pub fn of_channel(&self, name: &str) -> String {
        let said = self.of_channels.get(name).or(self.of_all.as_ref());
        said.cloned().unwrap_or_else(|| name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(typed: &[&str], has_channels: bool) -> Titles {
        Titles::new(typed.iter().map(ToString::to_string).collect(), has_channels)
    }

    #[test]
    fn every_channel_may_have_its_title() {
        let some = titles(&["north=Harbour = north", "south=Beach"], true);
        assert_eq!(some.of_channel("north"), "Harbour = north");
        assert_eq!(some.of_channel("south"), "Beach");
        assert_eq!(some.of_channel("west"), "west");
        assert_eq!(titles(&["Town", "north=Harbour"], true).of_channel("west"), "Town");
    }

    #[test]
    fn one_stream_has_one_title() {
        assert_eq!(titles(&[], false).of_stream(), "stream");
        assert_eq!(titles(&["a=b"], false).of_stream(), "a=b");
        assert_eq!(titles(&[" "], false).of_stream(), "stream");
    }
}
