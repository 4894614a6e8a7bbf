//! Tracks: which of several sound tracks is heard, and what is said of those that are not. Pure but for [`Told`], which logs.
//!
//! In: what the user wants, and the sound tracks of a source. Out: one of them, and words for people.

use isolang::Language;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::{info, warn};

/// A file has few tracks, and a broadcast may have hundreds: more are counted.
const MOST_NAMED: usize = 12;
/// So many different lines are remembered as told.
const MOST_TOLD: usize = 1000;

/// The codes of ISO 639-2 that libraries use, and those that stand for the same languages elsewhere.
const OF_LIBRARIES: [(&str, &str); 20] = [
    ("alb", "sqi"),
    ("arm", "hye"),
    ("baq", "eus"),
    ("bur", "mya"),
    ("chi", "zho"),
    ("cze", "ces"),
    ("dut", "nld"),
    ("fre", "fra"),
    ("geo", "kat"),
    ("ger", "deu"),
    ("gre", "ell"),
    ("ice", "isl"),
    ("mac", "mkd"),
    ("mao", "mri"),
    ("may", "msa"),
    ("per", "fas"),
    ("rum", "ron"),
    ("slo", "slk"),
    ("tib", "bod"),
    ("wel", "cym"),
];

/// Which sound track is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum WantedSound {
    /// The one that the source prefers, or else its first.
    #[default]
    Default,
    /// The one with this number, counted from 1.
    Number(usize),
    /// The one in this language, a code as in `de`, `deu`, `ger` or `de-CH`.
    Language(String),
    /// The sound of the source is not used: nothing is said of it.
    Unheard,
}

impl WantedSound {
    /// What was typed: a number, or the code of a language.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "'{text}' is neither the number of a sound track, counted from 1, nor the code of a language; \
                 write it like --audio-track 2 or --audio-track de"
            )
        };
        if text.bytes().all(|letter| letter.is_ascii_digit()) {
            return text.parse().ok().filter(|&number| number > 0).map(Self::Number).ok_or_else(wrong);
        }
        let is_code = (2..=3).contains(&primary(text).len())
            && primary(text).bytes().all(|it| it.is_ascii_alphabetic());
        let is_tag =
            text.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'-' || letter == b'_');
        if is_code && is_tag { Ok(Self::Language(text.to_owned())) } else { Err(wrong()) }
    }

    /// For people: `no sound track 3`, `no sound track in de`.
    pub(crate) fn missing(&self) -> Option<String> {
        match self {
            Self::Number(number) => Some(format!("no sound track {number}")),
            Self::Language(language) => Some(format!("no sound track in {language}")),
            Self::Default | Self::Unheard => None,
        }
    }
}

/// What is wanted of the tracks of a source, and what was said of them.
#[derive(Debug, Clone, Default)]
pub struct TrackSettings {
    /// The sound track.
    pub sound: WantedSound,
    /// What was told.
    pub told: Told,
}

/// Lines that were told: each once, over all rounds and openings of a source.
#[derive(Debug, Clone, Default)]
pub struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    /// Logs a line, unless it was told before. `is_news`: nobody has asked for it, and a terminal shows it, too.
    pub(crate) fn tell(&self, line: String, is_news: bool) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.contains(&line) {
            return;
        }
        if told.len() >= MOST_TOLD {
            told.clear();
        }
        if is_news {
            warn!("{line}");
        } else {
            info!("{line}");
        }
        told.push(line);
    }

    /// What was told.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A sound track.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct SoundTrack {
    /// As the container names it; `und` is none.
    pub(crate) language: Option<String>,
    /// The codec's name.
    pub(crate) codec: String,
    /// The container says that it is the one to play.
    pub(crate) is_default: bool,
    /// It describes the picture for the blind, or is made for the deaf, or comments on the film.
    pub(crate) is_special: bool,
    /// There is a decoder for it.
    pub(crate) is_decodable: bool,
    /// Its format is known: something of it has come.
    pub(crate) has_come: bool,
}

impl SoundTrack {
    /// For people: `2 (de, aac)`.
    fn in_words(&self, index: usize) -> String {
        let language = self.language.as_ref().map(|language| format!("{}, ", two_letters(language)));
        let special = if self.is_special { ", commentary or for the impaired" } else { "" };
        format!("{} ({}{}{special})", index + 1, language.unwrap_or_default(), self.codec)
    }
}

