//! Texts of playlists, damaged at random.

use proptest::prelude::*;

/// How a valid text is damaged.
#[derive(Debug, Clone)]
pub enum Damage {
    Cut { at: prop::sample::Index },
    Insert { at: prop::sample::Index, text: String },
    RepeatLine { line: prop::sample::Index, times: usize },
    SwapLines { one: prop::sample::Index, other: prop::sample::Index },
}

pub fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        index().prop_map(|at| Damage::Cut { at }),
        (index(), "[0-9:.,#\n\r\u{feff}\\PC-]{1,30}").prop_map(|(at, text)| Damage::Insert { at, text }),
        (index(), 1_usize..4).prop_map(|(line, times)| Damage::RepeatLine { line, times }),
        (index(), index()).prop_map(|(one, other)| Damage::SwapLines { one, other }),
    ]
}

pub fn damaged(text: &str, damage: &Damage) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let mut lines: Vec<&str> = text.lines().collect();
    match damage {
        Damage::Cut { at } => {
            characters.truncate(at.index(characters.len()));
            characters.into_iter().collect()
        }
        Damage::Insert { at, text } => {
            let at = at.index(characters.len());
            characters.splice(at..at, text.chars());
            characters.into_iter().collect()
        }
        Damage::RepeatLine { line, times } => {
            let line = line.index(lines.len());
            for _ in 0..*times {
                lines.insert(line, lines[line]);
            }
            lines.join("\n")
        }
        Damage::SwapLines { one, other } => {
            let (one, other) = (one.index(lines.len()), other.index(lines.len()));
            lines.swap(one, other);
            lines.join("\r\n")
        }
    }
}
