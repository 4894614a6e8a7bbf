//! Series: whether the files that come are those of one encoder, or of two that write into one directory. Pure.
//!
//! In: names and facts, in the order in which files have their turn. Out: that two series take turns, once.

use crate::order::break_between;
use livedir_media::Facts;
use std::collections::VecDeque;

/// The files before the last one among which a file looks for the one that it goes on from.
const MOST_BEFORE: usize = 4;

/// The last files of which it is remembered what they went on from.
const MOST_STEPS: usize = 8;

/// So many of these that go on from another file than the last one are no accident.
const TURNS: usize = 4;

/// What a file goes on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// From the last one.
    OnFromLast,
    /// From one before that.
    OnFromEarlier,
    /// From none of them: it begins something.
    Anew,
}

/// The last files of an encoder, or of two.
#[derive(Debug, Default)]
pub(crate) struct Series {
    /// The last one first.
    before: VecDeque<(String, Facts)>,
    steps: VecDeque<Step>,
    is_told: bool,
}

impl Series {
    /// A file has had its turn. Gives the name of the file before it, which is one of the other series, when that is clear for the first
    /// time.
    pub(crate) fn note(&mut self, name: &str, facts: Facts) -> Option<String> {
        if self.is_told {
            return None;
        }
        let goes_on = |(before, of_before): &(String, Facts)| {
            break_between(of_before, &facts).is_none() || is_next_name(before, name)
        };
        let step = match self.before.iter().position(goes_on) {
            Some(0) => Step::OnFromLast,
            Some(_) => Step::OnFromEarlier,
            None => Step::Anew,
        };
        self.steps.truncate(MOST_STEPS - 1);
        self.steps.push_front(step);
        let is_turn = step == Step::OnFromEarlier;
        self.is_told =
            is_turn && self.steps.iter().filter(|step| **step == Step::OnFromEarlier).count() >= TURNS;
        let last = self.before.front().map(|(name, _)| name.clone());
        self.before.truncate(MOST_BEFORE - 1);
        self.before.push_front((name.to_owned(), facts));
        last.filter(|_| self.is_told)
    }
}

/// Whether a name has the number behind that of another, and is the same but for that.
fn is_next_name(before: &str, name: &str) -> bool {
    let (Some(before), Some(next)) = (last_number(before), last_number(name)) else { return false };
    (before.0, before.2) == (next.0, next.2) && before.1.checked_add(1) == Some(next.1)
}

/// What stands before the last number in a name, the number, and what stands behind it.
fn last_number(name: &str) -> Option<(&str, u64, &str)> {
    let end = name.rfind(|letter: char| letter.is_ascii_digit())? + 1;
    let start = name[..end]
        .rfind(|letter: char| !letter.is_ascii_digit())
        .map_or(0, |at| at + name[at..].chars().next().map_or(0, char::len_utf8));
    Some((&name[..start], name[start..end].parse().ok()?, &name[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::finished;
    use livedir_time::ticks::of_seconds;

    /// `"a1@4"`: a file of two seconds that begins at 4 s. Gives the files at which two series were told, with the one before.
    #[track_caller]
    fn check(files: &str, expected: &str) {
        let mut series = Series::default();
        let told = files.split_whitespace().filter_map(|file| {
            let (name, start_s) = file.split_once('@').expect("name@start");
            let mut facts = finished(2).facts;
            facts.start_90k = start_s.parse::<u64>().expect("seconds") * of_seconds(1);
            series.note(name, facts).map(|other| format!("{name} behind {other}"))
        });
        assert_eq!(told.collect::<Vec<_>>().join(", "), expected, "{files}");
    }

    #[test]
    fn two_series_that_take_turns_are_told_once() {
        check("a1@0 b1@90 a2@2 b2@92 a3@4 b3@94 a4@6 b4@96 a5@8 b5@98", "b3 behind a3");
        // Numbers of one kind of name, and time stamps that begin again in each file.
        check("7.ts@0 501.ts@0 8.ts@0 502.ts@0 9.ts@0 503.ts@0 10.ts@0", "503.ts behind 9.ts");
        // Segments of two lengths: one of them comes twice as often.
        check("a1@0 a2@2 b1@90 a3@4 a4@6 b2@92 a5@8 a6@10 b3@94 a7@12 a8@14 b4@96", "b3 behind a6");
        // Names that say nothing, and the same times.
        check("k@0 z@0 p@2 m@2 c@4 q@4 n@6 d@6 r@8 s@8", "s behind r");
    }

    #[test]
    fn one_series_is_none_of_two_however_it_goes() {
        check("a1@0 a2@2 a3@4 a4@6 a5@8 a6@10 a7@12 a8@14", "");
        // Names that are used again, and a film that begins anew.
        check("0@0 1@2 2@4 0@6 1@8 2@10 0@12 1@14 2@16", "");
        check("0@0 1@2 2@4 0@0 1@2 2@4 0@0 1@2 2@4 0@0 1@2 2@4", "");
        // Time stamps that begin again in each file, with names by the clock.
        check("10-00-00.ts@0 10-00-02.ts@0 10-00-04.ts@0 10-00-06.ts@0 10-00-08.ts@0 10-00-10.ts@0", "");
        // An encoder that restarts again and again, and one file that came late.
        check("a@0 b@50 c@100 d@150 e@200 f@250 g@300 h@350", "");
        check("1@0 2@2 4@6 3@4 5@8 6@10 7@12 8@14 9@16", "");
    }

    #[test]
    fn the_last_number_of_a_name_tells_what_comes_next() {
        for (before, name, expected) in [
            ("a-09.ts", "a-10.ts", true),
            ("99.ts", "100.ts", true),
            ("cam1-007.ts", "cam1-008.ts", true),
            ("cam1-007.ts", "cam2-008.ts", false),
            ("käse9x.ts", "käse10x.ts", true),
            ("a1.ts", "a3.ts", false),
            ("a.ts", "b.ts", false),
            ("99999999999999999999.ts", "99999999999999999999.ts", false),
        ] {
            assert_eq!(is_next_name(before, name), expected, "{before} {name}");
        }
    }
}