/// A track, and whether it is what was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Which of the tracks.
    pub(crate) index: usize,
    /// It is, or nothing was asked for.
    pub(crate) is_as_wanted: bool,
}

/// The track that is heard; nothing if there is none.
pub(crate) fn choose(tracks: &[SoundTrack], wanted: &WantedSound) -> Option<Choice> {
    let is_wanted = |index: usize, track: &SoundTrack| match wanted {
        WantedSound::Number(number) => index + 1 == *number,
        WantedSound::Language(language) => {
            track.language.as_ref().is_some_and(|of_track| is_same(of_track, language))
        }
        WantedSound::Default | WantedSound::Unheard => false,
    };
    let rank = |&(index, track): &(usize, &SoundTrack)| {
        let is_wanted = is_wanted(index, track);
        // What was asked for by its number is taken even if nothing of it has come yet.
        (
            is_wanted && track.is_decodable,
            track.is_decodable,
            track.has_come,
            !track.is_special,
            track.is_default,
        )
    };
    // Of equals the first.
    let best = tracks.iter().enumerate().rev().max_by_key(rank)?;
    let asks = wanted.missing().is_some();
    let (index, track) = best;
    Some(Choice { index, is_as_wanted: !asks || (is_wanted(index, track) && track.is_decodable) })
}

/// What is said of the choice: nothing where there was none, and everything came as it was wanted.
pub(crate) fn in_words(tracks: &[SoundTrack], choice: &Choice, wanted: &WantedSound) -> Option<String> {
    if *wanted == WantedSound::Unheard || (choice.is_as_wanted && tracks.len() < 2) {
        return None;
    }
    let taken = tracks.get(choice.index)?.in_words(choice.index);
    let others: Vec<_> = tracks.iter().enumerate().filter(|(index, _)| *index != choice.index).collect();
    let missing = wanted.missing().filter(|_| !choice.is_as_wanted);
    let missing =
        missing.map(|missing| format!("{missing} that can be played; instead ")).unwrap_or_default();
    let line = format!("{missing}sound track {taken} is heard");
    if !others.is_empty() {
        let names = shortened(others.iter().map(|(index, track)| track.in_words(*index)));
        let language = others.iter().find_map(|(_, track)| track.language.as_deref().map(two_letters));
        let or_language = language.filter(|it| is_typable(it)).map(|it| format!(" or --audio-track {it}"));
        let number = others[0].0 + 1;
        let or_language = or_language.unwrap_or_default();
        return Some(format!("{line}, not {names}; for another one add --audio-track {number}{or_language}"));
    }
    Some(line)
}

/// All tracks, for an error; empty if there is none.
pub(crate) fn all_in_words(tracks: &[SoundTrack]) -> String {
    shortened(tracks.iter().enumerate().map(|(index, track)| track.in_words(index)))
}

/// Names with commas between, the first of them if they are many.
pub(crate) fn shortened(names: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = names.collect();
    let more = all.len().saturating_sub(MOST_NAMED);
    let first = all[..all.len() - more].join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}

fn is_typable(language: &str) -> bool {
    matches!(WantedSound::parse(language), Ok(WantedSound::Language(_)))
}

/// The language of a tag without region and script: `de` of `de-CH`.
fn primary(tag: &str) -> &str {
    tag.split(['-', '_']).next().unwrap_or_default()
}

/// The language that a tag is of, where it is one of ISO 639.
fn language(tag: &str) -> Option<Language> {
    let code = primary(tag).to_ascii_lowercase();
    let code = OF_LIBRARIES
        .iter()
        .find_map(|&(of_libraries, it)| (of_libraries == code).then_some(it))
        .unwrap_or(&code);
    Language::from_639_1(code).or_else(|| Language::from_639_3(code))
}

/// Whether two tags are of the same language.
fn is_same(one: &str, other: &str) -> bool {
    match (language(one), language(other)) {
        (Some(one), Some(other)) => one == other,
        _ => primary(one).eq_ignore_ascii_case(primary(other)),
    }
}

/// The shortest code of a language: `de` of `ger`.
pub(crate) fn two_letters(tag: &str) -> String {
    language(tag).and_then(|language| language.to_639_1()).map_or_else(|| printable(tag), str::to_owned)
}

/// What stands in a file may be anything.
fn printable(tag: &str) -> String {
    tag.chars().filter(|letter| letter.is_alphanumeric() || *letter == '-').take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(language: &str) -> SoundTrack {
        SoundTrack {
            language: (!language.is_empty()).then(|| language.to_owned()),
            codec: "aac".to_owned(),
            is_decodable: true,
            has_come: true,
            ..SoundTrack::default()
        }
    }

    #[track_caller]
    fn check(tracks: &[SoundTrack], typed: &str, number: usize, is_as_wanted: bool) {
        let wanted = if typed.is_empty() { WantedSound::Default } else { WantedSound::parse(typed).unwrap() };
        assert_eq!(choose(tracks, &wanted), Some(Choice { index: number - 1, is_as_wanted }), "{typed}");
    }

    #[test]
    fn a_number_or_a_language_chooses_and_else_the_default_or_the_first() {
        let tracks = [track("eng"), track("ger"), track("fra"), track("")];
        check(&tracks, "", 1, true);
        check(&tracks, "2", 2, true);
        check(&tracks, "4", 4, true);
        check(&tracks, "5", 1, false);
        for typed in ["de", "DE", "deu", "ger", "de-CH"] {
            check(&tracks, typed, 2, true);
        }
        for typed in ["fr", "fre", "fra"] {
            check(&tracks, typed, 3, true);
        }
        check(&tracks, "it", 1, false);
        let second_is_default = [track("eng"), SoundTrack { is_default: true, ..track("ger") }];
        check(&second_is_default, "", 2, true);
        check(&second_is_default, "it", 2, false);
    }

    #[test]
    fn what_cannot_be_played_what_has_not_come_and_what_is_for_few_come_last() {
        let broken = SoundTrack { is_decodable: false, is_default: true, ..track("eng") };
        check(&[broken.clone(), track("ger")], "", 2, true);
        check(&[broken, track("ger")], "1", 2, false);
        let silent = SoundTrack { has_come: false, ..track("eng") };
        check(&[silent.clone(), track("ger")], "", 2, true);
        check(&[silent, track("ger")], "1", 1, true);
        let described = SoundTrack { is_special: true, ..track("ger") };
        check(&[described.clone(), track("ger")], "de", 2, true);
        check(&[described, track("eng")], "de", 1, true);
        assert_eq!(choose(&[], &WantedSound::Default), None);
    }

    #[test]
    fn a_choice_is_told_with_the_others_and_how_to_choose() {
        let told = |tracks: &[SoundTrack], typed: &str| {
            let wanted =
                if typed.is_empty() { WantedSound::Default } else { WantedSound::parse(typed).unwrap() };
            in_words(tracks, &choose(tracks, &wanted).unwrap(), &wanted)
        };
        let two = [track("eng"), track("ger")];
        assert_eq!(
            told(&two, "").unwrap(),
            "sound track 1 (en, aac) is heard, not 2 (de, aac); for another one add --audio-track 2 or --audio-track de"
        );
        assert_eq!(
            told(&two, "it").unwrap(),
            "no sound track in it that can be played; instead sound track 1 (en, aac) is heard, not 2 (de, aac); \
             for another one add --audio-track 2 or --audio-track de"
        );
        assert_eq!(told(&two[..1], ""), None);
        assert_eq!(told(&two[..1], "1"), None);
        assert_eq!(
            told(&two[..1], "2").unwrap(),
            "no sound track 2 that can be played; instead sound track 1 (en, aac) is heard"
        );
        let many: Vec<_> = (0..40).map(|_| track("")).collect();
        assert!(
            told(&many, "").unwrap().contains("13 (aac) and 27 more; for another one add --audio-track 2")
        );
    }

    #[test]
    fn what_is_neither_a_number_nor_a_language_is_refused() {
        for typed in ["0", "", "-1", "deutsch", "d", "d3", "de ch", "99999999999999999999999"] {
            assert!(
                WantedSound::parse(typed).is_err_and(|error| error.contains("like --audio-track 2")),
                "{typed}"
            );
        }
    }

    #[test]
    fn each_line_is_told_once() {
        let told = Told::default();
        for line in ["a", "b", "a", "b"] {
            told.clone().tell(line.to_owned(), false);
        }
        assert_eq!(told.lines(), ["a", "b"]);
    }
}
